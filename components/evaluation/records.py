"""What evaluation and gate write down, and read of each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.records import Part, Record

CHAMPION = Path("reports/champion.json")


class Champion(Part):
    """The release that a candidate is compared with."""

    release: str  # its version
    model: str  # SHA-256 of its weights
    manifest: str  # SHA-256 of the manifest of its folder, and so of every byte


class ChampionReport(Record):
    """reports/champion.json: what the candidate is to be compared with; null before the first release."""

    champion: Champion | None


def champion_of(report: Mapping[str, Any]) -> Champion | None:
    """The champion that an evaluation or a verdict was made against."""
    found = report["champion"]
    return found and Champion(**{key: found[key] for key in Champion.model_fields})


def describe(champion: Champion | None) -> str:
    """A champion as a sentence names it."""
    return f"release {champion.release} (model {champion.model[:12]})" if champion else "no release"
