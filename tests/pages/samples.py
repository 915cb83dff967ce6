"""Synthetic reports as the stages write them: seven heads with long names, 52 classes, names that would break
a page if it did not escape them."""

from __future__ import annotations

import random
from typing import Any

from components.comparison.records import SharingReport
from components.data.mixture.records import PlannedTask, PlanRecord
from components.data.validation.records import Validation
from components.evaluation.records import Evaluation, GateOutcome, Outcome, TaskVerdict, Verdict
from components.training.run.records import TrainingReport

HOSTILE = "<script>alert('x')</script> \"quoted\" & \u202egnp.elif"
LONG = "customer_support_urgency_classification_v2"
HEADS = ("intent", "slots", "sentiment", LONG, "news_topic", "similarity", HOSTILE)
RTL = "أخبار الرياضة"
FEW, MANY = [RTL, HOSTILE, "neutral"], [f"class-{n}" for n in range(52)]
METRICS = ("accuracy", "entity_f1", "accuracy", "macro_f1", "accuracy", "pearson", "accuracy")
WHY = {
    "pass": "accuracy 0.913 is above the floor 0.800 and within the margin of the champion: -0.002 [-0.011, +0.006]",
    "hold": "a loss beyond the margin 0.030 against the champion cannot be excluded: -0.011 [-0.062, +0.041]",
    "reject": "accuracy 0.412 is below the floor 0.550",
}


def evaluation(champion: bool = True) -> Evaluation:
    """reports/evaluation.json."""
    chance = random.Random(1)
    tasks = {}
    for head, metric in zip(HEADS, METRICS, strict=True):
        value = chance.uniform(0.6, 0.95)
        names = [metric, "macro_f1"] if metric == "accuracy" else [metric]
        classes = [{"name": f"class-{n}", "rows": 4 + n * n, "f1": chance.random()} for n in range(52)]
        tasks[head] = {
            "task": head,
            "family": "classification",
            "rows": {"train": 23_456, "validation": 1_200, "test": 3_400},
            "metrics": {name: measured(value, champion, chance) for name in names},
            "classes": classes if head == "news_topic" else [],
            "share": 1 / 7,
            **({"news_topic": drawn(MANY), "sentiment": drawn(FEW)}.get(head, {})),
        }
    against = {"release": "1a2b3c4d5e6f", "model": "fedcba9876543210" * 4, "manifest": "f" * 64}
    return Evaluation.model_validate(
        {
            "model": {"sha256": "0123456789abcdef" * 4},
            "champion": {**against, "heads": list(HEADS), "not_compared": {}} if champion else None,
            "confidence": 0.95,
            "tasks": tasks,
        }
    )


def drawn(classes: list[str]) -> dict[str, Any]:
    """What is drawn of a head with these classes: the n-th is mostly right, and else the next one."""
    pairs = [(name, classes[(n + 1) % len(classes)]) for n, name in enumerate(classes)]
    wrong = [{"gold": gold, "said": said, "count": 9} for gold, said in pairs]
    lines = [[0.0, 0.0], [0.1, 0.8], [1.0, 1.0]]
    curve = {"rows": 90, "area": 0.9, "precision": 0.8, "roc": lines, "precision_recall": lines[1:]}
    length = {"rows": 680, "value": 0.8, "interval": [0.75, 0.85]}
    worst = {"id": "r1", "text": f"{HOSTILE} a | text", "gold": HOSTILE, "said": RTL, "value": 0.0}
    finding = {"gate": "slices", "what": RTL, "rows": 300, "value": 0.4, "interval": [0.3, 0.5]}
    return {
        "confusions": [{"gold": name, "said": name, "count": 81} for name in classes] + wrong,
        "curves": [{"name": name, **curve} for name in classes[:6]],
        "reliability": [{"probability": 0.1 * n, "right": 0.09 * n, "answers": 340} for n in range(1, 11)],
        "lengths": [{"shortest": 100 * n + 1, "longest": 100 * (n + 1), **length} for n in range(5)],
        "worst": [worst],
        "findings": [
            {
                **finding,
                "limit": 0.6,
                "outcome": "reject",
                "why": "0.400 is below its limit 0.600, with confidence",
            }
        ],
    }


