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
    assert "docs/...) are in Onetrunk's repository" in result.stdout
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
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(project / name, tmp_path)
    assert "not a git repository; run `git init` and `dvc init`" in mistake(tmp_path, "status")


def test_a_folder_without_dvc_says_what_to_run(
    project: Path, tmp_path: Path, mistake: Callable[..., str]
) -> None:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(project / name, tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert "run `dvc init`" in mistake(tmp_path, "status")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_mistake_in_the_settings_ends_a_run_before_anything_starts(tmp_path: Path, command: str) -> None:
    project = toy.make(tmp_path / "project")
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("family: regression", "family: regresion", 1))
    assert "unknown family 'regresion' (did you mean 'regression'?)" in sentence(
        toy.onetrunk(project, command)
    )
    assert not (project / ".onetrunk").exists()


@pytest.mark.slow
def test_a_broken_pipeline_ends_a_run_before_the_server_starts(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", "stages:\n  a: {cmd: x, dep: [b.txt]}\n")
    assert "extra keys not allowed" in sentence(toy.onetrunk(project, "run"))


@pytest.mark.slow
def test_status_of_a_new_project_fits_one_screen(project: Path) -> None:
    result = toy.onetrunk(project, "status")
    assert result.returncode == 0
    assert "none of 5 has run yet" in result.stdout
    assert "none yet; try onetrunk run" in result.stdout
    assert len(result.stdout.splitlines()) < 24


@pytest.mark.slow
def test_status_names_the_champion_and_what_failed(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project")
    bentos.release(project, "a1b2c3")
    failed = {"state": "failed", "target": None, "failed": {"train": "no room"}}
    write_json(project / ".onetrunk/run.json", failed)
    Verdict(
        verdict="HOLD", model=ModelId(sha256="0"), champion=None, confidence=0.95, tasks={}, dropped={}
    ).write(project / VERDICT)
    shown = toy.onetrunk(project, "status").stdout
    assert "v1.0.0 (bundle a1b2c3), released today" in shown
    assert "train: no room" in shown
    assert re.search(r"HOLD, today \d\d:\d\d, of an earlier state of the project", shown)


@pytest.mark.parametrize("arguments", [["serve"], ["predict", "a text"]], ids=["serve", "predict"])
def test_without_a_release_there_is_nothing_to_ask(
    project: Path, arguments: list[str], mistake: Callable[..., str]
) -> None:
    assert "nothing has been released yet; run `onetrunk run`" in mistake(project, *arguments)


def test_a_bento_that_is_not_there_is_named(project: Path, mistake: Callable[..., str]) -> None:
    assert "nowhere: no such folder" in mistake(project, "serve", "--bento", "nowhere")


def test_a_port_already_taken_is_named(project: Path, tmp_path: Path, mistake: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        (tmp_path / "bento.yaml").touch()
        assert port in mistake(project, "serve", "--bento", str(tmp_path), "--port", port)


def test_a_service_that_does_not_answer_is_named(tmp_path: Path, mistake: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    said = mistake(tmp_path, "predict", "a text", "--url", url)
    assert said.startswith(f"error: {url}: no answer (")
    assert said.endswith("is `onetrunk serve` running there?")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--port", "99999"], "--port: found '99999', expected a port from 1 to 65535"),
        (["serve", "--port", "http"], "--port: found 'http', expected a port from 1 to 65535"),
        (["serve", "--bento", "docs"], "docs: no Bento (no bento.yaml in it)"),
        (["serve", "--bento", "dox"], "dox: no such folder"),
    ],
)
def test_a_mistaken_argument_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert said in message
    assert message.count("\n") == 1


def test_without_a_command_it_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 2
    shown = capsys.readouterr().out
    assert all(command in shown for command in commands())


@pytest.mark.slow  # torch is imported
def test_what_may_succeed_later_is_one_sentence_and_an_exit_code_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer at this moment, say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predict, "with_releases", lambda _: None)
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
