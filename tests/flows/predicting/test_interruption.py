"""An interrupted or killed command goes on and comes to the same bytes; a changed input is not answered in part."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from flows.predicting import answering, file
from serving.predictor import Predictor
from tests.flows.predicting.files import TEXTS, Ask, load, write_lines


@pytest.mark.slow
def test_an_interrupted_command_goes_on_and_comes_to_the_same_bytes(
    whole: bytes, asked: list[int], ask: Ask
) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask("in.jsonl", "out.jsonl")
    assert not Path("out.jsonl").exists()
    asked.clear()
    assert ask("in.jsonl", "out.jsonl") == (40, 0)
    assert asked == [8, 8]
    assert Path("out.jsonl").read_bytes() == whole


def test_who_writes_into_the_files_of_a_model_that_answers_changes_no_answer(
    bundle: Path, tmp_path: Path
) -> None:
    """As `cp` of another Bento over one that is served does."""
    predictor = Predictor(shutil.copytree(bundle, tmp_path / "model"))
    before = predictor.predict(TEXTS, ["sentiment"])
    weights = tmp_path / "model/model.safetensors"
    with weights.open("r+b") as file:
        file.write(bytes(weights.stat().st_size))
    assert predictor.predict(TEXTS, ["sentiment"]) == before


def test_after_an_upgrade_that_cuts_other_windows_no_row_is_there_twice(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS])
    with monkeypatch.context() as context:
        context.setattr(file.writing, "write", lambda *_: pytest.fail("the power is gone"))
        with pytest.raises(pytest.fail.Exception):
            ask("in.jsonl", "out.jsonl", ["sentiment"])
    monkeypatch.setattr(answering, "WINDOW", (7, 10_000))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (40, 0)
    assert [row["text"] for row in load("out.jsonl")] == TEXTS


def test_what_is_called_whole_is_on_the_disk(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut would leave a torn file that the same command puts in its place."""
    flushed: list[str] = []
    real = file.fsync
    monkeypatch.setattr(file, "fsync", lambda path: flushed.append(path.name) or real(path))
    real_done = file.atomic_file

    def done(path: Path) -> Any:
        flushed.append(path.name)
        return real_done(path)

    monkeypatch.setattr(file, "atomic_file", done)
    Path("in.csv").write_text("text\nada\n")
    ask("in.csv", "out.csv", ["sentiment"])
    assert flushed == ["of.json", "00000000.jsonl", "output", "done.json", "out.csv"]


def test_killed_after_the_output_stands_the_command_ends_well_and_keeps_nothing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS[:9]] + [{"text": 7}])
    with monkeypatch.context() as context:
        context.setattr(file.Part, "_end", lambda _: pytest.fail("the power is gone"))
        with pytest.raises(pytest.fail.Exception):
            ask("in.jsonl", "out.jsonl")
    before = Path("out.jsonl").read_bytes(), Path("out.jsonl").stat().st_ino
    with monkeypatch.context() as context:
        context.setattr(answering.Answerer, "answer", lambda *_: pytest.fail("answered again"))
        assert ask("in.jsonl", "out.jsonl") == (10, 1)
    assert (Path("out.jsonl").read_bytes(), Path("out.jsonl").stat().st_ino) == before  # nor written again
    assert not list(Path(".onetrunk/predictions").iterdir())


def test_what_is_kept_goes_at_once_and_what_a_killed_command_left_of_it_later(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it would say that the output which stands is another's."""
    Path("in.csv").write_text("text\nada\n")

    def killed(folder: Path, **_: Any) -> None:
        for file_ in folder.glob("done.json"):
            file_.unlink()
            pytest.fail("the power is gone")

    with monkeypatch.context() as context:
        context.setattr(file.shutil, "rmtree", killed)
        with pytest.raises(pytest.fail.Exception):
            ask("in.csv", "out.csv", ["sentiment"])
    (left,) = Path(".onetrunk/predictions").iterdir()
    assert left.name.endswith(".gone")
    Path("out.csv").unlink()
    assert ask("in.csv", "out.csv", ["sentiment"]) == (1, 0)
    assert not list(Path(".onetrunk/predictions").iterdir())


def test_a_changed_input_is_answered_anew_and_that_is_said(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS])
    with monkeypatch.context() as context:
        context.setattr(file.writing, "write", lambda *_: pytest.fail("the power is gone"))
        with pytest.raises(pytest.fail.Exception):
            ask("in.jsonl", "out.jsonl")
    write_lines("in.jsonl", [{"text": text.upper()} for text in TEXTS[:9]])
    capsys.readouterr()
    assert ask("in.jsonl", "out.jsonl") == (9, 0)
    assert capsys.readouterr().err.startswith("in.jsonl: begun anew, since the file, the model or what is ")
    assert not list(Path(".onetrunk/predictions").iterdir())  # nothing of the earlier attempt stays
    assert [row["text"] for row in load("out.jsonl")] == [text.upper() for text in TEXTS[:9]]


def test_an_input_that_changes_while_it_is_answered_is_one_sentence_and_no_output(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS[:9]])
    answer = answering.Answerer.answer

    def grows(self: answering.Answerer, window: Any) -> Any:
        with Path("in.jsonl").open("a") as opened:
            opened.write('{"text": "more"}\n')
        return answer(self, window)

    with monkeypatch.context() as context:
        context.setattr(answering.Answerer, "answer", grows)
        with pytest.raises(UserError, match=r"^in\.jsonl: has changed while its rows were answered"):
            ask("in.jsonl", "out.jsonl", ["sentiment"])
    assert not Path("out.jsonl").exists()
    rows = len(load("in.jsonl"))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (rows, 0)
