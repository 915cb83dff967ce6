"""Was the champion held to more than this model is? Then a verdict says so: a lowered bar lets models out,
and that is a person's deed, which people are to see."""

from __future__ import annotations

from collections.abc import Iterator

from components.evaluation.records import ChampionEvidence, GateRule, Rules


def finding(head: str, champion: ChampionEvidence, rules: Rules, confidence: float) -> str | None:
    """What of a head's bar is lower today, in a sentence; None where nothing is, or nobody knows."""
    bar = champion.bar
    if bar is None:
        return None
    margins = bar.anchor_margin, rules.anchor_margin
    found = [
        *(_of_rule(bar.gates[head], rules.gates[head]) if head in bar.gates else []),
        *_changed("confidence", bar.confidence, confidence, eased=confidence < bar.confidence),
        *_changed("anchor_margin", *margins, eased=margins[1] > margins[0]),
        *(f"{name} in evaluation.gates, now not there" for name in bar.further if name not in rules.further),
    ]
    return f"release {champion.release} was held to more: {'; '.join(found)}" if found else None


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
