"""A task answers alike alone and beside others, in the service and in the evaluation, whatever its cut."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from components import params
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.files import atomic_folder
from components.model import saving
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from serving.predictor import Predictor
from serving.requests import Item
from tests.conftest import WORDS, encode_project

pytestmark = pytest.mark.slow  # what it asks is made in seconds
BASE: dict[str, Any] = {
    "source": {"path": "rows", "format": "jsonl", "files": {"train": "rows.jsonl"}},
    "splits": {"validation": 0.2, "test": 0.4},
    "cleaning": {},
    "example": {"text": "good"},
}
CUTS = {"mood": 8, "topics": 12, "level": 10, "score": 16, "tags": 20, "alike": 14}


def of(family: str, metric: str, columns: dict[str, str], **more: Any) -> dict[str, Any]:
    gate = {"metric": metric, "floor": -9.0, "margin": 0.5}
    return {**BASE, "family": family, "columns": {"text": "text", **columns}, "gate": gate, **more}


TASKS = {
    "mood": of(
        "classification",
        "accuracy",
        {"label": "mood"},
        joint={"size": {"family": "ordinal", "columns": {"label": "level"}, "labels": ["low", "mid", "high"],
                        "gate": {"metric": "accuracy", "floor": 0.0, "margin": 0.5}}},
    ),
    "topics": of("multi_label", "micro_f1", {"labels": "topics"}),
    "level": of("ordinal", "accuracy", {"label": "level"}),
    "score": of("regression", "pearson", {"score": "score"}),
    "tags": of("tagging", "token_accuracy", {"tokens": "words", "tags": "tags"}, options={"scheme": "plain"}),
    "alike": of("regression", "pearson", {"text_pair": "pair", "score": "score"},
                example={"text": "good", "text_pair": "bad"}),
}  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """Of 2 to 60 words: shorter than every cut, between two of them, and longer than all."""
    random_ = random.Random(3)
    found = []
    for number in range(90):
        words = [
            random_.choice([one for one in WORDS if one.isalpha()]) for _ in range(random_.randint(2, 60))
        ]
        found.append(
            {
                "text": " ".join(words),
                "pair": " ".join(reversed(words)),
                "mood": ["up", "down"][number % 2],
                "topics": ["a,b", "b", "c"][number % 3],
                "level": ["low", "mid", "high"][number % 3],
                "score": float(number),
                "words": words,
                "tags": [["N", "V"][len(word) % 2] for word in words],
            }
        )
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """Encoded, with a model whose heads are random."""
    root = tmp_path_factory.mktemp("agreement")
    shutil.copytree(tiny_encoder, root / "encoder")
    (root / "rows").mkdir()
    (root / "rows/rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows()))
    from tests.conftest import PARAMS

    given = yaml.safe_load(PARAMS)
    given["tasks"] = {name: {**task, "max_length": CUTS[name]} for name, task in TASKS.items()}
    given["tasks"]["level"]["source"] = {**BASE["source"], "labels": ["low", "mid", "high"]}
    given["tasks"]["tags"]["columns"].pop("text")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        (root / "params.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
        encode_project(root)
        cards = {head: card for name in TASKS for head, card in cards_of(root / "encoded" / name).items()}
        model = MultiTaskModel.from_encoder(root / "encoder", cards, 0.0, 5)
        torch.manual_seed(1)
        for head in model.heads.values():
            for parameter in head.parameters():
                torch.nn.init.normal_(parameter, std=1.0)
        with atomic_folder(root / "model") as folder:
            saving.save_apart(model, folder, [])
            shutil.copy(root / "encoder/tokenizer.json", folder)
    return root


def said(answer: Any) -> dict[str, Any]:
    """Of the service, as the evaluation predicts."""
    found = answer.model_dump()
    return {"tags": [token["tag"] for token in found["tokens"]]} if "tokens" in found else found


def same(one: Any, other: Any) -> bool:
    """To 1e-4, which is what other company in a batch does to 32 bits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == (pytest.approx(other, rel=1e-4, abs=1e-4) if isinstance(one, float) else other)


@pytest.mark.parametrize("head", [*CUTS, "size"])
def test_a_task_answers_alike_alone_beside_others_and_in_the_evaluation(
    project: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    task = params.load().heads()[head][0]
    predictor = Predictor(project / "model")
    split = EncodedSplit(project / "encoded" / task / "test.arrow")
    evaluated = predict(saving.load(project / "model"), task, split, range(len(split)))[head]
    asked = labelled_rows(project / "data" / task, "test", head)
    assert {len(row["text"].split()) > CUTS[task] for row in asked} == {True, False}
    for row, expected in zip(asked[:20], evaluated, strict=False):
        pair = row.get("text_pair")
        item = Item(text=row["text"], text_pair=pair) if pair else row["text"]
        alone, beside = (predictor.predict([item], names)[0][head] for names in ([head], None))
        assert same(said(alone), expected)
        assert same(said(beside), said(alone))
