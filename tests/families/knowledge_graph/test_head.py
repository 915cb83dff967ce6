"""Scores of triples, by the papers' arithmetic; who is held against whom while the head learns.

Synthetic: the encoder's states are numbers that the tests choose. Entities are numbered, relation 0 has the
inverse 1.
"""

from __future__ import annotations

import math

import pytest
import torch

from components.families.knowledge_graph.head import SCORINGS, TripleHead

HEAD, RELATION, TAIL = [1.0, 2.0], [0.5, -1.0], [2.0, 4.0]  # as complex numbers: 1+2i, 0.5-i, 2+4i
BY_HAND = {
    "transe": -math.sqrt((1 + 0.5 - 2) ** 2 + (2 - 1 - 4) ** 2),
    "distmult": 1 * 0.5 * 2 + 2 * -1 * 4,
    "complex": ((1 + 2j) * (0.5 - 1j) * (2 - 4j)).real,  # the conjugate of the tail
}


@pytest.mark.parametrize(("scoring", "expected"), BY_HAND.items())
def test_a_triple_is_scored_as_in_the_paper(scoring: str, expected: float) -> None:
    combine, compare, _ = SCORINGS[scoring]
    sought = combine(torch.tensor([HEAD]), torch.tensor([RELATION]))
    assert compare(sought, torch.tensor([TAIL])).item() == pytest.approx(expected, rel=1e-6)


def test_complex_scores_are_the_four_products_of_trouillon() -> None:
    """Equation 11, with its own names: <Re w, Re s, Re o> + <Re w, Im s, Im o> + <Im w, Re s, Im o> - <Im w,
    Im s, Re o>, for vectors of three complex numbers."""
    s, w, o = torch.randn(3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (re_s, im_s), (re_w, im_w), (re_o, im_o) = s.chunk(2), w.chunk(2), o.chunk(2)
    expected = (
        (re_w * re_s * re_o).sum()
        + (re_w * im_s * im_o).sum()
        + (im_w * re_s * im_o).sum()
        - (im_w * im_s * re_o).sum()
    )
    combine, compare, _ = SCORINGS["complex"]
    torch.testing.assert_close(compare(combine(s, w)[None], o[None]).squeeze(), expected)


def one_hot_head(scoring: str, taught: list[tuple[int, int, int]]) -> TripleHead:
    """Of four entities, whose vectors are unit vectors, as their states are."""
    head = TripleHead(4, relations=1, entities=4, scoring=scoring, taught=taught)
    with torch.no_grad():
        head.entity.weight.copy_(7 * torch.eye(4))  # their length does not count
        head.entity.bias.zero_()
        head.relation.weight.copy_(torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
        head.sharpness.zero_()
    return head.train()


def states(entities: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """hidden_nMLD of unit vectors, mask_nML; the second token of each sequence is padding, to be ignored."""
    hidden = torch.eye(4)[torch.tensor(entities)]
    mask = torch.tensor([1, 0]).expand(*hidden.shape[:2], 2)
    return torch.stack([hidden, torch.full_like(hidden, 99.0)], 2), mask


def side(entities: list[list[int]]) -> torch.Tensor:
    return torch.tensor([[0, *of_row] for of_row in entities])


def test_answers_are_held_against_the_entities_of_the_batch_that_training_does_not_know() -> None:
    """Rows (0, r, 1), with 3 drawn, and (0, r, 2), with 1 drawn. Of 0 both tails are known, and neither is held
    against the other; each entity counts once."""
    entities = [[0, 1, 3], [0, 2, 1]]
    taught = [(0, 0, 1), (0, 0, 2), (1, 1, 0), (2, 1, 0)]
    logits_nQP = one_hot_head("distmult", taught)(*states(entities), side(entities))
    rivals = [
        [
            [entities[p // 3][p % 3] for p in range(6) if of_question[1 + p].isfinite()]
            for of_question in of_row
        ]
        for of_row in logits_nQP
    ]
    assert rivals == [[[0, 3], [1, 3, 2]], [[0, 3], [1, 3, 2]]]


def test_the_right_answer_comes_first_and_heads_are_asked_by_the_inverse() -> None:
    """TransE with unit vectors: |h + r - t| of (0, r, 1), and |t + r' - h| with the inverse's r'."""
    entities = [[0, 1]]
    logits_12P = one_hot_head("transe", [(0, 0, 1), (1, 1, 0)])(*states(entities), side(entities))
    r, inverse = torch.tensor([1.0, 2, 3, 4]), torch.tensor([5.0, 6, 7, 8])
    h, t = torch.eye(4)[:2]
    expected = -torch.stack([(h + r - t).norm(), (t + inverse - h).norm()])
    torch.testing.assert_close(logits_12P[0, :, 0], expected)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_with_an_index_every_candidate_is_scored_alike_whoever_asks(scoring: str) -> None:
    """A question alone has the scores that it has as the first of a triple, and the head of a triple those of a
    question by the inverse, whose number is 1."""
    head = one_hot_head(scoring, [(0, 0, 1)])
    answer_n1 = head(*states([[0, 1], [2, 3]]), side([[0, 1], [2, 3]]))[:, 0, 0]
    head.eval()
    head.candidates_ND = head.index(*states([[0], [1], [2], [3]]))
    torch.testing.assert_close(head.candidates_ND, torch.eye(4))
    both_1QN = head(*states([[0, 1]]), torch.tensor([[0]]))
    tail_1QN = head(*states([[0]]), torch.tensor([[0]]))
    head_1QN = head(*states([[1]]), torch.tensor([[1]]))
    torch.testing.assert_close(both_1QN, torch.cat([tail_1QN, head_1QN], 1))
    torch.testing.assert_close(tail_1QN[0, 0, 1], answer_n1[0])


@pytest.mark.parametrize("scoring", SCORINGS)
def test_the_gradient_reaches_states_and_parameters(scoring: str) -> None:
    head = TripleHead(5, relations=2, entities=3, scoring=scoring, taught=[(0, 0, 1), (1, 2, 0)]).train()
    hidden = torch.randn(1, 3, 2, 5, requires_grad=True)
    logits_1QP = head(hidden, torch.ones(1, 3, 2), torch.tensor([[0, 0, 1, 2]]))
    (-logits_1QP.log_softmax(-1)[..., 0]).sum().backward()
    for tensor in (hidden, *head.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().sum() > 0
    assert head.relation.weight.grad[1].abs().sum() == 0  # the relation that no row has


def test_head_and_tail_may_be_the_same_entity() -> None:
    """Alone in a batch it has no rival: nothing to learn, and no NaN."""
    head = one_hot_head("complex", [(2, 0, 2), (2, 1, 2)])
    logits_1QP = head(*states([[2, 2]]), side([[2, 2]]))
    loss = -logits_1QP.log_softmax(-1)[..., 0].sum()
    loss.backward()
    assert loss.item() == 0
    assert head.entity.weight.grad.isfinite().all()
