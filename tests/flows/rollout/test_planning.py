"""What a service is told: releases in git, the settings, and what became of earlier trials."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from components.errors import UserError
from components.evaluation.answers import Answers, Exchange
from components.release import moves, registry
from components.rollout import kept
from components.rollout.records import PLAN, TRIALS, Counts, Plan, TrialReport, WorkerReport
from components.settings.rollout import Rollout
from flows.releases import compare, table
from flows.rollout import patience, planning, watch
from flows.rollout.planning import decide
from flows.rollout.service import Service, in_use, open_folder, running
from tests import disks
from tests.flows.rollout import two_bentos
from tests.release import bentos
from tests.serving import tiny

CANARY = Rollout.model_validate({"canary": {"share": 0.1, "requests": 50}})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return bentos.two_releases(tmp_path / "project")


def versions(project: Path, rollout: Rollout | None = CANARY) -> tuple[str, str | None]:
    """Which release answers, and which is tried."""
    found = decide(registry.read(project), rollout, project)
    return found.first.version, found.candidate.version if found.candidate else None


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


@pytest.fixture
def service(project: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """One whose settings ask for a canary."""
    tiny.write_params(project)
    two_bentos.rollout(project, {"canary": {"share": 0.1, "requests": 50}})
    monkeypatch.chdir(project)
    return Service(project, open_folder(project))


def said(service: Service, number: int, counts: Counts, **more: object) -> None:
    """What one of its workers says."""
    began = report(service.root).began
    report_ = WorkerReport(serving="v1.0.0", trying="v1.0.1", counts={began: counts})
    report_.model_copy(update=more).write(service.folder / f"worker-{number}.json")


def report(project: Path) -> TrialReport:
    return TrialReport.read(planning.report_file(project, "v1.0.1"))


def bad(rounds: int) -> Counts:
    counts = Counts(answered=10)
    for _ in range(rounds):
        counts.tests["errors"].add(1.0, 0.1)
    return counts


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


def test_the_folder_of_a_service_stays_for_as_long_as_it_runs(
    project: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its settings cannot be read for an hour, so that its plan is old; meanwhile others start."""
    monkeypatch.setattr("flows.rollout.service.FORGOTTEN", 0.0)
    service.tell()
    ended = Path(shutil.copytree(service.folder, service.folder.with_name("99999999-ended")))
    another = Path(shutil.copytree(service.folder, service.folder.with_name(f"{os.getpid()}-before")))
    for one in (another / PLAN, another):  # its number is this process's by now
        os.utime(one, (1, 1))
    (service.folder.parent / ".DS_Store").touch()
    open_folder(project)
    assert service.folder.is_dir()
    assert not ended.exists()
    assert not another.exists()


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


