"""The commands of `onetrunk`: a module each, found by its name, with a `COMMAND` that says what it does.

To add one, add its module. Nothing heavy is imported before `run`, so that --help and a mistake are answered
at once.
"""

from __future__ import annotations

import importlib
import pkgutil

from flows.commands.base import Command

FIRST = ("init", "run", "check", "status")  # in the list, what a newcomer needs before the rest


def commands() -> dict[str, Command]:
    """Every command by its name."""
    names = sorted(name for _, name, _ in pkgutil.iter_modules(__path__) if name != "base")
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    return {
        name.replace("_", "-"): importlib.import_module(f"flows.commands.{name}").COMMAND for name in names
    }
