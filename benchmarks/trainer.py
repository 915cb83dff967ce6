"""The Hugging Face Trainer, as somebody would train one task with it: a model of its own of the same encoder,
rows padded to the longest of a batch, in an order by chance or grouped by length."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.engine import LABELS, now
from components.data.encoding.split import EncodedSplit

RATE = 2e-5
BATCHES, MEGA = 200, 50  # of so many batches and more the Trainer sorts fifty together; of fewer it pads more


class Processed:
    """Counts the tokens that go through an encoder, padding included."""

    def __init__(self) -> None:
        self.tokens = 0

    @contextmanager
    def of(self, encoder: Any) -> Iterator[None]:
        """While the block runs."""
        hook = encoder.get_input_embeddings().register_forward_pre_hook(self._add)
        yield
        hook.remove()

    def _add(self, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self.tokens += inputs[0].numel()


def seconds(
    encoder: Path, split: EncodedSplit, order: Sequence[int], batch: int, half: bool, processed: Processed
) -> float:
    """Of a pass over the rows in this order, in batches. A first step before it makes the optimiser's moments
    and is not timed, as it is not of ours."""
    from transformers import (
        AutoModelForSequenceClassification,
        DataCollatorWithPadding,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(encoder / "tokenizer.json"), pad_token="[PAD]")  # noqa: S106
    model = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=LABELS)
    rows: list[dict[str, Any]] = [
        {"input_ids": split.sequences(row)[0][0].tolist(), "labels": split.target(row)}
        for row in range(len(split))
    ]
    clock = _clock()(processed)
    with tempfile.TemporaryDirectory() as folder, processed.of(model):
        settings = TrainingArguments(
            folder, per_device_train_batch_size=batch, num_train_epochs=1, learning_rate=RATE,
            optim="adamw_torch_fused", bf16=half, use_cpu=not torch.cuda.is_available(), report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
        )  # fmt: skip
        trainer = Trainer(
            model, settings, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[clock],
        )  # fmt: skip
        read = [*order[:batch], *order]
        trainer._get_train_sampler = lambda dataset=None: read  # type: ignore[method-assign, assignment, return-value]
        trainer.train()
        found: float = now() - clock.start
        return found


def _clock() -> Any:
    """A callback of the Trainer that starts clock and count at the end of the first step."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def __init__(self, processed: Processed) -> None:
            self.processed, self.before, self.start = processed, processed.tokens, 0.0

        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if state.global_step == 1:
                self.processed.tokens, self.start = self.before, now()

    return Clock


def grouped(lengths: Sequence[int], batch: int) -> list[list[int]]:
    """Batches of rows in the Trainer's own order by length: a random mega-batch of rows after the other, each
    from long to short."""
    from transformers.trainer_pt_utils import get_length_grouped_indices

    order = np.array(get_length_grouped_indices(list(lengths), batch))
    found: list[list[int]] = order[: len(order) // batch * batch].reshape(-1, batch).tolist()
    return found
