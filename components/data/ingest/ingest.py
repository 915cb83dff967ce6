"""Source -> data/<task>: read, cleaned, split; known faults are removed, counted and reported.

The rows are read twice and never held: first from the source into one file, with keys of fixed width
beside it on which their fate is decided; then from that file into the splits.
"""

from __future__ import annotations

import contextlib
import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.data.contract.cards import TASK_CARD, TaskCard, TaskHead
from components.data.contract.excerpt import excerpt
from components.data.contract.progress import RowProgress
from components.data.contract.rows import column_of, view
from components.data.contract.splits import BEHIND_ALL, SPLITS, position
from components.data.ingest import accepted, missing
from components.data.ingest.annotated import Annotated
from components.data.ingest.classes import column_of_classes, settle
from components.data.ingest.cleaning import FATES, RARE, REASONS, UNDECIDED, UNREADABLE, decide
from components.data.ingest.layout import refuse_layout
from components.data.ingest.left_out import EXAMPLES, LeftOut
from components.data.ingest.reader import LESSON, Head, Reader, digest
from components.data.ingest.records import INGEST, Cleaned, ReadRows, RemovedRow
from components.data.sources.record import Record
from components.errors import BadRowError, SkippedRowError, UserError
from components.families.base import Facts, Family, Row
from components.families.base.capabilities import (
    MOST_CANDIDATES,
    FactsOfAllSplits,
    NegativesFromRows,
    candidates_of,
)
from components.families.shared.fingerprint import text_key
from components.files import atomic_folder, write_json
from components.settings.data import Cleaning
from components.settings.project import Task

if TYPE_CHECKING:
    import polars as pl

CHUNK = 16_384  # rows that are Python objects at once
KEYS = {
    "given": "int8",
    "accepted": "bool",
    "key": "uint64",
    "target": "uint64",
    "low": "float64",
    "high": "float64",
}


def ingest(name: str, task: Task, seed: int, target: Path, accepted_rows: Path | None = None) -> None:
    """Read a task's source, and the file of rows that were accepted from feedback, and write its folder:
    three Parquet files, task.json and ingest.json.

    Raises:
        UserError: a row that its family cannot read, a label outside the set, a duplicated id.
    """
    reader = Reader(name, task)
    refuse_layout(reader)
    with atomic_folder(target) as folder:
        read_rows = folder / "read.parquet"
        annotated, left_out, notes = Annotated(task.source), LeftOut(task.cleaning), list[str]()
        records = annotated.watch(reader.records(seed, notes))
        rows_read = _readable(reader, records, left_out)
        if accepted_rows is not None:
            own = accepted.reader_of(name, task)
            rows_read = chain(rows_read, _readable(own, accepted.records(name, accepted_rows), left_out))
        keys = _read_all(reader, rows_read, seed, read_rows, left_out)
        total = len(keys) + left_out.counts.total()
        if "id" in task.columns:
            _refuse_repeated_ids(read_rows, keys["id"])
        fate_N = decide(keys, task.cleaning, task.splits)
        held_out = settle(reader, read_rows, keys, fate_N)
        _leave_misfits_out(reader, read_rows, fate_N, left_out)
        left_out.require_few(len(keys) - int((fate_N == FATES.index(UNREADABLE)).sum()), task.source.path)
        notes += missing.notes(reader, read_rows)
        removed_rows = _write_splits(read_rows, reader, fate_N, folder)
        _require_rows(reader, folder, _counts(fate_N, FATES))
        heads = {head.name: _learn(reader, head, folder, read_rows, fate_N) for head in reader.heads}
        read_rows.unlink()
        inputs = list(reader.family.request_fields(task.columns))
        rows = _counts(fate_N, SPLITS)
        card = TaskCard(task=name, max_length=task.max_length, inputs=inputs, rows=rows, heads=heads)
        card.write(folder / TASK_CARD)
        cleaned = Cleaned(
            read=ReadRows(rows=total, skipped=dict(left_out.counts)),
            spans=annotated.spans(),
            crowd=annotated.crowd(),
            removed=_counts(fate_N, list(removed_rows)),
            removed_rows={**removed_rows, **left_out.first},
            held_out=held_out,
            notes=notes,
        )
        write_json(folder / INGEST, cleaned.model_dump(mode="json"))


def _counts(fate_N: np.ndarray, fates: Sequence[str]) -> dict[str, int]:
    """How many rows met each of these fates."""
    return {fate: int((fate_N == FATES.index(fate)).sum()) for fate in fates}


# --- the source, once ----------------------------------------------------------------------------


