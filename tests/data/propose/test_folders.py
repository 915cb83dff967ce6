"""A folder of files is a project: a task a file, or for the files that are the splits of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.propose.file_names import splits_of
from components.data.propose.folders import Part, is_task, parts_of
from components.data.propose.places import place_of

FOLDERS = {
    "splits of one": (["train.csv", "dev.csv", "test.csv"], {"corpus": ["dev.csv", "test.csv", "train.csv"]}),
    "splits of two": (
        ["intent_train.csv", "intent_test.csv", "ner-train.conll", "ner-dev.conll"],
        {"intent": ["intent_test.csv", "intent_train.csv"], "ner": ["ner-dev.conll", "ner-train.conll"]},
    ),
    "folders of splits": (
        ["train/a.csv", "test/a.csv", "train/b.csv"],
        {"a": ["test/a.csv", "train/a.csv"], "b": ["train/b.csv"]},
    ),
    "a folder a task": (
        ["mood/train.csv", "mood/test.csv", "topic/data.csv"],
        {"mood": ["mood/test.csv", "mood/train.csv"], "topic": ["topic/data.csv"]},
    ),
    "shards": (
        ["reviews-00000-of-00002.parquet", "reviews-00001-of-00002.parquet", "other.csv"],
        {"other": ["other.csv"], "reviews": ["reviews-00000-of-00002.parquet", "reviews-00001-of-00002.parquet"]},
    ),
    "numbers alone": (["2023.csv", "2024.csv", "else.csv"], {"corpus": ["2023.csv", "2024.csv"], "else": ["else.csv"]}),
    "shards whose pattern would fit more": (
        ["part1.csv", "part2.csv", "particles.csv"],
        {"part1": ["part1.csv"], "part2": ["part2.csv"], "particles": ["particles.csv"]},
    ),
    "Spark's parts": (
        ["part-00000-8b2e7f4e-01ab-c000.csv", "part-00001-8b2e7f4e-01ab-c000.csv"],
        {"corpus": ["part-00000-8b2e7f4e-01ab-c000.csv", "part-00001-8b2e7f4e-01ab-c000.csv"]},
    ),
    "an example of what a competition wants": (["train.csv", "sample_submission.csv"], {"corpus": ["train.csv"]}),
    "a test set alone": (["a_test.csv", "b.csv"], {"a": ["a_test.csv"], "b": ["b.csv"]}),
    "one name in two formats": (["a.csv", "a.jsonl"], {"a": ["a.csv"], "a_jsonl": ["a.jsonl"]}),
    "what is no data": (["a.csv", "README.md", ".hidden/b.csv", "licence.txt"], {"a": ["a.csv"]}),
    "a version is no name": (["qa/dev-v2.0.json", "b.csv"], {"b": ["b.csv"], "qa": ["qa/dev-v2.0.json"]}),
    "a lock of a spreadsheet": (["a.csv", "~$a.xlsx"], {"a": ["a.csv"]}),
    "valence is no split": (["valence.csv", "training_costs.csv"], {"costs": ["training_costs.csv"], "valence": ["valence.csv"]}),
}  # fmt: skip


HELD_OUT = {
    ("train.csv", "eval.csv"): {"validation": ["eval.csv"]},
    ("train.csv", "dev.csv", "eval.csv"): {"validation": ["dev.csv"], "test": ["eval.csv"]},
    ("train.csv", "eval.csv", "test.csv"): {"validation": ["eval.csv"], "test": ["test.csv"]},
    ("train.csv", "holdout.csv"): {"test": ["holdout.csv"]},
}


def test_eval_in_the_name_of_a_training_file_is_no_split(tmp_path: Path) -> None:
    """Nor does a pattern of one split fit the files of another."""
    for name in ("train_eval.csv", "test_eval.csv"):
        (tmp_path / name).write_text("text,label\na b,c\n")
    expected = {"train": "train_eval.csv", "test": "test_eval.csv"}
    assert place_of(tmp_path).source["files"] == expected
    (part,) = parts_of(tmp_path).values()
    assert part.patterns == expected


@pytest.mark.parametrize("names", HELD_OUT)
def test_what_is_called_eval_is_the_test_set_beside_a_validation_set(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).write_text("text,label\na b,c\n")
    (part,) = parts_of(tmp_path).values()
    assert part.files == {"train": ["train.csv"], **HELD_OUT[names]}
    assert place_of(tmp_path).source["files"] == {split: name for split, (name,) in part.files.items()}


def test_values_of_a_split_column_mean_what_the_names_of_files_mean() -> None:
    assert splits_of(["Dev", "eval", "train"]) == {"Dev": "validation", "eval": "test", "train": "train"}
    assert splits_of(["eval", "train"]) == {"eval": "validation", "train": "train"}


@pytest.mark.parametrize("case", FOLDERS)
def test_files_become_tasks(case: str, tmp_path: Path) -> None:
    files, expected = FOLDERS[case]
    for name in files:
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / name).write_text("text,label\na b,c\n")
    parts = parts_of(tmp_path / "corpus")
    found = {
        name: sorted(file for split in part.files.values() for file in split) for name, part in parts.items()
    }
    assert found == expected


def test_a_saved_data_set_within_is_one_task(tmp_path: Path) -> None:
    (tmp_path / "saved/train").mkdir(parents=True)
    (tmp_path / "saved/dataset_dict.json").write_text('{"splits": ["train"]}')
    (tmp_path / "saved/train/data-00000-of-00001.arrow").write_text("")
    (tmp_path / "a.csv").write_text("text,label\n")
    assert {name: part.path.name for name, part in parts_of(tmp_path).items()} == {
        "saved": "saved",
        "a": "a.csv",
    }


def test_what_is_a_task_already_is_known_by_its_source(tmp_path: Path) -> None:
    for name in ("a_train.csv", "a_test.csv", "b.csv"):
        (tmp_path / name).write_text("text,label\n")
    parts = parts_of(tmp_path)
    files = {"train": "a_train.csv", "test": "a_test.csv"}
    tasks = {
        "one": {"source": {"path": str(tmp_path), "files": files}},
        "other": {"source": {"path": str(tmp_path / "b.csv")}},
    }
    assert is_task(parts["a"], tasks)
    assert is_task(parts["b"], tasks)
    assert not is_task(parts["a"], {"c": {"source": {"path": str(tmp_path)}}})


def test_files_that_go_together_are_named_in_their_folder(tmp_path: Path) -> None:
    """A source is watched by its path alone."""
    for name in ("train.en", "train.de"):
        (tmp_path / name).write_text("a b\n")
    (tmp_path / "else.csv").write_text("text,label\na,b\n")
    for place in (place_of(tmp_path / "train.en"), Part(tmp_path, "t", {"train": ["train.en"]}).place()):
        assert place.source == {"path": str(tmp_path), "files": {"train": "train.en"}, "format": "parallel"}
        assert place.first == tmp_path / "train.en"
        assert is_task(Part(tmp_path, "t", {"train": ["train.en"]}), {"t": {"source": place.source}})


def table(path: Path, header: str, row: str) -> None:
    """Twenty rows, each of another text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [f"some {words} text {n}" for n, words in enumerate(["long", "short"] * 10)]
    path.write_text("\n".join([header, *(row.replace("@", text) for text in texts), ""]))


