"""What the page of a service's operator is told: releases in git, trials, and days that were judged."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from components.monitoring.traffic.judging import FOLDER
from components.monitoring.traffic.records import Moved, Window
from components.release import dvc_cache, moves, registry
from components.rollout.history import HISTORY, MOST, History
from components.settings.rollout import Rollout
from flows.rollout import planning
from flows.rollout.history import PAGE, history
from flows.rollout.service import Service, open_folder
from tests.release import bentos


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return bentos.two_releases(tmp_path / "project")


def said(project: Path) -> History:
    return history(registry.read(project), project)


def test_every_champion_is_there_with_what_made_it_one_the_newest_first(project: Path) -> None:
    moves.promote("v1.0.0", "it says nonsense", project, "rollback")
    found = said(project).champions
    assert [(one.release, one.action, one.why) for one in found] == [
        ("v1.0.0", "rollback", "it says nonsense"),
        ("v1.0.1", "release", ""),
        ("v1.0.0", "release", ""),
    ]
    assert {one.verdict for one in found} == {"PROMOTE"}
    assert [one.since for one in found] == sorted((one.since for one in found), reverse=True)


def test_a_release_has_the_report_that_its_own_lock_names_where_the_cache_has_it(project: Path) -> None:
    assert {one.report for one in said(project).champions} == {None}
    lock = project / "dvc.lock"
    content = yaml.safe_load(lock.read_text())
    oid = "0123456789abcdef0123456789abcdef"
    content["stages"]["evaluate"] = {"cmd": "", "outs": [{"path": PAGE, "md5": oid, "size": 1}]}
    lock.write_text(yaml.safe_dump(content))
    bentos.release(project, "c")
    assert said(project).champions[0].report is None
    file = dvc_cache.file_of(dvc_cache.place(project), oid)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("<h1>a report</h1>")
    assert [one.report for one in said(project).champions] == [str(file.absolute()), None, None]


@pytest.mark.slow
def test_the_report_of_a_release_says_what_became_of_it_in_traffic_and_the_cache_stays_as_it_was(
    project: Path,
) -> None:
    lock = project / "dvc.lock"
    content = yaml.safe_load(lock.read_text())
    page = b"<!doctype html><main><h1>Evaluation</h1></main>"
    oid = bentos._keep(project / ".dvc/cache/files/md5", page)
    content["stages"]["evaluate"] = {"cmd": "", "outs": [{"path": PAGE, "md5": oid, "size": 1}]}
    lock.write_text(yaml.safe_dump(content))
    bentos.release(project, "c")
    evaluated = Path(said(project).champions[0].report)
    canary = Rollout.model_validate({"canary": {"share": 0.1}})
    report = planning.report_of(planning.decide(registry.read(project), canary, project), project)
    assert said(project).champions[0].report == str(evaluated)  # nothing has come of it yet
    ended = {"state": "fell back", "why": "<b>it fails</b>", "ended": planning.now()}
    report.model_copy(update=ended).write(planning.report_file(project, "v1.0.2"))
    shown = Path(said(project).champions[0].report)
    text = shown.read_text()
    assert text.startswith("<!doctype html><main><h1>Evaluation</h1><section id=")
    assert "canary of 10 % beside v1.0.1" in text
    assert "&lt;b&gt;it fails&lt;/b&gt;" in text
    assert text.endswith(("</section>\n</main>", "</section></main>"))
    assert (shown, evaluated.read_bytes()) == (project / "monitoring/rollout/v1.0.2.html", page)


def test_trials_and_judged_days_are_there_the_newest_first(project: Path) -> None:
    canary = Rollout.model_validate({"canary": {"share": 0.1}})
    planning.report_of(planning.decide(registry.read(project), canary, project), project)
    for day in range(1, 4):
        judge(project, day, alarm=day == 2)
    found = said(project)
    assert [(one.release, one.beside, one.state, one.differ) for one in found.trials] == [
        ("v1.0.1", "v1.0.0", "running", None)
    ]
    assert [(one.first.day, one.alarm, one.moved) for one in found.drift] == [
        (3, False, []),
        (2, True, ["texts are longer"]),
        (1, False, []),
    ]


def test_of_what_is_long_the_newest_is_there(project: Path) -> None:
    for day in range(1, 29):
        judge(project, day)
        judge(project, day, month=10)
    found = said(project).drift
    assert len(found) == MOST
    assert found[0].first == date(2026, 11, 28)


def judge(project: Path, day: int, alarm: bool = False, month: int = 11) -> None:
    when = date(2026, month, day)
    Window(
        release="v1.0.0",
        first=when,
        last=when,
        texts=500,
        reference=1000,
        days_between_false_alarms=180,
        p=0.001 if alarm else 0.5,
        alarm=alarm,
        moved=[Moved(subject="characters", p=0.001, words="texts are longer", typical=[])] if alarm else [],
        raised=False,
    ).write(project / FOLDER / f"{when}-v1.0.0.json")


def test_a_service_finds_it_in_its_folder_and_it_is_written_when_it_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr("flows.rollout.service.SHOWN", 0.0)
    service = Service(project, open_folder(project))
    service.show()
    file = service.folder / HISTORY
    assert History.read(file) == said(project)
    before = file.stat().st_mtime_ns
    service.show()
    assert file.stat().st_mtime_ns == before
    moves.promote("v1.0.0", "", project, "rollback")
    service.show()
    assert History.read(file).champions[0].action == "rollback"
