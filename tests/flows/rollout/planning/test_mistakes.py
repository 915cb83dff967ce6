"""A mistake in the settings, git that refuses and a full disk are said once, and the service stays."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.errors import UserError
from components.release import moves, registry
from components.rollout import kept
from components.rollout.records import PLAN, TRIALS, Counts, Plan
from flows.rollout import patience, watch
from flows.rollout.service import Service, open_folder
from tests import disks
from tests.flows.rollout import two_bentos
from tests.flows.rollout.planning.telling import bad, begun, report, said
from tests.release import bentos
from tests.serving import tiny


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
