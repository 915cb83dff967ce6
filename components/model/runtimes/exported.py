"""An encoder of packed sequences as a file of the ONNX format.

A graph knows no call for each length (`attention.by_length`). So every layer works on the tokens side by
side, without padding, and attention alone gathers them into padded sequences and back. Its padding costs
attention only; sequences of similar length go together, so that it is little.

Legend: T tokens of all sequences, B sequences, L tokens of the longest, H heads, d width of one, D hidden
width.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from transformers import AttentionInterface

from components.data.batches.pack import Pack
from components.errors import UserError
from components.files import atomic_file
from components.model.packing import packed_states
from components.model.runtimes.base import TOKENS_PER_PASS, Runtime
from components.model.smaller import made, read

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel

    from components.model.multitask import MultiTaskModel
    from components.model.runtimes.base import States

ATTENTION = "onetrunk_exported"
OPSET = 17  # of the ONNX format; later ones bring nothing that an encoder needs
HIDDEN = -1e9  # the score of a token that is not seen; finite, so padding has numbers, too
SIMILAR = 0.6  # a sequence this short against the longest of its call begins another
LENGTHS = (5, 9, 3)  # of the sequences that the graph is traced with
AXES = {
    "input_ids": ["T"], "segment_ids": ["T"], "position": ["T"], "place": ["T"],
    "index": ["B", "L"], "mask": ["B", "L"], "hidden": ["T", "D"],
}  # fmt: skip


class Places(NamedTuple):
    """What a graph is told of a pack."""

    position_T: torch.Tensor
    place_T: torch.Tensor
    index_BL: torch.Tensor
    mask_BL: torch.Tensor  # bool: a real token

    @classmethod
    def of(cls, pack: Pack) -> Places:
        """Of a pack on the host."""
        mask_BL = torch.arange(pack.index_BL.shape[1]) < pack.length_B[:, None]
        return cls(pack.position_T, pack.place_T, pack.index_BL, mask_BL)


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    pack: Places,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """As `packing.attend`, of padded sequences: query_1HTd (keys and values of as many heads or fewer) ->
    attended_1THd. In products and sums alone: of torch's own attention the exporter makes a third more nodes,
    which cost a short text as long as its products."""
    query_BLHd, key_BLHd, value_BLHd = (
        _of_every_head(one.transpose(1, 2)[0][pack.index_BL], query.shape[1]) for one in (query, key, value)
    )
    scores_BHLL = query_BLHd.transpose(1, 2) @ key_BLHd.permute(0, 2, 3, 1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    weights_BHLL = torch.softmax(scores_BHLL * scale + _hiding(pack, sliding_window), -1)
    out_BLHd = (weights_BHLL @ value_BLHd.transpose(1, 2)).transpose(1, 2)
    return out_BLHd.flatten(0, 1)[pack.place_T][None], None


def _of_every_head(one_BLHd: torch.Tensor, heads: int) -> torch.Tensor:
    """Keys or values, once for each head of the queries that shares them."""
    shared = heads // one_BLHd.shape[2]
    return one_BLHd if shared == 1 else one_BLHd.repeat_interleave(shared, 2)


def _hiding(pack: Places, sliding_window: int | None) -> torch.Tensor:
    """What is added to the scores, B1LL or B11L: nothing to those of a token that is seen."""
    visible = pack.mask_BL[:, None, None, :]
    if sliding_window is not None:
        place_L = torch.arange(pack.index_BL.shape[1])
        visible = visible & ((place_L[:, None] - place_L).abs() < sliding_window)
    return torch.where(visible, 0.0, HIDDEN)


AttentionInterface.register(ATTENTION, attend)


class Graph(nn.Module):
    """The encoder with tensors for inputs: those of AXES, in their order."""

    def __init__(self, encoder: nn.Module, takes_segments: bool) -> None:
        super().__init__()
        self.encoder, self.takes_segments = encoder, takes_segments

    def forward(
        self, input_ids_T: torch.Tensor, segment_ids_T: torch.Tensor, position_T: torch.Tensor, *where: Any
    ) -> torch.Tensor:
        """hidden_TD."""
        segments = segment_ids_T if self.takes_segments else None
        hidden_TD = packed_states(self.encoder, input_ids_T, segments, Places(position_T, *where))  # type: ignore[arg-type]
        return hidden_TD.float()


class Exported(Runtime):
    """A runtime that reads the encoder's file of the ONNX format."""

    makers = ("onnx",)
    files = ("encoder.onnx",)
    tokens_per_pass = 2 * TOKENS_PER_PASS  # cut by length, of which each part is faster if it is not small

    def make(self, model: MultiTaskModel, folder: Path, compressed: Path) -> None:
        export(model, self.encoder(model, compressed), folder / self.files[0])

    def encoder(self, model: MultiTaskModel, compressed: Path) -> PreTrainedModel:
        """The model's own, or the smaller one."""
        return model.encoder if self.made_of is None else read(model, made(compressed, self.made_of))


