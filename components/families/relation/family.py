"""Relation extraction: two spans of a text stand in one of C relations, or in none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel

from components.errors import BadRowError
from components.families.base import Facts, Prediction, Row
from components.families.base.capabilities import ExtraInputs, PairsOfSpans, Predict, Reword
from components.families.classification.family import Classification, ClassificationOptions, predicted
from components.families.relation.metrics import METRICS
from components.families.shared.fields import read_text
from components.families.shared.linear import STRENGTHS
from components.families.shared.spans import Span, read_span
from components.families.shared.words import UNSPACED

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from torch import nn

ROLES = ("head", "tail")
MARKERS = {"head": "@", "tail": "#"}
WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")  # what the linear baseline reads
FIRST, SECOND = 1, 5  # places of the two opening markers in what `marked` gives


class RelationOptions(ClassificationOptions):
    """What counts as no relation."""

    # the label of two spans without a relation; it counts in neither F1 (Zhang 2017)
    none_class: str | None = None


class RelationRequest(BaseModel):
    """A text and two spans of it that do not overlap."""

    text: str
    head: Span
    tail: Span


class Relation(PairsOfSpans, ExtraInputs, Classification):
    """Softmax cross-entropy over the states of two markers.

    The text is read with punctuation around the spans, "@ head @" and "# tail #" (Zhou & Chen 2021, the
    punctuation markers without types), which a pretrained encoder knows; the states at the two opening
    markers are classified (Baldini Soares 2019, figure 3e).
    """

    name = "relation"
    inputs = (("text", *ROLES),)
    text_columns = ()
    request = RelationRequest
    options = RelationOptions
    metrics = METRICS
    extra_type = pa.int32()
    row_encoding = "marked spans"
    offsets = True
    example: ClassVar[tuple[Row, Prediction]] = (
        {"text": "Ada was born in Turin.", "head": {"start": 0, "end": 3}, "tail": {"start": 16, "end": 21}},
        {
            "label": "place_of_birth",
            "probability": 0.9,
            "probabilities": {"none": 0.1, "place_of_birth": 0.9},
        },
    )

    def reworded(self, row: Row, reword: Reword) -> Row | None:
        """Its spans would no longer stand where the row says."""
        return None

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        text = read_text(record, "text")
        head, tail = (read_span(record.get(role), text, f"'{role}'") for role in ROLES)
        if head[0] < tail[1] and tail[0] < head[1]:
            raise BadRowError(
                f"'head' {head[0]} to {head[1]} and 'tail' {tail[0]} to {tail[1]} overlap, "
                f"expected spans apart"
            )
        return {"text": text, "head": list(head), "tail": list(tail)}

    def input_schema(self) -> pa.Schema:
        span = pa.list_(pa.int32())
        return pa.schema([("text", pa.string()), ("head", span), ("tail", span)])

    def text_of(self, row: Row) -> str:
        """The text and its spans: a text may be asked about several pairs."""
        return f"{row['text']}\n{row['head']} {row['tail']}"

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        facts = super().learn_facts(rows, labels, options)
        none = options["none_class"]
        if none is not None and none not in facts["labels"]:
            known = ", ".join(facts["labels"][:8])
            raise BadRowError(f"options.none_class is '{none}', expected one of the labels {known}")
        return facts

    # --- encoding -------------------------------------------------------------------------------

    def tokenise(
        self, tokenizer: Tokenizer, rows: Sequence[Row], options: Mapping[str, Any], offsets: bool = True
    ) -> list[list[Encoding]]:
        """Where the length limit cuts a marker off, the text around the spans is shortened until they fit."""
        encodings = tokenizer.encode_batch([marked(row, len(row["text"])) for row in rows], True)
        for number, row in enumerate(rows):
            room = len(row["text"])
            while room and max(part or 0 for part in encodings[number].word_ids) <= SECOND:
                room //= 2
                encodings[number] = tokenizer.encode(marked(row, room), is_pretokenized=True)
        return [[encoding] for encoding in encodings]

    def is_cut(self, row: Row, encodings: Sequence[Encoding], max_length: int) -> bool:
        """Also where the text was shortened so that the markers fit, and then leaves room."""
        ends: dict[int | None, int] = {}
        for part, (_, end) in zip(encodings[0].word_ids, encodings[0].offsets, strict=True):
            ends[part] = max(end, ends.get(part, 0))
        whole = enumerate(marked(row, len(row["text"])))
        return any(any(map(str.isalnum, text[ends.get(part, 0) :])) for part, text in whole)

    def extra_inputs(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> list[int]:
        """The (last pieces of the) opening markers of head and tail."""
        last = {part: position for position, part in enumerate(encodings[0].word_ids)}
        order = (FIRST, SECOND) if row["head"] < row["tail"] else (SECOND, FIRST)
        # A normaliser that knows no punctuation leaves no marker; the sequence's first state stands in.
        return [last.get(marker, 0) for marker in order]

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.relation.head import FocusHead

        return FocusHead(hidden_size, len(ROLES), len(facts["labels"]))

    # --- evaluation -----------------------------------------------------------------------------

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The commonest real relation, since the none class would have an F1 of 0."""
        none = facts["options"]["none_class"]
        counts = Counter(row["label"] for row in train)
        real = Counter({label: count for label, count in counts.items() if label != none}) or counts
        return [{"label": real.most_common(1)[0][0]} for _ in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """TF-IDF of the words of, between and beside the spans, linear support vector machines."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        if len({row["label"] for row in train}) == 1:  # as of classification
            yield partial(self.majority_baseline, train, facts=facts)
            return
        for strength in STRENGTHS:
            machine = LinearSVC(C=strength, random_state=0)
            model = make_pipeline(TfidfVectorizer(analyzer=relation_features), machine)
            yield partial(predicted, model.fit(train, [row["label"] for row in train]))


def marked(row: Row, room: int) -> list[str]:
    """The text with its markers, in nine parts; of each part at most `room` characters stay, those
    nearest to the spans, and of the text between the spans as many at both ends."""
    text = row["text"]
    (start, end, first), (other, stop, second) = _in_order(row)
    between = text[end:other]
    if len(between) > 2 * room:
        between = between[:room] + " " + between[len(between) - room :]
    before = text[max(start - room, 0) : start]
    spans = text[start:end][:room], text[other:stop][:room]
    opened = [f" {first}", f" {spans[0]}", f" {first}", between, f" {second}", f" {spans[1]}", f" {second}"]
    return [before, *opened, text[stop : stop + room]]


def _in_order(row: Row) -> list[tuple[int, int, str]]:
    """(start, end, marker) of the two spans, in the order of the text."""
    return sorted((*row[role], MARKERS[role]) for role in ROLES)


def relation_features(row: Row) -> list[str]:
    """The linear baseline's features: words by where they stand, and which span comes first."""
    text = row["text"].lower()
    (start, end, first), (other, stop, second) = _in_order(row)
    parts = {
        "before": WORD.findall(text[:start])[-3:],
        first: WORD.findall(text[start:end]),
        "between": WORD.findall(text[end:other]),
        second: WORD.findall(text[other:stop]),
        "after": WORD.findall(text[stop:])[:3],
    }
    words = [f"{part}:{word}" for part, found in parts.items() for word in found]
    pairs = [" ".join(pair) for pair in zip(parts["between"], parts["between"][1:], strict=False)]
    return [*words, *pairs, f"order:{first}"]


FAMILY = Relation()
