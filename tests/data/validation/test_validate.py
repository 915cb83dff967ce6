from __future__ import annotations

from pathlib import Path
from typing import Any

import polars
import pyarrow.parquet as pq
import pytest

from components.data.validation.records import BetweenTasks, TaskValidation
from components.data.validation.validate import between_tasks, summarise, validate_task
from components.errors import UserError
from components.settings.data import Cleaning
from components.settings.project import Checks
from tests.data.folders import Rows, sound_rows, write_folder

CHECKS = Checks(min_rows=20, min_rows_per_class=10, max_characters=200, max_damaged_share=0.2)
NO_LEAKS = BetweenTasks(leaks={}, exclude={})
FAMILIES = ["classification", "regression", "tagging"]


def validate(root: Path, family: str, rows: Rows, **cleaning: Any) -> TaskValidation:
    return validate_task(write_folder(root, family, rows), Cleaning(**cleaning), CHECKS)


def failures(report: TaskValidation) -> dict[str, tuple[str, list[str]]]:
    """Title -> (status, ids of the example rows), of the checks that do not hold."""
    return {check.title: (check.status, check.examples) for check in report.checks if check.status != "pass"}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_sound_data_passes_every_check(tmp_path: Path, family: str):
    report = validate(tmp_path, family, sound_rows(family))
    assert failures(report) == {}
    assert report.rows == {"train": 24, "validation": 24, "test": 24}
    assert report.lengths is not None
    assert sum(count for _, _, count in report.lengths.bins) == 72
    assert all(sum(count for _, count in pairs) == 24 for pairs in report.distribution.values())
    assert report.ingest.removed["duplicates"] == 1


def test_a_text_in_two_splits_is_an_error_whatever_its_case_and_punctuation(tmp_path: Path):
    rows = sound_rows("classification")
    rows["test"][3]["text"] = rows["train"][4]["text"].upper() + "!!"
    rows["test"][3]["label"] = rows["train"][4]["label"]
    found = failures(validate(tmp_path, "classification", rows))
    assert found == {"no text in two splits": ("error", ["toy-train-4", "toy-test-3"])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("conflicts", "status"), [("drop", "error"), ("majority", "error"), ("keep", "warning")]
)
def test_conflicting_targets_are_an_error_where_ingest_should_have_removed_them(
    tmp_path: Path, conflicts: str, status: str
):
    rows = sound_rows("classification")
    rows["train"][1]["text"] = rows["train"][0]["text"]
    found = failures(validate(tmp_path, "classification", rows, conflicts=conflicts))
    both = ["toy-train-0", "toy-train-1"]
    assert found == {
        "no text with two different targets": (status, both),
        "no text twice in a split": ("warning", both),
    }


def test_a_pair_is_one_text_so_a_document_may_return_in_other_pairs(tmp_path: Path):
    rows = sound_rows("regression")
    for split in rows.values():
        for n, row in enumerate(split):
            row["text_pair"] = row["text"] if n else split[1]["text"]
            row["text"] = "one document meets all the others"
    rows["train"][0]["text_pair"] = "and a text of its own"
    folder = write_folder(tmp_path, "regression", rows, pair=True)
    found = failures(validate_task(folder, Cleaning(), CHECKS))
    assert set(found) == {"no text with two different targets", "no text twice in a split"}  # of row 0 and 1


def test_groups_that_lie_in_two_splits_are_an_error(tmp_path: Path):
    rows = sound_rows("regression")
    rows["train"][0]["groups"] = ["a", "b"]
    rows["train"][1]["groups"] = ["b"]
    rows["test"][0]["groups"] = ["a"]
    found = failures(validate(tmp_path, "regression", rows))
    assert found == {"no group of rows in two splits": ("error", ["toy-train-0", "toy-test-0"])}


def test_a_label_outside_the_set_is_an_error(tmp_path: Path):
    rows = sound_rows("classification")
    rows["test"][2]["label"] = "sideways"
    assert failures(validate(tmp_path, "classification", rows)) == {
        "every label is in the label set": ("error", ["toy-test-2"])
    }


def test_a_class_without_training_rows_is_an_error_and_a_rare_one_a_warning(tmp_path: Path):
    rows = sound_rows("classification")
    for n, row in enumerate(rows["train"]):
        row["label"] = "down" if n == 0 else "up"
    assert failures(validate(tmp_path, "classification", rows)) == {
        "at least 10 training rows per class": ("warning", [])
    }
    rows["train"][0]["label"] = "up"
    found = failures(validate(tmp_path / "again", "classification", rows))
    assert found["every class occurs in training"] == ("error", [])


def test_malformed_tags_and_tags_outside_the_set_are_errors(tmp_path: Path):
    rows = sound_rows("tagging")
    rows["train"][5]["tags"][-2:] = ["O", "I-PER"]
    rows["test"][6]["tags"][-2:] = ["B-LOC", "O"]
    found = failures(validate(tmp_path, "tagging", rows))
    assert found == {
        "tag sequences are well formed (BIO, one tag per token)": ("error", ["toy-train-5"]),
        "every tag is in the tag set": ("error", ["toy-test-6"]),
    }


