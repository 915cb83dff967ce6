"""A format is a module that is there, and is known by the beginning of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.data.sources import formats
from components.data.sources.formats import base, detect
from components.settings.data import Source

KINDS = Path(__file__).parents[1] / "kinds"
# What only the user knows: lists of words under plain names, columns that a table has as well, and a sign that
# stands between words and tags.
GENERAL = {"csv", "tsv", "json", "json_table", "jsonl", "conll", "pair_matrix", "huggingface"}


def files() -> list[tuple[str, str, str]]:
    """(kind, format, name of its file) of the table's rows that are read, not refused."""
    found = []
    for table in sorted(KINDS.glob("*.yaml")):
        for kind in yaml.safe_load(table.read_text(encoding="utf-8")):
            source = kind["task"].get("source", {})
            told = source.get("format") in GENERAL or "separator" in source
            if "files" in kind and "refused" not in kind and not told:
                found.append((kind["kind"], source["format"], source["path"]))
    return found


@pytest.mark.slow
def test_every_export_of_the_table_is_recognised(tmp_path: Path) -> None:
    kinds = {
        kind["kind"]: kind
        for table in KINDS.glob("*.yaml")
        for kind in yaml.safe_load(table.read_text("utf-8"))
    }
    unknown = []
    for number, (kind, name, path) in enumerate(files()):
        for file, text in kinds[kind]["files"].items():
            target = tmp_path / str(number) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        if detect(tmp_path / str(number) / path)[:1] != [name]:
            unknown.append(kind)
    assert len(files()) > 30
    assert unknown == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("text,label\na b,x\n", []),
        ("text\tlabel\na b\tx\n", []),
        ('{"text": "a", "label": "x"}\n', ["jsonl"]),
        ('[{"text": "a", "label": "x"}]', ["json"]),
        ("a B-X\nb O\n\nc O\nd O\n", ["conll"]),
        ('{"data": [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]}', ["jsonl"]),
        ('{"text": "a", "annotations": 3}\n{"text": "b", "annotations": 0}\n', ["jsonl"]),
        ('{"text": "a", "annotations": true}\n', ["jsonl"]),
        ("(define (twice x) (+ x x))\nIt is code.\n", []),
        ("(laughs) (applause)\n" * 12, []),
        ("ERROR:root: it broke\nINFO:root: it went on\n" * 12, []),
        ("".join(f"http://a.org/{n} c/d/{n} and/or\n" for n in range(20)), []),
        ("".join(f"user_{n} item_{n} order_date\n" for n in range(20)), []),
        ("".join(f"item_{n % 7} item_{n % 5} item_{n % 3}\n" for n in range(40)), []),
        ("### A title\n\nA text.\n", []),
        ("", []),
        ("\x00\x01", []),
    ],
)
def test_a_plain_file_is_no_tools_export(tmp_path: Path, content: str, expected: list[str]) -> None:
    (tmp_path / "a").write_text(content)
    assert detect(tmp_path / "a") == expected


def test_a_new_module_is_a_new_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is shown a folder more, in which the module lies; nothing else is touched."""
    module = tmp_path / "shouted.py"
    module.write_text(
        "from components.data.sources.formats.base import Format\n"
        "def read(path, source):\n"
        "    yield from ((n, {'text': line.upper()}) for n, line in enumerate(path.read_text().split(), 1))\n"
        "FORMATS = {'shouted': Format(read, lambda sample: sample.path.suffix == '.loud')}\n"
    )
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    formats.formats.cache_clear()
    try:
        (tmp_path / "a.loud").write_text("hello you")
        assert detect(tmp_path / "a.loud") == ["shouted"]
        read = formats.read(Source(path=str(tmp_path / "a.loud"), format="shouted"), {"text": "text"})
        assert [record.values["text"] for record in read] == ["HELLO", "YOU"]
    finally:
        formats.formats.cache_clear()


def test_every_format_is_a_base_format() -> None:
    assert {"brat", "doccano", "docbin", "label_studio", "prodigy", "conllu", "squad"} <= set(
        formats.formats()
    )
    assert all(isinstance(one, base.Format) for one in formats.formats().values())
