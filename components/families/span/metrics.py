"""How good answers are, by the arithmetic of SQuAD's official script (evaluate-v2.0.py).

Legend: N questions.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics
from components.families.shared.metrics import mean


def normalise(text: str) -> str:
    """Lower case, without punctuation, articles and repeated spaces."""
    bare = "".join(one for one in text.lower() if one not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def exact_match(answer: str, gold: str) -> float:
    """1 where both are the same once normalised."""
    return float(normalise(answer) == normalise(gold))


def token_f1(answer: str, gold: str) -> float:
    """F1 of the normalised words; if either has none, 1 where both have none."""
    predicted, expected = normalise(answer).split(), normalise(gold).split()
    if not predicted or not expected:
        return float(predicted == expected)
    same = (Counter(predicted) & Counter(expected)).total()
    return 2 * same / (len(predicted) + len(expected))


def answer_of(row: Row, prediction: Prediction) -> str | None:
    """The predicted answer's text."""
    start, end = prediction["start"], prediction["end"]
    return None if start is None else str(row["context"][start:end])


def _best_against_gold(score: Callable[[str, str], float]) -> Statistics:
    """Per question: the best score against any of its gold answers, and 1."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        values = []
        for row, prediction in zip(rows, predictions, strict=True):
            gold = [answer["text"] for answer in row["answers"] if normalise(answer["text"])] or [""]
            values.append((max(score(answer_of(row, prediction) or "", one) for one in gold), 1.0))
        return np.array(values)

    return statistics


F1 = Metric("f1", _best_against_gold(token_f1), mean)
METRICS = (F1, Metric("exact_match", _best_against_gold(exact_match), mean))
