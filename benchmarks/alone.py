"""The Hugging Face Trainer on one head, as it is commonly used: fine-tuning alone, one rate for all weights.

The model is ours with that head alone, so that every family has a peer; batches of rows, dropout, AdamW, the
schedule and clipping are the Trainer's. It needs `accelerate`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from components import families
from components.data.batches.batching import MicroBatch, micro_batches
from components.data.encoding.split import EncodedSplit
from components.model.multitask import MultiTaskModel
from components.training.step.forward import Forward

BATCH, WARMUP, DECAY, DROPOUT = 32, 0.06, 0.01, 0.1  # rows; what papers on BERT and its kin use


class Alone(torch.nn.Module):
    """A model of one head as the Trainer wants it: a batch in, its mean loss out."""

    def __init__(self, model: MultiTaskModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, micros: Sequence[MicroBatch], units: float) -> dict[str, torch.Tensor]:
        """The mean over the batch's units, which is the sum of its micro-batches' shares."""
        (head,) = self.model.config.tasks
        passes = [
            Forward(self.model, micro.to(self.model.device), {head: units}, _plain, _plain)
            for micro in micros
        ]
        return {"loss": torch.stack([one.losses(one.logits)[head] for one in passes]).sum()}


def _plain() -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


def check_installed() -> None:
    """Leave with a sentence where the Trainer cannot work."""
    if importlib.util.find_spec("accelerate") is None:
        sys.exit("the Hugging Face Trainer needs accelerate, which is not installed: pip install accelerate")


def fine_tune(model: MultiTaskModel, split: EncodedSplit, rows: np.ndarray, rate: float, seed: int) -> None:
    """Train the model's one head, and its encoder, in place on each of the rows once, in the Trainer's own
    order; rows that stand there twice are seen twice."""
    from transformers import Trainer, TrainingArguments

    ((head, card),) = model.config.tasks.items()
    known = rows[split.labelled(head)[rows]]

    def collate(batch: Sequence[int]) -> dict[str, Any]:
        numbers, family = np.asarray(batch), families.get(card["family"])
        units = sum((family.units(split.target(int(row), head), card["facts"]) for row in batch), 0.0)
        drawn = {card["task"]: numbers}
        micros = list(micro_batches({card["task"]: split}, {head: card}, drawn, 10**9, model.packs))
        return {"micros": micros, "units": units or 1.0}

    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder, per_device_train_batch_size=BATCH, num_train_epochs=1, learning_rate=rate,
            warmup_steps=WARMUP, weight_decay=DECAY, optim="adamw_torch_fused", seed=seed, report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
            remove_unused_columns=False,
        )  # fmt: skip
        data: Any = known.tolist()
        Trainer(Alone(model), settings, train_dataset=data, data_collator=collate).train()


def peer(folder: Path, head: str, card: Any, seed: int) -> MultiTaskModel:
    """The encoder of a folder with this head alone."""
    return MultiTaskModel.from_encoder(folder, {head: card}, DROPOUT, seed)
