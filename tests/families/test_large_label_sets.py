"""Of a large label set nothing is kept that grows with rows times labels."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest

from components import families
from components.families.base import Facts
from components.families.shared import centroids
from components.families.shared.label_numbers import label_numbers
from components.families.shared.probabilities import KEPT, best_of, most_probable

CLASSES, ROWS = 20_000, 1_000
DENSE = 8 * CLASSES * ROWS  # bytes of a table of rows and classes


def facts(count: int, family: str, **given: Any) -> Facts:
    options = families.get(family).options().model_dump()
    return {"labels": [f"class {number}" for number in range(count)], "options": options, **given}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classification", "relation", "multi_label"])
def test_every_metric_of_20000_labels_is_measured_in_little_memory_with_and_without_each_row(
    name: str,
) -> None:
    family, known = families.get(name), facts(CLASSES, name)
    generator = np.random.default_rng(0)
    numbers = generator.integers(0, CLASSES, (2, ROWS))
    several = name == "multi_label"
    rows, said = (
        [{"labels": [f"class {n}"]} if several else {"label": f"class {n}"} for n in side] for side in numbers
    )
    tracemalloc.start()
    for metric in family.metrics_for(known["options"]):
        statistics = metric.statistics(rows, said, known)
        assert np.isfinite(metric.total(statistics))
        assert np.isfinite(metric.without(statistics)).all()
        assert len(metric.of_each_row(statistics)) == ROWS
    family.report(rows, said, known)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < DENSE / 1.5  # three columns of 8 bytes for each class are kept of some rows at a time alone


@pytest.mark.parametrize("name", ["classification", "multi_label", "relation"])
def test_an_answer_has_the_hundred_best_and_the_label_itself(name: str) -> None:
    family, known = families.get(name), facts(CLASSES, name)
    logits = np.random.default_rng(1).normal(-9, 1, CLASSES).astype(np.float32)
    logits[[7, 11]] = 20, 19
    answer = family.decode(logits, {}, known)
    assert len(answer["probabilities"]) == KEPT
    assert list(answer["probabilities"])[:2] == ["class 7", "class 11"]
    assert answer.get("label", answer.get("labels")) == (
        ["class 7", "class 11"] if name == "multi_label" else "class 7"
    )
    assert len(json.dumps(answer)) < 100 * KEPT
    assert list(family.best_of(answer, 3)["probabilities"]) == list(answer["probabilities"])[:3]


def test_a_small_set_has_every_probability_in_its_own_order() -> None:
    assert most_probable(["b", "a"], np.array([0.2, 0.8])) == {"b": 0.2, "a": 0.8}
    assert list(most_probable(["b", "a"], np.array([0.2, 0.8]))) == ["b", "a"]
    assert list(best_of({"b": 0.2, "a": 0.8}, 1)) == ["a"]


def test_equal_probabilities_keep_their_order() -> None:
    found = most_probable([str(n) for n in range(300)], np.r_[np.full(150, 0.5), np.full(150, 0.6)])
    assert list(found) == [str(n) for n in range(150, 250)]


def test_what_ranks_answers_is_cut_too() -> None:
    ranked = {"answers": [1, 2, 3]}
    assert families.get("retrieval").best_of(ranked, 2) == {"answers": [1, 2]}
    assert families.get("knowledge_graph").best_of({"tails": [1, 2, 3]}, 1) == {"tails": [1]}
    assert families.get("regression").best_of({"score": 1.0}, 1) == {"score": 1.0}


def test_labels_are_numbered_once_for_a_list_and_anew_for_another() -> None:
    first, second = ["a", "b"], ["b", "a"]
    assert label_numbers(first) is label_numbers(first)
    assert (label_numbers(first)["a"], label_numbers(second)["a"]) == (0, 1)


@pytest.mark.parametrize("name", ["classification", "multi_label"])
def test_the_linear_baseline_of_a_large_set_is_the_nearest_centroid(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds what a word tells, in memory that does not grow with labels times words."""
    family = families.get(name)
    monkeypatch.setattr(centroids, "MOST_WEIGHTS", 100)
    several = name == "multi_label"

    def row(number: int, copy: int) -> dict[str, Any]:
        gold = {"labels": [f"c{number}"]} if several else {"label": f"c{number}"}
        return {"text": f"some filler word{number} of {copy}", "text_pair": None, **gold}

    train = [row(number, copy) for number in range(50) for copy in range(2)]
    test = [row(number, 9) for number in range(50)]
    found = family.tfidf_baseline(train, test, facts(50, name))
    assert found == [{key: one[key] for key in found[0]} for one in test]
