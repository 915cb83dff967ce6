"""A table whose one column plainly holds several is not read as if it were one."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.sources.formats.text import LONG, quotes_behind_blanks, read_delimited
from components.errors import UserError
from components.settings.data import Source


def read(folder: Path, content: str, **settings: str) -> list[dict[str, str]]:
    file = folder / "rows.csv"
    file.write_text(content, encoding="utf-8")
    source = Source.model_validate({"path": str(file), "format": "csv", **settings})
    return [dict(fields) for _, fields in read_delimited(file, source)]


@pytest.mark.parametrize(
    ("content", "settings", "said"),
    [
        ("text;label\na;b\n", {}, "one column, 'text;label'; if these are several, set `separator: \";\"`"),
        ("text|label\na|b\n", {}, 'set `separator: "|"`'),
        ("text\tlabel\na\tb\n", {}, r'set `separator: "\t"`'),
        ("text,label\na,b\n", {"separator": ";"}, 'set `separator: ","`'),
        ("text;label\na;b\n", {"format": "tsv"}, 'set `separator: ";"`'),
    ],
)
def test_another_separator_is_named(
    tmp_path: Path, content: str, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, content, **settings)
    assert said in str(error.value)


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_the_named_separator_reads_it(tmp_path: Path, separator: str, kind: str) -> None:
    content = f"text{separator}label\na{separator}b\n"
    assert read(tmp_path, content, separator=separator, format=kind) == [{"text": "a", "label": "b"}]


def test_one_column_is_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, "text\none; two\n") == [{"text": "one; two"}]


@pytest.mark.parametrize(
    ("kind", "name", "written"),
    [("tsv", "Title, body", "Title, body"), ("csv", "Good; bad", '"Good; bad"'), ("csv", "a|b", "a|b")],
)
def test_one_column_whose_name_has_a_mark_that_its_rows_have_not_is_one_column(
    tmp_path: Path, kind: str, name: str, written: str
) -> None:
    assert read(tmp_path, f"{written}\none\ntwo\n", format=kind) == [{name: "one"}, {name: "two"}]


def test_a_line_that_is_too_long_is_not_looked_at_for_how_it_quotes() -> None:
    """Ten million characters of it would take a gigabyte."""
    for length, behind in ((1, True), (LONG, False)):
        assert quotes_behind_blanks([f'1, "{"w" * length}"\n'], ",") == behind
