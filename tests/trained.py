"""A tiny project after training, ready to be evaluated."""

from __future__ import annotations

import contextlib
from pathlib import Path

from components import params
from components.evaluation.baselines import baselines
from components.settings.project import Project
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from tests.conftest import encode_project


def train_project(root: Path) -> Project:
    """Ingest, encode, train and measure the baselines of what the project's params.yaml says now."""
    with contextlib.chdir(root):
        encode_project(root)
        project = params.load()
        run(project, Path(), Terminal())
        for name in project.tasks:
            baselines(Path("data") / name, Path("baselines") / name)
    return project
