"""What a source of `datasets` cannot be is said of the settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from components.settings.data import Source
from tests.scripts import ROOT

SAID = [
    ({"revision": "v1"}, r"`revision` stands elsewhere: write remotes\.NAME\.revision"),
    ({"split": "train"}, r"`split` stands elsewhere: write source\.files"),
    ({"path": "team/reviews"}, r"`path` stands elsewhere: write source\.path"),
    ({"name": "default"}, "`config` here"),
]


@pytest.mark.parametrize(("section", "sentence"), SAID)
def test_what_stands_elsewhere_is_said(section: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Source(path="rows", huggingface=section)


def test_a_section_of_another_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="says how that format is read, and the format is csv"):
        Source(path="rows.csv", format="csv", huggingface={"config": "default"})


def test_the_documentations_source_is_valid() -> None:
    page = (ROOT / "docs/how-to/data.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(source:\n[^`]*huggingface:.*?)```", page, re.DOTALL)
    source = Source.model_validate(yaml.safe_load(block)["source"])
    assert (source.format, source.huggingface.config) == ("huggingface", "de")