def test_scores_must_be_numbers_and_are_told_apart_from_scores_beyond_training(tmp_path: Path):
    rows = sound_rows("regression")
    rows["train"][1]["score"] = float("nan")
    rows["test"][2]["score"] = float("inf")
    rows["test"][3]["score"] = 7.0
    found = failures(validate(tmp_path, "regression", rows))
    assert found == {
        "no missing value in column score": ("error", ["toy-train-1"]),
        "every score is a finite number": ("error", ["toy-test-2"]),
        "held-out scores within the range of training": ("warning", ["toy-test-2", "toy-test-3"]),
    }


def test_missing_values_are_an_error_and_the_other_rows_are_still_looked_at(tmp_path: Path):
    rows = sound_rows("tagging")
    rows["train"][0]["tokens"] = None
    rows["train"][1]["tags"] = ["O", None]
    rows["test"][2]["tags"][-2:] = ["O", "I-PER"]
    found = failures(validate(tmp_path, "tagging", rows))
    assert found == {
        "no missing value in column tokens": ("error", ["toy-train-0"]),
        "no missing value in column tags": ("error", ["toy-train-1"]),
        "tag sequences are well formed (BIO, one tag per token)": ("error", ["toy-test-2"]),
    }


@pytest.mark.slow
def test_a_text_above_the_length_limit_is_an_error(tmp_path: Path):
    rows = sound_rows("classification")
    rows["validation"][0]["text"] = "long " * 200_000
    found = failures(validate(tmp_path, "classification", rows))
    assert found == {"texts have 1 to 200 characters": ("error", ["toy-validation-0"])}


def test_some_encoding_damage_is_a_warning_and_much_of_it_an_error(tmp_path: Path):
    rows = sound_rows("classification")
    rows["train"][0]["text"] += " cafÃ©"
    damaged = failures(validate(tmp_path, "classification", rows))
    assert damaged == {"no text with encoding damage": ("warning", ["toy-train-0"])}
    for row in rows["train"]:
        row["text"] += " cafÃ©"
    worse = failures(validate(tmp_path / "again", "classification", rows))
    assert worse["encoding damage in at most 20% of the texts"][0] == "error"


def test_too_few_rows_of_a_split_are_an_error_even_if_there_are_none(tmp_path: Path):
    rows = {**sound_rows("classification"), "validation": []}
    report = validate(tmp_path, "classification", rows)
    assert failures(report) == {"at least 20 rows in validation": ("error", [])}


def test_a_task_without_any_row_is_measured_too(tmp_path: Path):
    report = validate(tmp_path, "tagging", {"train": [], "validation": [], "test": []})
    assert "at least 20 rows in train" in failures(report)
    assert "every tag or entity type occurs in training" in failures(report)


def test_wrong_columns_are_named_and_the_contents_left_alone(tmp_path: Path):
    folder = write_folder(tmp_path, "classification", sound_rows("classification"))
    table = pq.read_table(folder / "test.parquet").drop_columns(["label"])
    pq.write_table(table, folder / "test.parquet")
    report = validate_task(folder, Cleaning(), CHECKS)
    assert report.contents_checked is False
    assert failures(report) == {
        "every column is there and has its type": ("error", ["test.label is absent, expected string"])
    }
    assert between_tasks([folder]) == NO_LEAKS


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_an_unreadable_file_is_one_sentence(tmp_path: Path, damage: str):
    folder = write_folder(tmp_path, "classification", sound_rows("classification"))
    file = folder / "train.parquet"
    whole = file.read_bytes()
    file.unlink()
    if damage == "truncated":
        file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"train\.parquet: (not a readable Parquet file|no such file)"):
        validate_task(folder, Cleaning(), CHECKS)


def test_a_report_names_at_most_five_rows_per_check_by_the_beginning_of_their_texts(tmp_path: Path):
    rows = sound_rows("classification")
    for row in rows["train"]:
        row["text"] = f"café {'cafÃ© ' * 20} whose end is a secret"
    report = validate(tmp_path, "classification", rows)
    text = report.model_dump_json()
    assert "secret" not in text and "text number" not in text
    assert all(len(check.examples) == len(check.rows) <= 5 for check in report.checks)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_at_fault_is_where_the_report_says(tmp_path: Path, family: str):
    """As the page says how to look it up: by its number in its split's file."""
    rows = sound_rows(family)
    rows["test"][3]["text"] = rows["train"][4]["text"]
    rows["validation"][2]["text"] = None
    folder = write_folder(tmp_path, family, rows)
    report = validate_task(folder, Cleaning(), CHECKS)
    named = [row for check in report.checks for row in check.rows]
    assert {(row.split, row.row) for row in named} >= {("train", 4), ("test", 3), ("validation", 2)}
    for row in named:
        stored = polars.read_parquet(folder / f"{row.split}.parquet").row(row.row, named=True)
        assert row.id == stored["id"]
        assert row.text == (stored["text"] or "")
    sentences = summarise({"toy": report}, NO_LEAKS).errors
    assert any("such as train row 4 (“" in sentence and "test row 3 (“" in sentence for sentence in sentences)
    assert any(sentence.endswith("such as validation row 2") for sentence in sentences)  # it has no text


