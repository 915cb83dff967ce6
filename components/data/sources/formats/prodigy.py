"""Prodigy's annotations (`db-out`), JSON Lines: spans, relations, classes, and the answer to each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.data.sources.crowd import Answer, agreement, majority
from components.data.sources.documents import Document, classes, documents
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects, without_repeats
from components.data.sources.formats.yes_or_no import (
    ANSWERS,
    IGNORED,
    REJECTED,
    UNDECIDED,
    annotator,
    answer_of,
    read_answers,
)
from components.data.sources.record import Numbered, Skipped
from components.families.shared.spans import span_list
from components.settings.data import Source

OWN = ("spans", "tokens", "label", "accept", "cats", "relations", "options")
Rows = list[tuple[int, Mapping[str, Any]]]


def read_prodigy(path: Path, source: Source) -> Numbered:
    """`text`, `spans`, `label`, `labels`, `tokens`, relations; rejected and ignored rows are set aside, but
    where every row asks yes or no (`yes_or_no`).

    What several annotators said of one input is one row, as `source.crowd` says, after all others.
    """
    if labels := _asks_of(path, source):
        yield from read_answers(_objects(path, source), labels, each=source.crowd == "each")
        return
    asked = _several(path, source) if source.crowd == "majority" else {}
    crowds: dict[Key, Rows] = {}

    def single() -> Numbered:
        for number, found in _objects(path, source):
            key = None if isinstance(found, Skipped) else _key(found, asked)
            if key in asked:
                crowds.setdefault(key, []).append((number, found))
            else:
                yield number, found

    yield from documents(single(), _document, "Prodigy")
    voted = ((rows[0][0], {"all": [found for _, found in rows]}) for rows in crowds.values())
    yield from documents(iter(voted), lambda rows: _voted(rows["all"]), "Prodigy")


def _objects(path: Path, source: Source) -> Numbered:
    return without_repeats(read_objects(path, source))


Key = tuple[Any, Any]  # the hash of an input, and the label that was asked, where several were


def _key(found: Mapping[str, Any], asked: Mapping[Key, Any]) -> Key | None:
    one = found.get("_input_hash")
    return next((key for key in ((one, None), (one, str(found.get("label")))) if key in asked), None)


def _several(path: Path, source: Source) -> dict[Key, int]:
    """The questions that several annotators answered, and how many. Who answers more than once on an input
    was asked about one label after the other."""
    answers = Counter(
        (found.get("_input_hash"), annotator(found), str(found.get("label")))
        for _, found in _objects(path, source)
        if not isinstance(found, Skipped) and found.get("_input_hash") is not None and annotator(found)
    )
    by_label = max(Counter((one, who) for one, who, _ in answers).values(), default=1) > 1
    keys = {(one, label if by_label else None, who) for one, who, label in answers}
    counts = Counter((one, label) for one, label, _ in keys)
    return {key: count for key, count in counts.items() if count > 1}


def _asks_of(path: Path, source: Source) -> list[str]:
    """The classes that are asked about, where every row asks whether a text is of one, and an answer is no;
    empty where rows say something else."""
    labels: dict[str, None] = {}
    rejected = False
    for _, found in _objects(path, source):
        if isinstance(found, Skipped):
            continue
        if {name for name in OWN if name != "tokens" and found.get(name) not in (None, [])} != {"label"}:
            return []
        labels[str(found["label"])] = None
        rejected = rejected or found.get("answer") == "reject"
    return [*labels] if rejected else []


def _voted(rows: Sequence[Mapping[str, Any]]) -> Document | Skipped:
    """What most annotators say, who did not ignore it; to reject is an answer too."""
    given = [(found, _answer(found)) for found in rows if answer_of(found) != "ignore"]
    answers = [answer for _, answer in given]
    accepted = [answer for answer in answers if answer.chosen.get("answer") != ["reject"]]
    if not answers or 2 * len(accepted) < len(answers):
        return Skipped(REJECTED if answers else IGNORED)
    if len(answers) == 1:
        return _made(given[0][0], answers[0])
    voted = majority(accepted) if 2 * len(accepted) > len(answers) else None
    agreed = agreement(answers)
    return _made(given[0][0], voted, agreed) if voted else Skipped(UNDECIDED)


def _document(found: Mapping[str, Any]) -> Document | Skipped:
    answer = answer_of(found)
    return _made(found, _answer(found)) if answer == "accept" else Skipped(f"a row answered with {answer}")


def _made(found: Mapping[str, Any], answer: Answer, agreed: float | None = None) -> Document:
    columns = {name: value for name, value in found.items() if name not in OWN}
    if "tokens" in found:
        columns["tokens"] = [token["text"] for token in found["tokens"]]
    columns["spans"] = list(answer.spans)
    return Document({**columns, **classes(answer.chosen.get("label", ()))}, answer.relations, agreed)


def _answer(found: Mapping[str, Any]) -> Answer:
    """Spans by where and what they are, with those that relations alone name."""
    if found.get("answer") == "reject":
        return Answer(chosen={"answer": ["reject"]})
    spans = [{**span, "id": _id(span)} for span in span_list(found.get("spans") or [])]
    places = {(span["start"], span["end"]): span for span in reversed(spans)}
    links = []
    for relation in found.get("relations") or ():
        ends = span_list([{"label": "span", **relation[f"{end}_span"]} for end in ("head", "child")])
        for end in ends:
            if (end["start"], end["end"]) not in places:
                places[end["start"], end["end"]] = {**end, "id": _id(end)}
                spans.append(places[end["start"], end["end"]])
        head, child = (places[end["start"], end["end"]]["id"] for end in ends)
        links.append((head, child, relation["label"]))
    return Answer(spans, links, {"label": given} if (given := _classes(found)) else {})


def _id(span: Mapping[str, Any]) -> str:
    return f"{span['start']}-{span['end']}-{span['type']}"


def _classes(found: Mapping[str, Any]) -> list[Any]:
    """The options that were taken, the categories at 0.5 or more, or the label that was accepted."""
    if "accept" in found:
        said = {option["id"]: option["text"] for option in found.get("options") or () if _counts(option)}
        return [said.get(name, name) for name in found["accept"]]
    if "cats" in found:
        return [name for name, value in found["cats"].items() if value >= 0.5]
    return [found["label"]] if found.get("label") is not None else []


def _counts(option: Mapping[str, Any]) -> bool:
    """Is an option's id but a number, and does it say what it is called?"""
    return isinstance(option.get("id"), int) and isinstance(option.get("text"), str)


def _is_prodigy(sample: Sample) -> bool:
    answered = all(one.get("answer") in ANSWERS and "text" in one for one in sample.objects)
    return bool(sample.objects) and answered


FORMATS = {"prodigy": Format(read_prodigy, _is_prodigy)}
