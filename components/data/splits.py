"""Which split a row belongs to: a hash of its group or text and the seed.

So new rows never move old ones, and rows of one group, or of one text, never part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from components.settings import Splits

SPLITS = ("train", "validation", "test")


def position(value: str, seed: int) -> float:
    """A number in [0, 1) that depends on the value and the seed alone."""
    digest = hashlib.blake2b(f"{seed}\n{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def assign(values: Sequence[str], splits: Splits, seed: int, made: Sequence[str] = SPLITS) -> str | None:
    """The split of a row from its groups (or its text key); None if its groups lie in different ones.

    `made` are the splits to choose from: the test comes from the low end, validation next to it.
    """
    chosen = {_choose(position(value, seed), splits, made) for value in values}
    return chosen.pop() if len(chosen) == 1 else None


def _choose(place: float, splits: Splits, made: Sequence[str]) -> str:
    test = splits.test if "test" in made else 0.0
    validation = splits.validation if "validation" in made else 0.0
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"
