"""What the options of a family or a method must fulfil: they are among its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from components.errors import UserError, near_miss
from components.params.messages import complaint, known_keys
from components.settings.section import truth_for_number

Options = TypeVar("Options", bound=BaseModel)


def check_options(where: str, owner: str, model: type[Options], options: Mapping[str, Any]) -> Options:
    """The options of a family or a method, with their defaults; UserError as `consistency.check`."""
    if found := truth_for_number(model, options):
        raise UserError(f"{where}.{found}")
    try:
        return model.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        if first["type"] == "extra_forbidden":
            known = known_keys(first["loc"], model)
            expected = f"expected one of {', '.join(known)}" if known else f"{owner} has no options"
            near = near_miss(first["loc"][-1], known)
            raise UserError(f"{where}.{key}: unknown option{near}; {expected}") from None
        if first["type"] == "missing":
            raise UserError(f"{where}.{key}: missing; {owner} needs it") from None
        raise UserError(f"{where}.{complaint(first, key)}") from None
