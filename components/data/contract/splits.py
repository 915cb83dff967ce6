"""Which split a row belongs to: a hash of its groups or text and the seed.

So new rows never move old ones, and rows of one group, or of one text, never part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from components.settings.data import Splits

SPLITS = ("train", "validation", "test")
BEHIND_ALL = 1.0  # the position of what is for training, whatever its hash


def position(value: str, seed: int) -> float:
    """A number in [0, 1) that depends on the value and the seed alone."""
    digest = hashlib.blake2b(f"{seed}\n{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def assign(position_N: np.ndarray, splits: Splits, made: Sequence[str] = SPLITS) -> np.ndarray:
    """split_N: for each position the number of its split in `SPLITS`.

    `made` are the splits to choose from: the test comes from the low end, validation next to it.
    """
    test = splits.test if "test" in made else 0.0
    validation = splits.validation if "validation" in made else 0.0
    chosen = np.where(position_N < test + validation, SPLITS.index("validation"), SPLITS.index("train"))
    return np.where(position_N < test, SPLITS.index("test"), chosen).astype(np.int8)
