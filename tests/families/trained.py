"""What the project of this folder learns, and what the evaluation and the service then say."""

from __future__ import annotations

import shutil
from pathlib import Path

from components import params
from components.data.encoding.split import EncodedSplit
from components.families.base import Prediction
from components.model import saving
from components.model.inference import predict
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from serving.predictor import Predictor


def train() -> None:
    """Train on what is encoded."""
    run(params.load(), Path(), Terminal())


def evaluated(task: str) -> list[Prediction]:
    """What the evaluation predicts of the task's test rows."""
    split = EncodedSplit(Path(f"encoded/{task}/test.arrow"))
    return predict(saving.load(Path("models/multitask")), task, split, range(len(split)))[task]


def service() -> Predictor:
    """What the service answers with, from a copy of the model."""
    shutil.copytree("models/multitask", "bundle")
    return Predictor(Path("bundle"))
