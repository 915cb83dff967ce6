"""Evidence and verdicts as the pipeline leaves them: made by the gate, and recorded in dvc.lock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components import params
from components.evaluation import gate
from components.evaluation.difference import Difference
from components.evaluation.records import (
    EVALUATION,
    VERDICT,
    Champion,
    ChampionEvidence,
    Comparison,
    Evaluation,
    Finding,
    GateRule,
    HeadEvidence,
    MetricEvidence,
    ModelId,
    Rules,
    Verdict,
)
from components.evaluation.replay import LOCK, MADE_BY
from components.files import sha256

CHAMPION = Champion(release="v1", model="c" * 64, manifest="f" * 64)
ONE_SIDED, TWO_SIDED = 1.6449, 1.96  # normal quantiles of a confidence of .95


def rules(gates: Mapping[str, Any], without_champion: Any = (), **settings: Any) -> Rules:
    """The default settings, with gates as params.yaml has them."""
    return Rules(
        gates={
            head: GateRule(**gate.model_dump(include=set(GateRule.model_fields)))
            for head, gate in gates.items()
        },
        without_champion=list(without_champion),
        **{"shown_loss": 0.3333, "anchor_margin": 1.0, **settings},
    )


def measured(value: float = 0.9, champion: Comparison | None = None, **changes: Any) -> MetricEvidence:
    """A metric whose interval is 0.02 to each side, over a trivial 0.5 and a linear 0.7."""
    entry = {
        "value": value,
        "interval": [value - 0.02, value + 0.02],
        "trivial": 0.5,
        "linear": 0.7,
        "over_trivial": [value - 0.52, value - 0.48],
        "over_linear": [value - 0.75, value - 0.65],
        "champion": champion,
        **changes,
    }
    return MetricEvidence.model_validate(entry)


def head(
    metric: str, evidence: MetricEvidence, task: str = "t", family: str = "classification"
) -> HeadEvidence:
    """A head of which one metric was measured, on 100 test rows."""
    return HeadEvidence(
        task=task, family=family, rows={"test": 100}, metrics={metric: evidence}, classes=[], share=1.0
    )


def of(heads: dict[str, MetricEvidence], findings: tuple[Finding, ...] = ()) -> Evaluation:
    """Evidence of these tasks against release v1, which answers them all; with none of it for no champion."""
    compared = any(one.champion for one in heads.values())
    tasks = {name: head("accuracy", one) for name, one in heads.items()}
    tasks = {name: one.model_copy(update={"findings": list(findings)}) for name, one in tasks.items()}
    champion = ChampionEvidence(**CHAMPION.model_dump(), heads=list(heads), not_compared={})
    return Evaluation(
        model=ModelId(sha256="m"), champion=champion if compared else None, confidence=0.95, tasks=tasks
    )


def against(difference: float, error: float, **changes: Any) -> Comparison:
    """A comparison on 2,000 test rows whose difference has this standard error."""
    given = {
        "value": 0.8 - difference,
        "difference": difference,
        "interval": [difference - TWO_SIDED * error, difference + TWO_SIDED * error],
        "low": difference - ONE_SIDED * error,
        "se": error,
        "p": 0.5,
        "rows": 2000,
        "discordant": 200,
        "since": {"come": 0, "gone": 0, "trained_on": 0},
        **changes,
    }
    return Comparison.model_validate(given)


def counted(won: int, lost: int, units: int) -> Comparison:
    """A comparison by accuracy in which so many rows were won and lost."""
    found = Difference(won=won, lost=lost, units=units, worth=1.0, freedom=None)
    return against(
        found.value,
        found.standard_error,
        interval=found.interval(0.95),
        low=found.low(0.95),
        discordant=won + lost,
        rows=units,
        counted=found,
    )


def pass_on(root: Path) -> Verdict:
    """The gate's verdict on the evidence that lies in a project, by its settings."""
    verdict = gate.verdict(
        Evaluation.read(root / EVALUATION),
        gate.rules_of(params.read(root / "params.yaml")),
        sha256(root / EVALUATION),
    )
    verdict.write(root / VERDICT)
    record(root)
    return verdict


def record(root: Path) -> None:
    """dvc.lock as it is after the stages that make evidence and verdict."""
    stages = yaml.safe_load((root / LOCK).read_text())["stages"] if (root / LOCK).is_file() else {}
    for file, stage in MADE_BY.items():
        md5 = hashlib.md5((root / file).read_bytes(), usedforsecurity=False).hexdigest()
        stages[stage] = {"cmd": stage, "outs": [{"path": file.as_posix(), "hash": "md5", "md5": md5}]}
    (root / LOCK).write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
