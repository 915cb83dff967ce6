"""What the program suggests to run can be pasted: quoted right, and no file is written onto itself."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components import advice
from components.data.propose import Wishes
from components.data.propose.places import locate
from components.data.propose.workbook import source_of
from components.data.sources import encoder
from components.data.sources.formats.text import read_jsonl
from components.errors import UserError
from components.settings.data import Source
from flows import cli, new_task
from tests.trees import tree

ROOT = Path(__file__).parents[1]
ODD = [
    "plain",
    "two words",
    "don't",
    'a "quoted" one',
    "$HOME",
    "`id`",
    "a;b&c|d>e",
    "*?[x]",
    "-dash",
    "naïve 表 🙂",
    ":smile:",
    "[bold]",
    "back\\slash",
    "#hash",
    "~tilde",
    "!bang",
]
TOOLS = re.compile(r"(?:onetrunk|dvc|git|jq|cd|mv|cp|pip|python|open|curl|env)\b")
LOOSE = re.compile(
    r"(?<![\w`./-])(?:onetrunk [a-z-]+|dvc [a-z]+|git [a-z]+|jq|cd|mv|cp|pip install) [^`;,.]*$"
)


def sentences() -> Iterator[tuple[str, list[ast.expr]]]:
    """Every f-string of the program: (where it is, its parts)."""
    for package in ("components", "flows", "serving"):
        for file in sorted((ROOT / package).rglob("*.py")):
            if "project/from" in str(file):
                continue
            for node in ast.walk(tree(file)):
                if isinstance(node, ast.JoinedStr):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node.values


def holes() -> Iterator[tuple[str, str, str]]:
    """What is filled into a suggested command: (where, the command up to it, the expression)."""
    for where, parts in sentences():
        said = ""
        for part in parts:
            if isinstance(part, ast.Constant):
                said += str(part.value)
                continue
            assert isinstance(part, ast.FormattedValue)
            command = said.rpartition("`")[2] if said.count("`") % 2 else ""
            loose = LOOSE.search(said) if not command else None
            if loose or TOOLS.match(command):
                yield where, command or str(loose and loose[0]), ast.unparse(part.value)
            said += "X"


@pytest.mark.slow
def test_whatever_is_filled_into_a_command_is_quoted() -> None:
    """`advice.word` does it, or what is made of words by it; a stage's name in a loop is made so, too."""
    found = list(holes())
    assert len(found) >= 5, "the search finds no commands any more"
    bare = [
        hole
        for hole in found
        if not hole[2].startswith(("advice.", "lines_of(", "word(")) and hole[2] not in QUOTED
    ]
    assert not [hole for hole in bare if not hole[1].startswith(REPORTS)]


QUOTED = {
    "download",
    "fetch",
    "PIPELINE",
    "command",
    "theirs",
}  # data/propose/places.py, flows/notifications/news.py, flows/releases/table.py: words already; flows/upgrade.py: a constant
REPORTS = ("dvc exited with", "onetrunk run would look")  # say what happened, not what to do


@pytest.mark.parametrize("name", ODD)
def test_a_word_is_one_word_to_a_shell(name: str) -> None:
    path = Path(f"{name}.csv")
    for word in (advice.word(path), advice.word(name)):
        done = subprocess.run(["bash", "-c", f"printf '%s\\n' {word}"], capture_output=True, text=True)
        assert Path(done.stdout.removesuffix("\n")) in (path, Path(name))
    assert not advice.word(path).startswith("-")


@pytest.mark.slow_after(6)
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@pytest.mark.parametrize("name", ODD)
def test_the_advice_for_a_json_list_makes_lines_and_keeps_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("a folder", f"{name}{suffix}")
    file.parent.mkdir()
    text = '[\n {"text": "a"},\n {"text": "b"}\n]\n'
    file.write_text(text)
    file.with_name(f"{name}.new.jsonl").write_text("the user's")
    command = advice.lines_of(file)
    subprocess.run(["bash", "-c", command], check=True)
    assert file.read_text() == text
    assert file.with_name(f"{name}.new.jsonl").read_text() == "the user's"
    (made,) = set(file.parent.iterdir()) - {file, file.with_name(f"{name}.new.jsonl")}
    assert made.read_text() == '{"text":"a"}\n{"text":"b"}\n'


def test_the_sentence_for_a_json_list_holds_that_advice(tmp_path: Path) -> None:
    """A list that is read as JSON Lines; new-task knows better."""
    file = tmp_path / "my rows.jsonl"
    file.write_text("[\n[1], [2]]\n")
    assert source_of(file) == {"format": "json"}
    with pytest.raises(UserError) as raised:
        list(read_jsonl(file, Source(path=str(file), format="jsonl")))
    said = re.search("`(.*)`", str(raised.value))
    assert said and said[1] == advice.lines_of(file)


@pytest.mark.parametrize("name", ODD)
def test_new_task_suggests_what_the_command_line_reads_as_it_was_meant(name: str) -> None:
    wishes = Wishes("mine", "classification", {"text": name, "label": f"{name} = {name}"})
    command = new_task._command(f"{name}.csv", wishes)
    given = cli.parser().parse_args(shlex.split(command)[1:])
    assert Path(given.data) == Path(f"{name}.csv")
    assert new_task.wishes_of(given.name, given.family, given.column) == wishes


def test_a_download_that_is_not_here_is_named_as_a_word() -> None:
    with (
        pytest.raises(UserError, match="`dvc repro 'download@my set'` or `dvc repro 'fetch@my set'`"),
        locate("downloads/my set/rows.csv"),
    ):
        pass


@pytest.mark.parametrize(
    "text", ['[\n {"a": 1},\n {"a": 2}\n]\n', '[{"a": 1},\n{"a": 2}]\n', '[{"a": 1}]', '{\n "a": 1}\n']
)
def test_a_reader_of_lines_says_it_of_one_document_too(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(text)
    source = Source(path=str(file), format="jsonl")
    with pytest.raises(UserError) as raised:
        list(read_jsonl(file, source))
    assert str(raised.value) == advice.one_document(file)


@pytest.mark.slow_after(3)
@pytest.mark.parametrize("name", ODD)
def test_what_python_is_to_do_with_a_folder_names_that_folder(tmp_path: Path, name: str) -> None:
    """As a stand-in for transformers, a module that prints what it is given."""
    (tmp_path / "transformers.py").write_text(
        "class AutoTokenizer:\n"
        "    @classmethod\n"
        "    def from_pretrained(cls, folder):\n"
        "        print(folder)\n"
        "        return cls()\n"
        "    def save_pretrained(self, folder):\n"
        "        print(folder)\n"
    )
    command = encoder._python("AutoTokenizer", Path(name))
    found = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # as where it is activated
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=found, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.stdout == f"{name}\n" * 2, done.stderr