def _read_all(
    reader: Reader, rows: Iterator[tuple[Record, Row]], seed: int, path: Path, left_out: LeftOut
) -> pl.DataFrame:
    """Write every row, and where it stood, to `path`; return the keys (`cleaning.decide`, and `id`)."""
    import polars as pl

    schema = reader.schema().append(pa.field("place", pa.string()))
    kept_keys = []
    with (
        pq.ParquetWriter(path, schema, compression="zstd") as out,
        RowProgress(f"read {reader.name}") as progress,
    ):
        for chunk in _chunks(rows):
            keys = [_keys(reader, record, row, seed) for record, row in chunk]
            kept_keys.append(pl.DataFrame(np.array(keys, dtype=[*KEYS.items(), ("id", "uint64")])))
            out.write_table(_table([{**row, "place": record.place} for record, row in chunk], schema))
            progress.add(len(chunk))
    if not kept_keys:
        left_out.require_few(0, reader.task.source.path)
        why = "; ".join(left_out.counts)
        raise UserError(f"{reader.task.source.path}: no row is left for {reader.name}: {why}")
    return pl.concat(kept_keys)


def _readable(reader: Reader, records: Iterator[Record], left_out: LeftOut) -> Iterator[tuple[Record, Row]]:
    """The rows that can be asked, and their records; the others are counted, or end it."""
    for record in records:
        try:
            yield record, reader.read(record)
        except SkippedRowError as reason:
            left_out.skip(record, str(reason))
        except BadRowError as error:
            left_out.unreadable(record.place, error)


