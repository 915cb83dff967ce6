"""How the tool counted that has written a file's spans: in UTF-16 units, to the last character, and so on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.data.propose.candidate import Plan
from components.data.propose.formats import SourceKeys
from components.data.propose.places import Place
from components.data.propose.profile import Fields, Numbered
from components.data.sources.offsets import Counting
from components.data.sources.placing import placed, tally_of
from components.errors import BadRowError
from components.settings.data import Source


def recounted(plan: Plan, place: Place, rows: Numbered) -> tuple[Place, Numbered] | None:
    """The source with the settings that read its spans rightly, and its rows so read; None where the spans
    stand between words as they are, or nothing helps."""
    roles = [role for role in ("spans", "head", "tail") if role in plan.columns]
    if not roles or "text" not in plan.columns:
        return None
    source = Source.model_validate(place.source)
    tally = tally_of(((f"row {number}", plan.record(fields)) for number, fields in rows), source)
    if tally.better is None:
        return None
    keys = _keys(tally.better)
    better = Source.model_validate({**place.source, **keys})
    found = Place({**place.source, **keys}, place.at, place.remotes)
    return found, [(number, fields) for number, fields in _placed(plan, better, rows, roles)]


def _keys(counting: Counting) -> SourceKeys:
    keys: SourceKeys = {}
    if counting.offsets != Counting().offsets:
        keys["offsets"] = counting.offsets[0] if len(counting.offsets) == 1 else list(counting.offsets)
    if counting.inclusive:
        keys["end"] = "inclusive"
    return keys


def _placed(plan: Plan, source: Source, rows: Numbered, roles: Sequence[str]) -> Iterator[tuple[int, Fields]]:
    """The rows with their spans in characters; one whose spans fit nowhere is as it was."""
    for number, fields in rows:
        try:
            values = placed(dict(plan.record(fields)), source)
        except BadRowError:
            yield number, fields
            continue
        yield number, {**fields, **{plan.columns[role].name: values[role] for role in roles}}
