"""What teaches most is labelled in a tool, and comes back as rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.monitoring.feedback import exchange
from components.monitoring.feedback.store import Store
from tests.flows.feedback.waiting import FOLDER, SPANS, put, record, rows, run, settings

AS_ROWS = "`onetrunk feedback accept` makes rows of them"


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


def test_where_nothing_is_to_be_labelled_no_file_is_written(capsys, project: Path) -> None:
    settings(project, traffic={"texts": True})
    code, said = run(capsys, "candidates", "out", "--task", "sentiment")
    assert (code, said) == (
        0, "no candidates: no text for sentiment in monitoring/traffic/ is without a label; out is not written\n",
    )  # fmt: skip
    assert not Path("out").exists()


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


def studio(text: str, *spans: tuple[int, int, str]) -> dict[str, Any]:
    """A task of Label Studio's export."""
    marked = [
        {"id": f"s{n}", "from_name": "label", "to_name": "text", "type": "labels",
         "value": {"start": start, "end": end, "text": said, "labels": ["PER"]}}
        for n, (start, end, said) in enumerate(spans)
    ]  # fmt: skip
    return {"data": {"text": text}, "annotations": [{"result": marked}]}


@pytest.mark.parametrize("emojis", [True, False], ids=["UTF-16 units", "characters"])
def test_spans_behind_an_emoji_come_back_however_the_tool_has_counted_it(
    capsys, project: Path, emojis: bool
) -> None:
    tasks = [studio("😀 Ada left", (2 + emojis, 5 + emojis, "Ada")), studio("so did Bob", (7, 10, "Bob"))]
    Path("l").write_text(json.dumps([{**one, "id": n} for n, one in enumerate(tasks)]))
    assert run(capsys, "import", "l", "--task", "ner")[0] == 0
    assert "accepted: 2 of ner" in run(capsys, "accept")[1]
    found = {
        inputs["text"]: (one["start"], one["end"])
        for inputs, answer in rows("ner")
        for one in answer["spans"]
    }
    assert found == {"😀 Ada left": (2, 5), "so did Bob": (7, 10)}


def chosen(text: str, **questions: list[str]) -> dict[str, Any]:
    """A task of Label Studio's export with the answers to some questions."""
    result = [
        {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": choices}}
        for name, choices in questions.items()
    ]
    return {"data": {"text": text, "sentiment": "neutral"}, "annotations": [{"result": result}]}


@pytest.mark.parametrize("name", ["sentiment", "label"])
def test_of_several_questions_a_task_takes_that_of_its_name_or_its_role(
    capsys, project: Path, name: str
) -> None:
    tasks = [chosen("late", **{name: ["negative"], "topic": ["trains"]}), chosen("ok", topic=["negative"])]
    Path("l").write_text(json.dumps([{**one, "id": n} for n, one in enumerate(tasks)]))
    code, said = run(capsys, "import", "l", "--task", "sentiment")
    assert (code, "1 answers, 1 of them new" in said) == (0, name == "sentiment")
    found = {one.inputs["text"]: one.answer for _, one in Store(FOLDER, 1).all_waiting()}
    assert found["late"] == {"label": "negative"}
    assert name == "label" or "left out, 1: a text without an answer for sentiment" in said


def test_questions_of_which_none_is_the_tasks_are_refused_with_what_to_call_it(capsys, project: Path) -> None:
    """An answer to the one would be taken for an answer to the other, where only that was given."""
    tasks = [chosen("late", mood=["negative"]), chosen("ok", topic=["trains"])]
    Path("l").write_text(json.dumps([{**one, "id": n} for n, one in enumerate(tasks)]))
    said = "l: its questions are 'mood', 'topic'; call that of sentiment 'sentiment' or 'label'"
    assert run(capsys, "import", "l", "--task", "sentiment") == (2, f"error: {said}\n")
    Path("l").write_text(json.dumps([{**tasks[0], "id": 1}]))  # the only question is the task's
    assert "1 answers, 1 of them new" in run(capsys, "import", "l", "--task", "sentiment")[1]


def test_a_span_that_stands_nowhere_is_named_with_its_row(capsys, project: Path) -> None:
    tasks = [studio("Ada left", (0, 3, "Ada")), studio("so did Bob", (2, 5, "Bob")), {"data": {"text": "no"}}]
    Path("l").write_text(json.dumps([{**one, "id": n} for n, one in enumerate(tasks)]))
    code, said = run(capsys, "import", "l", "--task", "ner")
    assert (code, "l: row 2: span 1, 2 to 5, is ' di' in the text and 'Bob' in the export" in said) == (
        2,
        True,
    )


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
