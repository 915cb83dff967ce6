"""Where new articles come from, and what cannot be read."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from components.monitoring.articles import Article, read
from components.settings.monitor import ArticleColumns, Articles

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALL = ArticleColumns(text="body", published="at", id="key")


def found(path: Path, columns: ArticleColumns = ALL) -> tuple[list[Article], list[str]]:
    complaints: list[str] = []
    return list(read(Articles(path=str(path), columns=columns), NOW, complaints.append)), complaints


def test_a_folder_of_tables_and_texts_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"key": 7, "body": "Rates rise.", "at": "2026-11-19T08:00:00+02:00"}\n'
    )
    (tmp_path / "b.csv").write_text("key,body,at\nx,Rates fall.,2026-11-18\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/c.txt").write_text("Oil is dear.\n")
    os.utime(tmp_path / "deep/c.txt", (1_700_000_000, 1_700_000_000))
    columns = {"key": ["p"], "body": ["Gold is dear."], "at": [date(2026, 11, 17)]}
    pq.write_table(pa.table(columns), tmp_path / "z.parquet")
    articles, complaints = found(tmp_path)
    assert complaints == []
    assert [(article.id, article.text) for article in articles[:2]] == [
        ("7", "Rates rise."),
        ("x", "Rates fall."),
    ]
    assert [article.published for article in articles] == [
        datetime(2026, 11, 19, 6, tzinfo=UTC),
        datetime(2026, 11, 18, tzinfo=UTC),
        datetime.fromtimestamp(1_700_000_000, UTC),
        datetime(2026, 11, 17, tzinfo=UTC),
    ]


def test_what_is_hidden_or_of_another_kind_or_of_the_future_waits(tmp_path: Path) -> None:
    (tmp_path / ".half.txt").write_text("Half an arti")
    (tmp_path / ".coming").mkdir()
    (tmp_path / ".coming/a.txt").write_text("Half an arti")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "notes.md").write_text("Nothing")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "a.jsonl").write_text('{"key": "a", "body": "Later.", "at": "2026-11-20T12:00:01"}\n')
    assert found(tmp_path) == ([], [])


def test_without_columns_an_article_is_its_words_and_is_of_now(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nRates rise.\nrates RISE\nRates fall.\n")
    articles, _ = found(tmp_path / "a.csv", ArticleColumns())
    assert articles[0].id == articles[1].id != articles[2].id
    assert {article.published for article in articles} == {NOW}


def test_the_same_words_in_a_text_file_and_a_table_are_one_article(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nRates rise.\n")
    (tmp_path / "a.txt").write_text("Rates rise.\n")
    articles, _ = found(tmp_path, ArticleColumns())
    assert len({article.id for article in articles}) == 1


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.jsonl", b'{"key": "1", "at": "2026-11-19"}', "row 1: 'body' is missing, expected a text"),
        ("a.jsonl", b'{"key": "1", "body": " ", "at": "2026-11-19"}', "row 1: 'body' is empty, expected a text"),
        ("a.jsonl", b'{"key": "1", "body": ["x"], "at": "2026-11-19"}', "row 1: 'body' is ['x'], expected a text"),
        ("a.jsonl", b'{"key": "1", "body": "x"}', "row 1: 'at' is None, expected a time such as 2026-11-20T14:30"),
        ("a.jsonl", b'{"key": "1", "body": "x", "at": "yesterday"}', "row 1: 'at' is 'yesterday', expected a time"),
        ("a.jsonl", b'{"key": "1", "body": "x", "at": 1763600000}', "row 1: 'at' is 1763600000, expected a time"),
        ("a.jsonl", b'{"key": "1", "body": "x", "at": "0001-01-01T00:00+14:00"}', "row 1: 'at' is '0001-01-01T00:00+14:00', expected a time between the years 1 and 9999"),
        ("a.jsonl", b'{"body": "x", "at": "2026-11-19"}', "row 1: 'key' is None, expected a text or a whole number"),
        ("a.jsonl", b'{"key": " ", "body": "x", "at": "2026-11-19"}', "row 1: 'key' is ' ', expected a text or a whole"),
        ("a.jsonl", b'{"key": true, "body": "x", "at": "2026-11-19"}', "row 1: 'key' is True, expected a text or a whole"),
        ("a.jsonl", b'{"key": 1.5, "body": "x", "at": "2026-11-19"}', "row 1: 'key' is 1.5, expected a text or a whole"),
        ("a.jsonl", b'{"key": "1", "body": "\\ud800", "at": "2026-11-19"}', "row 1: 'body' has half a surrogate pair"),
        ("a.csv", b"key,body,at\n1,,2026-11-19\n", "row 2: 'body' is empty, expected a text"),
        ("a.txt", b"", "a.txt: 'text' is empty, expected a text"),
        ("a.txt", b"caf\xe9", "a.txt, line 1: byte 0xe9 is not utf-8"),
    ],
)  # fmt: skip
def test_an_article_that_cannot_be_read_is_left_out_with_a_sentence(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.jsonl").write_text('{"key": "2", "body": "Rates rise.", "at": "2026-11-19"}\n')
    articles, complaints = found(tmp_path)
    assert [article.id for article in articles] == ["2"]
    (said,) = complaints
    assert said.startswith(f"{tmp_path / name}")
    assert complaint in said


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.jsonl", b'{"text"', "a.jsonl, row 1: not JSON"),
        ("a.jsonl", b"[1]", "a.jsonl, row 1: list, expected an object"),
        ("a.csv", b"body,at\nx\n", "a.csv, row 2: 1 fields, the header has 2"),
        ("a.csv", b"body\n\xff\n", "a.csv, line 2: byte 0xff is not utf-8; set `encoding` in params.yaml"),
        ("a.parquet", b"PAR1 no more", "a.parquet, after row 0: not a whole Parquet file"),
        ("a.docx", b"", "a.docx: expected a file that ends in .csv, .tsv, .jsonl, .parquet, .txt, or a folder"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_in_its_format_stops_the_run(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        found(tmp_path / name)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.jsonl", '{"key": "1", "body": "x", "at": "2026-11-19"}\n{"key": "2", "bo', "row 2: not JSON"),
        ("a.csv", "key,body,at\n0,rates, rise,2026-11-19\n1,x,2026-11-19\n", "row 2: 4 fields, the header has 3"),
    ],
    ids=["cut short", "a field too many"],
)  # fmt: skip
def test_a_torn_row_is_left_out_with_a_sentence_and_stops_no_schedule(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    articles, (said,) = found(tmp_path)
    assert [article.id for article in articles] == ["1"]
    assert said.startswith(f"{tmp_path / name}, {complaint}")


def test_a_table_of_another_separator(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text;published\nup, they say;2026-02-01\n")
    with pytest.raises(UserError, match='set `separator: ";"` beside its path'):
        list(read(Articles(path=str(tmp_path)), NOW, print))
    (article,) = read(Articles(path=str(tmp_path), separator=";"), NOW, print)
    assert article.text == "up, they say"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_setting_that_a_refusal_names_reads_the_table(tmp_path: Path, name: str) -> None:
    between = "," if name == "a.tsv" else "\t"
    (tmp_path / name).write_text(f"text{between}published\nup{between}2026-02-01\n")
    written = between.replace("\t", r"\\t")
    with pytest.raises(UserError, match=f'set `separator: "{written}"` beside its path'):
        list(read(Articles(path=str(tmp_path)), NOW, print))
    assert [one.text for one in read(Articles(path=str(tmp_path), separator=between), NOW, print)] == ["up"]
    (tmp_path / name).write_text('text\n"say \\"up\\", they"\n')
    with pytest.raises(UserError, match=r"set `escape: '\\'`"):
        list(read(Articles(path=str(tmp_path)), NOW, print))
    (article,) = read(Articles(path=str(tmp_path), escape="\\"), NOW, print)
    assert article.text == 'say "up", they'


def test_another_encoding_is_declared(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("café".encode("latin-1"))
    (tmp_path / "b.csv").write_bytes("text\ncrème\n".encode("latin-1"))
    declared = Articles(path=str(tmp_path), encoding="latin-1")
    assert [article.text for article in read(declared, datetime.now(UTC), print)] == ["café", "crème"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder; see monitor.articles.path"):
        found(tmp_path / "nwes")


def test_a_time_with_a_zone_is_that_moment(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"key": "1", "body": "x", "at": "2026-11-20T13:30:00+02:00"}\n')
    ((article,), _) = found(tmp_path)
    assert NOW - article.published == timedelta(minutes=30)


def test_a_file_that_vanishes_while_the_folder_is_read_is_named_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(f"Article {name}.")
    complaints: list[str] = []
    articles = read(Articles(path=str(tmp_path)), datetime.now(UTC), complaints.append)
    assert next(articles).text == "Article a."
    (tmp_path / "b.txt").unlink()
    assert [article.text for article in articles] == ["Article c."]
    assert complaints == [f"{tmp_path}/b.txt: cannot be read (No such file or directory), expected a file"]
    shutil.rmtree(tmp_path)
    with pytest.raises(UserError, match="no such file or folder; see monitor"):
        found(tmp_path)


def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        (tmp_path / "a.jsonl").write_text('{"key": "1", "body": "x", "at": "2026-11-20T11:30:00"}\n')
        ((article,), _) = found(tmp_path)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert NOW - article.published == timedelta(minutes=30)
