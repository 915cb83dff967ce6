"""What a service has recorded and been told, as files that its operator's page reads (synthetic)."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from components.monitoring.traffic.rows import BUCKETS
from components.monitoring.traffic.store import Writer
from components.rollout.history import HISTORY, Drift, History, Reign, Tried
from components.settings.traffic import Traffic

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
# with an icon, as our pages have one: a page without makes the browser ask for /favicon.ico, whenever it likes
REPORT = "<!doctype html><html lang=en><title>r</title><link rel=icon href=data:,><h1>How good v1.1.0 is</h1>"


def write_days(folder: Path, days: int = 12) -> Traffic:
    """Days of traffic whose answers are less sure each day; oldest first."""
    traffic = Traffic(folder=str(folder))
    writer = Writer(traffic, "worker")
    for back in range(days, 0, -1):
        time = TODAY - timedelta(days=back)
        writer.add([_row(time, 0.6 + 0.02 * back, 100 - back) for _ in range(3)])
        writer.flush()
    return traffic


def _row(time: datetime, sure: float, characters: int) -> dict[str, object]:
    own = {"id": uuid.uuid4().hex, "time": time, "key": 0.5, "release": "v1.1.0", "script": "LATIN"}
    numbers = {"characters": characters, "tokens": 9, "unknown": 0.01, "sketch": bytes(BUCKETS)}
    return {**own, **numbers, "sentiment.label": "good", "sentiment.probability": sure}


def write_history(folder: Path) -> History:
    """Two champions, a rollback, a canary that goes on and one that fell back, an alarm; v1.1.0 has a report."""
    report = folder / "report.html"
    report.write_text(REPORT)
    reigns = [
        ("v1.2.0", "2026-11-28T09:30:00+00:00", "release", "", "an alarm about <b>sentiment</b>"),
        ("v1.1.0", "2026-11-20T09:30:00+00:00", "rollback", "it says nonsense", None),
        ("v1.1.0", "2026-11-01T09:30:00+00:00", "release", "", None),
    ]
    champions = [
        Reign(
            release=release,
            since=since,
            action=action,
            why=why,
            verdict="PROMOTE",
            because=because,
            report=str(report) if release == "v1.1.0" else None,
        )
        for release, since, action, why, because in reigns
    ]
    tried: dict[str, Any] = {
        "beside": "v1.1.0",
        "kind": "canary",
        "share": 0.05,
        "began": "2026-11-28T09:30:05+00:00",
    }
    trials = [
        Tried(release="v1.2.0", state="running", why=None, answered=212, compared=90, differ=0.021, **tried),
        Tried(
            release="v1.1.1",
            state="fell back",
            why="its answers differ too often",
            answered=50,
            compared=0,
            differ=None,
            **tried,
        ),
    ]
    moved = "characters: 94.0 instead of 42.0 on average"
    drift = [_drift(27, True, [moved]), _drift(26, False, [])]
    found = History(champions=champions, trials=trials, drift=drift)
    found.write(folder / HISTORY)
    return found


def _drift(day: int, alarm: bool, moved: list[str]) -> Drift:
    when = date(2026, 11, day)
    worse = ["sentiment"] if alarm else []
    return Drift(
        first=when, last=when, release="v1.1.0", texts=480, alarm=alarm, p=0.001, moved=moved, worse=worse
    )