@torch.no_grad()
def export(model: MultiTaskModel, encoder: PreTrainedModel, path: Path) -> None:
    """Write the file of a model's encoder, which is as before.

    Raises:
        UserError: sequences of this encoder cannot be packed.
    """
    if not model.packs:
        kind = model.config.encoder.get("model_type", "this encoder")
        raise UserError(
            f"{kind}: its sequences cannot be packed; expected an encoder that packs, to export it"
        )
    with _attention_of_a_graph(encoder), warnings.catch_warnings(), atomic_file(path) as temporary:
        warnings.simplefilter("ignore")  # of the tracer, and of a newer exporter that needs more packages
        ids_T = torch.ones(sum(LENGTHS), dtype=torch.int64)
        torch.onnx.export(
            Graph(encoder, model.takes_segments),
            (ids_T, torch.zeros_like(ids_T), *Places.of(Pack.of(LENGTHS))),
            str(temporary),
            input_names=list(AXES)[:-1],
            output_names=list(AXES)[-1:],
            dynamic_axes={name: dict(enumerate(axes)) for name, axes in AXES.items()},
            opset_version=OPSET,
            dynamo=False,
        )


@contextlib.contextmanager
def _attention_of_a_graph(encoder: PreTrainedModel) -> Iterator[None]:
    """Within it the encoder attends as a graph can, and drops nothing out."""
    before, training = encoder.config._attn_implementation, encoder.training
    encoder.eval()
    encoder.set_attn_implementation(ATTENTION)
    try:
        yield
    finally:
        encoder.set_attn_implementation(before)
        encoder.train(training)


def inputs(
    ids_T: torch.Tensor, segments_T: torch.Tensor | None, pack: Pack, names: Collection[str]
) -> dict[str, np.ndarray]:
    """Those inputs of a graph that it has kept."""
    segments_T = torch.zeros_like(ids_T) if segments_T is None else segments_T
    position_T, place_T, index_BL, mask_BL = Places.of(pack)
    given = zip(AXES, (ids_T, segments_T, position_T, place_T, index_BL, mask_BL), strict=False)
    return {name: tensor.numpy() for name, tensor in given if name in names}


def by_similar_lengths(states: States) -> States:
    """The same, with a call for the sequences of about one length."""

    def of_each(ids_T: torch.Tensor, segments_T: torch.Tensor | None, pack: Pack) -> torch.Tensor:
        groups = list(_similar(pack.lengths))
        if len(groups) == 1:
            return states(ids_T, segments_T, pack)
        ids = ids_T.split(pack.lengths)
        segments = None if segments_T is None else segments_T.split(pack.lengths)
        found: list[torch.Tensor] = [ids_T] * len(ids)
        for group in groups:
            own = Pack.of([pack.lengths[place] for place in group])
            own_segments = None if segments is None else torch.cat([segments[place] for place in group])
            hidden = states(torch.cat([ids[place] for place in group]), own_segments, own)
            for place, hidden_LD in zip(group, hidden.split(own.lengths), strict=True):
                found[place] = hidden_LD
        return torch.cat(found)

    return of_each


def _similar(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of sequences, the longest first, cut where one is much shorter than the first of its group."""
    group: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if group and lengths[place] <= SIMILAR * lengths[group[0]]:
            yield group
            group = []
        group.append(place)
    yield group
