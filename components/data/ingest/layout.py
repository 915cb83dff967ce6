"""Layouts that cannot be meant: a table with one word a row, read as if each word were a text; answers of
annotators who rejected them, read as if they were right."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from components.data.ingest.reader import Reader
from components.data.sources.formats import first_file, formats, rows
from components.data.sources.formats.base import Sample
from components.data.sources.record import Values
from components.data.sources.sentences import document_column, sentence_columns
from components.errors import BadRowError, UserError
from components.families.shared.items import read_items
from components.settings.data import Source
from components.settings.project import Task
from components.spelling import plain

HEAD = 1000  # rows
FEWEST = 20  # of them
NEARLY_ALL = 0.9
MOST = 0.5
FILES, LONG = 3, 300  # one for each split; words that no sentence has


def refuse_layout(reader: Reader) -> None:
    """Refuse a source that is read as what it cannot be.

    Raises:
        UserError: what it looks like, and which setting reads it.
    """
    _refuse_rejected(reader)
    _refuse_two_documents(reader.task.source)
    _refuse_marks(reader)
    _refuse_words(reader)


def _refuse_rejected(reader: Reader) -> None:
    """Refuse Prodigy's rows as plain objects, where nobody looks at the answer and some are no."""
    source, used = reader.task.source, reader.columns().values()
    plain = source.format in ("jsonl", "json") and "answer" not in [*source.filter, *used]
    path = first_file(source) if plain else None
    sample = Sample.of(path) if path and path.is_file() else None
    if sample is None or not formats()["prodigy"].looks_like(sample):
        return
    refused = sum(one["answer"] != "accept" for one in sample.objects)
    if refused:
        raise UserError(
            f"{path}: {refused} of the first {len(sample.objects)} rows are answered with reject or ignore, "
            f"as Prodigy exports them; `format: prodigy` below source reads them, and "
            f"`filter: {{answer: accept}}` leaves them out"
        )


def _refuse_two_documents(source: Source) -> None:
    """Refuse sentences that are numbered anew in each document, where one would go on in the next."""
    if not isinstance(source.sentence, str) or not first_file(source).is_file():
        return
    alone = source.model_copy(update={"sentence": None})
    head = [fields for _, fields in islice(rows(first_file(source), alone), HEAD)]
    if (column := document_column(head, source.sentence)) is not None:
        raise UserError(
            f"{first_file(source)}: '{source.sentence}' numbers sentences anew where '{column}' changes; "
            f"`sentence: [{_quoted(column)}, {_quoted(source.sentence)}]` below source keeps them apart"
        )


def _refuse_marks(reader: Reader) -> None:
    """Refuse a 0 or 1 for each label, which would be read as the labels 0 and 1."""
    if not any(role.rpartition(".")[2] == "labels" for role in reader.columns()):
        return
    sound = (record.values for record in reader.records() if not (record.skipped or record.unreadable))
    lists = [_listed(values.get("labels")) for values in islice(sound, HEAD)]
    alike = len({len(each) for each in lists}) == 1 and len(lists) >= FEWEST
    if alike and len(lists[0]) > 1 and {plain(one) for each in lists for one in each} == {"0", "1"}:
        raise UserError(
            f"{reader.task.source.path}: each row's labels are {len(lists[0])} numbers, 0 or 1, as marks of "
            f"labels in their order; make columns of them, and name these: `labels: [late, wet]`"
        )


def _listed(value: Any) -> list[Any]:
    """A list, as such or as a cell holds it; empty where it is none."""
    try:
        found = read_items(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    except BadRowError:
        return []
    return found if isinstance(found, list) else []


def _refuse_words(reader: Reader) -> None:
    """Refuse a source whose "sentences" are single words."""
    task, columns = reader.task, reader.columns()
    sound = (record.values for record in reader.records() if not (record.skipped or record.unreadable))
    head = list(islice(sound, HEAD))
    if len(head) < FEWEST:
        _refuse_endless(task, head)
        return
    found = _one_tag(head)
    if not found and set(columns) <= {"text", "label"} and task.cleaning.duplicates == "drop":
        found = _repeated_words(head)
    if found:
        raise UserError(f"{task.source.path}: {found}, as in a table with one word a row; {_advice(task)}")


def _refuse_endless(task: Task, head: list[Values]) -> None:
    """Words one below the other with nothing between sentences: each file is one."""
    words = [max((_words(values.get(role)) for role in _tags(values)), default=0) for values in head]
    if 0 < len(words) <= FILES and min(words) >= LONG:
        raise UserError(
            f"{task.source.path}: a sentence of {max(words):,} words; expected a blank line behind each "
            f"sentence"
        )


def _tags(values: Values) -> list[str]:
    return [role for role in values if role.rpartition(".")[2] == "tags"]


def _one_tag(head: list[Values]) -> str:
    roles = _tags(head[0])
    single = sum(all(_words(values.get(role)) == 1 for role in roles) for values in head)
    if not roles or single < NEARLY_ALL * len(head):
        return ""
    return f"{single:,} of the first {len(head):,} sentences are one word"


def _repeated_words(head: list[Values]) -> str:
    texts = [values.get("text") for values in head]
    single = sum(_words(text) == 1 for text in texts)
    repeated = len(texts) - len(set(map(str, texts)))
    if single < NEARLY_ALL * len(head) or repeated < MOST * len(head):
        return ""
    return f"{single:,} of the first {len(head):,} texts are one word, and {repeated:,} stand there before"


def _words(value: Any) -> int:
    if isinstance(value, str):
        return len(value.split())
    return len(value) if isinstance(value, list) else 0


def _advice(task: Task) -> str:
    """The setting that reads the words of a sentence together."""
    path = first_file(task.source)
    used = {
        name for names in task.columns.values() for name in ([names] if isinstance(names, str) else names)
    }
    shown = [fields for _, fields in islice(rows(path, task.source), HEAD)]
    for column in sentence_columns(shown, used):
        return f"`sentence: {_quoted(column)}` below source joins the words of a sentence"
    if task.source.format in ("csv", "tsv") and _has_blank_lines(path):
        names = ", ".join(map(_quoted, shown[0]))
        mark = "\\t" if task.source.format == "tsv" else task.source.separator or ","
        return (
            f'`format: conll`, `separator: "{mark}"` and `header: [{names}]` below source take blank lines '
            f"for the ends of sentences"
        )
    return (
        "`sentence: COLUMN` below source names the column that says which sentence a word belongs to; where "
        "single words are meant, the family is classification, with `cleaning: {duplicates: keep}`"
    )


def _quoted(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and not name.isdigit() else f'"{name}"'


def _has_blank_lines(path: Path) -> bool:
    lines = "\n".join(Sample.of(path).lines).strip().split("\n")
    return any(not line.strip(' ,;\t"') for line in lines)
