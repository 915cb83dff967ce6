"""What is read of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.data.sources.formats import read
from components.data.sources.record import Record
from components.settings.data import Source

COLUMNS: dict[str, str | list[str]] = {"tokens": "tokens", "tags": "tags", "label": "label"}


def records(path: Path, columns: dict[str, str | list[str]] = COLUMNS, **source: Any) -> list[Record]:
    return list(read(Source(path=str(path), format="huggingface", **source), columns))


def texts(path: Path, **source: Any) -> list[Any]:
    return [(record.split, record.values["text"]) for record in records(path, {"text": "text"}, **source)]
