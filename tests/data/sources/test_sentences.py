"""Which columns tell sentences apart: a document's, beside numbers that begin anew; never a page's or a chunk's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from components.data.sources.sentences import document_column, sentences_within

WORDS = 8  # of a sentence
Rows = list[dict[str, Any]]


def rows(sentences: list[tuple[str, str]]) -> Rows:
    """Words of sentences, given as (document, number)."""
    return [
        {"doc": doc, "sent": number, "page": str(place // 50), "chunk": str(place % WORDS // 3), "word": "w"}
        for place, (doc, number) in enumerate(one for one in sentences for _ in range(WORDS))
    ]


def in_the_first_row_alone(full: Rows) -> Rows:
    same = [False, *((a["doc"], a["sent"]) == (b["doc"], b["sent"]) for a, b in pairwise(full))]
    return [{**row, "sent": "" if again else row["sent"]} for row, again in zip(full, same, strict=True)]


ANEW = rows([(str(doc), str(number)) for doc in range(9) for number in range(1, 2 + doc % 3)])
THROUGH = rows([(str(number // 4), str(number)) for number in range(40)])


@pytest.mark.parametrize("spread", [list, in_the_first_row_alone])
def test_sentences_that_are_numbered_anew_need_the_documents_column(spread: Any) -> None:
    assert document_column(spread(ANEW), "sent") == "doc"


@pytest.mark.parametrize("spread", [list, in_the_first_row_alone])
def test_a_sentence_goes_on_in_the_next_page(spread: Any) -> None:
    assert document_column(spread(THROUGH), "sent") is None


def test_a_sentence_has_no_sentences_within_but_a_document_has() -> None:
    assert sentences_within(THROUGH, "sent") is None
    assert sentences_within(ANEW, "doc") == "sent"
