"""Task families: one folder per family, found by its name.

A family is the folder `components/families/<name>/` whose `family.py` has a `FAMILY` instance. Adding one
adds that folder and touches no other; `register` serves families that live elsewhere.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from components.families.base import COMMON, Family

__all__ = ["COMMON", "Family", "get", "names", "register", "that"]

_registered: dict[str, Family] = {}


def register(family: Family) -> Family:
    """Make a family known that is not a folder of this one."""
    _registered[family.name] = family
    return family


def names() -> list[str]:
    """List the families, without importing them."""
    folders = {path.parent.name for path in Path(__file__).parent.glob("*/family.py")}
    return sorted(folders | set(_registered))


def that(*capabilities: type) -> list[str]:
    """The families with one of these capabilities; it imports them all."""
    return [name for name in names() if isinstance(get(name), capabilities)]


def get(name: str) -> Family:
    """Return the family called `name` (KeyError for a name that `names` does not list)."""
    return _registered[name] if name in _registered else _imported(name)


@cache  # it is asked for with every row, and a look into the folder takes longer than the row
def _imported(name: str) -> Family:
    if name not in names():
        raise KeyError(name)
    family: Family = importlib.import_module(f"components.families.{name}.family").FAMILY
    return family
