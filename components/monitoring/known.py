"""What was measured of a release on its test rows: its commit holds it."""

from __future__ import annotations

import json
from pathlib import Path

from components.errors import UserError
from components.evaluation.records import EVALUATION, Evaluation, HeadEvidence
from components.release import registry


def measured(root: Path, release: str) -> dict[str, HeadEvidence]:
    """head -> its evidence. Nothing of a release of another project or of an earlier version: estimates are
    made from it, and the watch goes on without them."""
    try:
        found = registry.read(root)
        if release not in found.versions:
            return {}
        (text,) = found.git.blobs([f"{found.versions[release]}:{found.git.prefix}{EVALUATION}"])
        return Evaluation.of(json.loads(text), EVALUATION).tasks if text else {}
    except (UserError, ValueError):
        return {}
