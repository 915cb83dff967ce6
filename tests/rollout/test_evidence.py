"""What a trial shows, by simulated traffic: a candidate that is no worse hardly ever falls back."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import reduce
from operator import add
from pathlib import Path

import pytest

from components.rollout import callers
from components.rollout.evidence import ENOUGH, Evidence, is_drawn
from components.rollout.records import Counts, Target, Trial

TARGET = Target(release="v1.0.1", bundle="/b")
Say = Callable[[bool], float]  # of whether the candidate answers


def canary(share: float = 0.1) -> Trial:
    return Trial(kind="canary", target=TARGET, began="now", share=share, disagreement=0.1, key="X-User")


def traffic(
    draw: random.Random,
    requests: int,
    seconds: Say,
    fails: Say,
    differs: float = 0.0,
    users: int = 0,
    trial: int = 0,
) -> Counts:
    """What a canary with a tenth of the callers, others in each trial, has shown; of `users`, each sends texts of
    one length."""
    found = Evidence(canary(), Counts())
    for number in range(requests):
        if number % 20 == 0 and found.counts.worse():  # looked at again and again
            break
        user = draw.randrange(users) if users else None
        drawn = draw.random() < 0.1 if user is None else is_drawn(found.trial, f"{user} {trial}")
        length = draw.expovariate(1.0) if user is None else (user % 97) / 40
        caller = None if user is None else str(user)
        if draw.random() < fails(drawn):
            found.failed(drawn, caller)
            continue
        found.answered(drawn, length * seconds(drawn), caller)
        if drawn:
            found.compared(float(draw.random() < differs))
    return found.counts


@pytest.mark.slow  # hundreds of trials are played
def test_an_equal_candidate_falls_back_in_less_than_one_trial_of_twenty() -> None:
    draw = random.Random(5)
    for users in (0, 300):
        fell = [
            traffic(draw, 1500, lambda _: 1.0, lambda _: 0.05, differs=0.1, users=users, trial=trial).worse()
            for trial in range(120)
        ]
        assert sum(one is not None for one in fell) <= 6, fell


@pytest.mark.parametrize(
    ("why", "worse"),
    [
        ("fails", {"fails": lambda drawn: 0.3 if drawn else 0.001}),
        ("slow", {"seconds": lambda drawn: 4.0 if drawn else 1.0}),
        ("differ", {"differs": 0.3}),
    ],
)
def test_a_worse_candidate_falls_back_and_the_reason_says_in_what(why: str, worse: dict) -> None:
    draw = random.Random(6)
    how = {"seconds": lambda _: 1.0, "fails": lambda _: 0.001, "differs": 0.05, **worse}
    assert why in (traffic(draw, 4000, **how).worse() or "")


def test_a_caller_with_many_bad_requests_is_no_proof() -> None:
    found = Evidence(canary(), Counts())
    for _ in range(1000):
        found.failed(True, "ada")
    assert found.counts.worse() is None
    for number in range(5):
        found.failed(True, str(number))
    assert found.counts.worse() == "it fails more often"


def test_a_caller_counts_once_whichever_worker_he_asks(tmp_path: Path) -> None:
    """Eight workers, of which one is started anew: his texts fail in all of them."""
    counts = [Counts() for _ in range(8)]
    workers = [Evidence(canary(), of_one, tmp_path) for of_one in counts]
    for worker in [*workers, Evidence(canary(), counts[0], tmp_path)]:
        worker.failed(True, "ada")
        worker.left(True, 60.0, "ada")  # another test, of which nothing is slow yet
    total = reduce(add, counts)
    assert (total.tests["errors"].rounds, total.worse()) == (1, None)
    for number, worker in enumerate(workers[:4]):
        worker.failed(True, str(number))
    assert reduce(add, counts).worse() == "it fails more often"
    again = canary().model_copy(update={"began": "later"})
    assert Evidence(again, Counts(), tmp_path).known["errors"].is_new("ada")  # of another trial


def test_of_a_caller_little_is_kept_however_he_calls_himself(tmp_path: Path) -> None:
    """The header may have 16 KiB, and twenty thousand callers are told apart."""
    known = callers.Callers(tmp_path / "callers")
    assert known.is_new("a" * 16_000)
    assert (tmp_path / "callers").stat().st_size == 8


def test_what_was_torn_is_written_over_and_a_file_that_cannot_be_is_no_reason_to_count_nobody(
    tmp_path: Path,
) -> None:
    one, other = (callers.Callers(tmp_path / "callers") for _ in range(2))
    assert one.is_new("ada")
    with (tmp_path / "callers").open("ab") as file:
        file.write(b"123")
    assert other.is_new("bob")
    assert not one.is_new("bob")
    assert (tmp_path / "callers").stat().st_size == 16
    nowhere = callers.Callers(tmp_path / "no such folder/callers")
    assert [nowhere.is_new("ada"), nowhere.is_new("ada")] == [True, False]


def test_a_candidate_that_never_answers_falls_back_and_who_hangs_up_at_once_shows_nothing() -> None:
    found = Evidence(canary(), Counts())
    for _ in range(100):
        found.answered(False, 1.0, None)
        found.left(True, 0.5, None)
    assert found.counts.worse() is None
    for _ in range(10):
        found.left(True, 60.0, None)
    assert found.counts.worse() == "more than twice as many of its answers are slow"


def test_callers_are_drawn_by_their_key_and_otherwise_for_each_candidate() -> None:
    users = [f"user {number}" for number in range(4000)]
    first = {user for user in users if is_drawn(canary(0.2), user)}
    assert 0.17 < len(first) / len(users) < 0.23
    assert first == {user for user in users if is_drawn(canary(0.2), user)}
    assert first <= {user for user in users if is_drawn(canary(0.4), user)}  # a larger share keeps them
    other = canary(0.2).model_copy(update={"target": Target(release="v1.0.2", bundle="/b")})
    assert first != {user for user in users if is_drawn(other, user)}


def test_a_shadow_falls_back_when_it_fails_often() -> None:
    found = Evidence(canary().model_copy(update={"kind": "shadow", "share": 1.0}), Counts())
    for number in range(100):
        found.shadowed(failed=number % 5 == 0)
    assert (found.counts.answered, found.counts.worse()) == (80, "it fails more often")


def test_requests_are_counted_by_who_answered_them() -> None:
    found = Evidence(canary(), Counts())
    for by_candidate in (True, False, False):
        found.answered(by_candidate, 1.0, None)
    for _ in range(3):
        found.compared(0.0)
    assert (found.counts.answered, found.counts.others, found.counts.compared) == (1, 2, 3)


def test_what_is_slow_the_other_says_alone_and_not_before_it_has_answered_enough() -> None:
    found = Evidence(canary(), Counts())
    for number in range(ENOUGH):
        assert found.slow is None
        found.answered(True, 900.0, None)
        found.answered(False, 1.0 + number / ENOUGH, None)
    assert found.slow == 1.9
    found.left(True, 1.8, None)
    assert found.counts.tests["slow"].rounds == 0


def test_no_worse_is_as_often_as_the_share_and_twice_the_odds_of_being_slow() -> None:
    """Of a bad request at the margin nobody wins or loses, in the mean."""
    odds = {"errors": 0.1, "slow": 2 / 11}
    for test, chance in odds.items():
        won, lost = (Evidence(canary(), Counts()) for _ in range(2))
        won._bad(test, True, None)
        lost._bad(test, False, None)
        mean = chance * won.counts.tests[test].capital + (1 - chance) * lost.counts.tests[test].capital
        assert mean == pytest.approx(1.0)


def test_no_more_callers_are_told_apart_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "MOST", 3)
    found = Evidence(canary(), Counts())
    for number in range(9):
        found.failed(False, str(number))
    assert found.counts.tests["errors"].rounds == 3


def test_of_who_does_not_say_who_he_is_each_request_is_drawn() -> None:
    assert 0.17 < sum(is_drawn(canary(0.2), None) for _ in range(4000)) / 4000 < 0.23
