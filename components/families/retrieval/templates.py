"""The file of answer templates: a closed set of texts, each with an id."""

from __future__ import annotations

from pathlib import Path

from components.errors import BadRowError, UserError
from components.families.base import Row
from components.families.base.capabilities import ReadTable
from components.families.shared.fields import read_text

FORMATS = ("csv", "tsv", "jsonl")


class Templates:
    """Texts by their ids, in the order of the file."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self._ids = {text: identity for identity, text in texts.items()}

    def find(self, answer: str) -> str | None:
        """The id of the template that has this id or, if none has, this text; None where there is none."""
        return answer if answer in self.texts else self._ids.get(answer)


def read_templates(path: str, read: ReadTable) -> Templates:
    """Read the columns `id` and `text` of a file.

    Raises:
        UserError: the file is missing, empty or not in its format; a template is blank or there twice.
    """
    kind = Path(path).suffix[1:].lower()
    if kind not in FORMATS:
        expected = ", ".join(f".{name}" for name in FORMATS)
        raise UserError(f"{path}: a file of templates ends with one of {expected}")
    texts: dict[str, str] = {}
    places: dict[tuple[str, str], str] = {}
    for place, record in read(Path(path), kind, {"id": "id", "text": "text"}):
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
        texts[identity] = text
    return Templates(texts)


def read_identity(record: Row, role: str) -> str:
    """An id, or what is answered: a text, or a whole number."""
    value = record.get(role)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return read_text({role: value}, role).strip()
