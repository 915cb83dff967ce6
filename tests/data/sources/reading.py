"""Rows of a file as a source of two columns reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.data.sources.formats import read
from components.settings.data import Source

COLUMNS: dict[str, str | list[str]] = {"text": "text", "label": "label"}


def records(path: Path, columns: Mapping[str, str | list[str]] = COLUMNS, **source: Any) -> list[Any]:
    source.setdefault("format", "csv")
    return list(read(Source(path=str(path), **source), dict(columns)))
