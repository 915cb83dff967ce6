"""Masked language model: what is hidden, and what a visit alters."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tokenizers import Tokenizer

from components.data.contract.rows import read_rows
from components.data.encoding import encode
from components.data.encoding.split import cards_of
from components.data.ingest.ingest import ingest
from components.families.masked_lm import masking as masks
from components.families.masked_lm.family import _of_tokens
from components.settings.project import Task
from tests.families.families import UNICODE
from tests.families.masked_lm.hiding import FAMILY, OPTIONS, TEXT, hidden
from tests.families.self_supervised import mask_token

# --- what is hidden --------------------------------------------------------------------------------


@given(text=UNICODE)
def test_only_tokens_of_chosen_words_change_whatever_the_text(masking: Any, text: str) -> None:
    found, whole = hidden(masking, text), masking.encode(text)
    assert len(found) == len(whole)
    changed = np.flatnonzero(np.array(found.ids) != np.array(whole.ids)).tolist()
    assert set(changed) <= set(found.positions)
    assert [whole.ids[place] for place in found.positions] == found.gold
    special = {masking.token_to_id(name) for name in ("<pad>", "<s>", "</s>", "<mask>")}
    assert not special & set(found.gold)
    chosen = {found.words[place] for place in found.positions}
    assert all((word in chosen) == (place in found.positions) for place, word in enumerate(found.words))
    assert len(chosen) <= masks.how_many(len(masks.word_spans(text)))


def test_a_special_token_that_a_text_spells_out_is_not_hidden(masking: Any) -> None:
    seen = set()
    for words in itertools.islice(itertools.permutations(["</s>", "London", "<mask>", "born", "<s>"]), 60):
        seen |= {masking.id_to_token(number) for number in hidden(masking, " ".join(words)).gold}
    assert seen
    assert not seen & {"</s>", "<mask>", "<s>"}


def test_the_words_of_a_text_are_its_runs_of_letters_its_signs_and_its_chinese_characters() -> None:
    text = "It's 3.5, 北京 a_b!"
    assert [text[a:b] for a, b in masks.word_spans(text)] == [
        "It", "'", "s", "3", ".", "5", ",", "北", "京", "a_b", "!",
    ]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), [(0, 0), (1, 1), (3, 1), (9, 1), (10, 2), (20, 3), (200, 30)])
def test_fifteen_percent_of_the_words_are_hidden_and_one_at_least(words: int, expected: int) -> None:
    assert len(masks.chosen(range(words), Random(3))) == expected


def test_of_hidden_tokens_eight_in_ten_are_masked_one_is_replaced_one_stays() -> None:
    number, random = 20_000, Random(1)
    ids = [7] * number
    changed, positions = masks.hide(ids, [0] * number, {0}, mask=1, tokens=1000, random=random)
    assert positions == list(range(number))
    counts = Counter("masked" if one == 1 else "stays" if one == 7 else "replaced" for one in changed)
    deviation = math.sqrt(0.1 * 0.9 / number)
    assert counts["masked"] / number == pytest.approx(0.8, abs=6 * deviation)
    assert counts["replaced"] / number == pytest.approx(0.1, abs=4 * deviation)
    others = [one for one in changed if one not in (1, 7)]
    assert min(others) < 20
    assert 980 < max(others) < 1000  # any token, and none that is not there


def test_every_word_is_as_likely_to_be_hidden() -> None:
    counts = Counter(word for seed in range(4000) for word in masks.chosen(range(10), Random(seed)))
    assert all(count / 4000 == pytest.approx(0.2, abs=0.03) for count in counts.values())
    assert len(counts) == 10


def test_a_text_of_one_word_hides_it_and_a_cut_one_has_what_is_left(masking: Any) -> None:
    found = hidden(masking, "Turin")
    assert set(found.words) == {masks.NO_WORD, 0}
    assert len(found.positions) == len(found) - 2
    masking.enable_truncation(max_length=3)
    for number in range(20):
        found = hidden(masking, f"Turin London {number} Ada")
        assert len(found) == 3
        assert FAMILY.units(found.words, {}) == 1
        assert found.positions in ([], [1])
    masking.no_truncation()


def test_a_text_without_a_token_has_no_unit() -> None:
    words = [masks.NO_WORD] * 2
    assert FAMILY.units(words, {}) == 0
    assert FAMILY.decode(np.zeros((3, 2)), {"words": []}, {}) == {
        "hidden": 0,
        "guessed": 0,
        "log_likelihood": 0,
    }
    ids, side = FAMILY.augment(np.array([2, 3]), [], words, 5, {"mask": 1, "tokens": 9})
    assert ids.tolist() == [2, 3]
    assert side == []


def test_what_is_counted_are_the_tokens_of_words_whatever_is_hidden(masking: Any) -> None:
    texts = [TEXT, "Turin , Turin", "was born </s> <mask>"]
    encodings = FAMILY.tokenise(masking, [{"text": text} for text in texts], OPTIONS)
    facts = _of_tokens(masking)
    whole = Counter(
        number
        for text, (found,) in zip(texts, encodings, strict=True)
        for number, word in zip(masking.encode(text).ids, found.words, strict=True)
        if word != masks.NO_WORD
    )
    counted = FAMILY.count_tokens(encodings, facts)
    assert len(counted) == facts["tokens"]
    assert {number: int(counted[number]) for number in np.flatnonzero(counted)} == whole


def test_encoding_counts_the_training_rows_in_all_of_their_record_batches(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "ROWS", 7)
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    mask_token(folder)
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"text": f"late train {n} to paris"}) + "\n" for n in range(60)))
    task = {
        "family": FAMILY.name,
        "source": {"path": str(source), "format": "jsonl"},
        "columns": {"text": "text"},
        "splits": {"validation": 0.2, "test": 0.2},
        "cleaning": {},
        "max_length": 12,
    }
    ingest("aside", Task.model_validate(task), 1, tmp_path / "data/aside")
    encode.encode(tmp_path / "data/aside", folder / "tokenizer.json", tmp_path / "encoded/aside")
    (card,) = cards_of(tmp_path / "encoded/aside").values()
    rows = read_rows(tmp_path / "data/aside", "train", "aside")
    assert 7 < len(rows) < 60
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tally = card["facts"]["tally"]
    assert tally[tokenizer.token_to_id("paris")] == len(rows)
    assert sum(tally) == sum(len(tokenizer.encode(row["text"], add_special_tokens=False)) for row in rows)


# --- visits ----------------------------------------------------------------------------------------


def test_a_visit_hides_other_words_of_the_same_text(masking: Any) -> None:
    found, whole = hidden(masking, TEXT), masking.encode(TEXT)
    facts = _of_tokens(masking)
    side = FAMILY.extra_inputs({"text": TEXT}, [found], facts)
    target = FAMILY.target({"text": TEXT}, [found], facts)
    seen = set()
    for secret in range(120):
        ids, altered = FAMILY.augment(np.array(found.ids), side, target, secret, facts)
        positions, gold = altered[::2], altered[1::2]
        assert [whole.ids[place] for place in positions] == gold
        others = set(range(len(whole))) - set(positions)
        assert all(ids[place] == whole.ids[place] for place in others)
        words = {found.words[place] for place in positions}
        assert len(words) == FAMILY.units(target, facts)
        assert (ids[positions] == facts["mask"]).sum() <= len(positions)
        seen |= words
        again, _ = FAMILY.augment(np.array(found.ids), side, target, secret, facts)
        assert np.array_equal(ids, again)
    assert seen == set(found.words) - {masks.NO_WORD}
