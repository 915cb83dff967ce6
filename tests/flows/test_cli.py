"""The command line: quick help, one sentence for a mistake, exit code 2."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

import flows.commands
from components.evaluation.records import VERDICT, ModelId, Verdict
from components.files import write_json
from flows import cli
from flows.commands import commands, predict
from tests.flows import toy
from tests.release import bentos

HEAVY = {
    "prefect",
    "dvc",
    "torch",
    "transformers",
    "great_expectations",
    "bentoml",
    "pandas",
    "sklearn",
    "pydantic",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.make(tmp_path_factory.mktemp("cli") / "project")


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr of a user's mistake."""
    assert result.returncode == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.fixture
def mistake(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The one line on stderr of a command line in a folder, which a process need not be started for."""

    def told(folder: Path, *arguments: str) -> str:
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        said = capsys.readouterr()
        return sentence(
            subprocess.CompletedProcess(arguments, int(str(ended.value.code)), said.out, said.err)
        )

    return told


def test_help_lists_every_command_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom flows.cli import main\n"
        "try: main(['--help'])\n"
        f"finally: print(sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=toy.environment(), capture_output=True, text=True
    )
    assert result.returncode == 0
    assert all(
        f"    {command} " in result.stdout
        for command in ("run", "check", "status", "serve", "predict", "new-task", "search", "monitor")
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_a_command_is_a_module_of_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "say_it.py").write_text(
        "from flows.commands.base import Command, anywhere\n"
        "COMMAND = Command(lambda given: print('said') or 7, 'say it', check=anywhere)\n"
    )
    monkeypatch.setattr("flows.commands.__path__", [*flows.commands.__path__, str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main(["say-it"])
    assert ended.value.code == 7


def test_an_unknown_command_gets_the_nearest_one(tmp_path: Path, mistake: Callable[..., str]) -> None:
    assert mistake(tmp_path, "statsu") == (
        f"error: unknown command 'statsu' (did you mean 'status'?); expected one of {', '.join(commands())}"
    )


def test_a_folder_without_a_project_says_where_to_go(tmp_path: Path, mistake: Callable[..., str]) -> None:
    assert mistake(tmp_path, "run").endswith("no params.yaml here; run onetrunk in the project's folder")


def test_a_folder_without_git_says_what_to_run(
    project: Path, tmp_path: Path, mistake: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predict, "in_project", lambda _: None)
    monkeypatch.setattr(predict, "_bundle", lambda _: tmp_path)
    address = "http://127.0.0.1:9/in.csv"
    with pytest.raises(SystemExit) as ended:
        cli.main(["predict", "--input", address, "--output", "out.csv"])
    assert ended.value.code == 75
    said = capsys.readouterr()
    assert said.err.startswith(f"error: {address}: no answer (")
    assert said.err.endswith("; give the same command again\n")


def test_a_text_after_a_task_is_the_text() -> None:
    given = cli.parser().parse_args(["predict", "--task", "ner", "--task", "mood", "Angela Merkel"])
    assert (given.task, given.text) == (["ner", "mood"], "Angela Merkel")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"onetrunk {version('onetrunk')}\n"


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_says_more_in_its_own_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert len(capsys.readouterr().out.split()) > 15
