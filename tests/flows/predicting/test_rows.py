"""A row that cannot be read or answered is kept, with its reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from flows.predicting import reading
from tests.flows.predicting.files import Ask, load, write_lines


def test_a_row_that_cannot_be_answered_is_kept_with_its_reason(ask: Ask) -> None:
    good = json.dumps({"text": "ada"}).encode()
    bad = [b"{torn", b'{"text": 7}', b'{"body": "ada"}', b'{"text": "caf\xe9"}', b'{"text": null}', b"[1]"]
    lines = [line for one in bad for line in (one, good)]
    Path("in.jsonl").write_bytes(b"\n".join(lines))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (12, 6)
    rows = load("out.jsonl")
    assert all(row["answers"] and "error" not in row for row in rows[1::2])
    reasons = [row["error"] for row in rows[::2]]
    for number, (reason, expected) in enumerate(zip(reasons, [
        "not JSON", "text: found a number", "nothing to read, expected text", "bytes that are not UTF-8",
        "nothing to read, expected text", "text: found a list",
    ], strict=True)):  # fmt: skip
        assert reason.startswith(f"row {2 * number + 1}: {expected}")


def test_what_cannot_be_read_of_a_row_is_kept_as_it_stands(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = "9" * 5000
    bad = ['{"text": "a", "text": "b"}', "{torn", "[" * 100_000, f'{{"text": "a", "n": {digits}}}']
    Path("in.jsonl").write_text("\n".join([*bad, '{"text": "a \\ud800"}', '{"text": "fine", "x": NaN}']))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (6, 5)
    rows = load("out.jsonl")
    assert [row["line"] for row in rows[:4]] == bad
    assert [row["error"] for row in rows[:5]] == [
        "row 1: not JSON (the key 'text' is there twice)",
        "row 2: not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
        "row 3: nested too deeply",
        "row 4: not JSON (Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits)",
        "row 5: half a character (a lone surrogate)",
    ]
    assert (rows[5]["answers"].keys(), rows[5]["x"]) == ({"sentiment"}, None)  # which is JSON
    monkeypatch.setattr(reading, "LONGEST", 1000)
    long = "w" * 1001
    Path("in.csv").write_text(f"text,id\nad\ra,1\n{long},2\nfine,3\n", newline="")
    assert ask("in.csv", "out2.jsonl", ["sentiment"]) == (3, 2)
    torn, large, fine = load("out2.jsonl")
    assert (torn["text"], torn["error"]) == ("ad\ra,1\n", "row 1: not a row (a carriage return within it)")
    assert large["text"] == f"{long},2\n"
    assert large["error"] == "row 2: not a row (a field has more than 1,000 characters)"
    assert fine["answers"]
    Path("in.csv").write_text('text\n"' + "w\n" * 501 + '"\n')
    with pytest.raises(UserError, match=r"row 1: a quote is opened and not closed within 1,000 characters"):
        ask("in.csv", "out3.jsonl")


def test_a_line_that_is_too_long_for_the_memory_is_one_sentence_however_small_the_file(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two megabytes of gzip may be two gigabytes of text."""
    monkeypatch.setattr(reading, "LONGEST", 1000)
    monkeypatch.setattr(reading, "LONGEST_LINE", 5000)
    write_lines("in.jsonl", [{"text": "w" * 2000}, {"text": "ada"}])
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (2, 1)
    assert load("out.jsonl")[0]["error"] == "row 1: more than 1,000 characters"
    for name, header in (("bomb.jsonl.gz", b'"ada"\n"'), ("bomb.csv.gz", b"text\n"), ("bomb.csv.gz", b"")):
        Path(name).write_bytes(gzip.compress(header + b"w" * 9000))
        line = header.count(b"\n") + 1
        with pytest.raises(UserError, match=rf"^{name}: line {line} has 5,000 bytes or more"):
            ask(name, "out2.jsonl", ["sentiment"])


def test_bytes_in_a_column_are_no_text(ask: Ask) -> None:
    pq.write_table(pa.table({"text": [b"ada"], "x": [float("nan")]}), "in.parquet")
    assert ask("in.parquet", "out.csv", ["sentiment"]) == (1, 1)
    (row,) = load("out.csv")
    assert (row["error"], row["x"]) == ("row 1: found bytes, expected text", "nan")


