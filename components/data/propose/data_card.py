"""The files of each split, as the card of a data set on Hugging Face's hub (README.md) declares them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from components.data.propose.names import SPLITS
from components.nesting import parse_yaml

CARD = "README.md"
HEAD = re.compile(r"\A\ufeff?---\r?\n(.*?)\r?\n---\s*$", re.DOTALL | re.MULTILINE)


def declared_files(folder: Path) -> dict[str, str]:
    """Split -> its file or pattern; empty where the card names none, several configurations, or files that
    are not there."""
    try:
        found = HEAD.match((folder / CARD).read_text(encoding="utf-8", errors="replace"))
        card = parse_yaml(found[1]) if found else {}
    except (OSError, yaml.YAMLError):
        return {}
    configs = card.get("configs") if isinstance(card, dict) else None
    if not isinstance(configs, list) or len(configs) != 1 or not isinstance(configs[0], dict):
        return {}
    files = dict(filter(None, map(_file, configs[0].get("data_files") or ())))
    there = all(any(folder.glob(pattern)) for pattern in files.values())
    return files if "train" in files and there else {}


def _file(entry: Any) -> tuple[str, str] | None:
    """A split as we call it, and its file."""
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        return None
    split, path = SPLITS.get(str(entry.get("split")).lower()), entry["path"]
    return (split, path) if split and path and not path.startswith("/") else None
