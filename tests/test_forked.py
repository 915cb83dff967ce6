"""The Python that forks is, to a command, the Python that it stands for."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # the libraries are loaded once
SCRIPT = """
import json, os, sys
ours = any(name.startswith(("components", "flows")) for name in sys.modules)
print(json.dumps([sys.argv, os.getcwd(), os.environ["ONE"], sys.stdin.read(), sys.executable, "torch" in sys.modules, ours]))
sys.exit(7)
"""
SETTINGS = """
import os
os.environ["PREFECT_API_URL"] = "http://127.0.0.1:9/api"  # as a command does, before it imports Prefect
import prefect
print(prefect.settings.PREFECT_API_URL.value())
"""


def run(python: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *arguments], cwd=folder, env={**os.environ, "ONE": "1"}, input="in", capture_output=True, text=True
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["a b", "-c"]], ids=["alone", "with arguments"])
def test_a_script_is_run_as_by_any_python_but_has_the_libraries(
    forking_python: str, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    python = f"{forking_python}/python"
    done = run(python, "script.py", *arguments, folder=tmp_path)
    assert (done.returncode, done.stderr) == (7, "")
    assert json.loads(done.stdout) == [
        ["script.py", *arguments],
        str(tmp_path),
        "1",
        "in",
        python,
        True,
        False,
    ]


def test_code_of_the_command_line_is_run_by_the_real_python(forking_python: str, tmp_path: Path) -> None:
    done = run(f"{forking_python}/python", "-c", "import sys; print(sys.executable)", folder=tmp_path)
    assert done.stdout.strip() == sys.executable


def test_our_command_beside_it_is_ours(forking_python: str, tmp_path: Path) -> None:
    done = run(f"{forking_python}/onetrunk", "status", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_prefect_reads_its_settings_when_a_fork_imports_it(forking_python: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SETTINGS)
    done = run(f"{forking_python}/python", "script.py", folder=tmp_path)
    assert done.stdout == "http://127.0.0.1:9/api\n"


def test_code_that_is_not_this_programs_is_imported_as_by_any_python(
    forking_python: str, tmp_path: Path
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/__init__.py").touch()
    (tmp_path / "flows/cli.py").write_text(
        "import sys; print([name for name in sys.modules if name.startswith(('components', 'serving'))])"
    )
    done = run(f"{forking_python}/python", "-m", "flows.cli", folder=tmp_path)
    assert (done.stdout, done.stderr) == ("[]\n", "")


WAITS = """
import pathlib, signal, sys, time
def hear(number, _):
    pathlib.Path("heard").write_text(str(number))
    sys.exit(3)
signal.signal(signal.SIGTERM, hear)
pathlib.Path("ready").touch()
while True:
    time.sleep(0.05)
    pathlib.Path("alive").write_text(str(time.time()))
"""
LISTENS = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as server:
    server.accept()[0].sendall(b"here")
"""


def waiting(python: str, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "script.py").write_text(WAITS)
    process = subprocess.Popen([python, "script.py"], cwd=folder)
    deadline = time.monotonic() + 60
    while not (folder / "alive").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_a_fork_hears_who_tells_its_python_to_end(forking_python: str, tmp_path: Path) -> None:
    process = waiting(f"{forking_python}/python", tmp_path)
    process.terminate()
    assert process.wait(60) == 3
    assert (tmp_path / "heard").read_text() == str(int(signal.SIGTERM))


def test_a_fork_ends_where_its_python_is_killed(forking_python: str, tmp_path: Path) -> None:
    process = waiting(f"{forking_python}/python", tmp_path)
    process.kill()
    process.wait(60)
    alive, deadline = "", time.monotonic() + 60
    while (now := (tmp_path / "alive").read_text()) != alive and time.monotonic() < deadline:
        alive = now
        time.sleep(0.5)
    assert now == alive
    assert not (tmp_path / "heard").exists()


def test_a_fork_has_the_open_files_that_its_python_was_given(forking_python: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(LISTENS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        number = server.fileno()
        process = subprocess.Popen(
            [f"{forking_python}/python", "script.py", str(number)], cwd=tmp_path, pass_fds=[number]
        )
        with socket.create_connection(server.getsockname(), timeout=60) as caller:
            assert caller.recv(4) == b"here"
    assert process.wait(60) == 0
