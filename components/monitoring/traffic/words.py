"""A window of traffic in words: what moved, by how much, which texts are typical."""

from __future__ import annotations

from collections.abc import Iterator

from components.monitoring.detectors.quality import said
from components.monitoring.traffic.records import Moved, Share, Window

NAMED = 3  # labels of a task, and texts of what has moved


def in_words(window: Window) -> str:
    """A window in a line, and what has moved in a line each; what is only estimated comes last."""
    return "\n".join([*lines(window), *(_estimates(window) if window.alarm else [])])


def lines(window: Window) -> list[str]:
    """The same lines without what is only estimated."""
    days = f"{window.first}" if window.first == window.last else f"{window.first} to {window.last}"
    head = f"{days}, release {window.release}, {window.texts:,} texts: {_said(window)} (p = {window.p:.2g})"
    return [head, *map(_moved, window.moved), *_heard(window)]


def _said(window: Window) -> str:
    found = [*(["SHIFTED"] if window.shifted else []), *(["WORSE"] if window.worse else [])]
    return " and ".join(found) or "as before"


def _moved(one: Moved) -> str:
    typical = f"; typical: {', '.join(one.typical[:NAMED])}" if one.typical else ""
    return f"  {one.words}{typical}"


def _heard(window: Window) -> Iterator[str]:
    """What feedback says where a window of 0.10.0 has it in numbers alone."""
    told = {one.subject for one in window.moved if one.p is None}
    for task in window.worse:
        if task not in told:
            yield f"  {said(task, window.quality[task])}"


def _estimates(window: Window) -> Iterator[str]:
    for task, shares in window.shares.items():
        named = ", ".join(f"{label} {_percent(share)}" for label, share in list(shares.items())[:NAMED])
        yield f"  {task}, if only the frequency of labels has changed: {named}"
    for task, share in window.right.items():
        before = window.right_before.get(task, share.value)
        yield (
            f"  {task}: about {share.value:.0%} of the answers are right, by how sure they are; of the test "
            f"rows {before:.0%} (an estimate, and no reason for an alarm)"
        )


def _percent(share: Share) -> str:
    between = " ({:.0%} to {:.0%})".format(*share.interval) if share.interval else ""
    return f"{share.value:.0%}{between}"
