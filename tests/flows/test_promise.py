"""What `onetrunk check` says of the gate at its end, and what `onetrunk clean` leaves of the test sets' counts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from components import params
from components.evaluation import wear
from components.evaluation.promise import promises
from flows import clean
from flows.running import promise


def said(width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    promise.show(console, Path())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.usefixtures("shared_project")
def test_every_gated_head_gets_a_line_and_an_assumption_is_said() -> None:
    lines = said().splitlines()
    for head in params.load().gates():
        assert any(line.split()[:1] == [head] for line in lines)
    assert any("nothing was measured yet" in line for line in lines)
    assert not any("warning" in line for line in lines)  # margins of 0.5


@pytest.mark.usefixtures("encoded_project")
def test_a_margin_that_the_rows_cannot_show_and_a_worn_test_set_are_warnings() -> None:
    settings = Path("params.yaml")
    settings.write_text(
        settings.read_text().replace("floor: 0.0, margin: 0.5", "floor: 0.0, margin: 0.01", 1)
    )
    mood = next(one for one in promises(params.load(), Path()) if one.head == "mood")
    served = wear.ServedTestSet(tasks=["mood"], models=[f"m{n}" for n in range(51)])
    wear.ServedSets(budget=50, sets={mood.test_set: served}).write(Path(wear.FILE))
    warnings = [line for line in said().splitlines() if line.startswith("warning: mood: ")]
    assert "a model as good as the champion would be promoted in" in warnings[0]
    assert f"(there are {mood.rows}), or with a margin of" in warnings[0]
    assert "its test set has served 51 verdicts, more than 50" in warnings[1]
    counts = {line.split()[0]: line.split()[3] for line in said().splitlines() if " accuracy " in line}
    assert counts["mood"] == "51"


def test_what_is_cleaned_up_is_not_how_often_test_sets_were_used(tmp_path: Path) -> None:
    workspace = tmp_path / ".onetrunk"
    wear.ServedSets(budget=50, sets={}).write(tmp_path / wear.FILE)
    (workspace / "logs").mkdir()
    (workspace / "logs/train.log").touch()
    (workspace / "run.json").touch()
    clean._empty(workspace)
    assert [path.name for path in workspace.iterdir()] == [wear.FILE.name]
