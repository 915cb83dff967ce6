"""Known faults are removed, counted and named; what cannot be read is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.ingest.ingest import ingest
from components.errors import UserError
from components.files import read_json, verify_manifest
from tests.data.ingest.classified import PLAIN, read_splits, task


def run(folder: Path, rows: list[str], header: str = "text,label", **changes) -> dict[str, list[dict]]:
    (folder / "a.csv").write_text("\n".join([header, *rows]) + "\n")
    ingest("t", task(str(folder / "a.csv"), **changes), 1, folder / "out")
    return read_splits(folder / "out")


def test_a_target_that_is_called_so_is_taken_in_as_it_stands(tmp_path: Path) -> None:
    rows = [f'text number {n},"it said ""ä"" {n}"' for n in range(60)]
    summary = {"family": "generation", "columns": {"text": "text", "target": "target"}}
    gate = {"gate": {"metric": "rouge_l", "floor": 0.0}}
    splits = run(tmp_path, rows, "text,target", **summary, **gate)
    found = {row["target"] for rows_of in splits.values() for row in rows_of}
    assert found == {f'it said "ä" {n}' for n in range(60)}


def test_duplicates_and_conflicts_are_counted_and_named(tmp_path: Path) -> None:
    splits = run(tmp_path, [*PLAIN, "Text NUMBER 1!,b", "text number 2,b"])
    texts = [row["text"] for rows in splits.values() for row in rows]
    assert "Text NUMBER 1!" not in texts  # the same text but for case and punctuation
    assert "text number 2" not in texts  # both of its rows: no telling which label is right
    report = read_json(tmp_path / "out/ingest.json")
    assert report["read"]["rows"] == 62
    assert report["removed"] == {"duplicates": 1, "conflicts": 2, "leakage": 0, "straddling": 0}
    assert [(row["place"].split()[-1], row["text"]) for row in report["removed_rows"]["duplicates"]] == [
        ("62", "Text NUMBER 1!")
    ]
    assert {row["text"] for row in report["removed_rows"]["conflicts"]} == {"text number 2"}
    assert sum(map(len, splits.values())) == 59


def test_a_majority_settles_a_conflict_but_a_tie_does_not(tmp_path: Path) -> None:
    rows = [*PLAIN, "text number 2,a", "text number 2,b", "text number 4,b"]
    splits = run(tmp_path, rows, cleaning={"conflicts": "majority"})
    labels = {row["text"]: row["label"] for rows in splits.values() for row in rows}
    assert labels["text number 2"] == "a"
    assert "text number 4" not in labels


def test_new_rows_never_move_old_ones(tmp_path: Path) -> None:
    def places(rows: list[str]) -> dict[str, str]:
        return {row["id"]: name for name, rows in run(tmp_path, rows).items() for row in rows}

    before, after = places(PLAIN), places([f"new {n},a" for n in range(40)] + PLAIN)
    assert before == {identity: after[identity] for identity in before}
    assert set(before.values()) == {"train", "validation", "test"}


def test_given_splits_stay_and_texts_of_the_test_leave_training(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(PLAIN))
    (tmp_path / "test.csv").write_text("text,label\ntext number 3,b\nunseen,a\n")
    source = {"path": str(tmp_path), "format": "csv", "files": {"train": "train.csv", "test": "test.csv"}}
    ingest("t", task("", source=source), 1, tmp_path / "out")
    splits = read_splits(tmp_path / "out")
    assert [row["text"] for row in splits["test"]] == ["text number 3", "unseen"]
    assert "text number 3" not in [row["text"] for name in ("train", "validation") for row in splits[name]]
    assert read_json(tmp_path / "out/ingest.json")["removed"]["leakage"] == 1


def test_slice_columns_go_along_with_the_rows_and_change_nothing_else(tmp_path: Path) -> None:
    plain = run(tmp_path, [f"{row},de" for row in PLAIN], header="text,label,country")
    rows = [f"{row},{country}" for row, country in zip(PLAIN, ["de", "fr", ""] * 20, strict=True)]
    columns = {"text": "text", "label": "label", "slice": ["country"]}
    sliced = run(tmp_path, rows, header="text,label,country", columns=columns)
    found = {row["text"]: row.pop("slice") for split in sliced.values() for row in split}
    assert found["text number 1"] == {"country": "fr"}
    assert found["text number 2"] == {"country": None}
    assert sliced == plain
    alone = run(tmp_path, rows, header="text,label,country", columns={**columns, "slice": "country"})
    assert {row["text"]: row["slice"] for split in alone.values() for row in split} == found


def test_a_group_never_crosses_splits_and_a_pair_of_two_splits_is_left_out(tmp_path: Path) -> None:
    rows = [f"doc {i},doc {j},{i * j}" for i in range(24) for j in range(i)]
    splits = run(
        tmp_path,
        rows,
        header="a,b,score",
        family="regression",
        columns={"text": "a", "text_pair": "b", "score": "score"},
        splits={"validation": 0.3, "test": 0.3, "groups": ["text", "text_pair"]},
        gate={"metric": "pearson", "floor": 0},
    )
    documents = {
        name: {row[c] for row in rows for c in ("text", "text_pair")} for name, rows in splits.items()
    }
    assert not documents["train"] & documents["test"]
    assert not documents["train"] & documents["validation"]
    kept = sum(map(len, splits.values()))
    assert read_json(tmp_path / "out/ingest.json")["removed"]["straddling"] == len(rows) - kept > 0


@pytest.mark.parametrize(
    ("rows", "changes", "expected"),
    [
        (["ok,a", ",b"], {}, "a.csv, row 3: 'text' is empty, expected a text"),
        ([*PLAIN, "x,"], {}, "row 62: 'label' is empty"),
        (
            [*PLAIN, "x,aa"],
            {"source": {"labels": ["a", "b", "aaa"]}},
            "row 62: label 'aa' is not in the label set (did you mean 'aaa'?); expected one of a, b, aaa",
        ),
        (["a,a", "b,b"], {}, "no rows are left for t's"),
        (
            ["a,a", "a,b"] * 9,
            {},
            "of 18 rows these were taken out: 18 conflicts; see tasks.t.cleaning.conflicts",
        ),
    ],
)
def test_a_bad_row_is_one_sentence(tmp_path: Path, rows, changes, expected: str) -> None:
    if "source" in changes:
        changes["source"] = {"path": str(tmp_path / "a.csv"), "format": "csv", **changes["source"]}
    with pytest.raises(UserError) as error:
        run(tmp_path, rows, **changes)
    assert expected in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_new_class_of_a_given_test_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(PLAIN))
    (tmp_path / "test.csv").write_text("text,label\nfine,a\nodd,c\n")
    source = {"path": str(tmp_path), "format": "csv", "files": {"train": "train.csv", "test": "test.csv"}}
    ingest("t", task("", source=source), 1, tmp_path / "out")
    assert {row["label"] for row in read_splits(tmp_path / "out")["test"]} == {"a"}
    report = read_json(tmp_path / "out/ingest.json")
    assert report["removed"]["rare"] == 1
    assert report["removed_rows"]["rare"][0]["place"].endswith("test.csv, row 3")
    assert report["held_out"] == [{"head": "t", "label": "c", "moved": 0, "dropped": 1, "hint": ""}]
    with pytest.raises(UserError, match=r"test\.csv, row 3: no training row has the class 'c'"):
        splits = {"validation": 0.2, "rare": "fail"}
        ingest("t", task("", source=source, splits=splits), 1, tmp_path / "out")


@pytest.mark.parametrize("score", ["nan", "inf", "", "high"])
def test_a_score_must_be_a_finite_number(tmp_path: Path, score: str) -> None:
    changes = {"family": "regression", "columns": {"text": "text", "score": "label"}}
    with pytest.raises(UserError, match=r"row 3: 'label' is .* expected a (finite )?number"):
        run(tmp_path, ["one,1.5", f"two,{score}"], **changes)


def test_a_duplicated_id_names_both_rows(tmp_path: Path) -> None:
    columns = {"text": "text", "label": "label", "id": "id"}
    with pytest.raises(UserError, match=r"row 3: id '7' is already that of .*a\.csv, row 2"):
        run(tmp_path, ["one,a,7", "two,b,7"], header="text,label,id", columns=columns)


def test_tags_shorter_than_the_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"w": ["EU", "rejects"], "t": ["B-ORG"]}\n')
    source = {"path": str(tmp_path / "a.jsonl"), "format": "jsonl"}
    with pytest.raises(UserError, match="row 1: 2 tokens but 1 tags, expected one tag per token"):
        ingest(
            "t",
            task("", family="tagging", source=source, columns={"tokens": "w", "tags": "t"}),
            1,
            tmp_path / "out",
        )


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    run(tmp_path, PLAIN)
    first = verify_manifest(tmp_path / "out")
    run(tmp_path, PLAIN)
    assert verify_manifest(tmp_path / "out") == first


JOINT = {
    "columns": {"text": "text", "label": "intent"},
    "joint": {
        "slots": {
            "family": "tagging",
            "columns": {"tags": "tags"},
            "gate": {"metric": "entity_f1", "floor": 0.0},
        }
    },
}


def joint_row(n: int) -> str:
    """Two thirds of the rows have an intent, five sixths have slots."""
    return f"go to paris {n},{'ab'[n % 2] if n % 3 else ''},{'O O B-CITY O' if n % 6 != 1 else ''}"


def test_joint_targets_stand_beside_the_rows_and_may_be_missing(tmp_path: Path) -> None:
    rows = [joint_row(n) for n in range(90)]
    splits = run(tmp_path, rows, header="text,intent,tags", **JOINT)
    by_text = {row["text"]: row for rows in splits.values() for row in rows}
    assert len(by_text) == 90
    assert by_text["go to paris 0"]["label"] is None
    assert by_text["go to paris 0"]["slots.tags"] == ["O", "O", "B-CITY", "O"]
    assert by_text["go to paris 1"]["label"] == "b"
    assert by_text["go to paris 1"]["slots.tags"] is None
    card = read_json(tmp_path / "out/task.json")
    assert card["inputs"] == ["text"]
    assert card["heads"]["t"]["facts"]["labels"] == ["a", "b"]
    assert card["heads"]["slots"]["facts"]["labels"] == ["CITY"]
    assert sum(card["rows"].values()) == 90
    assert sum(card["heads"]["t"]["rows"].values()) == 60
    assert sum(card["heads"]["slots"]["rows"].values()) == 75


def test_joint_rows_conflict_where_any_head_disagrees(tmp_path: Path) -> None:
    rows = [joint_row(n) for n in range(90)] + ["go to paris 2,a,B-CITY O O O"]
    run(tmp_path, rows, header="text,intent,tags", **JOINT)
    assert read_json(tmp_path / "out/ingest.json")["removed"]["conflicts"] == 2


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("go to rome,,", "row 92: no target, expected that of t or slots"),
        ("go to rome,a,O O", "row 92: 3 tokens but 2 tags, expected one tag per token"),
        (",a,", "row 92: 'text' is empty, expected a text"),
    ],
)
def test_a_bad_joint_row_is_one_sentence(tmp_path: Path, row: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        run(tmp_path, [*(joint_row(n) for n in range(90)), row], header="text,intent,tags", **JOINT)
    assert expected in str(error.value)


def test_a_joint_head_without_rows_in_a_split_is_one_sentence(tmp_path: Path) -> None:
    rows = [f"go to paris {n},{'ab'[n % 2]},{'O O O O' if n == 0 else ''}" for n in range(90)]
    with pytest.raises(UserError, match="no rows are left for t with a target of slots's"):
        run(tmp_path, rows, header="text,intent,tags", **JOINT)


def test_half_a_surrogate_pair_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "fine", "label": "a"}\n{"text": "x\\ud800", "label": "a"}\n')
    source = {"path": str(tmp_path / "a.jsonl"), "format": "jsonl"}
    with pytest.raises(UserError, match=r"a\.jsonl, row 2: 'text' has half a surrogate pair at character 1"):
        ingest("t", task("", source=source), 1, tmp_path / "out")


def test_rows_of_many_chunks_are_read_whole_and_their_places_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("components.data.ingest.ingest.CHUNK", 7)
    splits = run(tmp_path, PLAIN)
    assert sum(map(len, splits.values())) == 60
    with pytest.raises(UserError, match=r"row 61: label 'c' is not in the label set"):
        source = {"path": str(tmp_path / "a.csv"), "format": "csv", "labels": ["a", "b"]}
        run(tmp_path, [*PLAIN[:59], "odd,c"], source=source)


def test_a_row_that_cannot_be_read_is_told_by_the_files_own_column(tmp_path: Path) -> None:
    columns = {"text": "body", "label": "mood"}
    with pytest.raises(UserError, match=r"row 3: 'body' is empty, expected a text"):
        run(tmp_path, ["ok,a", ",b"], "body,mood", columns=columns)
    with pytest.raises(UserError, match=r"row 2: 'mood' is empty, expected a text"):
        run(tmp_path, ["ok,", "fine,b"], "body,mood", columns=columns)
