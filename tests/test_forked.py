"""The Python that forks is, to a command, the Python that it stands for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # the libraries are loaded once
SCRIPT = """
import json, os, sys
print(json.dumps([sys.argv, os.getcwd(), os.environ["ONE"], sys.stdin.read(), sys.executable, "torch" in sys.modules]))
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
    assert json.loads(done.stdout) == [["script.py", *arguments], str(tmp_path), "1", "in", python, True]


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
