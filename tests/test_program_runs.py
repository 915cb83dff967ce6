"""Every stage is run for real, in a fork of its own, and what it has imported is covered by its file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from components import params, program
from components.environment import QUIET
from components.stages.program import contents
from tests.conftest import build_project

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.5)]
ROOT = Path(__file__).parent.parent
STAGES = (
    "encoder", "declare", "ingest", "validate", "data_gate", "encode", "plan", "train", "curves", "baseline", "champion", "evaluate",
    "gate", "package", "query", "release", "budget", "alone", "joint", "comparison",
)  # fmt: skip
ENVIRONMENT = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
NOT_RUN = {
    "download",
    "version",
    "fetch",
    "compress",
    "start",
}  # the tiny project has no packages, remotes, students or champion

# Each stage in a fork of its own: the libraries are there (tests/forked.py), none of our modules is.
RUN = """
import importlib, json, os, pathlib, sys, types

assert "torch" in sys.modules and not [name for name in sys.modules if name.startswith("components")]


def run(stage, arguments):
    checks = "components.params.checks"
    for name in (checks, f"{checks}.named_labels", "components.params.searches"):  # they refuse or do nothing
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].check = lambda *given: None
    sys.modules[checks].named_labels = sys.modules[f"{checks}.named_labels"]
    from components.errors import UserError

    try:
        main = importlib.import_module(f"components.stages.{stage}").main
        if stage in ("package", "release"):  # which this verdict would end
            sys.modules["components.evaluation.replay"].require = lambda *given: None
        main(*arguments)
    except UserError:
        assert stage in ("gate", "release")  # a model this small is held, and its Bento is not DVC's
        if stage == "gate":
            verdict = pathlib.Path("reports/verdict.json")
            verdict.write_text(json.dumps({**json.loads(verdict.read_text()), "verdict": "PROMOTE"}))
    ours = [name for name in sys.modules if name.split(".")[0] in ("components", "serving")]
    pathlib.Path("-".join(["imported", stage, *arguments])).write_text(json.dumps(ours))


for line in sys.stdin:
    stage, *arguments = line.split()
    child = os.fork()
    if not child:
        run(stage, arguments)
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, line
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("project")
    build_project(folder, tiny_encoder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)  # where releases are looked for
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    del settings["tasks"]["closeness"]
    settings["training"]["tokens"] = 1500
    (folder / "params.yaml").write_text(yaml.safe_dump({**settings, "sharing": {"seeds": [3]}}))
    return folder


def test_every_module_that_a_stage_imports_is_in_its_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, forking_python: str
) -> None:
    assert set(STAGES) == set(program.stages()) - NOT_RUN
    monkeypatch.chdir(project)
    files = {file.with_suffix(""): set(json.loads(text)) for file, text in contents().items()}
    runs = [Path(stage) / task for stage in STAGES for task in tasks(stage)]
    assert len(runs) == len(files) - len(NOT_RUN)
    lines = "".join(f"{' '.join(run.parts)}\n" for run in runs)
    Path("run.py").write_text(RUN)
    command = [f"{forking_python}/python", "run.py"]
    done = subprocess.run(command, input=lines, text=True, capture_output=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr[-3000:]
    for run in runs:
        imported = json.loads(Path("-".join(["imported", *run.parts])).read_text())
        skipped = (*program.NEVER_FOLLOWED, *program.NOT_FOLLOWED.get(run.parts[0], ()))
        counted = [
            name for name in imported if not f"{name}.".startswith(tuple(f"{part}." for part in skipped))
        ]
        assert f"components.stages.{run.parts[0]}" in counted
        assert {path_of(name) for name in counted} <= files[run], run


def tasks(stage: str) -> list[str]:
    return list(params.load().tasks) if stage in program.PER_TASK else [""]


def path_of(name: str) -> str:
    return program.modules()[name].path.relative_to(program.ROOT).as_posix()
