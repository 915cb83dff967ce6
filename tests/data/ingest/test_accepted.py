"""Rows that were accepted from feedback join a task's training rows, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.contract import accepted
from components.data.contract.accepted import Accepted
from components.data.contract.cards import task_card
from components.data.ingest.ingest import ingest
from components.errors import UserError
from tests.data.ingest.classified import PLAIN, read_splits, task

TIME = "2026-11-29T04:00:00Z"


def row(key: str, head: str = "t", **values: object) -> Accepted:
    """`text` is what was asked, the rest is the answer."""
    asked = {"text": values.pop("text")} if "text" in values else {}
    return Accepted(id=key, time=TIME, head=head, inputs=asked, answer=values)


def take_in(folder: Path, *values: dict, rows: list[str] = PLAIN, header: str = "body,label", **changes):
    """The splits of a task with these accepted rows."""
    (folder / "a.csv").write_text("\n".join([header, *rows]) + "\n")
    file = accepted.file_of(folder / "accepted", "t")
    accepted.add(file, [row(f"k{n}", **one) for n, one in enumerate(values)])
    own = {"columns": {"text": "body", "label": "label"}, **changes}
    ingest("t", task(str(folder / "a.csv"), **own), 1, folder / "out", file)
    return read_splits(folder / "out")


def test_an_accepted_row_is_trained_on_and_a_new_label_is_learnt(tmp_path: Path) -> None:
    before = take_in(tmp_path)
    after = take_in(tmp_path, {"text": "all new", "label": "c"})
    assert after["test"] == before["test"]
    assert after["validation"] == before["validation"]
    assert [row["id"] for row in after["train"]] == [
        *(row["id"] for row in before["train"]), "feedback-k0"
    ]  # fmt: skip
    assert task_card(tmp_path / "out").heads["t"].facts["labels"] == ["a", "b", "c"]


def test_a_correction_takes_the_place_of_the_training_row_and_never_of_a_test_row(tmp_path: Path) -> None:
    before = take_in(tmp_path)
    learnt, tested = before["train"][0], before["test"][0]
    other = {"a": "b", "b": "a"}
    after = take_in(
        tmp_path,
        {"text": learnt["text"], "label": other[learnt["label"]]},
        {"text": tested["text"].upper(), "label": other[tested["label"]]},
    )
    assert after["test"] == before["test"]
    assert {row["label"] for row in after["train"] if row["text"] == learnt["text"]} == {
        other[learnt["label"]]
    }
    assert not [row for row in after["train"] if row["text"] == tested["text"].upper()]


def test_labels_are_those_of_the_model_whatever_the_source_calls_them(tmp_path: Path) -> None:
    source = {"path": str(tmp_path / "a.csv"), "format": "csv", "label_map": {"a": "good", "b": "bad"}}
    after = take_in(tmp_path, {"text": "all new", "label": "good"}, source=source)
    assert [row["label"] for row in after["train"] if row["text"] == "all new"] == ["good"]


def test_a_joint_head_is_answered_alone(tmp_path: Path) -> None:
    joint = {
        "mood": {
            "family": "classification",
            "columns": {"label": "mood"},
            "label_map": {"0": "sad", "1": "glad"},
        }
    }
    rows = [f"{line},{n % 2}" for n, line in enumerate(PLAIN)]
    after = take_in(
        tmp_path,
        {"text": "all new", "label": "glad", "head": "mood"},
        rows=rows,
        header="body,label,mood",
        joint=joint,
    )
    found = [(one["label"], one["mood.label"]) for one in after["train"] if one["text"] == "all new"]
    assert found == [(None, "glad")]


def test_answers_of_several_heads_to_one_text_are_one_row_and_the_newest_of_each_counts(
    tmp_path: Path,
) -> None:
    joint = {"mood": {"family": "classification", "columns": {"label": "mood"}}}
    rows = [f"{line},{n % 2}" for n, line in enumerate(PLAIN)]
    answers = [("t", "a"), ("mood", "0"), ("mood", "1")]
    said = [{"text": "all new", "label": label, "head": head} for head, label in answers]
    after = take_in(tmp_path, *said, rows=rows, header="body,label,mood", joint=joint)
    found = [(one["label"], one["mood.label"]) for one in after["train"] if one["text"] == "all new"]
    assert found == [("a", "1")]


def test_what_feedback_cannot_know_of_a_row_is_left_open(tmp_path: Path) -> None:
    """How difficult it is, and the values by which test rows are cut into slices."""
    columns = {"text": "body", "label": "label", "difficulty": "hard", "slice": "country"}
    rows = [f"{line},{n},de" for n, line in enumerate(PLAIN)]
    header = "body,label,hard,country"
    new = {"text": "all new", "label": "a"}
    after = take_in(tmp_path, new, rows=rows, header=header, columns=columns)
    (found,) = [one for one in after["train"] if one["text"] == "all new"]
    assert (found["difficulty"], found["slice"]) == (None, None)


def test_spans_of_a_text_become_tags_where_the_source_has_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a B-X\nb O\n\n" * 1 + "".join(f"w{n} B-X\nb O\n\n" for n in range(60)))
    file = accepted.file_of(tmp_path / "accepted", "t")
    spans = [{"start": 0, "end": 3, "type": "X"}]
    rows = [row("k", text="Ada left", tags=["O", "O"]), row("l", text="Ada left", spans=spans)]
    accepted.add(file, rows)
    own = task(
        str(tmp_path / "a.csv"),
        family="tagging",
        source={"path": str(tmp_path / "a.csv"), "format": "conll"},
        columns={"tokens": "0", "tags": "1"},
        gate={"metric": "entity_f1", "floor": 0.1},
    )
    ingest("t", own, 1, tmp_path / "out", file)
    (found,) = [one for one in read_splits(tmp_path / "out")["train"] if one["text"] == "Ada left"]
    assert found["tags"] == ["B-X", "O"]  # the newest answer


@pytest.mark.parametrize(("values", "complaint"), [
    ({"text": "all new", "label": "c"}, "accepted/t.jsonl: row 1: label 'c' is not in the label set"),
    ({"text": "all new"}, "accepted/t.jsonl: row 1: 'label' is missing"),
    ({"label": "a"}, "accepted/t.jsonl: row 1: 'text' is missing"),
])  # fmt: skip
def test_a_row_that_the_settings_do_not_take_any_more_is_named(
    tmp_path: Path, values: dict, complaint: str
) -> None:
    source = {"path": str(tmp_path / "a.csv"), "format": "csv", "labels": ["a", "b"]}
    with pytest.raises(UserError, match=complaint):
        take_in(tmp_path, values, source=source)


@pytest.mark.parametrize(
    "line",
    [
        "{", "[]", '{"id": "a"}', '{"id": "a", "time": "t", "head": "t", "inputs": 3}',
        *(f'{{"id": "a", "time": "{time}", "head": "t", "inputs": {{}}, "answer": {{}}}}' for time in ("now", "2026-11-29")),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "t.jsonl"
    accepted.add(file, [row("a")])
    file.write_text(file.read_text() + line)
    with pytest.raises(UserError, match=r"t.jsonl: line 2: "):
        accepted.read(file)


def test_a_row_is_added_once(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    first = row("a", text="\u2028 one\nline", label="é")
    accepted.add(file, [first, first])
    accepted.add(file, [first.model_copy(update={"time": "later"}), first.model_copy(update={"id": "b"})])
    assert [one.id for one in accepted.read(file)] == ["a", "b"]
    assert accepted.read(file)[0] == first
