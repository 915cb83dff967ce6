"""spaCy's DocBin, where spaCy is installed; one sentence where it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from components.data.sources.formats import detect, rows
from components.errors import UserError
from components.settings.data import Source


def test_without_spacy_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)  # as if it were not there
    (tmp_path / "train.spacy").write_bytes(b"x")
    assert detect(tmp_path / "train.spacy") == ["docbin"]
    with pytest.raises(
        UserError, match=r'needs spaCy, which is not installed; pip install "onetrunk\[spacy\]"'
    ):
        list(rows(tmp_path / "train.spacy", Source(path="x", format="docbin")))


def test_entities_categories_and_groups_come_out(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    blank, docs = spacy.blank("en"), spacy.tokens.DocBin(store_user_data=True)
    doc = blank("😀 Ann Lee met Acme")
    doc.ents = [doc.char_span(2, 9, "PER")]
    doc.cats = {"good": 0.9, "bad": 0.1}
    doc.spans["sc"] = [doc.char_span(14, 18, "ORG")]
    docs.add(doc)
    docs.to_disk(tmp_path / "train.spacy")
    ((_, found),) = rows(tmp_path / "train.spacy", Source(path="x", format="docbin"))
    assert found["text"] == "😀 Ann Lee met Acme"
    assert found["spans"] == [{"start": 2, "end": 9, "type": "PER", "text": "Ann Lee"}]
    assert found["spans.sc"] == [{"start": 14, "end": 18, "type": "ORG", "text": "Acme"}]
    assert (found["label"], found["labels"]) == ("good", ["good"])
    assert found["tags"] == ["O", "B-PER", "I-PER", "O", "O"]


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("spacy")
    (tmp_path / "train.spacy").write_text("hello")
    with pytest.raises(UserError, match="not a DocBin that spaCy reads") as refused:
        list(rows(tmp_path / "train.spacy", Source(path="x", format="docbin")))
    assert "\n" not in str(refused.value)
