"""A task's own small transformer decoder over the encoder's states, with a pointer to words of the source.

Its outputs are V tokens of a vocabulary, the last of which ends a text, then for each of S words of the
source two: the word as it stands, and with a space before it (V + 2 j and V + 2 j + 1). So names and rare
words can be copied, as in pointer networks (Vinyals 2015) and their mixtures with a vocabulary (Gulcehre
2016; See 2017); here one softmax is over both.

Legend: n rows, L source tokens, S words, T target tokens, D width, H attention heads of width d, R sequences
that are decoded side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

from components.dropout import Dropout
from components.families.base.capabilities import Follow
from components.families.generation.beam_search import Limits, search

KeysValues = tuple[torch.Tensor, torch.Tensor]  # nHLd, nHLd


class Source(NamedTuple):
    """What the decoder attends to: keys and values for each layer, visible_n11L, and the words' states
    with visible_nS."""

    keys_values: list[KeysValues]
    visible: torch.Tensor
    words_nSD: torch.Tensor
    known_nS: torch.Tensor

    def select(self, place_R: torch.Tensor) -> Source:
        """Those of some rows, in this order."""
        pairs = [(keys[place_R], values[place_R]) for keys, values in self.keys_values]
        return Source(pairs, *(tensor[place_R] for tensor in self[1:]))


class DecoderHead(nn.Module):
    """hidden_nLD, mask_nL, extra_nS (where each word begins in L, -1: none), target_nT -> logits of every
    target token given those before it, [n, T, V + 2S]. Without a target it decodes: token_nT;
    the rows are a `share` of a request, None: of an evaluation, which has no clock; `follow` hears of each
    step."""

    def __init__(self, width: int, vocabulary: int, layers: int, dropout: float, limits: Limits) -> None:
        super().__init__()
        self.width, self.vocabulary, self.limits = width, vocabulary, limits
        self.embedding = nn.Embedding(vocabulary, width)  # of inputs and outputs (Press & Wolf 2017)
        self.copied = nn.Linear(width, width)
        self.layers = nn.ModuleList([DecoderLayer(width, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.query, self.key = nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.dropout = Dropout(dropout)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    @property
    def end(self) -> int:
        """The token that ends a text; it also stands before its first."""
        return self.vocabulary - 1

    def forward(
        self,
        hidden: torch.Tensor,
        mask: torch.Tensor,
        extra: torch.Tensor | None = None,
        target: torch.Tensor | None = None,
        share: float | None = None,
        follow: Follow | None = None,
    ) -> torch.Tensor:
        source = self.read(hidden, mask, extra)
        if target is None:
            steps, rows = CachedSteps(self, source), len(hidden)
            steps.select(torch.arange(rows, device=hidden.device).repeat_interleave(self.limits.beams))
            limits = self.limits.within(share)
            return search(steps, rows, self.end, self.end, limits, hidden.device, follow)
        before_nT = target.roll(1, 1).clamp(min=0)  # what is behind a row's end predicts nothing that counts
        before_nT[:, 0] = self.end
        return self.logits(before_nT, source)[0]

    def read(self, hidden: torch.Tensor, mask: torch.Tensor, extra: torch.Tensor | None) -> Source:
        """hidden_nLD, mask_nL, extra_nS -> what every step needs of them."""
        words_nS = mask.new_zeros(len(mask), 0) if extra is None else extra.long()
        place_nSD = words_nS.clamp(min=0).unsqueeze(-1).expand(-1, -1, self.width)
        keys_values = [cast("DecoderLayer", layer).read(hidden) for layer in self.layers]
        return Source(keys_values, mask.bool()[:, None, None], hidden.gather(1, place_nSD), words_nS >= 0)

    def logits(
        self, token_nT: torch.Tensor, source: Source, past: Sequence[KeysValues] | None = None
    ) -> tuple[torch.Tensor, list[KeysValues]]:
        """logits_nTO of what follows each token, and the keys and values of all so far; `past` holds those
        of the tokens before these."""
        first = past[0][0].shape[2] if past else 0
        states_nTD = self.embed(token_nT, source) + positions(
            first, token_nT.shape[1], self.width, token_nT.device
        )
        states_nTD = self.dropout(states_nTD)
        present = []
        for number, layer in enumerate(self.layers):
            of_layer = past[number] if past else None
            states_nTD, pair = layer(states_nTD, source.keys_values[number], source.visible, of_layer)
            present.append(pair)
        states_nTD = self.norm(states_nTD)
        of_vocabulary = linear(states_nTD, self.embedding.weight, self.bias)
        return torch.cat([of_vocabulary, self.point(states_nTD, source)], -1), present

    def embed(self, token_nT: torch.Tensor, source: Source) -> torch.Tensor:
        """A copied word is its state in the source."""
        embedded_nTD: torch.Tensor = self.embedding(token_nT.clamp(max=self.end)) * math.sqrt(self.width)
        if not source.words_nSD.shape[1]:
            return embedded_nTD
        place_nT = ((token_nT - self.vocabulary) // 2).clamp(min=0)
        word_nTD = source.words_nSD.gather(1, place_nT.unsqueeze(-1).expand(-1, -1, self.width))
        return torch.where((token_nT >= self.vocabulary).unsqueeze(-1), self.copied(word_nTD), embedded_nTD)

    def point(self, states_nTD: torch.Tensor, source: Source) -> torch.Tensor:
        """logits_nT(2S): each word's without, then with a space."""
        query_nTsD = self.query(states_nTD).unflatten(-1, (2, self.width))
        score_nTSs = torch.einsum("ntad,nsd->ntsa", query_nTsD, self.key(source.words_nSD)) / math.sqrt(
            self.width
        )
        lowest = torch.finfo(score_nTSs.dtype).min
        return score_nTSs.masked_fill(~source.known_nS[:, None, :, None], lowest).flatten(-2)


