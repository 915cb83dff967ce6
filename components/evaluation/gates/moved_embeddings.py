"""What a model says where the word embeddings of a row are moved a little against it.

Legend: B sequences, L tokens, D width of the word embeddings.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components import families
from components.families.base import Prediction
from components.families.base.capabilities import Candidates, ReadsWordEmbeddings, TeacherForcing

if TYPE_CHECKING:
    import torch

    from components.data.batches.batching import Item
    from components.data.contract.cards import HeadCard
    from components.data.encoding.split import EncodedSplit
    from components.evaluation.champion import Opponent
    from components.training.step.forward import Forward

TINY = 1e-12  # keeps a gradient of 0 from dividing


def can_be_moved(family: families.Family) -> bool:
    """Has a row of it a loss that its head can be asked for outside of a training?"""
    return not isinstance(family, Candidates | TeacherForcing | ReadsWordEmbeddings)


def answers(opponent: Opponent, data: Path, head: str, card: HeadCard, epsilon: float) -> list[Prediction]:
    """Predictions of the test rows of data/<task>, all of which have a target that the model knows: each
    sequence's embeddings are moved by `epsilon` in the direction that raises its loss most (Miyato et al.
    2017, equations 3 to 5, of the model as it is and without a change of its weights)."""
    from components.data.encoding.encode import encode_to_ask
    from components.data.encoding.split import EncodedSplit

    task = data.name
    with tempfile.TemporaryDirectory(prefix="onetrunk-gates-") as scratch:
        folder = Path(scratch) / task
        folder.mkdir()
        own = opponent.card_of(task, {head: card})
        encode_to_ask(own, [head], data, "test", opponent.tokenizer, folder, targets=True)
        return _predict(opponent, head, EncodedSplit(folder / "test.arrow"), epsilon)


def _predict(opponent: Opponent, head: str, split: EncodedSplit, epsilon: float) -> list[Prediction]:
    from components.data.batches.batching import packs, similar_lengths, to_items
    from components.model.inference import TOKENS

    model, card = opponent.model, opponent.cards[head]
    family, found = families.get(card["family"]), dict[int, Prediction]()
    model.eval().requires_grad_(requires_grad=False)
    for group in (packs if model.packs else similar_lengths)(
        to_items(split, split.task, range(len(split))), TOKENS
    ):
        numbers = [item.row for item in group]
        forward = _forward(opponent, head, split, group, numbers)
        values = forward.perturbed(_against(forward, epsilon))[head].detach().cpu().numpy()
        for row, of_row in zip(numbers, values, strict=True):
            found[row] = family.decode(of_row, split.layout(row, head) or {}, card["facts"])
    return [found[row] for row in range(len(split))]


def _forward(
    opponent: Opponent, head: str, split: EncodedSplit, group: Sequence[Item], numbers: list[int]
) -> Forward:
    """The pass of some rows, with their targets."""
    from components.data.batches.batching import MicroBatch, assemble
    from components.training.step.forward import Forward

    input_ids, mask, segment_ids, heads = assemble(
        {split.task: split}, group, {head: (split.task, set(numbers))}
    )
    family = families.get(opponent.cards[head]["family"])
    target = family.collate([split.target(row, head) for row in numbers], input_ids.shape[1])
    micro = MicroBatch(input_ids, mask, segment_ids, heads, {head: target}).to(opponent.model.device)
    return Forward(opponent.model, micro, {head: 1.0}, contextlib.nullcontext, contextlib.nullcontext)


def _against(forward: Forward, epsilon: float) -> torch.Tensor:
    """delta_BLD: the move of each sequence's embeddings."""
    gradient_BLD = forward.gradient(forward.losses, forward.zero_delta())
    norm_B = gradient_BLD.flatten(1).norm(dim=1).clamp(min=TINY)
    moved_BLD: torch.Tensor = epsilon * gradient_BLD / norm_B[:, None, None]
    return moved_BLD
