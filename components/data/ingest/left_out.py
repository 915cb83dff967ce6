"""Rows of a source that never become rows of the task: how many, why, and which are the first."""

from __future__ import annotations

from collections import Counter, defaultdict

from components.data.contract.excerpt import excerpt
from components.data.ingest.cleaning import UNREADABLE
from components.data.ingest.records import RemovedRow
from components.data.sources.record import Record
from components.errors import BadRowError, UserError
from components.settings.data import Cleaning

EXAMPLES = 5  # rows that the report names, per reason


class LeftOut:
    """Counts rows by the reason for which they are left out."""

    def __init__(self, cleaning: Cleaning) -> None:
        self.cleaning = cleaning
        self.counts: Counter[str] = Counter()
        self.first: dict[str, list[RemovedRow]] = defaultdict(list)

    def skip(self, record: Record, reason: str) -> None:
        """A row that asks nothing, or does not count."""
        text = record.values.get("text")
        self._add(reason, record.place, excerpt(text) if isinstance(text, str) else "")

    def unreadable(self, place: str, error: BadRowError | str) -> None:
        """A row that cannot be read.

        Raises:
            UserError: `cleaning.unreadable` says that there may be none.
        """
        if self.cleaning.unreadable == "fail":
            advice = "`cleaning: {unreadable: drop}` leaves such rows out"
            raise UserError(f"{place}: {error}; {advice}") from None
        self._add(UNREADABLE, place, str(error))

    def _add(self, reason: str, place: str, text: str) -> None:
        self.counts[reason] += 1
        if len(self.first[reason]) < EXAMPLES:
            self.first[reason].append(RemovedRow(id="", place=place, text=text))

    def require_few(self, sound: int, path: str) -> None:
        """No more rows than the ceiling are unreadable, of those and `sound` ones.

        Raises:
            UserError: there are more, and the first of them.
        """
        found, most = self.counts[UNREADABLE], self.cleaning.max_unreadable
        if found > most * (found + sound):
            first = self.first[UNREADABLE][0]
            raise UserError(
                f"{path}: {found:,} of {found + sound:,} rows cannot be read, and cleaning.max_unreadable "
                f"allows {most:.0%}; the first is {first.place}: {first.text}"
            )
