"""The beginning of a text, for a person who looks for its row."""

from __future__ import annotations

WIDTH = 60  # characters


def excerpt(text: str, width: int = WIDTH) -> str:
    """At most `width` characters on one line, none that steers a terminal or the writing direction."""
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return line if len(line) <= width else f"{line[: width - 1]}…"
