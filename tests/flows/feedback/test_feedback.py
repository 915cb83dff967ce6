"""`onetrunk feedback`: what waits is shown, accepted as rows of the tasks' data, or rejected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from components.data.contract import accepted
from components.monitoring.feedback.store import Store
from components.release.accepted import accepted_since
from tests.flows.feedback.waiting import FOLDER, SPANS, put, record, rows, run, settings, waiting


def test_what_is_clear_is_accepted_and_what_needs_a_look_is_left(capsys) -> None:
    put()
    put(request="s", task="ner", inputs={"text": "Ada left"}, answer={"spans": SPANS})
    new = put(request="n", inputs={"text": "so so"}, answer={"label": "mixed"})
    one, other = (
        put(request="d", inputs={"text": "fine"}, answer={"label": x}) for x in ("neutral", "positive")
    )
    bad = put(request="b", task="ner", inputs={"text": "Ada"}, answer={"spans": [[0, 9, "PER"]]})
    code, said = run(capsys)
    assert code == 0
    assert "sentiment: 4 waiting, 0 accepted in all" in said
    assert "1 cannot be accepted:" in said
    assert "span 1 is 0 to 9, expected a span of the text's 3 characters" in said
    assert "3 need a look:" in said
    assert "label 'mixed' is not in the label set" in said
    assert "1 other answer to the same" in said
    assert "text: Ada left\n    right: spans PER Ada\n" in said  # the words, not only their type
    assert "text: Ada\n    right: spans 0, 9, PER\n" in said
    code, said = run(capsys, "accept")
    assert (code, "accepted: 1 of ner, 1 of sentiment" in said) == (0, True)
    assert "4 wait for a look" in said
    assert rows("sentiment") == [({"text": "late"}, {"label": "negative"})]
    assert rows("ner") == [({"text": "Ada left"}, {"spans": SPANS})]
    assert waiting() == {new.key, one.key, other.key, bad.key}
    assert accepted_since(None) == {"ner": 1, "sentiment": 1}


def test_an_answer_that_cannot_be_a_row_disputes_none(capsys) -> None:
    put()
    bad = put(request="b", answer={"label": ""})
    assert "accepted: 1 of sentiment" in run(capsys, "accept")[1]
    assert waiting() == {bad.key}


def test_a_person_decides_by_id(capsys) -> None:
    new = put(answer={"label": "mixed"})
    one, other = (
        put(request="d", inputs={"text": "fine"}, answer={"label": x}) for x in ("neutral", "positive")
    )
    code, said = run(capsys, "accept", "--id", "d/0/sentiment")
    assert (code, "d/0/sentiment: 2 answers wait under this id; name one by its own" in said) == (2, True)
    assert len(waiting()) == 3
    assert run(capsys, "accept", "--id", other.key)[0] == 0
    code, said = run(capsys, "accept", "--id", "r/0/sentiment")
    assert (code, "accept it with --new if the label is meant" in said) == (2, True)
    assert run(capsys, "accept", "--id", "r/0/sentiment", "--new")[0] == 0
    assert [answer["label"] for _, answer in rows("sentiment")] == ["positive", "mixed"]
    assert run(capsys, "reject", "--id", one.key)[0] == 0
    assert waiting() == set()
    assert not Store(FOLDER, 10**9).add(new)  # what is sent again was decided on
    assert not Store(FOLDER, 10**9).add(one)


def test_a_label_outside_a_declared_set_is_no_row_until_the_set_has_it(capsys, project: Path) -> None:
    def declare(*labels: str) -> None:
        tasks = yaml.safe_load((project / "params.yaml").read_text())["tasks"]
        tasks["sentiment"]["source"]["labels"] = [*labels]
        settings(project, tasks=tasks)

    put(answer={"label": "mixed"})
    declare("negative", "positive")
    assert "1 cannot be accepted" in run(capsys)[1]
    assert run(capsys, "accept", "--id", "r/0/sentiment", "--new")[0] == 2
    declare("negative", "positive", "mixed")
    assert "accepted: 1 of sentiment" in run(capsys, "accept")[1]


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_was_written_before_a_kill_is_not_written_twice(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    put()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "decide", killed)
        assert run(capsys, "accept")[0] == 130
    assert len(rows("sentiment")) == len(waiting()) == 1
    assert run(capsys, "accept")[0] == 0
    assert (len(rows("sentiment")), waiting()) == (1, set())


def test_nothing_that_a_caller_sent_acts_on_the_terminal(capsys) -> None:
    put(inputs={"text": "a\x1b[2J"}, answer={"label": "\x1b]0;x\x07"})
    assert "\x1b" not in run(capsys)[1]


def test_the_text_of_a_prediction_is_found_where_the_traffic_has_recorded_it(
    capsys, project: Path, tokenizer: Path
) -> None:
    settings(project, traffic={"texts": True})
    record(tokenizer, r=("it was late", 0.9))
    put(inputs=None)
    gone = put(request="gone", inputs=None)
    assert "no text was recorded under this id, and none was sent" in run(capsys)[1]
    assert run(capsys, "accept")[0] == 0
    assert rows("sentiment") == [({"text": "it was late"}, {"label": "negative"})]
    assert waiting() == {gone.key}


def test_of_two_texts_under_one_id_none_is_taken(capsys, project: Path, tokenizer: Path) -> None:
    """A caller gives ids, and may give one twice."""
    settings(project, traffic={"texts": True})
    for number in range(2):
        record(tokenizer, worker=str(number), r=(f"text {number}", 0.9))
    put(inputs=None)
    assert "2 different texts were recorded under this id, and none was sent" in run(capsys)[1]
    assert "accepted: none" in run(capsys, "accept")[1]


def test_the_newest_is_shown_first(capsys) -> None:
    for day in range(1, 6):
        put(request=f"r{day}", inputs={"text": f"day {day}"}, received=f"2026-11-0{day}T04:00:00+00:00")
    said = run(capsys, "--limit", "3")[1]
    assert [line.split()[1] for line in said.splitlines() if "/sentiment " in line] == [
        "r5/0/sentiment", "r4/0/sentiment", "r3/0/sentiment",
    ]  # fmt: skip


def test_a_row_that_was_accepted_stays_as_it_was(tmp_path: Path) -> None:
    row = accepted.Accepted(
        id="a", time="2026-11-29T04:00:00+00:00", head="h", inputs={"text": "a"}, answer={}
    )
    for one in (row, row.model_copy(update={"time": "2026-11-30T04:00:00+00:00"})):
        accepted.add(tmp_path / "h.jsonl", [one])
    assert accepted.read(tmp_path / "h.jsonl") == [row]


def test_the_time_is_that_of_acceptance(capsys) -> None:
    put()
    run(capsys, "accept")
    (one,) = accepted.read(Path("accepted/sentiment.jsonl"))
    assert abs((datetime.now(UTC) - datetime.fromisoformat(one.time)).total_seconds()) < 600
