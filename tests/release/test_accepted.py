"""How many accepted rows a release did not learn from."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml

from components.data.contract import accepted
from components.data.contract.accepted import Accepted
from components.errors import UserError
from components.files import atomic_file
from components.release.accepted import accepted_since
from tests.release.bentos import release, repository

pytestmark = pytest.mark.slow  # a repository and a release


def accept(project: Path, task: str, *keys: str, time: str = "2020-01-01T00:00:00+00:00") -> None:
    rows = [Accepted(id=key, time=time, head=task, inputs={}, answer={}) for key in keys]
    accepted.add(accepted.file_of(project / accepted.FOLDER, task), rows)


def declare(project: Path) -> None:
    """What DVC keeps of the stage `declare`."""
    cache = project / ".dvc/cache/files/md5"
    names = sorted((project / accepted.FOLDER).glob("*.jsonl"))
    listing = [{"md5": keep(cache, file.read_bytes()), "relpath": f"accepted/{file.name}"} for file in names]
    md5 = keep(cache, json.dumps(listing).encode(), ".dir") + ".dir"
    stages = {"declare": {"cmd": "true", "outs": [{"path": "declared", "md5": md5}]}}
    (project / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def keep(cache: Path, content: bytes, end: str = "") -> str:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    with atomic_file(cache / md5[:2] / (md5[2:] + end)) as temporary:
        temporary.write_bytes(content)
    return md5


def test_what_the_run_of_a_release_did_not_have_is_counted(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    accept(project, "mood", "a", "b")
    accept(project, "ner", "c")
    declare(project)
    assert accepted_since(None, project) == {"mood": 2, "ner": 1}
    release(project, "a")
    assert accepted_since("v1.0.0", project) == {}
    accept(project, "mood", "d")
    accept(project, "topic", "e")  # whenever that was
    assert accepted_since("v1.0.0", project) == {"mood": 1, "topic": 1}
    for file in (project / ".dvc/cache").rglob("*"):
        if file.is_file() and file.suffix != ".dir":
            file.unlink()
    accept(project, "ner", "f", time="2999-01-01T00:00:00+00:00")
    assert accepted_since("v1.0.0", project) == {"ner": 1, "topic": 1}  # of those it had, their time tells
    shutil.rmtree(project / ".dvc/cache")  # then their time tells
    assert accepted_since("v1.0.0", project) == {"ner": 1}
    with pytest.raises(UserError, match="v9"):
        accepted_since("v9.0.0", project)
