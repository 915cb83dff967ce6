"""Where the packed model lies beside the code, its card, and what a Bento installs."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from components.release.records import BundleCard

RELEASE = "ONETRUNK_RELEASE"  # a variable: the semantic version, which the bytes cannot know
TRAFFIC = "ONETRUNK_TRAFFIC"  # a variable: `traffic` of params.yaml as JSON; without it nothing is recorded
FEEDBACK = "ONETRUNK_FEEDBACK"  # a variable: `feedback` of params.yaml as JSON; without it none is kept
BUNDLE = Path(__file__).parent.parent / "bundle"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
LICENCES = Path(__file__).with_name("licences.json")  # of the requirements


@cache
def card() -> BundleCard:
    """The bundle's card.json: version, limits, tasks, and the hashes that lead back to the data."""
    return BundleCard.read(BUNDLE / "card.json")


def release() -> str | None:
    """The semantic version of the release that is served; None where whoever serves has not said it."""
    return os.environ.get(RELEASE) or None
