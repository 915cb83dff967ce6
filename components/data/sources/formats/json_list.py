"""JSON: a list of objects, or an object that is a table; and exports that come as a list or as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components import advice
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.packed import opened
from components.data.sources.formats.text import in_columns, lines, read_jsonl
from components.data.sources.json_tables import EXPECTED, rows_of
from components.data.sources.record import Numbered
from components.errors import UserError, first_line
from components.settings.data import Source

BOM = b"\xef\xbb\xbf"


def read_objects(path: Path, source: Source) -> Numbered:
    """The objects of a JSON list, or of JSON Lines: whichever it is.

    Raises:
        UserError: it is neither; an entry that is no object.
    """
    if not _is_list(path, source):
        yield from read_jsonl(path, source)
        return
    for number, one in enumerate(entries(path, source), 1):
        if not isinstance(one := in_columns(one), dict):
            raise UserError(f"{path}, row {number}: {type(one).__name__}, expected an object")
        yield number, one


def _is_list(path: Path, source: Source) -> bool:
    first = next((line.lstrip() for line in lines(path, source.encoding) if line.strip()), "")
    if not first:
        raise UserError(f"{path}: the file is empty, expected a list of objects")
    return first.startswith("[")


def read_table(path: Path, source: Source) -> Numbered:
    """The rows of one object that is a table (`json_tables.rows_of`); it is read whole.

    Raises:
        UserError: it is no JSON, or no table.
    """
    rows = rows_of(read_document(path, source))
    if rows is None:
        raise UserError(f"{path}: no table, expected {EXPECTED}")
    yield from enumerate(rows, 1)


def read_document(path: Path, source: Source) -> Any:
    """A JSON document, whole.

    Raises:
        UserError: it is no JSON, or several documents.
    """
    try:
        return json.loads("".join(lines(path, source.encoding)))
    except (ValueError, RecursionError) as error:
        first = next((line.rstrip() for line in lines(path, source.encoding) if line.strip()), "")
        several = str(error).startswith("Extra data")
        said = advice.documents(path, first.endswith(",")) if several else f"{path}: not JSON ({error})"
        raise UserError(said) from None


def entries(path: Path, source: Source) -> Iterator[Any]:
    """The entries of a JSON list, read piece by piece where its bytes are UTF-8, as JSON's are."""
    import ijson

    number = 0
    try:
        if source.encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig"):
            yield from json.loads("".join(lines(path, source.encoding)))
            return
        with opened(path) as file:
            if file.peek(len(BOM)).startswith(BOM):
                file.read(len(BOM))
            for one in ijson.items(file, "item", use_float=True):
                number += 1
                yield one
    except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError) as error:
        problem = first_line(error)
        raise UserError(f"{path}, after row {number}: not JSON ({problem})") from None


def _is_json_list(sample: Sample) -> bool:
    return sample.text.lstrip().startswith("[") and bool(sample.objects)


FORMATS = {"json": Format(read_objects, _is_json_list, general=True), "json_table": Format(read_table)}
