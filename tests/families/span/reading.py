"""What a question's row becomes."""

from __future__ import annotations

from typing import Any

from components.families.span.family import FAMILY as SPAN


def options(**given: Any) -> dict[str, Any]:
    return SPAN.options.model_validate(given).model_dump()


def facts_of(unanswerable: float = 0.5, **given: Any) -> dict[str, Any]:
    return {"unanswerable": unanswerable, "options": options(**given)}
