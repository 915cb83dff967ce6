"""What is written to be read or run, and no table: its columns would be taken apart at any comma."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from components.errors import UserError

LOOKED = 200  # lines
RULED = set("-:=|+ \t")  # signs below a header: ---+---
# What stands before is taken as a whole, or many remarks would be tried in every grouping.
BEGINS = {
    r"(?i)(?:(?>--.*|/\*.*?\*/|set .*?;)[;\s]*+)*+(?:create (?:table|database)|insert into|drop table)\b": (
        "a dump of SQL"
    ),
    r"(?i)(?:%.*+\s*+)*+@relation\b": "a file of Weka (ARFF)",
    r"(?i)from \S+ .*\d{4}\r?\n[\w-]+:": "a mailbox",
    # imports line by line, and a statement; or a name that is given a list
    r"(?:#.*\n|\s)*(?:(?:import|from) [\w.]+(?: import [\w*, ()]+| as \w+)?[ \t]*\r?\n\s*)+"
    r"(?:import |from |def |class |@|if |#|\w+(?: =|\())": "a program, which is never run",
    r"(?:const |let |var )?[\w.]+\s*=\s*[\[{(]": "a program, which is never run",
}
ROWS = 10  # of a data frame
SEVERAL_SIGNS = ("::", " ||| ")  # between columns
ALIKE = 0.9  # share of the lines that have as many of them


def refuse(path: Path, text: str) -> None:
    """Refuse a text that is written to be read or run.

    Raises:
        UserError: what it is.
    """
    lines = text.splitlines()[:LOOKED]
    said = next((what for sign, what in BEGINS.items() if re.match(sign, text.lstrip("\ufeff \r\n\t"))), "")
    if any(map(_is_rule, lines[:5])):
        said = "a table that is drawn with signs, as psql and Markdown do"
    elif path.suffix.lower() in (".yaml", ".yml"):
        said = "YAML"
    elif _is_printed(lines):
        said = "a data frame as pandas prints it"
    if said:
        raise UserError(f"{path}: it is {said}; write it as CSV, JSON Lines or Parquet")


def _is_rule(line: str) -> bool:
    """Is it one below a header, with a sign between two columns?"""
    cell, *others = re.split(r"[|+]", re.sub(r"^\s*[|+]", "", line), maxsplit=1)
    return bool(others) and "---" in cell and set(line) <= RULED


def refuse_several_signs(path: Path, text: str) -> None:
    """Refuse a text of one column that has several, with more than one sign between them.

    Raises:
        UserError: there are such.
    """
    lines = [line for line in text.splitlines()[:LOOKED] if line.strip()]
    for sign in SEVERAL_SIGNS:
        counts = Counter(line.count(sign) for line in lines)
        if lines and (usual := counts.most_common(1)[0])[0] and usual[1] >= ALIKE * len(lines):
            raise UserError(
                f"{path}: it has '{sign}' between its columns, where one sign is expected; write it as CSV, "
                f"JSON Lines or Parquet"
            )


def _is_printed(lines: list[str]) -> bool:
    """Names to the right, and rows that are counted from 0, with blanks between."""
    rows = lines[1 : ROWS + 1]
    counted = all(row.split(maxsplit=1)[:1] == [str(number)] for number, row in enumerate(rows))
    spaced = all(re.match(r"\s*\d+ {2,}\S", row) and "\t" not in row for row in rows)
    return len(rows) == ROWS and lines[0].startswith("  ") and counted and spaced
