"""Generation: rows read or refused in one sentence, losses by hand, answers that end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from components.errors import BadRowError
from components.families.generation import copy_vocabulary
from components.families.generation.baselines import lead, nearest
from components.families.generation.family import FAMILY
from tests.conftest import WORDS, sentence
from tests.families.families import UNICODE, WIDTH, ask, learn, metric, options, read, states

ROWS = [
    {
        "text": f"{sentence(n)}. More of it.",
        "text_pair": None,
        "prefix": "",
        "target": f"{WORDS[n % 7]} {n % 3}",
    }
    for n in range(30)
]
FACTS = learn(FAMILY, ROWS, vocabulary=300, copies=8, max_target=12)
END = copy_vocabulary.outputs(FACTS["vocabulary"]) - 1
GOOD = {"text": "a plane", "target": "plane"}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": None}, "'text' is missing, expected a text"),
        ({"text": "\n "}, "'text' is empty, expected a text"),
        ({"text": 7}, "'text' is 7, expected a text"),
        ({"target": None}, "'target' is missing, expected a text"),
        ({"target": ""}, "'target' is empty, expected a text"),
        ({"target": " \t"}, "'target' is empty, expected a text"),
        ({"target": ["a"]}, "'target' is ['a'], expected a text"),
        ({"target": 4.5}, "'target' is 4.5, expected a text"),
        ({"target": "a\ud800b"}, "'target' has half a surrogate pair at character 1, expected Unicode text"),
        ({"text": "\udfffa"}, "'text' has half a surrogate pair at character 0, expected Unicode text"),
        ({"text_pair": ""}, "'text_pair' is empty, expected a text"),
        ({"turns": "[]"}, "'turns' is [], expected a list that is not empty"),
        ({"turns": [{"role": "A", "text": ""}]}, "turn 1: 'text' is empty, expected a text"),
    ],
)
def test_a_malformed_row_is_one_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, GOOD | wrong, FACTS)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("targets", "labels", "sentence"),
    [
        (["same", "same"], None, "all 2 training targets are 'same', nothing to learn"),
        (["one", "two"], ["one"], "a generation task has no label set; remove `labels`"),
    ],
)
def test_targets_that_teach_nothing_are_refused(targets: list[str], labels: Any, sentence: str) -> None:
    rows = [{"text": "a", "target": target} for target in targets]
    for decoder in ("small", "pretrained"):
        with pytest.raises(BadRowError) as error:
            learn(FAMILY, rows, labels, decoder=decoder)
        assert str(error.value) == sentence


def test_a_prefix_is_read_by_the_encoder_and_is_no_part_of_the_text() -> None:
    given = options(FAMILY, prefix="summarize: ")
    row = FAMILY.read_input({"text": "a plane", "text_pair": "late"}, given)
    assert FAMILY.sequences(row) == [("summarize: a plane", "late")]
    assert FAMILY.text_of(row) == FAMILY.text_of(
        FAMILY.read_input({"text": "a plane", "text_pair": "late"}, options(FAMILY))
    )
    with pytest.raises(ValueError, match="half a surrogate pair"):
        options(FAMILY, prefix="\ud800")


def encoded(
    tokenizer: Any, record: dict[str, Any], facts: dict[str, Any], length: int = 24
) -> tuple[Any, Any]:
    row = read(FAMILY, record, facts)
    tokenizer.enable_truncation(max_length=length)
    return row, FAMILY.tokenise(tokenizer, [row], facts["options"])[0]


@pytest.mark.slow
@settings(max_examples=30)
@given(UNICODE)
def test_an_encoded_target_says_the_target(tokenizer: Any, text: str) -> None:
    facts = {**FACTS, "options": FACTS["options"] | {"max_target": 1000, "prefix": "say: "}}
    row, encodings = encoded(tokenizer, {"text": f"good {text}", "target": text}, facts)
    target = FAMILY.target(row, encodings, facts)
    layout = FAMILY.layout(row, encodings, facts)
    assert FAMILY.decode(np.array(target, float), layout, facts) == {
        "text": row["target"].strip(),
        "complete": True,
    }
    assert len(FAMILY.extra_inputs(row, encodings, facts) or []) == len(layout["words"]) <= 8


def test_a_target_that_is_too_long_is_cut_and_does_not_end(tokenizer: Any) -> None:
    for most in (1, 3):
        facts = {**FACTS, "options": FACTS["options"] | {"max_target": most}}
        row, encodings = encoded(tokenizer, {"text": "a", "target": "zzzz yyyy xxxx"}, facts)
        target = FAMILY.target(row, encodings, facts)
        assert len(target) == most == FAMILY.units(target, facts)
        assert END not in target
        assert not FAMILY.decode(np.array(target, float), {"words": []}, facts)["complete"]


def test_the_loss_is_the_sum_over_tokens_and_padding_counts_nothing() -> None:
    """Logits log 1, log 2, log 5 give 1/8, 2/8, 5/8: -log 5/8 - log 2/8 for two tokens, of three units with
    the other row's."""
    logits = torch.log(torch.tensor([1.0, 2.0, 5.0])).expand(2, 2, 3)
    target = FAMILY.collate([[2, 1], [0]], 0)
    assert target.tolist() == [[2, 1], [0, -100]]
    expected = -math.log(5 / 8) - math.log(2 / 8) - math.log(1 / 8)
    assert float(FAMILY.loss(logits, target, FACTS)) == pytest.approx(expected)
    assert sum(FAMILY.units(each, FACTS) for each in ([2, 1], [0])) == 3


