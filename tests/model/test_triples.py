"""Scores of triples, by the papers' arithmetic; who is held against whom while the head learns.

Synthetic: the encoder's states are numbers that the tests choose. Entities are numbered, relation 0 has the
inverse 1.
"""

from __future__ import annotations

import math

import pytest
import torch

from components.model.triples import SCORINGS, TripleHead

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


@pytest.mark.parametrize("scoring", SCORINGS)
def test_a_relation_that_changes_nothing_is_where_learning_starts(scoring: str) -> None:
    """Then an entity's best answer is what is most like it."""
    combine, compare, identity = SCORINGS[scoring]
    vectors_ND = torch.nn.functional.normalize(torch.randn(5, 8), dim=-1)
    scores_NN = compare(combine(vectors_ND, identity(8).expand(5, -1)), vectors_ND)
    assert scores_NN.argmax(1).tolist() == list(range(5))


def one_hot_head(scoring: str = "distmult", taught: tuple[tuple[int, int, int], ...] = ((0, 0, 1), (1, 1, 0))) -> TripleHead:
    """A head of four entities with the unit vectors as states, to itself as every relation has it."""
    head = TripleHead(4, relations=1, entities=4, scoring=scoring, taught=taught)
    with torch.no_grad():
        head.entity.weight.copy_(torch.eye(4))
        head.entity.bias.zero_()
        head.relation.weight.copy_(torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
        head.sharpness.zero_()
    return head.train()


def states(entities: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """hidden_nMLD of unit vectors and mask_nML; the second token of a sequence is padding."""
    hidden = torch.eye(4)[torch.tensor(entities)]
    return torch.stack([hidden, 99 * torch.ones_like(hidden)], 2), torch.tensor([1, 0]).expand(*hidden.shape[:2], 2)


def known(scores: torch.Tensor) -> list[int]:
    """Which entities of the micro-batch count as wrong."""
    return torch.isfinite(scores[1:]).nonzero().flatten().tolist()
