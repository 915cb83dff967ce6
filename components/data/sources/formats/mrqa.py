"""MRQA 2019's questions (Fisch et al. 2019), JSON Lines: a header, then a context with its questions each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.documents import documents
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import without_repeats
from components.data.sources.formats.text import read_jsonl
from components.data.sources.record import Numbered, Skipped, Values
from components.settings.data import Source


def read_mrqa(path: Path, source: Source) -> Numbered:
    """Rows with id, question, context and answers: every place at which one was detected."""
    return documents(_questions(without_repeats(read_jsonl(path, source))), _row, "MRQA")


def _questions(rows: Numbered) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """A row a question, each with its context."""
    for number, found in rows:
        asked = found.get("qas")
        if isinstance(found, Skipped) or not isinstance(asked, list):
            if "header" not in found:
                yield number, found
            continue
        yield from ((number, {"context": found.get("context"), "asked": one}) for one in asked)


def _row(found: Mapping[str, Any]) -> Values:
    """Its spans end with their last character."""
    context, asked = found["context"], found["asked"]
    places = [place for one in asked["detected_answers"] for place in one["char_spans"]]
    answers = [{"text": context[start : end + 1], "start": start} for start, end in places]
    return {"id": asked["qid"], "question": asked["question"], "context": context, "answers": answers}


def _is_mrqa(sample: Sample) -> bool:
    some = [one for one in sample.objects if "header" not in one]
    asked = [one["qas"] for one in some if isinstance(one.get("qas"), list) and "context" in one]
    return bool(some) and len(asked) == len(some) and all("detected_answers" in q for of in asked for q in of)


FORMATS = {"mrqa": Format(read_mrqa, _is_mrqa)}
