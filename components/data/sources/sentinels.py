"""Values that stand in the place of a missing one: -999 or 9999 among scores, "N/A" or -1 among classes."""

from __future__ import annotations

import re
from collections.abc import Mapping

# As data frames, databases and spreadsheets write it, and data sets: "-" is SNLI's, "unsup" IMDB's.
WORDS = re.compile(
    r"(?i)-+|\?+|nan|n/?a|<na>|#n/a|#(?:ref|value|name|num|null|div/0)[!?]|null|\\n|undefined|missing"
    r"|not available|unsup|unlabell?ed"
)
CODES = (
    -1.0,
    *(sign * (10.0**digits - 1) for digits in range(1, 8) for sign in (-1, 1) if sign * digits != 1),
)
NOT_ANY = re.compile(r"(?i)n/?a")  # also what relations call it that there is none
COMMON = 1 / 3  # share of the rows from which on this is a class
FEWEST = 2  # rows: a number that is there once may be an outlier
SEVERAL = 3  # other classes


def among_labels(counts: Mapping[str, int]) -> list[str]:
    """Those of the classes, with their rows, that say that there is none.

    -1, 0 and 1 alone may be a mood, and "NA" beside one other class a country.
    """
    most = COMMON * sum(counts.values())
    words = [label for label in counts if WORDS.fullmatch(label)]
    words = [label for label in words if counts[label] < most or not NOT_ANY.fullmatch(label)]
    rest = {label: count for label, count in counts.items() if label not in words}
    if len(rest) < SEVERAL - 1:
        return []
    numbers = {_number(label): label for label in rest}
    if None in numbers:
        return words
    codes = {
        number: rest[label] for number, label in numbers.items() if number is not None and number in CODES
    }
    others = [number for number in numbers if number is not None and number not in codes]
    found = among_numbers(codes, others)
    mood = len(others) < SEVERAL and min(others, default=0) <= 0
    return [*words, *(numbers[code] for code in found if not (mood and code == -1))]


def among_numbers(counts: Mapping[float, int], others: list[float]) -> list[float]:
    """Which of the codes, with their rows, are no number like the others, of which the ends are enough: they
    lie further from these than these from each other, or -1 is below none that is negative."""
    if not others or min(others) == max(others):
        return []
    low, high = min(others), max(others)
    width = high - low
    return [
        code
        for code, rows in counts.items()
        if rows >= FEWEST and (not low - width <= code <= high + width or (code == -1 and low >= 0))
    ]


def _number(label: str) -> float | None:
    try:
        return float(label)
    except ValueError:
        return None
