"""What a plan draws, as training draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.data.batches.batching import step_rows
from components.data.encoding.split import EncodedSplit
from components.data.mixture import plan as planning
from components.data.mixture.draws import Plan
from components.data.mixture.records import PLAN, PlanRecord

ENCODED = Path("encoded")


def draws(whole: PlanRecord) -> tuple[Plan, dict[str, EncodedSplit], list[dict[str, np.ndarray]]]:
    """Every step of the run, as training draws it from the file."""
    splits = {name: EncodedSplit(ENCODED / name / "train.arrow") for name in whole.tasks}
    whole.write(PLAN)
    read = PlanRecord.read(PLAN)
    assert read == whole
    plan = Plan.of(read, planning.easiest(read, splits))
    lengths = {name: split.lengths for name, split in splits.items()}
    return plan, splits, [step_rows(plan, 7, step, lengths) for step in range(plan.steps)]
