"""How well a column fits a role, by its name and by its values, and why.

A column's name alone never makes it fit; values alone make it fit less well than both together. One
small function a kind of column, in one table. A role's kind is its name, unless the family says otherwise
(`role_kinds`). Whether the family can read the values is asked of the family itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from components import families
from components.data.propose.names import ASIDE, ENDS, INDEX, NAMES, NUMBERED, SCALES
from components.data.propose.profile import Column
from components.errors import BadRowError
from components.families.multiple_choice.family import named_choices
from components.families.shared.spans import span_list
from components.spelling import plain

NAMED, PLAIN, WEAK = 1.0, 0.7, 0.3
CERTAIN = 0.5  # added where the values could hardly be anything else
YES = {"1", "1.0", "true", "yes"}
OUTCOMES = YES | {"0", "0.0", "false", "no"}
LEVELS = range(3, 12)  # levels of an ordinal scale
HIGHEST = 100  # level: larger numbers are years, or codes
CLASSES = {"class", "label", "category", "intent", "answer", "target"}  # what columns may number
BESIDE_NAMES = 0.4  # taken off where they do: the names themselves may stand in another
LONG, OFTEN = 4, 10  # words of a label; a longer one is a label where it repeats so often
MANY = 1000  # classes: from these on, an answer may be one that is retrieved
MANY_CLASSES = (
    "; classification takes so many, but where the labels are texts that say what they mean, --family "
    "retrieval reads them and learns from fewer rows"
)


@dataclass(frozen=True)
class Fit:
    """How well a column fits a role."""

    score: float
    reason: str


def kind_of(family: str, role: str) -> str:
    """The kind of column that plays the family's role."""
    return families.get(family).role_kinds.get(role, role)


def fit(kind: str, column: Column) -> Fit | None:
    """How well the column is of the kind; None if it is not."""
    judge = FITS.get(kind)
    return None if judge is None or not column.values or _is_aside(column) else judge(column)


def _is_aside(column: Column) -> bool:
    """Does it stand beside the data: an identifier, an index, a date?"""
    aside = column.words[-1].rstrip("0123456789") in ASIDE and not _numbers_classes(column)
    if column.is_counter or column.is_split or INDEX.fullmatch(column.name) or aside:
        return True
    return column.is_date and not any(is_named(column, kind) for kind in ("label", "level"))


def _numbers_classes(column: Column) -> bool:
    """A "Class Index" or an "answerKey" is no identifier."""
    return column.words[-1] in NUMBERED and not CLASSES.isdisjoint(column.words[:-1])


def is_named(column: Column, role: str) -> bool:
    return not NAMES[role].isdisjoint([*column.words, "_".join(column.words)])


def _score(column: Column, role: str) -> float:
    return (NAMED if is_named(column, role) else PLAIN) - (BESIDE_NAMES if _numbers_classes(column) else 0)


def _text(column: Column) -> Fit | None:
    named = is_named(column, "text")
    enough = column.length >= (1.5 if named else 2.5) and column.distinct > 0.3 * len(column.values)
    if not column.is_text or not enough:
        return None
    return Fit(NAMED if named else PLAIN, f"{column.length:.0f} words on average")


def _text_pair(column: Column) -> Fit | None:
    if not column.is_text or column.length < 1.5 or column.repeats > 20 or column.words[-1] == "name":
        return None
    named = is_named(column, "text_pair")
    return Fit(NAMED if named else WEAK, f"{column.length:.0f} words on average, beside the text")


def _passage(role: str) -> Callable[[Column], Fit | None]:
    """A question or a context: known by name."""

    def judge(column: Column) -> Fit | None:
        if not column.is_text or not is_named(column, role):
            return None
        return Fit(NAMED, f"{column.length:.0f} words on average")

    return judge


def _label(column: Column) -> Fit | None:
    flat = not any(isinstance(value, list | dict) for value in column.values)
    whole = column.numbers is None or column.is_whole
    often = OFTEN if column.length > LONG else 3
    if not flat or not whole or column.distinct < 2 or column.repeats < often:
        return None
    many = MANY_CLASSES if column.distinct > MANY else ""
    return Fit(_score(column, "label"), f"{column.distinct:,} distinct values in {column.rows:,} rows{many}")


