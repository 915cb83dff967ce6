"""Whatever hypothesis writes is read as another reader reads it, or refused with its row and a reason."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import conllu
import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from components.data.sources.formats import rows
from components.data.sources.record import Unreadable
from components.errors import UserError
from components.settings.data import Source

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)
WORD = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=6)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(TEXT, JSON, max_size=3), min_size=1, max_size=5)
# What breaks files: quotes, separators, brackets, line ends, byte order marks, blanks of every kind.
BROKEN = st.text(st.sampled_from("ab,;\t\"'\\{}[]:1-#_=.O \n\r\ufeff\u2028\x85\x1c\xa0"), max_size=60)


def read(content: str, **source: Any) -> list[dict[str, Any]]:
    """What our reader gives of a file with this content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_bytes(content.encode())
        found = []
        for number, fields in rows(path, Source(path=str(path), **source)):
            if isinstance(fields, Unreadable):
                raise UserError(f"{path}, row {number}: {fields.reason}")
            found.append(dict(fields))
        return found


def read_or_refuse(content: str, **source: Any) -> list[dict[str, Any]] | None:
    """The same; None where it is refused, as it is to be: one sentence that names the file."""
    try:
        return read(content, **source)
    except UserError as refused:
        assert "rows" in str(refused)
        assert "\n" not in str(refused)
        return None


@pytest.mark.slow
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), min_size=1, max_size=5)
    ),
    st.sampled_from(",;|\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.booleans(),
)
def test_any_table_is_read_as_polars_reads_it(
    values: list[list[str]], separator: str, end: str, quoting: Any, mark: bool
) -> None:
    names = [f"column {number}" for number in range(len(values[0]))]
    file = io.StringIO()
    csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting).writerows([names, *values])
    content = ("\ufeff" if mark else "") + file.getvalue()
    source = {"format": "tsv"} if separator == "\t" else {"format": "csv", "separator": separator}
    table = pl.read_csv(content.encode(), separator=separator, infer_schema=False).fill_null("")
    expected = table.to_dicts()
    if len(names) == 1:  # of one column, an empty line may be a row without a value: ours is none
        expected = [row for row in expected if row[names[0]]]
    found = [row for row in read(content, **source) if len(names) > 1 or row[names[0]]]
    assert found == expected


@pytest.mark.slow
@given(OBJECTS, st.booleans(), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_any_json_lines_are_read_as_json_reads_them(objects: list[Any], ascii_only: bool, end: str) -> None:
    content = end.join(json.dumps(one, ensure_ascii=ascii_only) for one in objects)
    assert read(content, format="jsonl") == [json.loads(line) for line in content.split(end)] == objects


@pytest.mark.slow
@given(OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_any_json_list_is_read_as_json_reads_it(objects: list[Any], indent: int | None, mark: bool) -> None:
    content = ("\ufeff" if mark else "") + json.dumps(objects, ensure_ascii=False, indent=indent)
    assert read(content, format="json") == objects
    assert read("\n".join(map(json.dumps, objects)), format="json") == objects


@pytest.mark.slow
@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.lists(WORD, min_size=width, max_size=width), min_size=1, max_size=4),
            min_size=1,
            max_size=4,
        )
    ),
    st.sampled_from(["\t", " ", "  "]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["{0}", "{0}{0}", "-DOCSTART- -X-{0}{0}", "# a comment of many words{0}"]),
)
def test_any_words_in_columns_are_read_as_a_plain_split_reads_them(
    sentences: list[list[list[str]]], sign: str, end: str, between: str
) -> None:
    """A sentence may also begin with a hash sign (tests/data/kinds/conll.yaml); then it may be a comment."""
    texts = ["".join(sign.join(word) + end for word in words) for words in sentences]
    gap = between.format(end)
    content = (gap if gap.startswith(end) else end + gap).join(texts)
    assume(not any(words[0][0].startswith("#") for words in sentences))
    expected = [
        {str(n): list(column) for n, column in enumerate(zip(*words, strict=True))} for words in sentences
    ]
    assert read(content, format="conll") == expected


