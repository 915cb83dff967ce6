"""Trees in brackets, as the Stanford Sentiment Treebank (Socher et al. 2013) and the Penn Treebank (Marcus et
al. 1993) have them: `(3 (2 It) (4 (2 's) (3 good)))`, in one line or in several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable, Values
from components.settings.data import Source

PIECE = re.compile(r"[()]|[^\s()]+")
LEAF = re.compile(r"\(\s*([^\s()]+)\s+([^\s()]+)\s*\)")  # a label and a word
START = re.compile(r"\(\s*([^\s()]+\s*)?\(")  # how a tree begins: within it another
LOOKED, ALIKE = 20, 0.9  # trees that a file is recognised by, and the share that must be some
ESCAPED = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
TRACE = "-NONE-"  # the label of what is not in the text
LONGEST = 100_000  # characters in which a tree ends


def read_trees(path: Path, source: Source) -> Numbered:
    """`text`, `label` (the root's) and, where the words' labels are no numbers, as sentiments are, `tokens`
    and `tags`."""
    for number, tree in _trees(lines(path, source.encoding)):
        row = _row(tree)
        yield (
            number,
            row or Unreadable(f"found {tree.strip()!r:.60}, expected a tree, as (LABEL (LABEL word))"),
        )


def _trees(found: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each with its first line's number; it ends where its brackets close."""
    tree, first, open_ = "", 0, 0
    for number, line in enumerate(found, 1):
        if not tree and not line.strip():
            continue
        first = first if tree else number
        tree += line
        open_ += line.count("(") - line.count(")")
        if open_ <= 0 or len(tree) > LONGEST:
            yield first, tree
            tree, open_ = "", 0
    if tree:
        yield first, tree


def _row(tree: str) -> Values | None:
    """None where it is no tree."""
    bare = tree.strip()
    leaves = [(label, word) for label, word in LEAF.findall(bare) if label != TRACE]
    pieces = PIECE.findall(bare)
    if not leaves or pieces[0] != "(" or pieces.count("(") != pieces.count(")") or not _is_whole(pieces):
        return None
    words = [ESCAPED.get(word, word.replace("\\/", "/").replace("\\*", "*")) for _, word in leaves]
    label = next(
        piece for piece in pieces if piece != "("
    )  # of Penn's outer bracket, which has none, the first
    row, tags = {"text": " ".join(words), "label": label}, [tag for tag, _ in leaves]
    return row if all(tag.isdecimal() for tag in tags) else {**row, "tokens": words, "tags": tags}


def _is_whole(pieces: list[str]) -> bool:
    """Does the first bracket close with the last piece, and not before?"""
    depth = 0
    for place, piece in enumerate(pieces, 1):
        depth += (piece == "(") - (piece == ")")
        if depth == 0:
            return place == len(pieces)
    return False


def _are_trees(sample: Sample) -> bool:
    if not START.match(sample.text.lstrip()):
        return False
    some = [tree for _, tree in islice(_trees(f"{line}\n" for line in sample.lines), LOOKED)]
    return sum(_row(tree) is not None for tree in some) >= ALIKE * len(some)


FORMATS = {"trees": Format(read_trees, _are_trees)}
