"""Retrieval: the contrast of a question with its answers, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from components.families.retrieval.family import FAMILY, distinct
from components.families.retrieval.head import BiEncoderHead
from tests.families.retrieval.answers import FACTS


def vectors(*rows: list[list[float]]) -> tuple[torch.Tensor, torch.Tensor]:
    """hidden_nM2D, mask_nM2: of each sequence two tokens, whose mean is the vector; then padding."""
    means = torch.tensor(rows)
    apart = torch.randn(means.shape, generator=torch.Generator().manual_seed(1))
    hidden = torch.stack([means + apart, means - apart, torch.full_like(means, 9.0)], -2)
    return hidden, torch.tensor([1, 1, 0]).expand(hidden.shape[:-1])


QUESTIONS = [[3.0, 0.0], [0.0, 2.0]]
BESIDE = [[[1.0, 1.0], [0.0, 5.0]], [[3.0, 4.0], [1.0, 0.0]]]  # of each question: its answer, a negative


def test_logits_are_cosines_over_the_temperature() -> None:
    head = BiEncoderHead()
    logits = head(*vectors(*([q, *b] for q, b in zip(QUESTIONS, BESIDE, strict=True))))
    half = np.sqrt(0.5)
    expected = 20 * torch.tensor([[half, 0, 0.6, 1], [half, 1, 0.8, 0]])
    torch.testing.assert_close(logits, expected.float(), atol=1e-4, rtol=0)
    with torch.no_grad():
        head.scale.fill_(9.0)  # e^9 is beyond the most
    limited = head(*vectors(*([q, *b] for q, b in zip(QUESTIONS, BESIDE, strict=True))))
    torch.testing.assert_close(limited, 5 * expected.float(), atol=1e-3, rtol=0)


def test_the_loss_is_info_nce_by_hand() -> None:
    """-log of f(right) over the sum of f of all candidates (van den Oord 2018, equation 4)."""
    logits = torch.tensor([[1.0, 0.5, -1.0, 2.0], [0.0, 1.5, 3.0, 1.0]])
    target = FAMILY.collate([[11, 12], [13, 14]], 0)
    f = np.exp(logits.numpy())
    expected = -np.log(f[0, 0] / f[0].sum()) - np.log(f[1, 2] / f[1].sum())
    assert FAMILY.loss(logits, target, FACTS).item() == pytest.approx(expected, rel=1e-6)


def test_an_answer_is_no_negative_of_its_own_row_and_a_candidate_counts_once() -> None:
    """Rows 0 and 1 have answer 7, which is row 2's negative; 8 stands beside two rows."""
    target = torch.tensor([[7, 8], [7, 9], [8, 7]])
    allowed = [[0, 1, 3], [2, 1, 3], [4, 0, 3]]  # by row, the places of 7, 8, 9 in any order
    logits = torch.randn(3, 6, generator=torch.Generator().manual_seed(2))
    kept = distinct(logits, target).isfinite()
    assert [set(row.nonzero().flatten().tolist()) for row in kept] == [set(row) for row in allowed]
    f = np.exp(logits.numpy())
    expected = sum(-np.log(f[n, right] / f[n, own].sum()) for n, (right, own) in enumerate(
        zip((0, 2, 4), allowed, strict=True)))  # fmt: skip
    assert FAMILY.loss(logits, target, FACTS).item() == pytest.approx(expected, rel=1e-6)


def test_divergence_is_of_the_candidates_that_the_loss_compares() -> None:
    from torch.distributions import Categorical, kl_divergence

    target = torch.tensor([[7, 8], [7, 9]])
    one, other = torch.randn(2, 2, 4, generator=torch.Generator().manual_seed(3))
    one.requires_grad_()
    expected = 0
    for row, own in ((0, [0, 1, 3]), (1, [2, 1, 3])):
        p, q = Categorical(logits=one[row, own]), Categorical(logits=other[row, own])
        expected += kl_divergence(p, q) + kl_divergence(q, p)
    found = FAMILY.divergence(one, other, target, FACTS)
    torch.testing.assert_close(found, expected)
    found.backward()
    assert one.grad.isfinite().all()


def test_a_row_alone_without_negatives_has_nothing_to_learn_from() -> None:
    logits = torch.tensor([[3.0]], requires_grad=True)
    loss = FAMILY.loss(logits, torch.tensor([[5]]), FACTS)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.item() == 0


def test_the_loss_moves_question_answers_and_temperature() -> None:
    hidden, mask = vectors(*([q, *b] for q, b in zip(QUESTIONS, BESIDE, strict=True)))
    hidden.requires_grad_()
    head = BiEncoderHead()
    FAMILY.loss(head(hidden, mask), torch.tensor([[1, 2], [3, 4]]), FACTS).backward()
    moved = hidden.grad.abs().sum((-1, -2))
    assert (moved > 0).all()
    assert (hidden.grad[..., 2, :] == 0).all()  # padding
    assert head.scale.grad.abs() > 0
