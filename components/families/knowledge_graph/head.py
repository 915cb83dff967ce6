"""The head of a knowledge graph: how well an entity answers (head, relation, ?).

An entity is a text that the encoder reads, so its vector follows from its name or description, and an entity
that training has never seen has one too. A relation is learnt. So is its inverse, as a relation of its own
(Lacroix, Usunier & Obozinski 2018, section 3.3): (?, relation, tail) is asked as (tail, inverse, ?).

Legend: n rows, M sequences of a row (head and tail, then drawn entities), L tokens, D hidden width and that
of an entity's vector, Q questions of a row, N candidates, P entities of a micro-batch, E triples of training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import normalize

from components.families.shared.heads import IndexedHead, Pooling, pool

Combine = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # head, relation -> the vector of the answer
Compare = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # sought_nD, candidates_ND -> scores_nN


def transe(head: torch.Tensor, relation: torch.Tensor) -> torch.Tensor:
    """h + r (Bordes et al. 2013, section 2)."""
    return head + relation


def distmult(head: torch.Tensor, relation: torch.Tensor) -> torch.Tensor:
    """h * r (Yang et al. 2015, section 3.1: diag(r) h)."""
    return head * relation


def complex_product(head: torch.Tensor, relation: torch.Tensor) -> torch.Tensor:
    """h * r of complex numbers: a vector's first half are their real parts, the other the imaginary ones."""
    (a, b), (c, d) = head.chunk(2, -1), relation.chunk(2, -1)
    return torch.cat([a * c - b * d, a * d + b * c], -1)


def negative_distance(sought: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """Minus the Euclidean distance. The fast way by a matrix product would lose half of the digits, and the
    rank of an answer would depend on how many are asked at once."""
    return -torch.cdist(sought, candidates, compute_mode="donot_use_mm_for_euclid_dist")


def inner_product(sought: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """The inner product; of complex numbers, the real part of that with the candidate's conjugate."""
    return sought @ candidates.T


class Scoring(NamedTuple):
    """How the vector that is sought follows from head and relation, how candidates are compared with it, and
    by what scores are multiplied where learning starts: so that those of vectors of width D differ by
    about one."""

    combine: Combine
    compare: Compare
    sharpness: Callable[[int], float]


SPREAD = 0.1  # standard deviation of a relation's entries, where learning starts
SCORINGS = {
    # -|h + r - t|, Bordes 2013, section 2
    "transe": Scoring(transe, negative_distance, lambda width: 10.0),
    # sum h r t, Yang 2015, equation 2 of a diagonal matrix
    "distmult": Scoring(distmult, inner_product, lambda width: width**0.5 / (2 * SPREAD)),
    # Re(sum h r conj(t)), Trouillon et al. 2016, equation 9
    "complex": Scoring(complex_product, inner_product, lambda width: width**0.5 / (2 * SPREAD)),
}


class TripleHead(IndexedHead, Pooling):
    """While it learns: hidden_nMLD, mask_nML, extra_n(1+M) -> logits_nQ(1+P) of the right answer, then of the
    entities of the whole micro-batch; -inf where one has come already, or is known to be right as well.
    With an index: hidden_nMLD, mask_nML, extra_nF -> scores_nQN.

    `extra` holds the relation's number, then those of the entities. Two sequences or more are two questions:
    which tail has this head, and which head has this tail. An entity's vector is a linear map of its pooled
    states, of length 1 (Bordes 2013, algorithm 1, line 5): none is the answer to everything for its length.

    `taught` are the triples of training, inverses as well, as (entity, relation, answer): they are never
    negatives.
    """

    taught_E: torch.Tensor

    def __init__(
        self, hidden_size: int, relations: int, entities: int, scoring: str, taught: Sequence[Sequence[int]]
    ) -> None:
        super().__init__()
        self.relations, self.entities = relations, entities
        self.scoring = SCORINGS[scoring]
        width = hidden_size + hidden_size % 2  # the halves of a complex vector
        self.entity = nn.Linear(hidden_size, width)
        self.relation = nn.Embedding(2 * relations, width)
        self.sharpness = nn.Parameter(torch.tensor(self.scoring.sharpness(width)).log())
        nn.init.normal_(self.relation.weight, std=SPREAD)
        triples_E3 = torch.tensor(taught, dtype=torch.int64).view(-1, 3)
        self.register_buffer("taught_E", self._codes(*triples_E3.T).sort().values)

    def index(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """hidden_n1LD, mask_n1L -> vectors_nD of n entities."""
        return self._vectors(hidden, mask).squeeze(1)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, extra: torch.Tensor) -> torch.Tensor:
        vectors_nMD = self._vectors(hidden, mask)
        questions = min(2, hidden.shape[1])
        relation_nQ = extra[:, :1] + self.relations * torch.arange(questions, device=extra.device)
        sought_nQD = self.scoring.combine(vectors_nMD[:, :questions], self.relation(relation_nQ))
        if self.candidates_ND is not None:
            return self._scores(sought_nQD, self.candidates_ND)
        return self._against_the_batch(sought_nQD, relation_nQ, vectors_nMD, extra[:, 1:])

    def _vectors(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = normalize(self.entity(pool(hidden, mask)), dim=-1)
        return vectors

    def _scores(self, sought_nQD: torch.Tensor, candidates_ND: torch.Tensor) -> torch.Tensor:
        scores = self.scoring.compare(sought_nQD.flatten(0, 1), candidates_ND) * self.sharpness.exp()
        return scores.view(*sought_nQD.shape[:2], -1)

    def _against_the_batch(
        self,
        sought_nQD: torch.Tensor,
        relation_nQ: torch.Tensor,
        vectors_nMD: torch.Tensor,
        entity_nM: torch.Tensor,
    ) -> torch.Tensor:
        scores_nQP = self._scores(sought_nQD, vectors_nMD.flatten(0, 1))
        rows, sequences = entity_nM.shape
        of_row_n1 = torch.arange(rows, device=entity_nM.device).unsqueeze(1) * sequences
        answer_nQ = of_row_n1 + torch.arange(1, -1, -1, device=entity_nM.device)  # a head's is the tail
        entity_P = entity_nM.flatten()
        codes_nQP = self._codes(entity_nM[:, :2, None], relation_nQ.unsqueeze(-1), entity_P)
        wrong_nQP = ~self._taught(codes_nQP) & _first_of_its_kind(entity_P)
        answers_nQ1 = scores_nQP.gather(-1, answer_nQ.unsqueeze(-1))
        return torch.cat([answers_nQ1, scores_nQP.masked_fill(~wrong_nQP, -torch.inf)], -1)

    def _codes(self, entity: torch.Tensor, relation: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
        """A triple as one number."""
        return (entity * 2 * self.relations + relation) * self.entities + answer

    def _taught(self, codes: torch.Tensor) -> torch.Tensor:
        place = torch.searchsorted(self.taught_E, codes).clamp(max=len(self.taught_E) - 1)
        return self.taught_E[place] == codes


def _first_of_its_kind(entity_P: torch.Tensor) -> torch.Tensor:
    """first_P: does the entity stand here for the first time?"""
    sorted_P, order_P = entity_P.sort(stable=True)
    begins_P = torch.ones_like(sorted_P, dtype=torch.bool)
    begins_P[1:] = sorted_P[1:] != sorted_P[:-1]
    return begins_P[order_P.argsort()]
