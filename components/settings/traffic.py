"""What params.yaml says of the traffic of a service: what is kept of it, and when it has shifted."""

from __future__ import annotations

import math
import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from components.settings.section import Days, Rows, Section, Unit

MOST_DAYS = 3650  # between false alarms: a window's texts are permuted 24 times for each of them
# shares of the false alarms, at most: three kinds of evidence (components/monitoring/alarm.py) and surges
SHARES = 4


class Traffic(Section):
    """What a service keeps of the texts that it answers, and when they are said to have shifted
    (docs/how-to/traffic.md)."""

    folder: str = (
        "monitoring/traffic"  # a Parquet file a worker and hour; never the texts, unless `texts` says so
    )
    rows_a_day: Rows = 4096  # of a day's requests, a uniform sample of so many is kept, of each one text
    keep_days: Days = 90  # older files are removed
    texts: bool = False  # may the texts themselves be kept?
    # regular expressions: what matches in a text that is kept becomes "[…]"; of more than 4,000 characters
    # none is kept then
    redact: list[str] = []
    # false alarms are so far apart, over all tasks and detectors together, and surges (`monitor`) without
    # an `alpha` of their own; at most ten years, 3650
    days_between_false_alarms: Annotated[int, Field(ge=10), Unit("days")] = 180
    reference_rows: Rows = 1000  # the first texts that a release answers: what later days are compared with
    min_rows: Rows = 100  # a day with fewer is no window of its own: the next one is joined to it

    @field_validator("redact")
    @classmethod
    def _are_expressions(cls, given: list[str]) -> list[str]:
        for one in given:
            try:
                re.compile(one)
            except re.error as error:
                raise ValueError(f"found '{one}', which is no regular expression ({error})") from None
        return given

    @model_validator(mode="after")
    def _alarms_are_possible(self) -> Self:
        days, found = self.days_between_false_alarms, f"found {self.days_between_false_alarms}"
        if days > MOST_DAYS:
            raise ValueError(
                f"days_between_false_alarms: {found}, expected at most {MOST_DAYS} (ten years): a window's "
                "texts are permuted 24 times for each of these days"
            )
        most = int(_ways(self.reference_rows, self.min_rows) / SHARES)
        if days > most:
            raise ValueError(
                f"days_between_false_alarms: {found}, expected at most {most}: with reference_rows "
                f"{self.reference_rows} and min_rows {self.min_rows} no shift is so rare; raise them"
            )
        return self


def _ways(reference: int, later: int) -> float:
    """In how many ways so many texts can fall on either side; at most as many as can matter here."""
    logarithm = math.lgamma(reference + later + 1) - math.lgamma(reference + 1) - math.lgamma(later + 1)
    return math.exp(min(logarithm, math.log(SHARES * MOST_DAYS) + 1))
