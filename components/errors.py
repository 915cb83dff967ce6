"""The failures that a user meets without a traceback, and those of a row, of which one of them is made.

Everything else that is raised is a bug and shows its traceback.
"""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable, Iterator

EXIT_FAILED = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
EXIT_TRY_AGAIN = 75  # sysexits.h EX_TEMPFAIL: the flow may retry the stage
SHORTEST = 3  # letters that say which name is meant, if only one begins so


class UserError(Exception):
    """A mistake in the settings, the data or the call: one sentence that names the file, the
    key or row, what was found and what was expected."""


class TryAgainError(Exception):
    """A passing failure (a download, a lock): the same command may succeed later."""


class BadRowError(ValueError):
    """A row or a request that its family cannot read; the caller adds where it stands."""


class SkippedRowError(BadRowError):
    """A row that teaches nothing and is no mistake: ingest leaves it out and counts it."""


class NotANumberError(BadRowError):
    """A value that is no number as it is written."""


DISK = {
    errno.ENOSPC: "no space is left on the disk; free some, then give the same command again",
    errno.EDQUOT: "the disk quota is used up; free some space, then give the same command again",
    errno.EFBIG: "the file would be larger than this system allows; see `ulimit -f`",
    errno.EROFS: "the folder is read-only; make it writable, or work in a copy",
    errno.EACCES: "no permission; make it readable and writable for this user",
    errno.EPERM: "no permission; make it readable and writable for this user",
    errno.EIO: "the disk does not work (input/output error)",
    errno.EISDIR: "a folder; expected a file",
    errno.ENOTDIR: "a file stands in the way of a folder of this name",
    errno.ENAMETOOLONG: "a longer name than this system allows",
    errno.ELOOP: "links that lead to one another; expected a file or a folder",
}
# Libraries that are not Python's give the system's number in their text, or its words.
NUMBERED = re.compile(r"(?:errno|os error) (\d+)", re.IGNORECASE)
WORDS = {
    "no space left on device": errno.ENOSPC,
    "disk is full": errno.ENOSPC,  # SQLite's
    "disk quota exceeded": errno.EDQUOT,
    "read-only file system": errno.EROFS,
    "readonly database": errno.EROFS,  # SQLite's
}


def disk_sentence(error: BaseException) -> str | None:
    """The user's one sentence for an error that is the disk's; None for any other."""
    for one in _chain(error):
        sentence = disk_sentence_of(str(one), getattr(one, "errno", None))
        if sentence is not None:
            path = getattr(one, "filename2", None) or getattr(one, "filename", None)
            return f"{path}: {sentence}" if path and str(path) not in sentence else sentence
    return None


def disk_sentence_of(text: str, number: int | None = None) -> str | None:
    """The same for an error of which only the text is left."""
    if number is None and (match := NUMBERED.search(text)):
        number = int(match[1])
    if number not in DISK:
        number = next((code for words, code in WORDS.items() if words in text.lower()), None)
    return None if number is None else DISK[number]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def first_line(error: BaseException) -> str:
    """The first line of what an error says; the name of its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def near_miss(found: object, known: Iterable[str]) -> str:
    """Return `" (did you mean 'x'?)"`, of the one other name that begins so, else the closest, or nothing."""
    names = [name for name in known if name != found]
    begun = [name for name in names if len(str(found)) >= SHORTEST and name.startswith(str(found))]
    close = begun if len(begun) == 1 else difflib.get_close_matches(str(found), names, n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""
