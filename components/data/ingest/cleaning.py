"""What becomes of every row that ingest reads: the split it goes to, or why it is left out.

Decided on keys of fixed width, not on texts, so that ten million rows take a few hundred megabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from components.data.contract.splits import SPLITS, assign
from components.settings.data import Cleaning, Splits

if TYPE_CHECKING:
    import polars as pl

REASONS = ("duplicates", "conflicts", "leakage", "straddling")
RARE, UNREADABLE = "rare", "unreadable"  # of rows whose class cannot be learnt, or is in no declared set
FATES = (*SPLITS, *REASONS, RARE, UNREADABLE)
UNDECIDED = -1  # a row whose split the source does not give, or whose fate is open
CODE = {fate: code for code, fate in enumerate(FATES)}


def decide(keys: pl.DataFrame, cleaning: Cleaning, splits: Splits) -> np.ndarray:
    """fate_N: for every row the index of its fate in `FATES`.

    `keys` holds, in the source's order: `given`, the split that the source gives, or UNDECIDED; `key` and
    `target`, hashes of the text and of what it teaches; `low` and `high`, the range of its groups'
    positions (`splits.position`).
    """
    fate_N = np.full(len(keys), UNDECIDED, dtype=np.int8)
    _clean(keys, cleaning, fate_N)
    _split(keys, splits, fate_N)
    if cleaning.leakage == "drop":
        _drop_leaks(keys["key"].to_numpy(), fate_N)
    return fate_N


def _clean(keys: pl.DataFrame, cleaning: Cleaning, fate_N: np.ndarray) -> None:
    """Drop the repeats of a text within its given split, and what its rows cannot agree on."""
    import polars as pl

    text, lesson = ("given", "key"), ("given", "key", "target")
    repeated = keys.with_row_index("row").filter(pl.col("key").is_duplicated())
    votes = pl.len().over(lesson)
    repeated = repeated.with_columns(votes=votes).with_columns(most=pl.col("votes").max().over(text))
    conflict = pl.col("target").n_unique().over(text) > 1
    if cleaning.conflicts == "majority":
        winning = pl.col("votes") == pl.col("most")
        # A clear winner: as many rows have the most votes as one target has votes.
        conflict &= ~(winning & (winning.sum().over(text) == pl.col("most")))
    if cleaning.conflicts != "keep":
        fate_N[repeated.filter(conflict)["row"].to_numpy()] = CODE["conflicts"]
        repeated = repeated.filter(~conflict)
    if cleaning.duplicates == "drop":
        later = pl.col("row") != pl.col("row").min().over(lesson)
        fate_N[repeated.filter(later)["row"].to_numpy()] = CODE["duplicates"]


def _split(keys: pl.DataFrame, splits: Splits, fate_N: np.ndarray) -> None:
    """Given splits stay; missing ones are made from the training rows by hash."""
    given_N = keys["given"].to_numpy()
    held_out = [name for name in SPLITS[1:] if CODE[name] not in given_N]
    made = ["train", *held_out]
    low_N, high_N = (assign(keys[end].to_numpy(), splits, made) for end in ("low", "high"))
    made_N = np.where(low_N == high_N, low_N, CODE["straddling"])
    split_N = np.where(given_N > CODE["train"], given_N, made_N)
    fate_N[:] = np.where(fate_N == UNDECIDED, split_N, fate_N)


def _drop_leaks(key_N: np.ndarray, fate_N: np.ndarray) -> None:
    """The test stays as it is; texts of it leave validation, and texts of either leave training."""
    seen = key_N[fate_N == CODE["test"]]
    for name in ("validation", "train"):
        own = np.flatnonzero(fate_N == CODE[name])
        leaks = np.isin(key_N[own], seen)
        fate_N[own[leaks]] = CODE["leakage"]
        seen = np.concatenate([seen, key_N[own[~leaks]]])
