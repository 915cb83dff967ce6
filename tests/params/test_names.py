"""A task is called whatever a person writes, unless a file cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from components.params.checks.names import refusal
from tests.params.messages import complaint

GOOD = ["type", "train", "keys", "values", "items", "half", "forward", "self", "v1.2", "customer's mood", "50 %",
        "a-b", "Überschrift", "ティッカー", "מצב רוח", "😀", "a, b; c (d) [e] {f}", "1", "no", "x" * 100]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_task_may_be_called_so(name: str) -> None:
    assert refusal(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("mood ", "has a blank at its start or its end"),
        ("..", "begins with '.'"),
        (".hidden", "begins with '.'"),
        ("-x", "begins with '-'"),
        ("a/b", "has a '/'; files and stages are called so, expected none of"),
        ("a\\b", "has a '\\'"),
        ("a@b", "has a '@'"),
        ("$HOME", "has a '$'"),
        ("mood.dvc", "ends in .dvc"),
        ("a\nb", "not printed"),
        ("a\u2028b", "not printed"),
        ("x" * 101, "has 101 bytes"),
        ("é" * 51, "has 102 bytes"),
    ],
)
def test_a_task_cannot_be_called_so(name: str, why: str) -> None:
    assert why in (refusal(name) or "")


def test_the_settings_say_it_in_one_sentence(tiny_project: Path) -> None:
    assert "a task's name has a '/'" in complaint(tiny_project, "  mood:\n", "  mo/od:\n")


def test_a_name_that_yaml_reads_as_something_else_asks_for_quotes(tiny_project: Path) -> None:
    said = complaint(tiny_project, "  mood:\n", "  no:\n")
    assert "quotes" in said
    said = complaint(tiny_project, "  no:\n", "  2024:\n")
    assert "quotes" in said


def test_an_odd_name_is_read(tiny_project: Path) -> None:
    file = tiny_project / "params.yaml"
    file.write_text(file.read_text().replace("  mood:\n", "  customer's mood, v1.2 😀:\n"))
    assert "customer's mood, v1.2 😀" in params.load().tasks
