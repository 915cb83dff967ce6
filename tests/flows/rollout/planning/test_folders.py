"""The folder of a service and the bundles that it serves stay or come back, whatever others do to them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from components.errors import UserError
from components.release import registry
from components.rollout import kept
from components.rollout.records import PLAN, Counts, Plan
from flows.rollout import patience, watch
from flows.rollout.service import Service, in_use, open_folder
from tests.flows.rollout import two_bentos
from tests.flows.rollout.planning.telling import begun, report
from tests.release import bentos


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
