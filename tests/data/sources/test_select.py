"""Which rows of a source are read, and what becomes of their labels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from components.data.sources.formats import read
from components.errors import UserError
from components.settings.data import Source
from tests.data.sources.reading import COLUMNS, records


class TestSelection:
    """Filter, label map, split column, limit."""

    def write(self, folder: Path) -> Path:
        rows = [f"t{n},{'pos' if n % 2 else 'neg'},{'en' if n % 3 else 'de'},{'dev' if n % 5 == 0 else 'train'}"
                for n in range(100)]  # fmt: skip
        (folder / "a.csv").write_text("\n".join(["text,label,lang,fold", *rows]) + "\n")
        return folder / "a.csv"

    def test_a_filter_keeps_the_rows_with_a_value(self, tmp_path: Path) -> None:
        file = self.write(tmp_path)
        assert len(records(file, filter={"lang": "de"})) == 34
        assert len(records(file, filter={"lang": ["de", "en"], "label": "pos"})) == 50
        with pytest.raises(UserError, match=r"no column 'language' for source\.filter"):
            records(file, filter={"language": "de"})
        with pytest.raises(UserError, match=r"no row passes source\.filter"):
            records(file, filter={"lang": "fr"})

    def test_a_filter_compares_numbers_and_empty_fields_as_they_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text(
            '{"text": "a", "n": 1}\n{"text": "b", "n": "1"}\n{"text": "c", "n": null}\n'
        )
        texts = lambda wanted: [  # noqa: E731
            r.values["text"] for r in records(tmp_path / "a.jsonl", {"text": "text"}, format="jsonl", filter={"n": wanted})
        ]  # fmt: skip
        assert texts(1) == texts("1") == ["a", "b"]
        assert texts(None) == ["c"]

    def test_labels_are_renamed_within_lists_too(self, tmp_path: Path) -> None:
        found = records(self.write(tmp_path), label_map={"pos": "positive", "neg": "negative"})
        assert {record.values["label"] for record in found} == {"positive", "negative"}
        (tmp_path / "a.jsonl").write_text('{"tokens": ["a", "b"], "tags": [0, 1]}\n')
        columns = {"tokens": "tokens", "tags": "tags"}
        (record,) = records(tmp_path / "a.jsonl", columns, format="jsonl", label_map={0: "O", 1: "B-PER"})
        assert record.values["tags"] == ["O", "B-PER"]

    def test_a_label_outside_the_map_is_named_with_its_row(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"row 2: label 'neg' is not in source\.label_map.*'negg'"):
            records(self.write(tmp_path), label_map={"negg": "negative", "pos": "positive"})

    def test_a_column_says_the_split(self, tmp_path: Path) -> None:
        file, values = self.write(tmp_path), {"train": "train", "dev": "validation"}
        found = records(file, split_column="fold", split_values=values)
        assert [record.split for record in found[:2]] == ["validation", "train"]
        with pytest.raises(
            UserError, match=r"row 2: 'dev' in column 'fold' is no split; expected one of train"
        ):
            records(file, split_column="fold")
        with pytest.raises(
            UserError, match=r"no column 'fould' for source\.split_column \(did you mean 'fold'"
        ):
            records(file, split_column="fould")

    def test_a_limit_samples_each_split_by_the_seed_alone(self, tmp_path: Path) -> None:
        file, values = self.write(tmp_path), {"train": "train", "dev": "validation"}
        source = Source(
            path=str(file), format="csv", limit=10, split_column="fold", split_values=values
        )  # fmt: skip
        sampled = list(read(source, COLUMNS, seed=1))
        assert sampled == list(read(source, COLUMNS, seed=1))
        assert Counter(record.split for record in sampled) == {"train": 10, "validation": 10}
        everything = list(read(source, COLUMNS))
        assert len(everything) == 100
        assert [record for record in everything if record in sampled] == sampled  # the source's order
        assert list(read(source, COLUMNS, seed=2)) != sampled

    def test_a_new_row_takes_the_place_of_one_at_most(self, tmp_path: Path) -> None:
        file = self.write(tmp_path)
        source = Source(path=str(file), format="csv", limit=10)
        before = {record.values["text"] for record in read(source, COLUMNS, seed=1)}
        header, *rows = file.read_text().splitlines()
        file.write_text("\n".join([header, "new,pos,en,train", *rows]) + "\n")
        assert len(before - {record.values["text"] for record in read(source, COLUMNS, seed=1)}) <= 1
