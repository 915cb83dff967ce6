"""`onetrunk feedback`: what waits is shown, accepted as rows of the tasks' data, or rejected."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.data.contract import accepted
from components.data.contract.cards import TASK_CARD, TaskCard, TaskHead
from components.errors import UserError
from components.monitoring.feedback import exchange
from components.monitoring.feedback.records import Feedback
from components.monitoring.feedback.store import Store
from components.monitoring.traffic.rows import RowMaker
from components.monitoring.traffic.store import Writer
from components.release.accepted import accepted_since
from components.settings.traffic import Traffic
from flows import cli
from tests.serving import tiny

FOLDER = Path("monitoring/feedback")
AS_ROWS = "`onetrunk feedback accept` makes rows of them"
GOOD = {"request": "r", "task": "sentiment", "inputs": {"text": "late"}, "answer": {"label": "negative"}}
SPANS = [{"start": 0, "end": 3, "type": "PER"}]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the tasks of the tiny model, one of which has data."""
    tiny.write_params(tmp_path)
    (tmp_path / ".dvc").mkdir()
    shutil.copy(Path(__file__).parents[2] / "dvc.yaml", tmp_path)
    settings(tmp_path, feedback={})
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    facts = tiny.CARDS["sentiment"]["facts"]
    head = TaskHead(family="classification", facts=facts, rows={})
    card = TaskCard(task="sentiment", max_length=24, inputs=["text"], rows={}, heads={"sentiment": head})
    card.write(tmp_path / "data/sentiment" / TASK_CARD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(folder: Path, **sections: Any) -> None:
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **sections}))


def put(**changes: Any) -> Feedback:
    """What the service would keep."""
    said = {"item": 0, "release": "v1.0.0", "received": "2026-11-29T04:00:00+00:00", **GOOD, **changes}
    one = Feedback(**said)
    Store(FOLDER, 10**9).add(one)
    return one


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of `onetrunk feedback`, and what it says."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["feedback", *words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


def rows(task: str) -> list[tuple[Any, Any]]:
    return [(one.inputs, one.answer) for one in accepted.read(Path("accepted") / f"{task}.jsonl")]


def waiting() -> set[str]:
    return {key for key, _ in Store(FOLDER, 1).all_waiting()}


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
    assert "1 other answers to the same" in said
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


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz")]
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tiny.write_tokenizer(file, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters])
    return file


def record(tokenizer: Path, worker: str = "a", **texts: tuple[str, float]) -> None:
    """Traffic of today: request=(text, probability of "positive")."""
    traffic = Traffic(texts=True)
    writer = Writer(traffic, worker)
    maker = RowMaker(tokenizer, {"sentiment": ["negative", "positive"]}, "v1", traffic)
    for request, (text, probability) in texts.items():
        answers = {"sentiment": {"label": "positive", "probability": probability}}
        writer.add([maker.row(0.5, [text], answers, f"{request}/0", {"text": text})])
    writer.flush()


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


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["label_studio", "doccano"])
def test_what_teaches_most_is_labelled_in_a_tool_and_comes_back(
    tool: str, capsys, project: Path, tokenizer: Path
) -> None:
    settings(project, traffic={"texts": True})
    record(tokenizer, a=("sure", 0.99), b=("unsure", 0.51), c=("so so", 0.7), d=("argued about", 0.98))
    put(request="d", inputs={"text": "argued about"})
    put(request="c", task="ner", inputs={"text": "so so"}, answer={"spans": SPANS})  # of another task
    said = run(capsys, "candidates", "out", "--task", "sentiment", "--format", tool, "--limit", "3")
    assert said == (0, f"out: 3 texts for {tool}\n")
    text = Path("out").read_text()
    exported = json.loads(text) if tool == "label_studio" else [json.loads(one) for one in text.splitlines()]
    data = [one["data"] if tool == "label_studio" else one for one in exported]
    assert [one["text"] for one in data] == ["argued about", "unsure", "so so"]
    Path("labelled").write_text(labelled(tool, exported))
    assert "2 answers, 2 of them new" in run(capsys, "import", "labelled", "--task", "sentiment")[1]
    assert "2 answers, 0 of them new" in run(capsys, "import", "labelled", "--task", "sentiment")[1]
    run(capsys, "reject", "--id", "d/0/sentiment")
    assert "accepted: 1 of sentiment" in run(capsys, "accept", "--task", "sentiment")[1]
    assert rows("sentiment")[0] == ({"text": "unsure"}, {"label": "negative"})
    again = run(capsys, "candidates", "out", "--task", "sentiment", "--format", tool)
    assert again == (0, f"out: 3 texts for {tool}\n")  # what has its label is no candidate


