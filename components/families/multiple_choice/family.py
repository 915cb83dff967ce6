"""Multiple choice: which of a row's own choices belongs to its text, or to its dialogue."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import BadRowError, near_miss
from components.families.base import Check, Facts, Family, Layout, Prediction, Row, Sequence1, TextRequest
from components.families.base.capabilities import MultiSequence, Predict, Probabilities, TunedBaseline
from components.families.classification.family import softmax
from components.families.shared.fields import read_json, read_list, read_text
from components.families.shared.metrics import accuracy
from components.families.shared.rewording import TextsReworded
from components.spelling import is_blank, plain

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks

FEWEST, MOST = 2, 20  # choices of a row


class ChoiceRequest(TextRequest):
    """A text or a dialogue, and 2 to 20 choices."""

    choices: list[str]


class ChoiceAnswer(BaseModel):
    """The number of the best choice (the first is 0), its text, and the probability of every choice."""

    answer: int
    choice: str
    probabilities: list[float]


class MultipleChoice(TextsReworded, MultiSequence, Probabilities, TunedBaseline, Family):
    """Softmax cross-entropy over one score for each pair of text and choice, read together
    (Radford 2018, section 3.3)."""

    name = "multiple_choice"
    inputs = (("text", "choices"), ("turns", "choices"))
    text_columns = ()
    object_roles = ("choices",)
    targets: ClassVar[Mapping[str, bool]] = {"answer": True}
    request = ChoiceRequest
    metrics = (accuracy("answer"),)
    target_type = pa.int64()
    response = ChoiceAnswer
    example = (
        {"text": "The streets are wet.", "choices": ["It has rained.", "It is noon."]},
        {"answer": 0, "choice": "It has rained.", "probabilities": [0.9, 0.1]},
    )

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        text = super().read_input(record, options)["text"]
        return {"text": text, "choices": read_choices(record)}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("text", pa.string()), ("choices", pa.list_(pa.string()))])

    def text_of(self, row: Row) -> str:
        """The same choices in another order are the same question."""
        return "\n".join([row["text"], *sorted(row["choices"])])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        names = [name for name, _ in named_choices(record["choices"])] if "choices" in record else []
        return {"answer": read_answer(record.get("answer"), row["choices"], names)}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("answer", pa.int64())])

    def target_of(self, row: Row) -> Any:
        return row["choices"][row["answer"]]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("the choices of a multiple-choice task are its rows' own; remove `labels`")
        return {}

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from components.families.multiple_choice.expectations import ExpectNumberOfItem

        among = ExpectNumberOfItem(column_A="choices", column_B="answer", fewest=FEWEST, most=MOST)
        return [Check(f"{FEWEST} to {MOST} choices, and the answer is one of them", among)]

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """Where the right choice stands."""
        counts = Counter(table["answer"].to_pylist())
        return [(f"choice {number}", counts[number]) for number in sorted(counts)]

    def sequences(self, row: Row) -> list[Sequence1]:
        """The text with each choice."""
        return [(row["text"], choice) for choice in row["choices"]]

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        return row["answer"]

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        import torch

        return torch.tensor(targets, dtype=torch.int64)

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.multiple_choice.head import ChoiceHead

        return ChoiceHead(hidden_size)

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits, target, reduction="sum")

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """The logits of choices that the row does not have are -inf."""
        probabilities = softmax(logits[~np.isneginf(logits)])
        return {"answer": int(probabilities.argmax()), "probabilities": probabilities.tolist()}

    def respond(self, prediction: Prediction, row: Row, layout: Layout, facts: Facts) -> Prediction:
        return {**prediction, "choice": row["choices"][prediction["answer"]]}

    def likelihoods(self, row: Row, said: Prediction, facts: Facts) -> list[tuple[float, bool]]:
        return [(said["probabilities"][said["answer"]], said["answer"] == row["answer"])]

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The most frequent position in training among rows of as many choices: on those rows it is
        never worse than a guess, 1 in M."""
        positions: dict[int, Counter[int]] = defaultdict(lambda: Counter({0: 0}))
        for row in train:
            positions[len(row["choices"])][row["answer"]] += 1
        return [{"answer": positions[len(row["choices"])].most_common(1)[0][0]} for row in test]

    def linear_models(self, train: Sequence[Row], facts: Facts) -> Iterator[Predict]:
        """Regression's linear baselines on pairs of text and choice (1 if right, else 0); the pair that one
        scores highest is its answer."""
        from components.families.regression.family import FAMILY as REGRESSION

        scored = [
            {**pair, "score": float(number == row["answer"])}
            for row in train
            for number, pair in enumerate(_pairs(row))
        ]
        for scores_of in REGRESSION.linear_models(scored, facts):
            yield partial(_highest, scores_of)


def _highest(scores_of: Predict, rows: Sequence[Row]) -> list[Prediction]:
    scores = iter(scores_of([pair for row in rows for pair in _pairs(row)]))
    return [{"answer": int(np.argmax([next(scores)["score"] for _ in row["choices"]]))} for row in rows]


def _pairs(row: Row) -> list[Row]:
    return [{"text": row["text"], "text_pair": choice} for choice in row["choices"]]


def named_choices(value: Any) -> list[tuple[str, Any]]:
    """The choices, each with its name: "A", "B" and so on in a list of texts; else the keys of an object, the
    columns that hold them, or the labels in {"label": [...], "text": [...]} or in a list of {label, text}."""
    value = read_json(value, "'choices'", "a JSON list")
    if isinstance(value, dict):
        if isinstance(value.get("text"), list) and isinstance(value.get("label"), list):
            return list(zip(map(str, value["label"]), value["text"], strict=False))
        value = {name: text for name, text in value.items() if not is_blank(text)}
        if len(value) > 1:
            return list(value.items())
    found = read_list({"choices": value}, "choices")
    letters = [chr(ord("A") + number) for number in range(len(found))]
    if all(isinstance(one, dict) and "text" in one for one in found):
        labels = [str(one.get("label", letter)) for letter, one in zip(letters, found, strict=True)]
        return list(zip(labels, (one["text"] for one in found), strict=True))
    return list(zip(letters, found, strict=True))


def read_choices(record: Mapping[str, Any]) -> list[str]:
    """Two to twenty distinct texts."""
    choices = [text for _, text in named_choices(record.get("choices"))]
    if not FEWEST <= len(choices) <= MOST:
        raise BadRowError(f"'choices' has {len(choices)}, expected {FEWEST} to {MOST}")
    named = {f"choice {number}": choice for number, choice in enumerate(choices)}
    texts = [read_text(named, name).strip() for name in named]
    if len(set(texts)) < len(texts):
        repeated = next(text for text in texts if texts.count(text) > 1)
        raise BadRowError(f"'choices' has '{repeated:.60}' twice, expected distinct choices")
    return texts


def read_answer(value: Any, choices: Sequence[str], names: Sequence[str] = ()) -> int:
    """The number of the right choice, given as such, as its text or as its name."""
    given = plain(value)
    for known in (choices, names):
        if isinstance(value, str) and given in known:
            return known.index(given)
    if not given.isdecimal() or int(given) >= len(choices):
        raise BadRowError(
            f"'answer' is {value!r:.60}{near_miss(given, choices)}; "
            f"expected the text of a choice, or its number from 0 to {len(choices) - 1}"
        )
    return int(given)


FAMILY = MultipleChoice()
