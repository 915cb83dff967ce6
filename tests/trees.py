"""Sources as syntax trees, each parsed once for all tests of a worker that look through them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree(file: Path) -> ast.Module:
    """The tree of a file, which is not to be changed."""
    return ast.parse(file.read_text(encoding="utf-8"))
