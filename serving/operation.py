"""What the operator's page shows beside the metrics: the days that the service recorded, and what the project
knows of releases, trials and drift, where `onetrunk serve` tells."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from starlette.requests import Request

from components.errors import UserError
from components.monitoring.traffic.store import days, read
from components.release.variables import ROLLOUT
from components.rollout.history import HISTORY, MOST, History
from serving import callers, settings
from serving.bundle import served

PROBABILITY = ".probability"  # the end of a column: of the answer that a task has given
FORWARDED = ("forwarded", "x-forwarded-for", "via")  # headers of a proxy


def said() -> Mapping[str, Any]:
    """All of it, as JSON."""
    now = served()
    found = known()
    return {
        "release": now.release,
        "version": now.card.version,
        "days": recorded(),
        **found.model_dump(mode="json", exclude={"schema_version"}),
        "champions": [
            {**one.model_dump(mode="json"), "report": one.report is not None} for one in found.champions
        ],
    }


def known() -> History:
    """What `onetrunk serve` has written down; nothing where nobody has."""
    file = Path(os.environ.get(ROLLOUT, "")) / HISTORY
    try:
        return History.read(file) if ROLLOUT in os.environ and file.is_file() else History()
    except UserError:  # it is being written by another version, or the service ends
        return History()


def report(release: str) -> Path | None:
    """The page of a release's evaluation; only of those that the history names."""
    files = {one.release: one.report for one in known().champions}
    file = Path(files.get(release) or "/nowhere")
    return file if file.is_file() else None


def may_read(request: Request) -> bool:
    """Whether a caller may see a report, which quotes rows of the test set: he has sent a token, or calls
    from this machine by its own name. A page of another name that his browser shows may lead here (DNS
    rebinding)."""
    if callers.are_asked():
        return True
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return _is_this_machine(request.client.host) and _is_this_machine(request.url.hostname or "")
    except ValueError:  # no address, or no name
        return False


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def recorded() -> list[Mapping[str, Any]]:
    """The days that were recorded last, oldest first: how many texts, how they were, how sure the answers."""
    if (traffic := settings.traffic()) is None:
        return []
    folder = Path(traffic.folder)
    found = (_day(folder, day, traffic.rows_a_day, _written(folder, day)) for day in days(folder)[-MOST:])
    return [day for day in found if day]


def _written(folder: Path, day: date) -> float:
    """When something was added to a day, seconds since 1970."""
    return max((file.stat().st_mtime for file in (folder / day.isoformat()).glob("*.parquet")), default=0.0)


@lru_cache(maxsize=2 * MOST)
def _day(folder: Path, day: date, rows_a_day: int, written: float) -> Mapping[str, Any] | None:
    """None where nothing can be read of it."""
    try:
        rows = read(folder, day, rows_a_day)
    except UserError:  # `onetrunk traffic` says it
        return None
    return _summary(day, rows) if len(rows) else None


def _summary(day: date, rows: pa.Table) -> Mapping[str, Any]:
    sure = [name for name in rows.column_names if name.endswith(PROBABILITY)]
    return {
        "day": day.isoformat(),
        "texts": len(rows),
        "characters": pc.mean(rows["characters"]).as_py(),
        "unknown": pc.mean(rows["unknown"]).as_py(),
        "confidence": {
            name.removesuffix(PROBABILITY): mean for name in sure if (mean := pc.mean(rows[name]).as_py())
        },
    }