CLASS_TABLES = {
    "a table for each class": (
        {"pos.csv": ("text,id", "@,x"), "neg.csv": ("text,id", "@,x")},
        {"files": {"train": "*.csv"}, "format": "csv", "file_column": "label"},
    ),
    "names that no list knows, of which some words are the same": (
        {"mails_sport.csv": ("body,date", "@,2024-01-01"), "mails_news.csv": ("body,date", "@,2024-02-01")},
        {
            "files": {"train": "mails_*.csv"},
            "format": "csv",
            "file_column": "label",
            "label_map": {"mails_news": "news", "mails_sport": "sport"},
        },
    ),
    "a table for each class in each split": (
        {f"{split}/{name}.csv": ("text,id", "@,x") for split in ("train", "test") for name in ("pos", "neg")},
        {"files": {"train": "train/*.csv", "test": "test/*.csv"}, "format": "csv", "file_column": "label"},
    ),
    "a class that the table says as well": (
        {"good.csv": ("text,label", "@,1"), "bad.csv": ("text,label", "@,0")},
        {"files": {"train": "*.csv"}, "format": "csv"},
    ),
}


@pytest.mark.parametrize("case", CLASS_TABLES)
def test_tables_of_one_class_each_are_one_task(case: str, tmp_path: Path) -> None:
    files, expected = CLASS_TABLES[case]
    for name, (header, row) in files.items():
        table(tmp_path / "mood" / name, header, row)
    assert place_of(tmp_path / "mood").source == {"path": str(tmp_path / "mood"), **expected}
    assert list(parts_of(tmp_path / "mood")) == ["mood"]


def test_tables_that_say_what_is_to_be_learnt_are_tasks_of_their_own(tmp_path: Path) -> None:
    for name in ("books", "films"):
        table(tmp_path / f"{name}.csv", "text,label", "@,good")
        with (tmp_path / f"{name}.csv").open("a") as file:
            file.write("some other text,bad\n" * 5)
    assert list(parts_of(tmp_path)) == ["books", "films"]


def test_names_of_files_may_have_brackets(tmp_path: Path) -> None:
    for name in ("train[1].csv", "test[1].csv"):
        (tmp_path / name).write_text("text,label\na b,c\n")
    assert place_of(tmp_path).source["files"] == {"train": "train[1].csv", "test": "test[1].csv"}
    assert place_of(tmp_path).first == tmp_path / "train[1].csv"
