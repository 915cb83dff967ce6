"""Times as records keep them (UTC, ISO 8601) and as a person reads them (local)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """The time as a record keeps it, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def of_seconds(seconds: float) -> str:
    """The time of a file or a tag, in seconds since the epoch, as a record keeps it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def local(time: str) -> str:
    """A record's time as a person says it: "today 11:32", "yesterday 11:32" or "2026-11-26 11:32"."""
    then, today = datetime.fromisoformat(time).astimezone(), datetime.now().astimezone().date()
    days = {today: "today", today - timedelta(days=1): "yesterday"}
    return f"{days.get(then.date(), then.date().isoformat())} {then:%H:%M}"


def seconds_between(started: str, ended: str) -> float:
    """How long something took that has these two times; nothing where the clock was put back meanwhile."""
    return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds())


def duration(seconds: float) -> str:
    """48 s, 3 min 12 s or 2 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
