from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from great_expectations.expectations import (
    ExpectColumnMeanToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from components.data.validation.suites import evaluate
from components.families.base import Check
from components.families.click.expectations import ExpectFiniteNumbers
from components.families.shared.expectations import (
    ExpectEveryClassInTraining,
    ExpectItemsInSet,
)
from components.families.tagging.expectations import ExpectWellFormedTags, is_well_formed


def ask(expectation: Any, **columns: list[Any]) -> dict[str, Any]:
    """Let Great Expectations evaluate one expectation; examples are row numbers."""
    frame = pd.DataFrame(columns)
    (result,) = evaluate([frame], [Check("asked", expectation)])
    return result


@pytest.mark.parametrize(
    "tags",
    [["O", "O"], ["B-PER", "I-PER"], ["B-PER", "B-PER"], ["O", "B-X-Y"]],
)
def test_legal_bio_is_well_formed(tags: list[str]):
    assert is_well_formed(["Ada", "Lovelace"], tags)


@pytest.mark.parametrize(
    "tags",
    [
        ["I-PER", "O"],  # continues nothing
        ["O", "I-PER"],
        ["B-LOC", "I-PER"],  # continues another type
        ["B-", "O"],  # no type
        ["I", "O"],
        ["X-PER", "O"],
        ["B-PER"],  # too few
        ["B-PER", "O", "O"],
    ],
)
def test_illegal_or_misaligned_tags_are_found(tags: list[str]):
    columns = {"tokens": [["a", "b"], ["Ada", "Lovelace"]], "tags": [["O", "O"], tags]}
    result = ask(ExpectWellFormedTags(column_A="tokens", column_B="tags"), **columns)
    assert (result.status, result.examples) == ("error", [1])


def test_an_item_outside_the_set_is_found():
    expectation = ExpectItemsInSet(column="tags", value_set=["O", "B-PER"])
    assert ask(expectation, tags=[["O"], ["B-PER", "O"]]).status == "pass"
    assert ask(expectation, tags=[["O"], ["O", "B-LOC"]]).examples == [1]


def test_an_infinite_number_beside_a_text_is_found_and_a_missing_one_is_fine():
    rows = [[{"name": "price", "value": value}] for value in (1.5, None, float("inf"), float("nan"))]
    assert ask(ExpectFiniteNumbers(column="numeric"), numeric=rows[:2]).status == "pass"
    assert ask(ExpectFiniteNumbers(column="numeric"), numeric=rows).examples == [2, 3]


def test_an_outcome_that_training_lacks_is_found():
    both = ExpectEveryClassInTraining(column="outcome", classes=["False", "True"], minimum=2)
    result = ask(both, split=["train"] * 3 + ["test"], outcome=[False, True, False, True])
    assert (result.status, result.detail) == ("error", "True 1")


def test_a_class_that_only_a_held_out_split_has_is_absent_from_training():
    columns = {"split": ["train", "train", "test"], "label": ["up", "up", "down"]}
    both = ExpectEveryClassInTraining(column="label", classes=["up", "down"], minimum=1)
    result = ask(both, **columns)
    assert (result.status, result.found, result.detail) == ("error", 1, "down 0")
    assert (
        ask(ExpectEveryClassInTraining(column="label", classes=["up"], minimum=2), **columns).status == "pass"
    )
    assert (
        ask(ExpectEveryClassInTraining(column="label", classes=["up"], minimum=3), **columns).status
        == "error"
    )


def test_entities_count_once_and_only_in_training():
    columns = {"split": ["train", "test"], "tags": [["B-PER", "I-PER", "B-PER"], ["B-PER", "B-LOC"]]}
    two = ExpectEveryClassInTraining(column="tags", classes=["PER"], minimum=2)
    assert ask(two, **columns).status == "pass"
    three = ExpectEveryClassInTraining(column="tags", classes=["LOC", "PER"], minimum=3)
    assert ask(three, **columns).detail == "LOC 0, PER 2"


def test_a_check_that_cannot_be_evaluated_is_a_bug_not_a_pass():
    with pytest.raises(RuntimeError, match="'asked' could not be evaluated"):
        ask(ExpectItemsInSet(column="no_such_column", value_set=[]), tags=[["O"]])


def test_every_check_gets_its_own_result_whatever_order_they_are_evaluated_in():
    frame = pd.DataFrame({"key": ["k"], "split": ["train"], "label": ["up"], "tags": [["O"]]})
    checks = [
        Check("holds", ExpectColumnValuesToNotBeNull(column="label")),
        Check("fails", ExpectEveryClassInTraining(column="label", classes=["down"])),
        Check("holds", ExpectItemsInSet(column="tags", value_set=["O"])),
        Check("fails", ExpectTableRowCountToBeBetween(min_value=2), "warning"),
        Check("holds", ExpectColumnValuesToNotBeNull(column="key")),
        Check("fails", ExpectColumnValuesToBeInSet(column="label", value_set=["down"])),
    ]
    statuses = [(result.title, result.status) for result in evaluate([frame], checks)]
    holds, fails = ("holds", "pass"), ("fails", "error")
    assert statuses == [holds, fails, holds, ("fails", "warning"), holds, fails]


@pytest.mark.parametrize(
    ("expectation", "found", "examples"),
    [
        (ExpectColumnValuesToBeInSet(column="label", value_set=["up"]), 3, [1, 3, 4]),
        (ExpectItemsInSet(column="tags", value_set=["O", "B-X"]), 1, [4]),
        (ExpectEveryClassInTraining(column="label", classes=["up", "down"], minimum=2), 1, []),
        (ExpectEveryClassInTraining(column="tags", classes=["X", "Y"], minimum=1), 0, []),
    ],
)
def test_rows_in_several_frames_are_judged_as_if_in_one(expectation, found: int, examples: list[int]):
    frame = pd.DataFrame(
        {
            "split": ["train", "train", "train", "test", "train"],
            "label": ["up", "down", "up", "down", "odd"],
            "tags": [["O"], ["B-X"], ["O"], ["O"], ["B-Y"]],
        }
    )
    check = [Check("asked", expectation)]
    (whole,) = evaluate([frame], check)
    (parts,) = evaluate([frame[:2], frame[2:4], frame[4:]], check)
    assert parts == whole
    assert (whole.found, whole.examples) == (found, examples)


def test_what_cannot_be_added_up_over_frames_is_a_bug_not_a_pass():
    frame = pd.DataFrame({"score": [1.0, 2.0]})
    with pytest.raises(RuntimeError, match="'asked' cannot be evaluated frame by frame"):
        evaluate([frame[:1], frame[1:]], [Check("asked", ExpectColumnMeanToBeBetween(column="score"))])
