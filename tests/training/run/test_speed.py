"""What a machine needs for a token is kept for what it depends on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components import params
from components.training.run import speed
from components.training.run.machine import FILE, Settled
from components.training.run.speed import Speed
from components.training.step.precision import SWITCH
from tests.scripts import ROOT


@pytest.mark.usefixtures("encoded_project")
def test_seconds_of_another_precision_do_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `auto` has become another since, as on a machine that settled otherwise."""
    monkeypatch.delenv(SWITCH, raising=False)
    project, root = params.load(), Path()
    Settled(machine="", gain=3.0, precision="bf16").write(FILE)
    timed = Speed(key=speed.key(project, root), steps=5, seconds_per_token=1.0, seconds_per_evaluation=1.0)
    timed.write(speed.FILE)
    assert speed.kept(project, root) == timed
    Settled(machine="", gain=0.5, precision="fp32").write(FILE)
    assert speed.kept(project, root) is None


@pytest.mark.slow
def test_what_was_timed_is_read_without_torch() -> None:
    """`onetrunk check` reads it."""
    code = "import sys; import components.training.run.speed; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
