"""reports/sharing.json: gains, affinities and the suggested grouping, from the runs' results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.comparison import gains, grouping
from components.comparison.records import SharingReport
from components.files import read_json
from components.settings.project import Project

Report = dict[str, Any]


def report(project: Project, root: Path) -> SharingReport:
    """Compare joint training with each task alone, on the test rows of the kept models."""
    folder, seeds = root / "reports/sharing", [str(seed) for seed in project.sharing.seeds]
    joint = read_json(folder / "joint.json")
    alone = {
        head: results
        for name in project.tasks
        for head, results in read_json(folder / "alone" / f"{name}.json").items()
    }
    confidence = project.evaluation.confidence
    metric = {head: gate.metric for head, gate in project.gates().items()}
    together = {head: [joint[seed]["metrics"][head][metric[head]] for seed in seeds] for head in metric}
    apart = {head: [alone[head][seed][metric[head]] for seed in seeds] for head in metric}
    found = gains.gains(together, apart, confidence)
    result = {
        "seeds": project.sharing.seeds,
        "confidence": confidence,
        "tasks": {head: {"metric": metric[head], **values} for head, values in found.items()},
        "delta_m": gains.delta_m(together, apart, confidence),
        **_affinities([joint[seed]["affinity"] for seed in seeds]),
    }
    return SharingReport.model_validate(result | _sentences(result))


def _affinities(by_seed: list[dict[str, Any]]) -> Report:
    """The means over the seeds, and what they suggest."""
    heads = by_seed[0]["heads"]
    cosine_SKK, ahead_SKK = (
        np.array([of_seed[kind] for of_seed in by_seed], dtype=float) for kind in ("cosine", "look_ahead")
    )
    suggested = grouping.suggest(ahead_SKK)
    return {
        "heads": heads,
        "cosine": _json(cosine_SKK.mean(axis=0)),
        "look_ahead": _json(ahead_SKK.mean(axis=0)),
        "groups": _names(heads, suggested["groups"]),
        "by_number_of_groups": [
            {"affinity": entry["affinity"], "groups": _names(heads, entry["groups"])}
            for entry in suggested["by_number"]
        ],
    }


def _names(heads: list[str], groups: grouping.Groups) -> list[list[str]]:
    return sorted(([heads[i] for i in group] for group in groups), key=lambda group: (-len(group), group))


def _json(matrix: np.ndarray) -> list[list[float | None]]:
    """JSON has no NaN: None where nothing was measured."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in matrix]


# --- in words -----------------------------------------------------------------------------------------


def _sentences(result: Report) -> dict[str, str]:
    tasks = result["tasks"]
    helped = [name for name, task in tasks.items() if task["interval"] and task["interval"][0] > 0]
    harmed = [name for name, task in tasks.items() if task["interval"] and task["interval"][1] < 0]
    open_ = [name for name in tasks if name not in helped and name not in harmed]
    return {
        "gains_sentence": _gains(helped, harmed, open_, len(result["seeds"])),
        "grouping_sentence": grouping_sentence(result["groups"]),
        "caveat": _caveat(open_, tasks, len(result["seeds"])),
    }


def _gains(helped: list[str], harmed: list[str], open_: list[str], seeds: int) -> str:
    if seeds == 1:
        return "One seed gives no interval: whether a gain is more than chance is not known."
    parts = [("helps", helped), ("harms", harmed), ("makes no difference that these seeds show for", open_)]
    return "Sharing " + "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts if names) + "."


def grouping_sentence(groups: list[list[str]]) -> str:
    """The groups in words: "Train together: a, b; apart: c."."""
    together = [f"train together: {', '.join(group)}" for group in groups if len(group) > 1]
    alone = [group[0] for group in groups if len(group) == 1]
    sentence = "; ".join([*together, *([f"apart: {', '.join(alone)}"] if alone else [])])
    return f"{sentence[0].upper()}{sentence[1:]}."


def _caveat(open_: list[str], tasks: Mapping[str, Any], seeds: int) -> str:
    """What the suggestion does not rest on."""
    if seeds == 1:
        return "The grouping is a guess from affinities; with three seeds or more its gains have intervals."
    if not open_:
        return "The grouping is a guess from affinities: train it, and compare, before you rely on it."
    which = "every task" if len(open_) == len(tasks) else ", ".join(open_)
    return (
        f"The grouping is a guess from affinities, and zero is within the interval of the gain of {which}: "
        f"train it, and compare, before you rely on it."
    )
