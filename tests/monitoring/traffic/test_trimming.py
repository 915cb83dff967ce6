"""What stays of a day's files once nobody adds to them."""

from __future__ import annotations

import multiprocessing
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.families.base import Row
from components.monitoring.traffic import store
from components.monitoring.traffic.rows import BUCKETS
from components.monitoring.traffic.store import Writer
from components.settings.traffic import Traffic

ROWS = 20  # of a day's sample


def rows(count: int, when: datetime) -> list[Row]:
    draw = random.Random(count)
    same = {"release": "v1", "characters": 3, "tokens": 1, "unknown": 0.0, "script": "latin"}
    return [
        {"id": str(number), "time": when, "key": draw.random(), "sketch": bytes(BUCKETS), **same}
        for number in range(count)
    ]


def of_files(folder: Path) -> list[str]:
    return [row for file in folder.glob("*/*.parquet") for row in pq.read_table(file)["id"].to_pylist()]


def flush_of(worker: tuple[Traffic, str]) -> None:
    Writer(*worker).flush()


def test_of_a_day_that_is_long_over_its_sample_alone_stays_whoever_removes_the_rest(tmp_path: Path) -> None:
    traffic = Traffic(folder=str(tmp_path), rows_a_day=ROWS)
    ended = datetime.now(UTC) - timedelta(days=2)
    every = rows(300, ended)
    for worker in range(3):
        writer = Writer(traffic, str(worker))
        for hour in range(2):
            writer.add([{**row, "time": ended.replace(hour=hour)} for row in every[worker::3][hour::2]])
        writer.expired = datetime.now(UTC).date()  # as the workers of that day: it was not over
        writer.flush()
    before = store.read(tmp_path, ended.date(), ROWS)
    assert len(of_files(tmp_path)) == 300
    with multiprocessing.get_context("fork").Pool(3) as workers:
        workers.map(flush_of, [(traffic, f"later-{each}") for each in range(6)], chunksize=1)
    assert sorted(of_files(tmp_path)) == sorted(before["id"].to_pylist())
    assert store.read(tmp_path, ended.date(), ROWS).equals(before)


@pytest.mark.parametrize("days", [0, 1])
def test_of_a_day_to_which_workers_may_still_add_nothing_is_removed(tmp_path: Path, days: int) -> None:
    """At midnight each of them writes the last rows of the day, and is the first of the new one to look."""
    writer = Writer(Traffic(folder=str(tmp_path), rows_a_day=ROWS), "a")
    writer.add(rows(2 * ROWS, datetime.now(UTC) - timedelta(days=days)))
    writer.flush()
    Writer(writer.traffic, "b").flush()
    assert len(of_files(tmp_path)) == 2 * ROWS


def test_a_damaged_file_keeps_nothing_from_being_written(tmp_path: Path) -> None:
    damaged = tmp_path / (datetime.now(UTC).date() - timedelta(days=2)).isoformat() / "a.parquet"
    damaged.parent.mkdir()
    damaged.write_text("half")
    writer = Writer(Traffic(folder=str(tmp_path)), "b")
    writer.add(rows(2, datetime.now(UTC)))
    writer.flush()
    assert len(store.read(tmp_path, datetime.now(UTC).date(), ROWS)) == 2
    assert damaged.read_text() == "half"
