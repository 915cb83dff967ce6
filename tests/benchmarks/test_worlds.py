"""Worlds: what is said to be true of a population is true of it, and a test set is a draw of it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import worlds
from benchmarks.calibration.coverage import TWINS
from benchmarks.calibration.test_sets import evidence, verdict
from components.evaluation.units import Units

pytestmark = pytest.mark.slow  # thousands of test sets

NAMES = [name for name in worlds.MAKERS if name not in TWINS.values()]


@pytest.mark.parametrize("name", worlds.MAKERS)
def test_two_models_are_equally_good_and_better_than_the_trivial_one(name: str) -> None:
    """As good as an exchange by chance makes them: within a sixth of the margin."""
    world = worlds.made(name)
    assert world.truth("equal") == pytest.approx(world.truth("champion"), abs=world.margin / 6)
    assert world.truth("equal") > world.truth("trivial") + 3 * world.margin


@pytest.mark.parametrize("name", NAMES)
def test_a_worse_model_has_lost_what_it_was_to_lose(name: str) -> None:
    world = worlds.made(name)
    worse = world.with_loss(2 * world.margin, 9)
    assert worse.truth("champion") - worse.truth("worse") == pytest.approx(2 * world.margin, abs=0.005)
    assert worse.truth("equal") == world.truth("equal")


@pytest.mark.parametrize("name", NAMES)
def test_a_test_set_has_the_rows_that_were_asked_for_and_its_mean_is_the_truth(name: str) -> None:
    world, generator = worlds.made(name), np.random.default_rng(5)
    drawn = [evidence(world, 400, "equal", generator) for _ in range(30)]
    rows = 406 if world.groups else 400  # all pairs of 29 documents, less those of one with itself
    assert all(rows * 0.97 <= count <= rows for count, _, _ in drawn)
    mean = np.mean([found.value for _, _, found in drawn])
    assert mean == pytest.approx(world.truth("equal"), abs=world.margin)  # a macro F1 is biased by half of it


def test_pairs_are_drawn_by_their_documents() -> None:
    world = worlds.made("Pearson over pairs")
    place_N, groups = world.draw(45, np.random.default_rng(1))
    assert len(place_N) == len(groups)
    assert Units.of(groups).count <= 10
    known: dict[str, set[str]] = {}  # of a drawn document: which ones of the world's it may be
    for place, group in zip(place_N, groups, strict=True):
        for one in group:
            known[one] = known.get(one, set(world.groups[place])) & set(world.groups[place])
    assert all(len(documents) == 1 for documents in known.values())


def test_an_exchange_keeps_what_the_two_have_together() -> None:
    world = worlds.shares(0.8, 0.7, 1)
    swapped = worlds.exchanged(world, 4)
    before, after = (one.tables["champion"] + one.tables["equal"] for one in (world, swapped))
    assert np.array_equal(before, after)
    assert not np.array_equal(world.tables["equal"], swapped.tables["equal"])


def test_rows_of_a_sparse_table_are_mixed_like_those_of_a_dense_one() -> None:
    world = worlds.made("macro-F1 of 50")
    one, other = world.tables["trivial"][:20], world.tables["equal"][:20]
    first = np.arange(20) % 3 == 0
    found = worlds.mixed(one, other, first).toarray()  # type: ignore[union-attr]
    assert np.array_equal(found, np.where(first[:, None], one.toarray(), other.toarray()))  # type: ignore[union-attr]


def test_of_many_rows_the_gate_lets_an_equal_model_pass_and_rejects_a_worse_one() -> None:
    world, generator = worlds.made("accuracy .8"), np.random.default_rng(2)
    worse = world.with_loss(2 * world.margin, 9)
    assert verdict({"t": evidence(world, 5000, "equal", generator)})["release"] == "promote"
    assert verdict({"t": evidence(worse, 5000, "worse", generator)}) == {"release": "reject", "t": "reject"}
