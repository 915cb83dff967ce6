"""A trained model over the rows of a split, without gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import torch

from components import families
from components.data.batches.batching import MicroBatch, assemble, packs, similar_lengths, to_items
from components.data.batches.pack import Pack
from components.data.encoding.split import EncodedSplit, candidates_file
from components.families.base import Prediction
from components.families.shared.heads import IndexedHead
from components.model.multitask import MultiTaskModel

TOKENS = 4096  # per encoder pass; padding counts, unless the encoder packs


def predict(
    model: MultiTaskModel,
    task: str,
    split: EncodedSplit,
    rows: Sequence[int],
    heads: Collection[str] | None = None,
) -> dict[str, list[Prediction]]:
    """Each head's predictions of those of a task's rows that have its target, in their order; of all of
    the task's heads, or of some. Leaves the model in the mode in which it found it."""
    asked = model.config.tasks if heads is None else heads
    cards = {h: card for h, card in model.config.tasks.items() if card["task"] == task and h in asked}
    training = model.training
    answers: dict[str, dict[int, Prediction]] = {head: {} for head in cards}
    model.eval()
    grouped = packs if model.packs else similar_lengths
    with _indexed(model, split, cards), torch.inference_mode():
        for group in grouped(to_items(split, task, rows), TOKENS):
            numbers = {head: [item.row for item in group if split.labelled(head)[item.row]] for head in cards}
            of_heads = {head: (task, set(of_head)) for head, of_head in numbers.items() if of_head}
            ids, mask, segments, heads = assemble({task: split}, group, of_heads)
            micro = MicroBatch(ids, mask, segments, heads, {}, Pack.of_mask(mask))
            logits = model(*micro.to(model.device).given)
            for head in of_heads:
                card, values = cards[head], logits[head].float().cpu().numpy()
                for row, of_row in zip(numbers[head], values, strict=True):
                    layout = split.layout(row, head) or {}
                    answers[head][row] = families.get(card["family"]).decode(of_row, layout, card["facts"])
    model.train(training)
    return {head: [of_head[row] for row in rows if row in of_head] for head, of_head in answers.items()}


def vectors(model: MultiTaskModel, encoded: Path) -> dict[str, torch.Tensor]:
    """vectors_ND of the candidates of every head that has any, by head, from the encoded tasks. Leaves the
    model in the mode in which it found it."""
    training = model.training
    model.eval()
    files = {
        head: encoded / card["task"] / candidates_file(head) for head, card in model.config.tasks.items()
    }
    found = {head: _vectors(model, head, EncodedSplit(file)) for head, file in files.items() if file.exists()}
    model.train(training)
    return found


@contextlib.contextmanager
def _indexed(model: MultiTaskModel, split: EncodedSplit, heads: Collection[str]) -> Iterator[None]:
    """Give those heads an index that choose among candidates and have none; it does not outlive the block,
    or it would outlive the weights."""
    without = []
    for head in heads:
        module, candidates = model.heads[head], split.candidates(head)
        if isinstance(module, IndexedHead) and module.candidates_ND is None and candidates is not None:
            module.candidates_ND = _vectors(model, head, candidates)
            without.append(module)
    try:
        yield
    finally:
        for module in without:
            module.candidates_ND = None


@torch.inference_mode()  # and so by the attention that a question is answered by
def _vectors(model: MultiTaskModel, head: str, candidates: EncodedSplit) -> torch.Tensor:
    """vectors_ND of a head's candidates, in their order."""
    task, rows = candidates.task, range(len(candidates))
    order, found = [], []
    for group in (packs if model.packs else similar_lengths)(to_items(candidates, task, rows), TOKENS):
        ids, mask, segments, of_heads = assemble({task: candidates}, group, {head: (task, rows)})
        micro = MicroBatch(ids, mask, segments, of_heads, {}, Pack.of_mask(mask)).to(model.device)
        found.append(model.vectors(head, micro).float())
        order += [item.row for item in group]
    place_N = torch.tensor(order, device=model.device).argsort()
    return torch.cat(found)[place_N]