def _chunks(rows: Iterator[tuple[Record, Row]]) -> Iterator[list[tuple[Record, Row]]]:
    chunk: list[tuple[Record, Row]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _keys(reader: Reader, record: Record, row: Row, seed: int) -> tuple[int | float, ...]:
    text = text_key(reader.family.text_of(row))
    alone = [BEHIND_ALL] if record.accepted else [position(text, seed)]
    places = [position(value, seed) for value in row["groups"]] or alone
    given = SPLITS.index(record.split) if record.split else UNDECIDED
    hashes = [int.from_bytes(digest(value), "big") for value in (row[LESSON], row["id"])]
    return given, record.accepted, int(text[:16], 16), hashes[0], min(places), max(places), hashes[1]


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    try:
        return pa.Table.from_pylist(rows, schema)
    except UnicodeEncodeError:
        for row in rows:
            _refuse_surrogates(row)
        raise


def _refuse_surrogates(row: Row) -> None:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"U+{ord(error.object[error.start]):04X}"
        raise UserError(f"{row['place']}: {half}, half of a surrogate pair, is not a character") from None


def _refuse_repeated_ids(rows: Path, ids: pl.Series) -> None:
    repeated = np.flatnonzero(~ids.is_first_distinct().to_numpy())
    if not len(repeated):
        return
    second = _row_of(rows, int(repeated[0]))
    first = _row_of(rows, int(np.flatnonzero(ids.to_numpy() == ids[int(repeated[0])])[0]))
    raise UserError(
        f"{second['place']}: id '{second['id']}' is already that of {first['place']}; expected distinct ids"
    )


def _row_of(rows: Path, number: int) -> Row:
    """The id and the place of the row of this number in the order of the source."""
    group, place = divmod(number, CHUNK)
    table = pq.ParquetFile(rows).read_row_group(group, columns=["id", "place"])
    row: Row = table.slice(place, 1).to_pylist()[0]
    return row


# --- from the rows read to the splits -------------------------------------------------------------


def _write_splits(
    rows: Path, reader: Reader, fate_N: np.ndarray, folder: Path
) -> dict[str, list[RemovedRow]]:
    """Write every row to its split; return what was removed: each reason's first rows by id."""
    schema = reader.schema()
    rare = [RARE] if (fate_N == FATES.index(RARE)).any() else []
    first: dict[str, list[RemovedRow]] = {reason: [] for reason in (*REASONS, *rare, UNREADABLE)}
    with contextlib.ExitStack() as stack:
        writers = {
            split: stack.enter_context(
                pq.ParquetWriter(folder / f"{split}.parquet", schema, compression="zstd")
            )
            for split in SPLITS
        }
        progress = stack.enter_context(RowProgress(f"split {reader.name}", len(fate_N)))
        for batch in pq.ParquetFile(rows).iter_batches(4 * CHUNK):
            fates = fate_N[progress.rows : progress.rows + len(batch)]
            for code in np.unique(fates):
                some = batch.filter(pa.array(fates == code))
                if (fate := FATES[code]) in writers:
                    writers[fate].write_batch(_with_negatives(reader.family, some.select(schema.names)))
                else:
                    found = first[fate] + _named(reader, some)
                    first[fate] = heapq.nsmallest(EXAMPLES, found, key=lambda row: (row.id, row.place))
            progress.add(len(batch))
    del first[UNREADABLE]  # they are named with the others that cannot be read
    return first


def _leave_misfits_out(reader: Reader, rows: Path, fate_N: np.ndarray, left_out: LeftOut) -> None:
    """Count the rows whose label is in no declared set (`classes.settle`) as unreadable."""
    columns = [column_of_classes(reader, head) for head in reader.heads if head.labels is not None]
    misfits_N = fate_N == FATES.index(UNREADABLE)
    start = 0
    for batch in pq.ParquetFile(rows).iter_batches() if misfits_N.any() else ():
        own = batch.filter(pa.array(misfits_N[start : start + len(batch)]))
        for row in own.to_pylist():
            labels = {column: row[column] for column in columns}
            left_out.unreadable(row["place"], f"{labels!r:.60} is not in the declared set of labels")
        start += len(batch)


def _named(reader: Reader, rows: pa.RecordBatch) -> list[RemovedRow]:
    """The first rows by their ids: id, place in the source, and the text's beginning."""
    keys = [("id", "ascending"), ("place", "ascending")]
    first = rows.take(pc.select_k_unstable(rows, EXAMPLES, sort_keys=keys)).to_pylist()
    return [
        RemovedRow(id=row["id"], place=row["place"], text=excerpt(reader.family.text_of(row)))
        for row in first
    ]


def _with_negatives(family: Family, rows: pa.RecordBatch) -> pa.RecordBatch:
    return family.add_negatives(rows) if isinstance(family, NegativesFromRows) else rows


def _require_rows(reader: Reader, folder: Path, fates: Mapping[str, int]) -> None:
    """Every head has rows in every split; `fates` says how many rows went where."""
    for head in reader.heads:
        for split in SPLITS:
            if not _labelled(reader, head, folder, split):
                of = (
                    reader.name if head.name == reader.name else f"{reader.name} with a target of {head.name}"
                )
                raise UserError(
                    f"{reader.task.source.path}: no rows are left for {of}'s {split} split; "
                    f"{_where_they_went(fates)}see tasks.{reader.name}.{_key_of_most(fates)} in params.yaml"
                )


def _where_they_went(fates: Mapping[str, int]) -> str:
    """How many rows were taken out for what, as a clause; nothing where all went into splits."""
    gone = {fate: rows for fate, rows in fates.items() if rows and fate not in SPLITS}
    reasons = ", ".join(f"{rows:,} {fate}" for fate, rows in gone.items())
    return f"of {sum(fates.values()):,} rows these were taken out: {reasons}; " if gone else ""


def _key_of_most(fates: Mapping[str, int]) -> str:
    """The key that decides what became of most rows."""
    most = max(fates, key=lambda fate: fates[fate])
    return f"cleaning.{most}" if most in Cleaning.model_fields else "splits"


def _labelled(reader: Reader, head: Head, folder: Path, split: str) -> int:
    """How many rows of a split have the head's target."""
    name = column_of(reader.name, head.name, head.first)
    batches = pq.ParquetFile(folder / f"{split}.parquet").iter_batches(columns=[name])
    return sum(len(batch) - batch.column(0).null_count for batch in batches)


def _learn(reader: Reader, head: Head, folder: Path, read_rows: Path, fate_N: np.ndarray) -> TaskHead:
    """The head as the task's card has it; every row of every split must fit the facts."""
    where = f"tasks.{reader.name}" if head.name == reader.name else f"tasks.{reader.name}.joint.{head.name}"

    def rows_of(split: str) -> Iterator[Row]:
        return (row for _, row in _rows_of(reader, head, folder, split))

    try:
        learnt = head.family.learn_facts(rows_of("train"), head.labels, head.read_options)
        facts: Facts = {**learnt, "options": head.options}
        if isinstance(head.family, FactsOfAllSplits):
            facts |= head.family.facts_of_all_splits(facts, {split: rows_of(split) for split in SPLITS})
        _require_few(len(candidates_of(head.family, facts)))
    except BadRowError as error:
        raise UserError(f"params.yaml: {where}: {error}") from None
    rows = dict.fromkeys(SPLITS, 0)
    for split in SPLITS:
        for number, row in _rows_of(reader, head, folder, split):
            rows[split] += 1
            try:
                head.family.check_row(row, facts)
            except BadRowError as error:
                stood = np.flatnonzero(fate_N == FATES.index(split))[number]
                raise UserError(f"{_row_of(read_rows, int(stood))['place']}: {error}") from None
    return TaskHead(family=head.family.name, facts=facts, rows=rows)


def _require_few(candidates: int) -> None:
    if candidates > MOST_CANDIDATES:
        raise BadRowError(
            f"found {candidates:,} candidates for an answer, expected at most {MOST_CANDIDATES:,}"
        )


def _rows_of(reader: Reader, head: Head, folder: Path, split: str) -> Iterator[tuple[int, Row]]:
    """(number in the split, row) of the rows that have the head's target."""
    start = 0
    for batch in pq.ParquetFile(folder / f"{split}.parquet").iter_batches(CHUNK):
        table = view(pa.Table.from_batches([batch]), reader.name, head.name)
        valid = pc.is_valid(table[head.first])
        numbers = start + np.flatnonzero(valid.to_numpy())
        yield from zip(numbers.tolist(), table.filter(valid).to_pylist(), strict=True)
        start += len(batch)
