"""Tagging: every word of a sentence has a BIO tag; the entities they spell are what counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import near_miss
from components.tasks.base import BadRowError, Check, Facts, Family, Prediction, Row

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
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
    roles: ClassVar[Mapping[str, bool]] = {"tokens": True, "tags": True, "id": False}
    metrics = ("entity_f1",)
    target_type = pa.list_(pa.int64())
    response = TaggingAnswer

    def read(self, record: Mapping[str, Any]) -> Row:
        tokens, tags = _strings(record, "tokens"), _strings(record, "tags")
        if len(tokens) != len(tags):
            raise BadRowError(f"{len(tokens)} tokens but {len(tags)} tags, expected one tag per token")
        if any(not token.strip() for token in tokens):
            raise BadRowError(f"token {[not t.strip() for t in tokens].index(True) + 1} is blank")
        return {"tokens": tokens, "tags": to_bio(tags)}

    def schema(self) -> pa.Schema:
        return pa.schema([("tokens", pa.list_(pa.string())), ("tags", pa.list_(pa.string()))])

    def text_of(self, row: Row) -> str:
        return " ".join(row["tokens"])

    def target_of(self, row: Row) -> Any:
        return tuple(row["tags"])

    def learn_facts(self, rows: Sequence[Row], labels: list[str] | None) -> Facts:
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

    def encode(self, tokenizer: Tokenizer, table: pa.Table, facts: Facts) -> dict[str, list[Any]]:
        number = {tag: index for index, tag in enumerate(facts["tags"])}
        sentences = table["tokens"].to_pylist()
        encodings = tokenizer.encode_batch(sentences, is_pretokenized=True)
        starts = [word_starts(encoding.word_ids) for encoding in encodings]
        targets = []
        for encoding, tags, start in zip(encodings, table["tags"].to_pylist(), starts, strict=True):
            target = [IGNORED] * len(encoding.ids)
            for word, position in start.items():
                target[position] = number[tags[word]]
            targets.append(target)
        return {
            "input_ids": [encoding.ids for encoding in encodings],
            "segment_ids": [encoding.type_ids for encoding in encodings],
            "target": targets,
            "words": [len(sentence) for sentence in sentences],
            "word_numbers": [list(start.keys()) for start in starts],
            "positions": [list(start.values()) for start in starts],
        }

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        padded = np.full((len(targets), length), IGNORED, dtype=np.int64)
        for row, target in enumerate(targets):
            padded[row, : len(target)] = target
        return torch.from_numpy(padded)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.model.heads import TokenHead

        return TokenHead(hidden_size, len(facts["tags"]))

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, int]:
        from torch.nn.functional import cross_entropy

        total = cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED, reduction="sum")
        return total, int((target != IGNORED).sum())

    def units(self, target: Any) -> int:
        return int((np.asarray(target) != IGNORED).sum())

    def decode(self, logits: np.ndarray, encoded: Row, facts: Facts) -> Prediction:
        """A word that was cut off by the length limit, or that has no piece, is O."""
        tags = ["O"] * encoded["words"]
        path = best_path(logits[encoded["positions"]], facts["tags"])
        for word, tag in zip(encoded["word_numbers"], path, strict=True):
            tags[word] = tag
        return {"tags": tags}

    def answer(self, logits: np.ndarray, encoding: Encoding, text: str, facts: Facts) -> Prediction:
        """Words are the tokenizer's own; a span runs from its first word's start to its last's end."""
        starts = word_starts(encoding.word_ids)
        ends = {word: offset[1] for word, offset in zip(encoding.word_ids, encoding.offsets, strict=True)}
        begins = {word: encoding.offsets[position][0] for word, position in starts.items()}
        words = list(starts)
        tags = best_path(logits[list(starts.values())], facts["tags"])
        found = []
        for entity, first, last in entities(tags):
            start, end = begins[words[first]], ends[words[last]]
            found.append({"type": entity, "text": text[start:end], "start": start, "end": end})
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

    def trivial(self, train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
        majority = Counter(tag for row in train for tag in row["tags"]).most_common(1)[0][0]
        return [{"tags": to_bio([majority] * len(row["tokens"]))} for row in test]

    def linear(self, train: Sequence[Row], test: Sequence[Row]) -> list[Prediction]:
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


def word_starts(word_ids: Sequence[int | None]) -> dict[int, int]:
    """Word number -> position of its first piece."""
    starts: dict[int, int] = {}
    for position, word in enumerate(word_ids):
        if word is not None:
            starts.setdefault(word, position)
    return starts


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
        raise BadRowError(f"column '{role}' is {value!r:.60}, expected a list of words")
    return value


FAMILY = Tagging()
