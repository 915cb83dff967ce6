"""Checkpoints that are whole or absent, in a folder keyed by what the run depends on.

They live outside the stage's outs, since DVC removes those before it starts a stage again
(docs/decisions/0004). A checkpoint is a folder with model, best model, moving average, optimiser and state,
its manifest written last; a truncated or altered one is found out and the one before is used.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from components.errors import UserError
from components.files import atomic_folder, read_json, sha256, verify_manifest, write_json
from components.training.run.state import State

KEPT = 2


def key(settings: Any, files: Iterable[Path]) -> str:
    """Name a run by what it is told and the content of the files that it reads.

    A file counts by its folder's name and its own, so a project that is moved keeps its runs.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for line in sorted(f"{'/'.join(file.parts[-2:])} {sha256(file)}\n" for file in files):
        digest.update(line.encode())
    return digest.hexdigest()[:16]


def save(
    folder: Path,
    model: torch.nn.Module,
    best: dict[str, torch.Tensor],
    optimiser: torch.optim.Optimizer,
    state: State,
    ema: torch.nn.Module | None = None,
) -> None:
    """Write folder/step-N atomically and drop all but the newest.

    Raises:
        UserError: the disk is full; earlier checkpoints are untouched.
    """
    try:
        with atomic_folder(folder / f"step-{state.step:09d}") as target:
            save_file(_once(model), target / "model.safetensors")
            save_file(best, target / "best.safetensors")
            save_file(_optimiser_tensors(model, optimiser), target / "optimiser.safetensors")
            if ema is not None:
                save_file(_once(ema), target / "ema.safetensors")
            write_json(target / "state.json", _finite(state))
    except Exception as error:
        if _disk_full(error):
            raise UserError(
                f"{folder}: the disk is full, step {state.step} could not be saved; free some space "
                f"and run again: training goes on from the last checkpoint"
            ) from error
        raise
    for old in sorted(folder.glob("step-*"))[:-KEPT]:
        shutil.rmtree(old)


def load_newest(
    folder: Path,
    model: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    say: Callable[[str], None],
    ema: torch.nn.Module | None = None,
) -> tuple[State, dict[str, torch.Tensor]] | None:
    """Restore the newest whole checkpoint into model, optimiser and ema; None if there is none.

    Returns the state and the best model's tensors.
    """
    for checkpoint in sorted(folder.glob("step-*"), reverse=True):
        try:
            verify_manifest(checkpoint)
        except UserError as error:
            say(f"checkpoint {checkpoint.name} is damaged and left out: {error}")
            shutil.rmtree(checkpoint)
            continue
        _load(model, checkpoint / "model.safetensors")
        _restore(model, optimiser, load_file(checkpoint / "optimiser.safetensors"))
        if ema is not None:
            _load(ema, checkpoint / "ema.safetensors")
        state = State(**read_json(checkpoint / "state.json"))
        return state, load_file(checkpoint / "best.safetensors")
    return None


def _once(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's tensors, one that two modules share under its first name alone."""
    named: dict[int, str] = {}
    tensors = model.state_dict()
    for name, tensor in tensors.items():
        named.setdefault(tensor.data_ptr(), name)
    return {name: tensors[name] for name in named.values()}


def _load(model: torch.nn.Module, file: Path) -> None:
    """Restore what `_once` gave; a second name of a shared tensor stays tied to the first."""
    model.load_state_dict({**model.state_dict(), **load_file(file)})


def _optimiser_tensors(model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """ "parameter name|moment" -> tensor; a parameter that never had a gradient has none."""
    return {
        f"{name}|{moment}": tensor
        for name, parameter in model.named_parameters()
        for moment, tensor in optimiser.state.get(parameter, {}).items()
    }


def _restore(
    model: torch.nn.Module, optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]
) -> None:
    parameters = dict(model.named_parameters())
    optimiser.state.clear()
    for name, tensor in tensors.items():
        parameter_name, _, moment = name.rpartition("|")
        parameter = parameters[parameter_name]
        optimiser.state.setdefault(parameter, {})[moment] = tensor.to(parameter.device)


def _finite(state: State) -> Mapping[str, Any]:
    """JSON has no -inf; before the first evaluation the score is the lowest float."""
    return {**asdict(state), "best_score": max(state.best_score, -1e308)}


def _disk_full(error: BaseException) -> bool:
    """An OSError ENOSPC, or safetensors' own error, whose text is all that it keeps of one."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return os.strerror(errno.ENOSPC) in str(error)
