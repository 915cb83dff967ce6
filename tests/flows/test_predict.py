"""`onetrunk predict` in this process: of which model, and how little it imports."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from components.errors import UserError
from flows import champion
from tests.flows import toy
from tests.serving import tiny

UNNEEDED = ("bentoml", "prefect", "dvc", "sklearn", "great_expectations", "pandas")
IMPORTED = """
import sys
from flows.cli import main
try:
    main(["predict", "--candidate", "all went well"])
finally:
    print("imported:", sorted({unneeded} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, forking_commands: None) -> Path:
    """A project with a model that no gate has let through."""
    project = toy.make(tmp_path_factory.mktemp("predict") / "project")
    tiny.write_model(project / "models/multitask")
    return project


@pytest.mark.slow
def test_a_model_that_is_not_released_can_be_asked_and_is_said_to_be_none(trained: Path) -> None:
    result = toy.onetrunk(trained, "predict", "--candidate", "all went well")
    assert result.returncode == 0, result.stderr
    assert "sentiment  label " in result.stdout
    assert "which the gate has not released" in result.stderr


@pytest.mark.slow
def test_a_bento_is_asked_by_its_folder(trained: Path, tmp_path: Path) -> None:
    tiny.write_model(tmp_path / "src/bundle")
    (tmp_path / "bento.yaml").touch()
    asked = toy.onetrunk(trained, "predict", "--bento", str(tmp_path), "--task", "sentiment", "all went well")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("sentiment  label ")
    assert "no such folder" in toy.onetrunk(trained, "predict", "--bento", "nowhere", "a").stderr


@pytest.mark.slow
def test_an_unknown_task_gets_the_nearest_one(trained: Path) -> None:
    refused = toy.onetrunk(trained, "predict", "--candidate", "--task", "sentment", "all went well")
    assert refused.returncode == 2
    assert "unknown task 'sentment' (did you mean 'sentiment'?)" in refused.stderr


@pytest.mark.slow
def test_without_a_model_it_says_how_to_get_one(tmp_path: Path) -> None:
    refused = toy.onetrunk(toy.make(tmp_path / "project"), "predict", "--candidate", "a")
    assert refused.returncode == 2
    assert "models/multitask: nothing has been trained yet; run `onetrunk run`" in refused.stderr


@pytest.mark.slow
def test_it_imports_nothing_that_one_answer_does_not_need(trained: Path) -> None:
    code = IMPORTED.replace("{unneeded}", repr(set(UNNEEDED)))
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=trained, env=toy.environment(), capture_output=True, text=True
    )
    assert "sentiment  label " in result.stdout, result.stderr
    assert result.stdout.splitlines()[-1] == "imported: []"


def asked(status: int, body: bytes, text: str = "a") -> object:
    """What is made of a reply of some service."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Service) as service:
        Thread(target=service.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{service.server_port}/"
        return champion.ask_service(url, {"texts": [text], "tasks": None})


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"null", b"[]", b'["no"]', b"{}", b'{"detail": "Not Found"}', b'{"error": 5}',
     b'{"answers": []}', b'{"answers": [5]}', b'{"answers": [{"mood": 5}]}', b"[" * 100_000],
)  # fmt: skip
def test_what_another_service_answers_is_one_sentence(status: int, body: bytes) -> None:
    said = f"answered {status}, and not as `onetrunk serve` does; is it a Onetrunk service"
    with pytest.raises(UserError, match=said):
        asked(status, body)


def test_a_refusal_of_a_service_is_said_and_an_answer_is_one() -> None:
    with pytest.raises(UserError, match="texts: found 0 texts"):
        asked(400, b'{"error": "texts: found 0 texts, expected 1 to 8"}')
    answers = b'{"answers": [{"mood": {"label": "up"}}]}'
    assert asked(200, answers, "half a \udcf6") == {"mood": {"label": "up"}}
