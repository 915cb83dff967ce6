"""JSON: a list of objects, or an object that is a table; and exports that come as a list or as lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from components import advice
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.packed import opened
from components.data.sources.formats.text import TWICE, Repeats, in_columns, lines, read_jsonl
from components.data.sources.json_tables import EXPECTED, rows_of
from components.data.sources.record import Numbered, Skipped, Unreadable
from components.errors import UserError, first_line
from components.nesting import DEEPEST
from components.settings.data import Source

BOM = b"\xef\xbb\xbf"
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|(\\?)\Z)', re.DOTALL)  # or the beginning of one
NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


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


def without_repeats(rows: Numbered) -> Numbered:
    """The same rows; one in which an object, however deep, has a key twice is `Unreadable`, as there is no
    telling which value was meant."""
    for number, found in rows:
        key = None if isinstance(found, Skipped) else _repeated(found)
        yield number, found if key is None else Unreadable(f"'{key}' is there twice")


def _repeated(value: Any) -> str | None:
    """A key that stands twice in an object of a value; None where there is none."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if (key := next((key for key, inner in one.items() if inner is TWICE), None)) is not None:
                return str(key)
            left += one.values()
        elif isinstance(one, list):
            left += one
    return None


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
            for one in items(file, "item"):
                number += 1
                yield one
    except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError) as error:
        problem = first_line(error)
        raise UserError(f"{path}, after row {number}: not JSON ({problem})") from None


def items(file: Any, prefix: str) -> Iterator[Any]:
    """The values at a place of a packed or plain file of JSON; of a key that stands twice no value counts.

    Raises:
        ijson.JSONError: it is no JSON.
        RecursionError: it nests too deep.
    """
    import ijson

    if file.peek(len(BOM)).startswith(BOM):
        file.read(len(BOM))
    yield from ijson.items(Shallow(file), prefix, use_float=True, map_type=Repeats)


class Shallow:
    """A file of JSON that is read as long as it nests at most so deep: ijson's memory grows with the square
    of that."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._depth = file, 0
        self._open = b""  # how the string begins, for our purposes, that goes on in the next bytes

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            RecursionError: lists and objects nest too deep in them.
        """
        data = self._file.read(size)
        text, self._open = self._open + data, b""
        for mark in STRING.sub(self._outside, text).translate(None, NO_BRACKET):
            self._depth += 1 if mark in b"[{" else -1
            if self._depth > DEEPEST:
                raise RecursionError(f"lists and objects nest deeper than {DEEPEST}")
        return data

    def _outside(self, string: re.Match[bytes]) -> bytes:
        if string[1] is not None:
            self._open = b'"' + string[1]
        return b""


def _is_json_list(sample: Sample) -> bool:
    return sample.text.lstrip().startswith("[") and bool(sample.objects)


FORMATS = {"json": Format(read_objects, _is_json_list, general=True), "json_table": Format(read_table)}