def test_moments_that_python_has_none_for_are_text(ask: Ask) -> None:
    moments = {
        "day": pa.array([10**7, None], pa.date32()),
        "year": pa.array([-(10**18), 0], pa.timestamp("us")),
        "zone": pa.array([1_000_000, None], pa.timestamp("us", tz="Mars/Olympus")),
        "long": pa.array([9 * 10**17, 1], pa.duration("s")),
    }
    pq.write_table(pa.table({"text": ["ada", "bob"], **moments}), "in.parquet")
    assert ask("in.parquet", "out.jsonl") == (2, 0)
    first, second = map(json.loads, Path("out.jsonl").read_text().splitlines())
    assert (first["day"], second["day"]) == ("29349-01-26", None)
    assert first["year"].startswith("-29719-04-05 22:13:20")
    assert first["zone"].startswith("1970-01-01 00:00:01")
    assert (first["long"], second["long"]) == ("900000000000000000", "1")


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('"body\nof the mail",text\n1,ada\n2,"bob\ncy"\n', {"ada": "1", "bob\ncy": "2"}),
        ('"no\nof",text\n1,ada\n', {"ada": "1"}),
        ("sep=;\ntext;no\nada, bob;1\n", {"ada, bob": "1"}),
        ('\ufeff"sep=:"\r\ntext:no\r\nada, bob:1\r\n', {"ada, bob": "1"}),
        ('"a, b, c, d";text\n1;ada\n', {"ada": "1"}),
        ('no, text\n1, "ada, bob"\n2, "cy"\n', {"ada, bob": "1", "cy": "2"}),
        ("no,text\n1,ada\n2,5\" pipes\n", {"ada": "1", '5" pipes': "2"}),
    ],
    ids=["a break in a name", "a break in a short name", "sep=", "a quoted sep=", "separators in a name",
         "quotes behind blanks", "a quote within"],
)  # fmt: skip
def test_a_table_is_read_as_its_first_lines_say_it_is_written(
    ask: Ask, content: str, rows: dict[str, str]
) -> None:
    Path("in.csv").write_text(content, newline="", encoding="utf-8")
    assert ask("in.csv", "out.jsonl", ["sentiment"]) == (len(rows), 0)
    found = load("out.jsonl")
    assert {row.pop("text"): next(iter(row.values())) for row in found} == rows
    assert all(set(row["answers"]) == {"sentiment"} for row in found)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('no\ttext\n1\t"ada" he said\n2\t"bob\n3\tcy"\n', ['"ada" he said', '"bob', 'cy"']),
        ('"no"\t"text"\n1\t"bob\n2\tcy\n', ['"bob', "cy"]),
        ('no\ttext\n1\t"ada\tbob"\n2\t"cy ""d"""\n3\t"two\nlines"\n', ["ada\tbob", 'cy "d"', "two\nlines"]),
    ],
    ids=["as in a text", "one alone", "around fields"],
)  # fmt: skip
def test_between_tabs_quotes_are_taken_as_the_file_has_them(ask: Ask, content: str, rows: list[str]) -> None:
    """Of texts that stand there as they are, one that begins with a quote would swallow those below it."""
    Path("in.tsv").write_text(content, newline="")
    assert ask("in.tsv", "out.jsonl", ["sentiment"]) == (len(rows), 0)
    assert [row["text"] for row in load("out.jsonl")] == rows


def test_a_torn_row_of_a_table_is_kept_with_its_reason(ask: Ask) -> None:
    Path("in.csv").write_bytes(b"text;id\nada;1\nada;2;3\n\nbob;4\ncaf\xe9;5\n")
    assert ask("in.csv", "out.csv") == (4, 2)
    rows = load("out.csv")
    assert [row["id"] for row in rows] == ["1", "2;3", "4", "5"]  # what is too much is not lost
    assert rows[1]["error"] == "row 2: 3 fields, the header has 2"
    assert (rows[3]["text"], rows[3]["error"]) == (
        "caf\\udce9",
        f"row 4: bytes that are not UTF-8; {reading.SAVE}",
    )


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_what_nests_too_deeply_is_kept_with_its_reason_wherever_reading_it_just_works(
    ask: Ask, kind: str
) -> None:
    """Whatever writes it again may not."""
    deep = [
        f'{{"text": "ada", "more": {"[" * depth}{"]" * depth}}}' for depth in (400, 500, *range(900, 1000, 3))
    ]
    Path("in.jsonl").write_text("\n".join(deep))
    rows, unreadable = ask("in.jsonl", f"out.{kind}", ["sentiment"])
    assert (rows, unreadable) == (len(deep), len(deep) - 1)
    assert {row["error"].partition(": ")[2] for row in load(f"out.{kind}")[1:]} == {"nested too deeply"}


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_half_a_character_within_a_list_or_a_name_is_written_as_an_escape(ask: Ask, kind: str) -> None:
    Path("in.jsonl").write_text('{"text": "ada", "tags": ["\\ud83d"], "k\\ud83d": 1}\n')
    assert ask("in.jsonl", f"out.{kind}", ["sentiment"]) == (1, 0)
    (row,) = load(f"out.{kind}")
    assert row["sentiment.label"] if kind != "jsonl" else row["answers"]
    assert row["tags"] == (["\ud83d"] if kind == "jsonl" else '["\\ud83d"]')
