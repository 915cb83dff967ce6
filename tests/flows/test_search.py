"""`onetrunk search`: what is tried, what is kept of it, and what becomes of the user's files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from components import settings
from components.data import plan
from components.files import read_json, write_json
from components.training import run as training
from components.training.progress import Progress
from tests.conftest import PARAMS, build_encoder, encode_project, write_sources
from tests.flows import toy

SEARCH = """\
remotes: {}
search:
  rate:
    parameters:
      training.learning_rate: {low: 1e-4, high: 1e-2, log: true}   # of the encoder
      training.balancing.weights: {choices: [static, dwa]}
    trials: 3
"""
# Synthetic: what the real stages write is there already, and `dvc commit` takes it as theirs.
DVC = """\
stages:
  encode:
    cmd: "true"
    deps: [sources]
    outs: [data, encoded, reports/validation.json]
  plan:
    cmd: "true"
    deps: [encoded]
    params: [mixture, training]
    outs: [reports/plan.json]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git and DVC, encoded, with a search that has run."""
    folder = tmp_path_factory.mktemp("search") / "project"
    write_sources(folder / "sources")
    build_encoder(folder / "encoder")
    short = PARAMS.replace("tokens: 12000", "tokens: 4500").replace(
        "checkpoint_every: 5", "checkpoint_every: 2"
    )
    (folder / "params.yaml").write_text(short.replace("evaluate_every: 10", "evaluate_every: 5") + SEARCH)
    (folder / ".gitignore").write_text("/data\n/encoded\n/reports\n.onetrunk/\n")
    here = Path.cwd()
    os.chdir(folder)
    encode_project(folder)
    os.chdir(here)
    write_json(folder / "reports/validation.json", {"between_tasks": {"exclude": {}}})
    (folder / "dvc.yaml").write_text(DVC)
    git(folder, "init", "-q")
    git(folder, "config", "user.email", "test@localhost")
    git(folder, "config", "user.name", "test")
    dvc(folder, "init", "-q")
    dvc(folder, "commit", "-f", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "a project")
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def dvc(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, env=toy.environment()
    ).stdout
