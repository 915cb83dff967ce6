"""What `onetrunk check` promises of an equal model is what the gate then does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from components import params
from components.evaluation.ahead import of_error
from components.evaluation.case import ANCHOR, CHAMPION
from components.evaluation.difference import Difference
from components.evaluation.equal import Ahead
from components.evaluation.gate import verdict
from components.evaluation.judging import anchor_level
from components.evaluation.promise import ENOUGH, Promise, all_together, promises
from components.evaluation.records import (
    EVALUATION,
    RELEASE,
    VERDICT,
    AnchorEvidence,
    Champion,
    ChampionEvidence,
    Evaluation,
    Finding,
    ModelId,
    ReleaseReport,
)
from components.settings.project import Gate
from tests import verdicts
from tests.scripts import ROOT
from tests.verdicts import against, counted, of

OLDER = Champion(release="v0", model="a" * 64, manifest="e" * 64)


def promise(margin: float, error: float = 0.01, rows: int = 1000) -> Promise:
    gate = Gate(metric="accuracy", floor=0.1, margin=margin)
    return Promise(
        "t", gate, rows, (Ahead(CHAMPION, margin, 0.95, of_error(error, rows)),), "comparison", "s"
    )


@pytest.mark.slow_after(2)
@pytest.mark.parametrize(("rows", "error"), [(1000, 0.01), (24, 0.06)])
@pytest.mark.parametrize("margins", [1.5, 2.0, 2.5, 3.0])
def test_the_gate_promotes_an_equal_model_as_often_as_was_said(
    margins: float, rows: int, error: float
) -> None:
    """Of rows that differ each is won as often as lost; all numbers of won ones are compared as the gate does."""
    margin, differ = margins * error, round(error**2 * rows**2)
    rules = verdicts.rules({"t": Gate(metric="accuracy", floor=0.1, margin=margin)})
    promoted = 0.0
    for won in range(differ + 1):
        measured = verdicts.measured(0.8, counted(won, differ - won, rows))
        if verdict(of({"t": measured}), rules).verdict == "PROMOTE":
            promoted += stats.binom.pmf(won, differ, 0.5)
    assert promoted == pytest.approx(promise(margin, error, rows).chance, abs=0.03)


def test_the_rows_or_the_margin_that_a_warning_names_are_enough() -> None:
    few = promise(0.02)
    assert few.chance < 0.8
    assert str(few.warning).startswith(
        f"t: a model as good as the champion would be promoted in {few.chance:.0%} of the cases; in 80% with about"
    )
    more = few.rows_for_enough
    assert more
    then, fewer = (promise(0.02, 0.01 * math.sqrt(1000 / rows), rows) for rows in (more, more * 4 // 5))
    assert fewer.chance < 0.78 < then.chance  # about 80 %: rows that differ are a whole number
    margin = few.margin_for_enough
    assert margin
    assert promise(margin).chance >= 0.8 > promise(0.95 * margin).chance
    assert promise(0.05).warning is None
    assert all_together([few, few]) == pytest.approx(few.chance**2)


def mood_of(**settings: Any) -> Promise:
    project = params.load()
    changed = project.model_copy(update={"evaluation": project.evaluation.model_copy(update=settings)})
    return next(one for one in promises(changed, Path()) if one.head == "mood")


def write(
    champion: Any,
    anchor: Any = None,
    findings: tuple[Finding, ...] = (),
    anchored: Champion | None = None,
) -> Evaluation:
    """The last evaluation, of the task `mood` on 2,000 test rows, against release v1 and anchor v0."""
    head = verdicts.head("accuracy", verdicts.measured(0.8, champion, anchor=anchor))
    head = head.model_copy(update={"findings": list(findings), "rows": {"test": 2000}})
    known = ChampionEvidence(**verdicts.CHAMPION.model_dump(), heads=["mood"], not_compared={})
    anchors = {"mood": AnchorEvidence(**anchored.model_dump())} if anchored else {}
    found = Evaluation(
        model=ModelId(sha256="m"), champion=known, confidence=0.95, tasks={"mood": head}, anchors=anchors
    )
    found.write(EVALUATION)
    return found


@pytest.mark.usefixtures("shared_project")
def test_before_anything_is_measured_the_rows_that_differ_are_assumed_and_said_to_be() -> None:
    found = {one.head: one for one in promises(params.load(), Path())}
    assert set(found) == set(params.load().gates())
    assert all(one.known_from == "nothing" for one in found.values())
    mood = found["mood"]
    assert mood.ahead[0].known.won == mood.ahead[0].known.lost == pytest.approx(0.05 * mood.rows)


@pytest.mark.usefixtures("encoded_project")
def test_the_rows_that_differed_at_the_last_evaluation_are_scaled_to_the_test_rows_of_today() -> None:
    write(counted(60, 40, 2000))
    mood = mood_of()
    known = mood.ahead[0].known
    assert mood.known_from == "comparison"
    assert (known.units, known.won + known.lost) == (mood.rows, pytest.approx(0.05 * mood.rows))
    write(against(0.0, 0.01))  # of a version that counted nothing
    assert mood_of().ahead[0].known.standard_error == pytest.approx(0.01 * math.sqrt(2000 / mood.rows))
    write(counted(0, 0, 2000))  # a model against itself
    assert mood_of().known_from == "nothing"


@pytest.mark.usefixtures("encoded_project")
def test_after_a_first_release_they_follow_from_the_interval_of_the_value() -> None:
    """Of an accuracy of .85 on 100 rows, it is that of two models that differ on one row in ten."""
    half = 1.96 * math.sqrt(0.85 * 0.15 / 100)
    measured = verdicts.measured(0.85, interval=[0.85 - half, 0.85 + half])
    tasks = {"mood": verdicts.head("accuracy", measured)}
    Evaluation(model=ModelId(sha256="m"), champion=None, confidence=0.95, tasks=tasks).write(EVALUATION)
    mood = mood_of()
    assert mood.known_from == "interval"
    assert mood.ahead[0].known.standard_error == pytest.approx(math.sqrt(0.1 / mood.rows), rel=1e-3)


@pytest.mark.usefixtures("encoded_project")
def test_a_further_gate_that_compares_is_one_more_that_may_hold_it_up() -> None:
    slices = Finding(
        gate="slices", what="length = short", rows=600, value=0.7, interval=[0.6, 0.8],
        champion=counted(30, 30, 600), margin=0.001,
    )  # fmt: skip
    write(counted(50, 50, 2000), findings=(slices,))
    assert len(mood_of().ahead) == 1  # the gate is switched off
    held = mood_of(gates={"slices": {}})
    assert [one.whom for one in held.ahead] == ["the champion", "slices, length = short"]
    assert held.ahead[1].known.units == pytest.approx(0.3 * held.rows, abs=1)
    assert held.chance == pytest.approx(held.ahead[0].chance * held.ahead[1].chance)
    assert "of the cases, held up most by slices, length = short; in 80%" in str(held.warning)


def is_released(found: Evaluation, anchor: Champion | None) -> None:
    rules = verdicts.rules({"mood": Gate(metric="accuracy", floor=0.1, margin=0.03)})
    said = verdict(found, rules).model_copy(update={"anchors": {"mood": anchor}})
    said.write(VERDICT)
    ReleaseReport(release="v2", model=found.model.sha256, verdict="PROMOTE").write(RELEASE)


@pytest.mark.usefixtures("encoded_project")
def test_an_anchor_that_is_another_release_is_one_more_that_may_hold_it_up() -> None:
    """The champion is 2 points below it: a candidate lost 1 to the champion and 3 to the anchor."""
    found = write(counted(40, 60, 2000), anchor=counted(20, 80, 2000), anchored=OLDER)
    (_, anchored) = mood_of().ahead
    assert (anchored.whom, anchored.level) == ("its anchor", pytest.approx(0.99))
    assert anchored.above == pytest.approx(-0.02)
    assert anchored.margin == pytest.approx(mood_of().gate.margin)
    assert mood_of(anchor_margin=1.5).ahead[1].margin == pytest.approx(1.5 * anchored.margin)
    is_released(found, OLDER)  # the candidate is the champion now
    assert mood_of().ahead[1].above == pytest.approx(-0.03)
    is_released(found, verdicts.CHAMPION)  # its anchor is the champion of then
    assert mood_of().ahead[1].above == pytest.approx(-0.01)
    is_released(found, None)  # it is anchored to itself
    assert len(mood_of().ahead) == 1
    write(counted(40, 60, 2000), anchored=verdicts.CHAMPION)  # anchored to its champion
    assert len(mood_of().ahead) == 1


def test_a_champion_that_has_lost_what_may_be_lost_is_promoted_by_no_number_of_rows() -> None:
    gate, known = Gate(metric="accuracy", floor=0.1, margin=0.03), of_error(0.005, 4000)
    ahead = (Ahead(CHAMPION, 0.03, 0.95, known), Ahead("its anchor", 0.03, 0.975, known, above=-0.04))
    lost = Promise("t", gate, 4000, ahead, "comparison", "s")
    assert lost.chance < 0.01
    assert lost.rows_for_enough is None
    assert "held up most by its anchor; in 80% with a margin of" in str(lost.warning)


# Of the built-in tasks, by two trainings of one program: rows that differed (F1 and Pearson: that would give the
# same error), of how many, what each is worth, and degrees of freedom; of pairs what one is worth that fails.
DIFFERED = {
    "sentiment": (457, 3684, 1.0, None),
    "news_topic": (142, 2553, 1.0, None),
    "ner": (581, 3184, 0.625, 3183),
    "intensity": (183, 791, 0.445, 790),
    "similarity": (47, 96, 0.467, 15, 8.6),
    "tweet_ner": (93, 583, 1.113, 582),
}


def test_every_built_in_margin_lets_an_equal_model_pass_in_four_of_five_cases() -> None:
    """Past its champion and an anchor that is as good; whoever narrows a margin is told."""
    project = params.read(ROOT / "params.yaml")
    confidence = project.evaluation.confidence
    assert set(project.gates()) == set(DIFFERED)
    for head, gate in project.gates().items():
        differ, units, worth, freedom, *unseen = DIFFERED[head]
        known = Difference(won=differ / 2, lost=differ / 2, units=units, worth=worth, freedom=freedom)
        known = known.model_copy(update={"unseen": unseen[0]}) if unseen else known
        margins = gate.anchor_margin or project.evaluation.anchor_margin
        ahead = (
            Ahead(CHAMPION, gate.margin, confidence, known),
            Ahead(ANCHOR, margins * gate.margin, anchor_level(confidence), known),
        )
        assert Promise(head, gate, units, ahead, "comparison", "s").chance >= ENOUGH, head
