"""SQuAD JSON (1.1 and 2.0; Rajpurkar et al. 2016, 2018) -> one row a question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.data.sources.formats.base import Format
from components.data.sources.record import Numbered, Values
from components.errors import UserError
from components.settings.data import Source


def read_squad(path: Path, source: Source) -> Numbered:
    """Rows with id, question, context, title and answers: [{text, start}], none if it is unanswerable.

    The JSON is one document; it is read article by article.
    """
    number = 0
    for article in _articles(path):
        try:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    number += 1
                    shared = {"title": article.get("title"), "context": paragraph["context"]}
                    yield number, {**shared, **_question(question)}
        except (KeyError, TypeError, AttributeError) as error:
            missing = f"no {error}" if isinstance(error, KeyError) else "not the objects of SQuAD"
            raise UserError(
                f"{path}, after question {number}: {missing}; expected articles of paragraphs, each with "
                f"a context and qas"
            ) from None


def _articles(path: Path) -> Iterator[Any]:
    import ijson

    found = False
    try:
        with path.open("rb") as file:
            for article in ijson.items(file, "data.item", use_float=True):
                found = True
                yield article
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not JSON ({str(error).splitlines()[0]})") from None
    if not found:
        raise UserError(f"{path}: no articles under 'data', expected a file in the format of SQuAD")


def _question(question: Values) -> Values:
    golds = [] if question.get("is_impossible") else question.get("answers", [])
    answers = [{"text": gold["text"], "start": gold["answer_start"]} for gold in golds]
    return {"id": question["id"], "question": question["question"], "answers": answers}


FORMATS = {"squad": Format(read_squad)}
