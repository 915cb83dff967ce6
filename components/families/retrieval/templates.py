"""The file of answer templates: a closed set of texts, each with an id."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from components.errors import BadRowError, UserError
from components.families.base import Row
from components.families.shared.fields import read_text

FORMATS = ("csv", "tsv", "jsonl")


def read_templates(path: str) -> dict[str, str]:
    """Text by id, in the order of the file, which has the columns `id` and `text`.

    Raises:
        UserError: the file is missing, empty or not in its format; a template is blank or there twice.
    """
    return _read(path, _changed(path))


def template_of(path: str, answer: str) -> str | None:
    """The id of the template that has this id or, if none has, this text; None where there is none."""
    if answer in _read(path, _changed(path)):
        return answer
    return _by_text(path, _changed(path)).get(answer)


def _changed(path: str) -> int:
    file = Path(path)
    return file.stat().st_mtime_ns if file.is_file() else 0


@lru_cache(maxsize=8)  # asked of every row
def _by_text(path: str, changed: int) -> dict[str, str]:
    return {text: identity for identity, text in _read(path, changed).items()}


@lru_cache(maxsize=8)
def _read(path: str, changed: int) -> dict[str, str]:
    templates: dict[str, str] = {}
    places: dict[tuple[str, str], str] = {}
    for place, record in _records(path):
        try:
            identity, text = read_identity(record, "id"), read_text(record, "text").strip()
        except BadRowError as error:
            raise UserError(f"{place}: {error}") from None
        for what, value in (("id", identity), ("text", text)):
            if (what, value) in places:
                first = places[what, value]
                raise UserError(
                    f"{place}: {what} '{value:.60}' is already that of {first}; expected distinct templates"
                )
            places[what, value] = place
        templates[identity] = text
    return templates


def _records(path: str) -> Iterator[tuple[str, Row]]:
    """(place, record) of every template; the readers of sources say what is wrong with the file."""
    from components.data.sources.formats import read
    from components.settings.data import Source

    kind = Path(path).suffix[1:].lower()
    if kind not in FORMATS:
        expected = ", ".join(f".{name}" for name in FORMATS)
        raise UserError(f"{path}: a file of templates ends with one of {expected}")
    source = Source.model_validate({"path": path, "format": kind})
    for record in read(source, {"id": "id", "text": "text"}):
        yield record.place, record.values


def read_identity(record: Row, role: str) -> str:
    """An id, or what is answered: a text, or a whole number."""
    value = record.get(role)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return read_text({role: value}, role).strip()
