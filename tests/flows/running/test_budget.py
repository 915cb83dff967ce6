"""`onetrunk check` says what each task gets and how long it takes, and names the lines to change."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from components.data.mixture.records import PLAN
from components.training.run import speed
from flows.running import budget
from tests.training.runs import shorten


def said(measure: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    budget.show(console, Path(), measure)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.usefixtures("encoded_project")
def test_every_task_gets_a_line_and_a_warning_names_the_line_of_its_key() -> None:
    text = PLAN.read_text()
    PLAN.write_text(re.sub(r'"epochs": [\d.]+', '"epochs": 0.2', text, count=1))
    lines = said().splitlines()
    for name in ("mood", "people", "closeness"):
        assert any(line.split()[:1] == [name] for line in lines)
    [warning] = [line for line in lines if line.startswith("warning: ")]
    number = int(re.findall(r"training\.tokens \(line (\d+)\)", warning)[0])
    assert Path("params.yaml").read_text().splitlines()[number - 1] == "  tokens: 12000"
    assert "training says after its first steps how long it takes" in lines[-1]


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project", "forks")
def test_the_time_is_measured_once_and_kept_for_these_settings() -> None:
    assert re.search(
        r"40 steps, about 1[12],\d{3} tokens: about \d+ (seconds|minutes) on this machine", said(True)
    )
    kept = speed.FILE.read_bytes()
    assert "on this machine" in said()
    shorten(20)
    assert "20 steps" in said() and speed.FILE.read_bytes() == kept
    settings = Path("params.yaml")
    settings.write_text(settings.read_text().replace("dropout: 0.1", "dropout: 0.0"))
    assert "on this machine" not in said()
    assert not list(Path(".onetrunk").glob("checkpoints/*"))
