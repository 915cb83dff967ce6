"""Rows of every family with random answers to them: as few as there may be, as monotonous as they may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from components.families.base import Facts, Family, Prediction, Row

LABELS = ["a", "b", "c", "d"]
WORDS = ("the", "cat", "sat", "on", "mats", "!")
TAGS = ["O", "B-PER", "I-PER", "B-LOC"]
Draw = np.random.Generator
Kind = Literal["random", "constant answers", "one class", "one class, constant answers", "right"]
KINDS: tuple[Kind, ...] = ("random", "constant answers", "one class", "one class, constant answers", "right")


@dataclass(frozen=True)
class Maker:
    """How a family's rows and answers are drawn."""

    row: Callable[[Draw], Row]
    answer: Callable[[Draw, Row], Prediction]
    right: Callable[[Row], Prediction]
    facts: Facts = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # that have no default

    def rows(self, kind: Kind, count: int, draw: Draw) -> list[Row]:
        """So many; of one class all are the same one."""
        same = kind.startswith("one class")
        seed = int(draw.integers(1 << 30))
        return [self.row(np.random.default_rng(seed) if same else draw) for _ in range(count)]

    def answers(self, kind: Kind, rows: list[Row], draw: Draw) -> list[Prediction]:
        """To each row."""
        if kind == "right":
            return [self.right(row) for row in rows]
        same = kind.endswith("constant answers")
        seed = int(draw.integers(1 << 30))
        return [self.answer(np.random.default_rng(seed) if same else draw, row) for row in rows]

    def facts_of(self, family: Family) -> Facts:
        """With the family's options."""
        return {**self.facts, "options": family.options(**self.options).model_dump()}


def _text(draw: Draw) -> str:
    return " ".join(draw.choice(WORDS, draw.integers(0, 6)))


def _one_label(labels: list[str]) -> Maker:
    def answer(draw: Draw, row: Row) -> Prediction:
        p = draw.dirichlet(np.ones(len(labels))).tolist()
        best = int(np.argmax(p))
        return {
            "label": labels[best],
            "probability": p[best],
            "probabilities": dict(zip(labels, p, strict=True)),
        }

    def right(row: Row) -> Prediction:
        return {"label": row["label"], "probability": 1.0, "probabilities": {row["label"]: 1.0}}

    return Maker(lambda draw: {"label": str(draw.choice(labels))}, answer, right, {"labels": labels})


def _labels(draw: Draw) -> list[str]:
    return [label for label in LABELS if draw.random() < 0.4]


def _span(draw: Draw) -> Row:
    context = " ".join(WORDS)
    start = int(draw.integers(0, 9))
    found = [{"text": context[start : start + 4], "start": start}] if draw.random() < 0.7 else []
    return {"context": context, "answers": found}


def _place(draw: Draw, row: Row) -> Prediction:
    start = int(draw.integers(0, 9)) if draw.random() < 0.7 else None
    return {"start": start, "end": None if start is None else start + 4, "score": draw.normal()}


def _at(row: Row) -> Prediction:
    start = row["answers"][0]["start"] if row["answers"] else None
    return {"start": start, "end": None if start is None else start + 4, "score": 1.0}


def _ranking(draw: Draw, row: Row) -> Prediction:
    return {"ranking": [{"id": str(one), "score": 1.0} for one in draw.permutation(LABELS)[:3]]}


def _ranks(draw: Draw, row: Row) -> Prediction:
    return {"tails": [], "ranks": draw.choice([1.0, 1.5, 2.0, 40.0, np.inf], 2).tolist()}


def _guessed(draw: Draw, row: Row) -> Prediction:
    hidden = int(draw.integers(0, 4))
    return {
        "hidden": hidden,
        "guessed": int(draw.integers(0, hidden + 1)),
        "log_likelihood": -float(hidden * draw.exponential()),
    }


MAKERS = {
    **dict.fromkeys(("classification", "ordinal"), _one_label(LABELS)),
    **dict.fromkeys(("sentence_order", "context_prediction"), _one_label(LABELS[:2])),
    "relation": _one_label(["none", *LABELS]),
    "multi_label": Maker(
        row=lambda draw: {"labels": _labels(draw)},
        answer=lambda draw, row: {
            "labels": _labels(draw),
            "probabilities": dict(zip(LABELS, draw.random(4).tolist(), strict=True)),
        },
        right=lambda row: {"labels": row["labels"], "probabilities": dict.fromkeys(row["labels"], 1.0)},
        facts={"labels": LABELS},
    ),
    "tagging": Maker(
        row=lambda draw: {"tags": draw.choice(TAGS, 5).tolist()},
        answer=lambda draw, row: {"tags": draw.choice(TAGS, 5).tolist()},
        right=lambda row: {"tags": row["tags"]},
        facts={"labels": ["LOC", "PER"]},
    ),
    "regression": Maker(
        row=lambda draw: {"score": float(draw.normal())},
        answer=lambda draw, row: {"score": float(draw.normal())},
        right=lambda row: {"score": row["score"]},
        facts={"mean": 0.0, "deviation": 1.0},
    ),
    "click": Maker(
        row=lambda draw: {"outcome": bool(draw.random() < 0.2)},
        answer=lambda draw, row: {"probability": float(draw.random())},
        right=lambda row: {"probability": float(row["outcome"])},
        facts={"rate": 0.2},
    ),
    "span": Maker(row=_span, answer=_place, right=_at),
    "multiple_choice": Maker(
        row=lambda draw: {"answer": int(draw.integers(3))},
        answer=lambda draw, row: {"answer": int(draw.integers(3))},
        right=lambda row: {"answer": row["answer"]},
    ),
    "retrieval": Maker(
        row=lambda draw: {"answer": str(draw.choice(LABELS))},
        answer=_ranking,
        right=lambda row: {"ranking": [{"id": row["answer"], "score": 1.0}]},
        facts={"templates": dict.fromkeys(LABELS, "")},
    ),
    "knowledge_graph": Maker(
        row=lambda draw: {"head": "a", "relation": "is", "tail": "b"},
        answer=_ranks,
        right=lambda row: {"tails": [], "ranks": [1.0, 1.0]},
        facts={"relations": ["is"], "entities": ["a", "b"]},
    ),
    "generation": Maker(
        row=lambda draw: {"target": _text(draw) or "x"},
        answer=lambda draw, row: {"text": _text(draw), "complete": True},
        right=lambda row: {"text": row["target"], "complete": True},
    ),
    "masked_lm": Maker(
        row=lambda draw: {"words": 3},
        answer=_guessed,
        right=lambda row: {"hidden": 1, "guessed": 1, "log_likelihood": 0.0},
    ),
}  # fmt: skip
