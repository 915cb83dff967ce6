"""Several processes train as one does, hold the same bits, and end together. Real processes, over gloo."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from components import params
from components.data.mixture.records import PlanRecord
from components.errors import TryAgainError, UserError
from components.files import sha256
from components.settings.training import Balancing
from components.tracking.terminal import Terminal
from components.training import parallel
from components.training.run.fit import Fit, run
from components.training.step.precision import SWITCH
from tests.conftest import PARAMS, encode_project, write_sources
from tests.scripts import ROOT
from tests.training.runs import MODEL
from tests.training.steps import first_batch, stepper

pytestmark = pytest.mark.minutes(1)

CHOSEN = {
    "sum": {},
    "pcgrad": {"weights": "uncertainty", "combination": "pcgrad"},
    "gradnorm": {"weights": "gradnorm"},
    "representation": {"combination": {"method": "mgda", "gramian": "representation"}},
    "famo": {"weights": "famo"},
    "meta": {"weights": "meta", "combination": "upgrad"},
}
CASES = [(name, packed) for name in CHOSEN for packed in (True, False) if packed or name != "meta"]
Weights = dict[str, torch.Tensor]


def take_steps(root: Path, name: str, packed: bool) -> tuple[Weights, list]:
    """The weights after four steps, and what each reported.

    The first two are of several micro-batches; in the last there is a single row, so one process has none.
    """
    how = {"balancing": Balancing.model_validate(CHOSEN[name]), "tokens_per_micro_batch": 90}
    engine = stepper(root, **how)
    # Not Adam, which divides the rounding of a gradient that is nearly zero by itself.
    engine.optimiser = torch.optim.SGD(engine.model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    if not packed:
        engine.model.packs = False
        engine.model.encoder.set_attn_implementation("sdpa")
    batch = first_batch(root, engine)
    batches = [batch, {task: rows[::2] for task, rows in batch.items()}]
    batches += [{"people": np.arange(6)}, {"mood": np.array([1])}]
    told = [engine.take(step, rows) for step, rows in enumerate(batches)]
    weights = {key: tensor.detach().clone() for key, tensor in engine.model.state_dict().items()}
    return weights, [*told, engine.balancer.state()]


def digest(weights: Weights, told: list) -> str:
    whole = hashlib.sha256(repr(told).encode())
    for name, tensor in weights.items():
        whole.update(name.encode() + tensor.numpy().tobytes())
    return whole.hexdigest()


class EndsItself(Terminal):
    """A process that is killed after a step."""

    def step(self, seen) -> None:
        if parallel.rank() == 1 and seen.step == 13:
            os.kill(os.getpid(), signal.SIGKILL)


def life(root: Path, notes: Path) -> None:
    """What each of two processes does: steps, a whole run, and a run in which the second is killed.

    It notes what it saw in files that are named by what and by its number.
    """

    def note(what: str, text: str) -> None:
        (notes / f"{what}{parallel.rank()}").write_text(text)

    connections = psutil.Process().net_connections()
    note("listening", " ".join(c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN))
    lines = []
    for name, packed in CASES:
        weights, told = take_steps(root, name, packed)
        lines.append(f"{name} {packed} {digest(weights, told)}")
        if parallel.rank() == 0:
            save_file(weights, notes / f"{name}{packed}")
    project = params.load(root / "params.yaml")
    fit = Fit(project, root, PlanRecord.read(root / "reports/plan.json"), project.seed)
    model, history = fit._train(Terminal(), None)  # within a group that is there already
    save_file(model.state_dict(), notes / f"model{parallel.rank()}")
    note("digests", "\n".join([*lines, repr(history)]))
    with parallel.rank_zero_first():
        shutil.rmtree(fit.checkpoints, ignore_errors=True)
    fit._train(EndsItself(), None)


class Seen(NamedTuple):
    """What two processes left."""

    root: Path
    notes: Path
    error: str

    def of(self, what: str) -> list[str]:
        return [(self.notes / f"{what}{rank}").read_text() for rank in (0, 1)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Seen:
    """The life of two processes, lived once: starting one takes seconds."""
    root, notes = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("notes")
    write_sources(root / "sources")
    shutil.copytree(tiny_encoder, root / "encoder")
    text = PARAMS.replace("  window: 4", "  window: 4\n  processes: 2").replace(
        "tokens: 12000", "tokens: 6000"
    )
    (root / "params.yaml").write_text(text)  # with dropout
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv(SWITCH, "1")  # the run is in bf16, the steps are in fp32
        encode_project(root)
        with pytest.raises(TryAgainError) as raised, parallel.group(2, life, Path(), notes):
            life(Path(), notes)
    return Seen(root, notes, str(raised.value))


@pytest.mark.slow
def test_processes_hold_the_same_bits(seen: Seen) -> None:
    first, second = seen.of("digests")
    assert first == second
    assert sha256(seen.notes / "model0") == sha256(seen.notes / "model1")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "packed"), CASES)
def test_processes_take_the_steps_of_one(
    seen: Seen, name: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(seen.root)
    both = load_file(seen.notes / f"{name}{packed}")
    alone, _ = take_steps(Path(), name, packed)
    for key, tensor in alone.items():
        torch.testing.assert_close(both[key], tensor, rtol=0, atol=1e-5, msg=key)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_with_one_sentence(seen: Seen) -> None:
    assert seen.error == (
        "training process 2 of 2 was ended by SIGKILL; run again: training goes on from the last checkpoint"
    )
    assert parallel.alone()


@pytest.mark.slow
def test_a_run_whose_process_was_killed_goes_on_to_the_bit(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(seen.root)
    monkeypatch.setenv(SWITCH, "1")
    run(params.load(), Path(), Terminal())
    said = capsys.readouterr().err
    assert said.count("going on from step 10") == 1  # the first process alone reports
    uninterrupted, found = load_file(seen.notes / "model0"), load_file(MODEL)
    assert found.keys() == uninterrupted.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in uninterrupted.items())
    assert not list(Path(".onetrunk/checkpoints").iterdir())


@pytest.mark.slow
def test_processes_can_be_reached_from_this_machine_alone(seen: Seen) -> None:
    for addresses in seen.of("listening"):
        assert set(addresses.split()) == {"127.0.0.1"}


@pytest.mark.slow
def test_a_process_that_dies_before_it_joins_ends_the_run() -> None:
    code = """
import multiprocessing
from components.training import parallel
join, parallel.GRACE = parallel._join, 0.5
def late(place):
    multiprocessing.active_children()[0].kill()
    join(place)
parallel._join = late
with parallel.group(2, print):
    print("never")
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr.startswith("error: training process 2 of 2 was ended by SIGKILL; run again")


def test_every_row_is_that_of_one_process_and_tokens_are_even(encoded_project: Path) -> None:
    engine = stepper(encoded_project)
    batch = {name: np.arange(20) for name in engine.splits}
    parts = [parallel.shard(engine.splits, batch, rank, 3) for rank in range(3)]
    for task, rows in batch.items():
        assert sorted(np.concatenate([part[task] for part in parts])) == rows.tolist()
    sequences = {"mood": 1, "people": 1, "closeness": 2}
    tokens = [
        sum(sequences[t] * int(engine.splits[t].lengths[rows].sum()) for t, rows in part.items())
        for part in parts
    ]
    assert max(tokens) - min(tokens) <= 0.05 * sum(tokens)


def test_more_processes_than_gpus_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    mistake = (
        "params.yaml: training.processes: found 4, expected at most 2, the number of GPUs of this machine"
    )
    with pytest.raises(UserError, match=mistake), parallel.group(4, print):
        pass
