"""SQuAD JSON (1.1 and 2.0; Rajpurkar et al. 2016, 2018) -> one row a question.

Its kin are read as well: a list of paragraphs without articles, as simpletransformers wants it, and a list of
questions, each with its context; with a byte order mark, without ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import BOM, items
from components.data.sources.formats.packed import opened
from components.data.sources.record import Numbered, Values
from components.errors import UserError, first_line
from components.settings.data import Source


def read_squad(path: Path, source: Source) -> Numbered:
    """Rows with question, context, title, answers ([{text, start}], none if it is unanswerable), and id where
    there is one.

    The JSON is one document; it is read article by article.
    """
    number = 0
    for entry in _entries(path):
        try:
            for paragraph in entry.get("paragraphs", [entry]):
                for question in paragraph.get("qas", [paragraph]):
                    number += 1
                    shared = {"title": entry.get("title"), "context": paragraph["context"]}
                    yield number, {**shared, **_question(question)}
        except (KeyError, TypeError, AttributeError) as error:
            missing = f"no {error}" if isinstance(error, KeyError) else "not the objects of SQuAD"
            raise UserError(
                f"{path}, after question {number}: {missing}; expected articles of paragraphs, each with "
                f"a context and qas"
            ) from None


def _entries(path: Path) -> Iterator[Any]:
    """Articles, paragraphs or questions: those under `data`, or those of a list."""
    import ijson

    found = False
    try:
        with opened(path) as file:
            start = file.peek(100).removeprefix(BOM).lstrip()
            for entry in items(file, "item" if start.startswith(b"[") else "data.item"):
                found = True
                yield entry
    except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({first_line(error)})") from None
    if not found:
        raise UserError(f"{path}: no articles under 'data', expected a file in the format of SQuAD")


def _question(question: Values) -> Values:
    """An answer without a text is none; two lists, as Hugging Face writes them, are answers one by one."""
    golds = question.get("answers") or []
    if isinstance(golds, Mapping):
        starts = golds.get("answer_start", golds.get("start", []))
        golds = [{"text": text, "answer_start": at} for text, at in zip(golds["text"], starts, strict=True)]
    answers = [
        {"text": gold["text"], "start": gold["answer_start"] if "answer_start" in gold else gold["start"]}
        for gold in ([] if question.get("is_impossible") else golds)
        if gold["text"]
    ]
    named = {"id": question["id"]} if question.get("id") is not None else {}
    return {**named, "question": question["question"], "answers": answers}


def _is_squad(sample: Sample) -> bool:
    """Articles or questions under `data`, or a list whose objects have a context and questions or answers."""
    start = sample.text.lstrip()
    if start.startswith("{"):
        return re.match(r'\{\s*("version"[^,]*,\s*)?"data"', start) is not None and '"context"' in start
    asked = all("qas" in one or {"question", "answers"} <= one.keys() for one in sample.objects)
    return (
        start.startswith("[")
        and bool(sample.objects)
        and asked
        and all("context" in one for one in sample.objects)
    )


FORMATS = {"squad": Format(read_squad, _is_squad)}