def levels(column: Column) -> list[str] | None:
    """The column's values from the lowest to the highest, if they are an ordered scale's."""
    values = {plain(value) for value in column.values}
    if len(values) not in LEVELS:
        return None
    if column.is_whole:
        in_order = sorted(values, key=float)
        lowest, highest = float(in_order[0]), float(in_order[-1])
        return in_order if highest - lowest < max(LEVELS) and max(-lowest, highest) <= HIGHEST else None
    worded = {re.sub(r"\W+", "_", value.lower()): value for value in values}
    for scale in SCALES:
        if set(worded) <= set(scale):
            return [worded[level] for level in scale if level in worded]
    return None


def _level(column: Column) -> Fit | None:
    found = levels(column)
    if found is None or column.repeats < 3:
        return None
    reason = f"{len(found)} levels with an order, {', '.join(found)}, in {column.rows:,} rows"
    if column.numbers is None:
        return Fit(NAMED + CERTAIN, reason)
    return Fit(NAMED + CERTAIN / 2 if is_named(column, "level") else _score(column, "label"), reason)


def _number(column: Column) -> Fit | None:
    numbers = column.numbers
    if numbers is None or column.distinct < 3:
        return None
    reason = f"{column.distinct:,} distinct numbers from {min(numbers):g} to {max(numbers):g}"
    if column.is_whole and column.distinct in LEVELS:
        return Fit(WEAK, reason)
    return Fit(_score(column, "score") + (0 if column.is_whole else CERTAIN / 2), reason)


def separator_of(column: Column) -> str | None:
    """The sign between the labels of a text, if the parts repeat in other combinations."""
    for sign in "|;,#":
        combined = [value for value in column.values if isinstance(value, str) and sign in value]
        if not combined or not (column.is_text or (sign == "," and _are_numbered(column))):
            continue
        parts = {part.strip() for value in column.values for part in value.split(sign)}
        short = all(len(part.split()) <= 3 for part in parts) and (sign != "#" or "" not in parts)
        if short and len(combined) >= 0.1 * len(column.values) and len(parts) <= column.distinct:
            return sign
    return None


def _are_numbered(column: Column) -> bool:
    """Could "2,14" be two classes by their numbers? Each stands alone somewhere, the smaller first."""
    if column.decimal is None:
        return False
    parts = [value.strip().split(",") for value in column.values]
    alone = {found[0] for found in parts if len(found) == 1}
    return all(set(found) <= alone and sorted(set(found), key=int) == found for found in parts)


def _labels(column: Column) -> Fit | None:
    if column.parts and set(column.items) <= set(column.parts):
        return Fit(NAMED + CERTAIN, f"{len(column.parts)} columns that say yes or no of each row")
    sign = separator_of(column)
    if sign is not None:
        parts = {part.strip() for value in column.values for part in value.split(sign)}
        return Fit(_score(column, "labels") + CERTAIN, f"{len(parts)} labels that stand between '{sign}'")
    strings = column.items and all(isinstance(item, str) for item in column.items)
    if not strings or any(len(value) != len(set(value)) for value in column.values):
        return None
    numbers = all(item.isdecimal() for item in column.items) and any(
        len(value) > 8 for value in column.values
    )
    if column.parts or column.distinct < 2 or max(map(len, column.values)) < 2 or numbers:
        return None  # places of words, choices of a question, the same in each row, or one class in each
    distinct = len(set(column.items))
    if distinct > len(column.items) / 3 or max(len(item.split()) for item in column.items) > 4:
        return None
    return Fit(_score(column, "labels"), f"lists of {distinct} distinct labels in {column.rows:,} rows")


def _words(column: Column) -> list[str]:
    """The words of lists of words, or of texts with spaces between them."""
    if column.is_text:
        return [word for value in column.values for word in value.split()]
    return column.items if all(isinstance(item, str) for item in column.items) else []


def _tokens(column: Column) -> Fit | None:
    words = _words(column)
    if column.parts or not words or not column.is_list or len(words) < 3 * len(column.values):
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


