"""The scores of every article so far, each counted once, and the windows that have been judged.

    monitoring/scores/00000001.parquet    scores, never changed; a run adds files
    monitoring/judged/<window>.json       what a window was found to be, and whether that was raised

Every file is written whole, and writers take turns. Scores of two models do not compare: those that
another model gave are kept, and do not count.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from components.errors import UserError, first_line
from components.files import atomic_file
from components.monitoring.detectors.base import Counts
from components.monitoring.records import Judgement

FOLDER = Path("monitoring")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "published": pl.Datetime("us", "UTC"),
    "topic": pl.String,
    "negative": pl.Boolean,
    "answers": pl.String,  # of every task, as JSON
    "model": pl.String,  # SHA-256 of the weights that scored it
}


@dataclass(frozen=True)
class Score:
    """What the model says of an article."""

    id: str
    published: datetime
    topic: str
    negative: bool
    answers: str
    model: str


@dataclass(frozen=True)
class Window:
    """A stretch of time; the windows of one length follow each other from 1970 on."""

    number: int
    length: timedelta

    @classmethod
    def of(cls, moment: datetime, length: timedelta) -> Window:
        return cls((moment - EPOCH) // length, length)

    @property
    def start(self) -> datetime:
        return EPOCH + self.number * self.length

    @property
    def end(self) -> datetime:
        return self.start + self.length

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.start:%Y%m%dT%H}-{self.length // timedelta(hours=1)}h"


class BusyError(UserError):
    """Another process writes."""


class History:
    """What is kept below `folder`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.scores, self.judged = folder / "scores", folder / "judged"
        self.lock = folder / ".lock"

    @contextlib.contextmanager
    def turn(self, wait: bool = True) -> Iterator[None]:
        """Hold the turn to write, once no other process does; the system ends the turn of one that dies.

        Raises:
            BusyError: another process writes, and this one is not to `wait`.
        """
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        with self.lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise BusyError("another run of the monitor is going on") from None
            yield

    # --- scores -------------------------------------------------------------------------------------

    def add(self, scores: Sequence[Score]) -> None:
        """Keep these scores, all or, if killed, none; call it in one's turn."""
        number = max((int(part.stem) for part in self._parts()), default=0) + 1
        frame = pl.DataFrame([asdict(score) for score in scores], schema=SCHEMA, orient="row")
        with atomic_file(self.scores / f"{number:08d}.parquet") as temporary:
            frame.write_parquet(temporary)

    def read(self) -> pl.DataFrame:
        """Every score but for its answers, in the order in which they were added.

        Raises:
            UserError: a file is damaged, or of another version.
        """
        columns = [name for name in SCHEMA if name != "answers"]
        frames = [pl.DataFrame(schema=SCHEMA).select(columns)]
        for part in self._parts():
            try:
                frames.append(pl.read_parquet(part, columns=columns).match_to_schema(frames[0].schema))
            except (pl.exceptions.PolarsError, OSError) as error:
                problem = first_line(error)
                raise UserError(
                    f"{part}: not a readable file of scores ({problem}); restore it, or remove it: then its "
                    f"articles, where they are still there, are scored again"
                ) from None
        return pl.concat(frames)

    def _parts(self) -> list[Path]:
        return sorted(self.scores.glob(f"{'[0-9]' * 8}.parquet"))  # and no copy beside them

    # --- windows ------------------------------------------------------------------------------------

    def file(self, window: Window) -> Path:
        """Where the judgement of a window is or will be."""
        return self.judged / f"{window.name}.json"

    def judgements(self) -> list[tuple[Path, Judgement]]:
        """Every judgement, oldest window first.

        Raises:
            UserError: a file is damaged, or of another version.
        """
        return [(file, Judgement.read(file)) for file in sorted(self.judged.glob("[0-9]*.json"))]

    def mark_raised(self, file: Path) -> None:
        """Note that the surges of a judgement have been raised."""
        Judgement.read(file).model_copy(update={"raised": True}).write(file)


def counts(scores: pl.DataFrame, model: str, length: timedelta) -> dict[str, dict[int, Counts]]:
    """topic -> number of the window -> (negatives, articles), of what this model has scored."""
    number = (pl.col("published") - EPOCH).dt.total_microseconds() // (length // timedelta(microseconds=1))
    table = (
        scores.filter(pl.col("model") == model)
        .unique("id", keep="first", maintain_order=True)
        .group_by("topic", number.alias("window"))
        .agg(pl.col("negative").sum(), pl.len().alias("articles"))
    )
    found: dict[str, dict[int, Counts]] = {}
    for topic, window, negatives, articles in table.sort("topic", "window").iter_rows():
        found.setdefault(topic, {})[window] = (negatives, articles)
    return found
