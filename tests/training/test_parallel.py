"""Several processes train as one does, hold the same bits, and end together. Real processes, over gloo."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from components import settings
from components.errors import TryAgainError, UserError
from components.settings import Balancing
from components.training import parallel
from components.training.progress import Progress
from components.training.run import run
from tests.training.test_loop import ROOT, first_batch, stepper, train

CHOSEN = {
    "sum": {},
    "pcgrad": {"weights": "uncertainty", "combination": "pcgrad"},
    "gradnorm": {"weights": "gradnorm"},
    "famo": {"weights": "famo"},
    "meta": {"weights": "meta", "combination": "upgrad"},
}


def take_steps(root: Path, name: str, packed: bool) -> tuple[dict[str, torch.Tensor], list]:
    """The weights after five steps of several micro-batches, and what each step reported.

    In the fourth only one task has rows, and in the fifth there is a single row: other processes have none.
    """
    # SGD, since Adam divides the rounding of a gradient that is nearly zero by itself.
    how = {"balancing": Balancing.model_validate(CHOSEN[name]), "tokens_per_micro_batch": 90}
    engine = stepper(root, **how)
    engine.optimiser = torch.optim.SGD(engine.model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    if not packed:
        engine.model.packs = False
        engine.model.encoder.set_attn_implementation("sdpa")
    batch = first_batch(root, engine)
    batches = [batch, {task: rows + 1 for task, rows in batch.items()}, batch]
    batches += [{"people": np.arange(6)}, {"mood": np.array([1])}]
    told = [engine.take(step, rows) for step, rows in enumerate(batches)]
    weights = {key: tensor.detach().clone() for key, tensor in engine.model.state_dict().items()}
    return weights, [*told, engine.balancer.state()]


def digest(weights: dict[str, torch.Tensor], told: list) -> str:
    whole = hashlib.sha256(repr(told).encode())
    for name, tensor in weights.items():
        whole.update(name.encode() + tensor.numpy().tobytes())
    return whole.hexdigest()


def listening() -> list[str]:
    """The addresses at which this process can be reached."""
    return [c.laddr.ip for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN]


def take_all(root: Path, note: Path) -> dict[tuple[str, bool], dict[str, torch.Tensor]]:
    """What one process of a group does; it notes a digest of all it has, and where it listens."""
    lines, weights = [], {}
    for name in CHOSEN:
        for packed in (True, False):
            weights[name, packed], told = take_steps(root, name, packed)
            lines.append(f"{name} {packed} {digest(weights[name, packed], told)}")
    (note / f"digests{parallel.rank()}").write_text("\n".join(lines))
    (note / f"listening{parallel.rank()}").write_text(" ".join(listening()))
    return weights


def test_two_processes_take_the_steps_of_one_and_agree_to_the_bit(
    encoded_project: Path, tmp_path: Path
) -> None:
    with parallel.group(2, take_all, encoded_project, tmp_path):
        both = take_all(encoded_project, tmp_path)
    assert (tmp_path / "digests0").read_text() == (tmp_path / "digests1").read_text()
    for rank in (0, 1):
        assert set((tmp_path / f"listening{rank}").read_text().split()) == {"127.0.0.1"}
    for (name, packed), weights in both.items():
        alone, _ = take_steps(encoded_project, name, packed)
        for key, tensor in alone.items():
            torch.testing.assert_close(weights[key], tensor, rtol=0, atol=1e-5, msg=f"{name} {packed} {key}")
