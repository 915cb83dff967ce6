from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.data.validation.page import render
from components.data.validation.records import BetweenTasks
from components.data.validation.validate import between_tasks, summarise, validate_task
from components.settings.data import Cleaning
from components.settings.project import Checks
from tests.data.folders import Rows, sound_rows, write_folder
from tests.pages.reading import Page, loaded, words


def page(root: Path, family: str, rows: Rows) -> str:
    folder = write_folder(root, family, rows)
    report = validate_task(folder, Cleaning(), Checks(min_rows=20))
    return render(summarise({"toy": report}, between_tasks([folder])))


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a task with an error, a warning, hostile labels and private texts."""
    rows = sound_rows("classification")
    rows["train"][0]["text"] = "Jane Roe, jane.roe@example.org, cafÃ©"
    rows["test"][0]["text"] = rows["train"][0]["text"]
    rows["test"][1]["label"] = "<script>alert(1)</script>"
    return page(tmp_path_factory.mktemp("faulty"), "classification", rows)


def test_the_page_loads_nothing_and_is_well_formed(faulty: str):
    assert loaded(faulty) == []
    assert Page(faulty).headings()[0] == 1


def test_of_the_rows_texts_the_page_shows_the_beginning_of_those_at_fault(faulty: str):
    assert "“<bdi>Jane Roe" in faulty
    assert "text number 7" not in faulty  # which nothing is wrong with


def test_label_names_are_escaped(faulty: str):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in faulty


def test_marks_do_not_rely_on_colour_alone(faulty: str):
    seen = words(faulty)
    assert "✕ error" in seen and "! warning" in seen and "✓ 15 checks hold" in seen


def test_the_page_names_the_failed_checks_and_their_rows(faulty: str):
    seen = words(faulty)
    assert "stopped" in seen and "2 checks that must hold do not" in seen
    assert (
        "no text in two splits 2 of 72 rows train row 0: “ Jane Roe, jane.roe@example.org, cafÃ© ” toy-train-0"
        in seen
    )
    assert "such as train row 0 (“Jane Roe, jane.roe@example.org, cafÃ©”) and test row 0 (“Jane" in seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "bar"),
    [
        ("classification", "down 12 · 12 · 12"),
        ("regression", "0.00 to 0.08 2 · 2 · 2"),
        ("tagging", "PER 24 · 24 · 24"),
    ],
)
def test_the_page_shows_counts_cleaning_targets_and_lengths(tmp_path: Path, family: str, bar: str):
    seen = words(page(tmp_path, family, sound_rows(family)))
    assert "✓ may train Every check that could stop the run holds." in seen
    assert "train 24 validation 24 test 24" in seen
    assert "73 rows read, 1 removed. 1 repeats of a text source: row 9: “ a removed text ” gone-1" in seen
    assert bar in seen
    assert "Characters per text" in seen and "Median" in seen


def test_leaks_between_tasks_have_a_row(tmp_path: Path):
    folder = write_folder(tmp_path, "regression", sound_rows("regression"))
    report = validate_task(folder, Cleaning(), Checks(min_rows=20))
    leaks = BetweenTasks(leaks={"toy": {"other": 1234}}, exclude={"toy": ["a"]})
    assert "toy other 1,234" in words(render(summarise({"toy": report}, leaks)))


def test_a_task_whose_columns_are_wrong_still_has_its_place(tmp_path: Path):
    folder = write_folder(tmp_path, "regression", sound_rows("regression"))
    pq.write_table(pq.read_table(folder / "train.parquet").drop_columns(["score"]), folder / "test.parquet")
    report = validate_task(folder, Cleaning(), Checks(min_rows=20))
    seen = words(render(summarise({"toy": report}, between_tasks([folder]))))
    assert "test.score is absent, expected double" in seen and "the contents were not looked at" in seen


def test_every_joint_head_has_its_own_bars(tmp_path: Path):
    rows = sound_rows("classification")
    for split in rows.values():
        for n, row in enumerate(split):
            row["stars.score"] = None if n < 4 else n / 24
    folder = write_folder(tmp_path, "classification", rows, joint={"stars": "regression"})
    report = validate_task(folder, Cleaning(), Checks(min_rows=20))
    seen = words(render(summarise({"toy": report}, between_tasks([folder]))))
    assert "Targets of toy, share of each split down 12 · 12 · 12" in seen
    assert "Targets of stars, share of each split 0.00 to 0.08 0 · 0 · 0" in seen
    assert "60 rows have this target." in seen
