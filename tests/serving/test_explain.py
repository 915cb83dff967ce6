"""Leaving words out finds what an answer hangs on, for a model whose weights are known and for a real one."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from scipy.stats import spearmanr
from tokenizers import Tokenizer, models

from components.families.classification.family import ClassificationAnswer
from components.families.tagging.answers import TaggingAnswer
from components.release.records import Limits
from serving.explain import MOST, Ask, Explanation, at_most, explain, parts_of
from serving.predictor import Predictor
from serving.questions import Reader
from serving.requests import BadRequestError, Item

CARDS: Any = {
    "mood": {"family": "classification"},
    "names": {"family": "tagging"},
}
EVIDENCE = {"good": 2.0, "bad": -1.5, "film": 0.1}


def words(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(r"\w+|[^\w\s]", text)]


async def ask(texts: Sequence[BaseModel], names: Sequence[str] | None) -> list[dict[str, BaseModel]]:
    """A logistic model of a bag of words, and a tagger that finds nothing."""
    answers: list[dict[str, BaseModel]] = []
    for text in texts:
        said = sum(EVIDENCE.get(word, 0.0) for word in re.findall(r"\w+", text.model_dump()["text"]))
        yes = 1 / (1 + np.exp(-said))
        label = "yes" if yes > 0.5 else "no"
        mood = ClassificationAnswer(
            label=label, probability=max(yes, 1 - yes), probabilities={"yes": yes, "no": 1 - yes}
        )
        answers.append({"mood": mood, **({} if names == ["mood"] else {"names": TaggingAnswer()})})
    return answers


async def tag(texts: Sequence[BaseModel], names: Sequence[str] | None) -> list[dict[str, BaseModel]]:
    return [{"names": TaggingAnswer()} for _ in texts]


def explained(ask: Ask, texts: Sequence[Any], names: Sequence[str] | None) -> dict[str, Explanation]:
    reader: Any = SimpleNamespace(cards=CARDS, words=words)
    return asyncio.run(explain(ask, reader, texts, names))


def logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def test_a_words_weight_is_what_the_answer_loses_without_it() -> None:
    found = explained(ask, ["a good film, not bad"], None)
    assert list(found) == ["mood"]  # a tagger's answer is of many parts
    assert found["mood"].support == pytest.approx(logistic(0.6))
    weights = {word.text: word.weight for word in found["mood"].words}
    assert weights == pytest.approx(
        {
            "a": 0,
            "good": logistic(0.6) - logistic(-1.4),
            "film,": logistic(0.6) - logistic(0.5),
            "not": 0,
            "bad": logistic(0.6) - logistic(2.1),
        }
    )


def test_words_are_offsets_into_the_question() -> None:
    text = "\N{PILE OF POO} good   film"
    found = explained(ask, [text], ["mood"])
    assert [text[word.start : word.end] for word in found["mood"].words] == [
        word.text for word in found["mood"].words
    ]


def test_the_answer_that_is_explained_is_the_first_one_whatever_is_left_out() -> None:
    """Without "good" the label turns; the weight is still that of the label that was answered."""
    found = explained(ask, ["good bad bad"], None)["mood"]
    assert found.support == pytest.approx(1 - logistic(-1.0))  # no
    assert found.words[0].weight < 0 < found.words[1].weight


@pytest.mark.parametrize("count", [1, 2, MOST, MOST + 1, 1000])
def test_a_long_question_is_left_out_in_groups(count: int) -> None:
    text = " ".join(f"w{n}" for n in range(count))
    parts = parts_of({"text": text, "text_pair": "one two"}, words)
    assert len(parts) <= MOST
    covered = [part for part in parts if part.field == "text"]
    assert "".join(text[part.start : part.end] for part in covered).replace(" ", "") == (
        text.replace(" ", "") if count > 1 else ""  # a text of one word is never left out: it would be empty
    )


def test_what_cannot_be_explained_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadRequestError, match="an answer of names is of many parts"):
        explained(tag, ["a b"], ["names"])
    with pytest.raises(BadRequestError, match="only a question of plain texts"):
        explained(ask, [Item(turns=["a"])], None)


def test_a_part_without_which_the_tokenizer_knows_nothing_is_left_out() -> None:
    """Of its remainder the caller knows nothing: he sent one text."""

    async def knows_good(
        texts: Sequence[BaseModel], names: Sequence[str] | None
    ) -> list[dict[str, BaseModel]]:
        for number, text in enumerate(texts):
            if "good" not in text.model_dump()["text"]:
                raise BadRequestError(f"texts[{number}]: the tokenizer knows nothing in it")
        return await ask(texts, names)

    found = explained(knows_good, ["a good film"], ["mood"])["mood"]
    assert [word.text for word in found.words] == ["a", "film"]
    assert found.words[1].weight == pytest.approx(logistic(2.1) - logistic(2.0))


def test_the_words_of_a_tokenizer_that_makes_none_stand_between_blanks() -> None:
    reader = Reader({}, Tokenizer(models.Unigram()), Limits(max_texts=1, max_characters=9, max_body_bytes=9))
    assert reader.words(" a good  film.") == [(1, 2), (3, 7), (9, 14)]


def weights(predictor: Predictor, text: str) -> list[float]:
    async def ask(texts: Sequence[BaseModel], names: Sequence[str] | None) -> list[dict[str, BaseModel]]:
        return predictor.predict(texts, names)

    few = at_most(predictor.reader.limits.max_texts, ask)
    found = asyncio.run(explain(few, predictor.reader, [text], ["sentiment"]))
    return [word.weight for word in found["sentiment"].words]


def test_an_explanation_hangs_on_the_model(predictor: Predictor) -> None:
    """The sanity check of Adebayo et al. 2018: with random weights in the place of the model's, words rank
    otherwise; with the same, they rank alike."""
    draw = random.Random(0)
    texts = [
        " ".join(draw.choices(["ada", "was", "in", "rome", "so", "bob", "good", "bad"], k=6))
        for _ in range(5)
    ]
    before = [weights(predictor, text) for text in texts]
    assert before == [weights(predictor, text) for text in texts]
    kept = {name: value.clone() for name, value in predictor.model.state_dict().items()}
    try:
        torch.manual_seed(1)
        for weight in (one for one in predictor.model.parameters() if one.dim() > 1):
            weight.data = torch.randn_like(weight) * weight.std()
        after = [weights(predictor, text) for text in texts]
    finally:
        predictor.model.load_state_dict(kept)
    alike = [spearmanr(one, other).statistic for one, other in zip(before, after, strict=True)]
    assert abs(float(np.mean(alike))) < 0.5
