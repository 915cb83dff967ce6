"""What a service keeps of its traffic, by BentoML's interface for monitoring: a sample, and never the texts
unless told (docs/how-to/traffic.md)."""

from __future__ import annotations

import logging
import os
import random
import threading
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import bentoml
from bentoml.monitoring import MonitorBase
from pydantic import BaseModel

from components.families.base import Row
from components.monitoring.traffic.rows import RowMaker
from components.monitoring.traffic.store import Writer
from components.settings.traffic import Traffic
from serving import settings
from serving.bundle import Served, served
from serving.faults import log_fault
from serving.questions import row_of, strings
from serving.watch import REQUEST

SECONDS = 10.0  # until what was recorded is written
LOG = logging.getLogger("bentoml")


class DailyParquet(MonitorBase[Any]):
    """BentoML's monitor that hands rows to a writer of Parquet files."""

    def __init__(self, name: str, writer: Writer, **_: Any) -> None:
        super().__init__(name)
        self.writer = writer

    def export_schema(self, columns_schema: dict[str, dict[str, str]]) -> None:
        """The files say it themselves."""

    def export_data(self, datas: dict[str, deque[Any]]) -> None:
        """Take rows, which come as columns."""
        self.writer.add([dict(zip(datas, row, strict=True)) for row in zip(*datas.values(), strict=True)])


@cache
def recorder() -> Recorder | None:
    """What records this worker's requests, as whoever serves has said; None where nobody has."""
    if (traffic := settings.traffic()) is None:
        return None
    found = Recorder(traffic)
    maker_of(served())  # read before the first request
    threading.Thread(target=found.keep_writing, daemon=True).start()
    return found


@lru_cache(maxsize=4)
def maker_of(release: Served) -> RowMaker:
    """What makes rows of the answers of a release."""
    labels = {name: task.labels or [] for name, task in release.card.tasks.items()}
    traffic = settings.traffic() or Traffic()
    return RowMaker(release.bundle / "tokenizer.json", labels, release.name, traffic)


def make_ready(release: Served) -> None:
    """Read what the first row of a release needs, if this worker records."""
    if recorder():
        maker_of(release)


def record(texts: Sequence[Any], answers: Sequence[Mapping[str, BaseModel]], by: Served) -> None:
    """Record an item of a request and its answer by a release, if this worker records."""
    if found := recorder():
        found.record(texts, answers, maker_of(by))


def stop() -> None:
    """Write what waits: the worker ends."""
    if found := recorder():
        found.write()


class Recorder:
    """Records what is answered."""

    def __init__(self, traffic: Traffic) -> None:
        self.writer = Writer(traffic, f"{os.getpid()}-{uuid.uuid4().hex[:6]}")

    def record(
        self, texts: Sequence[Any], answers: Sequence[Mapping[str, BaseModel]], maker: RowMaker
    ) -> None:
        """Record an item of a request and its answer; whatever becomes of that, they were answered."""
        try:
            self._record(texts, answers, maker)
        except Exception as error:
            log_fault("this request is not recorded", error)

    def _record(
        self, texts: Sequence[Any], answers: Sequence[Mapping[str, BaseModel]], maker: RowMaker
    ) -> None:
        """Of a request one text is drawn: the others resemble it, and a test that takes them for independent
        would find shifts that are none. The key is the request's, so that all requests are as likely."""
        key = random.random()  # noqa: S311 a sample, not a secret
        if self.writer.wants(key):
            place = random.randrange(len(texts))  # noqa: S311
            fields = {task: one.model_dump() for task, one in answers[place].items()}
            inputs = row_of(texts[place])
            asked = [text for _, text in strings(inputs)]
            self._log(maker.row(key, asked, fields, f"{REQUEST.get()}/{place}", inputs))

    def _log(self, row: Row) -> None:
        monitoring: Any = bentoml.monitor  # whose types know no class of ours
        with monitoring("onetrunk", DailyParquet, {"writer": self.writer}) as monitor:
            for name, value in row.items():
                kind = "numerical" if isinstance(value, int | float) else "categorical"
                monitor.log(value, name, "prediction" if "." in name else "feature", kind)

    def keep_writing(self) -> None:
        """Write what waits, again and again."""
        pause = threading.Event()
        while not pause.wait(SECONDS):
            self.write()

    def write(self) -> None:
        """Write what waits; what cannot be is tried again the next time."""
        try:
            self.writer.flush()
        except Exception:
            LOG.exception("traffic cannot be written; it is held for a day at most")
