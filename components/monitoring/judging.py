"""Which windows are to be judged, and each against the windows right before it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from components.monitoring.history import History, Window, counts
from components.monitoring.records import Judgement
from components.monitoring.surge import Counts, judge
from components.settings.monitor import Monitor

Counted = dict[str, dict[int, Counts]]  # topic -> number of a window -> its counts


def judge_windows(history: History, monitor: Monitor, model: str, now: datetime) -> list[Window]:
    """Judge every window that has ended since the last judgement, and write down what it is.

    A window is judged once: articles that come late count in the history of later ones only. The first
    time, the latest window alone is judged, and all before it is history. Returns the windows.
    """
    counted = counts(history.read(), model, monitor.window)
    with_articles = {number for windows in counted.values() for number in windows}
    ended = [number for number in with_articles if Window(number, monitor.window).end <= now]
    due = [Window(number, monitor.window) for number in _due(ended, _judged(history, monitor))]
    for window in due:
        judgement(counted, window, monitor, model).write(history.file(window))
    return due


def _judged(history: History, monitor: Monitor) -> set[int]:
    hours = monitor.window_hours
    return {found.number for _, found in history.judgements() if found.hours == hours}


def _due(ended: Collection[int], judged: Collection[int]) -> list[int]:
    first = min(judged) if judged else max(ended, default=0)
    return sorted(number for number in ended if number >= first and number not in judged)


def judgement(counted: Counted, window: Window, monitor: Monitor, model: str) -> Judgement:
    """What a window is, topic by topic."""
    first = window.number - monitor.history_windows
    now = {topic: windows[window.number] for topic, windows in counted.items() if window.number in windows}
    before = {
        topic: [windows[number] for number in windows if first <= number < window.number]
        for topic, windows in counted.items()
    }
    findings = judge(now, before, monitor.min_windows, monitor.alpha)
    return Judgement(
        number=window.number,
        hours=monitor.window_hours,
        start=window.start.isoformat(),
        end=window.end.isoformat(),
        model=model,
        alpha=monitor.alpha,
        topics=dict(sorted(findings.items())),
        raised=not any(finding.surge for finding in findings.values()),
    )
