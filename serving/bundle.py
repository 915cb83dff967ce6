"""Where the packed model lies beside the code, and its card."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from components.files import read_json

BUNDLE = Path(__file__).parent.parent / "bundle"


@cache
def card() -> dict[str, Any]:
    """The bundle's card.json: version, limits, tasks, and the hashes that lead back to the data."""
    found: dict[str, Any] = read_json(BUNDLE / "card.json")
    return found
