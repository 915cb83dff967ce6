"""How the numbers of a column are written, which only all of them together can tell: 1,234 may be either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from components.data.sources.numbers import Decimal, unit_of, with_a_point, without_unit
from components.errors import BadRowError
from components.families.shared.fields import read_number

EACH = 0.5  # share of the numbers that have the unit, at least
DECIMALS: tuple[Decimal, ...] = (".", ",")


@dataclass(frozen=True)
class Written:
    """A column's values, all of which are texts."""

    texts: Sequence[str]

    @cached_property
    def unit(self) -> str:
        """The currency or the unit that stands beside them; empty where there is none or several."""
        found = []
        for text in self.texts:
            if (unit := unit_of(text)) is None:
                return ""
            found += [unit] if unit else []
        units = {unit.casefold(): unit for unit in found}
        if len(units) != 1 or len(found) < EACH * len(self.texts):
            return ""
        unit = next(iter(units.values()))
        return "" if len(unit) == 1 and unit.isalpha() and unit.isupper() else unit  # 1000X is a code

    @cached_property
    def readings(self) -> dict[Decimal, list[float]]:
        """The numbers, by the decimal sign with which all are some."""
        found = {
            decimal: _numbers(with_a_point(text, decimal) for text in self._bare()) for decimal in DECIMALS
        }
        return {decimal: numbers for decimal, numbers in found.items() if numbers}

    def _bare(self) -> Iterator[str]:
        return (without_unit(text, self.unit) if self.unit else text for text in self.texts)

    @cached_property
    def is_open(self) -> bool:
        """Could they be read in two ways? 1.500 beside 980 could; points that all have three digits behind
        them are rather those of numbers that were written alike."""
        if len(self.readings) < len(DECIMALS) or self.readings["."] == self.readings[","]:
            return False
        signs = [next((sign for sign in DECIMALS if sign in text), "") for text in self.texts]
        return "," in signs or "" in signs

    def decimal(self, wanted: Decimal | None = None) -> Decimal | None:
        """The decimal sign, where it must be said."""
        if wanted in self.readings:
            return wanted if self.is_open or self._needs(wanted) else None
        found = next(iter(self.readings), None)
        return found if found and self._needs(found) else None

    def _needs(self, decimal: Decimal) -> bool:
        """Would the numbers, without the setting, be others or none?"""
        return _numbers(self._bare()) != self.readings[decimal]


def _numbers(texts: Iterable[str]) -> list[float] | None:
    try:
        return [read_number({"n": text}, "n") for text in texts]
    except BadRowError:
        return None
