"""Was the champion held to more than this model is? Then a verdict says so: a lowered bar lets models out,
and that is a person's deed, which people are to see."""

from __future__ import annotations

from collections.abc import Iterator

from components.evaluation.records import Bar, ChampionEvidence, GateRule, Rules

DEFAULT = "by default"  # of a setting that is left out


def finding(head: str, champion: ChampionEvidence, rules: Rules, confidence: float) -> str | None:
    """What of a head's bar is lower today, in a sentence; None where nothing is, or nobody knows."""
    bar = champion.bar
    if bar is None:
        return None
    margins = _of_anchor(head, bar), _of_anchor(head, rules)
    found = [
        *(_of_rule(bar.gates[head], rules.gates[head]) if head in bar.gates else []),
        *_changed("confidence", bar.confidence, confidence, eased=confidence < bar.confidence),
        *_changed("anchor_margin", *margins, eased=margins[1] > margins[0]),
        *(f"{name} in evaluation.gates, now not there" for name in bar.further if name not in rules.further),
        *(one for name in bar.asked if name in rules.further for one in _asks(name, bar, rules)),
    ]
    return f"release {champion.release} was held to more: {'; '.join(found)}" if found else None


def _of_anchor(head: str, asked: Bar | Rules) -> float:
    own = asked.gates[head].anchor_margin if head in asked.gates else None
    return own or asked.anchor_margin


def _asks(name: str, bar: Bar, rules: Rules) -> Iterator[str]:
    """The settings of a further gate that are others today: whether they ask less, only people know."""
    before, now = bar.asked[name], rules.further[name]
    for key in dict.fromkeys([*before, *now]):
        if before.get(key) != now.get(key):
            yield f"{name}.{key} {before.get(key, DEFAULT)}, now {now.get(key, DEFAULT)}"


def _of_rule(before: GateRule, now: GateRule) -> Iterator[str]:
    """Floor and margin of another metric cannot be compared."""
    if now.metric != before.metric:
        yield f"metric {before.metric} (margin {before.margin:g}), now {now.metric} ({now.margin:g})"
        return
    yield from _changed("floor", before.floor, now.floor, eased=now.floor < before.floor)
    yield from _changed("margin", before.margin, now.margin, eased=now.margin > before.margin)
    if before.beat_linear and not now.beat_linear:
        yield "beat_linear, now not"


def _changed(what: str, before: float, now: float, eased: bool) -> Iterator[str]:
    if eased:
        yield f"{what} {before:g}, now {now:g}"
