"""`onetrunk new-task`: what it shows, what it asks, what it writes."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from components import params
from components.data.propose import Wishes
from components.errors import UserError
from flows import new_task
from tests.conftest import PARAMS, sentence, write_sources
from tests.data.shapes import genres, labelled, later, table
from tests.flows import toy

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forking_commands")]  # whole commands run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of synthetic data that the command line takes for one."""
    folder = tmp_path / "project"
    write_sources(folder / "sources")
    for name in ("encoder", ".git", ".dvc"):
        (folder / name).mkdir()
    (folder / "params.yaml").write_text(PARAMS + "remotes: {}\n")
    (folder / "dvc.yaml").write_text("stages: {}\n")
    labelled(("title", lambda n: sentence(n + 2)))(folder / "ambiguous.csv")
    table(("abstract", sentence), ("genres", lambda n: "|".join(genres(n))))(folder / "films.csv")
    monkeypatch.chdir(folder)
    return folder


def test_shows_reasons_five_rows_and_the_entry(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new_task.run("films.csv", Wishes(), keep=False) == 0
    shown = capsys.readouterr().out
    assert "120 rows looked at, read as multi_label" in shown
    assert "from 'genres'    4 labels that stand between '|'" in shown
    assert sum(sentence(n) in shown.split("for params.yaml")[0] for n in range(10)) == 5
    proposed = yaml.safe_load(shown.split("for params.yaml:")[1].split("nothing is written yet")[0])
    assert list(proposed["tasks"]) == ["films"]
    assert shown.endswith("nothing is written yet: onetrunk new-task films.csv --write\n")
    assert (project / "params.yaml").read_text() == PARAMS + "remotes: {}\n"


def test_says_which_columns_are_not_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beside = [("place", lambda n: f"shelf {n % 5}"), ("empty", lambda n: "")]
    table(("abstract", sentence), ("genres", lambda n: "|".join(genres(n))), *beside)(project / "more.csv")
    assert new_task.run("more.csv", Wishes(), keep=False) == 0
    assert "not read: 'place'\n" in capsys.readouterr().out


def test_write_adds_the_entry_that_was_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new_task.run("films.csv", Wishes(name="cinema"), keep=True) == 0
    proposed = yaml.safe_load(capsys.readouterr().out.split("for params.yaml:")[1].split("written to")[0])
    assert (
        yaml.safe_load((project / "params.yaml").read_text())["tasks"]["cinema"]
        == proposed["tasks"]["cinema"]
    )


@pytest.mark.parametrize(("address", "name"), [("films.csv", "films"), ("corpus", "few")])
def test_cuts_texts_where_the_longest_task_of_the_project_does(
    project: Path, address: str, name: str
) -> None:
    (project / "params.yaml").write_text(
        PARAMS.replace("max_length: 24", "max_length: 200") + "remotes: {}\n"
    )
    (project / "corpus").mkdir()
    for file in ("few.csv", "many.csv"):
        labelled()(project / "corpus" / file)
    assert new_task.run(address, Wishes(), keep=True) == 0
    assert params.load(project / "params.yaml").tasks[name].max_length == 200


def test_what_is_open_is_one_sentence_and_command_lines(project: Path) -> None:
    """The whole command: exit code 2, and each line that it prints works when it is given."""
    asked = toy.onetrunk(project, "new-task", "ambiguous.csv")
    assert asked.returncode == 2
    assert asked.stdout.startswith("several columns could be the text, or two of them a pair.\n")
    commands = [line.split()[1:] for line in asked.stdout.splitlines() if line.strip().startswith("onetrunk")]
    assert len(commands) == 3
    settled = toy.onetrunk(project, *commands[2], "--write")
    assert settled.returncode == 0, settled.stderr
    assert params.load(project / "params.yaml").tasks["ambiguous"].columns == {
        "text": "title",
        "label": "label",
    }


def test_on_a_terminal_a_number_settles_it(project: Path) -> None:
    ours, theirs = pty.openpty()
    command = [toy.python, "-m", "flows.cli", "new-task", "ambiguous.csv", "--write"]
    with subprocess.Popen(
        command, cwd=project, env=toy.environment(), stdin=theirs, stdout=subprocess.PIPE, text=True
    ) as process:
        os.write(ours, b"2\n")
        shown = process.communicate(timeout=60)[0]
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert "which one? (number, or nothing to leave)" in shown
    assert params.load(project / "params.yaml").tasks["ambiguous"].columns == {
        "text": "text",
        "label": "label",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere.csv"], "nowhere.csv: no such file or folder"),
        (["film.csv"], "film.csv: no such file or folder (did you mean 'films.csv'?)"),
        (["films.csv", "--column", "text"], "--column: found 'text', expected ROLE=NAME"),
        (["films.csv", "--name", "my/films"], "--name: 'my/films' has a '/'; files and stages are called so, expected none of"),
        (["films.csv", "--name", "mood", "--write"], "params.yaml: there is a 'mood' already"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(project: Path, arguments: list[str], expected: str) -> None:
    result = toy.onetrunk(project, "new-task", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert expected in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_first_task_of_a_project(project: Path) -> None:
    tasks = PARAMS[PARAMS.index("tasks:") : PARAMS.index("checks:")]
    (project / "params.yaml").write_text(PARAMS.replace(tasks, "tasks: {}\n") + "remotes: {}\n")
    assert new_task.run("films.csv", Wishes(), keep=True) == 0
    assert list(params.load(project / "params.yaml").tasks) == ["films"]


def test_a_broken_params_file_is_one_sentence(project: Path) -> None:
    (project / "params.yaml").write_text("tasks: [\n")
    with pytest.raises(UserError, match="params.yaml: line 2: "):
        new_task.run("films.csv", Wishes(), keep=True)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a real HTTP server with one file."""
    (tmp_path / "served").mkdir()
    labelled()(tmp_path / "served/tickets.csv")
    handler = partial(Quiet, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_an_address_becomes_a_remote_and_a_task(project: Path, web: str) -> None:
    assert new_task.run(f"{web}/tickets.csv", Wishes(), keep=True) == 0
    written = yaml.safe_load((project / "params.yaml").read_text())
    assert written["remotes"] == {"tickets": {"kind": "url", "address": f"{web}/tickets.csv"}}
    assert written["tasks"]["tickets"]["source"] == {"path": "downloads/tickets/tickets.csv", "format": "csv"}


def test_an_address_that_is_not_there(project: Path, web: str) -> None:
    with pytest.raises(UserError, match="no such file"):
        new_task.run(f"{web}/nothing.csv", Wishes(), keep=False)


def test_a_server_that_is_not_there(project: Path) -> None:
    with pytest.raises(UserError, match=r"^http://127.0.0.1:9/a.csv: no "):
        new_task.run("http://127.0.0.1:9/a.csv", Wishes(), keep=False)


def test_a_credential_in_an_address_is_refused_and_not_repeated(project: Path) -> None:
    with pytest.raises(UserError, match=r"a credential stands here; write \$\{NAME\}") as raised:
        new_task.run("https://me:hunter2@example.org/a.csv", Wishes(), keep=False)
    assert "hunter2" not in str(raised.value)


@pytest.fixture
def several(project: Path) -> Path:
    """A folder of five files: a task with splits, one of a file, one that is open, and what is no data."""
    folder = project / "corpus"
    folder.mkdir()
    labelled()(folder / "mood_train.csv")
    later(500)(folder / "mood_test.csv")
    table(("abstract", sentence), ("genres", lambda n: "|".join(genres(n))))(folder / "films.csv")
    labelled(("title", lambda n: sentence(n + 2)))(folder / "tickets.csv")
    (folder / "broken.csv").write_bytes(bytes(range(256)) * 4)
    return folder


def test_a_folder_is_a_project_that_is_written_at_once(
    several: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is open stays open: its commands settle it, and what is a task already is not asked again."""
    assert new_task.run("corpus", Wishes(), keep=True) == 2
    shown = capsys.readouterr().out
    assert "left out: corpus/broken.csv: a binary file" in shown
    assert "several columns could be the text" in shown
    assert "written to params.yaml: films, mood_2; " in shown
    tasks = params.load(project / "params.yaml").tasks
    assert tasks["mood_2"].source.files == {"train": "mood_train.csv", "test": "mood_test.csv"}
    command = next(line.split()[2:] for line in shown.splitlines() if "--column text=title" in line)
    assert command == ["corpus", "--name", "tickets", "--column", "text=title"]
    (several / "broken.csv").unlink()
    wishes = Wishes("tickets", columns={"text": "title"})
    assert new_task.run("corpus", wishes, keep=True) == 0
    capsys.readouterr()
    assert new_task.run("corpus", Wishes(), keep=True) == 0
    assert capsys.readouterr().out.count("is a task already") == 3


def test_files_of_one_task_are_read_together_and_one_without_its_labels_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "years").mkdir()
    for name in ("cases_2023", "cases_2024"):
        labelled()(project / f"years/{name}.csv")
    assert new_task.run("years", Wishes(), keep=False) == 0
    assert "files: {train: cases_202*.csv}" in capsys.readouterr().out
    (project / "contest").mkdir()
    labelled()(project / "contest/train.csv")
    table(("text", sentence), ("Label", lambda n: "a"))(project / "contest/test.csv")
    assert new_task.run("contest", Wishes(), keep=False) == 0
    assert "left out, without 'label': test.csv" in capsys.readouterr().out


def test_options_of_one_task_name_it_where_there_are_several(several: Path) -> None:
    with pytest.raises(UserError, match="3 tasks|4 tasks"):
        new_task.run("corpus", Wishes(family="regression"), keep=False)


def test_joint_heads_are_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labelled(("mood", lambda n: ["down", "up"][n % 2]))(project / "tickets.csv")
    assert new_task.run("tickets.csv", Wishes(), keep=False) == 2
    assert "--column label=label --joint mood" in capsys.readouterr().out
    wishes = new_task.wishes_of(None, None, ["label=label"], ["mood"])
    assert new_task.run("tickets.csv", wishes, keep=True) == 0
    (head,) = params.load(project / "params.yaml").tasks["tickets"].joint.items()
    assert (head[0], head[1].family, head[1].columns) == ("mood_2", "classification", {"label": "mood"})


def test_what_a_run_would_refuse_is_not_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "few.csv").write_text("text,label\n" + "".join(f"{sentence(n)},{n % 2}\n" for n in range(12)))
    assert new_task.run("few.csv", Wishes(), keep=True) == 2
    said = capsys.readouterr().out
    assert "a run would refuse it: 'at least 5 rows in" in said
    assert "family: " in said  # what it is can be seen
    assert (project / "params.yaml").read_text() == PARAMS + "remotes: {}\n"


def test_a_number_is_shown_in_every_reading(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rating is a level, a class or a measure: three rows of each of the other two."""
    table(("review", sentence), ("rating", lambda n: n * 3 % 5 + 1))(project / "reviews.csv")
    assert new_task.run("reviews.csv", Wishes(), keep=False) == 0
    shown = capsys.readouterr().out
    assert "read as ordinal" in shown
    assert "it could also be classification" in shown
    assert "it could also be regression" in shown


def test_ratings_of_items_are_learnt_by_their_titles(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every title is rated often and differently: all of its answers are kept."""
    users = ("user", lambda n: f"u{n % 37}")
    titles = (
        "title",
        lambda n: f"{['Red', 'Blue', 'Old'][n % 3]} {['Kettle', 'Lamp', 'Bike', 'Chair'][n % 4]}",
    )
    table(users, titles, ("rating", lambda n: n * 7 // 12 % 5 + 1))(project / "ratings.csv")
    assert new_task.run("ratings.csv", Wishes(), keep=False) == 2
    assert "1  text from 'title': 12 distinct values" in capsys.readouterr().out
    wishes = new_task.wishes_of(None, None, ["text=title"], [])
    assert new_task.run("ratings.csv", wishes, keep=True) == 0
    shown = capsys.readouterr().out
    (other,) = (line for line in shown.splitlines() if "--family regression" in line)
    assert other.count("text=title") == 1
    assert shown.count("'title'") == 1
    assert params.load(project / "params.yaml").tasks["ratings"].cleaning.conflicts == "keep"


def test_what_a_terminal_would_obey_is_not_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table(("text", lambda n: f"\x1b[31m{sentence(n)}\x07"), ("label", lambda n: "ab"[n % 2]))(
        project / "a.csv"
    )
    assert new_task.run("a.csv", Wishes(), keep=False) == 0
    assert "\x1b[31m" not in capsys.readouterr().out.split("for params.yaml")[0]


@pytest.mark.parametrize(
    ("place", "said"),
    [("data/films", "data/films/"), ("data/mood/new", "data/mood/"), ("predictions", "predictions/")],
)
@pytest.mark.parametrize("keep", [False, True])
def test_a_source_where_a_run_writes_is_never_proposed(
    project: Path, place: str, said: str, keep: bool
) -> None:
    (project / place).mkdir(parents=True)
    (project / "films.csv").rename(project / place / "rows.csv")
    before = (project / "params.yaml").read_text()
    with pytest.raises(UserError, match=f"'{place}' meets {said}, where a run writes"):
        new_task.run(place, Wishes(), keep)
    assert (project / "params.yaml").read_text() == before


def test_such_a_folder_is_proposed_where_the_task_has_another_name(project: Path) -> None:
    (project / "data/films").mkdir(parents=True)
    (project / "films.csv").rename(project / "data/films/rows.csv")
    assert new_task.run("data/films", Wishes(name="cinema"), keep=True) == 0
    assert params.load().tasks["cinema"].source.path == "data/films"