def any_spelling(tag: str) -> str:
    """A tag of another spelling (b-per, B_PER, PER-B, o) as B-PER and O are."""
    if tag in ("o", "0"):
        return "O"
    if found := re.fullmatch(r"([BIESMLUWbiesmluw])[-_](.+)", tag):
        return f"{found[1].upper()}-{found[2].upper()}"
    if found := re.fullmatch(r"(.+)[-_]([BIESMLUW])", tag):
        return f"{found[2]}-{found[1].upper()}"
    return tag


def _tags(column: Column) -> Fit | None:
    tags = _words(column) if column.name not in ("form", "lemma", "misc", "deps") else []
    if all(tag.isdecimal() for tag in tags):
        return None  # numbers of words, or of classes that nothing names
    if column.parts or not tags or (distinct := len(set(tags))) > min(400, len(tags) / 3) or distinct < 2:
        return None
    if types := bio_types(tags) or bio_types([any_spelling(tag) for tag in tags]):
        names = ", ".join(sorted(types)[:6]) + (", ..." if len(types) > 6 else "")
        return Fit(_score(column, "tags") + CERTAIN, f"tags that spell {names}")
    return Fit(_score(column, "tags"), f"{distinct} distinct tags") if column.is_list else None


def _spans(column: Column) -> Fit | None:
    try:
        found = [span for value in column.values for span in span_list(value)]
    except BadRowError:
        return None
    if not found or not all(type(span[end]) is int for span in found for end in ("start", "end")):
        return None
    types = sorted({span["type"] for span in found})
    names = ", ".join(types[:6]) + (", ..." if len(types) > 6 else "")
    return Fit(_score(column, "spans") + CERTAIN, f"spans of {names}")


def _span(role: str) -> Callable[[Column], Fit | None]:
    def judge(column: Column) -> Fit | None:
        pairs = all(isinstance(value, list) and len(value) == 2 for value in column.values)
        objects = all(isinstance(value, dict) and {"start", "end"} <= set(value) for value in column.values)
        return Fit(_score(column, role), "a start and an end in each row") if pairs or objects else None

    return judge


def _answers(column: Column) -> Fit | None:
    if column.is_text and is_named(column, "answers"):
        return Fit(NAMED, f"{column.distinct:,} distinct answers")
    shaped = [answer for value in column.values for answer in (value if isinstance(value, list) else [value])]
    if not shaped or not all(isinstance(answer, dict) and "text" in answer for answer in shaped):
        return None
    return Fit(_score(column, "answers") + CERTAIN, "answers with their texts")


def _choices(column: Column) -> Fit | None:
    try:
        found = [named_choices(value) for value in column.values]
    except BadRowError:
        return None
    lengths = {len(each) for each in found}
    strings = all(isinstance(text, str) for each in found for _, text in each)
    if column.is_text or not strings or min(lengths) < 2 or max(lengths) > 20:
        return None
    named = is_named(column, "choices")
    return Fit(NAMED + CERTAIN if named else WEAK, f"{min(lengths)} to {max(lengths)} choices in each row")


def _answer(column: Column) -> Fit | None:
    numbers = column.numbers
    if column.distinct < 2 or (not column.is_text and (numbers is None or set(numbers) - set(range(20)))):
        return None
    return Fit(_score(column, "answer"), "the right choice")


def _template(column: Column) -> Fit | None:
    """An answer out of many: known by name, or by being long or one of many, or any label would be one."""
    if not column.is_text or column.distinct < 2:
        return None
    reason = f"{column.distinct:,} distinct answers in {column.rows:,} rows"
    if is_named(column, "template"):
        return Fit(NAMED, reason)
    if column.length <= LONG and (column.distinct < MANY or column.repeats < 2):
        return None
    return Fit(PLAIN if column.repeats >= 2 else WEAK, reason)


def _written(column: Column) -> Fit | None:
    """A text that is written in answer to another."""
    if not column.is_text or column.distinct < 0.5 * len(column.values) or column.length < 1:
        return None
    named = is_named(column, "written")
    if not named and column.length < 1.5:
        return None
    reason = f"{column.length:.0f} words on average, {column.distinct:,} distinct texts"
    return Fit(NAMED if named else WEAK, reason)


