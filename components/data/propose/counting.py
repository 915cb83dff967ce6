"""How the tool counted that has written a file's spans: in UTF-16 units, to the last character, and so on."""

from __future__ import annotations

from collections.abc import Iterator

from components.data.propose.places import Place
from components.data.propose.profile import Column, Fields, Numbered
from components.data.propose.roles import fit
from components.data.propose.source_keys import SourceKeys
from components.data.sources.offsets import Counting
from components.data.sources.placing import placed, tally_of
from components.data.sources.record import value_at
from components.errors import BadRowError
from components.settings.data import Source


def recounted(columns: list[Column], place: Place, rows: Numbered) -> tuple[Place, Numbered] | None:
    """The source with the settings that read its spans rightly, and its rows so read; None where there are
    none, where they stand between words as they are, or where nothing helps."""
    texts = sorted(
        (-judged.score, column.place, column.name) for column in columns if (judged := fit("text", column))
    )
    spans = [column.name for column in columns if fit("spans", column)]
    if not texts or len(spans) != 1:
        return None
    names = {"text": texts[0][2], "spans": spans[0]}
    tally = tally_of(((f"row {n}", _roles(fields, names)) for n, fields in rows), _source(place.source))
    if tally.better is None:
        return None
    source: SourceKeys = {**place.source, **_keys(tally.better)}
    return Place(source, place.at, place.remotes), list(_placed(names, _source(source), rows))


def _source(keys: SourceKeys) -> Source:
    return Source.model_validate({**keys, "files": {}})


def _roles(fields: Fields, names: dict[str, str]) -> dict[str, object]:
    return {role: value_at(fields, name) for role, name in names.items()}


def _keys(counting: Counting) -> SourceKeys:
    keys: SourceKeys = {}
    if counting.offsets != Counting().offsets:
        keys["offsets"] = counting.offsets[0] if len(counting.offsets) == 1 else list(counting.offsets)
    if counting.inclusive:
        keys["end"] = "inclusive"
    return keys


def _placed(names: dict[str, str], source: Source, rows: Numbered) -> Iterator[tuple[int, Fields]]:
    """The rows with their spans in characters; one whose spans fit nowhere is as it was."""
    for number, fields in rows:
        try:
            values = placed(_roles(fields, names), source)
        except BadRowError:
            yield number, fields
            continue
        yield number, {**fields, names["spans"]: values["spans"]}
