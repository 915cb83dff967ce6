"""ROUGE, chrF and BLEU, held to rouge-score and sacrebleu; Chinese is never silently 0."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.families.base import Metric, Prediction, Row
from components.families.generation import metrics

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "mat",
    "The",
    "3.5",
    "1,000",
    "re-use",
    "don't",
    "U.S.",
    "a&amp;b",
    '"so"',
    "end.",
]
ENGLISH = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
CHINESE = st.text(alphabet="他在北京工作。我們， abc", min_size=1, max_size=20).filter(
    lambda t: not t.isspace()
)
CORPUS = st.lists(st.tuples(ENGLISH, ENGLISH), min_size=1, max_size=6)
CORPUS_ZH = st.lists(st.tuples(CHINESE, CHINESE), min_size=1, max_size=6)
Pairs = list[tuple[str, str]]


def named(metric: str) -> Metric:
    (found,) = [one for one in metrics.METRICS if one.name == metric]
    return found


def rows_of(pairs: Pairs) -> tuple[list[Row], list[Prediction]]:
    return [{"target": gold} for _, gold in pairs], [{"text": found} for found, _ in pairs]


def corpus(metric: str, pairs: Pairs) -> float:
    return named(metric).measure(*rows_of(pairs), {})


@pytest.mark.slow
@settings(max_examples=30)
@given(CORPUS)
def test_rouge_is_rouge_scores(pairs: Pairs) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    for name, theirs in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        expected = np.mean([scorer.score(gold, found)[theirs].fmeasure for found, gold in pairs])
        assert corpus(name, pairs) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=30)
@given(st.one_of(CORPUS, CORPUS_ZH))
def test_chrf_is_sacrebleus(pairs: Pairs) -> None:
    from sacrebleu.metrics import CHRF

    expected = CHRF().corpus_score([found for found, _ in pairs], [[gold for _, gold in pairs]]).score
    assert 100 * corpus("chrf", pairs) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=30)
@given(CORPUS)
def test_bleu_is_sacrebleus(pairs: Pairs) -> None:
    assert 100 * corpus("bleu", pairs) == pytest.approx(bleu(pairs, "13a"), abs=1e-6)


@settings(max_examples=30)
@given(CORPUS_ZH)
def test_chinese_bleu_is_sacrebleus_of_characters(pairs: Pairs) -> None:
    assert 100 * corpus("bleu", pairs) == pytest.approx(bleu(pairs, "zh"), abs=1e-6)


def bleu(pairs: Pairs, tokenize: str) -> float:
    from sacrebleu.metrics import BLEU

    scorer = BLEU(tokenize=tokenize)
    return float(scorer.corpus_score([found for found, _ in pairs], [[gold for _, gold in pairs]]).score)


@pytest.mark.parametrize("metric", [one.name for one in metrics.METRICS])
@pytest.mark.parametrize(
    "text",
    ["他在北京工作。", "東京に住む人", "ภาษาไทยของเรา", "The cat sat here.", "हिन्दी में एक वाक्य", "?! -- ;"],
)
def test_a_text_is_like_itself_in_any_script(metric: str, text: str) -> None:
    assert corpus(metric, [(text, text)]) == pytest.approx(1)
    assert corpus(metric, [("", text)]) == 0


def test_chinese_words_are_its_characters() -> None:
    """他在北京工作 against 我在北京: shared 在北京, 3 of 6 and of 4 characters."""
    assert metrics.words("他在 Berlin工作") == ["他", "在", "berlin", "工", "作"]
    assert corpus("rouge_l", [("他在北京工作", "我在北京")]) == pytest.approx(2 * 3 / (6 + 4))
    assert corpus("rouge_2", [("他在北京工作", "我在北京")]) == pytest.approx(2 * 2 / (5 + 3))


@given(st.text(alphabet="abc", max_size=7), st.text(alphabet="abc", max_size=7))
def test_the_longest_common_subsequence_is_the_longest(one: str, other: str) -> None:
    def subsequences(text: str) -> set[tuple[str, ...]]:
        return {found for size in range(len(text) + 1) for found in itertools.combinations(text, size)}

    longest = max(map(len, subsequences(one) & subsequences(other)))
    assert metrics.longest_common(one, other) == longest


@pytest.mark.parametrize("metric", [one.name for one in metrics.METRICS])
def test_resampled_sums_are_those_of_the_rows_repeated(metric: str) -> None:
    """The bootstrap rests on it."""
    draw = np.random.default_rng(0)
    pairs = [(" ".join(draw.choice(WORDS, 6)), " ".join(draw.choice(WORDS, 5))) for _ in range(8)]
    table_NS = named(metric).statistics(*rows_of(pairs), {})
    counts_RN = draw.integers(0, 3, (4, 8))
    for counts_N, found in zip(counts_RN, named(metric).value(counts_RN @ table_NS), strict=True):
        repeated = [pair for pair, count in zip(pairs, counts_N, strict=True) for _ in range(count)]
        assert found == pytest.approx(corpus(metric, repeated))
