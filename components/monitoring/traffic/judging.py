"""Every window of traffic that has ended is judged once, and what it was found to be is kept."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path
from urllib.parse import quote

from components.monitoring.traffic import comparing
from components.monitoring.traffic.records import Moved, Window
from components.settings.traffic import Traffic

FOLDER = Path("monitoring/shifts")


def judge_windows(root: Path, traffic: Traffic, today: date) -> list[Window]:
    """Judge what has ended before today and was not judged yet, and write it down -> those windows.

    Raises:
        UserError: a file of traffic, or of an earlier judgement, is damaged.
    """
    before: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for _, window in judgements(root):
        before[window.release].append((window.first, window.last))
    found = []
    for due in comparing.windows(traffic, root, today, before):
        judged = _judged(due, traffic.days_between_false_alarms)
        judged.write(root / FOLDER / f"{due.first}-{quote(due.release, safe='')}.json")
        found.append(judged)
    return found


def _judged(window: comparing.Window, days_between_false_alarms: int) -> Window:
    verdict, ids = comparing.compare(window, days_between_false_alarms)
    moved = [
        Moved(subject=one.subject, p=one.p, words=one.words, typical=[ids[number] for number in one.typical])
        for one in verdict.shifts
    ]
    return Window(
        release=window.release,
        first=window.first,
        last=window.last,
        texts=len(window.rows),
        reference=len(window.reference),
        days_between_false_alarms=days_between_false_alarms,
        p=verdict.p,
        alarm=verdict.alarm,
        moved=moved,
        raised=not verdict.alarm,
    )


def judgements(root: Path) -> list[tuple[Path, Window]]:
    """Every judgement, oldest window first."""
    return [(file, Window.read(file)) for file in sorted((root / FOLDER).glob("[0-9]*.json"))]


def in_words(window: Window) -> str:
    """A window in a line, and what has moved in a line each."""
    days = f"{window.first}" if window.first == window.last else f"{window.first} to {window.last}"
    said = "SHIFTED" if window.alarm else "as before"
    lines = [f"{days}, release {window.release}, {window.texts:,} texts: {said} (p = {window.p:.2g})"]
    return "\n".join([*lines, *(f"  {one.words}" for one in window.moved)])