def measured(value: float, champion: bool, chance: random.Random) -> dict[str, Any]:
    against = {"value": value + 0.01, "difference": -0.01, "interval": [-0.03, 0.012], "p": 0.3}
    return {
        "value": value,
        "interval": [value - 0.04, value + 0.03],
        "trivial": 0.31,
        "linear": value - chance.uniform(-0.05, 0.1),
        "over_trivial": [0.2, 0.4],
        "over_linear": [-0.02, 0.07],
        "champion": against if champion else None,
    }


def verdict(outcome: Outcome, measured: Evaluation) -> Verdict:
    """reports/verdict.json: PROMOTE, or the fourth and the last task kept back."""
    gates: dict[Outcome, GateOutcome] = {"PROMOTE": "pass", "HOLD": "hold", "REJECT": "reject"}
    tasks = {}
    for number, (head, metric) in enumerate(zip(HEADS, METRICS, strict=True)):
        found = gates[outcome] if number in (3, 6) else "pass"
        tasks[head] = TaskVerdict(metric=metric, floor=0.55, margin=0.03, gate=found, why=WHY[found])
    return Verdict(
        verdict=outcome,
        model=measured.model,
        champion=measured.champion,
        confidence=measured.confidence,
        tasks=tasks,
        dropped={},
    )


def plan() -> PlanRecord:
    """reports/plan.json."""
    planned = PlannedTask(
        rows=23_456, excluded=[], share=1 / 7, mean_tokens=20.0, stages=[], rows_drawn=10_086, epochs=0.43
    )
    tasks = dict.fromkeys(HEADS, planned)
    return PlanRecord(steps=2400, rows_per_step=32.0, window=8, keep=None, tasks=tasks)


def training(evaluations: int = 12, cosines: bool = True) -> TrainingReport:
    """reports/training.json."""
    chance = random.Random(2)
    pairs = {
        a: {b: chance.uniform(-0.3, 0.5) for b in HEADS[i + 1 :]}
        for i, a in enumerate(HEADS)
        if HEADS[i + 1 :]
    }
    entries = []
    for n in range(1, evaluations + 1):
        scores = {
            head: 0.9 - 0.05 * i - 0.5 / n + chance.uniform(-0.02, 0.02) for i, head in enumerate(HEADS)
        }
        entries.append(
            {
                "step": 200 * n,
                "score": sum(scores.values()) / len(scores),
                "validation": scores,
                "training_loss": {head: 2.5 / n**0.6 + 0.1 * i for i, head in enumerate(HEADS)},
                "weights": {head: 1 + 0.1 * i * n / 12 for i, head in enumerate(HEADS)},
                "mixture": {head: (1 + i) / 28 for i, head in enumerate(HEADS)},
                "cosines": pairs if cosines else {},
                "learning_rate": 5e-5 * (1 - n / 13),
                "tokens": 320_000 * n,
            }
        )
    kept = {"step": 200, "score": 0.7, "heads": {}}
    return TrainingReport.model_validate(
        {"metrics": dict(zip(HEADS, METRICS, strict=True)), "evaluations": entries, "kept": kept}
    )


