"""Which scripts a tokenizer does not know, by tokenizers that were trained on English, or on letters."""

from __future__ import annotations

import functools
from string import ascii_lowercase

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
        ("pieces", RUSSIAN, "Cyrillic (100% of the letters): 97% of them are unknown"),
        ("bytes", RUSSIAN, "Cyrillic (100% of the letters): it reads 0.5 letters at a time, and"),
        ("pieces", CHINESE, "CJK (100% of the letters): 100% of them are unknown"),
        ("bytes", CHINESE, "CJK (100% of the letters): it reads 1.0 letters at a time, and"),
        ("letters", ENGLISH, None),
        ("letters", RUSSIAN, None),
        ("letters", CHINESE, "CJK"),
        ("pieces", ["12.50 + 7 = ?", ":-)"], None),
        ("pieces", [], None),
        ("bytes", ["\U0001f600\U0001f389 \u2764\ufe0f", "a b c d e f g h"], None),
        ("bytes", ["https://t.co/a1b2c3d4e5", "9f86d081884c7d659a2feaa0", "4XK2Q, the 7QZ81X"], None),
        ("bytes", ["2024年我想预订两晚的房间"], "CJK"),
    ],
)
def test_a_script_that_is_unknown_or_spelt_is_named(kind: str, texts: list[str], said: str | None) -> None:
    found = unfamiliar(tokenizer(kind), texts)
    assert len(found) == (said is not None)
    assert all(f"the tokenizer does not know these words in {said}" in one.sentence for one in found)


def test_words_count_as_often_as_they_occur() -> None:
    """Names that are spelt out stand in each of the texts once, among words that are known."""
    names = (f"{a}{b}{c}" for a in "qzxj" for b in "vkwx" for c in "gqzj")
    texts = [f"{text} {name}" for name, text in zip(names, ENGLISH * 20, strict=False)]
    assert not unfamiliar(tokenizer("bytes"), texts)
    assert unfamiliar(tokenizer("bytes"), [*ENGLISH, "qzgwk " * 900])


def test_kana_that_are_spelt_are_named_though_each_run_has_an_unknown_sign() -> None:
    """As Japanese to an English WordPiece tokenizer, which has the kana and a few ideographs, one by one."""
    built = tokenizer("pieces")
    pieces = dict(built.get_vocab())
    pieces |= {
        f"restaurant{a}{b}": len(pieces) + 26 * n + m
        for n, a in enumerate(ascii_lowercase)
        for m, b in enumerate(ascii_lowercase)
    }
    for sign in "".join(dict.fromkeys("この映画はとても面白かったです")):
        pieces |= {one: len(pieces) + more for more, one in enumerate((sign, f"##{sign}"))}
    known = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    known.normalizer, known.pre_tokenizer = built.normalizer, built.pre_tokenizer
    [found] = unfamiliar(known, ["この映画はとても面白かった駅です"])
    assert (found.script, found.at_a_time) == ("HIRAGANA", 1.5)
    assert found.unknown < 0.2


def test_the_script_of_most_letters_comes_first() -> None:
    for texts in ([*RUSSIAN, *CHINESE * 9], [*RUSSIAN * 3, *CHINESE]):
        found = unfamiliar(tokenizer("pieces"), texts)
        assert [one.letters for one in found] == sorted((one.letters for one in found), reverse=True)
        assert len(found) == 2


def test_a_word_that_is_unknown_as_a_whole_counts_by_its_letters() -> None:
    """As Korean to an English WordPiece tokenizer: long words are one unknown piece, short ones are spelt."""
    built = Tokenizer(models.WordPiece({"[UNK]": 0, "the": 1, "да": 2, "##да": 3}, unk_token="[UNK]"))
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    [found] = unfamiliar(built, ["дададада дададада правительство"])
    assert found.unknown == pytest.approx(13 / 29)


def test_pieces_of_bytes_are_as_long_as_the_letters_that_they_spell() -> None:
    """A letter of Russian is two bytes: of its own language a tokenizer of bytes knows the words."""
    built = Tokenizer(models.BPE())
    built.pre_tokenizer, built.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    built.train_from_iterator(
        RUSSIAN * 3,
        trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
    )
    assert not unfamiliar(built, ["правила приёма расходов"])
    assert unfamiliar(built, ENGLISH)


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
