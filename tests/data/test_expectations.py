from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from great_expectations.expectations import (
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from components.data.expectations import (
    DAMAGE,
    ExpectEveryClassInTraining,
    ExpectItemsInSet,
    ExpectOneValueEach,
    ExpectUndamagedText,
    ExpectWellFormedTags,
    is_well_formed,
)
from components.data.suites import evaluate
from components.tasks.base import Check


def ask(expectation: Any, **columns: list[Any]) -> dict[str, Any]:
    """Let Great Expectations evaluate one expectation; ids are row numbers."""
    frame = pd.DataFrame(columns)
    (result,) = evaluate(frame.assign(id=range(len(frame))), [Check("asked", expectation)])
    return result


def test_one_value_each_holds_where_no_key_has_two_values():
    result = ask(ExpectOneValueEach(column_A="key", column_B="split"), key=list("aab"), split=list("xxy"))
    assert (result["status"], result["found"]) == ("pass", 0)


def test_one_value_each_names_every_row_of_a_key_with_two_values():
    columns = {"key": ["a", "b", "a", "c"], "split": ["train", "train", "test", "test"]}
    result = ask(ExpectOneValueEach(column_A="key", column_B="split"), **columns)
    assert (result["status"], result["found"], result["examples"]) == ("error", 2, [0, 2])


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
    assert (result["status"], result["examples"]) == ("error", [1])


def test_an_item_outside_the_set_is_found():
    expectation = ExpectItemsInSet(column="tags", value_set=["O", "B-PER"])
    assert ask(expectation, tags=[["O"], ["B-PER", "O"]])["status"] == "pass"
    assert ask(expectation, tags=[["O"], ["O", "B-LOC"]])["examples"] == [1]


def test_a_class_that_only_a_held_out_split_has_is_absent_from_training():
    columns = {"split": ["train", "train", "test"], "label": ["up", "up", "down"]}
    both = ExpectEveryClassInTraining(column="label", classes=["up", "down"], minimum=1)
    result = ask(both, **columns)
    assert (result["status"], result["found"], result["detail"]) == ("error", 1, "down 0")
    assert (
        ask(ExpectEveryClassInTraining(column="label", classes=["up"], minimum=2), **columns)["status"]
        == "pass"
    )
    assert (
        ask(ExpectEveryClassInTraining(column="label", classes=["up"], minimum=3), **columns)["status"]
        == "error"
    )


def test_entities_count_once_and_only_in_training():
    columns = {"split": ["train", "test"], "tags": [["B-PER", "I-PER", "B-PER"], ["B-PER", "B-LOC"]]}
    two = ExpectEveryClassInTraining(column="tags", classes=["PER"], minimum=2)
    assert ask(two, **columns)["status"] == "pass"
    three = ExpectEveryClassInTraining(column="tags", classes=["LOC", "PER"], minimum=3)
    assert ask(three, **columns)["detail"] == "LOC 0, PER 2"


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
@pytest.mark.parametrize("text", ["café", "it’s", "£5", "“quoted”", "naïve – yes"])
def test_utf_8_read_as_another_encoding_is_damage(text: str, encoding: str):
    assert DAMAGE.search(text.encode().decode(encoding, "replace"))


@pytest.mark.parametrize("text", ["lost \ufffd", "control \x93quoted\x94", "wait‰Ûªs", "Ù÷â twice misread"])
def test_other_traces_of_a_wrong_encoding_are_damage(text: str):
    assert DAMAGE.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "plain words, 100 % ASCII",
        "“Über” café’s naïve… «À voilà» Spaß… ¿Qué? ¡Ánimo! cœur, Œuvre",
        "50 € – £5 ± 2, 20 °C, 3 × 4 ÷ 2 ≠ √2 ¬p",
        "smörgåsbord ÄÖÜ IRMÃ ŁÓDŹ",
        "日本語 Привет Ελλάδα עברית 👍🏽",
    ],
)
def test_sound_text_of_any_language_is_not_damage(text: str):
    assert DAMAGE.search(text) is None


def test_the_share_of_damaged_texts_decides():
    texts = ["sound"] * 8 + ["cafÃ©", "itâ€™s"]
    assert ask(ExpectUndamagedText(column="text", mostly=0.8), text=texts)["status"] == "pass"
    assert ask(ExpectUndamagedText(column="text", mostly=0.9), text=texts)["status"] == "error"
    assert ask(ExpectUndamagedText(column="text"), text=texts)["examples"] == [8, 9]


def test_a_check_that_cannot_be_evaluated_is_a_bug_not_a_pass():
    with pytest.raises(RuntimeError, match="'asked' could not be evaluated"):
        ask(ExpectUndamagedText(column="no_such_column"), text=["sound"])


def test_every_check_gets_its_own_result_whatever_order_they_are_evaluated_in():
    columns = {"text": ["sound"], "key": ["k"], "split": ["train"], "label": ["up"]}
    frame = pd.DataFrame({"id": ["r"], **columns})
    checks = [
        Check("holds", ExpectOneValueEach(column_A="key", column_B="split")),
        Check("fails", ExpectEveryClassInTraining(column="label", classes=["down"])),
        Check("holds", ExpectUndamagedText(column="text")),
        Check("fails", ExpectTableRowCountToBeBetween(min_value=2), "warning"),
        Check("holds", ExpectColumnValuesToNotBeNull(column="key")),
        Check("fails", ExpectColumnValuesToBeInSet(column="label", value_set=["down"])),
    ]
    statuses = [(result["title"], result["status"]) for result in evaluate(frame, checks)]
    holds, fails = ("holds", "pass"), ("fails", "error")
    assert statuses == [holds, fails, holds, ("fails", "warning"), holds, fails]
