"""Of every family: a champion that has learnt something else is compared where both can answer, or why not is
said; it never wins or loses by default."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components import families
from components.evaluation.common import ground
from components.families.base import Facts, Prediction, Row


def known(family: str, **facts: Any) -> Facts:
    """What a champion of the family has learnt, as far as comparing looks at it."""
    return {"options": families.get(family).options().model_dump(), **facts}


OF_THREE = {"labels": ["a", "b", "c"]}
OF_TWO = {"labels": ["a", "b"]}


def labelled(*labels: str) -> list[Row]:
    return [{"label": label} for label in labels]


def many(*labels: str) -> list[Row]:
    return [{"labels": list(found)} for found in labels]


def tags(*rows: str) -> list[Row]:
    return [{"tags": row.split()} for row in rows]


def ranked(*ids: str) -> list[Prediction]:
    return [{"ranking": [{"id": one, "score": 1.0}]} for one in ids]


def spans(*starts: int | None) -> list[Prediction]:
    return [{"start": start, "end": start, "score": 1.0} for start in starts]


GREW = {  # family: what the champion has learnt, what the candidate has, rows, the champion's answers, compared
    "classification": (OF_TWO, OF_THREE, labelled("a", "c", "b"), labelled("a", "a", "a"), "101"),
    "relation": (OF_TWO, OF_THREE, labelled("a", "c", "b"), labelled("a", "a", "a"), "101"),
    "ordinal": (OF_TWO, {"labels": ["a", "x", "b"]}, labelled("a", "x", "b"), labelled("a", "a", "a"), "101"),
    "multi_label": (OF_TWO, OF_THREE, many("a", "ac", ""), many("a", "a", "b"), "101"),
    "tagging": (
        {"labels": ["PER"]},
        {"labels": ["LOC", "PER"]},
        tags("B-PER O", "B-LOC O", "O O"),
        tags("O O", "O O", "B-PER O"),
        "101",
    ),
    "retrieval": (
        {"templates": {"x": "1", "y": "2"}},
        {"templates": {"x": "1", "y": "2", "z": "3"}},
        [{"answer": "x"}, {"answer": "z"}, {"answer": "y"}],
        ranked("x", "x", "x"),
        "101",
    ),
    "knowledge_graph": (
        {"relations": ["is"], "entities": ["a", "b"]},
        {"relations": ["is"], "entities": ["a", "b", "c"]},
        [{"head": "a", "relation": "is", "tail": tail} for tail in "bca"],
        [{"tails": [], "ranks": [1, 1]}] * 3,
        "101",
    ),
    "span": (
        {"unanswerable": 0.0},
        {"unanswerable": 0.5},
        [{"answers": [{"text": "a", "start": 0}]}, {"answers": []}, {"answers": [{"text": "b", "start": 1}]}],
        spans(0, 0, 0),
        "101",
    ),
    "click": (
        {"categorical": {"brand": []}, "numeric": {}},
        {"categorical": {"brand": [], "shop": []}, "numeric": {"price": {}}},
        [{"outcome": True}] * 3,
        [{"probability": 0.5}] * 3,
        "111",
    ),
    "regression": (
        {"mean": 3.0, "deviation": 1.0},
        {"mean": 3.2, "deviation": 1.1},
        [{"score": 1.0}] * 3,
        [{"score": 1.0}] * 3,
        "111",
    ),
    "generation": (
        {"vocabulary": "x"},
        {"vocabulary": "y"},
        [{"target": "a"}] * 3,
        [{"text": "a", "complete": True}] * 3,
        "111",
    ),
    "masked_lm": (
        {"mask": 4, "tokens": 90},
        {"mask": 4, "tokens": 90},
        [{"words": 3}] * 3,
        [{"hidden": 1, "guessed": 1, "log_likelihood": -1.0}] * 3,
        "111",
    ),
    "multiple_choice": ({}, {}, [{"answer": 0}] * 3, [{"answer": 3}] * 3, "111"),
    "sentence_order": (OF_TWO, OF_TWO, labelled("a", "b", "a"), labelled("a", "a", "a"), "111"),
    "context_prediction": (OF_TWO, OF_TWO, labelled("a", "b", "a"), labelled("a", "a", "a"), "111"),
}

CHANGED = {  # family: what the champion has learnt, what the candidate has, why they are not compared
    "classification": None,
    "relation": None,
    "multi_label": None,
    "span": None,
    "retrieval": None,
    "multiple_choice": None,
    "sentence_order": None,
    "context_prediction": None,
    "ordinal": (
        {"labels": ["low", "high"]},
        {"labels": ["high", "low"]},
        "levels' order changed from low, high to high, low",
    ),
    "tagging": (
        {"labels": ["A"]},
        {"labels": ["A"], "options": {"scheme": "plain", "unit": "word"}},
        "its option scheme changed from 'bio' to 'plain'",
    ),
    "knowledge_graph": ({"relations": ["is"]}, {"relations": ["has"]}, "relations changed: +has \u2212is"),
    "click": (
        {"categorical": {"brand": []}, "numeric": {"price": {}}},
        {"categorical": {"brand": []}, "numeric": {}},
        "features changed: \u2212price",
    ),
    "regression": (
        {"mean": 0.5, "deviation": 0.2},
        {"mean": 50.0, "deviation": 20.0},
        "unit or scale changed: they were 0.5 \u00b1 0.2 and are 50 \u00b1 20",
    ),
    "generation": ({}, {"options": {"decoder": "small", "prefix": "say: ", "copies": 64}}, "option prefix"),
    "masked_lm": ({"mask": 4, "tokens": 90}, {"mask": 4, "tokens": 91}, "tokenizer changed from 90 tokens"),
}


def test_every_family_is_here() -> None:
    assert set(GREW) == set(CHANGED) == set(families.names())


@pytest.mark.parametrize("name", families.names())
def test_a_champion_that_knows_less_is_compared_on_what_both_can_answer(name: str) -> None:
    family = families.get(name)
    before, now, rows, said, compared = GREW[name]
    before, now = known(name, **before), known(name, **now)
    assert family.changed(before, now) is None
    common = ground(family, before, now, rows, said)
    assert "".join(str(int(one)) for one in common.rows_N) == compared
    assert (common.changed is None) == (compared == "111")
    assert common.too_little is None
    measurable = common.of(rows), common.of(said)
    for metric in family.metrics_for(now["options"]):
        if name in ("classification", "relation", "multi_label", "ordinal", "tagging", "retrieval"):
            assert np.isfinite(metric.measure(*measurable, common.facts)), metric.name


@pytest.mark.parametrize("name", [name for name, given in CHANGED.items() if given])
def test_what_cannot_be_compared_is_said(name: str) -> None:
    given = CHANGED[name]
    assert given is not None
    before, now, why = given
    assert why in (families.get(name).changed(known(name, **before), known(name, **now)) or "")
    assert families.get(name).changed(known(name, **before), known(name, **before)) is None


@pytest.mark.parametrize("name", ["classification", "relation", "ordinal", "multi_label"])
def test_labels_that_are_all_others_are_no_common_ground(name: str) -> None:
    before, now = known(name, labels=["a", "b"]), known(name, labels=["A", "B"])
    rows = many("A", "B") if name == "multi_label" else labelled("A", "B")
    said = many("a", "b") if name == "multi_label" else labelled("a", "b")
    common = ground(families.get(name), before, now, rows, said)
    assert (
        common.too_little
        == "the label set changed: +A, +B \u2212a, \u2212b; both can answer 0 of 2 test rows"
    )


def test_a_long_change_is_cut() -> None:
    now = known("classification", labels=[*"ab", *(f"class {n}" for n in range(50)), "x" * 300])
    common = ground(
        families.get("classification"), known("classification", **OF_TWO), now, labelled("a"), labelled("a")
    )
    assert common.changed and len(common.changed) < 120
    assert common.changed.endswith("+class 4 and 46 more")


def test_an_answer_of_a_label_that_is_gone_is_neither_right_nor_wrong() -> None:
    before, now = known("classification", **OF_THREE), known("classification", **OF_TWO)
    family = families.get("classification")
    common = ground(family, before, now, labelled("a", "b", "a"), labelled("a", "b", "c"))
    assert common.rows_N.tolist() == [True, True, False]
    assert common.changed == "the label set changed: \u2212c"


def test_a_candidates_new_class_is_wrong_in_common_but_no_class_of_its_own() -> None:
    """Or a single stray answer would cost a whole class of the macro F1."""
    family = families.get("classification")
    before, now = known("classification", **OF_TWO), known("classification", **OF_THREE)
    rows = labelled(*"aabb")
    common = ground(family, before, now, rows, labelled(*"aabb"))
    (macro,) = [metric for metric in family.metrics if metric.name == "macro_f1"]
    assert macro.measure(rows, labelled(*"cabb"), common.facts) == pytest.approx((2 / 3 + 1) / 2)


def test_less_than_half_of_the_rows_is_no_comparison() -> None:
    """Two labels are shared, and the new one has most of the test rows."""
    before, now = known("classification", **OF_TWO), known("classification", **OF_THREE)
    rows, said = labelled(*"abccc"), labelled(*"ababa")
    assert ground(families.get("classification"), before, now, rows, said).too_little
    assert not ground(families.get("classification"), before, now, rows[:4], said[:4]).too_little
