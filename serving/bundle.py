"""Where the packed model lies beside the code, its card, and what a Bento installs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from components.release.records import BundleCard
from components.release.variables import RELEASE

BUNDLE = Path(__file__).parent.parent / "bundle"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
LICENCES = Path(__file__).with_name("licences.json")  # of the requirements


@dataclass(frozen=True)
class Served:
    """A release that a service has loaded: the folder of its bundle, and its semantic version, which whoever
    serves has said or not."""

    bundle: Path
    release: str | None = None

    @cached_property
    def card(self) -> BundleCard:
        """The bundle's card.json: version, limits, tasks, and the hashes that lead back to the data."""
        return BundleCard.read(self.bundle / "card.json")

    @property
    def name(self) -> str:
        """The semantic version; where nobody has said it, that of the bundle."""
        return self.release or self.card.version


PACKED = Served(BUNDLE, os.environ.get(RELEASE) or None)
_served = [PACKED]  # of this process
RUNNING: dict[str, dict[str, str | None]] = {}  # version of a bundle -> what computes its states here


def served() -> Served:
    """The release that answers now: it may change while the service runs (serving/rollover.py)."""
    return _served[0]


def answer_with(release: Served) -> None:
    """From now on this release answers."""
    _served[0] = release


def card() -> BundleCard:
    """The card of the release that answers now."""
    return served().card


def release() -> str | None:
    """Its semantic version; None where whoever serves has not said it."""
    return served().release
