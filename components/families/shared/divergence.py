"""How far two outputs for the same rows are apart: J(P, Q) = KL(P || Q) + KL(Q || P) (Jeffreys 1946).

Written as sum (p - q)(log p - log q), in which no term is negative.

Legend: n rows, C classes.
"""

from __future__ import annotations

import torch


def categorical(logits: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """J of the softmaxes over the last dimension: [..., C], [..., C] -> [...]. A class whose logit is -inf
    in both counts nothing."""
    lowest = torch.finfo(logits.dtype).min
    log_p, log_q = (one.clamp(min=lowest).log_softmax(-1) for one in (logits, others))
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1)


def bernoulli(logits: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """J of every yes-no question by itself: (p - q)(logit p - logit q), in the shape of the logits."""
    return (logits.sigmoid() - others.sigmoid()) * (logits - others)
