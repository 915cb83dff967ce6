"""What the packaged Bento said, as it is written down before a release and read by the summary of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.records import Part, Record

ANSWERS = Path("reports/answers.json")


class Exchange(Part):
    """A question that was asked of the packaged Bento, and its answer; of each family their own fields."""

    question: dict[str, Any]  # the example of params.yaml
    answer: dict[str, Any]  # as the service gives it, to six digits


class Answers(Record):
    """reports/answers.json: what the packaged Bento said before it was released."""

    tasks: dict[str, Exchange]  # by head


def rounded(value: Any) -> Any:
    """A part of an answer, its floats to six digits."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value
