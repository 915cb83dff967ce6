"""Ways to compute the encoder's states for a model that only answers, a file each, found by its name.

`eager`, torch's own in single precision, is always there and has no file. Whoever serves begins a runtime by
`begin`, which falls back to it on a machine that cannot do it, or does it otherwise than the one that built
the bundle.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.model.runtimes.base import TOKENS_PER_PASS, Runtime, States
from components.settings.release import EAGER

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel

__all__ = ["EAGER", "Running", "Runtime", "States", "begin", "find", "names", "tokens_per_pass", "why_not"]

NO_RUNTIMES = ("base", "compressed", "difference", "exported")


@dataclass(frozen=True)
class Running:
    """What computes a model's states."""

    name: str
    wanted: str  # by the bundle
    why: str | None = None  # it is not what was wanted


def names() -> list[str]:
    """List the runtimes beside eager, without importing them."""
    return sorted({module.name for module in pkgutil.iter_modules(__path__)} - set(NO_RUNTIMES))


def find(name: str) -> Runtime:
    """The runtime called `name` (KeyError where there is none)."""
    if name not in names():
        raise KeyError(name)
    found: type[Runtime] = importlib.import_module(f"components.model.runtimes.{name}").RUNTIME
    return found()


def tokens_per_pass(name: str) -> int:
    """Tokens that a service gives the runtime called `name` at once."""
    return TOKENS_PER_PASS if name == EAGER else find(name).tokens_per_pass


def why_not(runtime: Runtime) -> str | None:
    """Why this machine cannot answer by a runtime; None where it can."""
    for package in runtime.packages:
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed"
    return runtime.why_not()


def begin(model: MultiTaskModel, wanted: str, folder: Path, most: float) -> Running:
    """Answer by the runtime that the bundle in `folder` wants, from now on: the model can be neither trained
    nor saved then. Eager it stays where this machine cannot do it, or where a made-up text's states differ
    from eager's by more than `most`, as a share of the largest: another machine may round otherwise."""
    if wanted == EAGER:
        return Running(EAGER, EAGER)
    from components.model.runtimes import difference

    try:
        runtime = find(wanted)
        if (why := why_not(runtime)) is not None:
            return Running(EAGER, wanted, why)
        states = runtime.begin(model, folder)
        found = difference.of_made_up_texts(model, states)
    except Exception as error:  # every library has its own
        return Running(EAGER, wanted, f"{type(error).__name__}: {str(error).strip():.200}")
    if not found <= most:
        return Running(EAGER, wanted, f"its states differ by {found:.2g} here, expected at most {most:.2g}")
    model.answer_by(states)
    return Running(wanted, wanted)
