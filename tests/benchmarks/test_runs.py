"""Runs of a benchmark that goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.runs import Found, Runs


def never() -> Found:
    pytest.fail("a run that was made before is made again")


def test_what_was_found_is_a_line_and_the_same_job_is_never_run_again(tmp_path: Path) -> None:
    file = tmp_path / "new/results.jsonl"
    first = Runs(file, minutes=1)
    assert first.found({"seed": 1, "rate": 1e-4}, lambda: {"score": 0.5}) == {"score": 0.5}
    assert first.found({"seed": 1, "rate": 1e-4}, never) == {"score": 0.5}
    assert first.found({"seed": 2, "rate": 1e-4}, lambda: {"score": 0.7}) == {"score": 0.7}
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["job"]["seed"] for line in lines] == [1, 2]
    second = Runs(file, minutes=1)
    assert second.found({"seed": 1, "rate": 1e-4}, never) == {"score": 0.5}
    assert not second.missing


def test_no_run_begins_after_the_time_and_each_that_is_missing_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    Runs(file, minutes=1).found({"seed": 1}, lambda: {"score": 0.5})
    over = Runs(file, minutes=0)
    assert over.found({"seed": 1}, never) == {"score": 0.5}  # what is known costs no time
    assert [over.found({"seed": 2}, never) for _ in range(2)] == [None, None]
    assert over.found({"seed": 3}, never) is None
    assert len(over.missing) == 2
    assert len(file.read_text().splitlines()) == 1


def test_half_a_line_that_a_kill_has_left_is_no_result_and_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    for seed in (1, 2):
        Runs(file, minutes=1).found({"seed": seed}, lambda: {"score": 0.5})
    whole = file.read_bytes()
    first = len(whole.splitlines(keepends=True)[0])
    for size in range(first, len(whole)):
        file.write_bytes(whole[:size])
        again = Runs(file, minutes=1)
        assert [one["job"] for one in again.made] == [{"seed": 1}]
        again.found({"seed": 3}, lambda: {"score": 0.7})
        assert [one["job"]["seed"] for one in Runs(file, minutes=1).made] == [1, 3]
