"""Answered rows -> JSON Lines, CSV or Parquet.

A line of JSON holds the row's own fields, `answers` (task -> answer), and `error` where there is one. A table
has the row's own columns, a column for each part of each answer (`sentiment.label`), and `error`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, TypedDict

from components import families
from components.data.contract.cards import HeadCards
from components.data.sources.record import Values
from components.errors import UserError
from components.families.base import Prediction

ANSWERS, ERROR = "answers", "error"
GROUP = 4096  # rows of a row group of Parquet
NUMBERS = {float: "float64", int: "int64"}  # anything else is text, as JSON where it has parts


class Line(TypedDict):
    """An answered row."""

    fields: Values
    answers: dict[str, Prediction]  # by task
    error: str | None  # why it has none


def write(
    kind: str, lines: Iterable[Line], columns: Sequence[str], cards: HeadCards, file: IO[bytes]
) -> None:
    """Write the lines to an open file; `columns` are the rows' own, `cards` those of the tasks asked."""
    if kind == "jsonl":
        for line in lines:
            file.write(_json(_merged(line)).encode() + b"\n")
        return
    answered = dict(_answer_columns(cards))
    rows = (_row(line, columns, answered) for line in lines)
    _WRITERS[kind](rows, {**dict.fromkeys(map(str, map(_text, columns)), str), **answered, ERROR: str}, file)


def check(kind: str, columns: Iterable[str], cards: HeadCards) -> None:
    """Say that a column of the rows has the name of one that the answers get, before there are any.

    Raises:
        UserError: it does.
    """
    answered = {ANSWERS} if kind == "jsonl" else {name for name, _ in _answer_columns(cards)}
    if twice := next((name for name in columns if name in answered | {ERROR}), None):
        raise UserError(f"the input has a column '{twice}', which the output would have twice; rename it")


def _merged(line: Line) -> Values:
    """The line as JSON has it."""
    error = {ERROR: line["error"]} if line["error"] else {}
    return {**line["fields"], ANSWERS: line["answers"], **error}


def _json(value: Any) -> str:
    """As JSON. What JSON has not: a time is as it is written, a number that is none is null, and a byte that
    is no text an escape."""
    try:
        said = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
        said.encode()
    except UnicodeEncodeError:
        return json.dumps(value, default=str)
    except ValueError:
        return _json(_finite(value))
    return said


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return list(map(_finite, value)) if isinstance(value, list) else value


def _answer_columns(cards: HeadCards) -> Iterator[tuple[str, type]]:
    for name, card in cards.items():
        for part, field in families.get(card["family"]).response.model_fields.items():
            yield f"{name}.{part}", field.annotation if field.annotation in NUMBERS else str


def _row(line: Line, columns: Sequence[str], answered: Mapping[str, type]) -> list[Any]:
    fields, answers = line["fields"], line["answers"]
    parts = {f"{task}.{part}": value for task, answer in answers.items() for part, value in answer.items()}
    return [
        *(_text(fields.get(name)) for name in columns),
        *(parts.get(name) if hint in NUMBERS else _text(parts.get(name)) for name, hint in answered.items()),
        line["error"],
    ]


def _text(value: Any) -> str | None:
    """A cell: a text as it is, but for bytes that are none; whatever has parts as JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _json(value)


def _write_delimited(separator: str) -> Callable[[Iterable[list[Any]], dict[str, type], IO[bytes]], None]:
    def write_rows(rows: Iterable[list[Any]], columns: dict[str, type], file: IO[bytes]) -> None:
        text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        text.detach()

    return write_rows


def _write_parquet(rows: Iterable[list[Any]], columns: dict[str, type], file: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {name: pa.type_for_alias(NUMBERS.get(kind, "string")) for name, kind in columns.items()}
    schema = pa.schema(list(types.items()))
    with pq.ParquetWriter(file, schema) as writer:
        for group in _groups(rows):
            by_column = zip(*group, strict=True)
            arrays = [pa.array(cells, kind) for cells, kind in zip(by_column, schema.types, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _groups(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    group: list[list[Any]] = []
    for row in rows:
        group.append(row)
        if len(group) == GROUP:
            yield group
            group = []
    if group:
        yield group


_WRITERS = {"csv": _write_delimited(","), "tsv": _write_delimited("\t"), "parquet": _write_parquet}
