"""Prodigy's rows that ask yes or no: is this text of that class? A rejected one is an answer, as good as an
accepted one. What is asked of one text, class after class, is one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from components.data.sources.crowd import Answer, agreement
from components.data.sources.documents import Document, classes, documents
from components.data.sources.record import Numbered, Skipped
from components.errors import BadRowError

ANSWERS = ("accept", "reject", "ignore")
REJECTED, IGNORED = (f"a row answered with {answer}" for answer in ANSWERS[1:])
UNDECIDED = "a text whose annotators are undecided"
NO = "not "  # before the only class that is asked about, where the answer is no
SAID = ("answer", "label", "spans", "tokens")  # what the columns of a document say instead
ANNOTATORS = ("_annotator_id", "_session_id")
Row = Mapping[str, Any]


def annotator(found: Row) -> str:
    return next((str(found[name]) for name in ANNOTATORS if found.get(name) is not None), "")


def answer_of(found: Row) -> str:
    """What the annotator said of the row.

    Raises:
        BadRowError: it is none of the answers that there are.
    """
    answer = found.get("answer", "accept")
    if answer not in ANSWERS:
        raise BadRowError(f"'answer' is {answer!r:.40}, expected accept, reject or ignore")
    return str(answer)


def read_answers(rows: Numbered, labels: Sequence[str], each: bool) -> Numbered:
    """A row for each text, with `each` for each of its annotators; `labels` are all that are asked about."""
    texts: dict[Any, list[tuple[int, Row]]] = {}
    for number, found in rows:
        if isinstance(found, Skipped):
            yield number, found
        else:
            key = (found.get("_input_hash", found.get("text")), annotator(found) if each else "")
            texts.setdefault(key, []).append((number, found))
    together = ((of[0][0], {"all": [found for _, found in of]}) for of in texts.values())
    yield from documents(together, lambda text: _document(text["all"], labels), "Prodigy")


def _document(rows: Sequence[Row], labels: Sequence[str]) -> Document | Skipped:
    """The classes that more annotators accept than reject, of those who did not ignore the question."""
    given = [(annotator(found), str(found["label"]), answer_of(found)) for found in rows]
    said = [one for one in given if one[2] != "ignore"]
    votes = Counter((label, answer) for _, label, answer in said)
    lead = {label: votes[label, "accept"] - votes[label, "reject"] for label in labels}
    yes = [label for label in labels if lead[label] > 0]
    if not said:
        return Skipped(IGNORED)
    if not yes and 0 in lead.values():  # of a class that was not asked about nobody knows
        return Skipped(UNDECIDED if len(labels) == 1 else REJECTED)
    names = yes or [f"{NO}{label}" for label in labels if len(labels) == 1]
    columns = {name: value for name, value in rows[0].items() if name not in SAID}
    return Document({**columns, **classes(names)}, agreement=_agreement(said))


def _agreement(said: Sequence[tuple[str, str, str]]) -> float | None:
    """How far annotators agree, where there are several."""
    answers = {
        who: Answer(chosen={label: [answer] for one, label, answer in said if one == who}) for who, *_ in said
    }
    return agreement([*answers.values()]) if len(answers) > 1 else None
