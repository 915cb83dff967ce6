"""The head of a masked language model.

Legend: B rows, L tokens, D hidden width, P hidden tokens of a row, Q of all rows, V tokens of the
vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import cross_entropy, gelu, linear

GAIN = 0.3  # of the features at first: their scores then add little to the logarithms of the shares


class MaskedTokensHead(nn.Module):
    """Scores of hidden tokens against the encoder's word embeddings, by a layer and a bias of its own:
    hidden_BLD, extra_B2P, embeddings_VD -> logits_BP2 (the head of Devlin et al. 2019's code).

    `extra` holds a position, what stood there, the next position, ..., and -1 where it has no more; `given`
    tells where there are some and spares a read of the device. Of a place the logits are the logarithm of the
    probability of what stood there, and 1 where that is the likeliest; both are 0 where a row has no more. So
    the scores of a whole vocabulary never leave the head, and are computed for hidden tokens alone. The
    embeddings are read, not taught (`Family.embeddings`).

    `counts` says how often each token stands in the training texts: learning starts at their shares, not at
    "all tokens are alike", from where some hundred steps lead to where counting is already.
    """

    def __init__(self, hidden_size: int, counts: Sequence[int]) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, eps=1e-12)
        self.bias = nn.Parameter(shares(counts).log().float())
        nn.init.constant_(self.norm.weight, GAIN)

    def forward(
        self,
        hidden: torch.Tensor,
        mask: torch.Tensor,
        extra: torch.Tensor,
        *,
        embeddings: torch.Tensor,
        given: torch.Tensor | None = None,
    ) -> torch.Tensor:
        position_BP, gold_BP = extra.unflatten(1, (extra.shape[1] // 2, 2)).long().unbind(-1)
        given_G = (extra.flatten() >= 0).nonzero().flatten() if given is None else given
        pair_Q, places = given_G[::2] // 2, max(1, position_BP.shape[1])
        row_Q, place_Q = pair_Q // places, pair_Q % places
        states_QD = hidden[row_Q, position_BP[row_Q, place_Q]]
        features_QD = self.norm(gelu(self.dense(states_QD)))
        # An encoder may have more embeddings than its tokenizer has tokens.
        scores_QV = linear(features_QD, embeddings[: len(self.bias)], self.bias).float()
        gold_Q = gold_BP[row_Q, place_Q]
        log_likelihood_Q = -cross_entropy(scores_QV, gold_Q, reduction="none")
        right_Q = scores_QV.detach().argmax(-1) == gold_Q
        logits = scores_QV.new_zeros(*position_BP.shape, 2)
        logits[row_Q, place_Q] = torch.stack([log_likelihood_Q, right_Q.float()], -1)
        return logits


def shares(counts: Sequence[int]) -> torch.Tensor:
    """count_V -> share_V, of which none is 0: new tokens are as likely as there have been kinds of tokens so
    far (Witten & Bell 1991, method C), and a new one is any of all."""
    count_V = torch.tensor(counts, dtype=torch.float64)
    kinds = (count_V > 0).sum().clamp(min=1)  # cut off before its first word, a text has none
    return (count_V + kinds / len(counts)) / (count_V.sum() + kinds)