FORM = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=6)
NODE = st.fixed_dictionaries(
    {
        "form": FORM,
        "lemma": FORM,
        "upos": st.sampled_from(["NOUN", "VERB", "PUNCT", "_"]),
        "deprel": st.sampled_from(["root", "obj", "nsubj:pass"]),
        "misc": st.dictionaries(
            st.sampled_from(["NER", "SpaceAfter", "Gloss"]), st.sampled_from(["B-PER", "No", "x"])
        ),
        "before": st.sampled_from(["", "range", "empty"]),  # a line that is no word of the text
    }
)


def node(number: int, word: dict[str, Any]) -> str:
    misc = "|".join(f"{key}={value}" for key, value in word["misc"].items()) or "_"
    own = [number, word["form"], word["lemma"], word["upos"], "_", "_", number - 1, word["deprel"], "_", misc]
    other = {"range": f"{number}-{number + 1}", "empty": f"{number - 1}.1"}.get(word["before"])
    lines = [[other, "x", *"________"]] if other else []
    return "".join("\t".join(map(str, line)) + "\n" for line in [*lines, own])


@pytest.mark.slow
@given(
    st.lists(st.lists(NODE, min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from(["# sent_id = s-1\n", "# newpar\n# text = a b\n", "#\n", ""]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_conllu_is_read_as_another_reader_reads_it(
    sentences: list[list[dict[str, Any]]], said: str, end: str
) -> None:
    content = "".join(f"{said}{''.join(map(node, range(1, 9), words))}\n" for words in sentences)
    others = [[token for token in one if isinstance(token["id"], int)] for one in conllu.parse(content)]
    found = read(content.replace("\n", end), format="conllu")
    assert len(found) == len(others) == len(sentences)
    for ours, theirs in zip(found, others, strict=True):
        for name in ("form", "lemma", "upos", "deprel"):
            assert ours[name] == [str(token[name] or "_") for token in theirs]
        for key in {key for token in theirs for key in token["misc"] or ()}:
            assert ours[f"misc.{key}"] == [(token["misc"] or {}).get(key, "O") for token in theirs]
    assert [one.get("text") for one in found] == [one.metadata.get("text") for one in conllu.parse(content)]


@given(
    BROKEN,
    st.sampled_from(
        ["csv", "tsv", "jsonl", "json", "conll", "conllu", "doccano", "prodigy", "label_studio", "squad"]
    ),
)
@example('"', "csv")
@example("[", "json")
@example('[{"a": 1}', "json")
@example("{}", "squad")
def test_whatever_else_is_there_is_read_or_refused_with_a_reason(content: str, name: str) -> None:
    found = read_or_refuse(content, format=name)
    if found is not None and name == "jsonl":
        assert found == [
            json.loads(line)
            for line in re.split("\r\n|\r|\n", content.removeprefix("\ufeff"))
            if line.strip()
        ]


@given(
    st.lists(st.text(st.sampled_from("a é😀\n"), min_size=1, max_size=8), min_size=1, max_size=3), st.data()
)
def test_any_span_is_found_again_in_whatever_its_offsets_count(parts: list[str], data: st.DataObject) -> None:
    from components.data.sources.offsets import Counting

    text, start = "".join(parts), len("".join(parts[:-1]))
    said = {
        "utf16": lambda part: len(part.encode("utf-16-le")) // 2,
        "bytes": lambda part: len(part.encode()),
        "crlf": lambda part: len(part.replace("\n", "\r\n")),
        "characters": len,
    }
    name = data.draw(st.sampled_from(sorted(said)))
    inclusive = data.draw(st.booleans())
    counted = {"start": said[name](text[:start]), "end": said[name](text) - inclusive}
    assert Counting((name,), inclusive).place(text, counted) == {"start": start, "end": len(text)}


@pytest.mark.parametrize("name", ["csv", "jsonl", "conll", "json"])
def test_the_row_that_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    wrong = {
        "csv": "a,b\n1,2\n1\n",
        "jsonl": '{"a": 1}\n\n{"a":\n',
        "conll": "a b\nc d\ne\n",
        "json": '[{"a": 1}, 3]',
    }
    with pytest.raises(UserError, match=f"row {2 if name == 'json' else 3}"):
        read(wrong[name], format=name)
