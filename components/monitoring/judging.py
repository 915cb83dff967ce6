"""Which windows are to be judged, and each against the windows right before it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from components.monitoring.alarm import RULES, Verdict, judge
from components.monitoring.detectors.base import Counts, Seen, Topic
from components.monitoring.history import History, Window, counts
from components.monitoring.records import Finding, Judgement
from components.settings.monitor import Monitor
from components.settings.traffic import Traffic

ALPHA = 0.01  # of surges, where nothing says more
Counted = dict[str, dict[int, Counts]]  # topic -> number of a window -> its counts


def judge_windows(
    history: History, monitor: Monitor, model: str, now: datetime, traffic: Traffic | None = None
) -> list[Window]:
    """Judge every window that has ended since the last judgement, and write down what it is. Where `traffic`
    is watched too, both share the days between false alarms.

    A window is judged once: articles that come late count in the history of later ones only. The first
    time, the latest window alone is judged, and all before it is history. Returns the windows.
    """
    counted = counts(history.read(), model, monitor.window)
    with_articles = {number for windows_of in counted.values() for number in windows_of}
    ended = [number for number in with_articles if Window(number, monitor.window).end <= now]
    due = [Window(number, monitor.window) for number in _due(ended, _judged(history, monitor))]
    between = windows_between(monitor, traffic)
    for window in due:
        judgement(counted, window, monitor, between, model).write(history.file(window))
    return due


def windows_between(monitor: Monitor, traffic: Traffic | None) -> float:
    """Windows between two with a false surge: as `alpha` says, or an equal share of the days that the
    traffic's watch has, where each kind of evidence may have one too."""
    if monitor.alpha is not None or traffic is None:
        return 1 / (monitor.alpha or ALPHA)
    shares = len(RULES) + 1
    return shares * traffic.days_between_false_alarms * (timedelta(days=1) / monitor.window)


def _judged(history: History, monitor: Monitor) -> set[int]:
    hours = monitor.window_hours
    return {found.number for _, found in history.judgements() if found.hours == hours}


def _due(ended: Collection[int], judged: Collection[int]) -> list[int]:
    first = min(judged) if judged else max(ended, default=0)
    return sorted(number for number in ended if number >= first and number not in judged)


def judgement(counted: Counted, window: Window, monitor: Monitor, windows: float, model: str) -> Judgement:
    """What a window is, topic by topic."""
    verdict = judge(Seen(topics=_topics(counted, window, monitor)), windows)
    return Judgement(
        number=window.number,
        hours=monitor.window_hours,
        start=window.start.isoformat(),
        end=window.end.isoformat(),
        model=model,
        alpha=1 / windows,
        topics=dict(sorted(findings(verdict).items())),
        raised=not verdict.alarm,
    )


def findings(verdict: Verdict) -> dict[str, Finding]:
    """topic -> what was found of it."""
    return {
        one.test.subject: one.test.facts.model_copy(update={"q": one.p, "surge": one.alarm})
        for one in verdict.found if isinstance(one.test.facts, Finding)
    }  # fmt: skip


def _topics(counted: Counted, window: Window, monitor: Monitor) -> dict[str, Topic]:
    first = window.number - monitor.history_windows
    found = {}
    for topic, by_window in counted.items():
        if window.number in by_window:
            before = [by_window[number] for number in by_window if first <= number < window.number]
            found[topic] = Topic(by_window[window.number], before, monitor.min_windows)
    return found
