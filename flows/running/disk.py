"""Room on the disk: said before a run begins, rather than by whatever fails first."""

from __future__ import annotations

import shutil
from pathlib import Path

from components.errors import UserError

NEEDED = 10_000_000  # bytes: Prefect's database, the logs and the reports


def require_room(root: Path) -> None:
    """Check that the project's disk is not full.

    Raises:
        UserError: it is, with what is left.
    """
    free = shutil.disk_usage(root).free
    if free < NEEDED:
        raise UserError(
            f"{root}: {free / 1e6:.1f} MB free on this disk, and a run needs {NEEDED / 1e6:.0f} and more; "
            "free some space, then give the same command again"
        )
