"""Prodigy's rows of several annotators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.data.sources.formats import read_all
from components.settings.data import Source

ADA = {"start": 0, "end": 3, "label": "PER"}
ACME = {"start": 8, "end": 12, "label": "ORG"}
COLUMNS = {"text": "text", "spans": "spans", "label": "label"}


def answered(who: str, spans: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "text": "Ada met Acme",
        "_input_hash": 1,
        "_annotator_id": who,
        "spans": spans or [],
        "answer": "accept",
        **more,
    }


def read(folder: Path, rows: list[dict[str, Any]], **source: Any) -> list[Any]:
    """Of each row its spans, label and agreement, or why it is set aside."""
    (folder / "db.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = read_all(Source(path=str(folder / "db.jsonl"), format="prodigy", **source), COLUMNS)
    return [
        one.skipped
        or (
            [(span["start"], span["type"]) for span in one.values["spans"]],
            one.values["label"],
            one.agreement,
        )
        for one in found
    ]


def test_what_most_annotators_mark_is_kept_and_how_far_they_agree(tmp_path: Path) -> None:
    rows = [
        answered("ada", [ADA, ACME]),
        {**answered("x"), "_input_hash": 2},
        answered("bob", [ADA]),
        answered("eve", [ADA]),
    ]
    alone, crowd = read(tmp_path, rows)
    assert alone == ([], None, None)
    assert crowd[:2] == ([(0, "PER")], None)
    assert round(crowd[2], 3) == round((2 / 3 + 2 / 3 + 1) / 3, 3)


def test_each_of_them_is_a_row_where_the_source_says_so(tmp_path: Path) -> None:
    rows = [answered("ada", [ADA]), answered("bob")]
    assert read(tmp_path, rows, crowd="each") == [([(0, "PER")], None, None), ([], None, None)]


def test_the_same_annotator_twice_is_no_crowd(tmp_path: Path) -> None:
    assert len(read(tmp_path, [answered("ada", [ADA]), answered("ada", [ADA])])) == 2


def test_sessions_tell_annotators_apart_too(tmp_path: Path) -> None:
    rows = [{**answered("", [ADA]), "_annotator_id": None, "_session_id": f"ner-{who}"} for who in "abc"]
    assert read(tmp_path, rows) == [([(0, "PER")], None, 1.0)]


def test_of_labels_asked_one_by_one_each_is_voted_on(tmp_path: Path) -> None:
    votes = {
        "late": ("accept", "accept", "reject"),
        "rude": ("reject", "reject", "accept"),
        "odd": ("accept", "reject", "ignore"),
    }
    rows = [
        answered(who, label=label, answer=answer)
        for label, answers in votes.items()
        for who, answer in zip(("ada", "bob", "eve"), answers, strict=True)
    ]
    ((_, label, agreed),) = read(tmp_path, rows)
    assert label == "late"
    assert round(agreed, 3) == round((2 / 3 + 0 + 0) / 3, 3)


def test_what_is_asked_of_a_text_class_after_class_is_one_row(tmp_path: Path) -> None:
    asked = {
        "both": {"late": "accept", "rude": "accept", "odd": "reject"},
        "none of all": {"late": "reject", "rude": "reject", "odd": "reject"},
        "not that one": {"late": "reject"},
        "who knows": {"late": "ignore", "rude": "ignore"},
    }
    rows = [
        {"text": text, "label": label, "answer": answer}
        for text, answers in asked.items()
        for label, answer in answers.items()
    ]
    (tmp_path / "db.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = [*read_all(Source(path=str(tmp_path / "db.jsonl"), format="prodigy"), {"labels": "labels"})]
    assert [one.skipped or one.values["labels"] for one in found] == [
        ["late", "rude"],
        [],
        "a row answered with reject",
        "a row answered with ignore",
    ]


def test_of_a_class_alone_most_answers_count_and_no_is_one(tmp_path: Path) -> None:
    votes = {"yes": "aar", "no": "rra", "open": "ar", "nobody": "i"}
    names = {"a": "accept", "r": "reject", "i": "ignore"}
    rows = [
        answered(f"{place}", label="SPORTS", answer=names[vote], text=text, _input_hash=text)
        for text, given in votes.items()
        for place, vote in enumerate(given)
    ]
    found = read(tmp_path, rows)
    assert [one if isinstance(one, str) else one[1] for one in found] == [
        "SPORTS",
        "not SPORTS",
        "a text whose annotators are undecided",
        "a row answered with ignore",
    ]
    assert len(read(tmp_path, rows, crowd="each")) == 9


def test_where_nothing_is_rejected_a_class_is_a_class(tmp_path: Path) -> None:
    rows = [
        {"text": text, "label": label, "answer": "accept"}
        for text, label in (("a", "x"), ("b", "y"), ("a", "y"))
    ]
    assert [one[1] for one in read(tmp_path, rows)] == ["x", "y", "y"]


def test_of_options_the_commonest_counts(tmp_path: Path) -> None:
    rows = [
        answered(who, accept=[option]) for who, option in (("ada", "calm"), ("bob", "calm"), ("eve", "angry"))
    ]
    assert read(tmp_path, rows)[0][:2] == ([], "calm")
