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
    positions (`splits.position`); `accepted`, whether the row is from feedback and not from the source. Those
    come last, the newest last of all.
    """
    own_N = ~keys["accepted"].to_numpy()
    fate_N = np.full(len(keys), UNDECIDED, dtype=np.int8)
    fate_N[own_N] = _of_source(keys.filter(own_N), cleaning, splits)
    if not own_N.all():
        _admit(keys, cleaning, splits, fate_N)
    return fate_N


def _of_source(keys: pl.DataFrame, cleaning: Cleaning, splits: Splits) -> np.ndarray:
    """fate_N of the source's own rows, which feedback does not touch."""
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
    made_N = _made(keys, splits, given_N)
    split_N = np.where(given_N > CODE["train"], given_N, made_N)
    fate_N[:] = np.where(fate_N == UNDECIDED, split_N, fate_N)


def _made(keys: pl.DataFrame, splits: Splits, given_N: np.ndarray) -> np.ndarray:
    """fate_N by hash alone, where the source gives these splits."""
    made = ["train", *(name for name in SPLITS[1:] if CODE[name] not in given_N)]
    low_N, high_N = (assign(keys[end].to_numpy(), splits, made) for end in ("low", "high"))
    return np.where(low_N == high_N, low_N, CODE["straddling"])


def _admit(keys: pl.DataFrame, cleaning: Cleaning, splits: Splits, fate_N: np.ndarray) -> None:
    """Rows from feedback are for training alone, or they would change what a release is tested on: they were
    chosen by who complains. One whose text or group is held out is left out. Of a text the newest counts, and
    training rows of the source that say otherwise yield to it."""
    new_N = keys["accepted"].to_numpy()
    key_N, target_N = keys["key"].to_numpy(), keys["target"].to_numpy()
    made_N = _made(keys, splits, keys["given"].to_numpy()[~new_N])
    fate_N[new_N] = np.where(made_N[new_N] == CODE["train"], CODE["train"], CODE["straddling"])
    if cleaning.leakage == "drop":
        held_N = np.isin(fate_N, [CODE[name] for name in SPLITS[1:]])
        fate_N[new_N & np.isin(key_N, key_N[held_N])] = CODE["leakage"]
    newest = {key_N[row]: row for row in np.flatnonzero(new_N & (fate_N == CODE["train"]))}
    taught: set[tuple[int, int]] = set()
    for row in np.flatnonzero(np.isin(key_N, list(newest)) & (fate_N == CODE["train"])):
        lesson = key_N[row], target_N[row]
        if cleaning.conflicts != "keep" and target_N[newest[key_N[row]]] != target_N[row]:
            fate_N[row] = CODE["conflicts"]
        elif cleaning.duplicates == "drop" and new_N[row] and lesson in taught:
            fate_N[row] = CODE["duplicates"]
        taught.add(lesson)


def _drop_leaks(key_N: np.ndarray, fate_N: np.ndarray) -> None:
    """The test stays as it is; texts of it leave validation, and texts of either leave training."""
    seen = key_N[fate_N == CODE["test"]]
    for name in ("validation", "train"):
        own = np.flatnonzero(fate_N == CODE[name])
        leaks = np.isin(key_N[own], seen)
        fate_N[own[leaks]] = CODE["leakage"]
        seen = np.concatenate([seen, key_N[own[~leaks]]])
