"""What annotations look like while they are read: do spans cut words, and do annotators agree?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from components.data.ingest.records import Crowd, SpanPlaces
from components.data.sources.offsets import Counting, Tally
from components.data.sources.placing import spans_in
from components.data.sources.record import Record
from components.settings.data import Source

MANY = 0.1  # share of spans that cut words from which on it cannot be meant
FEW = 3  # such spans, where a setting is known that reads nearly all of them


@dataclass
class Annotated:
    """Sums over the records that pass by."""

    source: Source
    tally: Tally = field(default_factory=lambda: Tally(Counting()))
    agreed: list[float] = field(default_factory=list)

    def watch(self, records: Iterator[Record]) -> Iterator[Record]:
        """The same records."""
        for record in records:
            if record.agreement is not None:
                self.agreed.append(record.agreement)
            self.tally.add(record.place, *spans_in(record.values))
            yield record

    def spans(self) -> SpanPlaces | None:
        """Places were read in characters, so what reads them better is known where nothing else was set."""
        tally = self.tally
        plain = Counting.of(self.source).plain
        found = SpanPlaces(
            spans=tally.spans, cut=tally.wrong, first=tally.first, advice=tally.advice if plain else ""
        )
        return found if tally.spans else None

    def crowd(self) -> Crowd | None:
        if not self.agreed:
            return None
        return Crowd(rows=len(self.agreed), agreement=sum(self.agreed) / len(self.agreed))


def is_suspect(places: SpanPlaces) -> bool:
    """Do more spans cut words than can be meant?"""
    return places.cut > MANY * places.spans or (places.cut >= FEW and bool(places.advice))
