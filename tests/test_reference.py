"""The reference pages are made from the code, and say all that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from pydantic import Field

from components.settings.project import Project
from components.settings.section import Section, Steps
from tests.scripts import script

ROOT = Path(__file__).parent.parent
make_settings = script("docs/make_settings.py")
make_settings.page = cache(make_settings.page)
make_cli = script("docs/make_cli.py")
make_reports = script("docs/make_reports.py")


@pytest.mark.slow
@pytest.mark.parametrize("made", [make_settings, make_cli, make_reports], ids=["settings", "cli", "reports"])
def test_the_page_is_the_codes(made: object) -> None:
    assert made.PAGE.read_text(encoding="utf-8") == made.page(), "run `make docs`"


def test_every_file_that_names_its_version_is_on_the_page_of_reports() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "components").rglob("*.py")]
    found = {name for text in texts for name in re.findall(r"^class (\w+)\(Record\):", text, re.MULTILINE)}
    assert found == {one.__name__ for one in (*make_reports.RECORDS, *make_reports.EARLIER)}


class Inner(Section):
    """A section of the test."""

    steps: Steps | None = None  # how many | at most
    # of the text,
    # above the key
    name: Annotated[str, Field(min_length=1)]
    wide: float = Field(
        0.5,
        gt=0,  # more than nothing
    )


def test_a_key_shows_type_default_unit_and_the_comment_beside_or_above_it() -> None:
    assert make_settings.rows(Inner) == [
        "| `steps` | whole number > 0 | *left out* | steps | how many \\| at most |",
        "| `name` | text | *required* |  | of the text, above the key |",
        "| `wide` | number > 0 | `0.5` |  | more than nothing |",
    ]


class Silent(Section):
    """A section of the test."""

    key: int = 0


def test_a_key_without_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="Silent.key: no comment says what it is"):
        make_settings.rows(Silent)


def keys(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of a file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from keys(inner, (*path, key))


def test_every_key_of_the_built_in_params_stands_in_the_page() -> None:
    given = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    page = make_settings.page()
    for path in keys(given):
        if path[-2:-1] in (("ratio",), ("pull",)):
            continue  # a task's name
        if path[0] not in ("tasks", "packages", "remotes") or len(path) == 3:
            places = (f"| `{path[-1]}` |", f": {path[-1]}` |", f"## `{'.'.join(path)}`")  # one of a method's
            assert any(place in page for place in places), path
    assert set(given) <= set(Project.model_fields)


def test_every_command_and_option_stands_in_the_page() -> None:
    page = make_cli.page()
    for name, _, command in make_cli.commands():
        assert f"## `onetrunk {name}`" in page
        for action in command._actions:
            for option in action.option_strings:
                assert option in {"-h", "--help"} or f"`{option}`" in page
