"""A release goes to others by `dvc push` and `git push --tags`, through real remotes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import UserError
from components.release import moves, registry
from flows import champion
from tests.data.sources.remotes import services
from tests.flows import toy
from tests.once import served_once
from tests.release.bentos import git, manifest_of, release, repository

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]
KEYS = {"AWS_ACCESS_KEY_ID": services.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": services.SECRET_KEY}


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_once(tmp_path_factory, "tests.data.sources.remotes.services:s3") as (address, _):
        yield address


@pytest.fixture(params=["disk", pytest.param("s3", marks=pytest.mark.services)])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two releases, in a repository with remotes of git and of DVC."""
    project = repository(tmp_path / "project")
    settings = f"url = {tmp_path / 'bytes'}"
    if request.param == "s3":
        address = request.getfixturevalue("s3_address")
        bucket = f"releases-{tmp_path.name.replace('_', '-')[-40:]}".lower()
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        make_bucket(address, bucket)
        settings = f"url = s3://{bucket}/dvc\n    endpointurl = {address}"
    config = f"[core]\n    analytics = false\n    remote = there\n['remote \"there\"']\n    {settings}\n"
    (project / ".dvc/config").write_text(config)
    git(project, "commit", "-q", "-a", "-m", "a remote of DVC")
    git(tmp_path, "clone", "-q", "--bare", str(project), str(tmp_path / "remote.git"))
    git(project, "remote", "add", "origin", str(tmp_path / "remote.git"))
    for bundle in ("a", "b"):
        release(project, bundle)
    git(project, "add", "dvc.lock")
    git(project, "commit", "-q", "-m", "as released")
    return project


def make_bucket(address: str, bucket: str) -> None:
    import s3fs

    keys = {"key": services.ACCESS_KEY, "secret": services.SECRET_KEY}
    s3fs.S3FileSystem(**keys, endpoint_url=address).mkdir(bucket)


def cloned(project: Path, name: str = "clone") -> Path:
    clone = project.with_name(name)
    git(project.parent, "clone", "-q", str(project.with_name("remote.git")), str(clone))
    return clone


def test_a_release_is_had_elsewhere_and_so_is_the_one_before(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.dvc(project, "push", "--all-tags")
    git(project, "push", "-q", "--atomic", "origin", "main", "--tags")
    clone = cloned(project)
    toy.dvc(clone, "pull")
    shutil.rmtree(project)
    version, folder = champion.released(clone)
    assert (version, manifest_of(folder)) == ("v1.0.1", manifest_of(clone / "bento"))
    moves.promote("v1.0.0", "bad", clone, "rollback")  # whose bytes no working tree names any more
    assert champion.released(clone)[0] == "v1.0.0"
    assert registry.champion("a new model", clone) == registry.read(clone).release("v1.0.0").record.identity


def test_a_release_that_is_older_than_the_remote_is_had_elsewhere(tmp_path: Path) -> None:
    """Its commit names no remote: the one that the project has today holds its bytes."""
    project = repository(tmp_path / "project")
    release(project, "a")
    toy.dvc(project, "remote", "add", "--default", "there", str(tmp_path / "bytes"))
    git(project, "add", "dvc.lock")
    git(project, "commit", "-q", "-a", "-m", "a remote of DVC")
    toy.dvc(project, "push", "--all-tags")
    git(tmp_path, "clone", "-q", "--bare", str(project), str(tmp_path / "remote.git"))
    clone = cloned(project)
    shutil.rmtree(project)
    assert champion.released(clone)[0] == "v1.0.0"


def test_tags_without_bytes_are_one_sentence_until_the_bytes_come(project: Path) -> None:
    git(project, "push", "-q", "--atomic", "origin", "main", "--tags")
    clone = cloned(project)
    shutil.move(project / ".dvc/cache", project.with_name("kept"))
    with pytest.raises(
        UserError, match=r"^release v1\.0\.1 \(bundle b\): neither DVC's cache nor its remote has"
    ):
        champion.find(clone)
    shutil.move(project.with_name("kept"), project / ".dvc/cache")
    toy.dvc(project, "push")
    for file in (project / ".dvc/cache/files/md5").glob("??/*"):  # what is damaged here is whole there
        damaged = clone / file.relative_to(project)
        damaged.parent.mkdir(parents=True, exist_ok=True)
        damaged.write_bytes(file.read_bytes() if file.suffix == ".dir" else b"damaged")
    assert champion.released(clone)[0] == "v1.0.1"