def labelled(tool: str, tasks: list[Any]) -> str:
    """What the tool exports once a person has labelled the last but one of its tasks, and disputed the first."""
    if tool == "doccano":
        done = [
            {**one, "id": n, "label": ["negative"] if n else ["positive"]} for n, one in enumerate(tasks[:2])
        ]
        return "".join(json.dumps(one) + "\n" for one in [*done, {**tasks[2], "id": 2, "label": []}])
    choice = {"from_name": "label", "to_name": "text", "type": "choices"}
    return json.dumps([
        {"id": n, "annotations": [{"result": [{**choice, "value": {"choices": ["positive", "negative"][n:n + 1]}}]}], **one}
        if n < 2 else {"id": n, "annotations": [], **one}
        for n, one in enumerate(tasks)
    ])  # fmt: skip


def test_spans_come_back_as_they_were_drawn(capsys, project: Path) -> None:
    Path("l").write_text(json.dumps({"id": 1, "text": "Ada left", "label": [[0, 3, "PER"]]}) + "\n")
    assert run(capsys, "import", "l", "--task", "ner", "--format", "doccano")[0] == 0
    assert "accepted: 1 of ner" in run(capsys, "accept")[1]
    ((inputs, answer),) = rows("ner")
    assert inputs == {"text": "Ada left"}
    assert {key: answer["spans"][0][key] for key in ("start", "end", "type")} == SPANS[0]


def test_an_imported_text_that_was_never_asked_is_of_no_request(capsys, project: Path) -> None:
    """Whoever made the file may have a column of this name."""
    lines = [{"text": text, "label": ["neutral"], "onetrunk": said} for text, said in zip("abc", (5, "r/" + "9" * 5000, "r/2"), strict=True)]  # fmt: skip
    Path("l").write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert run(capsys, "import", "l", "--task", "sentiment") == (
        0,
        f"l: 3 answers, 3 of them new; {AS_ROWS}\n",
    )
    found = {one.inputs["text"]: one.prediction for _, one in Store(FOLDER, 1).all_waiting()}
    assert found == {"a": "imported/0/sentiment", "b": "imported/0/sentiment", "c": "r/2/sentiment"}


def test_of_several_labels_all_are_taken_by_a_task_that_gives_several(capsys, project: Path) -> None:
    tasks = yaml.safe_load((project / "params.yaml").read_text())["tasks"]
    topics = {**tasks["sentiment"], "family": "multi_label", "columns": {"text": "t", "labels": "l"}}
    topics["gate"] = {"metric": "micro_f1", "floor": 0.1, "margin": 0.1}
    settings(project, tasks={**tasks, "topics": topics})
    chosen = {"a": ["late", "broken"], "b": ["late"], "c": []}
    export = [
        {"id": n, "data": {"text": text}, "annotations": [{"result": [
            {"from_name": "l", "to_name": "text", "value": {"choices": labels}}]}]}
        for n, (text, labels) in enumerate(chosen.items())
    ]  # fmt: skip
    unlabelled = {"id": 9, "data": {"text": "d"}, "annotations": []}
    Path("l").write_text(json.dumps([*export, unlabelled]))
    assert run(capsys, "import", "l", "--task", "topics") == (
        0,
        f"l: 3 answers, 3 of them new; {AS_ROWS}\nleft out, 1: a task without an annotation\n",
    )
    found = {one.inputs["text"]: one.answer for _, one in Store(FOLDER, 1).all_waiting()}
    assert found == {text: {"labels": labels} for text, labels in chosen.items()}
    code, said = run(capsys, "import", "l", "--task", "sentiment")
    assert (code, "l: row 1: 2 labels (late, broken), expected one, as the task gives it" in said) == (
        2,
        True,
    )
    Path("l").write_text(json.dumps([*export[1:], unlabelled]))
    said = run(capsys, "import", "l", "--task", "sentiment")[1]
    assert "1 answers, 1 of them new" in said
    assert "left out, 1: a text without an answer for sentiment\n" in said
    Path("l").write_text('{"text": "e", "label": []}\n')  # of doccano: nobody has looked at it, maybe
    assert "l: 0 answers, 0 of them new" in run(capsys, "import", "l", "--task", "topics")[1]


def test_what_is_no_answer_of_a_family_is_none() -> None:
    assert exchange._answer({"answers": []}, "span", "label_studio") == {}
    assert exchange._too_much({"labels": ["late", "broken"]}, "tagging") == ""


BAD = {
    "no section": (("accept",), {"feedback": None}, "params.yaml: feedback: missing; `feedback: {}`"),
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


def test_the_time_is_that_of_acceptance(capsys) -> None:
    put()
    run(capsys, "accept")
    (one,) = accepted.read(Path("accepted/sentiment.jsonl"))
    assert abs((datetime.now(UTC) - datetime.fromisoformat(one.time)).total_seconds()) < 600
