"""Tagging: every word of a sentence has a BIO tag; the entities they spell are what counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import near_miss
from components.tasks.base import (
    BadRowError,
    Check,
    Facts,
    Family,
    Layout,
    Prediction,
    Row,
    read_text,
)

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from torch import nn

    from components.settings import Checks

IGNORED = -100  # target of special tokens and of a word's later pieces; cross_entropy leaves it out


class Entity(BaseModel):
    """A span of the request's text: text[start:end]."""

    type: str
    text: str
    start: int
    end: int


class TaggingAnswer(BaseModel):
    """The entities, in the order of the text."""

    entities: list[Entity]


class Tagging(Family):
    """Softmax cross-entropy on the first piece of every word."""

    name = "tagging"
    inputs = (("text",), ("tokens",))
    targets: ClassVar[Mapping[str, bool]] = {"tags": True, "tokens": False}
    metrics = ("entity_f1",)
    target_type = pa.list_(pa.int64())
    layout_type = pa.struct(
        [
            ("words", pa.list_(pa.list_(pa.int32()))),  # [start, end] of every word in the text
            ("numbers", pa.list_(pa.int32())),  # of the words that were not cut off, ...
            ("positions", pa.list_(pa.int32())),  # ... and their first pieces
        ]
    )
    offsets = True
    response = TaggingAnswer
    example = (
        {"text": "Ada moved to Turin."},
        {
            "entities": [
                {"type": "PER", "text": "Ada", "start": 0, "end": 3},
                {"type": "LOC", "text": "Turin", "start": 13, "end": 18},
            ]
        },
    )

    def asked(self, columns: Iterable[str]) -> tuple[str, ...]:
        return ("text",)

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        if "text" in record:
            return {"text": read_text(record, "text")}
        return {"text": " ".join(_tokens(record))}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("text", pa.string())])

    def text_of(self, row: Row) -> str:
        return str(row["text"])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        tokens = _tokens(record) if "tokens" in record else _words(row["text"])
        tags = _strings(record, "tags")
        if len(tokens) != len(tags):
            raise BadRowError(f"{len(tokens)} tokens but {len(tags)} tags, expected one tag per token")
        places(tokens, row["text"])
        return {"tags": to_bio(tags), "tokens": tokens}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("tags", pa.list_(pa.string())), ("tokens", pa.list_(pa.string()))])

    def target_of(self, row: Row) -> Any:
        return tuple(row["tags"])

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        types = labels or sorted({tag[2:] for row in rows for tag in row["tags"] if tag != "O"})
        tags = ["O", *(f"{prefix}-{entity}" for entity in types for prefix in "BI")]
        return {"labels": types, "tags": tags}

    def check_row(self, row: Row, facts: Facts) -> None:
        for tag in row["tags"]:
            if tag != "O" and tag[2:] not in facts["labels"]:
                known = ", ".join(facts["labels"])
                raise BadRowError(
                    f"tag '{tag}' is not of the label set{near_miss(tag[2:], facts['labels'])}; "
                    f"expected B- or I- with one of {known}"
                )

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from components.data.expectations import (
            ExpectEveryClassInTraining,
            ExpectItemsInSet,
            ExpectWellFormedTags,
        )

        return [
            Check(
                "tag sequences are well formed (BIO, one tag per token)",
                ExpectWellFormedTags(column_A="tokens", column_B="tags"),
            ),
            Check("every tag is in the tag set", ExpectItemsInSet(column="tags", value_set=facts["tags"])),
            Check(
                "every entity type occurs in training",
                ExpectEveryClassInTraining(column="tags", classes=facts["labels"], minimum=1),
            ),
            Check(
                f"at least {checks.min_rows_per_class} training entities per type",
                ExpectEveryClassInTraining(
                    column="tags", classes=facts["labels"], minimum=checks.min_rows_per_class
                ),
                "warning",
            ),
        ]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        counts = Counter(
            tag[2:] for tags in table["tags"].to_pylist() for tag in tags if tag.startswith("B-")
        )
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        """The row's words, or, of a question, those that `_WORD` finds."""
        text = row["text"]
        words = places(row["tokens"], text) if "tokens" in row else _spans(text)
        first = first_pieces(encodings[0], words)
        numbers, positions = list(first), list(first.values())
        return {"words": words, "numbers": numbers, "positions": positions}

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        number = {tag: index for index, tag in enumerate(facts["tags"])}
        target = [IGNORED] * len(encodings[0])
        words = places(row["tokens"], row["text"])
        for word, position in first_pieces(encodings[0], words).items():
            target[position] = number[row["tags"][word]]
        return target

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        padded = np.full((len(targets), length), IGNORED, dtype=np.int64)
        for row, target in enumerate(targets):
            padded[row, : len(target)] = target
        return torch.from_numpy(padded)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.model.heads import TokenHead

        return TokenHead(hidden_size, len(facts["tags"]))

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED, reduction="sum")

    def units(self, target: Any, facts: Facts) -> float:
        return float((np.asarray(target) != IGNORED).sum())

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """A word that was cut off by the length limit, or that has no piece, is O."""
        tags = ["O"] * len(layout["words"])
        path = best_path(logits[layout["positions"]], facts["tags"])
        for word, tag in zip(layout["numbers"], path, strict=True):
            tags[word] = tag
        return {"tags": tags}

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        """A span runs from its first word's start to its last word's end."""
        found = []
        for entity, first, last in entities(prediction["tags"]):
            start, end = layout["words"][first][0], layout["words"][last][1]
            found.append({"type": entity, "text": row["text"][start:end], "start": start, "end": end})
        return {"entities": found}

    def statistics(
        self, metric: str, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> np.ndarray:
        """Per sentence: entities found exactly (type and both ends), predicted, and in the gold."""
        counts = []
        for row, prediction in zip(rows, predictions, strict=True):
            gold, predicted = set(entities(row["tags"])), set(entities(prediction["tags"]))
            counts.append((len(gold & predicted), len(predicted), len(gold)))
        return np.array(counts, dtype=np.float64)

    def value(self, metric: str, sums: np.ndarray) -> np.ndarray:
        """Micro-averaged F1 of entities (CoNLL 2003 shared task)."""
        both = sums[:, 1] + sums[:, 2]
        return np.asarray(2 * sums[:, 0] / np.where(both > 0, both, 1))

    def trivial(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        majority = Counter(tag for row in train for tag in row["tags"]).most_common(1)[0][0]
        return [{"tags": to_bio([majority] * len(row["tokens"]))} for row in test]

    def linear(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """Each word tagged by itself from TF-IDF features of the word, its neighbours, prefixes,
        suffixes and shape, with a linear support vector machine trained by gradient descent."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import SGDClassifier
        from sklearn.pipeline import make_pipeline

        vectorizer = TfidfVectorizer(analyzer=list, min_df=2)
        model = make_pipeline(
            vectorizer, SGDClassifier(alpha=1e-6, max_iter=8, tol=None, random_state=0, n_jobs=2)
        )
        model.fit(
            [features for row in train for features in word_features(row["tokens"])],
            [tag for row in train for tag in row["tags"]],
        )
        flat = iter(model.predict([f for row in test for f in word_features(row["tokens"])]))
        return [{"tags": to_bio([str(next(flat)) for _ in row["tokens"]])} for row in test]


def to_bio(tags: Sequence[str]) -> list[str]:
    """Repair a sequence to BIO: an I- that continues nothing of its type begins an entity.

    So IOB1 reads as BIO. Anything that is neither O nor B-/I- with a type is refused (BadRowError).
    """
    repaired = []
    previous = "O"
    for position, tag in enumerate(tags, 1):
        if tag != "O" and (tag[:2] not in ("B-", "I-") or len(tag) == 2):
            raise BadRowError(f"tag {position} is '{tag}', expected O, B-TYPE or I-TYPE")
        continues = tag.startswith("I-") and previous[2:] == tag[2:] and previous != "O"
        repaired.append(tag if tag == "O" or tag.startswith("B-") or continues else f"B-{tag[2:]}")
        previous = tag
    return repaired


def best_path(logits: np.ndarray, tags: Sequence[str]) -> list[str]:
    """The likeliest well-formed BIO sequence: logits_WC of W words -> W tags (Viterbi 1967).

    The only constraint is that I-X continues B-X or I-X. A greedy choice would break entities apart.
    """
    legal_CC = np.array([[tag[:2] != "I-" or before[2:] == tag[2:] for tag in tags] for before in tags])
    penalty_CC = np.where(legal_CC, 0.0, -np.inf)
    score_C = np.array([-np.inf if tag[:2] == "I-" else 0.0 for tag in tags])
    back: list[np.ndarray] = []
    for word, logits_C in enumerate(logits):
        if word:
            total_CC = score_C[:, None] + penalty_CC
            back.append(total_CC.argmax(0))
            score_C = total_CC.max(0)
        score_C = score_C + logits_C
    path = [int(score_C.argmax())] if len(logits) else []
    for choices in reversed(back):
        path.append(int(choices[path[-1]]))
    return [tags[index] for index in reversed(path)]


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(type, first word, last word) of every entity, as seqeval reads BIO."""
    from seqeval.metrics.sequence_labeling import get_entities

    return [(str(kind), int(first), int(last)) for kind, first, last in get_entities(list(tags))]


_WORD = re.compile(r"\w+|[^\w\s]")  # of a question's text: a run of letters and digits, or one symbol


def _spans(text: str) -> list[list[int]]:
    return [list(match.span()) for match in _WORD.finditer(text)]


def _words(text: str) -> list[str]:
    return [text[start:end] for start, end in _spans(text)]


def places(tokens: Sequence[str], text: str) -> list[list[int]]:
    """[start, end] of every token in the text, in order.

    Raises:
        BadRowError: a token is not in the text after the one before it.
    """
    found, end = [], 0
    for number, token in enumerate(tokens, 1):
        start = text.find(token, end)
        if start < 0:
            raise BadRowError(f"token {number}, '{token:.30}', is not in the text after the one before it")
        end = start + len(token)
        found.append([start, end])
    return found


def first_pieces(encoding: Encoding, words: Sequence[Sequence[int]]) -> dict[int, int]:
    """Word number -> position of the first piece that holds a character of the word [start, end].

    A word that was cut off has none, nor has one that shares its piece with the word before.
    """
    pieces = [
        (position, offset)
        for position, (offset, sequence) in enumerate(
            zip(encoding.offsets, encoding.sequence_ids, strict=True)
        )
        if sequence == 0 and offset[0] < offset[1]
    ]
    found: dict[int, int] = {}
    place, last = 0, -1
    for word, (start, end) in enumerate(words):
        while place < len(pieces) and pieces[place][1][1] <= start:
            place += 1
        if place < len(pieces) and pieces[place][1][0] < end and pieces[place][0] != last:
            found[word] = last = pieces[place][0]
    return found


def word_features(tokens: Sequence[str]) -> list[list[str]]:
    """The linear baseline's features of every word of a sentence."""
    padded = ["<s>", "<s>", *tokens, "</s>", "</s>"]
    features = []
    for i, word in enumerate(tokens, 2):
        shape = "".join(
            "X" if c.isupper() else "x" if c.islower() else "9" if c.isdigit() else c for c in word
        )
        window = [f"{offset}:{padded[i + offset].lower()}" for offset in (-2, -1, 0, 1, 2)]
        affixes = [f"p{n}:{word[:n]}" for n in (2, 3)] + [f"s{n}:{word[-n:]}" for n in (2, 3)]
        cases = [f"{offset}:{padded[i + offset][:1].isupper()}" for offset in (-1, 1)]
        features.append([*window, *affixes, *cases, f"word:{word}", f"shape:{shape[:8]}"])
    return features


def _strings(record: Mapping[str, Any], role: str) -> list[str]:
    value = record.get(role)
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise BadRowError(f"'{role}' is {value!r:.60}, expected a list of words")
    return value


def _tokens(record: Mapping[str, Any]) -> list[str]:
    tokens = _strings(record, "tokens")
    if any(not token.strip() for token in tokens):
        raise BadRowError(f"token {[not t.strip() for t in tokens].index(True) + 1} is blank")
    return tokens


FAMILY = Tagging()
