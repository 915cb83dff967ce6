"""How a trial goes: its workers are heard together, it passes, falls back, is stopped or goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from components.release import moves, registry
from components.rollout import kept
from components.rollout.records import Counts
from flows.releases import compare, table
from flows.rollout import planning
from flows.rollout.service import Service, in_use, open_folder, running
from tests.flows.rollout import two_bentos
from tests.flows.rollout.planning.telling import bad, begun, report, said, versions
from tests.release import bentos


def test_a_service_is_told_and_its_workers_are_heard_together(project: Path, service: Service) -> None:
    plan = service.tell()
    assert (plan.champion.release, plan.trial and plan.trial.target.release) == ("v1.0.0", "v1.0.1")
    assert (Path(plan.champion.bundle) / "card.json").is_file()
    said(service, 99999998, Counts(answered=20, others=200, compared=3))
    said(service, 99999999, Counts(answered=10))
    service.hear()
    assert (report(project).state, report(project).total.answered) == ("running", 30)
    two_bentos.rollout(project, {"canary": {"share": 0.2, "requests": 50}})
    service._params = (-1.0, None)  # two writes may be of one time
    assert service.tell().trial.share == 0.2
    service.hear()
    assert report(project).total.answered == 30  # not twice
    assert in_use(project) == {"v1.0.0", "v1.0.1"}
    said(service, os.getpid(), Counts())
    assert [[one.serving for one in workers] for workers in running(project)] == [["v1.0.0"]]  # that live


def test_a_trial_goes_on_in_the_next_service_and_passes(project: Path, service: Service) -> None:
    service.tell()
    said(service, 1, Counts(answered=30))
    service.hear()
    after = Service(project, open_folder(project))
    assert after.tell().trial is not None
    said(after, 1, Counts(answered=20))
    after.hear()
    assert (report(project).state, report(project).total.answered) == ("passed", 50)
    plan = after.tell()
    assert (plan.champion.release, plan.trial) == ("v1.0.1", None)


def test_two_services_take_part_in_one_trial(project: Path, service: Service) -> None:
    other = Service(project, open_folder(project))
    for one, number in ((service, 30), (other, 20)):
        one.tell()
        said(one, 1, Counts(answered=number))
        one.hear()
    assert (report(project).state, report(project).total.answered) == ("passed", 50)
    assert [one.tell().trial for one in (service, other)] == [None, None]


def test_a_candidate_that_is_promoted_again_begins_anew(project: Path, service: Service) -> None:
    service.tell()
    said(service, 1, bad(4))
    service.hear()
    assert report(project).state == "fell back"
    moves.promote("v1.0.0", "", project, "rollback")
    moves.promote("v1.0.1", "", project)
    assert service.tell().trial is not None
    service.hear()  # the worker still says what it saw of the trial before
    assert (report(project).state, report(project).total.answered) == ("running", 0)


def test_a_fall_back_is_remembered_and_shown(
    project: Path, service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    service.tell()
    said(service, 1, bad(2))
    service.hear()
    assert report(project).state == "running"
    said(service, 2, bad(2))
    service.hear()
    assert (report(project).state, report(project).why) == ("fell back", "it fails more often")
    for one in (service, Service(project, open_folder(project))):
        plan = one.tell()
        assert (plan.champion.release, plan.trial) == ("v1.0.0", None)
    table.show(project, None, as_json=False)
    assert "canary beside v1.0.0: fell back (it fails more often)" in capsys.readouterr().out


def test_a_candidate_that_no_worker_can_load_stays_in_trial_and_says_why(
    project: Path, service: Service
) -> None:
    service.tell()
    said(service, 1, Counts(), refused={"v1.0.1": "model.safetensors: the file was altered"})
    service.hear()
    assert (report(project).state, report(project).why) == (
        "running",
        "model.safetensors: the file was altered",
    )


def test_a_rollback_in_the_middle_of_a_trial_stops_it_and_the_release_keeps_what_was_seen(
    project: Path, service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commits = registry.read(project).versions
    begun(project, service, Counts(answered=20))
    moves.promote("v1.0.0", "it says nonsense", project, "rollback")
    plan = service.tell()
    assert (plan.champion.release, plan.trial) == ("v1.0.0", None)
    service.hear()
    service.keep()
    found = report(project)
    assert (found.state, found.why) == ("stopped", "v1.0.0 became the champion by a rollback")
    elsewhere = tmp_path / "elsewhere"
    bentos.git(project, "clone", "-q", str(project), str(elsewhere))
    assert registry.read(elsewhere).versions == commits  # the release itself is as it was
    (trial,) = planning.trials(registry.read(elsewhere), elsewhere)["v1.0.1"]
    assert (trial.state, trial.total.answered) == ("stopped", 20)
    sentence = (
        "canary beside v1.0.0: stopped (v1.0.0 became the champion by a rollback), 20 requests answered, "
        "0 texts compared"
    )
    table.show(elsewhere, None, as_json=True)
    newest = json.loads(capsys.readouterr().out)[0]
    assert [one["state"] for one in newest["trials"]] == ["stopped"]
    compare.show(elsewhere, "v1.0.0", "v1.0.1")
    assert f"  {sentence}\n" in capsys.readouterr().out
    assert bentos.git(elsewhere, "tag", "--list", "--format=%(subject)", "*.trial.*") == (
        f"trial of v1.0.1: {sentence}"
    )


def test_a_trial_that_the_settings_withdraw_is_stopped_and_goes_on_when_they_ask_again(
    project: Path, service: Service
) -> None:
    begun(project, service, Counts(answered=20))
    two_bentos.rollout(project, None)
    service._params = (-1.0, None)
    assert service.tell().champion.release == "v1.0.1"
    assert (report(project).state, report(project).why) == ("stopped", planning.WITHDRAWN)
    two_bentos.rollout(project, {"canary": {"share": 0.1, "requests": 50}})
    service._params = (-1.0, None)
    assert service.tell().trial is not None
    service.hear()
    assert (report(project).state, report(project).why, report(project).total.answered) == (
        "running",
        None,
        20,
    )


def test_a_champion_that_answered_all_after_its_trial_was_withdrawn_answers_beside_the_next(
    project: Path, service: Service
) -> None:
    begun(project, service, Counts(answered=20))
    two_bentos.rollout(project, None)
    service._params = (-1.0, None)
    service.tell()
    bentos.release(project, "c")
    assert versions(project) == ("v1.0.1", "v1.0.2")


def test_what_became_of_each_trial_of_a_candidate_is_kept(project: Path, service: Service) -> None:
    begun(project, service, bad(4))
    moves.promote("v1.0.0", "", project, "rollback")
    moves.promote("v1.0.1", "", project)
    begun(project, service, Counts(answered=50))
    for _ in range(2):  # what is kept is kept once
        service.keep()
    Service(project, service.folder).keep()
    found = registry.read(project)
    assert [one.state for one in kept.trials(found)["v1.0.1"]] == ["fell back", "passed"]
    assert [one.state for one in planning.trials(found, project)["v1.0.1"]] == ["fell back", "passed"]


def test_a_trial_that_goes_on_as_another_kind_begins_anew(project: Path, service: Service) -> None:
    begun(project, service, Counts(answered=20))
    two_bentos.rollout(project, {"shadow": {"share": 0.1, "requests": 50}})
    service._params = (-1.0, None)
    plan = service.tell()
    assert plan.trial.kind == report(project).kind == "shadow"
    assert report(project).total.answered == 0
