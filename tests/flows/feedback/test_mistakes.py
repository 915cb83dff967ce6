"""Mistakes and damaged files are one sentence, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from components.monitoring.feedback import exchange
from tests.flows.feedback.waiting import FOLDER, put, run, settings, waiting

BAD = {
    "no section": (("accept",), {"feedback": ...}, "params.yaml: feedback: missing; `feedback: {}`"),
    "nothing in it": (("accept",), {"feedback": None}, "params.yaml: feedback: found nothing; write `feedback: {}`"),
    "a misspelt key": ((), {"feedback": {"foldr": "x"}}, "did you mean 'folder'?"),
    "no bytes": ((), {"feedback": {"max_bytes": 0}}, "feedback.max_bytes: found 0"),
    "an unknown action": (("acept",), {}, "invalid choice: 'acept'"),
    "an unknown id": (("accept", "--id", "r/0/sentimant"), {}, "nothing waits under the id 'r/0/sentimant' (did"),
    "reject of nothing": (("reject",), {}, "feedback reject: of what? name it by --id or --task, or say --all"),
    "a file too many": (("accept", "x"), {}, "feedback accept: expected no FILE"),
    "a file too few": (("import", "--task", "ner"), {}, "feedback import: expected a FILE"),
    "no task": (("import", "x"), {}, "feedback import: found 0 tasks, expected one: --task NAME"),
    "an unknown task": (("import", "x", "--task", "nre"), {}, "--task: no task 'nre' in params.yaml (did you"),
    "no such file": (("import", "x", "--task", "ner"), {}, "x: no such file"),
    "no such format": (("import", "params.yaml", "--task", "ner"), {}, "params.yaml: found no export of"),
    "--new elsewhere": (("reject", "--all", "--new"), {}, "feedback reject: --new is for accept"),
    "--id elsewhere": (("--id", "x"), {}, "feedback show: --id is for accept and reject"),
    "no texts": (("candidates", "x", "--task", "ner"), {}, "params.yaml: traffic.texts is not true"),
    "half a character": (("import", "half.jsonl", "--task", "sentiment"), {}, "half.jsonl: row 1: U+D800, half of a"),
    "a label twice": (("import", "twice.jsonl", "--task", "sentiment"), {}, "twice.jsonl: row 1: 'label' is there twice"),
    "other columns": (("import", "other.jsonl", "--task", "ner", "--format", "doccano"), {}, "other.jsonl: row 1: no 'text'"),
}  # fmt: skip


@pytest.mark.slow_after(6)
@pytest.mark.parametrize(("words", "sections", "sentence"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_sentence_and_nothing_is_lost(
    words: tuple[str, ...], sections: dict[str, Any], sentence: str, capsys, project: Path
) -> None:
    put()
    before = waiting()
    settings(project, **sections)
    Path("half.jsonl").write_text('{"text": "\\ud800", "label": ["neutral"]}\n')
    Path("twice.jsonl").write_text('{"text": "Ada", "label": ["neutral"], "label": ["negative"]}\n')
    Path("other.jsonl").write_text('{"body": "Ada", "label": [[0, 3, "PER"]]}\n')
    code, said = run(capsys, *words)
    assert (code, said.count("error: ")) == (2, 1)
    assert sentence in said
    assert waiting() == before
    assert not Path("accepted").exists()


def test_a_score_that_is_not_finite_is_no_answer(tmp_path: Path) -> None:
    """Kept, it would have become null."""
    exported = tmp_path / "scores.jsonl"
    exported.write_text('{"text": "a", "score": 1.5}\n{"text": "b", "score": Infinity}\n')
    read = exchange.read(exported, "doccano", "mood", "regression", ["text"])
    assert next(read).answer == {"score": 1.5}
    with pytest.raises(UserError, match=r"scores\.jsonl: row 2: a number in it is not finite"):
        next(read)


def test_a_damaged_file_is_named_and_holds_nothing_up(capsys) -> None:
    put()
    torn = FOLDER / "waiting/0a.json"
    torn.write_text("{")
    unknown = put(request="gone", task="gone")
    said = run(capsys)[1]
    assert "waiting/0a.json: not JSON" in said
    assert "no task 'gone' in params.yaml" in said
    assert "accepted: 1 of sentiment" in run(capsys, "accept")[1]
    assert run(capsys, "reject", "--id", "0a", "--id", unknown.key) == (
        0,
        "rejected: 1 of damaged files, 1 of gone\n",
    )
    assert not torn.exists()


def test_what_was_decided_on_waits_no_more_where_that_was_cut_short(capsys) -> None:
    """Killed after the name was written, and before the file was removed."""
    one = put()
    (FOLDER / "decided").mkdir()
    (FOLDER / "decided" / one.key).touch()
    assert "accepted: none" in run(capsys, "accept")[1]
    assert not (FOLDER / f"waiting/{one.key}.json").exists()


def test_a_pipeline_that_would_not_read_them_is_named_before_anything_is_decided(capsys) -> None:
    put()
    Path("dvc.yaml").write_text(Path("dvc.yaml").read_text().replace("      - accepted\n", ""))
    code, said = run(capsys, "accept")
    assert (code, "run `onetrunk upgrade` once" in said) == (2, True)
    assert len(waiting()) == 1


def test_damaged_accepted_rows_are_named_before_anything_is_decided(capsys) -> None:
    put()
    Path("accepted").mkdir()
    Path("accepted/sentiment.jsonl").write_text("{\n")
    code, said = run(capsys, "accept")
    assert (code, "accepted/sentiment.jsonl: line 1: " in said) == (2, True)
    assert len(waiting()) == 1
