"""When a Bento says that it was made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import yaml

from components.release import commit
from components.release.git import Git
from serving import build

BENTO = "service: serving.service:Onetrunk\ncreation_time: 2026-11-29T07:00:00.123456+00:00\nversion: a\n"


def dated(project: Path, of: str | None) -> bytes:
    """bento.yaml of a Bento of this commit."""
    (project / "bento.yaml").write_text(BENTO)
    build._date(project, build._created(project, of))
    return (project / "bento.yaml").read_bytes()


def test_a_bento_is_as_old_as_its_commit_and_two_of_one_commit_are_equal(tmp_path: Path) -> None:
    git = Git(tmp_path)
    git("init", "--quiet")
    git("config", "log.showSignature", "true")
    made = [commit.of_files(git, {"a": b"a"}, [], "one", when) for when in (1_700_000_000, 1_800_000_000)]
    first, later = (dated(tmp_path, one) for one in made)
    assert dated(tmp_path, made[0]) == first
    found = [yaml.safe_load(one) for one in (first, later, dated(tmp_path, None))]
    assert [one.pop("creation_time") for one in found] == [
        datetime.fromtimestamp(1_700_000_000, UTC),
        datetime.fromtimestamp(1_800_000_000, UTC),
        build.EPOCH,
    ]
    assert found == [{"service": "serving.service:Onetrunk", "version": "a"}] * 3