def sharing() -> SharingReport:
    """reports/sharing.json."""
    chance = random.Random(3)
    tasks = {}
    for i, (head, metric) in enumerate(zip(HEADS, METRICS, strict=True)):
        gain = 0.02 * (i - 2)
        tasks[head] = {
            "metric": metric, "joint": 0.7 + gain, "alone": 0.7, "gain": gain,
            "interval": [gain - 0.03, gain + 0.03], "by_seed": [gain - 0.01, gain, gain + 0.01],
            "shown": "helps" if gain > 0.03 else "harms" if gain < -0.03 else None,
        }  # fmt: skip
    size = range(len(HEADS))
    return SharingReport.model_validate({
        "seeds": [3, 4, 5], "confidence": 0.95, "tasks": tasks,
        "delta_m": {"gain": 0.012, "interval": [-0.01, 0.034], "left_out": ["similarity"]},
        "heads": list(HEADS),
        "cosine": [[1.0 if i == j else chance.uniform(-0.2, 0.6) for j in size] for i in size],
        "look_ahead": [[None if i == 1 else chance.uniform(-0.001, 0.002) for _ in size] for i in size],
        "groups": [list(HEADS[:4]), list(HEADS[4:])],
        "by_number_of_groups": [
            {"affinity": 0.0012, "groups": [list(HEADS)]},
            {"affinity": 0.0019, "groups": [list(HEADS[:4]), list(HEADS[4:])]},
        ],
        "gains_sentence": "Sharing helps similarity; makes no difference that these seeds show for the others.",
        "grouping_sentence": f"Train together: {', '.join(HEADS[:4])}; apart: {HEADS[6]}.",
        "caveat": "The grouping is a guess from affinities: train it, and compare, before you rely on it.",
    })  # fmt: skip


def validation(sound: bool = False) -> Validation:
    """reports/validation.json."""
    tasks = {head: _validated(head, faulty=not sound and n in (0, 6)) for n, head in enumerate(HEADS)}
    sentence = f"intent: 'no text twice in a split' does not hold: 2 of 23,456 rows, such as train row 12 (“{HOSTILE}”)"
    return Validation.model_validate(
        {
            "success": sound,
            "errors": [] if sound else [sentence],
            "warnings": [f"{LONG}: 318 training rows are left out, held out by sentiment (318)"],
            "tasks": tasks,
            "between_tasks": {"leaks": {LONG: {"sentiment": 318}, HOSTILE: {"intent": 2}}, "exclude": {}},
        }
    )


def _validated(head: str, faulty: bool) -> dict[str, Any]:
    labels = 52 if head == "news_topic" else 3
    pairs = [[f"{HOSTILE} {n}" if n == 1 else f"class-{n}", 900 // (n + 1)] for n in range(labels)]
    row = {
        "id": "1f2e3d4c5b6a7988",
        "split": "train",
        "row": 12,
        "text": f"{HOSTILE} which is its beginning…",
    }
    gone = {"id": "99aa88bb77cc66dd", "place": "data/messages.csv: row 4711", "text": HOSTILE}
    check = {"severity": "error", "found": 0, "detail": None, "examples": [], "rows": []}
    bad = {"found": 2, "detail": "2 of 23,456 rows", "examples": [row["id"]] * 2, "rows": [row, row]}
    return {
        "task": head,
        "family": "classification",
        "rows": {"train": 23_456, "validation": 1_200, "test": 3_400},
        "ingest": {
            "read": {"rows": 28_700, "skipped": {"a dialogue without a customer": 3}},
            "removed": {"duplicates": 600, "conflicts": 41, "leakage": 3, "straddling": 0},
            "removed_rows": {"duplicates": [gone] * 5, "conflicts": [gone], "leakage": [gone], "straddling": []},
        },
        "contents_checked": True,
        "checks": [
            {**check, "title": "no text in two splits", "status": "error" if faulty else "pass", **(bad if faulty else {})},
            {**check, "title": "texts have 1 to 20,000 characters", "status": "pass"},
            {**check, "title": "no text twice in a split", "status": "warning" if faulty else "pass", **(bad if faulty else {})},
        ],
        "distribution": dict.fromkeys(("train", "validation", "test"), pairs),
        "heads": {},
        "lengths": {
            "bins": [[0, 10, 12]] + [[10 * 2**n, 20 * 2**n, 12_000 // (1 + (n - 4) ** 2)] for n in range(11)],
            "median": 188.0,
            "longest": 19_876,
        },
    }  # fmt: skip
