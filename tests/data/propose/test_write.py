"""The entry goes into params.yaml, and everything else in the file stays, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from components.data.propose import Wishes, guess
from components.data.propose.entry import Entry
from components.data.propose.write import write
from components.errors import UserError
from tests.conftest import PARAMS, write_sources
from tests.data.shapes import labelled

COMMENTED = PARAMS.replace(
    "checks: {min_rows: 5}",
    "  # a comment below the last task\n\n# What the data must hold.\nchecks: {min_rows: 5}  # few",
)


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    write_sources(tmp_path / "sources")
    (tmp_path / "encoder").mkdir()
    monkeypatch.chdir(tmp_path)
    labelled()(tmp_path / "sources/tickets.csv")
    return guess("sources/tickets.csv", Wishes()).entry


def added(before: str, after: str) -> str:
    """What `after` has in one place more than `before`."""
    start = next(i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    length = len(after) - len(before)
    assert before[:start] + before[start:] == after[:start] + after[start + length :]
    return after[start : start + length]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_task_follows_the_last_one(entry: Entry, tmp_path: Path, end: str) -> None:
    settings_file = tmp_path / "params.yaml"
    settings_file.write_bytes(COMMENTED.replace("\n", end).encode())
    write([entry], settings_file)
    after = settings_file.read_bytes().decode()
    new = added(COMMENTED.replace("\n", end), after)
    assert new.count("\n") == new.count(end) == len(entry.task_yaml().splitlines()) + 1
    assert list(params.load(settings_file).tasks) == ["mood", "people", "closeness", "tickets"]
    assert after.index("tickets") < after.index("# a comment below the last task")


def test_neighbours_give_the_indentation(entry: Entry, tmp_path: Path) -> None:
    settings_file = tmp_path / "params.yaml"
    lines = PARAMS.splitlines(keepends=True)
    inside = [
        i
        for i, line in enumerate(lines)
        if line.startswith("  ") and i < lines.index("checks: {min_rows: 5}\n")
    ]
    settings_file.write_text("".join("  " + line if i in inside else line for i, line in enumerate(lines)))
    write([entry], settings_file)
    assert "\n    tickets:\n      family: classification\n" in settings_file.read_text()
    assert params.load(settings_file).tasks["tickets"].family == "classification"


def test_tasks_at_the_end_of_a_file_without_a_last_line_end(entry: Entry, tmp_path: Path) -> None:
    settings_file = tmp_path / "params.yaml"
    tasks, rest = PARAMS[PARAMS.index("tasks:") : PARAMS.index("checks:")], PARAMS[PARAMS.index("checks:") :]
    settings_file.write_text(f"seed: 7\npackages: {{}}\n{rest}{tasks}".rstrip())
    write([entry], settings_file)
    assert "tickets" in params.load(settings_file).tasks


@pytest.mark.parametrize("empty", ["tasks:", "tasks: {}", "tasks: {} # none yet"])
def test_the_first_task_of_a_project(entry: Entry, tmp_path: Path, empty: str) -> None:
    settings_file = tmp_path / "params.yaml"
    tasks = PARAMS[PARAMS.index("tasks:") : PARAMS.index("checks:")]
    settings_file.write_text(PARAMS.replace(tasks, f"{empty}\n"))
    write([entry], settings_file)
    assert list(params.load(settings_file).tasks) == ["tickets"]
    assert ("# none yet" in settings_file.read_text()) == ("# none yet" in empty)


REFUSED = {
    "a taken name": (PARAMS.replace("  mood:", "  tickets:"), "there is a 'tickets' already"),
    "tasks in braces": (
        PARAMS.replace(PARAMS[PARAMS.index("tasks:") : PARAMS.index("checks:")], "tasks: {mood: {}}\n"),
        "line 3: the section is written in braces",
    ),
    "shares by name": (
        PARAMS.replace("{method: temperature, temperature: 2.0}",
                       "{method: fixed_ratio, ratio: {mood: 1, people: 1, closeness: 1}}"),
        "not written: with the new task, mixture.ratio.tickets: missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_added_leaves_the_file_alone(entry: Entry, tmp_path: Path, case: str) -> None:
    settings_file, (text, expected) = tmp_path / "params.yaml", REFUSED[case]
    settings_file.write_text(text)
    with pytest.raises(UserError) as raised:
        write([entry], settings_file)
    assert expected in str(raised.value)
    assert settings_file.read_text() == text
    assert sorted(file.name for file in tmp_path.iterdir()) == ["encoder", "params.yaml", "sources"]
