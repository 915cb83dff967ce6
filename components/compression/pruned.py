"""A pruned encoder lacks the heads and the neurons that matter least to the tasks, and is that much smaller.

How much a unit matters to a text is how much the loss would change without it, to first order: |sum over
tokens of h dL/dh|, where h is what the unit hands on (heads: Michel et al. 2019, equation 2; neurons:
Molchanov et al. 2017, 2019). That of a task is the mean over training rows, as a share of all units'; so no
task counts for more because its loss is larger. The units of all blocks are ranked together, and of each
block one stays. What is left then learns as a student does.

Legend: T tokens of a micro-batch, U units of a block, w the columns of one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import nn

from components import families
from components.compression.distil import rows_of_each, teach
from components.data.batches.batching import MicroBatch
from components.data.batches.pack import Pack
from components.model import saving
from components.model.blocks import blocks
from components.model.multitask import MultiTaskModel
from components.model.narrow import HEADS, NEURONS, Units, keep, units_of
from components.model.smaller import save, whole
from components.settings.compression import Pruned

ROWS = 256  # of a task's training rows, evenly taken, that say what matters to it
Scores = list[torch.Tensor]  # score_U of each block


def make(settings: Pruned, root: Path, seed: int, target: Path, say: Callable[[str], None]) -> None:
    """Prune the encoder of the project in `root`, teach what is left and write it into the folder `target`.

    Raises:
        UserError: sequences of the encoder cannot be packed, or its heads and neurons are not known.
    """
    torch.manual_seed(seed)
    teacher = saving.load(root / saving.MODEL).requires_grad_(False)
    pruned = whole(teacher)
    heads, neurons = (units_of(teacher.encoder, names) for names in (HEADS, NEURONS))
    scores = importance(teacher, [*heads, *neurons], rows_of_each(teacher, root, seed, ROWS))
    for what, names, found, share in (
        ("heads", HEADS, scores[: len(heads)], settings.heads),
        ("neurons", NEURONS, scores[len(heads) :], settings.neurons),
    ):
        kept = most_important(found, share)
        for units, numbers in zip(units_of(pruned, names), kept, strict=True):
            keep(units, numbers)
        say(f"{what} that stay in each block, of {len(found[0])}: {', '.join(str(len(one)) for one in kept)}")
    teach(teacher, pruned, settings, root, seed, say)
    save(teacher, pruned, list(range(len(blocks(pruned)))), target)


def most_important(scores: Scores, share: float) -> list[list[int]]:
    """The numbers of the units that stay in each block where such a share of all of them goes."""
    number = max(len(scores), round((1 - share) * sum(map(len, scores))))
    first = [score.index_fill(0, score.argmax(), math.inf) for score in scores]  # one of each block stays
    ranked = torch.cat(first).argsort(descending=True, stable=True)[:number]
    stays = torch.zeros(sum(map(len, scores)), dtype=torch.bool).index_fill(0, ranked, True)
    return [one.nonzero().flatten().tolist() for one in stays.split([len(score) for score in scores])]


def importance(model: MultiTaskModel, units: Sequence[Units], read: Iterable[Sequence[MicroBatch]]) -> Scores:
    """How much each unit matters to the tasks, whose rows are `read`, together."""
    total = [torch.zeros(one.number) for one in units]
    for micros in read:
        of_task = [torch.zeros(one.number) for one in units]
        for micro in micros:
            _add(of_task, _of_texts(model, units, micro))
        whole = torch.cat(of_task).sum().clamp(min=torch.finfo().tiny)
        _add(total, [score / whole for score in of_task])
    return total


def _add(scores: Scores, others: Iterable[torch.Tensor]) -> None:
    for score, other in zip(scores, others, strict=True):
        score.add_(other)


def _of_texts(model: MultiTaskModel, units: Sequence[Units], micro: MicroBatch) -> Iterator[torch.Tensor]:
    """score_U of each block, summed over the texts of a micro-batch."""
    with _handed_on(units) as states:
        logits = model(*micro.given)
    cards = model.config.tasks
    losses = [
        families.get(cards[head]["family"]).loss(values, micro.targets[head], cards[head]["facts"])
        for head, values in logits.items()
    ]
    order = [states[place] for place in range(len(units))]
    gradients = torch.autograd.grad(torch.stack(losses).sum(), order, materialize_grads=True)
    pack = micro.pack or Pack.of_mask(micro.mask_BL)
    for one, state, gradient in zip(units, order, gradients, strict=True):
        of_token_TU = (state * gradient).detach().view(-1, one.number, one.width).sum(-1)
        yield torch.segment_reduce(of_token_TU, "sum", lengths=pack.length_B).abs().sum(0)


@contextlib.contextmanager
def _handed_on(units: Sequence[Units]) -> Iterator[dict[int, torch.Tensor]]:
    """By place, what the units of a pass within it hand on, with a gradient: state_1TC of C = U w columns."""
    states: dict[int, torch.Tensor] = {}

    def note(place: int, module: nn.Module, given: tuple[torch.Tensor]) -> None:
        states[place] = given[0] if given[0].requires_grad else given[0].requires_grad_()

    hooks = [one.reader.register_forward_pre_hook(partial(note, place)) for place, one in enumerate(units)]
    try:
        yield states
    finally:
        for hook in hooks:
            hook.remove()
