"""What is written to be read or run is told by its beginning, which is looked at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.propose.for_reading import refuse
from components.errors import UserError

MYSQL = "-- MySQL dump 10.13\n--\n-- ----\n/*!40101 SET NAMES utf8 */;\nset a = 1; set b = 2;\nDROP TABLE IF EXISTS `t`;\n"
REFUSED = {
    "a dump of SQL": MYSQL,
    "a file of Weka": "% made by hand\n%\n% %\n@RELATION iris\n",
    "a table that is drawn": "  a | b\n  ----+---\n  1 | 2\n",
    "a table that is drawn with signs": "| a | b |\n|:---|---:|\n| 1 | 2 |\n",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_table_is_named(what: str) -> None:
    with pytest.raises(UserError, match=what):
        refuse(Path("rows.txt"), REFUSED[what])


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "text",
    [
        "-- " * 60,
        "/* a */ " * 60,
        "set a; " * 60,
        "% " * 60,
        "-" * 20_000,
        " " * 20_000 + "a | b",
        "--- a | b",
    ],
)
def test_what_might_be_one_is_looked_at_once(text: str) -> None:
    refuse(Path("rows.txt"), f"{text}\ngood\n")