def test_smoothing_is_that_of_torch_over_the_vocabulary_alone() -> None:
    facts = {**FACTS, "options": FACTS["options"] | {"label_smoothing": 0.2}}
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, END + 1), torch.tensor([[4, END, -100], [0, 7, END]])
    expected = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), target.flatten(), label_smoothing=0.2, reduction="sum", ignore_index=-100
    )
    torch.testing.assert_close(FAMILY.loss(logits, target, facts), expected)
    absent = torch.full((2, 3, 4), torch.finfo(torch.float32).min)  # words that no row has
    torch.testing.assert_close(FAMILY.loss(torch.cat([logits, absent], -1), target, facts), expected)


def test_tokens_that_a_row_lacks_do_not_make_two_outputs_differ() -> None:
    from torch.distributions import Categorical, kl_divergence

    one, other = torch.randn(2, 1, 3, 5, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([[1, 2, -100]])
    p, q = (Categorical(logits=each[0, :2]) for each in (one, other))
    expected = (kl_divergence(p, q) + kl_divergence(q, p)).sum()
    torch.testing.assert_close(FAMILY.divergence(one, other, target, FACTS), expected)


@pytest.mark.slow
@settings(max_examples=15)
@given(UNICODE)
def test_any_question_is_answered_within_the_limits(tokenizer: Any, text: str) -> None:
    answer = ask(FAMILY, tokenizer, {"text": text}, FACTS)
    assert isinstance(answer.text, str)
    answer.text.encode()  # it is Unicode, whatever bytes were said


def test_an_answer_is_cut_where_it_does_not_end(tokenizer: Any) -> None:
    row, encodings = encoded(tokenizer, GOOD, FACTS)
    head = FAMILY.head(WIDTH, FACTS).eval()
    torch.nn.init.constant_(head.bias, 0)
    with torch.no_grad():
        head.bias[END] = -1e4
    hidden, mask = states(encodings)
    found = head(hidden, mask, torch.tensor([FAMILY.extra_inputs(row, encodings, FACTS)]))
    assert found.shape == (1, 12)
    assert FAMILY.decode(found[0].numpy(), FAMILY.layout(row, encodings, FACTS), FACTS)["complete"] is False


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One."),
        ("Version 2.5 is out! Buy it.", "Version 2.5 is out!"),
        ("a headline\nand the rest", "a headline"),
        ("他在北京。他工作。", "他在北京。"),
        ("no end at all", "no end at all"),
        ("...", "..."),
    ],
)
def test_the_trivial_answer_is_the_first_sentence(text: str, first: str) -> None:
    assert lead(text) == first
    assert FAMILY.majority_baseline([], [{"text": text}], FACTS) == [{"text": first, "complete": True}]


def test_the_linear_answer_is_that_of_the_nearest_text() -> None:
    assert nearest(["the plane is late", "他在北京工作"], ["北京", "late planes, a late plane"]) == [1, 0]
    train = [{"text": "a b c", "target": "one"}, {"text": "x y z", "target": "two"}]
    found = FAMILY.tfidf_baseline(train, [{"text": "z y"}, {"text": "b"}], FACTS)
    assert [each["text"] for each in found] == ["two", "one"]


def test_a_metric_of_the_answers_is_the_mean_over_rows() -> None:
    rows = [{"target": "the late plane"}, {"target": "good"}]
    found = [{"text": "late plane"}, {"text": "bad"}]
    assert metric(FAMILY, "rouge_l", rows, found, FACTS) == pytest.approx((2 * 2 / 5 + 0) / 2)


def test_a_champion_with_another_vocabulary_is_asked_about_newer_rows(tokenizer: Any) -> None:
    """Nothing that a row carries depends on the vocabulary."""
    older = learn(
        FAMILY, [{**row, "target": f"old {n}"} for n, row in enumerate(ROWS)], copies=8, max_target=12
    )
    assert older["vocabulary"] != FACTS["vocabulary"]
    assert FAMILY.changed(older, FACTS) is None
    row, encodings = encoded(tokenizer, GOOD, FACTS)
    for ask_of in (FAMILY.extra_inputs, FAMILY.layout):
        assert ask_of(row, encodings, older) == ask_of(row, encodings, FACTS)
    for changed in ({"copies": 9}, {"decoder": "pretrained"}, {"prefix": "say: "}):
        (name,) = changed
        why = FAMILY.changed({**older, "options": older["options"] | changed}, FACTS)
        assert why and f"its option {name} changed from {changed[name]!r}" in why
