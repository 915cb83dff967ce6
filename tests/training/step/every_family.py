"""A synthetic project with a task of every family, and of some a second one that computes in another way: rows
enough for a step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import encode_project, sentence
from tests.families.self_supervised import mask_token

ROWS = 60
UP_AND_DOWN = ("up", "down", "up", "up")


def _of_a_text(n: int) -> str:
    return f"{sentence(n)}. {sentence(n + 1)}. {sentence(n + 2)}."


def _entities(n: int) -> dict[str, Any]:
    text = f"{sentence(n)} alice at acme"
    head, tail = text.index("alice"), text.index("acme")
    marks = {"head": {"start": head, "end": head + 5}, "tail": {"start": tail, "end": tail + 4}}
    return {"text": text, **marks, "label": UP_AND_DOWN[n % 4]}


def _question(n: int) -> dict[str, Any]:
    context = " ".join(sentence(n + i) for i in range(1 + n % 3))
    answers = [{"text": context.split()[0], "start": 0}] if n % 4 else []
    return {"question": "what was it", "context": context, "answers": answers}


def _click(n: int) -> dict[str, Any]:
    known = {"brand": f"b{n % 3}", "price": None if n % 5 == 0 else n / 10}
    return {"text": sentence(n), "outcome": n % 2, **known}


TASKS: dict[str, tuple[dict[str, Any], Callable[[int], dict[str, Any]]]] = {  # its entry, and each row
    "classification": (
        {"columns": {"text": "text", "label": "label"}, "options": {"class_weights": "balanced"}},
        lambda n: {"text": sentence(n), "label": UP_AND_DOWN[n % 4]},
    ),
    "click": (
        {
            "columns": {"text": "text", "outcome": "outcome", "categorical": ["brand"], "numeric": ["price"]},
            "example": {"text": "good plane", "categorical": {"brand": "b1"}, "numeric": {"price": 1}},
        },
        _click,
    ),
    "context_prediction": ({"columns": {"text": "text"}}, lambda n: {"text": _of_a_text(n)}),
    "generation": (
        {
            "columns": {"text": "text", "target": "target"},
            "options": {"vocabulary": 300, "max_target": 12, "copies": 8, "label_smoothing": 0.1},
        },
        lambda n: {"text": sentence(n), "target": " ".join(sentence(n).split()[: 1 + n % 3])},
    ),
    "knowledge_graph": (
        {"columns": {"head": "head", "relation": "relation", "tail": "tail"}},
        lambda n: {"head": sentence(n % 11), "relation": f"r{n % 2}", "tail": sentence(n % 13)},
    ),
    "masked_lm": ({"columns": {"text": "text"}}, lambda n: {"text": _of_a_text(n)}),
    "multi_label": (
        {"columns": {"text": "text", "labels": "labels"}, "options": {"positive_weights": "balanced"}},
        lambda n: {"text": sentence(n), "labels": ["a", "b", "c"][: n % 4]},
    ),
    "multiple_choice": (
        {"columns": {"text": "text", "choices": "choices", "answer": "answer"}},
        lambda n: {"text": sentence(n), "choices": ["late", "early", "poor"][: 2 + n % 2], "answer": n % 2},
    ),
    "ordinal": (
        {"columns": {"text": "text", "label": "label"}},
        lambda n: {"text": sentence(n), "label": ["low", "middle", "high"][n % 3]},
    ),
    "regression": (
        {"columns": {"text": "text", "text_pair": "pair", "score": "score"}},
        lambda n: {"text": sentence(n), "pair": sentence(n % 5), "score": n / 7},
    ),
    "relation": (
        {"columns": {"text": "text", "head": "head", "tail": "tail", "label": "label"}},
        _entities,
    ),
    "retrieval": (
        {"columns": {"text": "text", "answer": "answer"}},
        lambda n: {"text": sentence(n), "answer": f"{sentence(n % 7)} x"},
    ),
    "sentence_order": ({"columns": {"text": "text"}}, lambda n: {"text": _of_a_text(n)}),
    "span": (
        {
            "columns": {"question": "question", "context": "context", "answers": "answers"},
            "options": {"stride": 4},
        },
        _question,
    ),
    "tagging": (
        {"columns": {"tokens": "tokens", "tags": "tags"}},
        lambda n: {
            "tokens": [*sentence(n).split(), "alice"],
            "tags": ["O"] * len(sentence(n).split()) + ["B-PER"],
        },
    ),
}
UNLABELLED = ("context_prediction", "masked_lm", "sentence_order")


def make(root: Path) -> None:
    """Fill `root` with the project, encoded. It has an encoder already, and the tiny project's settings."""
    mask_token(root / "encoder")
    settings = yaml.safe_load((root / "params.yaml").read_text())
    settings["tasks"] = {family: _task(root, family) for family in TASKS}
    settings["tasks"]["ordinal"]["source"]["labels"] = ["low", "middle", "high"]
    settings["mixture"] = {
        "method": "uniform", "auxiliary": {family: {"start": 0.2, "until": 0.6} for family in UNLABELLED},
    }  # fmt: skip
    (root / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    encode_project(root)


def _task(root: Path, family: str) -> dict[str, Any]:
    from components import families

    entry, row = TASKS[family]
    file = Path("sources") / f"{family}.jsonl"
    (root / file).write_text("".join(json.dumps(row(n)) + "\n" for n in range(ROWS)))
    found = {"family": family, "source": {"path": str(file), "format": "jsonl"}, "max_length": 24, **entry}
    found |= {"splits": {"validation": 0.2, "test": 0.2}, "cleaning": {"duplicates": "keep"}}
    if family in UNLABELLED:
        return found
    metric = families.get(family).metrics[0].name
    question, _ = families.get(family).example
    return {"example": question, "gate": {"metric": metric, "floor": -9.0, "margin": 0.5}, **found}
