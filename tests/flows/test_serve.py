"""`onetrunk serve` up to where it becomes the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components import loopback
from components.errors import UserError
from components.release import variables
from flows import champion, cli
from flows.commands import serve
from flows.running import service_home
from serving import callers
from tests.scripts import ROOT

TOKEN = "a" * 24
ANYWHERE = "0.0.0.0"  # noqa: S104


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Serve a Bento's folder -> the environment that the server would have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in (variables.TOKEN, variables.TOKEN_FILE, callers.PROXIES, variables.HOSTS, variables.WORKERS):
        monkeypatch.setenv(name, "")  # so that what the command sets is undone
        monkeypatch.delenv(name)
    Path("bento.yaml").touch()
    Path("tokens").write_text(f"{TOKEN}\n")
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(champion.os, "execve", lambda _, __, environment: seen.append(environment))
    port = str(loopback.free_port("127.0.0.1"))

    def call(*words: str) -> dict[str, str]:
        serve.run(cli.parser().parse_args(["serve", "--bento", ".", "--port", port, *words]))
        return seen[-1]

    return call


def test_who_may_ask_and_how_many_answer_is_said_to_the_service(serving) -> None:
    words = ("--workers", "3", "--token-file", "tokens", "--proxy", "10.0.0.7", "--proxy", "10.1.0.0/16",
             "--name", "desk.example.org", "--name", "desk")  # fmt: skip
    environment = serving(*words)
    assert environment[variables.WORKERS] == "3"
    assert environment[variables.TOKEN_FILE] == str(Path("tokens").absolute())
    assert environment[callers.PROXIES] == "10.0.0.7,10.1.0.0/16"
    assert environment[variables.HOSTS] == "desk.example.org,desk"
    assert (
        not {variables.TOKEN, variables.TOKEN_FILE, callers.PROXIES, variables.HOSTS, variables.WORKERS}
        & serving_bare(serving).keys()
    )


def serving_bare(serving) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        for name in (variables.TOKEN_FILE, callers.PROXIES, variables.HOSTS, variables.WORKERS):
            patch.delenv(name, raising=False)
        return serving()


def test_an_open_address_without_a_token_is_said(serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving()
    assert not capsys.readouterr().err
    serving("--host", ANYWHERE)
    assert (
        "0.0.0.0: whoever reaches it may ask; --token-file FILE asks for a token" in capsys.readouterr().err
    )
    serving("--host", ANYWHERE, "--token-file", "tokens")
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--workers", "0"], "ONETRUNK_WORKERS: found '0', expected how many workers"),
        (["--workers", "many"], "ONETRUNK_WORKERS: found 'many', expected how many workers"),
        (["--token-file", "gone"], "gone: cannot be read (No such file or directory)"),
        (["--token-file", "bento.yaml"], "bento.yaml: there is no token in it"),
        (["--proxy", "desk"], "FORWARDED_ALLOW_IPS: 'desk' is no proxy's address"),
        (["--name", "http://desk"], "ONETRUNK_HOSTS: 'http://desk' is no name of a host"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_starts(serving, words: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        serving(*words)
    assert sentence in str(refused.value)


def test_what_an_ended_service_left_in_the_temporary_folder_is_removed_and_nothing_else(
    serving, tmp_path: Path
) -> None:
    """A folder that others may write to is none of ours, and a link leads to no folder that is removed."""
    runs = Path(serving()["BENTOML_HOME"])
    gone, open_to_all, new = (tmp_path / f"onetrunk-serve-{name}" for name in ("gone", "open", "new"))
    for folder in (gone, open_to_all, new):
        (folder / "bentos").mkdir(parents=True)
        folder.chmod(0o777 if folder == open_to_all else 0o700)
    (link := tmp_path / "onetrunk-serve-link").symlink_to(tmp_path / "kept")
    (tmp_path / "kept").mkdir(0o700)
    for folder in (runs, gone, open_to_all, tmp_path / "kept"):
        os.utime(folder, (1, 1))
    home = Path(serving()["BENTOML_HOME"])
    assert set(tmp_path.glob("onetrunk-serve-*")) == {home, runs, open_to_all, new, link}
    assert (tmp_path / "kept").is_dir()
    assert home.stat().st_mode & 0o777 == 0o700


BECOMES_CAT = """
import os
from flows.running import service_home
print(service_home.make(), flush=True)
os.execvp("cat", ["cat"])
"""


def test_the_folder_of_a_service_is_held_by_what_the_process_becomes(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BECOMES_CAT], cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        home = Path(process.stdout.readline().strip())
        process.stdin.write("it is cat\n")
        assert process.stdout.readline() == "it is cat\n"
        with pytest.raises(BlockingIOError):
            service_home._locked(home)
        process.stdin.close()
    os.close(service_home._locked(home))
