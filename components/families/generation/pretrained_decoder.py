"""The decoder of a pretrained encoder-decoder (T5, mT5, BART) as a task's head over the shared encoder.

Legend: n rows, L source tokens, T target tokens, D width, V vocabulary, R sequences decoded side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSeq2SeqLM
from transformers.modeling_utils import PreTrainedModel

from components.encoder.pretrained import read_pretrained
from components.families.base.capabilities import Follow
from components.families.generation.beam_search import Limits, search
from components.families.shared.heads import Pretrained


class PretrainedDecoder(Pretrained):
    """hidden_nLD, mask_nL, target_nT -> logits of every target token given those before it, [n, T, V].
    Without a target it decodes: token_nT; the rows are a `share` of a request, None: of an
    evaluation, which has no clock; `follow` hears of each step.

    `config` is the folder's config.json, `end` the token that ends a text. Embeddings and output matrix are
    the decoder's own: those of the encoder are every task's to move.
    """

    def __init__(self, config: Mapping[str, Any], end: int, limits: Limits) -> None:
        super().__init__()
        self.config, self.end, self.limits = AutoConfig.for_model(**config), end, limits
        whole = AutoModelForSeq2SeqLM.from_config(self.config, dtype=torch.float32)
        self.decoder = whole.get_decoder()
        self.output = nn.Linear(self.config.d_model, self.config.vocab_size, bias=_bias(whole) is not None)

    def begin(self, folder: Path) -> None:
        whole = read_pretrained(AutoModelForSeq2SeqLM, folder, _decoder_of, dtype=torch.float32)
        self.decoder.load_state_dict(whole.get_decoder().state_dict())
        with torch.no_grad():
            self.output.weight.copy_(whole.get_output_embeddings().weight)
            if (bias := _bias(whole)) is not None:
                self.output.bias.copy_(bias[0])

    def forward(
        self,
        hidden: torch.Tensor,
        mask: torch.Tensor,
        extra: torch.Tensor | None = None,
        target: torch.Tensor | None = None,
        share: float | None = None,
        follow: Follow | None = None,
    ) -> torch.Tensor:
        start, end = self.config.decoder_start_token_id, self.end
        if target is None:
            steps, rows = _Steps(self, hidden, mask), len(hidden)
            steps.select(torch.arange(rows, device=hidden.device).repeat_interleave(self.limits.beams))
            limits = self.limits.within(share)
            return search(steps, rows, start, end, limits, hidden.device, follow)
        before_nT = target.roll(1, 1).clamp(min=0)  # what is behind a row's end predicts nothing that counts
        before_nT[:, 0] = start
        states = self.decoder(
            input_ids=before_nT,
            encoder_hidden_states=hidden,
            encoder_attention_mask=mask,
            use_cache=False,
        )
        return self.logits(states.last_hidden_state)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """states_nTD -> logits_nTV; T5 of version 1.0 scales them (Raffel 2020's code, not the paper)."""
        scaled = getattr(self.config, "scale_decoder_outputs", False)
        logits: torch.Tensor = self.output(states * self.config.d_model**-0.5 if scaled else states)
        return logits


class _Steps:
    """Decodes token by token; transformers keeps the keys and values."""

    def __init__(self, head: PretrainedDecoder, hidden: torch.Tensor, mask: torch.Tensor) -> None:
        self.head, self.hidden, self.mask, self.cache = head, hidden, mask, None

    def advance(self, token_R: torch.Tensor) -> torch.Tensor:
        """logits_RV."""
        found = self.head.decoder(
            input_ids=token_R.unsqueeze(-1),
            encoder_hidden_states=self.hidden,
            encoder_attention_mask=self.mask,
            past_key_values=self.cache,
            use_cache=True,
        )
        self.cache = found.past_key_values
        return self.head.logits(found.last_hidden_state)[:, 0]

    def select(self, place_R: torch.Tensor) -> None:
        self.hidden, self.mask = self.hidden[place_R], self.mask[place_R]
        if self.cache is not None:
            self.cache.reorder_cache(place_R)


def _decoder_of(whole: PreTrainedModel) -> nn.Module:
    """What reads the target, and what turns its states into logits."""
    return nn.ModuleList([whole.get_decoder(), whole.get_output_embeddings()])


def _bias(whole: PreTrainedModel) -> torch.Tensor | None:
    """What BART adds to its logits, 1V."""
    found: torch.Tensor | None = getattr(whole, "final_logits_bias", None)
    return found
