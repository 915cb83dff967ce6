"""tokens: as many tokens as are given; `training.tokens` says the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.data.mixture.budgets.base import Asked, Budget


class Tokens(Budget):
    """So many."""

    tokens: Annotated[int, Field(gt=0)]  # that the whole training reads

    def allows(self, asked: Asked) -> float:
        return self.tokens


METHOD = Tokens
