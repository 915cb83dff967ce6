"""Words one below the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.sources.formats.conll import read_conll
from components.settings.data import Source


@pytest.mark.parametrize("glue", ["<g/>", "<g />", "  <g/>"])
def test_what_says_that_no_blank_stands_there_ends_no_sentence(tmp_path: Path, glue: str) -> None:
    path = tmp_path / "rows.vert"
    path.write_text(f"<s>\nHello\tUH\n{glue}\n,\t,\nAnn\tNP\n</s>\n<s>\nBye\tUH\n</s>\n")
    rows = [fields["0"] for _, fields in read_conll(path, Source(path=str(path), format="conll"))]
    assert rows == [["Hello", ",", "Ann"], ["Bye"]]
