"""What the documentation says of the code is made from the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from components import tasks

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def make_families() -> Any:
    spec = importlib.util.spec_from_file_location("make_families", ROOT / "docs/make_families.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_families_is_the_codes(make_families: Any) -> None:
    assert make_families.PAGE.read_text(encoding="utf-8") == make_families.page(), "run `make docs`"


@pytest.mark.parametrize("name", tasks.names())
def test_a_familys_example_is_a_question_it_takes_and_an_answer_of_its_schema(name: str) -> None:
    family = tasks.get(name)
    question, answer = family.example
    required = set(question) - {*family.optional_inputs}
    assert required in [set(family.asked(roles)) for roles in family.inputs]
    assert set(question) <= set(family.request.model_fields)
    family.read_input(question, family.options().model_dump())
    assert family.response.model_validate(answer).model_dump(exclude_none=True) == answer
