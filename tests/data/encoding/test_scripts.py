"""Which scripts a tokenizer does not know, by tokenizers that were trained on English, or on letters."""

from __future__ import annotations

import functools

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from components.data.encoding.scripts import unfamiliar, unknown_id
from tests.families import tiny_tokenizers

ENGLISH = [
    "the commission said on thursday that it disagreed with the advice of the minister to the consumers",
    "trains between the northern cities were cancelled because of heavy snow, the company announced",
    "she thought that this was the best restaurant in the whole neighbourhood, and ordered another dessert",
]
GERMAN = ["die kommission sagte gestern, dass sie den rat des ministers an die verbraucher ablehnt"]
RUSSIAN = ["правительство приняло решение о компенсации расходов на лечение в больницах"]
CHINESE = ["政府昨天决定全额补偿住院治疗费用今后由国家预算支付"]
LETTERS = sorted({letter for text in (*ENGLISH, *RUSSIAN) for letter in text if letter.isalpha()})


@functools.cache
def tokenizer(kind: str) -> Tokenizer:
    """Of English; `pieces` calls others unknown, `bytes` spells them by bytes, and `letters` reads every
    language letter by letter."""
    if kind == "bytes":
        built = Tokenizer(models.BPE())
        built.pre_tokenizer, built.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        built.train_from_iterator(ENGLISH * 5, trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet))
        return built
    built = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    built.normalizer, built.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    if kind == "letters":
        built.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    size = len(LETTERS) + 5 if kind == "letters" else 600
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=["[UNK]"], initial_alphabet=LETTERS, show_progress=False
    )
    built.train_from_iterator(ENGLISH * 5, trainer)
    return built


@pytest.mark.parametrize(
    ("kind", "texts", "said"),
    [
        ("pieces", ENGLISH, None),
        ("bytes", ENGLISH, None),
        ("pieces", RUSSIAN, "does not know Cyrillic (100% of the letters): 80% of its pieces are unknown"),
        (
            "bytes",
            RUSSIAN,
            "does not know Cyrillic (100% of the letters): it reads 0.5 letters at a time, and",
        ),
        ("pieces", CHINESE, "does not know CJK (100% of the letters): 100% of its pieces are unknown"),
        ("bytes", CHINESE, "does not know CJK (100% of the letters): it reads 1.0 letters at a time, and"),
        ("letters", ENGLISH, None),
        ("letters", RUSSIAN, None),
        ("letters", CHINESE, "does not know CJK"),
        ("pieces", ["12.50 + 7 = ?", ":-)"], None),
        ("pieces", [], None),
    ],
)
def test_a_script_that_is_unknown_or_spelt_is_named(kind: str, texts: list[str], said: str | None) -> None:
    found = unfamiliar(tokenizer(kind), texts)
    assert len(found) == (said is not None)
    assert all(f"the tokenizer {said}" in one.sentence for one in found)


def test_of_mixed_texts_the_share_is_said_and_a_name_here_and_there_is_none() -> None:
    half = unfamiliar(tokenizer("pieces"), [*ENGLISH[:1], *RUSSIAN])
    assert [one.script for one in half] == ["CYRILLIC"]
    assert 0.3 < half[0].letters < 0.6
    assert not unfamiliar(tokenizer("pieces"), [*ENGLISH, "сон"])


def test_a_related_language_of_the_same_script_is_none() -> None:
    assert not unfamiliar(tokenizer("pieces"), [*ENGLISH, *GERMAN])


@pytest.mark.parametrize(
    ("kind", "unknown"), [("wordpiece", "<unk>"), ("unigram", "<unk>"), ("byte_bpe", None)]
)
def test_what_a_tokenizer_writes_for_an_unknown_letter(kind: str, unknown: str | None) -> None:
    """Unigram's models do not say which piece it is; of bytes nothing is unknown."""
    built = tiny_tokenizers.build(kind)
    assert unknown_id(built) == (None if unknown is None else built.token_to_id(unknown))
