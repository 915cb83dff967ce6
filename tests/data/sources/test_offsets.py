"""Offsets that count something else are found by the words that they cut and by what stands there."""

from __future__ import annotations

import pytest

from components.data.sources.offsets import Counting, MisplacedError, Tally, check_surface, cuts

UTF16, INCLUSIVE = Counting(("utf16",)), Counting(inclusive=True)
FACE = "😀 Ann Lee met Acme"


@pytest.mark.parametrize(
    ("text", "start", "end", "cut"),
    [
        ("Ann Lee", 0, 3, False),
        ("Ann Lee", 0, 2, True),
        ("Ann Lee", 1, 3, True),
        ("don't", 3, 5, False),  # at an apostrophe
        ("5kg", 0, 1, False),  # a number and its unit
        ("2026", 0, 2, True),
        ("Müller", 0, 2, True),
        ("王小明在北京", 0, 3, False),  # Chinese
        ("서울에서", 0, 2, False),  # Korean: a particle belongs to no name
        ("ไปกรุงเทพ", 2, 9, False),  # Thai
    ],
)
def test_a_span_cuts_a_word_between_two_letters_of_a_script_with_spaces(
    text: str, start: int, end: int, cut: bool
) -> None:
    assert cuts(text, start, end) == cut


def test_a_place_within_a_character_or_behind_the_text_is_none() -> None:
    assert UTF16.place(FACE, {"start": 0, "end": 2}) == {"start": 0, "end": 1}
    for span in ({"start": 1, "end": 5}, {"start": 3, "end": 99}, {"start": -1, "end": 3}):
        with pytest.raises(MisplacedError, match="expected places in the text's 19 utf16"):
            UTF16.place(FACE, span)


def test_what_an_export_says_of_a_span_is_held_to_the_text_but_for_blanks() -> None:
    check_surface("Ann\r\nLee", [{"start": 0, "end": 8, "text": "Ann Lee"}])
    check_surface("Ann\nLee", [{"start": 0, "end": 7, "text": "Ann\\nLee"}])  # as Label Studio writes it
    with pytest.raises(MisplacedError, match="'nn' in the text and 'Ann' in the export"):
        check_surface("Ann Lee", [{"start": 1, "end": 3, "text": "Ann"}])


def tally(*spans: tuple[str, int, int], counting: Counting | None = None) -> Tally:
    found = Tally(counting or Counting())
    for number, (text, start, end) in enumerate(spans):
        found.add(f"row {number}", text, [{"start": start, "end": end}])
    return found


def test_the_setting_is_advised_that_mends_nearly_all_and_harms_none() -> None:
    found = tally((FACE, 3, 10), ("Ann Lee met", 0, 7))
    assert (found.spans, found.wrong, found.first) == (2, 1, "row 0 ('nn Lee ')")
    assert found.better == UTF16
    assert tally(("Ann Lee met", 0, 6), ("Bob met", 0, 2)).better == INCLUSIVE
    assert tally(("Ann Lee met", 0, 6), *[("Bob met", 0, 3)] * 9).better is None  # one slip of the mouse
    assert tally(("Ann Lee met", 1, 6)).better is None
    assert tally(("Ann Lee met", 0, 7)).better is None


def test_of_two_settings_that_fit_the_simpler_one_is_advised() -> None:
    assert tally(("a\r\nAnn Lee met", 2, 9)).better == Counting(("lf",))
    assert tally(("Café Ann Lee met", 6, 13)).better == Counting(("bytes",))
    assert tally(("😀\nAnn Lee met", 4, 11)).better == Counting(("utf16", "crlf"))


def test_the_advice_is_what_params_yaml_takes() -> None:
    from components.settings.data import Source

    for counting in (UTF16, INCLUSIVE, Counting(("utf16", "crlf"), inclusive=True)):
        import yaml

        given = yaml.safe_load(f"{{path: a, format: csv, {counting.setting}}}")
        assert Counting.of(Source.model_validate(given)) == counting