def test_the_same_data_gives_the_same_report(tmp_path: Path):
    first = validate(tmp_path / "a", "tagging", sound_rows("tagging"))
    second = validate(tmp_path / "b", "tagging", sound_rows("tagging"))
    assert first.model_dump_json() == second.model_dump_json()


def three_tasks(root: Path) -> list[Path]:
    """mood trains on two texts that people and stars hold out, on one of them three times."""
    people, mood = sound_rows("tagging", "people"), sound_rows("classification", "mood")
    stars = sound_rows("regression", "stars")
    shared = people["test"][0]["text"]
    people["test"][7]["text"] = shared  # held out twice, and still one text
    for n in (3, 4, 5):
        mood["train"][n]["text"] = shared
    mood["train"][9]["text"] = stars["validation"][1]["text"].title()
    stars["validation"][2]["text"] = shared
    stars["train"][0]["text"] = mood["train"][0]["text"]  # both train on it: no leak
    stars["test"][0]["text"] = people["test"][5]["text"].upper()  # both hold something out: no leak
    return [
        write_folder(root, "tagging", people, "people"),
        write_folder(root, "classification", mood, "mood"),
        write_folder(root, "regression", stars, "stars"),
    ]


def test_training_rows_that_another_task_holds_out_are_counted_and_named(tmp_path: Path):
    between = between_tasks(three_tasks(tmp_path))
    assert between.leaks == {"mood": {"people": 3, "stars": 4}}
    assert between.exclude == {"mood": ["mood-train-3", "mood-train-4", "mood-train-5", "mood-train-9"]}


def test_a_leak_within_a_task_is_not_a_leak_between_tasks(tmp_path: Path):
    mood = sound_rows("classification", "mood")
    mood["test"][0]["text"] = mood["train"][0]["text"]
    folders = [
        write_folder(tmp_path, "classification", mood, "mood"),
        write_folder(tmp_path, "regression", sound_rows("regression", "stars"), "stars"),
    ]
    assert between_tasks(folders) == NO_LEAKS


@pytest.mark.slow
def test_a_leak_between_tasks_is_a_warning_since_its_rows_are_left_out(tmp_path: Path):
    folders = three_tasks(tmp_path)
    reports = {folder.name: validate_task(folder, Cleaning(conflicts="keep"), CHECKS) for folder in folders}
    result = summarise(reports, between_tasks(folders))
    assert result.success and not result.errors
    assert "mood: 4 training rows are left out, held out by people (3), stars (4)" in result.warnings


def test_the_summary_says_in_one_sentence_what_fails(tmp_path: Path):
    rows = {**sound_rows("classification"), "validation": []}
    result = summarise({"toy": validate(tmp_path, "classification", rows)}, NO_LEAKS)
    assert result.errors == ["toy: 'at least 20 rows in validation' does not hold: found 0"]
    assert result.success is False


def joint_rows() -> Rows:
    """Every row has a label and tags but these: rows 0 to 3 of a split lack the tags, 4 and 5 the label."""
    rows = sound_rows("classification")
    for split in rows.values():
        for n, row in enumerate(split):
            tokens = row["text"].split()
            row["slots.tokens"] = None if n < 4 else tokens
            row["slots.tags"] = None if n < 4 else ["O"] * (len(tokens) - 1) + ["B-PER"]
            row["label"] = None if n in (4, 5) else row["label"]
    return rows


def validate_joint(root: Path, rows: Rows) -> TaskValidation:
    folder = write_folder(root, "classification", rows, joint={"slots": "tagging"})
    return validate_task(folder, Cleaning(), CHECKS)


def test_a_joint_head_is_checked_over_the_rows_that_have_its_target(tmp_path: Path):
    report = validate_joint(tmp_path, joint_rows())
    assert failures(report) == {}
    assert report.heads["slots"].rows == {"train": 20, "validation": 20, "test": 20}
    assert report.heads["slots"].distribution["train"] == [("PER", 20)]
    assert sorted(report.distribution["test"]) == [("down", 11), ("up", 11)]


def test_a_fault_of_a_joint_head_names_the_head_and_the_row(tmp_path: Path):
    rows = joint_rows()
    rows["train"][8]["slots.tags"][-1] = "B-LOC"
    rows["train"][9]["slots.tokens"] = None  # half a target is a missing value
    assert failures(validate_joint(tmp_path, rows)) == {
        "no missing value in column slots.tokens": ("error", ["toy-train-9"]),
        "slots: every tag is in the tag set": ("error", ["toy-train-8"]),
    }
