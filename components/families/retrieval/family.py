"""Retrieval: a question, or a dialogue, has its answer among a closed set of templates."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field

from components.errors import BadRowError, near_miss
from components.families.base import Check, Facts, Family, Layout, Options, Prediction, Row
from components.families.base.capabilities import (
    Candidates,
    ExtraFiles,
    FactsOfAllSplits,
    MultiSequence,
    Predict,
    ReadTable,
    TunedBaseline,
)
from components.families.retrieval.metrics import DEPTH, METRICS
from components.families.retrieval.templates import Templates, read_identity, read_templates
from components.families.retrieval.tfidf import best, similarities
from components.families.shared.linear import MOST_CHARACTERS, Unit

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from torch import nn

    from components.settings.project import Checks

SHOWN = 20  # templates in the report's drawing, the most frequent ones


class Ranked(BaseModel):
    """A template, and the cosine of its vector and the question's, from -1 to 1."""

    id: str
    text: str
    score: float


class RetrievalAnswer(BaseModel):
    """The templates that fit best, best first."""

    answers: list[Ranked]


class RetrievalOptions(Options):
    """The set of answers, and what a row learns from."""

    # a file of `id` and `text` below source.path; without it, the answers of the rows
    templates: str | None = None
    negatives: int = Field(1, ge=0, le=20)  # wrong answers for each row, those most like its question
    top: int = Field(3, ge=1, le=100)  # answers that the service gives


