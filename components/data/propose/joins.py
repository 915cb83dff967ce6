"""Two tables of a folder, one of texts and one of what they are said to be, which are joined by a name."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path

from components.data.propose.class_tables import LOOKED, ROWS, TABLES, learns, table
from components.data.propose.names import ASIDE
from components.data.propose.profile import Column
from components.data.propose.roles import fit
from components.data.propose.source_keys import SourceKeys
from components.data.sources.joins import row_name
from components.errors import UserError

SHARED = 0.5  # share of the names of the smaller table that the other has, at least, where all were looked at
FEWEST = 10  # names that both have
SAYS = re.compile(
    r"(?i)label|annot|gold|truth|target|class|categor|answer|score|rating|tags?(?![a-z])|intent"
)


def joined_tables(folder: Path) -> SourceKeys | None:
    """How the rows of both are read together; None where the folder is none of this kind."""
    files = [
        file for file in sorted(folder.iterdir()) if file.suffix.lower() in TABLES and file.name[0] != "."
    ]
    if len(files) != 2 or any(path.is_dir() for path in folder.iterdir()):
        return None
    try:
        read = [(file, *table(file)) for file in files]
    except UserError:
        return None
    for (texts, source, columns), (labels, own, others) in permutations(read):
        if own != source or source["format"] not in ROWS or not _go_together(columns, others):
            continue
        if key := _key(columns, others, named=SAYS.search(labels.stem) is not None):
            by, name = key
            join = {"file": labels.name, "by": by, **({"key": name} if name != by else {})}
            return {"files": {"train": texts.name}, **source, "join": join}
    return None


def _go_together(texts: list[Column], labels: list[Column]) -> bool:
    """Does one hold texts and nothing to be learnt, and the other the contrary?"""
    return _has_text(texts) and not learns(texts) and learns(labels) and not _has_text(labels)


def _has_text(columns: list[Column]) -> bool:
    return any(column.length > 2 and column.repeats < 2 and fit("text", column) for column in columns)


def _key(texts: list[Column], labels: list[Column], named: bool) -> tuple[str, str] | None:
    """The columns by which each names its rows, another in every row. Numbers that count the rows are such a
    name where the file is called after what it says: any two tables have these."""
    for one in filter(_names_rows, texts):
        for other in filter(_names_rows, labels):
            alike = one.name == other.name or {one.words[-1], other.words[-1]} <= ASIDE
            mine, theirs = {*map(row_name, one.values)}, {*map(row_name, other.values)}
            shared = len(mine & theirs)
            whole = max(one.rows, other.rows) < LOOKED
            enough = shared >= max(FEWEST, SHARED * min(len(mine), len(theirs)) if whole else 0)
            if alike and enough and (named or not other.is_counter):
                return one.name, other.name
    return None


def _names_rows(column: Column) -> bool:
    return bool(column.values) and column.distinct == column.rows and not column.is_list
