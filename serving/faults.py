"""Log what failed in here, without the texts of callers: the words of an error may quote them."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

LOG = logging.getLogger("bentoml")


def log_fault(sentence: str, error: BaseException) -> None:
    """Log what failed, and where; the error's own words only for those who debug."""
    for one in _chain(error):
        where = "".join(traceback.format_tb(one.__traceback__)).rstrip()
        LOG.error(
            "%s: %s; its words are logged with BENTOML_DEBUG=TRUE\n%s", sentence, type(one).__name__, where
        )
        LOG.debug("%s: %s", type(one).__name__, one)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
