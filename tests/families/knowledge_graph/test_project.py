"""Knowledge graphs from a file to a service, a candidate encoded once; mistakes in params.yaml and in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from components.families.knowledge_graph.family import FAMILY
from tests.params.messages import complaint_of_task

TASK = """
family: knowledge_graph
source: {path: sources/graph.tsv, format: tsv, header: [head, relation, tail], quoting: false}
columns: {head: head, relation: relation, tail: tail}
splits: {validation: 0.2, test: 0.2}
cleaning: {}
max_length: 24
options: {scoring: complex, negatives: 1, top: 3}
gate: {metric: mrr, floor: 0.0, margin: 0.5}
example: {head: alice 3, relation: likes}
"""


def write_graph(folder: Path, people: int = 30) -> None:
    """Everybody likes those after them, and is older than the next; the synthetic names are in the vocabulary."""
    names = [f"{['alice', 'bob'][n % 2]} {n}" for n in range(people)]
    lines = [f"{names[n]}\tlikes\t{names[(n + step) % people]}" for n in range(people) for step in (1, 2, 3)]
    lines += [f"{names[n]}\tolder than\t{names[n + 1]}" for n in range(people - 1)]
    lines += [
        f"{names[0]}\tlikes\t{names[0]}",
        lines[0],
    ]  # a loop is a triple like any other; the last is there twice
    (folder / "sources/graph.tsv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def project(tiny_project: Path) -> Path:
    """The tiny project with one task, a graph."""
    from tests.conftest import encode_project

    params = yaml.safe_load((tiny_project / "params.yaml").read_text())
    params["tasks"] = {"graph": yaml.safe_load(TASK)}
    params["training"]["tokens"] = 2400
    (tiny_project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    write_graph(tiny_project)
    encode_project(tiny_project)
    return tiny_project


@pytest.mark.slow
def test_it_trains_and_the_service_answers_as_the_evaluation_does(project: Path) -> None:
    """The package's index holds every entity; a new one is read; relations are asked both ways."""
    from serving.requests import BadRequestError, parse
    from tests.families.trained import evaluated, service, train

    train()
    predictor, expected = service(), evaluated("graph")

    def ask(**question: Any) -> list[dict[str, Any]]:
        body = json.dumps({"texts": [question]})
        return predictor.predict(parse(body.encode()).texts, None)[0]["graph"].model_dump()["tails"]

    test = pq.read_table("data/graph/test.parquet").to_pylist()
    for row, prediction in zip(test[:6], expected, strict=False):
        found = ask(head=row["head"], relation=row["relation"])
        assert len(found) == 3
        for tail, of_evaluation in zip(found, prediction["tails"], strict=True):
            assert tail["score"] == pytest.approx(of_evaluation["score"], abs=1e-3)
    assert [tail["known"] for tail in ask(head="zoe of whom nobody has heard", relation="likes")] == [
        False
    ] * 3
    assert ask(head="bob 1", relation="inverse of older than") != ask(head="bob 1", relation="older than")
    with pytest.raises(
        BadRequestError, match=r"texts\[0\]: 'relation' is 'like' \(did you mean 'likes'\?\), wh"
    ):
        ask(head="bob 1", relation="like")
    with pytest.raises(BadRequestError, match=r"texts\[0\]: 'head' is empty, expected a text"):
        ask(head=" ", relation="likes")
    with pytest.raises(BadRequestError, match=r"texts\[0\]: no task reads head; they read head and relation"):
        ask(head="bob 1")


def test_a_candidate_is_encoded_once_in_a_micro_batch(project: Path) -> None:
    """And each row is given the states of its own sequences."""
    from components.data.batches.batching import assemble, to_items
    from components.data.encoding.split import EncodedSplit

    split = EncodedSplit(Path("encoded/graph/train.arrow"))
    numbers = range(len(split))
    heads = {"graph": ("graph", set(numbers))}
    input_ids, mask, _, given_rows = assemble({"graph": split}, to_items(split, "graph", numbers), heads)
    read = [ids[real.bool()].numpy().tobytes() for ids, real in zip(input_ids, mask, strict=True)]
    assert len(set(read)) == len(read) == 30
    for row, places in zip(numbers, given_rows["graph"].places, strict=True):
        own = [np.asarray(ids, dtype=np.int64).tobytes() for ids, _ in split.sequences(row)]
        assert [read[place] for place in places] == own