class CachedSteps:
    """Decodes token by token and computes each one's keys and values once."""

    def __init__(self, head: DecoderHead, source: Source) -> None:
        self.head, self.source = head, source
        self.past: list[KeysValues] | None = None

    def advance(self, token_R: torch.Tensor) -> torch.Tensor:
        """logits_RO."""
        logits_R1O, self.past = self.head.logits(token_R.unsqueeze(-1), self.source, self.past)
        return logits_R1O[:, 0]

    def select(self, place_R: torch.Tensor) -> None:
        self.source = self.source.select(place_R)
        if self.past is not None:
            self.past = [(keys[place_R], values[place_R]) for keys, values in self.past]


class DecoderLayer(nn.Module):
    """Attention to the target so far, attention to the source, and a feed-forward layer (Vaswani 2017,
    section 3.1), each over normalised states (Xiong 2020)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.heads = next(heads for heads in range(max(1, width // 64), 0, -1) if width % heads == 0)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.own, self.own_output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.source = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.source_output = nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = Dropout(dropout)

    def read(self, hidden_nLD: torch.Tensor) -> KeysValues:
        """Keys and values of the source."""
        keys, values = self.source(hidden_nLD).chunk(2, -1)
        return self._split(keys), self._split(values)

    def forward(
        self, states_nTD: torch.Tensor, source: KeysValues, visible: torch.Tensor, past: KeysValues | None
    ) -> tuple[torch.Tensor, KeysValues]:
        """states_nTD -> states_nTD, and the keys and values of all target tokens so far."""
        query, keys, values = map(self._split, self.own(self.norms[0](states_nTD)).chunk(3, -1))
        if past is not None:  # then there is one new token, and it sees all
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        attended = scaled_dot_product_attention(query, keys, values, is_causal=past is None)
        states_nTD = states_nTD + self.dropout(self.own_output(_joined(attended)))
        query = self._split(self.query(self.norms[1](states_nTD)))
        attended = scaled_dot_product_attention(query, *source, attn_mask=visible)
        states_nTD = states_nTD + self.dropout(self.source_output(_joined(attended)))
        inner = gelu(self.inner(self.norms[2](states_nTD)))
        return states_nTD + self.dropout(self.outer(inner)), (keys, values)

    def _split(self, states_nTD: torch.Tensor) -> torch.Tensor:
        split_nHTd: torch.Tensor = states_nTD.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return split_nHTd


def _joined(states_nHTd: torch.Tensor) -> torch.Tensor:
    return states_nHTd.transpose(1, 2).flatten(2)


def positions(first: int, count: int, width: int, device: torch.device) -> torch.Tensor:
    """The sines, then the cosines, of `count` places from `first` on (Vaswani 2017, section 3.5): TD."""
    place_T1 = torch.arange(first, first + count, device=device).unsqueeze(-1)
    half = torch.arange((width + 1) // 2, device=device)
    angle = place_T1 * torch.exp(half * (-2 * math.log(10_000.0) / width))
    return torch.cat([angle.sin(), angle.cos()], -1)[:, :width]
