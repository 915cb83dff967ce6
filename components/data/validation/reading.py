"""What ingest has found while it read, as measures for Great Expectations to judge."""

from __future__ import annotations

from components.data.ingest.cleaning import UNREADABLE
from components.data.ingest.records import Cleaned, HeldOutClass
from components.data.sources.formats import FILTER
from components.data.validation.suites import EXAMPLES, Measure


def measures(ingest: Cleaned) -> dict[str, Measure]:
    """What `suites.reading_checks` judges, by its name, as far as there is something to judge."""
    unread = ingest.read.skipped.get(UNREADABLE, 0)
    found = {
        "unreadable rows": Measure(unread, _unread(unread, ingest), unread),
        "classes held out whole": _held_out(ingest.held_out),
        "values not found": _notes([note for note in ingest.notes if note.startswith(FILTER)]),
        "values for none": _notes([note for note in ingest.notes if not note.startswith(FILTER)]),
    }
    return {name: measure for name, measure in found.items() if measure.value}


def _notes(said: list[str]) -> Measure:
    return Measure(len(said), "; ".join(said) or None, len(said))


def _unread(unread: int, ingest: Cleaned) -> str | None:
    if not unread:
        return None
    first = ingest.removed_rows[UNREADABLE][0]
    return f"{unread:,} of {ingest.read.rows:,} rows were left out; the first is {first.place}: {first.text}"


def _held_out(classes: list[HeldOutClass]) -> Measure:
    """The classes whose only rows were split away, and what became of these."""
    said = "; ".join(_fate(one) for one in classes[:EXAMPLES])
    more = f" and {len(classes) - EXAMPLES} more" if len(classes) > EXAMPLES else ""
    return Measure(len(classes), said + more or None, len(classes))


def _fate(one: HeldOutClass) -> str:
    """As splits.rare has it."""
    what = {"kept in training": one.moved, "left out": one.dropped}
    parts = [f"{rows:,} {'row' if rows == 1 else 'rows'} {fate}" for fate, rows in what.items() if rows]
    return f"'{one.label}' of {one.head}{one.hint}, {' and '.join(parts)}"
