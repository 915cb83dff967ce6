"""Texts to be labelled -> files that Label Studio and doccano import, and what they export -> feedback.

Beside its text each carries the request that asked it (`onetrunk`), which both tools hand back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import families
from components.data.sources import formats
from components.data.sources.documents import classes
from components.data.sources.formats.json_list import read_objects
from components.data.sources.formats.label_studio import read_label_studio
from components.data.sources.placing import tally_of
from components.data.sources.record import Numbered, Skipped, Unreadable
from components.errors import UserError
from components.families.base import Row
from components.files import atomic_file
from components.monitoring.feedback.candidates import Candidate
from components.monitoring.feedback.records import ID, Feedback
from components.settings.data import Source

REQUEST = "onetrunk"  # the name of a text's request in both tools
FORMATS = ("label_studio", "doccano")
IMPORTED = "imported"  # the request of what nobody has asked the service
LABEL, LABELS = "label", "labels"  # roles of classes: the one, or several
MAY_BE_NONE = ("spans", LABELS)  # of a text: to find none is an answer


def write(file: Path, kind: str, found: Sequence[Candidate]) -> None:
    """Write what is to be labelled, for one of `FORMATS`."""
    with atomic_file(file) as temporary:
        temporary.write_text(_WRITERS[kind](found), encoding="utf-8")


def _label_studio(found: Sequence[Candidate]) -> str:
    """A list of tasks with their data: https://labelstud.io/guide/tasks."""
    tasks = [{"data": {**one.inputs, REQUEST: one.request}} for one in found]
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


def _doccano(found: Sequence[Candidate]) -> str:
    """JSON Lines with a text; what else a line has is kept beside it."""
    lines = [{**one.inputs, REQUEST: one.request} for one in found]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


_WRITERS: Mapping[str, Callable[[Sequence[Candidate]], str]] = {
    "label_studio": _label_studio,
    "doccano": _doccano,
}


