"""What validation asks of a family: expectations over the rows, and what the report draws of them."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from components.families.base.records import Check, Facts

if TYPE_CHECKING:
    from components.settings.project import Checks


class ValidationPart(abc.ABC):
    """What the rows of a task must fulfil besides what those of every task must."""

    @abc.abstractmethod
    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        """The family's own expectations over the rows that have a target, plus a column `split`."""

    def label_map(self, names: Mapping[str, str], facts: Facts) -> Mapping[str, str]:
        """The `source.label_map` that renames the labels of the facts."""
        return names

    @abc.abstractmethod
    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """What the report draws: (label or bin, count) of a split."""
