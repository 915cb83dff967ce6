"""Task families: one file per family, found by its name.

A family is the module `components/tasks/<name>.py` with a `FAMILY` instance. Adding one adds that
file and touches no other; `register` serves families that live elsewhere.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from components.tasks.base import COMMON, Family

__all__ = ["COMMON", "Family", "get", "names", "register"]

_registered: dict[str, Family] = {}


def register(family: Family) -> Family:
    """Make a family known that is not a file of this folder."""
    _registered[family.name] = family
    return family


def names() -> list[str]:
    """List the families, without importing them."""
    files = {path.stem for path in Path(__file__).parent.glob("*.py")} - {"__init__", "base"}
    return sorted(files | set(_registered))


def get(name: str) -> Family:
    """Return the family called `name` (KeyError for a name that `names` does not list)."""
    if name in _registered:
        return _registered[name]
    if name not in names():
        raise KeyError(name)
    family: Family = importlib.import_module(f"components.tasks.{name}").FAMILY
    return family
