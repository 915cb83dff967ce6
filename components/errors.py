"""The failures that a user meets without a traceback, and those of a row, of which one of them is made.

Everything else that is raised is a bug and shows its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
EXIT_TRY_AGAIN = 75  # sysexits.h EX_TEMPFAIL: the flow may retry the stage


class UserError(Exception):
    """A mistake in the settings, the data or the call: one sentence that names the file, the
    key or row, what was found and what was expected."""


class TryAgainError(Exception):
    """A passing failure (a download, a lock): the same command may succeed later."""


class BadRowError(ValueError):
    """A row or a request that its family cannot read; the caller adds where it stands."""


class SkippedRowError(BadRowError):
    """A row that teaches nothing and is no mistake: ingest leaves it out and counts it."""


def near_miss(found: object, known: Iterable[str]) -> str:
    """Return `" (did you mean 'x'?)"` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(str(found), list(known), n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""
