"""What linear baselines read: words, characters, and what the texts of a pair share."""

from __future__ import annotations

import re
import sys
import unicodedata
from random import Random

import pytest

from components.families.base import Row
from components.families.classification.family import FAMILY as CLASSIFICATION
from components.families.shared import linear
from components.families.shared.words import MARKS, UNSPACED


def row(text: str, label: str = "", pair: str | None = None) -> Row:
    return {"text": text, "text_pair": pair, "label": label}


def accuracy(train: list[Row], test: list[Row], number: int = 0) -> float:
    """Of the classification's linear model of that number."""
    models = CLASSIFICATION.linear_models(train, {})
    said = next(model for place, model in enumerate(models) if place == number)(test)
    return sum(found["label"] == one["label"] for found, one in zip(said, test, strict=True)) / len(test)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("An old-fashioned word, a café", ["An", "old", "fashioned", "word", "café"]),
        ("今天天气 good", ["今", "天", "天", "气", "good"]),
        ("ภาษา", list("ภาษา")),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("人々 ｶﾀｶﾅ ㄅㄆ", list("人々ｶﾀｶﾅㄅㄆ")),
        ("ລາວ ខ្មែរ မြန်", list("ລາວខ្មែរမြန်")),
        ("iPhone手机", ["iPhone", "手", "机"]),
        ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
        ("ٱلرَّحْمَـٰنِ", ["ٱلرَّحْمَـٰنِ"]),
        ("ދިވެހި ܣܽܘܪܝܳܝܳܐ བོད་སྐད", ["ދިވެހި", "ܣܽܘܪܝܳܝܳܐ", "བོད", "སྐད"]),
        ("𞤆𞤵𞥅𞤤𞤢𞤪 𑄌𑄋𑄴𑄟𑄳𑄦", ["𞤆𞤵𞥅𞤤𞤢𞤪", "𑄌𑄋𑄴𑄟𑄳𑄦"]),
        ("can\u00adnot 👩\u200d💻 1\ufe0f\u20e3 \u0301\u0301", ["can\u00adnot"]),
    ],
)
def test_a_term_is_a_word_or_a_character_of_a_script_without_blanks(text: str, terms: list[str]) -> None:
    assert re.findall(linear.TERM, text) == terms


def test_no_word_is_cut_at_a_mark_of_its_script() -> None:
    """But for those that say which picture another is."""
    marks = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)).startswith("M")]
    known = set(re.findall(f"[{MARKS}{UNSPACED}]", "".join(marks)))
    assert [one for one in marks if one not in known] == [
        chr(n) for n in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
    ]


def test_a_script_without_blanks_is_not_cut_at_blanks() -> None:
    """Each sentence is one run of characters, and none occurs twice: cut at blanks they say nothing."""
    random = Random(1)

    def sentence(label: str) -> Row:
        filler = [chr(random.randrange(0x4E00, 0x5200)) for _ in range(12)]
        place = random.randrange(12)
        return row(
            "".join([*filler[:place], *("很好" if label == "good" else "不行"), *filler[place:]]), label
        )

    rows = [sentence(("good", "bad")[number % 2]) for number in range(300)]
    assert accuracy(rows[:200], rows[200:]) > 0.95


def test_of_a_pair_both_texts_and_what_they_share_are_read() -> None:
    """Whether the second text repeats a word of the first stands in neither alone."""
    random = Random(1)
    words = [f"word{number}" for number in range(60)]

    def pair(label: str) -> Row:
        first = random.sample(words, 6)
        others = [word for word in words if word not in first]
        second = [*random.sample(others, 5), random.choice(first if label == "yes" else others)]
        return row(" ".join(first), label, " ".join(second))

    rows = [pair(("yes", "no")[number % 2]) for number in range(600)]
    assert accuracy(rows[:400], rows[400:]) > 0.95
    hint = [row("premise", label, f"{label} hypothesis") for label in ("nobody", "everybody")] * 20
    assert accuracy(hint, hint) == 1  # what the second text says by itself


def test_a_pair_whose_second_text_is_missing_is_read() -> None:
    rows = [row("good thing", "a", "good"), row("bad thing", "b", None)] * 5
    assert accuracy(rows, rows) == 1


def test_of_many_characters_words_alone_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(f"text number {number}", "ab"[number % 2]) for number in range(20)]
    both = len(list(CLASSIFICATION.linear_models(rows, {})))
    monkeypatch.setattr(linear, "MOST_CHARACTERS", 100)
    assert len(list(CLASSIFICATION.linear_models(rows, {}))) == both / 2 == len(linear.STRENGTHS)


def test_texts_of_symbols_alone_are_read() -> None:
    rows = [row(":)", "a"), row(":(", "b")] * 5
    assert accuracy(rows, rows, number=0) == accuracy(rows, rows, number=len(linear.STRENGTHS)) == 1
