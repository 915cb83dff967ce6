"""What the registry of releases writes down."""

from __future__ import annotations

from components.records import Part, Record


class Release(Part):
    """A Bento that was released."""

    release: str  # its version, and the name of its folder
    model: str  # SHA-256 of its weights


class ReleaseIndex(Record):
    """releases/index.json: every release, oldest first."""

    remedy = "put it back from a copy"
    releases: list[Release]
