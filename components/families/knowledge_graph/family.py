"""Knowledge graphs: which entity completes (head, relation, ?), where entities are texts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field

from components.errors import BadRowError
from components.families.base import Check, Facts, Family, Layout, Options, Prediction, Row, Sequence1
from components.families.base.capabilities import (
    Candidates,
    ExtraInputs,
    FactsOfAllSplits,
    MultiSequence,
    Numbers,
)
from components.families.knowledge_graph import baselines, triples
from components.families.knowledge_graph import metrics as ranking
from components.families.shared.changes import come_and_gone
from components.families.shared.fields import read_text

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks


class TripleRequest(BaseModel):
    """An entity, by a name or a description, which may be new; a relation of training, or `inverse of` one
    to ask for heads."""

    head: str
    relation: str


class Tail(BaseModel):
    """An entity and its score: the higher the better, among those of one answer. Is the triple known from the
    data that the model was made of?"""

    entity: str
    score: float
    known: bool


class TripleAnswer(BaseModel):
    """The entities that complete the triple best, the best first."""

    tails: list[Tail]


class KnowledgeGraphOptions(Options):
    """How a triple is scored, and what it is held against."""

    # of a triple: docs/how-to/knowledge-graph.md
    scoring: Literal["transe", "distmult", "complex"] = "complex"
    negatives: int = Field(1, ge=0, le=64)  # entities drawn for each row, besides those of the rows beside it
    top: int = Field(10, ge=1, le=1000)  # entities that the service gives


class KnowledgeGraph(FactsOfAllSplits, Candidates, MultiSequence, ExtraInputs, Family):
    """Which entity completes a triple: softmax cross-entropy of the right tail and of the right head.

    They are held against the entities of the micro-batch and some that are drawn, but for those with which
    the triple is known from training (Lacroix 2018 has all). Heads and tails are texts, encoded apart.
    """

    name = "knowledge_graph"
    hub_task = "graph-ml"
    inputs = (("head", "relation"),)
    text_columns = ()
    targets: ClassVar[Mapping[str, bool]] = {"tail": True}
    role_kinds: ClassVar[Mapping[str, str]] = {
        "head": "head_entity",
        "relation": "link",
        "tail": "tail_entity",
    }
    request = TripleRequest
    options = KnowledgeGraphOptions
    metrics = ranking.METRICS
    target_type = pa.int64()
    layout_type = pa.struct([("answers", pa.list_(pa.string())), ("others", pa.list_(pa.list_(pa.string())))])
    extra_type = pa.int64()
    response = TripleAnswer
    example = (
        {"head": "penicillin", "relation": "treats"},
        {"tails": [{"entity": "bacterial infection", "score": 7.1, "known": False}]},
    )

    # --- data -----------------------------------------------------------------------------------

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        return {role: read_text(record, role).strip() for role in ("head", "relation")}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("head", pa.string()), ("relation", pa.string())])

    def text_of(self, row: Row) -> str:
        """The triple, and a digest of it: C and C++ are not one entity, though their words are."""
        triple = "\n".join([row["head"], row["relation"], row["tail"]])
        return f"{triple}\n{hashlib.blake2b(triple.encode(), digest_size=8).hexdigest()}"

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"tail": read_text(record, "tail").strip()}

    def class_column(self, options: Mapping[str, Any]) -> str:
        return "relation"

    def target_schema(self) -> pa.Schema:
        return pa.schema([("tail", pa.string())])

    def target_of(self, row: Row) -> Any:
        return row["tail"]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("the entities of a knowledge graph are its rows' own; remove `labels`")
        relations: set[str] = set()
        entities: set[str] = set()
        for row in rows:
            relations.add(row["relation"])
            entities.update((row["head"], row["tail"]))
        if len(entities) < 2:
            raise BadRowError("all training rows have the same one entity, nothing to learn")
        return {"relations": triples.name_relations(relations)}

    def check_row(self, row: Row, facts: Facts) -> None:
        triples.check_relation(row["relation"], facts["relations"])

    def facts_of_all_splits(self, facts: Facts, splits: Mapping[str, Iterable[Row]]) -> Facts:
        return triples.facts_of_all_splits(facts["relations"], splits)

    def candidates(self, facts: Facts) -> list[Row]:
        """Every entity that some row has."""
        return [{"head": entity} for entity in facts["entities"]]

    def check_question(self, row: Row, facts: Facts) -> None:
        triples.check_relation(row["relation"], triples.with_inverses(facts["relations"]))

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValuesToBeInSet

        from components.families.shared.expectations import ExpectEveryClassInTraining

        relations, few = facts["relations"], checks.min_rows_per_class
        among = ExpectColumnValuesToBeInSet(column="relation", value_set=relations)
        enough = ExpectEveryClassInTraining(column="relation", classes=relations, minimum=few)
        return [
            Check("every relation occurs in training", among),
            Check(f"at least {few} training rows per relation", enough, "warning"),
        ]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """Triples of each relation."""
        return Counter(table["relation"].to_pylist()).most_common()

    # --- encoding and model -----------------------------------------------------------------------

    def with_candidates(self, rows: Sequence[Row], facts: Facts) -> Sequence[Row]:
        """Each with `drawn`: entities drawn uniformly (Bordes 2013, section 2), always the same for a row."""
        count = min(facts["options"]["negatives"], len(facts["entities"]))
        return [{**row, "drawn": draw(facts["entities"], count, self.text_of(row))} for row in rows]

    def sequences(self, row: Row) -> list[Sequence1]:
        """The head, the tail if there is one, and what was drawn."""
        return [*(row[role] for role in ("head", "tail") if row.get(role)), *row.get("drawn", ())]

    def extra_inputs(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Numbers | None:
        """The number of the relation; then, to learn from, those of the entities."""
        entities = [row["head"], row["tail"], *row["drawn"]] if "drawn" in row else []
        return [triples.relation_number(row["relation"], facts), *triples.numbers(entities, facts)]

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        """Of each of a triple's questions the answer, and the others that are known. By their names: the
        numbers of a champion's entities are its own."""
        if not row.get("tail"):
            return {}
        names = facts["entities"]
        asked = triples.questions(row["head"], row["relation"], row["tail"], facts)
        others = [[names[other] for other in triples.others(question, facts)] for question in asked]
        return {"answers": [names[question.answer] for question in asked], "others": others}

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        """The place of the right answer among the logits."""
        return 0

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.int64)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.knowledge_graph.head import TripleHead

        relations, entities = len(facts["relations"]), len(facts["entities"])
        return TripleHead(
            hidden_size, relations, entities, facts["options"]["scoring"], triples.taught(facts)
        )

    def outputs(self, facts: Facts) -> Any:
        """Relations have weights of their own, entities none."""
        return [facts["relations"], facts["options"]["scoring"]]

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        """The mean of a row's two questions."""
        from torch.nn.functional import cross_entropy

        target_nQ = target.unsqueeze(-1).expand(-1, logits.shape[1])
        return cross_entropy(logits.flatten(0, 1), target_nQ.flatten(), reduction="sum") / logits.shape[1]

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        return super().divergence(logits, others, target, facts) / logits.shape[1]

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """The best entities for the first question; of a triple, the rank of both its answers too."""
        names = facts["entities"]
        best = np.argsort(-logits[0], kind="stable")[: facts["options"]["top"]]
        tails = [{"entity": names[place], "score": float(logits[0, place])} for place in best]
        asked = zip(logits, layout.get("answers", ()), layout.get("others", ()), strict=False)
        ranks = [
            ranking.filtered_rank(
                scores_N, triples.entity_number(answer, facts), triples.numbers(others, facts)
            )
            for scores_N, answer, others in asked
        ]
        return {"tails": tails, "ranks": ranks}

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        entity = triples.entity_number(row["head"], facts)
        found = triples.answers(entity, triples.relation_number(row["relation"], facts), facts)
        right = {facts["entities"][answer] for answer in found}
        return {"tails": [{**tail, "known": tail["entity"] in right} for tail in prediction["tails"]]}

    def best_of(self, answer: Prediction, count: int) -> Prediction:
        return {"tails": answer["tails"][:count]}

    # --- evaluation -------------------------------------------------------------------------------

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """Relations are known by their numbers."""
        before, now = known["relations"], facts["relations"]
        return None if before == now else f"its relations changed: {come_and_gone(before, now)}"

    def label_set(self, facts: Facts) -> Mapping[str, Any]:
        return dict.fromkeys(facts["entities"])

    def labels_of(self, one: Row | Prediction, facts: Facts) -> Iterable[str]:
        """Both ends of a triple: each is asked for."""
        return (one[role] for role in ("head", "tail") if role in one)

    def facts_to_ask(self, known: Facts, facts: Facts) -> Facts:
        """Today's: which triples are known to be right is no lesson, and the same for both."""
        return facts

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """How often an entity answers the relation in training, whoever asks."""
        return baselines.ranks(baselines.frequencies(facts), test, facts)

    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """What the entities answer in training that are most like the one that asks."""
        return baselines.ranks(baselines.neighbours(facts), test, facts)


def draw(entities: Sequence[str], count: int, row: str) -> list[str]:
    """`count` different entities, a function of the row."""
    seed = int.from_bytes(hashlib.blake2b(row.encode(), digest_size=8).digest(), "big")
    places = np.random.default_rng(seed).choice(len(entities), count, replace=False)
    return [entities[place] for place in places]


FAMILY = KnowledgeGraph()
