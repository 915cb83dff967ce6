"""In which script and language a text is."""

from __future__ import annotations

import pytest

from components.languages import FREQUENT, language, script


@pytest.mark.parametrize(("text", "expected"), [
    ("Это хорошо, ok", "cyrillic"), ("これは良い", "hiragana"), ("很好", "cjk"), ("42 !", "none"), ("", "none"),
])  # fmt: skip
def test_the_script_is_that_of_most_letters(text: str, expected: str) -> None:
    assert script(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("opec ministers agreed to cut the output of crude oil by one mln barrels per day", "en"),
    ("What's the weather going to be in Boston?", "en"),
    ("Das Paket ist leider noch nicht angekommen.", "de"),
    ("Je n'ai pas reçu l'article que j'ai commandé", "fr"),
    ("¿Por qué no funciona el pago con tarjeta?", "es"),
    ("Não recebi o meu pedido, e o prazo já passou", "pt"),
    ("Il pacco non è ancora arrivato", "it"),
    ("Het pakket is nog niet aangekomen", "nl"),
    ("Siparişim için bir e-posta almadım ve çok bekledim", "tr"),
    ("Посылка до сих пор не пришла, и что мне с этим делать?", "ru"),
    ("Посилка ще не прийшла, і що з цим робити?", "uk"),
    ("यह पैकेट अभी तक नहीं आया है", "hi"),
    ("東京都渋谷区の天気", "ja"), ("包裹还没到", "zh"), ("소포가 아직 안 왔어요", "ko"), ("Το πακέτο", "el"),
])  # fmt: skip
def test_a_language_is_told_by_its_script_or_by_the_words_that_hold_sentences_together(
    text: str, expected: str
) -> None:
    assert language(text, script(text)) == expected


@pytest.mark.parametrize("text", ["", "42 !", "Siemens München", "ok", "de", "a" * 10_000])
def test_what_no_word_or_as_many_words_of_two_languages_tell_is_of_none(text: str) -> None:
    assert language(text, script(text)) == "und"


def test_no_language_names_a_word_twice() -> None:
    for words in FREQUENT.values():
        assert len(words.split()) == len(set(words.split()))
