"""A toy project with a gate that says what it is told to (synthetic)."""

from __future__ import annotations

from pathlib import Path

from tests.flows import toy

DVC = """
stages:
  train:
    cmd: python work.py train model.txt
    deps: [input.txt]
    outs: [model.txt]
  gate:
    cmd: python gate.py
    deps: [gate.py, model.txt, said]
    outs:
      - reports/verdict.json
  release:
    cmd: python release.py
    deps: [reports/verdict.json]
    outs:
      - reports/release.json
"""

GATE = """
import sys
from pathlib import Path
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, ModelId, TaskVerdict, Verdict
said, why = Path("said").read_text().strip().split(" ", 1)
model = ModelId(sha256="m" * 64)
Evaluation(model=model, champion=None, confidence=0.95, tasks={}).write(EVALUATION)
gate = {"PROMOTE": "pass", "HOLD": "hold", "REJECT": "reject"}[said]
judged = {
    "mood": TaskVerdict(metric="accuracy", floor=0.5, margin=0.1, gate=gate, why=why),
    "topic": TaskVerdict(metric="accuracy", floor=0.5, margin=0.1, gate="pass", why="good"),
}
Verdict(verdict=said, model=model, champion=None, confidence=0.95, tasks=judged, dropped={}).write(VERDICT)
if said != "PROMOTE":
    print(f"error: the gate says {said}", file=sys.stderr)
    sys.exit(2)
"""

RELEASE = """
from components.evaluation.records import RELEASE, ReleaseReport
ReleaseReport(release="0123456789ab", model="m" * 64, verdict="PROMOTE").write(RELEASE)
"""


def make(folder: Path, name: str) -> Path:
    """A project of this name, whose file `said` is what its gate says: the verdict, and why of `mood`."""
    project = toy.make(folder, DVC)
    params = (project / "params.yaml").read_text()
    assert "\n  name: onetrunk\n" in params
    (project / "params.yaml").write_text(params.replace("\n  name: onetrunk\n", f"\n  name: {name}\n"))
    (project / "gate.py").write_text(GATE)
    (project / "release.py").write_text(RELEASE)
    (project / "said").write_text("PROMOTE good")
    return project
