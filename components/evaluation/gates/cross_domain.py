"""cross_domain: the metric on test sets of other places, which no training sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
from pydantic import Field

from components.data.ingest.reader import Reader
from components.errors import BadRowError, SkippedRowError, UserError
from components.evaluation.gates.base import Case, FurtherGate, check_floor
from components.evaluation.gates.measure import finding, listed, measured
from components.evaluation.gates.other_rows import on_rows
from components.evaluation.records import Finding
from components.families.base import Row
from components.families.shared.fingerprint import text_key
from components.settings.columns import Columns
from components.settings.data import Source
from components.settings.project import Project, Task
from components.settings.section import Rows, Section, Unit

NAME = "cross_domain"


class OtherTest(Section):
    """Test rows of another place, as a task's are: all its splits are read."""

    source: Source  # where they are
    # role -> column, as of a task; left out: those of the task
    columns: Columns = Field(default_factory=dict)
    # the least that the metric may be there; left out, there is none
    floor: Annotated[float | None, Unit("of the metric")] = None


class CrossDomain(FurtherGate):
    """Each test set is read as the task's own source is. A row whose text stands in the training data is left
    out."""

    tests: dict[str, dict[str, OtherTest]]  # task -> its further test sets, by names of yours
    # a loss that is allowed against the champion; left out: that of the task
    margin: Annotated[float | None, Field(gt=0), Unit("of the metric")] = None
    min_rows: Rows = 100  # of a test set; with fewer, it is listed, not judged

    def check(self, project: Project) -> None:
        for head, tests in self.tests.items():
            check_floor(project, f"tests.{head}", head, None)
            for name, test in tests.items():
                check_floor(project, f"tests.{head}.{name}.floor", head, test.floor)
                if not Path(test.source.path).exists():
                    raise ValueError(f"tests.{head}.{name}.source.path: no such file '{test.source.path}'")

    def files(self) -> list[Path]:
        return [Path(test.source.path) for tests in self.tests.values() for test in tests.values()]

    def findings(self, case: Case) -> Iterator[Finding]:
        for name, test in self.tests.get(case.head, {}).items():
            read_rows, unreadable = read(case, test)
            rows, learnt = unseen(case, read_rows)
            what = f"{name}{_left_out(learnt, unreadable)}"
            yield self._finding(on_rows(case, rows), what, test) if rows else _nothing(what)

    def _finding(self, case: Case, what: str, test: OtherTest) -> Finding:
        found = measured(case, lambda asked: asked.by(case.metric))
        if found.rows < self.min_rows:
            return listed(case, NAME, what, found, self.min_rows)
        return finding(case, NAME, what, found, test.floor, self.margin or case.gate.margin)


def _left_out(learnt: int, unreadable: int) -> str:
    """How many rows do not count, in brackets."""
    counts = {"are in the training data and left out": learnt, "cannot be read and are left out": unreadable}
    said = "; ".join(f"{count} of its rows {why}" for why, count in counts.items() if count)
    return f" ({said})" if said else ""


def _nothing(what: str) -> Finding:
    """A test set without a row to judge by keeps a release back: whoever asks for it is not to be told by
    nothing that it holds."""
    why = "none of its rows is left to judge by"
    return Finding(gate=NAME, what=what, rows=0, value=0.0, interval=None, outcome="hold", why=why)


def read(case: Case, test: OtherTest) -> tuple[list[Row], int]:
    """The rows of a test set as the head reads them, and how many cannot be read, where the task's
    `cleaning` lets such rows go.

    Raises:
        UserError: a row that cannot be read, or a label that the head does not know; or too many of them.
    """
    name = case.card["task"]
    own = case.project.tasks[name]
    reader = Reader(name, _as_task(own, test, case.head, name))
    head = next(head for head in reader.heads if head.name == case.head)
    rows: list[Row] = []
    wrong: list[str] = []
    for record in reader.records():
        try:
            row = reader.view(reader.read(record), head)
            if row is not None:
                case.family.check_row(row, case.facts)
                rows.append(row)
        except SkippedRowError:
            continue
        except BadRowError as error:
            wrong.append(f"{record.place}: {error}")
            if own.cleaning.unreadable == "fail":
                break
    most = own.cleaning.max_unreadable if own.cleaning.unreadable == "drop" else 0
    if len(wrong) > most * (len(rows) + len(wrong)):
        raise UserError(wrong[0])
    return rows, len(wrong)


def _as_task(own: Task, test: OtherTest, head: str, name: str) -> Task:
    """The task with the test set in the place of its source, and the one head that is asked."""
    if not test.columns:
        return own.model_copy(update={"source": test.source})
    joint = {} if head == name else {head: own.joint[head].model_copy(update={"columns": test.columns})}
    return own.model_copy(update={"source": test.source, "columns": test.columns, "joint": joint})


def unseen(case: Case, rows: list[Row]) -> tuple[list[Row], int]:
    """The rows whose text no training row has, and how many others there are."""
    names = case.family.input_schema().names
    train = pq.ParquetFile(case.root / "data" / case.card["task"] / "train.parquet")
    learnt = {
        text_key(case.family.text_of(row))
        for batch in train.iter_batches(columns=names)
        for row in batch.to_pylist()
    }
    kept = [row for row in rows if text_key(case.family.text_of(row)) not in learnt]
    return kept, len(rows) - len(kept)


GATE = CrossDomain
