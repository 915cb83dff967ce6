"""What polars measures of a column is what is meant of each text."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import families
from components.data.validation.folder import read_folder
from components.data.validation.measures import DAMAGE, measure, read_lines
from components.data.validation.texts import CASED, canonical, whole_texts
from components.families.shared.fingerprint import text_key
from components.settings.project import Checks
from tests.data.folders import sound_rows, write_folder

# Characters that this Python's Unicode knows: later ones are letters to polars and not yet to Python.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=12)


def keys(texts: list[str]) -> list[str]:
    return pl.DataFrame({"t": texts}).select(canonical(pl.col("t")))["t"].to_list()


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=20))
def test_the_key_of_a_column_is_that_of_each_text(texts: list[str]) -> None:
    assert [text_key(key) for key in keys(texts)] == [text_key(text) for text in texts]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße!", "STRASSE"), ("ΟΔΟΣ", "οδοσ"), ("ﬁne  day", "Fine, day"), ("İ", "i\u0307"), ("x² ", "X²")],
)
def test_texts_that_differ_in_case_and_punctuation_have_one_key(one: str, other: str) -> None:
    first, second = keys([one, other])
    assert first == second
    assert text_key(one) == text_key(other)


def test_no_character_is_folded_beyond_those_that_are_looked_at() -> None:
    beyond = "".join(map(chr, range(CASED, sys.maxunicode + 1)))
    assert beyond.casefold() == beyond.lower() == beyond


def test_texts_of_symbols_stand_for_themselves() -> None:
    assert len(set(keys(["!!!", "???", "🙂", "🙂🙂"]))) == 4


def test_the_text_of_a_column_is_that_of_each_row() -> None:
    family = families.get("classification")
    rows = [{"text": "a", "text_pair": None}, {"text": "b", "text_pair": "c"}]
    frame = pl.DataFrame(rows, schema={"text": pl.String, "text_pair": pl.String})
    assert whole_texts(family, frame).to_list() == [family.text_of(row) for row in rows]


def test_rows_in_many_chunks_are_measured_as_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sound_rows("tagging")
    rows["test"][3]["text"] = rows["train"][4]["text"].upper()
    rows["test"][3]["tags"] = ["O"] * len(rows["test"][3]["tags"])
    rows["train"][7]["tags"] = None
    rows["train"][0]["groups"] = rows["validation"][0]["groups"] = ["g"]
    data = read_folder(write_folder(tmp_path, "tagging", rows))
    whole = measure(data, read_lines(data), Checks())
    assert whole["texts in two splits"].examples == [4, 51]
    assert whole["texts with two targets"].found == 2
    assert whole["without tags"].examples == [7]
    assert whole["groups in two splits"].examples == [0, 24]
    monkeypatch.setattr(type(data).chunks, "__defaults__", (None, 5))
    assert len(list(data.chunks())) > 10
    assert measure(data, read_lines(data), Checks()) == whole


def is_damaged(text: str) -> bool:
    """As polars sees it, which must be as Python's own expressions do."""
    (found,) = pl.Series([text]).str.contains(DAMAGE.pattern)
    assert found == bool(DAMAGE.search(text))
    return found


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
@pytest.mark.parametrize("text", ["café", "it’s", "£5", "“quoted”", "naïve – yes"])
def test_utf_8_read_as_another_encoding_is_damage(text: str, encoding: str):
    assert is_damaged(text.encode().decode(encoding, "replace"))


@pytest.mark.parametrize("text", ["lost \ufffd", "control \x93quoted\x94", "wait‰Ûªs", "Ù÷â twice misread"])
def test_other_traces_of_a_wrong_encoding_are_damage(text: str):
    assert is_damaged(text)


@pytest.mark.parametrize(
    "text",
    [
        "plain words, 100 % ASCII",
        "“Über” café’s naïve… «À voilà» Spaß… ¿Qué? ¡Ánimo! cœur, Œuvre",
        "50 € – £5 ± 2, 20 °C, 3 × 4 ÷ 2 ≠ √2 ¬p",
        "smörgåsbord ÄÖÜ IRMÃ ŁÓDŹ",
        "日本語 Привет Ελλάδα עברית 👍🏽",
    ],
)
def test_sound_text_of_any_language_is_not_damage(text: str):
    assert not is_damaged(text)
