"""Categories and numbers that stand beside a text: read, learnt, and handed to a head.

What a head is handed does not depend on the training rows: a category is a hash, a number is itself, and
NaN is what is missing. Vocabulary and scale are the head's own, so that a champion reads rows that were
encoded after newer training data.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.errors import BadRowError, near_miss
from components.families.base import Facts, Row
from components.families.shared.fields import read_number, whole

HASH_BITS = 53  # as many as a float64 holds exactly
NORMAL_IQR = 1.349  # of the standard normal distribution


def schema() -> pa.Schema:
    """The Parquet columns: a list of named values for each kind of feature."""
    return pa.schema(
        [(role, pa.list_(pa.struct([("name", pa.string()), ("value", TYPES[role])]))) for role in ROLES]
    )


def read_features(record: Mapping[str, Any], role: str) -> list[Row] | None:
    """The features of a row, in the order of the record; None where the task declares none.

    Raises:
        BadRowError: it is no object, or one of its values is of the wrong kind.
    """
    if role not in record:
        return None
    values = {} if record[role] is None else record[role]
    if not isinstance(values, dict):
        raise BadRowError(f"'{role}' is {values!r:.60}, expected an object of features")
    named = {f"{role}.{name}": value for name, value in values.items()}
    read = [None if _is_blank(value) else READERS[role](named, place) for place, value in named.items()]
    return [{"name": name, "value": value} for name, value in zip(values, read, strict=True)]


def _is_blank(value: Any) -> bool:
    """Missing: null, NaN, or a blank text."""
    nan = isinstance(value, float) and math.isnan(value)
    return value is None or nan or (isinstance(value, str) and not value.strip())


def read_category(record: Mapping[str, Any], role: str) -> str:
    """A category: a text, or a whole number such as a code."""
    value = record[role]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # of a column of codes some of which were missing
    if not isinstance(value, str | int):
        raise BadRowError(f"'{role}' is {value!r:.60}, expected a category: a text or a whole number")
    return whole(str(value).strip(), role)


READERS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "categorical": read_category,
    "numeric": read_number,
}
TYPES = {"categorical": pa.string(), "numeric": pa.float64()}
ROLES = tuple(READERS)


def check_names(row: Row, facts: Facts) -> None:
    """Raise BadRowError for a feature whose name training does not know: most often a misspelt one."""
    for role in ROLES:
        for feature in row[role] or ():
            if (name := feature["name"]) not in facts[role]:
                known = sorted(facts[role])
                raise BadRowError(
                    f"'{role}' has no feature '{name:.60}'{near_miss(name, known)}; "
                    f"expected some of {', '.join(known)}"
                )


class FeatureLearner:
    """Looks at the training rows once: the values of each number, and how often each category occurs,
    are in memory; the texts are not."""

    def __init__(self) -> None:
        self._categories: dict[str, Counter[str]] = defaultdict(Counter)
        self._numbers: dict[str, array[float]] = defaultdict(lambda: array("d"))

    def add(self, row: Row) -> None:
        """Look at one row."""
        for feature in row["categorical"] or ():
            counts = self._categories[feature["name"]]  # known even where it is always missing
            if feature["value"] is not None:
                counts[feature["value"]] += 1
        for feature in row["numeric"] or ():
            numbers = self._numbers[feature["name"]]
            if feature["value"] is not None:
                numbers.append(feature["value"])

    def facts(self, most: int) -> Facts:
        """{"categorical": {name: the categories with an embedding of their own}, "numeric": {name: its
        `centre` and `scale`}}; of each column at most `most` categories."""
        return {
            "categorical": {name: vocabulary(counts, most) for name, counts in self._categories.items()},
            "numeric": {name: centre_and_scale(numbers) for name, numbers in self._numbers.items()},
        }


def vocabulary(counts: Mapping[str, int], most: int) -> list[str]:
    """The commonest categories. One that occurs once is left to the others, or nothing would teach the
    model what to make of a category that it has never seen."""
    by_count = sorted(counts, key=lambda name: (-counts[name], name))
    return [name for name in by_count if counts[name] > 1][:most]


def centre_and_scale(numbers: Sequence[float]) -> dict[str, float]:
    """The median and the interquartile range, which outliers do not move; the range is in units of the
    standard deviation. Where half of the numbers are equal, the standard deviation stands in."""
    if not len(numbers):
        return {"centre": 0.0, "scale": 1.0}
    values = np.asarray(numbers)
    with np.errstate(over="ignore", invalid="ignore"):
        low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
        candidates = ((high - low) / NORMAL_IQR, values.std(), 1.0)
    scale = next(float(each) for each in candidates if 0 < each < np.inf)
    return {"centre": float(centre), "scale": scale}


def head_inputs(row: Row, facts: Facts) -> list[float] | None:
    """What the head is given: the hash of each category, then each number, NaN where one is missing; both
    in the order of their names. None where the task has no features."""
    if not any(facts[role] for role in ROLES):
        return None
    return [
        math.nan if (value := values.get(name)) is None else code(value)
        for role, code in (("categorical", category_hash), ("numeric", float))
        for values in [{feature["name"]: feature["value"] for feature in row[role] or ()}]
        for name in sorted(facts[role])
    ]


def category_hash(category: str) -> float:
    """A category as a whole number that a float64 holds."""
    digest = hashlib.blake2b(category.encode(), digest_size=8).digest()
    return float(int.from_bytes(digest, "big") >> (64 - HASH_BITS))


def named(row: Row, facts: Facts) -> dict[str, str | float]:
    """The features of a linear model: a category by its name, a number standardised as the head does; a
    missing one is a category of its own."""
    found: dict[str, str | float] = {}
    for role in ROLES:
        for feature in row[role] or ():
            name, value = feature["name"], feature["value"]
            known = facts[role].get(name)
            if value is None or known is None:
                found[f"{role}.{name}"] = "(missing)"
            else:
                found[f"{role}.{name}"] = value if role == "categorical" else standardised(value, known)
    return found


def standardised(value: float, known: Mapping[str, float]) -> float:
    """asinh of (value - centre) / scale: linear near the median, logarithmic far from it."""
    return float(np.arcsinh((value - known["centre"]) / known["scale"]).clip(-20, 20))
