"""What PyYAML says of a file that is no YAML, in words that need no knowledge of its grammar."""

from __future__ import annotations

import re

import yaml

TAB = re.compile(r"\\t|found a tab")
QUOTES = "a text that begins with one of @ ` % & * ! | > stands in quotes"
# what PyYAML says, and what a person did
MEANT = {
    r"mapping values are not allowed": "a colon stands where none fits; a key is followed by a colon and a "
    "blank (`key: value`, here and on the line before), and a text with a colon in it stands in quotes",
    r"expected ',' or '[}\]]'": "the bracket that opens here is not closed, or a text in it has a comma, a "
    "colon or a quotation mark of its own: write that text in quotes, a ' within '...' twice",
    r"expected <block end>": "the line is indented otherwise than its neighbours, or a list (`- `) and keys "
    "are mixed",
    r"expected ':'": "a key without a colon and a blank behind it; write `key: value`",
    r"end of stream": "a quotation mark that opens here is not closed",
    r"cannot start any token|undefined alias|alphabetic or numeric|determine a constructor": QUOTES,
}
# where it began says more than where it was noticed
OPENED = re.compile(r"expected ',' or|end of stream|expected ':'")


def sentence(error: yaml.MarkedYAMLError) -> str:
    """The line, counted from 1, and what is wrong there."""
    problem = str(error.problem)
    mark = error.context_mark if OPENED.search(problem) and error.context_mark else error.problem_mark
    line = f"line {mark.line + 1}" if mark else "somewhere"
    if TAB.search(problem):
        return f"{line}: found a tab; YAML is indented with spaces"
    return f"{line}: {next((said for found, said in MEANT.items() if re.search(found, problem)), problem)}"
