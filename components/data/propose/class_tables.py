"""A folder with a table for each class, as positive.csv and negative.csv, perhaps in each split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from components.data.propose.columns import columns_of
from components.data.propose.file_names import split_of
from components.data.propose.profile import Column
from components.data.propose.roles import fit
from components.data.propose.roles.base import is_named
from components.data.propose.source_keys import SourceKeys
from components.data.propose.workbook import source_of
from components.data.sources import formats
from components.data.sources.formats.line_files import CLASSES, apart
from components.data.sources.record import Skipped
from components.errors import UserError
from components.settings.data import Source

TABLES = {".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".ods", ".txt"}
ROWS = ("csv", "tsv", "jsonl", "json", "parquet", "xlsx", "ods")  # formats of them
FEWEST, MOST = 10, 200  # rows of a table, and tables
LOOKED = 1000  # rows of each
TARGETS = ("label", "level", "labels", "score", "tags", "spans", "outcome", "answers", "choices")
FREE = ("label", "class", "file")  # how the column of the class may be called

Split = dict[str, str]  # class -> the file's name below the folder


def class_tables(folder: Path) -> tuple[dict[str, list[str]], SourceKeys] | None:
    """The tables of each split, and how they are read; None where the folder is none of this kind: where a
    table says by itself what is to be learnt."""
    splits = _splits(folder)
    train = splits.get("train", {})
    if not 2 <= len(train) <= MOST or any(set(each) != set(train) for each in splits.values()):
        return None
    try:
        source, tables = _alike([folder / file for file in train.values()])
    except UserError:
        return None
    files = {split: list(each.values()) for split, each in splits.items()}
    if _says_its_class(tables):
        return files, source
    known = all(name.lower() in CLASSES for name in apart(list(train)))
    if not tables or (learns(tables[0]) and not known):
        return None
    column = next(name for name in FREE if name not in _names(tables[0]))
    return files, {**source, "file_column": column, **_label_map(splits)}


def _splits(folder: Path) -> dict[str, Split]:
    """Split -> its tables by their class; empty where another file of data is there."""
    found: dict[str, Split] = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_dir() or file.suffix.lower() not in TABLES or any(part[0] == "." for part in name.parts):
            continue
        split, bare = split_of(str(name.with_suffix("")))
        if len(Path(bare).parts) != 1 or bare in found.setdefault(split, {}):
            return {}
        found[split][bare] = str(name)
    return found


def _alike(paths: list[Path]) -> tuple[SourceKeys, list[list[Column]]]:
    """How the tables are read, and the columns of each; none where they are not alike, or too short."""
    source = source_of(paths[0])
    tables: list[list[Column]] = []
    for path in paths:
        own, columns = table(path)
        alike = own == source and source["format"] in ROWS and columns[0].rows >= FEWEST
        if not alike or (tables and _names(columns) != _names(tables[0])):
            return source, []
        tables.append(columns)
    return source, tables


def table(path: Path) -> tuple[SourceKeys, list[Column]]:
    """How a table is read, and the columns of its first rows.

    Raises:
        UserError: it has none.
    """
    source = source_of(path)
    given = formats.rows(path, Source.model_validate({**source, "path": str(path)}))
    rows = [(number, fields) for number, fields in islice(given, LOOKED) if not isinstance(fields, Skipped)]
    if not rows:
        raise UserError(f"{path}: no rows")
    return source, columns_of(rows)


def _names(columns: list[Column]) -> list[str]:
    return [column.name for column in columns]


def learns(columns: list[Column]) -> bool:
    """Is there what could be learnt from a table alone?"""
    return any(_is_label(column) or any(fit(kind, column) for kind in TARGETS) for column in columns)


def _is_label(column: Column) -> bool:
    return bool(column.values) and any(is_named(column, kind) for kind in ("label", "level"))


def _says_its_class(tables: list[list[Column]]) -> bool:
    """Does a column say in every row of a table the same, and in each table something else?"""
    return bool(tables) and any(_tells(columns) for columns in zip(*tables, strict=True))


def _tells(columns: tuple[Column, ...]) -> bool:
    single = all(_is_label(column) and column.distinct == 1 for column in columns)
    return single and len({str(column.values[0]) for column in columns}) == len(columns)


def _label_map(splits: dict[str, Split]) -> SourceKeys:
    """The classes by the files' names, where these say more than the class."""
    names = list(next(iter(splits.values())))
    short = dict(zip(names, apart(names), strict=True))
    found = {formats.file_name(Path(file)): short[name] for name, file in _pairs(splits)}
    return {} if all(file == name for file, name in found.items()) else {"label_map": found}


def _pairs(splits: dict[str, Split]) -> Iterator[tuple[str, str]]:
    return (pair for each in splits.values() for pair in each.items())