class Retrieval(ExtraFiles, FactsOfAllSplits, Candidates, MultiSequence, TunedBaseline, Family):
    """A question and the templates are encoded apart, pooled to unit vectors, and compared (a bi-encoder).

    Learnt from a softmax over the candidates of the micro-batch (InfoNCE, van den Oord 2018, equation 4, with
    cosines over a temperature for log f): the answers of all its rows (Henderson 2017, section 4.3; Karpukhin
    2020, section 3.2) and each row's hard negatives.
    """

    name = "retrieval"
    hub_task = "sentence-similarity"
    inputs = (("text",), ("turns",))
    targets: ClassVar[Mapping[str, bool]] = {"answer": True}
    text_columns = ("text",)
    options = RetrievalOptions
    role_kinds: ClassVar[Mapping[str, str]] = {"answer": "template"}
    metrics = METRICS
    target_type = pa.list_(pa.int64())
    response = RetrievalAnswer
    example = (
        {"text": "How do I get my money back?"},
        {"answers": [{"id": "refund", "text": "Refunds take five days.", "score": 0.81}]},
    )

    # --- data -----------------------------------------------------------------------------------

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        return {"text": super().read_input(record, options)["text"]}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("text", pa.string())])

    def extra_files(self, options: Mapping[str, Any]) -> list[str]:
        return [options["templates"]] if options["templates"] else []

    def with_extra_files(self, options: Mapping[str, Any], read: ReadTable) -> Mapping[str, Any]:
        path = options["templates"]
        return {**options, "templates": read_templates(path, read) if path else None}

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        """The template's id, given as such or as its exact text."""
        answer = read_identity(dict(record), "answer")
        templates: Templates | None = options["templates"]
        if templates is None:
            return {"answer": answer}
        found = templates.find(answer)
        if found is None:
            raise _unknown(answer, templates.texts)
        return {"answer": found}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("answer", pa.string())])

    def target_of(self, row: Row) -> Any:
        return row["answer"]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("the answers of a retrieval task are its templates; remove `labels`")
        counts = Counter(row["answer"] for row in rows)
        if len(counts) < 2:
            raise BadRowError(f"all {counts.total()} training rows have the same answer, nothing to learn")
        templates: Templates | None = options["templates"]
        return {"templates": templates.texts if templates else {text: text for text in counts}}

    def facts_of_all_splits(self, facts: Facts, splits: Mapping[str, Iterable[Row]]) -> Facts:
        """Without a file of templates, the answers of every split can be chosen: each is a text, and a pair's
        own answer may stand in no other row."""
        if facts["options"]["templates"]:
            return {}
        answers = {row["answer"]: row["answer"] for rows in splits.values() for row in rows}
        return {"templates": {**facts["templates"], **answers}}

    def check_row(self, row: Row, facts: Facts) -> None:
        if row["answer"] not in facts["templates"]:
            raise _unknown(row["answer"], facts["templates"])

    def candidates(self, facts: Facts) -> list[Row]:
        return [{"text": None, "beside": [facts["templates"][identity]]} for identity in ids_of(facts)]

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValuesToBeInSet

        among = ExpectColumnValuesToBeInSet(column="answer", value_set=list(facts["templates"]))
        return [Check(f"every answer is one of {len(facts['templates'])} templates", among)]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        counts = Counter(table["answer"].to_pylist())
        return [(f"{answer:.60}", count) for answer, count in counts.most_common(SHOWN)]

    # --- encoding -------------------------------------------------------------------------------

    def with_candidates(self, rows: Sequence[Row], facts: Facts) -> Sequence[Row]:
        """Each with its answer and the templates most like its question that are not: `beside`, their
        texts, and `ids`."""
        ids, count = ids_of(facts), facts["options"]["negatives"]
        texts = [facts["templates"][identity] for identity in ids]
        alike = similarities([row["text"] for row in rows], texts)
        learning = []
        for row, scores_N in zip(rows, alike, strict=True):
            nearest = [ids[place] for place in best(scores_N, count + 1)]
            wrong = [identity for identity in nearest if identity != row["answer"]][:count]
            beside = [row["answer"], *wrong]
            learning.append({**row, "ids": beside, "beside": [facts["templates"][one] for one in beside]})
        return learning

    def tokenise(
        self, tokenizer: Tokenizer, rows: Sequence[Row], options: Mapping[str, Any], offsets: bool = True
    ) -> list[list[Encoding]]:
        """The question, if there is one, then the templates beside it. Of a dialogue that is too long the
        oldest turns are cut, of a template always its end."""
        asked = [row for row in rows if row["text"] is not None]
        questions = iter(super().tokenise(tokenizer, asked, options, offsets))
        cut = tokenizer.truncation
        if cut is not None:
            tokenizer.enable_truncation(**{**cut, "direction": "right"})
        texts = [{"text": text} for row in rows for text in row.get("beside", ())]
        templates = iter(super().tokenise(tokenizer, texts, options, offsets))
        if cut is not None:
            tokenizer.enable_truncation(**cut)
        return [
            [
                *(next(questions) if row["text"] is not None else ()),
                *(next(templates)[0] for _ in row.get("beside", ())),
            ]
            for row in rows
        ]

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        """Hashes of the ids of what stands beside the question, the answer first: equal ones are one
        candidate."""
        return [_hash(identity) for identity in row.get("ids", [row["answer"]])]

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.int64)

    # --- model ----------------------------------------------------------------------------------

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.retrieval.head import BiEncoderHead

        return BiEncoderHead()

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        import torch
        from torch.nn.functional import cross_entropy

        right_n = torch.arange(len(target), device=target.device) * target.shape[1]
        return cross_entropy(distinct(logits, target), right_n, reduction="sum")

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """Of the softmaxes over the candidates that `loss` compares."""
        from components.families.shared.divergence import categorical

        return categorical(distinct(logits, target), distinct(others, target)).sum()

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """From the cosines of all templates."""
        ids = ids_of(facts)
        ranking = best(logits, max(facts["options"]["top"], DEPTH))
        return {"ranking": [{"id": ids[place], "score": float(logits[place])} for place in ranking]}

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        ranking = prediction["ranking"][: facts["options"]["top"]]
        return {"answers": [{**found, "text": facts["templates"][found["id"]]} for found in ranking]}

    def best_of(self, answer: Prediction, count: int) -> Prediction:
        return {"answers": answer["answers"][:count]}

    # --- evaluation -------------------------------------------------------------------------------

    def label_set(self, facts: Facts) -> Mapping[str, Any]:
        """An id with another text is another answer."""
        templates: dict[str, str] = facts["templates"]
        return templates

    def labels_of(self, one: Row | Prediction, facts: Facts) -> Iterable[str]:
        """The right template, or the one that is ranked first."""
        return (one["answer"],) if "answer" in one else (found["id"] for found in one["ranking"][:1])

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The most popular templates of training, whatever the question."""
        counts = Counter(row["answer"] for row in train)
        popular = [{"id": answer, "score": count / len(train)} for answer, count in counts.most_common(DEPTH)]
        return [{"ranking": popular} for _ in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """TF-IDF of words, and of characters where they are not too many: a template is as near as the
        nearest of its own text and its training questions."""
        yield partial(_nearest, "words", train, facts)
        if sum(len(row["text"]) for row in train) <= MOST_CHARACTERS:
            yield partial(_nearest, "characters", train, facts)


def _nearest(unit: Unit, train: Sequence[Row], facts: Facts, asked: Sequence[Row]) -> list[Prediction]:
    """The templates that are nearest to each of the rows that are asked, by its questions of training too."""
    ids = ids_of(facts)
    number = {identity: place for place, identity in enumerate(ids)}
    texts = [*(facts["templates"][identity] for identity in ids), *(row["text"] for row in train)]
    owner = np.array([*range(len(ids)), *(number[row["answer"]] for row in train)])
    found = []
    for cosine in similarities([row["text"] for row in asked], texts, unit):
        score_N = np.zeros(len(ids))
        np.maximum.at(score_N, owner, cosine)
        ranking = best(score_N, DEPTH)
        found.append({"ranking": [{"id": ids[n], "score": float(score_N[n])} for n in ranking]})
    return found


def ids_of(facts: Facts) -> list[str]:
    """The ids of the templates, in the order of the candidates."""
    return sorted(facts["templates"])


def distinct(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """logits_nC of the candidates that rows of target_nK hold (C = n K), -inf where a candidate is the row's
    own answer once more, which is no negative, or stands in the micro-batch before: each counts once."""
    import torch

    rows, beside = target.shape
    id_C = target.flatten()
    place_C = torch.arange(rows * beside, device=target.device)
    own_nC = place_C == place_C[::beside, None]
    again_nC = id_C == target[:, :1]
    repeated_C = (id_C[:, None] == id_C).tril(-1).any(1)
    return logits.masked_fill(~own_nC & (again_nC | repeated_C), -torch.inf)


def _hash(identity: str) -> int:
    """63 bits."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "big") >> 1


def _unknown(answer: str, templates: Mapping[str, str]) -> BadRowError:
    return BadRowError(
        f"'answer' is '{answer:.60}'{near_miss(answer, templates)}; "
        f"expected the id or the text of one of {len(templates)} templates"
    )


FAMILY = Retrieval()
