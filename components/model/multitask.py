"""One encoder, a head per task (hard sharing, Caruana 1997), in Hugging Face's conventions.

Legend: B sequences of a micro-batch (of any tasks), L tokens of the longest, T tokens of all, D hidden
width.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from components import device as devices
from components import families as tasks
from components.data.batches.batching import MicroBatch
from components.data.batches.pack import Pack
from components.data.batches.tensors import Rows
from components.data.contract.cards import HeadCard, HeadCards
from components.dropout import quicken
from components.encoder.pretrained import encoder_of, read_pretrained
from components.errors import UserError, first_line
from components.families.base.capabilities import (
    Follow,
    ReadsWordEmbeddings,
    TeacherForcing,
    UnevenExtraInputs,
)
from components.families.shared.heads import IndexedHead, Pooling, Pretrained
from components.model import learning
from components.model.blocks import blocks
from components.model.heads import Heads
from components.model.packing import States, complaint, packable, packed_states, paddable

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()
LOG = logging.getLogger(__name__)
DROPOUTS = (  # what configurations call it
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "dropout_rate", "attention_dropout",
)  # fmt: skip


class MultiTaskConfig(PretrainedConfig):
    """The encoder's own configuration, and a card per head."""

    model_type = "onetrunk"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,  # transformers' own
        tasks: dict[str, HeadCard] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder or {}
        self.tasks = tasks or {}