def test_a_mistake_in_the_settings_is_said_once_and_the_plan_stays(
    project: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, log = service.tell(), []
    monkeypatch.setattr(patience.LOG, "error", lambda _, what, why, **__: log.append(why))
    two_bentos.rollout(project, {"canary": {"share": 0.1}, "shadow": {"share": 0.1}})
    service._params = (-1.0, None)
    sentence = watch._look(service, "")
    assert watch._look(service, sentence) == sentence
    assert len(log) == 1
    assert "rollout" in str(log[0])
    assert "expected one of shadow and canary" in str(log[0])
    assert Plan.read(service.folder / PLAN) == before


def test_a_rollback_reaches_a_service_whose_settings_have_a_mistake(
    project: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on with what they said before, a trial too."""
    log: list[Exception] = []
    monkeypatch.setattr(patience.LOG, "error", lambda _, what, why, **__: log.append(why))
    service.tell()
    two_bentos.rollout(project, {"canary": {"share": 2}})
    os.utime(project / "params.yaml", (1, 1))
    said = watch._look(service, "")
    assert "params.yaml: rollout.canary.share: found 2" in said
    assert watch._look(service, said) == ""
    assert report(project).state == "running"
    moves.promote("v1.0.0", "bad", project, "rollback")
    assert watch._look(service, "") == ""
    assert Plan.read(service.folder / PLAN).champion.release == "v1.0.0"
    assert Plan.read(service.folder / PLAN).trial is None
    assert len(log) == 1


def test_what_nobody_has_foreseen_is_logged_once_with_its_traceback(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[object] = []
    monkeypatch.setattr(patience.LOG, "error", lambda *_, exc_info: log.append(exc_info))
    monkeypatch.setattr(service, "tell", lambda: {}["plan"])
    said = watch._look(service, "")
    assert watch._look(service, said) == said == "KeyError: 'plan'"
    assert [type(one) for one in log] == [KeyError]


def test_what_the_page_cannot_be_shown_is_said_once_and_a_plan_that_is_gone_is_written_again(
    project: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr(patience.LOG, "error", lambda line, *values, **_: log.append(line % values))
    (torn := project / "monitoring/shifts/2026-11-29-v1.json").parent.mkdir(parents=True)
    torn.write_text("[" * 100_000)  # deeper than Python reads
    plan = service.tell()
    shutil.rmtree(service.folder)
    for _ in range(3):
        assert watch._look(service, "") == ""
        service._shown = None
    assert Plan.read(service.folder / PLAN) == plan
    assert [line.split(": ")[0] for line in log] == ["the operator's page shows what it did"]


def test_a_plan_that_somebody_has_torn_or_changed_is_written_again(service: Service) -> None:
    plan = service.tell()
    other = plan.model_copy(update={"champion": plan.champion.model_copy(update={"release": "v9.9.9"})})
    for written in ("{", "[]", '{"schema_version": 2}', other.model_dump_json()):
        (service.folder / PLAN).write_text(written)
        assert service.tell() == plan == Plan.read(service.folder / PLAN)
    written_last = (service.folder / PLAN).stat().st_ino
    assert service.tell() == plan
    assert (service.folder / PLAN).stat().st_ino == written_last  # not again, as it says so


@pytest.mark.slow
def test_a_folder_of_a_release_that_is_served_and_was_removed_comes_back(
    project: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a worker that starts anew would answer with another release."""
    bundle = Path(service.tell().champion.bundle)
    shutil.rmtree(bundle.parents[1])
    service.tell()
    assert (bundle / "card.json").is_file()
    log: list[str] = []
    monkeypatch.setattr(patience.LOG, "error", lambda line, *values, **_: log.append(line % values))
    shutil.rmtree(bundle.parents[1])
    shutil.rmtree(project / ".dvc/cache")
    for _ in range(2):
        assert watch._look(service, "") == ""
    assert len(log) == 1
    assert log[0].startswith("a worker that starts anew cannot load what it is to answer with: ")


@pytest.mark.slow
def test_the_bento_that_a_service_began_with_is_in_use_and_comes_back(
    project: Path, service: Service
) -> None:
    """The code of its workers is there: one that is started anew would not start."""
    first = service.begin()
    two_bentos.rollout(project, None)
    service._params = (-1.0, None)
    assert (first.release, service.tell().champion.release) == ("v1.0.0", "v1.0.1")
    assert in_use(project) == {"v1.0.0", "v1.0.1"}
    shutil.rmtree(Path(first.bundle).parents[1])
    service.tell()
    assert (Path(first.bundle) / "card.json").is_file()


def test_a_release_without_the_signature_that_is_required_is_not_planned(
    project: Path, service: Service
) -> None:
    file = project / "params.yaml"
    given = yaml.safe_load(file.read_text())
    given["packaging"]["signing"] = {"public_key": "key.pub", "required": True}
    file.write_text(yaml.safe_dump(given))
    with pytest.raises(UserError, match="has no signature"):
        service.tell()
    assert not (service.folder / PLAN).exists()


def begun(project: Path, service: Service, counts: Counts) -> None:
    """A trial that goes on, of which this was seen."""
    service.tell()
    said(service, 1, counts)
    service.hear()


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


def test_a_worker_that_dies_of_a_candidate_once_is_counted_and_a_second_time_ends_the_trial(
    project: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr(
        "flows.rollout.service.LOG.error", lambda line, *values, **_: log.append(line % values)
    )
    service.tell()
    dead(service, 1)
    service.hear()
    assert report(project).total.died == 0  # until the service has outlived it
    service.hear()
    service.hear()  # it is not counted twice
    assert (report(project).state, report(project).total.died) == ("running", 1)
    dead(service, 2)
    service.hear()
    service.hear()
    assert (report(project).state, report(project).why) == (
        "fell back",
        "2 workers have died while it was at work",
    )
    assert service.tell().trial is None
    assert [line.split(",")[0] for line in log] == [
        "v1.0.1: a worker has died while it was at work in it",
        "v1.0.1: a worker has died while it was at work in it",
        "v1.0.1: canary beside v1.0.0: fell back (2 workers have died while it was at work)",
    ]


def dead(service: Service, number: int) -> None:
    """The mark of a worker that died while the candidate was at work."""
    (service.folder / f"mark-{number}").write_bytes(b"1" + report(service.root).began.encode())


NOBODY = 99_999_990  # from here on no process has the number


def killed(service: Service) -> None:
    """With its workers, which were asking the candidate; and the next one has swept up."""
    for worker in range(2):
        dead(service, worker)
    for one in (service.folder / PLAN, service.folder):
        os.utime(one, (1, 1))
    open_folder(service.root)
    assert not service.folder.exists()


@pytest.fixture
def two_services(project: Path, service: Service) -> list[Service]:
    """One after the other, of processes that have ended when their folders are old."""
    folders = [service.folder.with_name(f"{NOBODY + number}-a") for number in range(2)]
    for folder in folders:
        folder.mkdir()
    return [Service(project, folder) for folder in folders]


def test_workers_that_are_killed_with_their_service_have_not_died_of_the_candidate(
    project: Path, service: Service, two_services: list[Service]
) -> None:
    for number, one in enumerate(two_services):
        one.tell()
        said(one, 1, Counts(answered=10))
        killed(one)
        assert (report(project).total.died, report(project).total.answered) == (0, 10 * (number + 1))
    service.tell()
    service.hear()
    assert report(project).state == "running"


def test_a_death_that_a_service_has_outlived_counts_after_its_end(
    project: Path, two_services: list[Service]
) -> None:
    for number, one in enumerate(two_services):
        one.tell()
        said(one, 1, Counts())
        dead(one, 9)
        one.hear()
        one.hear()
        killed(one)
        assert report(project).total.died == number + 1
    assert report(project).state == "fell back"


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


@pytest.mark.slow
def test_git_that_refuses_what_became_of_a_trial_is_asked_ever_more_seldom_and_that_is_said_once(
    project: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(project, service, Counts(answered=50))
    log: list[str] = []
    monkeypatch.setattr(patience.LOG, "error", lambda line, *values, **_: log.append(line % values))
    seconds, asked = [0.0], []
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    real = kept.keep

    def refuse(*_: object) -> None:
        asked.append(seconds[0])
        raise UserError("git: no space")

    monkeypatch.setattr(kept, "keep", refuse)
    for second in range(2000):
        seconds[0] = second
        service.keep()
    assert asked == [0, 2, 6, 14, 30, 62, 126, 254, 510, 1022, 1622]
    assert log == ["what became of a trial is not in git yet: git: no space"]
    monkeypatch.setattr(kept, "keep", real)
    seconds[0] = 2300.0
    service.keep()
    assert [one.state for one in kept.trials(registry.read(project))["v1.0.1"]] == ["passed"]


def test_a_reason_of_several_paragraphs_is_kept(project: Path, service: Service) -> None:
    service.tell()
    why = "RuntimeError: it is damaged\n\nin two places"
    said(service, 1, Counts(answered=50), refused={"v1.0.1": why})
    service.hear()
    service.keep()
    (trial,) = kept.trials(registry.read(project))["v1.0.1"]
    assert (trial.state, trial.why) == ("passed", why)
    assert "(RuntimeError: it is damaged in two places)" in trial.said


def test_what_others_have_tagged_as_a_trial_is_not_read(project: Path, service: Service) -> None:
    """A tag is pushed by whoever may: what does not add up ends no command and no service."""
    begun(project, service, Counts(answered=50))
    service.keep()
    (name,) = bentos.git(project, "tag", "--list", "*.trial.*").splitlines()
    commit = registry.read(project).versions["v1.0.1"]
    true = report(project).model_copy(update={"began": "2030"}).model_dump_json()
    for number, body in enumerate(
        (
            "[" * 100_000,
            '"',
            true.replace('"capitals":[0.0,', '"capitals":['),
            true.replace('"errors"', '"x"'),
            true.replace('"share":0.1', '"share":NaN'),
            true.replace('"state":"passed"', '"state":"running"'),
        )
    ):
        file = project.parent / "body"
        file.write_text(f"trial\n\n{body}")
        bentos.git(project, "tag", "-a", "-F", str(file), f"{name}{number}", commit)
    assert service.keep() is None
    (trial,) = kept.trials(registry.read(project))["v1.0.1"]
    assert trial.total.answered == 50
    watch._look(service, "")


def test_a_trial_that_goes_on_as_another_kind_begins_anew(project: Path, service: Service) -> None:
    begun(project, service, Counts(answered=20))
    two_bentos.rollout(project, {"shadow": {"share": 0.1, "requests": 50}})
    service._params = (-1.0, None)
    plan = service.tell()
    assert plan.trial.kind == report(project).kind == "shadow"
    assert report(project).total.answered == 0


def test_on_a_full_disk_a_trial_is_not_watched_over_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that workers end it, and no candidate that is worse goes on because nobody can write that down."""
    log: list[str] = []
    monkeypatch.setattr(patience.LOG, "error", lambda line, *values, **_: log.append(line % values))
    with disks.small(tmp_path / "small", "size=8m") as small:
        project = bentos.two_releases(small / "project")
        tiny.write_params(project)
        two_bentos.rollout(project, {"canary": {"share": 0.1, "requests": 50}})
        monkeypatch.chdir(project)
        service = Service(project, open_folder(project))
        service.tell()
        said(service, 1, bad(4))
        os.utime(service.folder / PLAN, (1, 1))
        ballast = disks.fill(small, 0)
        sentence = watch._look(service, watch._look(service, ""))
        assert (service.folder / PLAN).stat().st_mtime == 1
        assert report(project).state == "running"
        ballast.unlink()
        assert watch._look(service, sentence) == ""
        assert report(project).state == "fell back"
        assert (service.folder / PLAN).stat().st_mtime > 1
        service.keep()
        assert [one.state for one in kept.trials(registry.read(project))["v1.0.1"]] == ["fell back"]
    full, ended = log
    assert "no space is left on the disk" in full
    assert ended.startswith("v1.0.1: canary beside v1.0.0: fell back (it fails more often)")


def test_a_report_that_is_torn_keeps_no_rollback_from_a_service(project: Path, service: Service) -> None:
    service.tell()
    (project / TRIALS / "v0.9.0.json").write_text("{")
    moves.promote("v1.0.0", "", project, "rollback")
    assert service.tell().trial is None
    assert report(project).state == "stopped"
