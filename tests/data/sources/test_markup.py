"""XML as it is written elsewhere: no row is lost, none is held, and what cannot be read is a sentence."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest

from components.data.sources.formats import markup, read_all
from components.data.sources.formats.markup import read_xml
from components.errors import UserError
from components.settings.data import Source

ROWS = "<rows><row><body>{}</body></row><row><body>b</body></row></rows>"


def read(path: Path, text: str | bytes, **source: Any) -> list[Any]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [dict(fields) for _, fields in read_xml(path, Source(path=str(path), format="xml", **source))]


def test_a_paragraph_that_is_marked_as_a_whole_is_a_row(tmp_path: Path) -> None:
    found = read(tmp_path / "rows.xml", "<d><p>I am <n>Ann</n>.</p><p> <n>Bob</n> </p><p>b</p></d>")
    assert [row["text"] for row in found] == ["I am Ann.", "Bob", "b"]
    assert found[1]["spans"] == [{"start": 0, "end": 3, "type": "n", "text": "Bob"}]


def test_sentences_that_begin_with_a_mark_are_rows_wherever_they_are(tmp_path: Path) -> None:
    text = "<d><s><n>Ann</n> is</s><s><n>Bob</n> is</s><q><s><n>Eve</n> is</s></q></d>"
    assert [row["text"] for row in read(tmp_path / "rows.xml", text)] == ["Ann is", "Bob is", "Eve is"]


def test_a_paragraph_around_another_keeps_what_stands_behind_that(tmp_path: Path) -> None:
    found = read(tmp_path / "rows.xml", "<d><p>a <p>b</p> c</p><p>d</p></d>")
    assert [row["text"] for row in found] == ["b", "a c", "d"]


@pytest.mark.parametrize("inner", ["<s>a <n>b</n></s><x>c</x>", "<row><a>b</a><c>d</c></row>"])
def test_rows_that_were_read_are_let_go(tmp_path: Path, inner: str) -> None:
    path = tmp_path / "rows.xml"
    path.write_text(f"<d>{inner * 50}</d>")
    source = Source(path=str(path), format="xml")
    before: list[weakref.ref[Any]] = []
    for element in markup._found(path, source, markup._rows(path, source)):
        assert sum(one() is not None for one in before) <= 1
        before.append(weakref.ref(element))
    assert len(before) == 50


@pytest.mark.parametrize("text", ["\u4f60\u597d", "\u3042"])
@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-8-sig"])
def test_a_file_says_its_encoding(tmp_path: Path, encoding: str, text: str) -> None:
    declared = f"<?xml version='1.0' encoding='{encoding.removesuffix('-sig')}'?>{ROWS.format(text)}"
    assert read(tmp_path / "rows.xml", declared.encode(encoding))[0] == {"body": text}


def test_a_file_that_says_no_encoding_is_in_the_source_s(tmp_path: Path) -> None:
    data = ROWS.format("\xe9").encode("latin-1")
    assert read(tmp_path / "rows.xml", data, encoding="latin-1")[0] == {"body": "\xe9"}
    with pytest.raises(
        UserError, match=r"rows\.xml: XML that is not in its encoding \(invalid continuation byte"
    ):
        read(tmp_path / "rows.xml", data)


def test_a_file_in_utf_8_that_says_it_were_in_utf_16_is_read(tmp_path: Path) -> None:
    text = f"<?xml version='1.0' encoding='utf-16'?>{ROWS.format('Zoë')}"
    assert read(tmp_path / "rows.xml", text)[0] == {"body": "Zoë"}


def laughs() -> str:
    """A billion of them, by entities of entities."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE r [<!ENTITY l0 "haha">{entities}]>{ROWS.format("&l9;")}'


REFUSED = {
    "deep": (ROWS.format("<a>" * 2000 + "</a>" * 2000), "more than 100 elements within each other"),
    "an encoding that there is not": (
        f"<?xml version='1.0' encoding='klingon'?>{ROWS}",
        "not in its encoding (unknown encoding: klingon)",
    ),
    "a billion laughs": (laughs(), "amplification factor"),
    "a file on this machine": (
        f'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>{ROWS.format("&x;")}',
        "undefined entity &x;",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, kind: str) -> None:
    text, said = REFUSED[kind]
    with pytest.raises(UserError) as refused:
        read(tmp_path / "rows.xml", text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_is_no_file_of_xml(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        list(read_xml(tmp_path, Source(path=str(tmp_path), format="xml")))


@pytest.mark.parametrize(
    "row",
    [
        '<row id="1"><body>a</body><id>x</id></row>',
        '<row id="1"><body>a</body><id>x</id><id>y</id></row>',
    ],
)
def test_of_an_attribute_and_an_element_of_one_name_neither_counts(tmp_path: Path, row: str) -> None:
    path = tmp_path / "rows.xml"
    path.write_text(f"<rows>{row}<row><body>b</body><id>2</id></row></rows>")
    source = Source(path=str(path), format="xml")
    first, second = read_all(source, {"text": "body", "label": "id"})
    assert first.unreadable == "'id' is there twice"
    assert second.values == {"text": "b", "label": "2"}


def test_spans_of_one_text_are_not_those_of_another(tmp_path: Path) -> None:
    path = tmp_path / "rows.xml"
    row = "<row><title>{}</title><body>in <n>Rome</n></body></row>"
    path.write_text(f"<rows>{row.format('by <n>Rome</n>')}{row.format('a')}</rows>")
    source = Source(path=str(path), format="xml")
    first, second = read_all(source, {"text": "body", "spans": "spans"})
    assert first.unreadable == "'spans' is there twice"
    assert second.values["spans"] == [{"start": 3, "end": 7, "type": "n", "text": "Rome"}]
