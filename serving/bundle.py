"""Where the packed model lies beside the code, and its card."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from components.release.records import BundleCard

RELEASE = "ONETRUNK_RELEASE"  # a variable: the semantic version, which the bytes cannot know
BUNDLE = Path(__file__).parent.parent / "bundle"


@cache
def card() -> BundleCard:
    """The bundle's card.json: version, limits, tasks, and the hashes that lead back to the data."""
    return BundleCard.read(BUNDLE / "card.json")


def release() -> str | None:
    """The semantic version of the release that is served; None where whoever serves has not said it."""
    return os.environ.get(RELEASE) or None
