"""Classes, levels and numbers: what a row is said to be."""

from __future__ import annotations

import re

from components.data.propose.names import SCALES
from components.data.propose.profile import Column
from components.data.propose.roles.base import (
    CERTAIN,
    LONG,
    MANY,
    NAMED,
    OFTEN,
    WEAK,
    Fit,
    is_named,
    score_of,
)
from components.families.multi_label.family import name_of
from components.families.ordinal.family import in_order
from components.spelling import plain

SIGNS = ("|", ";", ",", "#", "\n", "、", "；", "，", " / ", " + ")
YES = {"1", "1.0", "true", "yes"}
OUTCOMES = YES | {"0", "0.0", "false", "no"}
LEVELS = range(3, 12)  # levels of an ordinal scale
STARS = re.compile(r"[★⭐*☆✩✰\s\ufe0f]+")
ALONE = 0.1  # share of the texts with a single label, where blanks stand between several
MOST_WORDS = 8  # labels of a text that stand between blanks
COUNTED = re.compile(r"(\d+)\s*[-–—:.)=]\s*[^\W\d].*")  # "1 - Strongly disagree"
HIGHEST = 100  # level: larger numbers are years, or codes
MANY_CLASSES = (
    "; classification takes so many, but where the labels are texts that say what they mean, --family "
    "retrieval reads them and learns from fewer rows"
)


def label(column: Column) -> Fit | None:
    flat = not any(isinstance(value, list | dict) for value in column.values)
    often = OFTEN if column.length > LONG else 3
    if not flat or column.distinct < 2 or column.repeats < often:
        return None
    if column.numbers is not None and not column.is_whole:  # sections such as 1.2, perhaps
        few = column.distinct < max(LEVELS) and column.repeats >= OFTEN
        return Fit(WEAK, f"{column.distinct:,} distinct values in {column.rows:,} rows") if few else None
    many = MANY_CLASSES if column.distinct > MANY else ""
    return Fit(
        score_of(column, "label"), f"{column.distinct:,} distinct values in {column.rows:,} rows{many}"
    )


def levels(column: Column) -> list[str] | None:
    """The column's values from the lowest to the highest, if they are an ordered scale's."""
    values = {plain(value) for value in column.values}
    if len(values) not in LEVELS:
        return None
    if column.is_whole:
        numbers = sorted(values, key=float)
        lowest, highest = float(numbers[0]), float(numbers[-1])
        return numbers if highest - lowest < max(LEVELS) and max(-lowest, highest) <= HIGHEST else None
    numbered = is_named(column, "level") or _rated(values) or _counted(values)
    if found := (in_order(values) if numbered else None) or _by_stars(values):
        return found
    worded = {re.sub(r"\W+", "_", value.lower()): value for value in values}
    for scale in SCALES:
        if set(worded) <= set(scale):
            return [worded[level] for level in scale if level in worded]
    return None


def _rated(values: set[str]) -> bool:
    """Are they numbers of one thing, as "1 star" and "5 stars", or "1/10" and "9/10"?"""
    rests = {re.sub(r"^\d+", "", value).strip().rstrip("s") for value in values}
    return len(rests) == 1 and "" not in rests and all(value[0].isdigit() for value in values)


def _counted(values: set[str]) -> bool:
    """Are they counted from 0 or 1, as levels are, and classes perhaps?"""
    found = [COUNTED.fullmatch(value) for value in values]
    numbers = sorted(int(one[1]) for one in found if one)
    return len(numbers) == len(values) and numbers[0] < 2 and numbers == [*range(numbers[0], numbers[-1] + 1)]


def _by_stars(values: set[str]) -> list[str] | None:
    """Such as ★★☆, by how many stars are full; None where they are no stars."""
    counts = {sum(value.count(star) for star in "★⭐*"): value for value in values}
    stars = len(counts) == len(values) and all(STARS.fullmatch(value) for value in values)
    return [counts[count] for count in sorted(counts)] if stars else None


def level(column: Column) -> Fit | None:
    found = levels(column)
    if found is None or column.repeats < 3:
        return None
    reason = f"{len(found)} levels with an order, {', '.join(found)}, in {column.rows:,} rows"
    if column.numbers is None:
        counted = _counted({plain(value) for value in column.values}) and not is_named(column, "level")
        return Fit(score_of(column, "label") if counted else NAMED + CERTAIN, reason)
    return Fit(NAMED + CERTAIN / 2 if is_named(column, "level") else score_of(column, "label"), reason)


