"""Values in the place of a missing one: of which a warning comes, and which new-task leaves out by itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from components.data.sources.sentinels import among_labels, clear_among_labels

LANGUAGES = ("de", "en", "fr", "yue", "cmn", "nan")
WARNED = [  # labels, those of which a warning comes, those that are clear
    (("entailment", "neutral", "contradiction", "-"), ["-"], ["-"]),
    (("good", "bad", "N/A", "<NA>", "#REF!"), ["N/A", "<NA>", "#REF!"], ["N/A", "<NA>", "#REF!"]),
    (("pos", "neg", "unsup"), ["unsup"], ["unsup"]),
    (("Germany", "France", "Spain", "nan"), ["nan"], ["nan"]),
    (("1", "2", "3", "nan", "missing", "?"), ["nan", "missing", "?"], ["nan", "missing", "?"]),
    (("0", "0.5", "4", "-999", "9999"), ["-999", "9999"], ["-999", "9999"]),
    (("1", "2", "3", "4", "5", "99"), ["99"], ["99"]),
    (LANGUAGES, ["nan"], []),
    (("DE", "FR", "US", "GB", "NA"), ["NA"], []),
    (("missing", "damaged", "late"), ["missing"], []),
    (("-1", "0", "1", "2"), ["-1"], []),
    ((*map(str, range(1, 46)), "99"), ["99"], []),
    (("--", "-", "0", "+", "++"), [], []),
    (("+", "-", "0"), [], []),
    ((".", ",", "?", "O"), [], []),
    (("-1", "0", "1"), [], []),
]


@pytest.mark.parametrize(("labels", "warned", "clear"), WARNED)
def test_only_what_can_hardly_be_a_class_is_clear(
    labels: Sequence[str], warned: list[str], clear: list[str]
) -> None:
    counts = dict.fromkeys(labels, 2)
    assert among_labels(counts) == warned
    assert clear_among_labels(counts) == clear
