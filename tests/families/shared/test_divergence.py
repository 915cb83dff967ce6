"""How far two outputs are apart, by each family: held to torch.distributions, one distribution at a time."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Distribution, Normal, kl_divergence

from components import families

DRAW = torch.Generator().manual_seed(5)


def pair(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    one, other = torch.randn(2, *shape, generator=DRAW)
    return one, other


def both_ways(one: Distribution, other: Distribution) -> torch.Tensor:
    return kl_divergence(one, other) + kl_divergence(other, one)


@pytest.mark.parametrize("name", ["classification", "multiple_choice", "relation"])
def test_one_answer_of_several(name: str) -> None:
    one, other = pair(4, 3)
    found = families.get(name).divergence(one, other, torch.tensor([0, 2, 1, 1]), {})
    torch.testing.assert_close(found, both_ways(Categorical(logits=one), Categorical(logits=other)).sum())


def test_a_class_that_weighs_more_counts_more() -> None:
    one, other = pair(3, 2)
    apart_n = both_ways(Categorical(logits=one), Categorical(logits=other))
    found = families.get("classification").divergence(
        one, other, torch.tensor([0, 1, 1]), {"weights": [0.5, 3.0]}
    )
    torch.testing.assert_close(found, (apart_n * torch.tensor([0.5, 3.0, 3.0])).sum())


def test_choices_that_a_row_lacks_count_nothing_and_give_no_nan() -> None:
    one, other = pair(2, 3)
    one[1, 2] = other[1, 2] = -torch.inf
    one.requires_grad_()
    found = families.get("multiple_choice").divergence(one, other, torch.tensor([0, 1]), {})
    whole = both_ways(Categorical(logits=one[0]), Categorical(logits=other[0]))
    part = both_ways(Categorical(logits=one[1, :2]), Categorical(logits=other[1, :2]))
    torch.testing.assert_close(found, whole + part)
    found.backward()
    assert one.grad is not None
    assert one.grad.isfinite().all()


@pytest.mark.parametrize("name", ["multi_label", "ordinal"])
def test_yes_no_questions_are_averaged_as_in_the_loss(name: str) -> None:
    one, other = pair(4, 3)
    found = families.get(name).divergence(one, other, torch.zeros(4, dtype=torch.int64), {})
    apart_nC = both_ways(Bernoulli(logits=one), Bernoulli(logits=other))
    torch.testing.assert_close(found, apart_nC.sum() / 3)


def test_scores_are_means_of_gaussians() -> None:
    one, other = pair(4, 1)
    found = families.get("regression").divergence(one, other, torch.zeros(4), {})
    torch.testing.assert_close(found, both_ways(Normal(one, 1.0), Normal(other, 1.0)).sum())


def test_only_labelled_tokens_count() -> None:
    one, other = pair(2, 4, 3)
    target = torch.tensor([[-100, 0, -100, 2], [1, -100, -100, -100]])
    apart = both_ways(Categorical(logits=one), Categorical(logits=other))
    found = families.get("tagging").divergence(one, other, target, {})
    torch.testing.assert_close(found, apart[0, 1] + apart[0, 3] + apart[1, 0])


def test_both_ends_of_a_span_and_no_window_that_a_row_lacks() -> None:
    one, other = pair(2, 2, 5, 2)  # rows, windows, tokens, ends
    lowest = torch.finfo(one.dtype).min
    one[:, :, 4], other[:, :, 4] = lowest, lowest  # padding
    one[1, 1], other[1, 1] = lowest, lowest
    target = torch.tensor([[[0, 1], [2, 3]], [[0, 0], [-100, -100]]])
    ends = [
        both_ways(
            Categorical(logits=one[row, window, :4, end]), Categorical(logits=other[row, window, :4, end])
        )
        for row, window in ((0, 0), (0, 1), (1, 0))
        for end in (0, 1)
    ]
    found = families.get("span").divergence(one, other, target, {})
    torch.testing.assert_close(found, torch.stack(ends).sum() / 2)


def test_clicks_are_one_yes_no_question_a_row() -> None:
    one, other = pair(4, 1)
    found = families.get("click").divergence(one, other, torch.zeros(4), {})
    torch.testing.assert_close(found, both_ways(Bernoulli(logits=one), Bernoulli(logits=other)).sum())
