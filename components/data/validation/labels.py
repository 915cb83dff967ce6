"""Labels that are hardly meant to be two: they differ in nothing but case, blanks and the like."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

from components.data.validation.suites import Measure
from components.spelling import INVISIBLE_CHARACTERS, LOOKALIKES, drawn, is_whole, script, seen

AsMap = Callable[[Mapping[str, str]], Mapping[str, str]]
MOST = 200  # labels of a map that a sentence holds whole


def spelt_apart(labels: Iterable[str], counts: Mapping[str, int]) -> dict[str, str]:
    """Label -> the best spelling of it, of the labels that others differ from in no more than a spelling:
    one of a single alphabet without invisible or composed characters, then the commonest."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[seen(label)].append(label)
    alike = [group for group in _drawn_alike(groups.values()) if len(group) > 1]
    return {label: max(group, key=lambda one: _merit(one, counts)) for group in alike for label in group}


def _drawn_alike(groups: Iterable[list[str]]) -> list[list[str]]:
    """The groups, joined where a label of one looks like one of the other, as with a Cyrillic С for a C."""
    joined: list[tuple[set[str], list[str]]] = []
    for group in groups:
        shapes = set(map(drawn, group))
        same = next((each for each in joined if not each[0].isdisjoint(shapes)), None)
        if same is None:
            joined.append((shapes, list(group)))
        else:
            same[0].update(shapes)
            same[1].extend(group)
    return [labels for _, labels in joined]


def _merit(label: str, counts: Mapping[str, int]) -> tuple[bool, int, bool, int, str]:
    pure = len({script(one) for one in label if one.isalpha()}) < 2
    sound = pure and label == _normal(label) and not is_whole(label)
    return sound, counts.get(label, 0), label.isascii(), -len(label), label


def _normal(label: str) -> str:
    shown = "".join(one for one in label if one not in INVISIBLE_CHARACTERS)
    return " ".join(unicodedata.normalize("NFKC", shown).split())


def measure(
    labels: list[str],
    counts: Mapping[str, int],
    as_map: AsMap,
    where: str,
) -> Measure:
    """How many labels are others but for their spelling, and the label map that joins them, which stands
    below `where`; `as_map` makes it of label -> label."""
    best = spelt_apart(labels, counts)
    if not best:
        return Measure(0)
    names = {label: best.get(label, label) for label in labels}
    groups = Counter(best.values())
    shown = "; ".join(", ".join(map(written, (one for one in best if best[one] == name))) for name in groups)
    extra = len(best) - len(groups)
    few = names if len(names) <= MOST else best
    pairs = ", ".join(f"{written(raw)}: {written(name)}" for raw, name in as_map(few).items())
    rest = "" if few is names else ", with every other label as itself"
    return Measure(extra, f"{shown}; below {where}, `label_map: {{{pairs}}}` joins them{rest}", extra)


def written(label: str) -> str:
    """The label as YAML takes it, with what cannot be seen or told apart as an escape."""
    text = json.dumps(label, ensure_ascii=False)
    latin = drawn(label).isascii()
    return "".join(one if _is_seen(one, latin) else f"\\u{ord(one):04x}" for one in text)


def _is_seen(character: str, latin: bool) -> bool:
    """Does a reader see which it is? `latin`: in a label that looks as if all of it were."""
    if latin and ord(character) in LOOKALIKES:
        return False
    plain = character == " " or not character.isspace()
    return plain and character not in INVISIBLE_CHARACTERS and not unicodedata.combining(character)
