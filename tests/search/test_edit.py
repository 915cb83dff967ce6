"""What is written into params.yaml, and what is left as it is."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
import yaml

from components.search.edit import edited

OURS = (Path(__file__).parents[2] / "params.yaml").read_text()


def test_nothing_but_the_values_changes_in_a_file_full_of_comments() -> None:
    text = edited(
        OURS, {"training.learning_rate": 1e-05, "tasks.similarity.max_length": None, "training.clip": 0.5}
    )
    changed = [line for line in difflib.ndiff(OURS.splitlines(), text.splitlines()) if line[0] in "+-"]
    assert changed == [
        "-     max_length: 96 # of each text",
        "+     max_length:    # of each text",
        "-   learning_rate: 3.0e-4",
        "+   learning_rate: 1.0e-05",
        "-   clip: 1.0",
        "+   clip: 0.5",
    ]
    assert yaml.safe_load(text)["training"]["learning_rate"] == 1e-05  # PyYAML needs the dot


@pytest.mark.parametrize(
    "before", ["training: {a: 1}", "training:\n  a: 1", "training:\n  a: 1\n  balancing:"]
)
def test_sections_that_are_not_there_are_made(before: str) -> None:
    text = edited(
        before + "\n",
        {"training.balancing.weights": "static", "training.balancing.weights.weights": {"x": 0.3}},
    )
    assert yaml.safe_load(text)["training"] == {
        "a": 1,
        "balancing": {"weights": {"method": "static", "weights": {"x": 0.3}}},
    }


def test_an_option_is_set_beside_a_method_that_stands_by_its_name_alone() -> None:
    text = edited("weights: dwa  # why\n", {"weights.temperature": 3.0})
    assert yaml.safe_load(text) == {"weights": {"method": "dwa", "temperature": 3.0}}


def test_lists_keep_their_indent() -> None:
    for text in ("a:\n- 1\n- 2\nb: 1\n", "a:\n  - 1\n  - 2\nb: 1\n", "a:\n    - 1\nb: 1\n"):
        assert edited(text, {"b": 2}) == text.replace("b: 1", "b: 2")
