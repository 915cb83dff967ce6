"""Rows that were accepted from feedback reach their task's data, and no other task's, through the stages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from components import folders
from components.data.contract import accepted
from components.data.contract.accepted import Accepted
from components.files import read_json
from components.stages import declare, ingest
from tests.serving import tiny


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tiny.write_params(tmp_path)
    rows = [f"text {n},{'ab'[n % 2]},{n % 5},other {n}" for n in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["t,l,s,p", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_accepted_rows_are_ingested_and_change_what_their_own_task_depends_on(project: Path) -> None:
    """DVC runs `declare` again when the folder changes, and `ingest@TASK` when declared/TASK.json does."""
    folders.make_folders()
    declare.main()
    before = {file.name: read_json(file) for file in Path("declared").glob("*.json")}
    row = Accepted(
        id="k",
        time="2026-11-29T04:00:00+00:00",
        head="sentiment",
        inputs={"text": "new"},
        answer={"label": "c"},
    )
    accepted.add(Path("accepted/sentiment.jsonl"), [row])
    declare.main()
    after = {file.name: read_json(file) for file in Path("declared").glob("*.json")}
    assert {name for name in before if before[name] != after[name]} >= {"sentiment.json"}
    for other in ("similarity.json", "ner.json"):
        assert before[other] == after[other]
    shutil.rmtree("accepted")  # a run works with the copy that it was declared with
    ingest.main("sentiment")
    assert "new" in pq.read_table("data/sentiment/train.parquet")["text"].to_pylist()


def test_a_project_without_feedback_is_declared_as_it_was(project: Path) -> None:
    """So that nothing is read anew where there is nothing new."""
    declare.main()
    assert "accepted" not in read_json(Path("declared/sentiment.json"))


def test_dvc_knows_of_the_folder() -> None:
    stages = yaml.safe_load((Path(__file__).parents[2] / "dvc.yaml").read_text())["stages"]
    assert str(accepted.FOLDER) in stages["declare"]["deps"]
