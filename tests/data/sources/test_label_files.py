"""Files of labels' names beside the rows that hold numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.sources.formats.labels import names_of
from components.errors import UserError
from components.settings.data import Source


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000])
def test_a_file_of_names_that_is_no_json_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_bytes(content)
    rows = str(tmp_path / "rows.csv")
    source = Source.model_validate({"path": rows, "format": "csv", "label_names": "names.json"})
    with pytest.raises(UserError, match=r"names\.json: not JSON \("):
        names_of(source)
