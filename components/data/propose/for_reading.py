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
    r"export default\s*(?:[\[{(]|class\b|function\b)": "a program, which is never run",
    r"(?:const |let |var )?[\w.]+\s*=\s*[\[{(]": "a program, which is never run",
}
SINGLE = re.compile(r"\s*'(?:[^']|'')*'(?:\s*[,;\t]\s*'(?:[^']|'')*')+\s*")
TUPLE = re.compile(r"""\s*\(\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,.*\)\s*,?\s*""")
COMMENTED = re.compile(r"\s*(?:(?://[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)\s*)+[\[{]")
CLASS = r"[-+]?\d+(?:\.\d+)?(?:,\d+)*"
FEATURES = re.compile(rf"{CLASS}(?:\s+\d+:[-+\d.eE]+)+")
SPACE = re.compile(rf"{CLASS}(?:\s+[^\s|]+)?\s+(\|[\w:.]+)\s.*")  # one of Vowpal Wabbit's, by its name
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
    elif COMMENTED.match(text):
        said = "JSON with comments, which JSON has not"
    elif (some := [line for line in lines[1:] if line.strip()]) and all(map(SINGLE.fullmatch, some)):
        said = "a table whose values stand in single quotes, where double ones are expected"
    elif (some := [line for line in lines if line.strip()]) and all(map(TUPLE.fullmatch, some)):
        said = "tuples as Python writes them"
    elif _are_features(lines):
        said = "a file of features (LIBSVM, Vowpal Wabbit), not of rows with texts"
    elif _is_printed(lines):
        said = "a data frame as pandas prints it"
    if said:
        raise UserError(f"{path}: it is {said}; write it as CSV, JSON Lines or Parquet")


def _are_features(lines: list[str]) -> bool:
    """Do lines say numbers of features, with a class before them, or behind it fields of texts?"""
    some = [line.strip() for line in lines if line.strip()]
    spaces = {found[1] if (found := SPACE.fullmatch(line)) else "" for line in some}
    return bool(some) and (all(map(FEATURES.fullmatch, some)) or (len(spaces) == 1 and spaces != {""}))


def _is_rule(line: str) -> bool:
    """Is it one below a header, with a sign between two columns?"""
    cell, *others = re.split(r"[|+]", re.sub(r"^\s*[|+]", "", line), maxsplit=1)
    return bool(others) and "---" in cell and set(line) <= RULED


def refuse_several_signs(path: Path, text: str, single: bool) -> None:
    """Refuse a text that has more than one sign between its columns, and no tab; `single`: no other sign
    makes columns of it. A sign that is there once in each row may be one of its texts.

    Raises:
        UserError: there are such.
    """
    lines = [line for line in text.splitlines()[:LOOKED] if line.strip()]
    if sum("\t" in line for line in lines) >= ALIKE * len(lines):
        return
    for sign in SEVERAL_SIGNS:
        counts = Counter(line.count(sign) for line in lines)
        usual, often = counts.most_common(1)[0] if lines else (0, 0)
        between = usual > 1 or (usual and single)
        if between and often >= ALIKE * len(lines) and lines[0].count(sign) == usual:
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
