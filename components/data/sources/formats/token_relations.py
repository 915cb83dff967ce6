"""Relations between two places in words, as research publishes them, in JSON: TACRED (Zhang et al. 2017),
FewRel (Han et al. 2018) and OpenNRE (Han et al. 2019)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects, without_repeats
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Skipped, Unreadable, Values
from components.errors import BadRowError, UserError
from components.settings.data import Source

WORDS = ("token", "tokens")
BY_RELATION = re.compile(r'\s*\{\s*"[^"]*"\s*:\s*\[\s*\{\s*"tokens"\s*:.*?"h"\s*:\s*\[', re.DOTALL)
SHOWN = 20_000  # characters in which the first object of FewRel stands
Place = tuple[int, int]  # words, or characters of a text: the first, and the one behind the last


def read_relations(path: Path, source: Source) -> Numbered:
    """`text`, the words with blanks between; `head` and `tail`, places in it; `label` and, if given, `id`."""
    for number, found in _objects(path, source):
        if isinstance(found, Skipped):
            yield number, found
            continue
        try:
            yield number, _row(found)
        except BadRowError as error:
            yield number, Unreadable(str(error))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            problem = f"no {error}" if isinstance(error, KeyError) else str(error)
            yield number, Unreadable(f"no words with two places and their relation ({problem:.80})")


def _objects(path: Path, source: Source) -> Numbered:
    """Those of a list or of lines; or of FewRel's lists by relation, each with its `relation`."""
    start = "".join(line for line, _ in zip(lines(path, source.encoding), range(40), strict=False))[:SHOWN]
    if not BY_RELATION.match(start):
        yield from without_repeats(read_objects(path, source))
        return
    try:
        by_relation = json.loads("".join(lines(path, source.encoding)))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    every = ({**one, "relation": name} for name, given in by_relation.items() for one in given)
    yield from enumerate(every, 1)


def _row(found: Mapping[str, Any]) -> Values:
    words = next((found[name] for name in WORDS if name in found), None)
    text = found["text"] if words is None else " ".join(words)
    head, tail = _ends(found)
    if words is not None:
        head, tail = _in_text(words, head), _in_text(words, tail)
    row = {"text": text, "head": _span(head), "tail": _span(tail), "label": found["relation"]}
    return {"id": found["id"], **row} if "id" in found else row


def _ends(found: Mapping[str, Any]) -> tuple[Place, Place]:
    """The places of subject and object. TACRED's ends are the last words themselves."""
    if "subj_start" in found:
        one, other = ((found[f"{end}_start"], found[f"{end}_end"] + 1) for end in ("subj", "obj"))
        return one, other
    return _place(found["h"]), _place(found["t"])


def _place(entity: Any) -> Place:
    """OpenNRE's {"pos": [start, end]}; FewRel's [name, id, [words of each mention]], the first of these."""
    if isinstance(entity, Mapping):
        start, end = entity["pos"]
        return start, end
    first, *_ = entity[2]
    return min(first), max(first) + 1


def _in_text(words: Sequence[str], place: Place) -> Place:
    start, end = place
    if not 0 <= start < end <= len(words):
        raise BadRowError(f"words {start} to {end} of {len(words)}, expected a place in them")
    begins = [0, *accumulate(len(word) + 1 for word in words)]
    return begins[start], begins[end] - 1


def _span(place: Place) -> Values:
    return {"start": place[0], "end": place[1]}


def _are_relations(sample: Sample) -> bool:
    some = sample.objects
    known = all(
        {"relation", "subj_start", "obj_start"} <= one.keys()
        or ("relation" in one and all(isinstance(one.get(end), dict) and "pos" in one[end] for end in "ht"))
        for one in some
    )
    return (bool(some) and known) or BY_RELATION.match(sample.text[:SHOWN]) is not None


FORMATS = {"token_relations": Format(read_relations, _are_relations)}
