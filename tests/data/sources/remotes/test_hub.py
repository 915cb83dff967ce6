"""A data set of the Hugging Face hub, by the hub's own client; the hub itself is a stand-in here.

The stand-in answers the three requests that the client makes, from a folder, as the hub's API does.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import EXIT_TRY_AGAIN, EXIT_USER_ERROR
from tests.data.sources.remotes import services
from tests.scripts import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RUN = """
import json, sys
from pathlib import Path
from tests.data.sources.remotes.conftest import declare
from components.data.sources import remotes
from components.stages import run

def main(settings):
    remote = declare(kind="huggingface", **json.loads(settings))
    remotes.version(remote, Path("version.json"))
    remotes.fetch(remote, Path("version.json"), Path("downloads/name"))

run(main)
"""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:40]


class Hub(http.server.BaseHTTPRequestHandler):
    folder: Path

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/datasets/team/"):
            name, _, revision = path.removeprefix("/api/datasets/").partition("/revision/")
            self._describe(name, revision)
        elif path.startswith(f"/datasets/team/reviews/resolve/{COMMIT}/"):
            content = (self.folder / path.rpartition(f"{COMMIT}/")[2]).read_bytes()
            self._answer(200, content, {"ETag": f'"{digest(content)}"', "X-Repo-Commit": COMMIT})
        else:
            self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _describe(self, name: str, revision: str) -> None:
        if name != "team/reviews":
            return self._answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        if revision not in ("main", COMMIT):
            return self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        files = [file for file in sorted(self.folder.rglob("*")) if file.is_file()]
        siblings = [
            {
                "rfilename": str(f.relative_to(self.folder)),
                "blobId": digest(f.read_bytes()),
                "size": 1,
            }
            for f in files
        ]
        content = json.dumps({"id": name, "sha": COMMIT, "siblings": siblings, "tags": []}).encode()
        return self._answer(200, content, {"Content-Type": "application/json"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *arguments) -> None:
        pass


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    handler = type("Handler", (Hub,), {"folder": folder})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    pq.write_table(
        pa.table({"text": ["good"], "label": ["up"]}), folder / "data/train-00000-of-00001.parquet"
    )
    (folder / "reviews.py").write_text("raise SystemExit('the loading script was run')")
    return folder


def run(folder: Path, endpoint: str, **settings) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the hub's client reads its settings when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(folder / "hf"),
        "PYTHONPATH": str(ROOT),
    }
    environment |= {"HF_TOKEN": "hf_value-of-the-test", "HF_HUB_OFFLINE": "1"}  # as in the pipeline
    command = [sys.executable, "-c", RUN, json.dumps({"dataset": "team/reviews", **settings})]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_data_files_are_brought_and_nothing_else(tmp_path: Path, repository: Path) -> None:
    with serve(repository) as endpoint:
        done = run(tmp_path, endpoint)
    assert done.returncode == 0, done.stderr
    files = {
        str(f.relative_to(tmp_path / "downloads/name"))
        for f in (tmp_path / "downloads/name").rglob("*")
        if f.is_file()
    }
    assert files == {"data/train-00000-of-00001.parquet", "manifest.json"}
    assert json.loads((tmp_path / "version.json").read_text()).keys() == {"files"}


@pytest.mark.parametrize(
    ("settings", "code", "sentence"),
    [
        ({"revision": "v9"}, EXIT_USER_ERROR, "no revision 'v9'"),
        ({"dataset": "team/other"}, EXIT_USER_ERROR, "no such data set, or a private one"),
        ({"dataset": "a/b/c"}, EXIT_USER_ERROR, "no such data set"),
        ({"files": ["*.csv"]}, EXIT_USER_ERROR, r"no file fits *.csv in revision main"),
    ],
)
def test_a_refusal_is_one_sentence(
    tmp_path: Path, repository: Path, settings: dict, code: int, sentence: str
) -> None:
    with serve(repository) as endpoint:
        done = run(tmp_path, endpoint, **settings)
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert done.stderr.count("\n") == 1
    assert "value-of-the-test" not in done.stderr


def test_without_a_network_it_may_be_tried_again(tmp_path: Path) -> None:
    done = run(tmp_path, f"http://127.0.0.1:{services.free_port()}")
    assert done.returncode == EXIT_TRY_AGAIN, done.stderr
    assert "no answer" in done.stderr
