"""What docs/how-to/bring-your-data.md shows is read by the entry below it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from components.data.sources.formats import detect, read
from components.settings.data import Source

PAGE = Path(__file__).parents[3] / "docs/how-to/bring-your-data.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def snippets() -> list[tuple[str, str, dict]]:
    """(format, content of the file, the task's entry)."""
    found, content = [], ""
    for kind, text in FENCE.findall(PAGE.read_text(encoding="utf-8")):
        if kind in ("json", "text"):
            content = text
        elif kind == "yaml":
            entry = yaml.safe_load(text)
            if (
                "source" in entry
                and entry["source"]["format"] not in ("brat", "docbin", "csv", "class_folders")
            ) or (entry.get("source", {}).get("sentence")):
                found.append((entry["source"]["format"], content, entry))
    return found


@pytest.mark.parametrize("name, content, entry", snippets())
def test_a_snippet_is_read(
    name: str, content: str, entry: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = Source.model_validate({**entry["source"], "path": Path(entry["source"]["path"]).name})
    Path(source.path).write_bytes(content.encode(source.encoding))
    records = list(read(source, entry["columns"]))
    assert records
    assert not [record.unreadable for record in records if record.unreadable]
    for record in records:
        assert record.skipped or all(value not in (None, "") for value in record.values.values()), record
    if name not in ("jsonl", "csv", "trec"):  # which two lines do not show
        assert detect(Path(source.path))[:1] == [name]


def test_every_format_of_a_tool_is_on_the_page() -> None:
    shown = {name for name, _, _ in snippets()}
    assert shown >= {
        "doccano",
        "label_studio",
        "prodigy",
        "conll",
        "conllu",
        "squad",
        "natural_questions",
        "json",
    }
    page = PAGE.read_text(encoding="utf-8")
    for name in ("brat", "docbin", "spacy_json", "dataturks"):
        assert f"`{name}`" in page
