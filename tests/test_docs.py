"""What the documentation says of the code is made from the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from components import families
from tests.scripts import script

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def make_families() -> Any:
    return script("docs/make_families.py")


def test_the_table_of_methods_is_what_the_benchmark_printed() -> None:
    methods = script("docs/make_methods.py")
    assert methods.PAGE.read_text(encoding="utf-8") == methods.page(), "run `make docs`"


def test_every_method_stands_in_the_page_on_choosing_one_or_in_that_on_balancing() -> None:
    from components.training import balancing

    text = "".join(
        (ROOT / f"docs/{page}.md").read_text() for page in ("how-to/choosing-a-method", "reference/balancing")
    )
    for name in balancing.weighting_names() + balancing.combination_names():
        assert f"`{name}`" in text


def test_a_methods_row_says_its_interval_and_static_is_the_scale() -> None:
    methods = script("docs/make_methods.py")
    measured = {"delta_m": [0.0123, -0.05, 0.07], "points": [0.004], "step_ratio": 1.1, "scores": {}}
    assert methods.line("famo", measured) == "| `famo` | +1.2% [-5.0%, +7.0%] | +0.004 | 1.10 |"
    assert methods.line("static", measured).endswith("| 0 | 0 | 1.10 |")


def test_the_table_of_families_is_the_codes(make_families: Any) -> None:
    assert make_families.PAGE.read_text(encoding="utf-8") == make_families.page(), "run `make docs`"


@pytest.mark.parametrize("name", families.names())
def test_a_familys_example_is_a_question_it_takes_and_an_answer_of_its_schema(name: str) -> None:
    family = families.get(name)
    question, answer = family.example
    required = set(question) - {*family.optional_inputs}
    assert required in [set(family.request_fields(roles)) for roles in family.inputs]
    assert set(question) <= set(family.request.model_fields)
    family.read_input(question, family.options().model_dump())
    assert family.response.model_validate(answer).model_dump(exclude_none=True) == answer


def test_every_decision_is_listed_once_by_its_number() -> None:
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert [name for _, name in listed] == sorted(file.name for file in folder.glob("0*.md"))
    assert all(name.startswith(f"{number}-") for number, name in listed)


def test_every_folder_below_onetrunk_that_the_code_names_stands_in_the_page_on_disk() -> None:
    named = re.compile(r"""["/ ]\.onetrunk/([a-z]+)(?![a-z_.*])|\bWORKSPACE / "([a-z]+)"(?!\.)""")
    files = (file for room in ("components", "flows", "serving") for file in (ROOT / room).rglob("*.py"))
    found = {name for file in files for pair in named.findall(file.read_text()) for name in pair if name}
    assert found >= {"checkpoints", "trained", "runs", "prefect", "predictions", "claims"}
    table = (ROOT / "docs/how-to/disk.md").read_text()
    assert {name for name in found if not re.search(rf"`(\.onetrunk/)?{name}`", table)} == set()
