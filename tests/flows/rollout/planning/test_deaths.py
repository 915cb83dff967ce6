"""Workers that die of a candidate end its trial; those that are killed with their service do not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.rollout.records import PLAN, Counts
from flows.rollout.service import Service, open_folder
from tests.flows.rollout.planning.telling import report, said


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
