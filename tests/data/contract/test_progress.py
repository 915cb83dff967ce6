"""In a log, rows are a line now and then and one at the end, with their rate."""

from __future__ import annotations

import pytest

from components.data.contract import progress
from components.data.contract.progress import RowProgress


def test_a_log_gets_one_line_at_the_end(capsys: pytest.CaptureFixture) -> None:
    with RowProgress("read mood", 2000) as rows:
        rows.add(1500)
        rows.add(500)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("read mood: 2,000 of 2,000 rows, ")
    assert line.endswith(" rows/s")


def test_a_long_run_says_where_it_is(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with RowProgress("read mood") as rows:
        rows.add(10)
        rows.add(20)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"read mood: {n} rows" for n in (10, 30, 30)]


def test_what_failed_does_not_say_that_it_is_done(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), RowProgress("read mood") as rows:
        rows.add(1 // 0)
    assert capsys.readouterr().err == ""
