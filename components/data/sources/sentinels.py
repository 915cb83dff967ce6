"""Values that stand in the place of a missing one: -999 or 9999 among scores, "N/A" or -1 among classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# As data frames, databases and spreadsheets write it, and data sets: "-" is SNLI's, "unsup" IMDB's.
SIGNS = re.compile(r"-+|\?+")  # punctuation as a class is beside others of its kind
WORDS = re.compile(
    rf"(?i){SIGNS.pattern}|nan|n/?a|<na>|#n/a|#(?:ref|value|name|num|null|div/0)[!?]|null|\\n|undefined|missing"
    r"|not available|unsup|unlabell?ed"
)
CODES = (
    -1.0,
    *(sign * (10.0**digits - 1) for digits in range(1, 8) for sign in (-1, 1) if sign * digits != 1),
)
NOT_ANY = re.compile(r"(?i)n/?a")  # also what relations call it that there is none
ORDINARY = re.compile(r"(?i)undefined|missing|not available")  # what a class may well be called
SHORT = 3  # letters of the codes of languages and countries: nan is one, and NA
COMMON = 1 / 3  # share of the rows from which on this is a class
FEWEST = 2  # rows: a number that is there once may be an outlier
SEVERAL = 3  # other classes
FAR = 8.0  # times as far from the others as these from each other: 99 from 0 to 10, 999 from 0 to 100


def among_labels(counts: Mapping[str, int]) -> list[str]:
    """Those of the classes, with their rows, that say that there is none.

    -1, 0 and 1 alone may be a mood, and "NA" beside one other class a country.
    """
    words = _words(counts)
    rest = {label: count for label, count in counts.items() if label not in words}
    if len(rest) < SEVERAL - 1:
        return []
    codes, others, spelled = _parted(rest)
    found = among_numbers(codes, others)
    mood = len(others) < SEVERAL and min(others, default=0) <= 0
    return [*words, *(spelled[code] for code in found if not (mood and code == -1))]


def clear_among_labels(counts: Mapping[str, int]) -> list[str]:
    """Those of `among_labels` that can hardly be classes, so that their rows may be left out unasked."""
    found = among_labels(counts)
    rest = [label for label in counts if label not in found]
    codes, others, spelled = _parted({label: counts[label] for label in counts if not _is_word(label)})
    clear = {spelled[code] for code in among_numbers(codes, others, FAR) if code != -1}
    numeric = all(_number(label) is not None for label in rest)
    clear |= {label for label in found if _is_word(label) and (numeric or _is_clear(label, rest))}
    return [label for label in found if label in clear]


def among_numbers(counts: Mapping[float, int], others: list[float], reach: float = 1.0) -> list[float]:
    """Which of the codes, with their rows, are no number like the others, of which the ends are enough: they
    lie further from these, by `reach`, than these from each other, or -1 is below none that is negative."""
    if not others or min(others) == max(others):
        return []
    low, high = min(others), max(others)
    width = reach * (high - low)
    return [
        code
        for code, rows in counts.items()
        if rows >= FEWEST and (not low - width <= code <= high + width or (code == -1 and low >= 0))
    ]


def _words(counts: Mapping[str, int]) -> list[str]:
    """Those that are spelled out; signs only where the others are words or numbers."""
    most = COMMON * sum(counts.values())
    words = {label for label in counts if WORDS.fullmatch(label)}
    spoken = all(any(map(str.isalnum, label)) for label in counts if label not in words)
    signs = {label for label in words if not spoken and SIGNS.fullmatch(label)}
    classes = {label for label in words if counts[label] >= most and NOT_ANY.fullmatch(label)}
    return [label for label in counts if label in words - signs - classes]


def _is_word(label: str) -> bool:
    return WORDS.fullmatch(label) is not None


def _is_clear(word: str, others: Iterable[str]) -> bool:
    """Is the word none of the classes' kind: no word of every day, and no code beside codes?"""
    if ORDINARY.fullmatch(word):
        return False
    codes = list(map(_is_code, others))
    return not _is_code(word) or 2 * sum(codes) < len(codes)


def _is_code(label: str) -> bool:
    return label.isalpha() and len(label) <= SHORT


def _parted(labels: Mapping[str, int]) -> tuple[dict[float, int], list[float], dict[float, str]]:
    """Codes with their rows, and other numbers, with how each is spelled; none where a label is no number."""
    spelled = {number: label for label in labels if (number := _number(label)) is not None}
    if len(spelled) < len(labels):
        return {}, [], {}
    codes = {number: labels[label] for number, label in spelled.items() if number in CODES}
    return codes, [number for number in spelled if number not in codes], spelled


def _number(label: str) -> float | None:
    try:
        return float(label)
    except ValueError:
        return None
