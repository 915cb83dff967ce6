"""version@NAME and fetch@NAME under DVC, from the repository's own dvc.yaml: asked each time, fetched
when there is something new; no secret in anything written or printed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.data.sources.remotes import services
from tests.data.sources.remotes.hub_server import COMMIT, serve
from tests.scripts import ROOT

pytestmark = pytest.mark.slow
SECRET = "value-of-the-test"


@pytest.fixture
def project(tiny_project: Path, hub_python: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny project with the real dvc.yaml; DVC and its stages are forks."""
    monkeypatch.setattr(sys, "executable", f"{hub_python}/python")
    monkeypatch.setenv("PATH", f"{hub_python}:{os.environ['PATH']}")
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, tiny_project)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    subprocess.run(["git", "init", "-q"], cwd=tiny_project, check=True)
    dvc(tiny_project, "init", "-q")
    return tiny_project


def dvc(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip


def declare(folder: Path, **remotes: dict) -> None:
    params = yaml.safe_load((folder / "params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump({**params, "remotes": remotes}, sort_keys=False))


def written(folder: Path) -> list[Path]:
    """Every file of the project; DVC's caches, temporary files and logs with it."""
    return [file for file in folder.rglob("*") if file.is_file()]


def leaks(folder: Path, secret: str) -> list[Path]:
    return [file for file in written(folder) if secret.encode() in file.read_bytes()]


def test_no_remotes_are_no_stages(project: Path) -> None:
    declare(project)
    done = dvc(project, "stage", "list", "--name-only")
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert "ingest@mood" in names
    assert not [name for name in names if name.startswith(("version@", "fetch@"))]


def test_an_unchanged_remote_is_skipped_and_a_changed_one_fetched_anew(project: Path) -> None:
    database = project / "elsewhere.db"
    with sqlite3.connect(database) as connection:
        connection.execute("create table t (text text)")
        connection.execute("insert into t values ('a')")
    declare(project, tickets={"kind": "sql", "address": f"sqlite:///{database}", "query": "select * from t"})
    first = dvc(project, "repro", "fetch@tickets")
    assert "Running stage 'fetch@tickets'" in first.stdout, first.stderr
    again = dvc(project, "repro", "fetch@tickets")
    assert "Running stage 'version@tickets'" in again.stdout
    assert "Stage 'fetch@tickets' didn't change, skipping" in again.stdout
    with sqlite3.connect(database) as connection:
        connection.execute("insert into t values ('b')")
    assert "Running stage 'fetch@tickets'" in dvc(project, "repro", "fetch@tickets").stdout


def test_the_flow_asks_each_time_and_fetches_nothing_that_is_here(project: Path) -> None:
    from flows.running import dvc_stage, graph, remote_versions

    with sqlite3.connect(project / "elsewhere.db") as connection:
        connection.execute("create table tickets as select 'a' as text")
    query = "select * from tickets"
    declare(project, tickets={"kind": "sql", "address": "sqlite:///elsewhere.db", "query": query})
    stages = ["version@tickets", "fetch@tickets"]
    assert [dvc_stage.run(project, stage, str).verb for stage in ("program", *stages)] == ["ran"] * 3
    found = graph.read()
    assert found.upstream["fetch@tickets"] == {"program", "version@tickets"}
    assert "program" not in found.changed  # for the flow knows its answer
    assert "version@tickets" in found.changed  # always: who knows before it has asked?
    assert "fetch@tickets" not in found.changed
    assert [dvc_stage.run(project, stage, str).verb for stage in stages] == ["ran", "unchanged"]
    pipeline = found.up_to("fetch@tickets")
    assert pipeline.stale == set(stages)
    assert remote_versions.ask(project, pipeline).stale == set()  # nothing new: no server need start
    with sqlite3.connect(project / "elsewhere.db") as connection:
        connection.execute("insert into tickets values ('b')")
    assert remote_versions.ask(project, pipeline).stale == {"fetch@tickets"}


def test_an_encoder_of_the_hub_is_fetched_once_and_needs_no_network_afterwards(
    project: Path, tmp_path: Path
) -> None:
    shutil.move(project / "encoder", tmp_path / "hub")
    pinned = {"kind": "huggingface", "model": "team/encoder", "revision": COMMIT}
    declare(project, encoder=pinned)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("encoder: encoder\n", "encoder: downloads/encoder\n"))
    with serve({"models/team/encoder": tmp_path / "hub"}) as hub:
        first = dvc(project, "repro", "encode@mood", HF_ENDPOINT=hub.address)
    assert (project / "encoded/mood/train.arrow").is_file(), first.stderr
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    assert [out["path"] for out in lock["fetch@encoder"]["outs"]] == ["downloads/encoder"]
    assert "models/encoder/tokenizer.json" in [dep["path"] for dep in lock["encode@mood"]["deps"]]
    assert [dep["path"] for dep in lock["encoder"]["deps"]] == ["downloads", "program/encoder.json"]
    nowhere = f"http://127.0.0.1:{services.free_port()}"
    again = dvc(project, "repro", "encode@mood", HF_ENDPOINT=nowhere)
    assert again.returncode == 0, again.stderr
    assert "Stage 'fetch@encoder' didn't change, skipping" in again.stdout
    declare(project, encoder={**pinned, "revision": "main"})
    asked = dvc(project, "repro", "version@encoder", HF_ENDPOINT=nowhere)
    assert "no answer" in asked.stderr
    assert "with a commit as revision it is asked once" in asked.stderr


def test_an_encoder_of_the_hub_needs_no_remote(project: Path, tmp_path: Path) -> None:
    shutil.move(project / "encoder", tmp_path / "hub")
    declare(project)
    params = project / "params.yaml"
    named = "encoder: {huggingface: team/encoder}\n"
    params.write_text(params.read_text().replace("encoder: encoder\n", named))
    with serve({"models/team/encoder": tmp_path / "hub"}) as hub:
        first = dvc(project, "repro", "encode@mood", HF_ENDPOINT=hub.address)
    assert (project / "encoded/mood/train.arrow").is_file(), first.stderr
    again = dvc(project, "repro", "encode@mood", HF_ENDPOINT=f"http://127.0.0.1:{services.free_port()}")
    assert "Stage 'encode@mood' didn't change, skipping" in again.stdout, again.stderr


def test_a_web_servers_secret_is_in_nothing_written_or_printed(project: Path, tmp_path: Path) -> None:
    with services.web(project / "sources") as server:
        address = server.address + "/mood.csv?token=${CORPUS_CODE}"
        declare(project, corpus={"kind": "url", "address": address})
        done = dvc(project, "repro", "fetch@corpus", CORPUS_CODE=SECRET)
        assert (project / "downloads/corpus/mood.csv").is_file(), done.stderr
        assert any(SECRET in asked for asked in server.asked)
        server.status = 500
        failed = dvc(project, "repro", "fetch@corpus", CORPUS_CODE=SECRET)
    assert "failed to reproduce" in failed.stderr
    assert SECRET not in done.stdout + done.stderr + failed.stdout + failed.stderr
    assert leaks(project, "${CORPUS_CODE}")  # the search finds what is there: params.yaml, dvc.lock
    assert leaks(project, SECRET) == []


@pytest.mark.services
def test_a_databases_password_is_in_nothing_written_or_printed(project: Path, postgres_port: int) -> None:
    address = f"postgresql://{services.USER}:${{DB_PASSWORD}}@127.0.0.1:{postgres_port}/postgres"
    query = "select 'good' as text, n as number from generate_series(1, 10) n"
    declare(project, tickets={"kind": "sql", "address": address, "query": query})
    password = services.quoted(services.PASSWORD)
    done = dvc(project, "repro", "fetch@tickets", DB_PASSWORD=password)
    assert (project / "downloads/tickets/rows.parquet").is_file(), done.stderr
    failed = dvc(project, "repro", "fetch@tickets", DB_PASSWORD=SECRET)
    assert "password authentication failed" in failed.stderr
    for secret in (services.PASSWORD, password, SECRET):
        assert secret not in done.stdout + done.stderr + failed.stdout + failed.stderr
        assert leaks(project, secret) == []


@pytest.mark.services
def test_a_buckets_keys_are_in_nothing_written_or_printed(project: Path, s3_address: str) -> None:
    import s3fs

    keys = {"AWS_ACCESS_KEY_ID": services.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": services.SECRET_KEY}
    system = s3fs.S3FileSystem(key=services.ACCESS_KEY, secret=services.SECRET_KEY, endpoint_url=s3_address)
    system.makedirs("bucket", exist_ok=True)
    system.put(str(project / "sources/mood.csv"), "bucket/stages/mood.csv")
    options = {"endpoint_url": s3_address}
    declare(project, corpus={"kind": "url", "address": "s3://bucket/stages", "options": options})
    done = dvc(project, "repro", "fetch@corpus", **keys)
    assert (project / "downloads/corpus/mood.csv").is_file(), done.stderr
    failed = dvc(project, "repro", "fetch@corpus", **{**keys, "AWS_SECRET_ACCESS_KEY": SECRET})
    assert "access refused" in failed.stderr
    for secret in (*keys.values(), SECRET):
        assert secret not in done.stdout + done.stderr + failed.stdout + failed.stderr
        assert leaks(project, secret) == []
