"""A file of templates: read in its order, or refused in one sentence. Synthetic files."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.ingest.reader import with_extra_files
from components.errors import UserError
from components.families.retrieval.family import FAMILY


def texts(path: Path) -> dict[str, str]:
    options = FAMILY.options.model_validate({"templates": str(path)}).model_dump()
    found: dict[str, str] = with_extra_files(FAMILY, options)["templates"].texts
    return found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.jsonl", '{"id": "b", "text": " Good plane. "}\n{"id": 7, "text": "Ça va, 好"}\n'),
        ("t.csv", 'id,text\nb,Good plane.\n7,"Ça va, 好"\n'),
        ("t.tsv", "text\tid\nGood plane.\tb\nÇa va, 好\t7\n"),
    ],
)
def test_templates_are_read_from_any_table(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = texts(tmp_path / name)
    assert list(found.items()) == [("b", "Good plane."), ("7", "Ça va, 好")]


GOOD = '{"id": "a", "text": "Good plane."}\n'


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("t.jsonl", None, "{path}: no such file; see source.path in params.yaml"),
        ("t.jsonl", "", "{path}: no rows, expected at least one"),
        ("t.csv", "id,text\n", "{path}: no rows, expected at least one"),
        ("t.csv", "id,answer\na,b\n", "{path}: no column 'text' for text; found id, answer"),
        ("t.txt", GOOD, "{path}: a file of templates ends with one of .csv, .tsv, .jsonl"),
        ("t.jsonl", GOOD + '{"id": "b", "text": " "}', "{path}, row 2: 'text' is empty, expected a text"),
        ("t.jsonl", GOOD + '{"id": "b"}', "{path}, row 2: 'text' is missing, expected a text"),
        ("t.jsonl", GOOD + '{"id": "b", "text": 5}', "{path}, row 2: 'text' is 5, expected a text"),
        ("t.jsonl", GOOD + '{"id": null, "text": "x"}', "{path}, row 2: 'id' is missing, expected a text"),
        ("t.jsonl", GOOD + '{"id": true, "text": "x"}', "{path}, row 2: 'id' is True, expected a text"),
        (
            "t.jsonl",
            GOOD + '{"id": "a", "text": "x"}',
            "{path}, row 2: id 'a' is already that of {path}, row 1; expected distinct templates",
        ),
        (
            "t.jsonl",
            GOOD + '{"id": "b", "text": "Good plane. "}',
            "{path}, row 2: text 'Good plane.' is already that of {path}, row 1; expected distinct templates",
        ),
        (
            "t.jsonl",
            GOOD + '{"id": "b", "text": "\\ud800"}',
            "{path}, row 2: 'text' has half a surrogate pair at character 0, expected Unicode text",
        ),
    ],
)
def test_a_malformed_file_gets_one_sentence(
    tmp_path: Path, name: str, text: str | None, sentence: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as error:
        texts(path)
    assert str(error.value) == sentence.format(path=path)
