"""Every window of traffic that has ended is judged once, and what it was found to be is kept."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import cache, partial
from pathlib import Path
from urllib.parse import quote

from components.monitoring.known import measured
from components.monitoring.traffic import comparing
from components.monitoring.traffic.feedback import Feedback, by_window
from components.monitoring.traffic.records import Window
from components.monitoring.traffic.verdict import Watch
from components.settings.traffic import Traffic

FOLDER = Path("monitoring/shifts")
LOCK = Path(".onetrunk/traffic.lock")  # who judges, one at a time
Days = list[tuple[date, date]]  # first and last of each window
NOBODY = Feedback()


def judge_windows(
    root: Path, traffic: Traffic, today: date, feedback: Feedback = NOBODY, beside: int = 0
) -> list[Window]:
    """Judge what has ended before today and was not judged yet, and write it down -> those windows. `beside`
    watches share the days between false alarms. Call it in one's turn (`LOCK`), or two judge the same.

    Raises:
        UserError: a file of traffic, or of an earlier judgement, is damaged.
    """
    before: dict[str, Days] = defaultdict(list)
    for _, window in judgements(root):
        before[window.release].append((window.first, window.last))
    found, known = [], cache(partial(measured, root))
    judged_days = {release: [*days] for release, days in before.items()}
    for due in comparing.windows(traffic, root, today, judged_days):
        before[due.release].append((due.first, due.last))
        ends = sorted(last for _, last in before[due.release])
        heard = by_window(ends, feedback.heard(due.release))
        watch = Watch(due, known(due.release), heard, feedback.margins)
        judged = watch.judged(traffic.days_between_false_alarms, beside)
        judged.write(root / FOLDER / f"{due.first}-{quote(due.release, safe='')}.json")
        found.append(judged)
    return found


def judgements(root: Path) -> list[tuple[Path, Window]]:
    """Every judgement, oldest window first."""
    return [(file, Window.read(file)) for file in sorted((root / FOLDER).glob("[0-9]*.json"))]
