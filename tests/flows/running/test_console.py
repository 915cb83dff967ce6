"""The line of a stage at work."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from flows.running import dvc_stage
from flows.running.console import StageDisplay, fit
from tests.flows import toy

HEADS = ", ".join(f"head_{number} 0.123 (14%)" for number in range(7))
LINE = f"step 120/4000  12:30 left  loss: {HEADS}  1,800 tokens/s"


@pytest.mark.parametrize("columns", [80, 120])
def test_what_a_stage_says_fits_the_terminal_and_counts_what_does_not(columns: int) -> None:
    console = Console(width=columns, force_terminal=True, color_system=None)
    display = StageDisplay(console, len("ingest@a_long_name_of_a_task"))
    with display.working("train") as follow:
        follow(LINE)
        with console.capture() as shown:
            console.print(display._render())
    (line,) = shown.get().splitlines()
    assert len(line.rstrip()) <= columns
    assert "head_0 0.123 (14%), " in line
    assert "…+" in line


def test_a_list_is_cut_between_its_items() -> None:
    assert fit("a, b, c", 7) == "a, b, c"
    assert fit("aaa, bbb, ccc, ddd", 14) == "aaa, bbb, …+2"
    assert fit("a long word", 6) == "a lon…"


@pytest.mark.slow
def test_what_dvc_says_of_itself_is_no_progress(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project")
    work = project / "work.py"
    work.write_text(work.read_text() + "\nprint('half of the rows')\n")
    said: list[str] = []
    assert dvc_stage.run(project, "fetch@left", said.append).verb == "ran"
    assert said == ["half of the rows"]
    assert "Running stage" in dvc_stage.log_path(project, "fetch@left").read_text()
