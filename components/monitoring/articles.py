"""New articles: a table, or a folder of tables and text files -> articles with the time of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from components.data.sources.formats import rows
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Skipped, Unreadable, value_at
from components.errors import BadRowError, UserError
from components.families.shared.fields import read_text
from components.families.shared.fingerprint import text_key
from components.settings.data import Source
from components.settings.monitor import Articles

TABLES: dict[str, str] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".parquet": "parquet"}
TEXT = ".txt"


@dataclass(frozen=True)
class Article:
    """One article; its id tells it from every other."""

    id: str
    published: datetime  # with its zone
    text: str
    place: str  # file and row


def read(declared: Articles, now: datetime, complain: Callable[[str], None]) -> Iterator[Article]:
    """Every article that has been published by `now`; `complain` is told of those that cannot be read.

    Raises:
        UserError: there is no such file or folder, or a file is not in its format.
    """
    for path in _files(Path(declared.path)):
        articles = _text_file(path, declared.encoding) if path.suffix == TEXT else _table(path, declared, now)
        try:
            for article in articles:
                if isinstance(article, str):
                    complain(article)
                elif article.published <= now:
                    yield article
        except OSError as error:  # it was there a moment ago
            complain(f"{path}: cannot be read ({error.strerror})")


def _files(path: Path) -> list[Path]:
    """The file, or those of the folder and the folders in it; hidden ones are still being written."""
    known = [*TABLES, TEXT]
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in known and file.is_file())
        return [
            file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)
        ]
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; see monitor.articles.path in params.yaml")
    if path.suffix not in known:
        raise UserError(f"{path}: expected a file that ends in {', '.join(known)}, or a folder of such files")
    return [path]


def _text_file(path: Path, encoding: str) -> Iterator[Article | str]:
    try:
        text = read_text({"text": "".join(lines(path, encoding))}, "text")
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        yield Article(text_key(text), written, text, str(path))
    except UserError as error:
        yield str(error)
    except BadRowError as error:
        yield f"{path}: {error}"


def _table(path: Path, declared: Articles, now: datetime) -> Iterator[Article | str]:
    if path.stat().st_size == 0:  # a feed with nothing to say
        return
    columns, format_ = declared.columns, TABLES[path.suffix]
    source = Source(
        path=str(path), format=format_, encoding=declared.encoding,
        separator=declared.separator, escape=declared.escape,
    )  # fmt: skip
    for place, fields in _in_format(path, rows(path, source)):
        if isinstance(fields, str):
            yield fields
            continue
        try:
            text = read_text({columns.text: value_at(fields, columns.text)}, columns.text)
            published = _published(fields, columns.published) if columns.published else now
            yield Article(_id(fields, columns.id) or text_key(text), published, text, place)
        except BadRowError as error:
            yield f"{place}: {error}"


def _in_format(path: Path, numbered: Numbered) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """Each row and its place; of one that is not in the format, as a writer that was killed leaves it, what
    is wrong.

    Raises:
        UserError: no row is in the format, so that the file is another one.
    """
    torn: list[str] = []
    whole = False
    for number, fields in numbered:
        place = f"{path}, row {number}"
        if isinstance(fields, Unreadable):
            torn.append(f"{place}: {fields.reason}")
            yield place, torn[-1]
        elif not isinstance(fields, Skipped):
            whole = True
            yield place, fields
    if torn and not whole:
        raise UserError(torn[0])


def _published(fields: Mapping[str, Any], column: str) -> datetime:
    """A time with its zone; one that names none is UTC, a day is its first moment."""
    value = value_at(fields, column)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time())
    if not isinstance(found, datetime):
        raise BadRowError(f"'{column}' is {value!r:.60}, expected a time such as 2026-11-20T14:30")
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        raise BadRowError(
            f"'{column}' is {value!r:.60}, expected a time between the years 1 and 9999"
        ) from None


def _id(fields: Mapping[str, Any], column: str | None) -> str | None:
    if column is None:
        return None
    value = value_at(fields, column)
    if value is None or isinstance(value, float | bool | list | dict) or not str(value).strip():
        raise BadRowError(f"'{column}' is {value!r:.60}, expected a text or a whole number")
    return str(value)
