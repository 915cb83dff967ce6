"""Reports of trials that somebody else has written: what does not add up is refused when it is read."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from components.rollout.bets import STAKES, Bets
from components.rollout.records import Counts, TrialReport
from tests.params.messages import complaint

REPORT = TrialReport(
    candidate="v1.0.1", bundle="b", beside="v1.0.0", promotion=1, kind="canary", share=0.1, state="passed",
    began="2026-11-29T10:00:00+00:00", counts={"all": Counts(answered=3)},
)  # fmt: skip


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("tests",), {}),
        (("tests", "more"), {"rounds": 0}),
        (("tests", "slow", "capitals"), []),
        (("tests", "slow", "capitals"), [0.0] * (len(STAKES) + 1)),
        (("tests", "slow", "capitals"), [float("inf")] * len(STAKES)),
        (("tests", "slow", "sum"), float("nan")),
        (("tests", "slow", "rounds"), -1),
        (("answered",), -5),
    ],
)
def test_counts_that_do_not_add_up_are_refused(where: tuple[str, ...], value: Any) -> None:
    whole = REPORT.model_dump(mode="json")
    assert TrialReport.of(copy.deepcopy(whole), Path("whole")).total.answered == 3
    inner = whole["counts"]["all"]
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(UserError, match=r"report.json: counts\.all\."):
        TrialReport.of(whole, Path("report.json"))


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("canary: {share: 0.1, key: X User}", "canary.key: found 'X User', expected the name of a header"),
        ("canary: {share: 0.1, key: Ключ}", "canary.key: found 'Ключ', expected the name of a header"),
        ("canary: {share: 0.1, key: ''}", "canary.key: found '', expected the name of a header"),
        ("canary: {share: 1.0e-320}", "canary.share: found 1e-320, input should be"),
        ("shadow: {share: 1, disagreement: 1.0e-320}", "shadow.disagreement: found 1e-320, input should be"),
    ],
)
def test_what_no_trial_can_be_run_by_is_one_sentence(tiny_project: Path, section: str, sentence: str) -> None:
    said = complaint(tiny_project, "packages: {}", f"packages: {{}}\nrollout: {{{section}}}")
    assert f"rollout.{sentence}" in said


def test_three_tests_share_the_chance_of_a_false_alarm_and_two_deaths_need_none() -> None:
    """One in twenty over all three: each is one of sixty."""
    for capital, said in ((59, None), (61, "its answers differ too often")):
        counts = Counts()
        counts.tests["disagreement"] = Bets(capitals=[math.log(capital)] * len(STAKES))
        assert counts.worse() == said
    assert [Counts(died=died).worse() for died in (0, 1, 2)] == [
        None, None, "2 workers have died while it was at work",
    ]  # fmt: skip


def test_what_several_have_seen_adds_up() -> None:
    one, other = (
        Counts(answered=1, others=2, compared=3, died=4),
        Counts(answered=10, others=20, compared=30, died=40),
    )
    total = one + other
    assert (total.answered, total.others, total.compared, total.died) == (11, 22, 33, 44)


def test_what_is_said_of_a_trial_is_a_line() -> None:
    assert (
        "(it is damaged in two places)"
        in REPORT.model_copy(update={"why": "it is damaged\n\nin two places"}).said
    )
