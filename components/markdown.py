"""What is data in the Markdown that we write: shown as it is, whatever it holds."""

from __future__ import annotations

import re

PUNCTUATION = re.compile(
    r"([\\`*_{}\[\]<>|&~#$:@!]|(?<=www)\.)"
)  # what Markdown, or the hub's, reads in a line
CALL = re.compile(r"\\([@#])(?=\w)")


def escaped(text: str) -> str:
    """Text that is data, on one line, so that Markdown and HTML show it as it is."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def uncalled(text: str) -> str:
    """The same for a comment of GitHub's, which looks for people (@name) and issues (#12) in what it shows,
    and so in what was escaped: it would call strangers whose names stand in a label."""
    return CALL.sub(r"\1<!-- -->", escaped(text))
