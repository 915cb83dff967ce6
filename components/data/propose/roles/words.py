"""Words and their tags, and the spans of a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from components.data.propose.profile import Column
from components.data.propose.roles.base import CERTAIN, NAMED, WEAK, Fit, is_named, score_of
from components.errors import BadRowError
from components.families.shared.spans import span_list
from components.families.tagging.schemes import NONE, OTHER

SENTENCES = 1.5  # words of an item, on average, from which on the items of a list are no words


def _words(column: Column) -> list[str]:
    """The words of lists of words, or of texts with spaces between them."""
    if column.is_text:
        return [word for value in column.values for word in value.split()]
    return column.items if all(isinstance(item, str) for item in column.items) else []


def tokens(column: Column) -> Fit | None:
    words = _words(column)
    if column.parts or not words or not column.is_list or len(words) < 3 * len(column.values):
        return None
    if sum(len(word.split()) for word in words) > SENTENCES * len(words):
        return None
    distinct = len(set(words))
    if bio_types(words) is not None or column.distinct < 0.3 * len(column.values):
        return None
    named = is_named(column, "tokens") or column.name == "0"  # the first column of a CoNLL file
    return Fit(NAMED + CERTAIN if named else WEAK, f"{distinct:,} distinct words")


def bio_types(tags: list[str]) -> set[str] | None:
    """The entity types that the tags spell ("B-PER", "O"), if they do."""
    if not all(tag == "O" or re.match(r"[BIESMLUW]-.", tag) for tag in tags):
        return None
    return {tag[2:] for tag in tags if tag != "O"} or None


def spelled_types(tags: list[str]) -> set[str] | None:
    """The entity types that the tags spell in any scheme, and in whatever spelling, if they do."""
    return bio_types(tags) or bio_types([any_spelling(tag) for tag in tags]) or io_types(tags)


def _sure(tags: list[str]) -> float:
    """Added where they could hardly be anything else: "_" and "-" stand for nothing in any column, so a tag
    now and then may be a feature or a sense as well."""
    spelled = bio_types([any_spelling(tag) for tag in tags]) is not None
    return CERTAIN if spelled or not {"O", "o"}.isdisjoint(tags) else 0.0


def io_types(tags: list[str]) -> set[str] | None:
    """The entity types of tags without prefixes ("O", "person-actor"): most words are of none, where parts of
    speech are of all kinds."""
    none = NONE if "O" in tags else (*NONE, *OTHER)
    counts = Counter("O" if tag in NONE or tag.lower() in none else tag for tag in tags)
    named = all(len(tag) > 1 and not tag.isdecimal() for tag in counts if tag != "O")
    return {*counts} - {"O"} or None if named and 2 * counts["O"] > len(tags) else None


@lru_cache(10_000)
def any_spelling(tag: str) -> str:
    """A tag of another spelling (b-per, B_PER, PER-B, o) as B-PER and O are."""
    if tag in NONE:
        return "O"
    if found := re.fullmatch(r"([BIESMLUWbiesmluw])[-_](.+)", tag):
        return f"{found[1].upper()}-{found[2].upper()}"
    if found := re.fullmatch(r"(.+)[-_]([BIESMLUW])", tag):
        return f"{found[2]}-{found[1].upper()}"
    return tag


def tags(column: Column) -> Fit | None:
    tags = _words(column) if column.name not in ("form", "lemma", "misc", "deps") else []
    if all(tag.isdecimal() for tag in tags):
        return None  # numbers of words, or of classes that nothing names
    if column.parts or not tags or (distinct := len(set(tags))) > min(400, len(tags) / 3) or distinct < 2:
        return None
    if types := spelled_types(tags):
        names = ", ".join(sorted(types)[:6]) + (", ..." if len(types) > 6 else "")
        return Fit(score_of(column, "tags") + _sure(tags), f"tags that spell {names}")
    return Fit(score_of(column, "tags"), f"{distinct} distinct tags") if column.is_list else None


def spans(column: Column) -> Fit | None:
    try:
        found = [span for value in column.values for span in span_list(value)]
    except BadRowError:
        return None
    if not found or not all(type(span[end]) is int for span in found for end in ("start", "end")):
        return None
    types = sorted({span["type"] for span in found})
    names = ", ".join(types[:6]) + (", ..." if len(types) > 6 else "")
    return Fit(score_of(column, "spans") + CERTAIN, f"spans of {names}")


def span(role: str) -> Callable[[Column], Fit | None]:
    def judge(column: Column) -> Fit | None:
        pairs = all(isinstance(value, list) and len(value) == 2 for value in column.values)
        objects = all(isinstance(value, dict) and {"start", "end"} <= set(value) for value in column.values)
        return Fit(score_of(column, role), "a start and an end in each row") if pairs or objects else None

    return judge
