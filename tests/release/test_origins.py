"""Where rows and encoder are from, said without a path or an address of their owner's machines."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.encoder.place import RECORD, EncoderRecord
from components.errors import UserError
from components.params import validated
from components.release import origins
from components.release.records import Origin
from tests.scripts import ROOT

PARAMS = ROOT / "params.yaml"

REMOTES = {
    "hub": {"kind": "huggingface", "dataset": "owner/name", "revision": "v1"},
    "bucket": {"kind": "url", "address": "s3://secret-bucket/rows.csv"},
    "base": {"kind": "sql", "address": "postgresql://secret-host/db", "query": "select secret"},
    "other": {"kind": "dvc", "repository": "git@secret-host:x", "path": "rows.csv", "revision": "v2"},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("downloads/hub", Origin(kind="huggingface", name="owner/name", revision="v1")),
        ("downloads/bucket/x.csv", Origin(kind="url", name="bucket")),
        ("downloads/base", Origin(kind="sql", name="base")),
        ("downloads/other", Origin(kind="dvc", name="other", revision="v2")),
        ("downloads/vader", Origin(kind="package", name="vaderSentiment-3.3.2.tar.gz", sha256="5d7c")),
        ("/home/secret/rows.csv", Origin(kind="files")),
        ("secret/rows.csv", Origin(kind="files")),
    ],
)
def test_rows_are_from(path: str, expected: Origin) -> None:
    raw = yaml.safe_load(PARAMS.read_text())
    project = validated({**raw, "remotes": REMOTES}, PARAMS)
    found = origins._of_path(project, path)
    if expected.sha256:
        assert found.sha256 is not None
        found = found.model_copy(update={"sha256": found.sha256[:4]})
    assert found == expected
    assert "secret" not in found.model_dump_json()


def test_an_encoder_of_the_hub_is_named_by_its_commit(tmp_path: Path) -> None:
    raw = yaml.safe_load(PARAMS.read_text())
    raw["model"]["encoder"] = {"huggingface": "owner/encoder"}
    project = validated(raw, PARAMS)
    expected = Origin(kind="huggingface", name="owner/encoder", revision="main")
    assert origins.of(project, tmp_path).encoder == expected
    record = EncoderRecord(
        source="owner/encoder", revision="main", commit="abc", parameters=1, tokens=1, positions=1
    )
    record.write(tmp_path / RECORD)
    assert origins.of(project, tmp_path).encoder == expected.model_copy(update={"revision": "abc"})


def test_a_statement_of_a_task_that_is_not_there_is_refused() -> None:
    raw = yaml.safe_load(PARAMS.read_text())
    raw["packaging"]["card"] = {"data": {"sentimant": {"license": "mit"}}}
    with pytest.raises(
        UserError, match=r"packaging\.card\.data\.sentimant: no task has this name.*'sentiment'"
    ):
        validated(raw, PARAMS)
