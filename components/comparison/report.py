"""reports/sharing.json: gains, affinities and the suggested grouping, from the runs' results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from components.comparison import gains, grouping
from components.comparison.records import Gain, Grouping, SharingReport
from components.comparison.runs import Alone, Joint
from components.files import read_json
from components.settings.project import Project
from components.settings.training import Balancing
from components.training.balancing import build
from components.training.balancing.weights.autoscale import AutoScale

HARDER = 1.5  # times as hard as now a task that loses is to pull


def report(project: Project, root: Path) -> SharingReport:
    """Compare joint training with each task alone, on the test rows of the kept models."""
    folder, seeds = root / "reports/sharing", [str(seed) for seed in project.sharing.seeds]
    joint: dict[str, Joint] = read_json(folder / "joint.json")
    alone: dict[str, dict[str, Alone]] = {
        head: results
        for name in project.tasks
        for head, results in read_json(folder / "alone" / f"{name}.json").items()
    }
    confidence = project.evaluation.confidence
    metric = {head: gate.metric for head, gate in project.gates().items()}
    together = {head: [joint[seed]["metrics"][head][metric[head]] for seed in seeds] for head in metric}
    apart = {head: [alone[head][seed][metric[head]] for seed in seeds] for head in metric}
    tasks = gains.gains(together, apart, metric, confidence)
    affinities = [joint[seed]["affinity"] for seed in seeds]
    heads = affinities[0]["heads"]
    cosine_SKK = np.array([of_seed["cosine"] for of_seed in affinities], dtype=float)
    ahead_SKK = np.array([of_seed["look_ahead"] for of_seed in affinities], dtype=float)
    suggested = grouping.suggest(ahead_SKK)
    groups = _names(heads, suggested.groups)
    return SharingReport(
        seeds=project.sharing.seeds,
        confidence=confidence,
        tasks=tasks,
        delta_m=gains.delta_m(together, apart, confidence),
        heads=heads,
        cosine=_json(grouping.mean_of_known(cosine_SKK)),
        look_ahead=_json(grouping.mean_of_known(ahead_SKK)),
        groups=groups,
        by_number_of_groups=[
            Grouping(affinity=level.affinity, groups=_names(heads, level.groups))
            for level in suggested.by_number
        ],
        gains_sentence=gains_sentence(tasks, len(seeds), pulls(project.training.balancing)),
        grouping_sentence=grouping_sentence(groups),
        caveat=caveat(tasks, len(seeds)),
    )


def _names(heads: list[str], groups: grouping.Groups) -> list[list[str]]:
    return sorted(([heads[i] for i in group] for group in groups), key=lambda group: (-len(group), group))


def _json(matrix: np.ndarray) -> list[list[float | None]]:
    """JSON has no NaN: None where nothing was measured."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in matrix]


# --- in words -----------------------------------------------------------------------------------------


def gains_sentence(tasks: Mapping[str, Gain], seeds: int, pull: Mapping[str, float] | None = None) -> str:
    """What the gains say; `pull` is what AutoScale's is now."""
    helped, harmed, open_ = _by_what_is_shown(tasks)
    if seeds == 1:
        return "One seed gives no interval: whether a gain is more than chance is not known."
    same = [name for name in open_ if tasks[name].interval is None and tasks[name].gain]
    apart = [name for name in open_ if _is_apart(tasks[name].interval)]
    parts = [
        ("helps", helped),
        ("harms", harmed),
        ("makes no difference that these seeds show for", [n for n in open_ if n not in same + apart]),
        (f"makes one that may be chance among {len(tasks)} tasks for", apart),
        ("makes the same difference with each seed, which does not tell of others, for", same),
    ]
    said = "Sharing " + "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts if names) + "."
    return f"{said} {_leaving(harmed, pull or {})}" if harmed else said


def pulls(balancing: Balancing) -> dict[str, float]:
    """How much harder than others tasks pull the encoder by the settings."""
    weighting = build(balancing).weighting
    return weighting.pull if isinstance(weighting, AutoScale) else {}


def _leaving(harmed: list[str], pull: Mapping[str, float]) -> str:
    it = "it" if len(harmed) == 1 else "each"
    harder = {**pull, **{name: HARDER * pull.get(name, 1.0) for name in harmed}}
    written = yaml.safe_dump(
        {"method": "autoscale", "pull": harder},
        default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf,
    ).strip()  # fmt: skip
    return (
        f"{', '.join(harmed)} should leave: train {it} in a project of its own, or let {it} pull the "
        f"encoder harder (training.balancing.weights: {written}), or try a larger share of the mixture or "
        f"smaller steps (training.tokens_per_step), and compare again."
    )


def grouping_sentence(groups: list[list[str]]) -> str:
    """The groups in words: "Train together: a, b; apart: c."."""
    together = [f"train together: {', '.join(group)}" for group in groups if len(group) > 1]
    alone = [group[0] for group in groups if len(group) == 1]
    sentence = "; ".join([*together, *([f"apart: {', '.join(alone)}"] if alone else [])])
    return f"{sentence[0].upper()}{sentence[1:]}."


def caveat(tasks: Mapping[str, Gain], seeds: int) -> str:
    """What the suggestion does not rest on."""
    _, harmed, open_ = _by_what_is_shown(tasks)
    if seeds == 1:
        return "The grouping is a guess from affinities; with three seeds or more its gains have intervals."
    if harmed:
        return (
            f"The grouping is a guess from affinities, which know nothing of the gains: what "
            f"{', '.join(harmed)} lost was measured, and comes first. Train the groups, and compare, before "
            f"you rely on them."
        )
    if not open_:
        return "The grouping is a guess from affinities: train it, and compare, before you rely on it."
    which = "every task" if len(open_) == len(tasks) else ", ".join(open_)
    return (
        f"The grouping is a guess from affinities, and the gain of {which} may be chance: train it, and "
        f"compare, before you rely on it."
    )


def _by_what_is_shown(tasks: Mapping[str, Gain]) -> tuple[list[str], list[str], list[str]]:
    """The heads that sharing helps, those that it harms, and those of which it is not known."""
    helped, harmed, open_ = (
        [name for name, task in tasks.items() if task.shown == shown] for shown in ("helps", "harms", None)
    )
    return helped, harmed, open_


def _is_apart(interval: Sequence[float] | None) -> bool:
    """Is 0 outside?"""
    return interval is not None and not interval[0] <= 0 <= interval[1]