def _outcome(column: Column) -> Fit | None:
    """Yes or no, and a name that says of what."""
    values = {str(value).strip().lower() for value in column.values}
    if not is_named(column, "outcome") or len(values) != 2 or not values <= OUTCOMES:
        return None
    yes = sum(str(value).strip().lower() in YES for value in column.values)
    return Fit(NAMED + CERTAIN, f"yes in {yes / len(column.values):.1%} of {column.rows:,} rows")


def _item(column: Column) -> Fit | None:
    """What was shown and clicked: in a log the same text comes again and again."""
    found = _text(column)
    if found or not column.is_text or column.distinct < 3 or not is_named(column, "item"):
        return found
    return Fit(
        NAMED if column.length >= 1.5 else WEAK, f"{column.distinct:,} distinct items in {column.rows:,} rows"
    )


def _entity(kind: str) -> Callable[[Column], Fit | None]:
    """An end of a triple: a name, rather than a text."""

    def judge(column: Column) -> Fit | None:
        named = is_named(column, kind)
        recurs = column.length <= LONG and column.repeats >= 1.2
        if not column.is_text or column.distinct < 2 or column.length > 12 or not (named or recurs):
            return None
        return Fit(NAMED if named else WEAK, f"{column.distinct:,} distinct entities")

    return judge


def _link(column: Column) -> Fit | None:
    """The relation between the ends of a triple: few, and each of them often."""
    if not column.is_text or column.repeats < 2 or column.length > LONG:
        return None
    return Fit(NAMED if is_named(column, "link") else WEAK, f"{column.distinct:,} distinct relations")


def together(kinds: dict[str, Column]) -> float | None:
    """What columns that play these kinds of roles together add to their fits; None if they cannot."""
    if {"head_entity", "tail_entity"} <= kinds.keys():
        head, tail = kinds["head_entity"].distinct_texts, kinds["tail_entity"].distinct_texts
        shared = len(head & tail) / min(len(head), len(tail))
        named = all(is_named(kinds[kind], kind) for kind in ("head_entity", "link", "tail_entity"))
        in_order = CERTAIN if kinds["head_entity"].place < kinds["tail_entity"].place else 0.0
        return in_order + 2 * CERTAIN if shared > 0.05 else CERTAIN if named else None
    if "text_pair" in kinds and not kinds.keys().isdisjoint({"text", "item"}):
        first, second = kinds.get("text") or kinds["item"], kinds["text_pair"]
        return CERTAIN if "query" in first.words or _are_ends(first.name, second.name) else 0.0
    return 0.0


def _are_ends(one: str, other: str) -> bool:
    """Do the names differ in their ends alone: sent_a and sent_b? Those that we have given say nothing."""
    return not one.startswith("column_") and any(
        one.lower().endswith(first) and one.lower().removesuffix(first) + second == other.lower()
        for first, second in ENDS
    )


def _turns(column: Column) -> Fit | None:
    objects = bool(column.items) and all(isinstance(item, dict) and "text" in item for item in column.items)
    strings = bool(column.items) and all(isinstance(item, str) for item in column.items)
    words = sum(len(str(item).split()) for item in column.items) / max(len(column.items), 1)
    if not objects and not (strings and words >= 2 and is_named(column, "turns")):
        return None
    mean = len(column.items) / len(column.values)
    return Fit(_score(column, "turns") + CERTAIN, f"{mean:.0f} turns on average")


FITS: dict[str, Callable[[Column], Fit | None]] = {
    "text": _text, "text_pair": _text_pair, "turns": _turns, "tokens": _tokens, "tags": _tags,
    "spans": _spans, "head": _span("head"), "tail": _span("tail"), "label": _label, "level": _level,
    "score": _number, "labels": _labels, "question": _passage("question"), "context": _passage("context"),
    "answers": _answers, "choices": _choices, "answer": _answer,
    "template": _template, "item": _item, "written": _written, "outcome": _outcome,
    "head_entity": _entity("head_entity"), "link": _link, "tail_entity": _entity("tail_entity"),
}  # fmt: skip
