"""Tagging: every word, or character, of a text has a tag; of BIO tags, the entities they spell count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from components.errors import BadRowError, near_miss
from components.families.base import (
    Check,
    ClassCounts,
    Facts,
    Family,
    Layout,
    Metric,
    Options,
    Prediction,
    Row,
)
from components.families.base.capabilities import NamedLabels, NamesThings, OneClassEach, Reword, Rewordable
from components.families.shared.changes import options_changed
from components.families.shared.fields import read_text, whole
from components.families.shared.rewording import replaced
from components.families.shared.spans import read_spans, to_tags
from components.families.shared.words import first_pieces, places, read_words, units
from components.families.tagging.answers import TaggingAnswer
from components.families.tagging.baselines import commonest_tag, tags_by_words
from components.families.tagging.metrics import ENTITY_F1, TOKEN_ACCURACY, class_counts
from components.families.tagging.schemes import (
    PREFIXES,
    UNPREFIXED,
    best_path,
    each_word,
    entities,
    respelt,
    to_bio,
)

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks

IGNORED = -100  # target of special tokens and of a word's later pieces; cross_entropy leaves it out


class TaggingOptions(Options):
    """How tags are spelled, and what is tagged."""

    # how tags spell entities; plain tags (parts of speech) spell none
    scheme: Literal["bio", "iob1", "iobes", "bilou", "bmes", "bmewo", "io", "plain"] = "bio"
    # any takes b-per, B_PER and PER-B for B-PER, and o, _ and - (with the scheme io other and none) for O
    spelling: Literal["strict", "any"] = "strict"
    repair: bool = True  # false refuses a sequence of tags that is ill-formed
    unit: Literal["word", "character"] = "word"  # character tags every character that is no space


class Tagging(Rewordable, NamesThings, OneClassEach, NamedLabels, Family):
    """Softmax cross-entropy on the first piece of every word."""

    name = "tagging"
    hub_task = "token-classification"
    inputs = (("text",), ("tokens",))
    targets: ClassVar[Mapping[str, bool]] = {"tags": False, "spans": False, "tokens": False}
    text_columns = ("text",)
    options = TaggingOptions
    metrics = (ENTITY_F1, TOKEN_ACCURACY)
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
            ],
            "tokens": [],
        },
    )

    def request_fields(self, columns: Iterable[str]) -> tuple[str, ...]:
        return ("text",)

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        if "text" in record:
            return {"text": read_text(record, "text")}
        if options["unit"] == "character" and isinstance(record["tokens"], str):
            return {"text": read_text(record, "tokens")}
        between = "" if options["unit"] == "character" else " "
        return {"text": whole(between.join(read_words(record, "tokens")), "tokens")}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("text", pa.string())])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        """Tags given token by token, or `spans` of the raw text."""
        if ("tags" in record) == ("spans" in record):
            raise BadRowError("found both or neither of 'tags' and 'spans', expected one of them")
        if "spans" in record:
            if options["scheme"] == "plain":
                raise BadRowError("'spans' spell entities, but the scheme is plain; expected 'tags'")
            return to_tags(read_spans(record["spans"], row["text"]), row["text"], options["unit"])
        found = units(row["text"], options["unit"])
        if "tokens" in record and options["unit"] == "word":
            found = places(read_words(record, "tokens"), row["text"])
        tags = read_words(record, "tags")
        if len(found) != len(tags) == len(row["text"].split()) and options["unit"] == "word":
            found = places(row["text"].split(), row["text"])  # words with blanks between: O'Neil is one
        if len(found) != len(tags):
            raise BadRowError(f"{len(found)} tokens but {len(tags)} tags, expected one tag per token")
        if options["scheme"] != "plain":
            if options["spelling"] == "any":
                tags = [respelt(tag, options["scheme"]) for tag in tags]
            tags = to_bio(tags, options["scheme"], options["repair"])
        return {"tags": tags, "tokens": [row["text"][start:end] for start, end in found]}

    def raw_labels(self, role: str, value: Any, options: Mapping[str, Any]) -> Any:
        return read_words({role: value}, role) if role == "tags" and isinstance(value, str) else value

    def class_column(self, options: Mapping[str, Any]) -> str:
        return "tags"

    def class_of(self, label: str) -> str:
        """The type of an entity, as B-PER and I-PER have it."""
        return label[2:] if label[:2] in ("B-", "I-") else label

    def target_schema(self) -> pa.Schema:
        return pa.schema([("tags", pa.list_(pa.string())), ("tokens", pa.list_(pa.string()))])

    def target_of(self, row: Row) -> Any:
        return tuple(row["tags"])

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        counts = Counter(tag for row in rows for tag in row["tags"])
        if options["scheme"] == "plain":
            names = labels or sorted(counts)
            return {"labels": names, "tags": names, "default": counts.most_common(1)[0][0]}
        types = labels or sorted({tag[2:] for tag in counts if tag != "O"})
        if not types:
            raise BadRowError("no training row has an entity, nothing to learn")
        tags = ["O", *(f"{prefix}-{entity}" for entity in types for prefix in "BI")]
        return {"labels": types, "tags": tags, "default": "O"}

    def check_row(self, row: Row, facts: Facts) -> None:
        plain, labels = _plain(facts), facts["labels"]
        for tag in row["tags"]:
            if tag not in facts["tags"]:
                near, known = near_miss(tag if plain else tag[2:], labels), ", ".join(labels)
                expected = "one of" if plain else "O, or B- or I- with one of"
                raise BadRowError(f"tag '{tag}' is not of the label set{near}; expected {expected} {known}")

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from components.families.shared.expectations import (
            ExpectEveryClassInTraining,
            ExpectItemsInSet,
        )
        from components.families.tagging.expectations import ExpectWellFormedTags

        few, labels = checks.min_rows_per_class, facts["labels"]
        spelled = Check(
            "tag sequences are well formed (BIO, one tag per token)",
            ExpectWellFormedTags(column_A="tokens", column_B="tags"),
        )
        return [
            *([] if _plain(facts) else [spelled]),
            Check("every tag is in the tag set", ExpectItemsInSet(column="tags", value_set=facts["tags"])),
            Check(
                "every tag or entity type occurs in training",
                ExpectEveryClassInTraining(column="tags", classes=labels, minimum=1),
            ),
            Check(
                f"at least {few} in training of each",
                ExpectEveryClassInTraining(column="tags", classes=labels, minimum=few),
                "warning",
            ),
        ]

    def reworded(self, row: Row, reword: Reword) -> Row | None:
        """A word that is gone takes its tag along; one with a tag that says something stays."""
        asked = zip(row["tokens"], row["tags"], reword(row["tokens"]), strict=True)
        words = [old if new is None and tag != "O" else new for old, tag, new in asked]
        kept = [(tag, word) for tag, word in zip(row["tags"], words, strict=True) if word is not None]
        text = replaced(row["text"], places(row["tokens"], row["text"]), words)
        return {**row, "text": text, "tags": [tag for tag, _ in kept], "tokens": [word for _, word in kept]}

    def entities(self, row: Row) -> list[tuple[str, int, int]]:
        """Of tags that spell none, none."""
        spelt = all(tag == "O" or tag[:2] in ("B-", "I-") for tag in row["tags"])
        return entities(row["tags"]) if spelt else []

    def label_map(self, names: Mapping[str, str], facts: Facts) -> Mapping[str, str]:
        """Of tags, which have a prefix where they spell entities."""
        if _plain(facts):
            return names
        scheme = facts["options"]["scheme"]
        if scheme == UNPREFIXED:
            return {"O": "O", **names}
        prefixes = PREFIXES[scheme]
        tags = {f"{one}-{raw}": f"{one}-{name}" for raw, name in names.items() for one in prefixes}
        return {"O": "O", **tags}

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """Entities of each type, or tokens of each plain tag."""
        gold = (tag for tags in table["tags"].to_pylist() for tag in tags)
        counts = Counter(gold if _plain(facts) else (tag[2:] for tag in gold if tag.startswith("B-")))
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        """The row's tokens, or, of a question, the units that are found in it."""
        text = row["text"]
        known = row.get("tokens") is not None
        words = places(row["tokens"], text) if known else units(text, facts["options"]["unit"])
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
        from components.families.tagging.head import TokenHead

        return TokenHead(hidden_size, len(facts["tags"]))

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED, reduction="sum")

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """Of the labelled tokens."""
        from components.device import sum_where
        from components.families.shared.divergence import categorical

        return sum_where(categorical(logits, others), target != IGNORED)

    def units(self, target: Any, facts: Facts) -> float:
        return float((np.asarray(target) != IGNORED).sum())

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """A word that was cut off by the length limit, or that has no piece, gets the default tag; within an
        entity (as a blank of no width, which the tokenizer leaves out) it is of that entity."""
        tags = [facts["default"]] * len(layout["words"])
        logits_WC = logits[layout["positions"]]
        known, plain, before = facts["tags"], _plain(facts), -1
        path = [known[best] for best in logits_WC.argmax(-1)] if plain else best_path(logits_WC, known)
        for word, tag in zip(layout["numbers"], path, strict=True):
            within = before + 1 if tag.startswith("I-") and not plain else word
            tags[within : word + 1] = [tag] * (word + 1 - within)
            before = word
        return {"tags": tags}

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        """An entity runs from its first word's start to its last word's end."""
        text, words, tags = row["text"], layout["words"], prediction["tags"]
        if _plain(facts):
            tagged = zip(words, tags, strict=True)
            return {"tokens": [{**_span(text, start, end), "tag": tag} for (start, end), tag in tagged]}
        return {
            "entities": [
                {"type": kind, **_span(text, words[first][0], words[last][1])}
                for kind, first, last in entities(tags)
            ]
        }

    def metrics_for(self, options: Mapping[str, Any]) -> tuple[Metric, ...]:
        """Plain tags spell no entities."""
        return (TOKEN_ACCURACY,) if options["scheme"] == "plain" else self.metrics

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """Entities may be spelt in another scheme, but plain tags spell none."""
        ours, theirs = known["options"], facts["options"]
        names = ("unit",) if _plain(known) == _plain(facts) else ("scheme", "unit")
        return options_changed(ours, theirs, names)

    def labels_of(self, one: Row | Prediction, facts: Facts) -> Iterable[str]:
        """Plain tags, or the types of the entities."""
        plain = _plain(facts)
        return {tag if plain else tag[2:] for tag in one["tags"] if plain or tag != "O"}

    def relabelled(self, one: Row | Prediction, names: Mapping[str, str], facts: Facts) -> Row | Prediction:
        cut = 0 if _plain(facts) else 2
        tags = [tag[:cut] + names.get(tag[cut:], tag[cut:]) for tag in one["tags"]]
        return {**one, "tags": tags}

    def report(
        self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
    ) -> list[ClassCounts]:
        """Of each entity type, or of each plain tag."""
        return class_counts(rows, predictions, facts["labels"], each_word if _plain(facts) else entities)

    def class_pairs(self, row: Row, said: Prediction, facts: Facts) -> Iterable[tuple[str, str]]:
        """Of each token: its plain tag, or the type of its entity."""
        cut = 0 if _plain(facts) else 2
        gold, guessed = ([tag if tag == "O" else tag[cut:] for tag in side["tags"]] for side in (row, said))
        return zip(gold, guessed, strict=True)

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The commonest tag of the training rows for every token."""
        majority = commonest_tag(train)
        return [self._tagged([majority] * len(row["tokens"]), facts) for row in test]

    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """A linear model of each word and its neighbours."""
        if len({tag for row in train for tag in row["tags"]}) == 1:  # as of classification
            return self.majority_baseline(train, test, facts)
        return [self._tagged(tags, facts) for tags in tags_by_words(train, test)]

    def _tagged(self, tags: list[str], facts: Facts) -> Prediction:
        return {"tags": tags if _plain(facts) else to_bio(tags)}


def _span(text: str, start: int, end: int) -> dict[str, str | int]:
    return {"text": text[start:end], "start": start, "end": end}


def _plain(facts: Facts) -> bool:
    return bool(facts["options"]["scheme"] == "plain")


FAMILY = Tagging()
