"""Metrics against independent implementations; tags and spans that fit their text; a toy family."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import tasks
from components.tasks.base import BadRowError, text_key
from components.tasks.classification import FAMILY as CLASSIFICATION
from components.tasks.regression import FAMILY as REGRESSION
from components.tasks.regression import Regression
from components.tasks.tagging import FAMILY as TAGGING
from components.tasks.tagging import best_path, entities, to_bio

TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=1, max_size=12)


def metric(family: Any, name: str, rows: list, predictions: list, facts: dict) -> float:
    return float(
        family.value(name, family.statistics(name, rows, predictions, facts).sum(0, keepdims=True))[0]
    )


def test_accuracy_and_macro_f1_are_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score, f1_score

    generator = np.random.default_rng(0)
    labels = ["a", "b", "c", "never"]
    gold, predicted = generator.choice(["a", "b"], 200), generator.choice(["a", "b", "c"], 200)
    rows, predictions = [{"label": g} for g in gold], [{"label": p} for p in predicted]
    facts = {"labels": labels}
    assert metric(CLASSIFICATION, "accuracy", rows, predictions, facts) == pytest.approx(
        accuracy_score(gold, predicted)
    )
    expected = f1_score(gold, predicted, average="macro")
    assert metric(CLASSIFICATION, "macro_f1", rows, predictions, facts) == pytest.approx(expected)


def test_pearson_and_r2_are_scipys_and_scikit_learns() -> None:
    from scipy.stats import pearsonr
    from sklearn.metrics import r2_score

    generator = np.random.default_rng(0)
    gold = generator.normal(3, 2, 300)
    predicted = gold + generator.normal(0, 1, 300)
    rows, predictions = [{"score": g} for g in gold], [{"score": p} for p in predicted]
    facts = {"mean": 3.0}
    assert metric(REGRESSION, "pearson", rows, predictions, facts) == pytest.approx(
        pearsonr(gold, predicted)[0]
    )
    assert metric(REGRESSION, "r2", rows, predictions, facts) == pytest.approx(r2_score(gold, predicted))


def test_a_constant_prediction_has_pearson_zero_not_nan() -> None:
    rows, predictions = [{"score": 1.0}, {"score": 2.0}], [{"score": 1.7}, {"score": 1.7}]
    assert metric(REGRESSION, "pearson", rows, predictions, {"mean": 0.1}) == 0.0


@given(st.lists(st.tuples(TAGS, st.integers(0, 2**32 - 1)), min_size=1, max_size=20))
def test_entity_f1_is_seqevals(sentences: list[tuple[list[str], int]]) -> None:
    from seqeval.metrics import f1_score

    gold = [to_bio(tags) for tags, _ in sentences]
    predicted = [
        to_bio(np.random.default_rng(seed).choice(["O", "B-PER", "I-PER", "B-LOC"], len(tags)).tolist())
        for tags, seed in sentences
    ]
    rows, predictions = [{"tags": tags} for tags in gold], [{"tags": tags} for tags in predicted]
    expected = f1_score(gold, predicted, zero_division=0)
    assert metric(TAGGING, "entity_f1", rows, predictions, {}) == pytest.approx(expected)


@given(TAGS)
def test_a_repaired_sequence_is_well_formed_and_keeps_its_entities(tags: list[str]) -> None:
    repaired = to_bio(tags)
    assert to_bio(repaired) == repaired
    assert entities(repaired) == entities(tags)
    for before, tag in zip(["O", *repaired], repaired, strict=False):
        assert not tag.startswith("I-") or before[2:] == tag[2:]


@pytest.mark.parametrize("tag", ["PER", "X-PER", "B-", "I", ""])
def test_a_tag_that_is_no_bio_is_refused(tag: str) -> None:
    with pytest.raises(BadRowError, match="tag 2 is .* expected O, B-TYPE or I-TYPE"):
        to_bio(["O", tag])


@given(words=st.integers(0, 4), seed=st.integers(0, 10_000))
def test_the_best_path_is_the_best_of_all_well_formed_sequences(words: int, seed: int) -> None:
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    logits = np.random.default_rng(seed).normal(size=(words, 5))
    legal = [
        path for path in itertools.product(range(5), repeat=words) if well_formed([tags[i] for i in path])
    ]
    expected = max(legal, key=lambda path: sum(logits[word, tag] for word, tag in enumerate(path)))
    assert best_path(logits, tags) == [tags[i] for i in expected]


def well_formed(tags: list[str]) -> bool:
    return to_bio(tags) == tags


def test_iob1_reads_as_bio() -> None:
    assert to_bio(["I-PER", "I-PER", "O", "I-LOC", "B-LOC"]) == ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]


def test_truncation_never_shifts_a_label(tiny_encoder: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    tokenizer.enable_truncation(8)
    tokens = ["alice", "unknownword", "london", "bob", "paris"]
    facts = {"labels": ["PER", "LOC"], "tags": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]}
    table = pa.table({"tokens": [tokens], "tags": [["B-PER", "O", "B-LOC", "B-PER", "B-LOC"]]})
    encoded = {name: column[0] for name, column in TAGGING.encode(tokenizer, table, facts).items()}
    assert len(encoded["input_ids"]) == 8
    logits = np.zeros((8, 5))
    for position, target in enumerate(encoded["target"]):
        logits[position, max(target, 0)] = 1
    gold = ["B-PER", "O", "O", "O", "O"]  # words cut off are O
    kept = len(encoded["positions"])
    assert TAGGING.decode(logits, encoded, facts)["tags"][:kept] == table["tags"][0].as_py()[:kept]
    assert TAGGING.decode(logits, encoded, facts)["tags"][kept:] == gold[kept:]


@given(text=st.text(min_size=1, max_size=60))
def test_answered_spans_fit_any_text(tiny_tokenizer: Any, text: str) -> None:
    facts = {"labels": ["PER"], "tags": ["O", "B-PER", "I-PER"]}
    encoding = tiny_tokenizer.encode(text)
    logits = np.random.default_rng(len(text)).normal(size=(len(encoding.ids), 3))
    for entity in TAGGING.answer(logits, encoding, text, facts)["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"] != ""


@pytest.fixture(scope="module")
def tiny_tokenizer(tiny_encoder: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    tokenizer.enable_truncation(32)
    return tokenizer


def test_text_keys_ignore_case_punctuation_and_spacing_only() -> None:
    assert text_key("Hello,  World!") == text_key("hello world")
    assert text_key("hello world") != text_key("helloworld")
    assert text_key("!!!") != text_key("???")


def test_families_are_found_by_their_files() -> None:
    assert {"classification", "regression", "tagging"} <= set(tasks.names())
    with pytest.raises(KeyError):
        tasks.get("ranking")


class Stars(Regression):
    """A toy family that lives in this test module: whole stars from 1 to 5."""

    name = "stars"

    def decode(self, logits: np.ndarray, encoded: dict, facts: dict) -> dict:
        score = super().decode(logits, encoded, facts)["score"]
        return {"score": float(np.clip(round(score), 1, 5))}


def test_a_family_registered_here_trains_and_predicts(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding a family touches no other file: settings, ingest, encoding, training and evaluation take it."""
    from components import settings
    from components.data.encoding import EncodedSplit
    from components.model import multitask
    from components.model.inference import predict
    from components.training.progress import Progress
    from components.training.run import run
    from tests.conftest import encode_project

    monkeypatch.setattr(tasks, "_registered", {})
    tasks.register(Stars())
    params = (tiny_project / "params.yaml").read_text().replace("family: regression", "family: stars")
    (tiny_project / "params.yaml").write_text(params.replace("tokens: 12000", "tokens: 1500"))
    encode_project(tiny_project)
    run(settings.load(), Path(), Progress())
    model = multitask.load(Path("models/multitask"))
    split = EncodedSplit(Path("encoded/closeness/test.arrow"))
    predictions = predict(model, "closeness", split, range(len(split)))
    assert len(predictions) == len(split)
    assert {prediction["score"] for prediction in predictions} <= {1.0, 2.0, 3.0, 4.0, 5.0}
