"""A full disk in the middle of a release, a promotion or a rollback, and the command that frees it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from components.errors import UserError, disk_sentence
from components.evaluation.records import Verdict
from components.release import dvc_cache, moves, registry
from flows.releases import gc
from tests import disks
from tests.release import bentos
from tests.release.bentos import release, repository

pytestmark = pytest.mark.slow  # dozens of git processes each
LEFT = range(0, 100_000, 8_192)  # bytes, from none to enough


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases, and a Bento that is to become the fourth."""
    project = repository(tmp_path_factory.mktemp("whole") / "project")
    for bundle in ("a", "b", "c"):
        release(project, bundle)
    bentos.write_bento(project / "bento", "d", "d")
    bentos.track(project)
    against = registry.champion(registry.model_of(project / "bento"), project)
    bentos.write_verdict(project, against=against)
    return project


@pytest.fixture
def project(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """The same on a disk of its own."""
    with disks.small(tmp_path / "small", "size=8m") as folder:
        yield Path(shutil.copytree(whole, folder / "project"))


def release_it(project: Path) -> None:
    moves.release(project / "bento", Verdict.read(project / "reports/verdict.json"), project)


@pytest.mark.parametrize(
    ("work", "new"),
    [
        (release_it, "v1.0.3"),
        (partial(moves.promote, "v1.0.0", ""), "v1.0.0"),
        (partial(moves.promote, "v1.0.1", "", action="rollback"), "v1.0.1"),
    ],
    ids=["release", "promote", "rollback"],
)
def test_on_a_full_disk_the_old_champion_stays_until_there_is_room(
    project: Path, work: Callable[..., object], new: str
) -> None:
    refused = 0
    for left in LEFT:
        ballast = disks.fill(project.parent, left)
        refused += (sentence := attempt(partial(work, project=project))) is not None
        ballast.unlink()
        if sentence is None:
            break
        assert "disk" in sentence
        assert champion(project) == "v1.0.2"
        assert not list((project / ".onetrunk/releases").glob("*.tmp"))
    assert refused > 1
    assert champion(project) == new
    assert not list((project / ".git/refs").rglob("*.lock"))


def attempt(work: Callable[[], object]) -> str | None:
    """The sentence that a work ends in; None where it ends well."""
    try:
        work()
    except UserError as error:
        return str(error)
    except OSError as error:
        return disk_sentence(error)
    return None


def champion(project: Path) -> str:
    """The champion's version, after every byte of it was checked."""
    found = registry.read(project)
    assert found.champion
    found.folder(found.champion)
    return found.champion.version


def test_a_disk_without_a_byte_left_can_be_freed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wasted = bentos._keep(dvc_cache.place(project) / "files/md5", b"of a run that was rejected" * 1000)
    ballast = disks.fill(project.parent, 0)
    gc.run(project, confirmed=True)
    ballast.unlink()
    assert "freed 1 file of DVC's cache" in capsys.readouterr().out
    assert not dvc_cache.file_of(dvc_cache.place(project), wasted).exists()
    assert champion(project) == "v1.0.2"