def number(column: Column) -> Fit | None:
    numbers = column.amounts
    if numbers is None or column.distinct < 3:
        return None
    unit = f" in {column.unit}" if column.unit else ""
    reason = f"{column.distinct:,} distinct numbers{unit} from {min(numbers):g} to {max(numbers):g}"
    if column.is_whole and column.distinct in LEVELS:
        return Fit(WEAK, reason)
    return Fit(score_of(column, "score") + (0 if column.is_whole else CERTAIN / 2), reason)


def separator_of(column: Column) -> str | None:
    """The sign between the labels of a text, if the parts repeat in other combinations."""
    signs = () if column.unit else (*SIGNS, " ") if _are_words(column) else SIGNS
    for sign in signs:
        combined = [value for value in column.values if isinstance(value, str) and sign in value]
        if not combined or not (column.is_text or (sign == "," and _are_numbered(column))):
            continue
        parts = {part.strip() for value in column.values for part in value.split(sign)}
        short = all(len(part.split()) <= 3 for part in parts) and (sign != "#" or "" not in parts)
        if short and len(combined) >= 0.1 * len(column.values) and len(parts) <= column.distinct:
            return sign
    return None


def _are_words(column: Column) -> bool:
    """Are they words one after the other, none twice, often one, of a column that is called after labels?"""
    texts = [value.split() for value in column.values if isinstance(value, str)]
    alone = sum(len(words) == 1 for words in texts) >= ALONE * len(texts)
    once = all(len(words) == len(set(words)) <= MOST_WORDS for words in texts)
    return is_named(column, "labels") and once and alone


def _are_numbered(column: Column) -> bool:
    """Could "2,14" be two classes by their numbers? Each stands alone somewhere, the smaller first."""
    if column.decimal is None:
        return False
    parts = [value.strip().split(",") for value in column.values]
    alone = {found[0] for found in parts if len(found) == 1}
    return all(set(found) <= alone and sorted(set(found), key=int) == found for found in parts)


def several(column: Column) -> Fit | None:
    if column.says_each or (column.parts and set(column.items) <= set(column.parts)):
        return _marked(column)
    sign = separator_of(column)
    if sign is not None:
        parts = {part.strip() for value in column.values for part in value.split(sign)}
        return Fit(score_of(column, "labels") + CERTAIN, f"{len(parts)} labels that stand between '{sign}'")
    values = [[*map(name_of, value)] for value in column.values] if column.is_list else []
    items = [item for value in values for item in value]
    strings = items and all(isinstance(item, str) for item in items)
    if not strings or any(len(value) != len(set(value)) for value in values):
        return None
    numbers = all(item.isdecimal() for item in items) and any(len(value) > 8 for value in values)
    same = len({*map(tuple, values)}) < 2
    if column.parts or same or max(map(len, values)) < 2 or numbers:
        return None  # places of words, choices of a question, the same in each row, or one class in each
    distinct = len(set(items))
    if distinct > len(items) / 3 or max(len(item.split()) for item in items) > 4:
        return None
    return Fit(score_of(column, "labels"), f"lists of {distinct} distinct labels in {column.rows:,} rows")


def _marked(column: Column) -> Fit:
    """Of columns, or of objects, that say yes or no of each label."""
    if column.parts:
        return Fit(NAMED + CERTAIN, f"{len(column.parts)} columns that say yes or no of each row")
    names = {name for value in column.values for name in value}
    return Fit(score_of(column, "labels") + CERTAIN, f"yes or no of each of {len(names)} labels")


def outcome(column: Column) -> Fit | None:
    """Yes or no, and a name that says of what."""
    values = {str(value).strip().lower() for value in column.values}
    if not is_named(column, "outcome") or len(values) != 2 or not values <= OUTCOMES:
        return None
    yes = sum(str(value).strip().lower() in YES for value in column.values)
    return Fit(NAMED + CERTAIN, f"yes in {yes / len(column.values):.1%} of {column.rows:,} rows")
