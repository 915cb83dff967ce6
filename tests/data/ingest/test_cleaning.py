"""Fates decided on keys are those that the rows would get one by one."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data.contract.splits import SPLITS
from components.data.ingest.cleaning import FATES, decide
from components.settings.data import Cleaning, Splits

ROW = st.tuples(
    st.sampled_from([-1, 0, 1, 2]),  # given split
    st.integers(0, 4),  # text
    st.integers(0, 2),  # target
    st.sampled_from([0.05, 0.15, 0.9]),  # in test, in validation, in train
    st.sampled_from([0.0, 0.8]),  # how far its groups lie apart
)


def fates(rows: list[tuple], accepted: int = 0, **cleaning: str) -> list[str]:
    """Of rows of which so many, the last, are from feedback."""
    columns = {
        "given": [row[0] for row in rows],
        "accepted": [number >= len(rows) - accepted for number in range(len(rows))],
        "key": [row[1] for row in rows],
        "target": [row[2] for row in rows],
        "low": [row[3] for row in rows],
        "high": [row[3] + row[4] for row in rows],
    }
    schema = {
        "given": pl.Int8,
        "accepted": pl.Boolean,
        "key": pl.UInt64,
        "target": pl.UInt64,
        "low": pl.Float64,
        "high": pl.Float64,
    }
    codes = decide(
        pl.DataFrame(columns, schema=schema), Cleaning(**cleaning), Splits(validation=0.1, test=0.1)
    )
    return [FATES[code] for code in codes]


def one_by_one(rows: list[tuple], cleaning: Cleaning) -> list[str]:
    """The same, as plainly as it can be said."""
    fate: dict[int, str] = {}
    same = defaultdict(list)
    for number, (given_split, text, *_) in enumerate(rows):
        same[given_split, text].append(number)
    for numbers in same.values():
        votes = Counter(rows[n][2] for n in numbers)
        best = [target for target, count in votes.items() if count == max(votes.values())]
        for n in numbers:
            wins = cleaning.conflicts == "majority" and best == [rows[n][2]]
            if len(votes) > 1 and cleaning.conflicts != "keep" and not wins:
                fate[n] = "conflicts"
            elif cleaning.duplicates == "drop" and any(rows[m][2] == rows[n][2] for m in numbers if m < n):
                fate[n] = "duplicates"
    given_splits = {row[0] for row in rows}
    for n, (given_split, _, _, low, apart) in enumerate(rows):
        if n not in fate:
            ends = {_place(low, given_splits), _place(low + apart, given_splits)}
            made = ends.pop() if len(ends) == 1 else "straddling"
            fate[n] = SPLITS[given_split] if given_split > 0 else made
    for name, others in [("validation", ["test"]), ("train", ["test", "validation"])]:
        seen = {rows[n][1] for n in fate if fate[n] in others}
        for n in range(len(rows)):
            if fate[n] == name and rows[n][1] in seen and cleaning.leakage == "drop":
                fate[n] = "leakage"
    return [fate[n] for n in range(len(rows))]


def _place(position: float, given_splits: set[int]) -> str:
    test = 0.0 if 2 in given_splits else 0.1
    validation = 0.0 if 1 in given_splits else 0.1
    return "test" if position < test else "validation" if position < test + validation else "train"


@given(
    st.lists(ROW, min_size=1, max_size=30),
    st.sampled_from(["drop", "majority", "keep"]),
    st.sampled_from(["drop", "keep"]),
    st.sampled_from(["drop", "keep"]),
)
def test_fates_are_those_of_a_plain_walk_over_the_rows(rows, conflicts, duplicates, leakage) -> None:
    cleaning = {"conflicts": conflicts, "duplicates": duplicates, "leakage": leakage}
    assert fates(rows, **cleaning) == one_by_one(rows, Cleaning(**cleaning))


def test_only_the_first_of_equal_rows_stays() -> None:
    assert fates([(-1, 7, 0, 0.9, 0)] * 3) == ["train", "duplicates", "duplicates"]


@pytest.mark.parametrize(("conflicts", "expected"), [("drop", 0), ("majority", 2), ("keep", 3)])
def test_how_many_rows_a_conflict_leaves(conflicts: str, expected: int) -> None:
    rows = [(-1, 7, target, 0.9, 0) for target in (1, 1, 2)]
    kept = np.isin(fates(rows, conflicts=conflicts, duplicates="keep"), SPLITS)
    assert kept.sum() == expected


@pytest.mark.slow
@given(
    st.lists(ROW, min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.sampled_from([1.0, 0.05, 0.9])), max_size=6),
)
def test_feedback_changes_nothing_but_training_and_there_the_newest_answer_counts(
    rows: list[tuple], answers: list[tuple]
) -> None:
    """1.0 is the position of what belongs to no group."""
    before = fates(rows)
    new = [(0, text, target, place, 0.0) for text, target, place in answers]
    after = fates([*rows, *new], accepted=len(new))
    ours, theirs = after[: len(rows)], after[len(rows) :]
    held = {row[1] for row, fate in zip(rows, before, strict=True) if fate in ("validation", "test")}
    assert {fate for fate, was in zip(ours, before, strict=True) if fate != was} <= {"conflicts"}
    assert all(was == "train" for fate, was in zip(ours, before, strict=True) if fate != was)
    assert not {"validation", "test"} & set(theirs)
    kept = [(row[1], row[2]) for row, fate in zip([*rows, *new], after, strict=True) if fate == "train"]
    assert not held & {row[1] for row, fate in zip(new, theirs, strict=True) if fate == "train"}
    given_splits = {row[0] for row in rows}
    free = [row for row in new if row[1] not in held and _place(row[3], given_splits) == "train"]
    for text, newest in {row[1]: row[2] for row in free}.items():
        assert {taught for about, taught in kept if about == text} == {newest}
