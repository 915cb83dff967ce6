"""How a table between separators is read, by its beginning."""

from __future__ import annotations

import pytest

from components.data.propose.delimited import delimited

SURVEY = "id,What is wrong?,What is wrong?\n,Response,Response\n"
ANSWERS = "".join(f"{n},it is broken again,no\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("above", "names", "skipped"),
    [
        ("", SURVEY, 2),
        ("Survey of May\n", SURVEY, 3),
        ("Survey of May\n", SURVEY.replace("wrong?,What", "wrong?,Where"), 3),
        ("", SURVEY.replace("wrong?,What", "wrong?,Where"), 1),  # names in the first row are none to be given
    ],
)
def test_what_stands_below_the_names_is_left_out_however_they_are_found(
    above: str, names: str, skipped: int
) -> None:
    assert delimited(above + names + ANSWERS).get("skip_after_header") == skipped