def test_the_gradient_of_shared_sequences_is_that_of_a_plain_backward_pass(project: Path) -> None:
    """Of all of the encoder's parameters, as the packed pass finds it, to 1e-4."""
    from components.data.batches.batching import micro_batches
    from components.data.encoding.split import EncodedSplit, cards_of
    from components.model.multitask import MultiTaskModel
    from components.training.gradients.packed import PackedGradients
    from components.training.gradients.separate import task_gradients

    cards = cards_of(Path("encoded/graph"))
    model = MultiTaskModel.from_encoder(Path("encoder"), cards, 0.0, 1).train()
    splits = {"graph": EncodedSplit(Path("encoded/graph/train.arrow"))}
    (micro,) = micro_batches(splits, cards, {"graph": np.arange(12)}, 9999, packed=True)

    def loss() -> torch.Tensor:
        logits = model(micro.input_ids_BL, micro.mask_BL, micro.segment_ids_BL, micro.heads)["graph"]
        return FAMILY.loss(logits, micro.targets["graph"], cards["graph"]["facts"])

    loss().backward()
    expected = [parameter.grad for parameter in model.encoder.parameters()]
    model.zero_grad()
    gradients = task_gradients(model, ["graph"])
    assert isinstance(gradients, PackedGradients)
    with gradients:
        gradients.backward({"graph": loss()}, micro.mask_BL, micro.heads)
    gradients.apply({"graph": 1.0}, {"graph": 1.0})
    for parameter, plain in zip(model.encoder.parameters(), expected, strict=True):
        if plain is not None and parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, plain, rtol=1e-4, atol=1e-6)
    squares = sum(float(plain.square().sum()) for plain in expected if plain is not None)
    assert gradients.gramian()[0, 0] == pytest.approx(squares, rel=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("scoring: complex", "scoring: rotate", "options.scoring: found 'rotate', input should be 'transe', 'distmult' or 'complex'"),
        ("negatives: 1", "negatives: -1", "options.negatives: found -1"),
        ("top: 3", "tops: 3", "options.tops: unknown option (did you mean 'top'?)"),
        ("relation: relation, ", "", "columns.relation: missing; knowledge_graph needs it"),
        (", tail: tail", "", "columns.tail: missing; knowledge_graph needs it"),
        ("metric: mrr", "metric: hits@10", "gate.metric: knowledge_graph has no metric 'hits@10' (did you mean 'hits_at_10'?)"),
        ("max_length: 24", "max_length: 1", "max_length: found 1"),
        (", relation: likes}", "}", "example: found head, expected head and relation"),
    ],
)  # fmt: skip
def test_a_mistake_in_params_is_one_sentence(tiny_project: Path, old: str, new: str, sentence: str) -> None:
    write_graph(tiny_project)
    assert f"tasks.graph.{sentence}" in complaint_of_task(tiny_project, "graph", TASK, old, new)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "sources/graph.tsv: no rows, expected at least one"),
        (["a\tlikes\tb", "a\tlikes\t "], "sources/graph.tsv, row 2: 'tail' is empty, expected a text"),
        (["a\tlikes\ta"] * 9, "no rows are left for graph's "),
    ],
)
def test_a_bad_file_is_one_sentence(tiny_project: Path, lines: list[str], sentence: str) -> None:
    from components.data.ingest.ingest import ingest
    from components.errors import UserError
    from components.settings.project import Task

    (tiny_project / "sources/graph.tsv").write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(UserError, match=sentence):
        ingest("graph", Task.model_validate(yaml.safe_load(TASK)), 1, Path("data/graph"))


def test_a_triple_that_is_there_twice_counts_once(project: Path) -> None:
    report = json.loads(Path("data/graph/ingest.json").read_text())
    assert report["removed"]["duplicates"] == 1
    found = [
        row
        for split in ("train", "validation", "test")
        for row in pq.read_table(f"data/graph/{split}.parquet").to_pylist()
    ]
    triples = [(row["head"], row["relation"], row["tail"]) for row in found]
    assert len(set(triples)) == len(triples) == 30 * 3 + 29 + 1
    assert ("alice 0", "likes", "alice 0") in triples


def test_a_field_that_two_families_type_differently_is_read_as_either() -> None:
    """An entity is a text, the head of a relation in a text is a span of it; a mistake in either is one
    sentence without a type's name."""
    from serving.requests import BadRequestError, parse

    for head in ("paris", {"start": 0, "end": 5}):
        (item,) = parse(json.dumps({"texts": [{"head": head}]}).encode()).texts
        assert item.model_dump(exclude_none=True) == {"head": head}
    with pytest.raises(BadRequestError, match=r"^texts\[0\]\.head\.end: missing$"):
        parse(b'{"texts": [{"head": {"start": 0}}]}')
    with pytest.raises(
        BadRequestError, match=r"^texts\[0\]\.head: found a number, expected a string or an obj"
    ):
        parse(b'{"texts": [{"head": 3}]}')
