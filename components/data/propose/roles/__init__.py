"""How well a column fits a role, by its name and by its values, and why.

A column's name alone never makes it fit; values alone make it fit less well than both together. One small
function a kind of column, beside others of its concept, and one table of them. A role's kind is its name,
unless the family says otherwise (`role_kinds`). Whether the family can read the values is asked of the family
itself.
"""

from __future__ import annotations

from collections.abc import Callable

from components import families
from components.data.propose.names import ASIDE, ENDS, INDEX, LENGTHS
from components.data.propose.profile import Column
from components.data.propose.roles import answers, base, graphs, labels, texts, words
from components.data.propose.roles.base import Fit


def kind_of(family: str, role: str) -> str:
    """The kind of column that plays the family's role."""
    return families.get(family).role_kinds.get(role, role)


def fit(kind: str, column: Column) -> Fit | None:
    """How well the column is of the kind; None if it is not."""
    judge = FITS.get(kind)
    return None if judge is None or not column.values or _is_aside(column) else judge(column)


def _is_aside(column: Column) -> bool:
    """Does it stand beside the data: an identifier, an index, a date?"""
    last = column.words[-1].rstrip("0123456789")
    aside = (last in ASIDE and not base.numbers_classes(column)) or (last in LENGTHS and column.is_whole)
    if column.is_counter or column.is_split or INDEX.fullmatch(column.name) or aside:
        return True
    return column.is_date and not any(base.is_named(column, kind) for kind in ("label", "level"))


def together(kinds: dict[str, Column]) -> float | None:
    """What columns that play these kinds of roles together add to their fits; None if they cannot."""
    if {"tokens", "spans"} <= kinds.keys():
        return None  # spans count the characters of a text, whose words may stand without blanks between
    if {"head_entity", "tail_entity"} <= kinds.keys():
        head, tail = kinds["head_entity"].distinct_texts, kinds["tail_entity"].distinct_texts
        shared = len(head & tail) / min(len(head), len(tail))
        named = all(base.is_named(kinds[kind], kind) for kind in ("head_entity", "link", "tail_entity"))
        in_order = base.CERTAIN if kinds["head_entity"].place < kinds["tail_entity"].place else 0.0
        return in_order + 2 * base.CERTAIN if shared > 0.05 else base.CERTAIN if named else None
    if "text_pair" in kinds and not kinds.keys().isdisjoint({"text", "item"}):
        first, second = kinds.get("text") or kinds["item"], kinds["text_pair"]
        ends = _are_ends(first.name, second.name)
        written = kinds.get("written")
        behind = written is not None and ends and written.place > second.place
        if written and not behind and not base.is_named(written, "written"):
            return None  # a pair and what is written of it; two choices and a question are none
        return base.CERTAIN if "query" in first.words or ends else 0.0
    return 0.0


def _are_ends(one: str, other: str) -> bool:
    """Do the names differ in their ends alone: sent_a and sent_b? Those that we have given say nothing."""
    return not one.startswith("column_") and any(
        one.lower().endswith(first) and one.lower().removesuffix(first) + second == other.lower()
        for first, second in ENDS
    )


FITS: dict[str, Callable[[Column], Fit | None]] = {
    "text": texts.text, "text_pair": texts.text_pair, "turns": texts.turns, "item": texts.item,
    "question": texts.passage("question"), "context": texts.passage("context"),
    "template": texts.template, "written": texts.written,
    "tokens": words.tokens, "tags": words.tags, "spans": words.spans,
    "head": words.span("head"), "tail": words.span("tail"),
    "label": labels.label, "level": labels.level, "score": labels.number, "labels": labels.several,
    "outcome": labels.outcome,
    "answers": answers.places, "start": answers.start, "choices": answers.choices, "answer": answers.right,
    "head_entity": graphs.entity("head_entity"), "link": graphs.link,
    "tail_entity": graphs.entity("tail_entity"),
}  # fmt: skip