def read(
    file: Path, kind: str | None, head: str, family: str, inputs: Sequence[str]
) -> Iterator[Feedback | Skipped]:
    """The answers of a file that a tool has exported, of a task of this family; `kind` is its format, where
    it does not show. In the place of a text without an answer is the reason why it is left out.

    Raises:
        UserError: the file is missing, of no known format, or a row of it cannot be read.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    source = _source(file, kind or _kind(file))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for number, row in _rows(file, source, head, family):
        if isinstance(row, Skipped):
            yield row
            continue
        if not (answer := _answer(row, family, source.format)):
            if problem := _too_much(row, family):
                raise UserError(f"{file}: row {number}: {problem}")
            yield Skipped(f"a text without an answer for {head}")
            continue
        if missing := [name for name in inputs if row.get(name) is None]:
            raise UserError(f"{file}: row {number}: no '{missing[0]}', which the task {head} reads")
        asked = {name: row[name] for name in inputs}
        if problem := _unkeepable([asked, answer]):
            raise UserError(f"{file}: row {number}: {problem}")
        request, item = _request(row.get(REQUEST))
        yield Feedback(
            request=request,
            item=item,
            task=head,
            inputs=asked,
            answer=answer,
            release=IMPORTED,
            received=now,
        )


def _source(file: Path, kind: str) -> Source:
    """The file as it is to be read. Label Studio says what text each span has, so that it shows how it has
    counted: an emoji is two to a browser, and no setting could say so of a file that is imported."""
    source = Source(path=str(file), format=kind)
    if kind != "label_studio":
        return source
    shown = ((f"row {number}", row) for number, row in read_label_studio(file, source))
    better = tally_of(shown, source).better
    if better is None:
        return source
    end = "inclusive" if better.inclusive else "exclusive"
    return source.model_copy(update={"offsets": list(better.offsets), "end": end})


def _rows(file: Path, source: Source, head: str, family: str) -> Numbered:
    """The rows of a file, with the answers to the task's own question where there are several.

    Raises:
        UserError: a row cannot be read, or nobody knows which question is the task's.
    """
    role, questions = _role(family), _questions(file, source)
    _require_one_question(file, head, role, questions)
    for number, row in formats.rows(file, source):
        if isinstance(row, Unreadable):
            raise UserError(f"{file}: row {number}: {row.reason}")
        if role is None or role in questions or head not in questions or isinstance(row, Skipped):
            yield number, row
        else:
            yield number, {**row, **_of_question(row, head, role)}


def _role(family: str) -> str | None:
    """The one target that a row must have; None where it is one of several."""
    needed = [role for role, must in families.get(family).targets.items() if must]
    return needed[0] if len(needed) == 1 else None


def _questions(file: Path, source: Source) -> set[str]:
    """What the questions about whole texts are called in an export of Label Studio's, which may have those of
    several tasks."""
    if source.format != "label_studio":
        return set()
    return {name for _, found in read_objects(file, source) for name in _asked(found)}


def _asked(task: Any) -> Iterator[str]:
    try:
        for one in task.get("annotations", task.get("completions", ())):
            for result in one["result"]:
                if "value" in result and "start" not in result["value"]:
                    yield result["from_name"]
    except (KeyError, TypeError, AttributeError):  # what is no task is named when its row is read
        return


def _require_one_question(file: Path, head: str, role: str | None, asked: Collection[str]) -> None:
    """Refuse questions of which nobody knows which is the task's: it would be given another's answers.

    Raises:
        UserError: there are several, and none is called as the task or the role.
    """
    if role == LABEL and len(asked) > 1 and not {head, role} & {*asked}:
        found = ", ".join(f"'{name:.40}'" for name in sorted(asked))
        raise UserError(f"{file}: its questions are {found}; call that of {head} '{head}' or '{role}'")


def _of_question(row: Mapping[str, Any], head: str, role: str) -> Row:
    """What was answered to the question that is called as the task, and to no other."""
    value = row.get(head)
    if role not in (LABEL, LABELS):
        return {role: value}
    values = value if isinstance(value, list) else [value]
    return classes(one for one in values if one in row[LABELS])  # a column of that name is no answer


def _unkeepable(values: list[Row]) -> str:
    """What a JSON file may have and no file of ours: half of a pair that stands alone, and no number."""
    try:
        text = json.dumps(values, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return "a number in it is not finite"
    found = re.search("[\ud800-\udfff]", text)
    return f"U+{ord(found[0]):04X}, half of a surrogate pair, is not a character" if found else ""


def _request(said: Any) -> tuple[str, int]:
    """The request and the item that a text was recorded with; what somebody else has written is none."""
    found = re.fullmatch(rf"({ID})/(\d{{1,9}})", str(said))
    return (found[1], int(found[2])) if found else (IMPORTED, 0)


def _kind(file: Path) -> str:
    """Label Studio exports a list, doccano JSON Lines."""
    with file.open("rb") as opened:
        first = opened.read(1000).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first not in _BEGINS:
        raise UserError(f"{file}: found no export of {' or '.join(FORMATS)}: expected JSON or JSON Lines")
    return _BEGINS[first]


_BEGINS = {b"[": "label_studio", b"{": "doccano"}


def _answer(row: Mapping[str, Any], family: str, kind: str) -> Row:
    """The targets that an annotated text has: of spans and of several labels, that there are none is an
    answer too, but for doccano, which exports texts that nobody has looked at."""
    targets = families.get(family).targets
    found = {role: row[role] for role in targets if row.get(role) not in (None, [], "")}
    if found or kind == "doccano":
        return found
    return {role: [] for role in targets if role in MAY_BE_NONE and row.get(role) == []}


def _too_much(row: Mapping[str, Any], family: str) -> str:
    """What is wrong with a text that was given several labels, of a task that gives it one."""
    labels = row.get("labels")
    if "label" not in families.get(family).targets or not isinstance(labels, list) or len(labels) < 2:
        return ""
    return f"{len(labels)} labels ({', '.join(map(str, labels))!s:.60}), expected one, as the task gives it"
