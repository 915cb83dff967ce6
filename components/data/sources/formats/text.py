"""Text files -> numbered rows: CSV, TSV, JSON Lines, and a matrix of scores between texts.

Every reader goes through its file once, line by line, so its size does not matter.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.record import Numbered
from components.errors import UserError, near_miss
from components.settings.data import Source

MAX_FIELD = 10_000_000  # characters; the csv module's own limit is 131072


def lines(path: Path, encoding: str) -> Iterator[str]:
    """A file's lines with their ends, without a byte order mark; a byte outside the encoding is named."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            for number, line in enumerate(file, 1):
                yield line.removeprefix("\ufeff") if number == 1 else line
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}{_line_of(path, encoding)}: byte 0x{error.object[error.start]:02x} is not {encoding}; "
            f"set `encoding` in params.yaml to the file's"
        ) from None
    except LookupError:
        raise UserError(
            f"{path}: unknown encoding '{encoding}'{near_miss(encoding, ['utf-8', 'latin-1'])}"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}), expected a file") from None


def _line_of(path: Path, encoding: str) -> str:
    """ ", line N", the first that is not in the encoding; nothing where its lines do not end in a byte."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return (
                    ""
                    if encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32"))
                    else f", line {number}"
                )
    return ""


def read_delimited(path: Path, source: Source) -> Numbered:
    """CSV or TSV; every row must have as many fields as the header."""
    csv.field_size_limit(MAX_FIELD)
    rows = csv.reader(
        lines(path, source.encoding),
        delimiter="\t" if source.format == "tsv" else source.separator or ",",
        quoting=csv.QUOTE_MINIMAL if source.quoting else csv.QUOTE_NONE,
        strict=source.quoting,
    )
    try:
        header = source.header or _header(path, rows, source)
        for skipped, row in enumerate(rows):
            if skipped < source.skip_after_header or not row:
                continue
            if len(row) != len(header):
                raise UserError(
                    f"{path}, row {rows.line_num}: {len(row)} fields, the header has {len(header)}; "
                    f"is a field with a separator or line break unquoted?"
                )
            yield rows.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}, row {rows.line_num}: not valid {source.format} ({error})") from None


def _header(path: Path, rows: Iterator[list[str]], source: Source) -> list[str]:
    for row in rows:
        if any(row):
            _is_separated(path, row, source)
            return [name.strip() for name in row]
    raise UserError(f"{path}: the file is empty, expected a header and rows")


def _is_separated(path: Path, header: list[str], source: Source) -> None:
    """Refuse a header that is one column and plainly holds several, between other separators."""
    if len(header) > 1:
        return
    meant = next((mark for mark in ("\t", ";", "|", ",") if header[0].count(mark) > 0), None)
    if meant is None or (source.separator or ",") == meant:
        return
    setting = "set `format: tsv`" if meant == "\t" else f'set `separator: "{meant}"`'
    shown = header[0] if meant != "\t" else header[0].replace("\t", " ")
    raise UserError(
        f"{path}: one column, '{shown}'; if these are several, {setting} below source in params.yaml"
    )


def read_jsonl(path: Path, source: Source) -> Numbered:
    """One JSON object a line."""
    for number, line in enumerate(lines(path, source.encoding), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}, row {number}: not JSON ({error})") from None
        if not isinstance(fields, dict):
            raise UserError(f"{path}, row {number}: {type(fields).__name__}, expected an object")
        yield number, fields


def read_pair_matrix(path: Path, source: Source) -> Numbered:
    """An upper triangle of scores between the lines of `texts` -> one record for each pair i < j."""
    if source.texts is None:
        raise UserError(f"{path}: format pair_matrix needs source.texts, the file with one text per line")
    texts_file = path.with_name(source.texts)
    if not texts_file.is_file():
        raise UserError(f"{texts_file}: no such file; see source.texts in params.yaml")
    texts = [line.strip() for line in lines(texts_file, source.encoding) if line.strip()]
    number = 0
    for line in lines(path, source.encoding):
        scores = line.split()
        if not scores:
            continue
        number += 1
        if len(scores) != len(texts):
            raise UserError(
                f"{path}, row {number}: {len(scores)} scores, {texts_file} has {len(texts)} texts"
            )
        for other in range(number, len(texts)):
            text, text_pair = texts[number - 1], texts[other]
            yield number, {"text": text, "text_pair": text_pair, "score": scores[other]}
    if number != len(texts):
        raise UserError(f"{path}: {number} rows, but {texts_file} has {len(texts)} texts")


def _is_json_lines(sample: Sample) -> bool:
    return sample.text.lstrip().startswith("{") and bool(sample.objects)


FORMATS = {
    "csv": Format(read_delimited),
    "tsv": Format(read_delimited),
    "jsonl": Format(read_jsonl, _is_json_lines, general=True),
    "pair_matrix": Format(read_pair_matrix),
}