class MultiTaskModel(PreTrainedModel):
    """A shared `AutoModel` encoder (of an encoder-decoder its encoder) and its `Heads`."""

    config_class = MultiTaskConfig
    base_model_prefix = "encoder"

    def __init__(self, config: MultiTaskConfig) -> None:
        super().__init__(config)
        encoder = AutoConfig.for_model(**config.encoder)
        self.hidden_size: int = encoder.hidden_size
        self.encoder = encoder_of(AutoModel.from_config(encoder, dtype=torch.float32))  # autocast halves it
        quicken(self.encoder)
        learning.quicken(self.encoder)
        self.packs = False  # until `choose_packing` has compared the encoder's states
        self.pads = True  # where it does not pack: whether padding leaves a text's states alone
        self.takes_segments = getattr(encoder, "type_vocab_size", 0) > 1
        self.heads = Heads({name: self.new_head(card) for name, card in config.tasks.items()})
        self.runtime: States | None = None  # in the encoder's place, where the model only answers
        self.post_init()

    def new_head(self, card: HeadCard) -> nn.Module:
        """A fresh head of the card's family and facts."""
        return tasks.get(card["family"]).head(self.hidden_size, card["facts"])

    def _init_weights(self, module: nn.Module) -> None:
        """The heads' modules initialise themselves; the encoder is read from its folder."""

    @classmethod
    def from_encoder(cls, folder: Path, cards: HeadCards, dropout: float, seed: int) -> MultiTaskModel:
        """Put fresh heads (a function of the seed) on a pretrained encoder; a head that is `Pretrained`
        begins as that part of the folder.

        Raises:
            UserError: the folder holds no encoder that transformers can read, or lacks weights of it.
        """
        encoder_config = _config(folder, dropout)
        whole = read_pretrained(AutoModel, folder, encoder_of, config=encoder_config, dtype=torch.float32)
        torch.manual_seed(seed)
        config = MultiTaskConfig(encoder=encoder_config.to_dict(), tasks=dict(cards))
        model = cls(config)
        model.encoder.load_state_dict(encoder_of(whole).state_dict())
        for head in model.heads.values():
            if isinstance(head, Pretrained):
                head.begin(folder)
        model.choose_packing()
        return model

    def train(self, mode: bool = True) -> MultiTaskModel:
        """As torch's. What was made of the weights goes before they move: the heads' indices, a runtime."""
        if mode:
            self.runtime = None
        for head in self.heads.values() if mode else ():
            if isinstance(head, IndexedHead):
                head.candidates_ND = None
        super().train(mode)
        return self

    def choose_packing(self) -> None:
        """Pack sequences side by side from now on, where the encoder keeps them apart; pad them, where that
        leaves their states alone; else compute those of one length at a time.

        Raises:
            UserError: the encoder cannot read texts of any length.
        """
        self.packs = packable(self.encoder)
        self.pads = self.packs or paddable(self.encoder)
        kind = self.config.encoder.get("model_type", "this encoder")
        if not self.pads and (reason := complaint(self.encoder)) is not None:
            raise UserError(
                f"{kind}: cannot read texts of any length ({reason:.200}); expected an encoder that can"
            )
        if not self.packs:
            how = "they are padded" if self.pads else "padding changes them; those of one length go together"
            LOG.warning("%s: sequences cannot be packed; %s, which is slower", kind, how)

    def recompute_activations(self) -> None:
        """Keep of each block only its input while training; the rest is computed again in the backward pass
        (Chen et al. 2016), with the same dropout.

        Raises:
            UserError: transformers' implementation of the encoder cannot.
        """
        try:
            # Not the reentrant kind: it knows `.backward()` alone, and a task's gradient asks for more.
            self.encoder.activation_checkpointing_enable({"use_reentrant": False})
        except ValueError:
            kind = self.config.encoder.get("model_type", "this encoder")
            raise UserError(
                f"params.yaml: training.gradient_checkpointing: found true, but {kind} cannot recompute its "
                f"activations; expected false"
            ) from None

    def answer_by(self, runtime: States) -> None:
        """Have a runtime compute the states from now on. The weights of the encoder's blocks are dropped, so
        the model can be neither trained nor saved."""
        self.runtime = runtime
        for block in blocks(self.encoder):
            block.to("meta")

    def encode(self, input_ids: torch.Tensor, mask: torch.Tensor, segment_ids: torch.Tensor) -> torch.Tensor:
        """input_ids_BL, mask_BL (1 = real token, then padding), segment_ids_BL -> hidden_BLD; padding's
        states mean nothing."""
        states_TD, index_BL = self.states(input_ids, mask, segment_ids)
        return states_TD[index_BL]

    def encode_each(
        self, input_ids: torch.Tensor, mask: torch.Tensor, segment_ids: torch.Tensor
    ) -> Sequence[torch.Tensor]:
        """As `encode`, without padding: hidden_LD of each sequence; no copies, where the encoder packs."""
        if self.packs:
            pack = Pack.of_mask(mask)
            states_TD, _ = self.states(input_ids, mask, segment_ids, pack)
            return list(torch.split(states_TD, list(pack.lengths)))
        padded = zip(self.encode(input_ids, mask, segment_ids), mask.sum(1).tolist(), strict=True)
        return [hidden_LD[:length] for hidden_LD, length in padded]

    def states(
        self, input_ids: torch.Tensor, mask: torch.Tensor, segment_ids: torch.Tensor, pack: Pack | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """states_TD of the micro-batch's tokens, and index_BL, where in T each place's state is.

        T are the real tokens where the encoder packs, and where it neither packs nor pads; all places,
        padding too, where it pads. Who knows the `pack` of the mask spares a read of the device.
        """
        if not self.packs:
            return self._unpacked(input_ids, mask, segment_ids, pack)
        pack = pack or Pack.of_mask(mask)
        input_ids_T = input_ids.flatten()[pack.place_T]
        segment_ids_T = segment_ids.flatten()[pack.place_T] if self.takes_segments else None
        states = self.runtime or partial(packed_states, self.encoder)
        return states(input_ids_T, segment_ids_T, pack), pack.index_BL

    def _unpacked(
        self, input_ids: torch.Tensor, mask: torch.Tensor, segment_ids: torch.Tensor, pack: Pack | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`states` of an encoder that does not pack: a pass for each of `passes`."""
        states, index_BL, known = [], torch.zeros_like(mask), 0
        for rows, length in self.passes(mask, pack):
            segments = {"token_type_ids": segment_ids[rows, :length]} if self.takes_segments else {}
            output = self.encoder(
                input_ids=input_ids[rows, :length], attention_mask=mask[rows, :length], **segments
            )
            places = torch.arange(known, known := known + len(rows) * length, device=mask.device)
            index_BL[rows, :length] = places.view(len(rows), length)
            states.append(output.last_hidden_state.flatten(0, 1))
        return torch.cat(states), index_BL

    def passes(self, mask_BL: torch.Tensor, pack: Pack | None) -> list[tuple[torch.Tensor, int]]:
        """The rows, and the length, of each of the passes through an encoder that does not pack: one where it
        pads, else one for each length."""
        longest = mask_BL.shape[1]
        if self.pads:
            return [(torch.arange(len(mask_BL), device=mask_BL.device), longest)]
        length_B = np.array((pack or Pack.of_mask(mask_BL)).lengths)
        lengths = np.unique(length_B).tolist()
        rows = [torch.from_numpy(np.flatnonzero(length_B == one)) for one in lengths]
        return list(zip(devices.moved(rows, mask_BL.device), lengths, strict=True))

    def forward(
        self,
        input_ids: torch.Tensor,
        mask: torch.Tensor,
        segment_ids: torch.Tensor,
        heads: Mapping[str, Rows],
        pack: Pack | None = None,
    ) -> dict[str, torch.Tensor]:
        """One encoder pass for all sequences; each head sees its own rows of them -> logits."""
        states_TD, index_BL = self.states(input_ids, mask, segment_ids, pack)
        logits = {}
        if self.packs and pack and devices.counts_launches(self.device):
            logits = self._of_means(states_TD, pack, heads)
        return {
            name: logits[name] if name in logits else self._logits(name, states_TD, index_BL, mask, rows)
            for name, rows in heads.items()
        }

    def _of_means(
        self, states_TD: torch.Tensor, pack: Pack, heads: Mapping[str, Rows]
    ) -> dict[str, torch.Tensor]:
        """The logits of the heads that see of a sequence its mean alone: one operation takes all means, and
        one gives them to all of these heads. Their products are too small for half precision to be worth
        its casts."""
        own = {name: rows for name, rows in heads.items() if isinstance(self.heads[name], Pooling)}
        if not own:
            return {}
        with devices.full_precision(self.device):
            mean_BD = torch.segment_reduce(states_TD.float(), "mean", lengths=pack.length_B, unsafe=True)
            places = torch.cat([rows.places.flatten() for rows in own.values()]).clamp(min=0)
            parts = mean_BD.index_select(0, places).split([rows.places.numel() for rows in own.values()])
            return {
                name: self._answer(name, part.view(*rows.places.shape, 1, -1), _present(rows), rows)
                for (name, rows), part in zip(own.items(), parts, strict=True)
            }

    def answer(
        self,
        head: str,
        hidden_BLD: torch.Tensor,
        mask_BL: torch.Tensor,
        rows: Rows,
        share: float,
        follow: Follow | None = None,
    ) -> torch.Tensor:
        """A head's logits from the states of its rows, which are such a `share` of those of a request; a head
        that decodes may take that share of its seconds, and tells `follow` of each step."""
        decodes = isinstance(self._family(head), TeacherForcing)
        limits = {"share": share, "follow": follow} if decodes else {}
        return self._logits(head, hidden_BLD.flatten(0, 1), _places(mask_BL), mask_BL, rows, **limits)

    def vectors(self, head: str, micro: MicroBatch) -> torch.Tensor:
        """vectors_nD, of an indexed head's candidates."""
        input_ids, mask, segment_ids, rows, pack = micro.given
        states_TD, index_BL = self.states(input_ids, mask, segment_ids, pack)
        indexed = self.heads[head]
        assert isinstance(indexed, IndexedHead)  # noqa: S101 its family has candidates
        return indexed.index(*_of_rows(states_TD, index_BL, mask, rows[head]))

    def _logits(
        self,
        head: str,
        states_TD: torch.Tensor,
        index_BL: torch.Tensor,
        mask_BL: torch.Tensor,
        rows: Rows,
        **limits: Any,
    ) -> torch.Tensor:
        hidden, mask = _of_rows(states_TD, index_BL, mask_BL, rows)
        return self._answer(head, hidden, mask, rows, **limits)

    def _answer(
        self, head: str, hidden: torch.Tensor, mask: torch.Tensor | None, rows: Rows, **limits: Any
    ) -> torch.Tensor:
        extra = () if rows.extra_nF is None else (rows.extra_nF,)
        family = self._family(head)
        words = {"embeddings": self._embeddings()} if isinstance(family, ReadsWordEmbeddings) else {}
        given = {"given": rows.given_G} if isinstance(family, UnevenExtraInputs) else {}
        target = {} if rows.target_nT is None else {"target": rows.target_nT}
        logits: torch.Tensor = self.heads[head](hidden, mask, *extra, **words, **given, **target, **limits)
        return logits

    def _embeddings(self) -> torch.Tensor:
        """embeddings_VD of the words, to be read alone: a task's own gradient of them is that of what it has
        looked up (training/gradients/packed.py), and a head's would be missing there."""
        weight: torch.Tensor = self.encoder.get_input_embeddings().weight
        return weight.detach()

    def _family(self, head: str) -> tasks.Family:
        return tasks.get(self.config.tasks[head]["family"])


def _config(folder: Path, dropout: float) -> PretrainedConfig:
    """The encoder's, with this dropout."""
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(folder)
    except Exception as error:  # transformers raises many kinds here
        reason = first_line(error)
        raise UserError(f"{folder}: no readable encoder ({reason:.200})") from error
    for name in DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, dropout)
    return config


def _of_rows(
    states_TD: torch.Tensor, index_BL: torch.Tensor, mask_BL: torch.Tensor, rows: Rows
) -> tuple[torch.Tensor, torch.Tensor]:
    """hidden_nLD, mask_nL of a head's rows, or hidden_nMLD, mask_nML."""
    places = rows.places.clamp(min=0)
    mask = mask_BL[places] * (rows.places >= 0).unsqueeze(-1)  # a sequence that a row lacks is masked
    index = index_BL[places]
    return states_TD.index_select(0, index.flatten()).view(*index.shape, -1), mask


def _present(rows: Rows) -> torch.Tensor | None:
    """mask_nM1 of rows that are several sequences, each of one token; None where a row is one."""
    return (rows.places >= 0).unsqueeze(-1) if rows.places.ndim > 1 else None


def _places(mask_BL: torch.Tensor) -> torch.Tensor:
    """index_BL where all places have a state, one after the other."""
    return torch.arange(mask_BL.numel(), device=mask_BL.device).view_as(mask_BL)
