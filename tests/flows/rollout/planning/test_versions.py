"""Which release answers and which is tried: releases in git, the settings, and what became of earlier trials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from components.errors import UserError
from components.evaluation.answers import Answers, Exchange
from components.release import moves, registry
from components.rollout.records import TrialReport
from components.settings.rollout import Rollout
from flows.rollout import planning
from flows.rollout.planning import decide
from tests.flows.rollout.planning.telling import CANARY, versions
from tests.release import bentos


def ended(project: Path, state: str) -> None:
    """The trial that is due has come to this."""
    decision = decide(registry.read(project), CANARY, project)
    report = planning.report_of(decision, project).model_copy(update={"state": state})
    report.write(planning.report_file(project, report.candidate))


def test_without_a_trial_the_champion_answers_at_once(project: Path) -> None:
    assert versions(project, None) == ("v1.0.1", None)
    moves.promote("v1.0.0", "", project, "rollback")
    assert versions(project, None) == ("v1.0.0", None)


def test_a_new_champion_is_tried_beside_the_one_before_and_then_answers(project: Path) -> None:
    assert versions(project) == ("v1.0.0", "v1.0.1")
    ended(project, "running")
    assert versions(project) == ("v1.0.0", "v1.0.1")
    ended(project, "passed")
    assert versions(project) == ("v1.0.1", None)


def test_what_fell_back_answers_nobody_until_it_is_promoted_anew(project: Path) -> None:
    ended(project, "fell back")
    assert versions(project) == ("v1.0.0", None)
    moves.promote("v1.0.0", "it fell back", project, "rollback")
    assert versions(project) == ("v1.0.0", None)
    moves.promote("v1.0.1", "again", project)
    assert versions(project) == ("v1.0.0", "v1.0.1")


def test_a_rollback_is_not_tried(project: Path) -> None:
    bentos.release(project, "c")
    moves.promote("v1.0.1", "", project, "rollback")
    assert registry.read(project).line == ["v1.0.0", "v1.0.1"]
    assert versions(project) == ("v1.0.1", None)


def test_a_release_is_tried_beside_the_last_that_did_not_fall_back(project: Path) -> None:
    ended(project, "fell back")
    bentos.release(project, "c")
    assert versions(project) == ("v1.0.0", "v1.0.2")


def test_what_answered_by_a_rollback_answers_beside_the_next_whatever_became_of_its_own_trial(
    project: Path,
) -> None:
    ended(project, "fell back")
    bentos.release(project, "c")
    moves.promote("v1.0.1", "all the same", project, "rollback")
    moves.promote("v1.0.2", "again", project)
    assert versions(project) == ("v1.0.1", "v1.0.2")


@pytest.mark.parametrize("state", ["stopped", "fell back", "passed"])
def test_a_champion_that_the_settings_named_for_a_trial_once_answers_beside_the_next(
    state: str, project: Path
) -> None:
    named = Rollout.model_validate({"canary": {"share": 0.1, "release": "v1.0.0"}})
    report = planning.report_of(decide(registry.read(project), named, project), project)
    report.model_copy(update={"state": state}).write(planning.report_file(project, "v1.0.0"))
    moves.promote("v1.0.0", "", project, "rollback")
    moves.promote("v1.0.1", "again", project)
    assert versions(project) == ("v1.0.0", "v1.0.1")


def test_what_fell_back_answers_beside_no_other_though_the_settings_named_it_since(project: Path) -> None:
    ended(project, "fell back")
    bentos.release(project, "c")
    ended(project, "fell back")
    named = Rollout.model_validate({"canary": {"share": 0.1, "release": "v1.0.1"}})
    report = planning.report_of(decide(registry.read(project), named, project), project)
    report.model_copy(update={"state": "passed"}).write(planning.report_file(project, "v1.0.1"))
    bentos.release(project, "d")
    assert versions(project) == ("v1.0.0", "v1.0.3")


def test_what_passed_answers_beside_another_though_the_settings_named_it_since(project: Path) -> None:
    ended(project, "passed")
    bentos.release(project, "c")
    named = Rollout.model_validate({"canary": {"share": 0.1, "release": "v1.0.1"}})
    report = planning.report_of(decide(registry.read(project), named, project), project)
    report.model_copy(update={"state": "fell back"}).write(planning.report_file(project, "v1.0.1"))
    assert versions(project) == ("v1.0.1", "v1.0.2")


def test_what_answers_is_not_tried_beside_itself_where_it_is_promoted(project: Path) -> None:
    ended(project, "running")
    moves.promote("v1.0.0", "not that one", project)
    assert versions(project) == ("v1.0.0", None)


def test_a_release_that_is_named_is_tried_beside_the_champion(project: Path) -> None:
    shadow = Rollout.model_validate({"shadow": {"share": 1, "release": "v1.0.0"}})
    assert versions(project, shadow) == ("v1.0.1", "v1.0.0")
    with pytest.raises(UserError, match="^params.yaml: rollout.shadow.release: v9: no release"):
        versions(project, Rollout.model_validate({"shadow": {"share": 1, "release": "v9"}}))


@pytest.mark.parametrize(("state", "tried"), [("fell back", None), ("passed", "v1.0.0")])
def test_a_release_that_is_named_is_tried_for_as_long_as_it_has_not_fallen_back(
    state: str, tried: str | None, project: Path
) -> None:
    named = Rollout.model_validate({"canary": {"share": 0.1, "release": "v1.0.0"}})
    report = planning.report_of(decide(registry.read(project), named, project), project)
    report.model_copy(update={"state": state}).write(planning.report_file(project, "v1.0.0"))
    assert versions(project, named) == ("v1.0.1", tried)


def test_a_trial_of_a_release_that_is_named_is_withdrawn_by_the_settings_and_stopped_by_another_champion(
    project: Path,
) -> None:
    named = Rollout.model_validate({"canary": {"share": 0.1, "release": "v1.0.0"}})
    file = planning.report_file(project, "v1.0.0")
    for change, why in ((None, planning.WITHDRAWN), ("rollback", "v1.0.0 became the champion by a rollback")):
        planning.report_of(decide(registry.read(project), named, project), project)
        if change:
            moves.promote("v1.0.0", "why", project, "rollback")
        planning.stop(decide(registry.read(project), None, project), registry.read(project), project)
        assert (TrialReport.read(file).state, TrialReport.read(file).why) == ("stopped", why)


def test_a_release_by_force_is_not_held_to_the_answers_of_another_model(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dvc.lock is of the stages before it."""
    known = Answers(tasks={"ner": Exchange(question={"text": "Ada"}, answer={"entities": []})})
    known.write(project / "answers.json")
    monkeypatch.setattr(planning.dvc_cache, "recorded", lambda *_: "oid")
    monkeypatch.setattr(planning.dvc_cache, "file_of", lambda *_: project / "answers.json")
    found = registry.read(project)
    forced = found.champion.record.model_copy(update={"forced": "it has to be"})
    assert planning._expected(found, found.champion) == known
    assert planning._expected(found, replace(found.champion, record=forced)).tasks == {}


def test_the_first_release_is_not_tried(tmp_path: Path) -> None:
    project = bentos.repository(tmp_path / "project")
    with pytest.raises(UserError, match="nothing has been released yet"):
        versions(project)
    bentos.release(project, "a")
    assert versions(project) == ("v1.0.0", None)
