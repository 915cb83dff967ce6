"""Natural Questions, simplified (Kwiatkowski 2019), JSON Lines: answers as numbers of a document's words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from components.data.sources.documents import documents
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects, without_repeats
from components.data.sources.record import Numbered, Values
from components.settings.data import Source

NEEDED = {"question_text", "document_text", "annotations"}


def read_natural_questions(path: Path, source: Source) -> Numbered:
    """Rows with id, question, context (the long answer, or the whole document where there is none) and
    answers: the short ones of its first annotation that has any."""
    return documents(without_repeats(read_objects(path, source)), _question, "Natural Questions")


def _question(found: Mapping[str, Any]) -> Values:
    text = found["document_text"]
    words = text.split(" ")
    starts = list(accumulate((len(word) + 1 for word in words), initial=0))
    notes = found["annotations"]
    note = next((one for one in notes if one.get("short_answers")), notes[0] if notes else {})
    first, last = _words(note.get("long_answer") or {}, len(words))
    context = text[starts[first] : starts[last] - 1]
    short = [_words(one, len(words)) for one in note.get("short_answers") or ()]
    answers = [
        {"text": text[starts[begin] : starts[end] - 1], "start": starts[begin] - starts[first]}
        for begin, end in short
    ]
    row = {"question": found["question_text"], "context": context, "answers": answers}
    return row if found.get("example_id") is None else {"id": str(found["example_id"]), **row}


def _words(span: Mapping[str, Any], words: int) -> tuple[int, int]:
    """Numbers of the first word and of the one behind the last; of no span, those of the whole."""
    start, end = span.get("start_token", -1), span.get("end_token", -1)
    if start < 0:
        return 0, words
    if not start < end <= words:
        raise ValueError(f"words {start} to {end} of {words}")
    return start, end


def _is_natural_questions(sample: Sample) -> bool:
    return bool(sample.objects) and all(one.keys() >= NEEDED for one in sample.objects)


FORMATS = {"natural_questions": Format(read_natural_questions, _is_natural_questions)}
