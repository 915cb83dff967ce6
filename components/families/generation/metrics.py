"""How much a text shares with a reference: ROUGE, chrF and BLEU, as sums over texts that can be resampled.

A function gives a text's statistics, and another one the metric of their sums. Shares of 1.

Legend: R resamples, S statistics, n the order of an n-gram.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics
from components.families.shared.metrics import mean
from components.families.shared.words import UNSPACED

WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
CHRF_ORDER, CHRF_BETA, BLEU_ORDER = 6, 2, 4


def words(text: str) -> list[str]:
    """Runs of letters and digits, caseless, and single characters of scripts without spaces. A text that has
    neither is its symbols: it is compared, too."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return WORD.findall(plain) or [symbol for symbol in plain if not symbol.isspace()]


def f1(shared: float, found: int, gold: int) -> float:
    """The harmonic mean of shared / found and shared / gold."""
    return 2 * shared / (found + gold) if shared else 0.0


def rouge_n(order: int, found: str, gold: str) -> list[float]:
    """F1 of the n-grams of words (Lin 2004, section 2), and 1."""
    ours, theirs = (ngrams(words(text), order) for text in (found, gold))
    return [f1((ours & theirs).total(), ours.total(), theirs.total()), 1.0]


def rouge_l(found: str, gold: str) -> list[float]:
    """F1 of the longest common subsequence of words (Lin 2004, section 3.1, with beta 1), and 1."""
    ours, theirs = words(found), words(gold)
    return [f1(longest_common(ours, theirs), len(ours), len(theirs)), 1.0]


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    lengths = [0] * (len(other) + 1)
    for item in one:
        diagonal = 0
        for place, its in enumerate(other, 1):
            above = lengths[place]
            lengths[place] = diagonal + 1 if item == its else max(above, lengths[place - 1])
            diagonal = above
    return lengths[-1]


def ngrams(items: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    """How often each n-gram occurs."""
    return Counter(zip(*(items[start:] for start in range(order)), strict=False))


def chrf(found: str, gold: str) -> list[float]:
    """Of each order to 6 the character n-grams found, in the reference, and shared; spaces do not count
    (Popovic 2015), nor what is found of an order that the reference is too short for."""
    ours, theirs = ("".join(text.split()) for text in (found, gold))
    sums: list[float] = []
    for order in range(1, CHRF_ORDER + 1):
        mine, its = ngrams(ours, order), ngrams(theirs, order)
        sums += [mine.total() if its else 0, its.total(), (mine & its).total()]
    return sums


def chrf_of_sums(sums_RS: np.ndarray) -> np.ndarray:
    """F with beta 2 of mean precision and mean recall over the orders that both sides have, as sacrebleu's
    chrF2."""
    found, gold, shared = sums_RS.reshape(len(sums_RS), CHRF_ORDER, 3).transpose(2, 0, 1)
    both = (found > 0) & (gold > 0)
    orders = np.maximum(both.sum(1), 1)
    precision, recall = (
        np.where(both, shared / np.where(both, total, 1), 0).sum(1) / orders for total in (found, gold)
    )
    weight = CHRF_BETA**2
    denominator = weight * precision + recall
    return np.asarray((1 + weight) * precision * recall / np.where(denominator > 0, denominator, 1))


def bleu(found: str, gold: str) -> list[float]:
    """The words of both, and of each order to 4 the n-grams shared and found (Papineni 2002), cased."""
    ours, theirs = bleu_words(found), bleu_words(gold)
    sums: list[float] = [len(ours), len(theirs)]
    for order in range(1, BLEU_ORDER + 1):
        mine = ngrams(ours, order)
        sums += [(mine & ngrams(theirs, order)).total(), mine.total()]
    return sums


def bleu_of_sums(sums_RS: np.ndarray) -> np.ndarray:
    """The corpus's score, an order without a match counted 1 / 2^k matches for the k-th of such orders, as
    sacrebleu's exponential smoothing does (method 3 of Chen & Cherry 2014)."""
    found, gold, shared, total = sums_RS[:, 0], sums_RS[:, 1], sums_RS[:, 2::2], sums_RS[:, 3::2]
    smooth = 0.5 ** (shared == 0).cumsum(1)
    precision = np.where(shared == 0, smooth, shared) / np.maximum(total, 1)
    brevity = np.exp(np.minimum(0, 1 - gold / np.maximum(found, 1e-9)))
    defined = (total > 0).all(1) & (shared > 0).any(1)
    return np.asarray(np.where(defined, brevity * np.exp(np.log(precision).mean(1)), 0))


def bleu_words(text: str) -> list[str]:
    """The words of WMT's script mteval-v13a, and single characters of scripts without spaces."""
    for entity, symbol in (("<skipped>", ""), ("-\n", ""), ("\n", " ")):
        text = text.replace(entity, symbol)
    for entity, symbol in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(entity, symbol)
    text = re.sub(rf"([{UNSPACED}\u3000-\u303f\uff00-\uffef])", r" \1 ", f" {text} ")
    text = re.sub(r"([{-~\[-` -&(-+:-@/])", r" \1 ", text)
    text = re.sub(r"([^0-9])([.,])", r"\1 \2 ", text)
    text = re.sub(r"([.,])([^0-9])", r" \1 \2", text)
    return re.sub(r"([0-9])(-)", r"\1 \2 ", text).split()


def _of(measure: Callable[[str, str], list[float]]) -> Statistics:
    """A text's statistics, of rows and predictions."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        pairs = zip(rows, predictions, strict=True)
        return np.array([measure(found["text"], row["target"]) for row, found in pairs], dtype=np.float64)

    return statistics


METRICS = (
    Metric("rouge_l", _of(rouge_l), mean),
    Metric("rouge_1", _of(functools.partial(rouge_n, 1)), mean),
    Metric("rouge_2", _of(functools.partial(rouge_n, 2)), mean),
    Metric("chrf", _of(chrf), chrf_of_sums),
    Metric("bleu", _of(bleu), bleu_of_sums),
)
