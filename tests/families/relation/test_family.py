"""Relation: two spans of a text, marked for the encoder; the markers are always there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.relation.family import FAMILY as RELATION
from components.families.relation.family import marked
from tests.families.families import metric_named

LABELS = ["none", "born_in", "works_for"]


def options(**given: Any) -> dict[str, Any]:
    return RELATION.options.model_validate(given).model_dump()


def facts_of(**given: Any) -> dict[str, Any]:
    return {"labels": LABELS, "options": options(**given)}


def read(**record: Any) -> dict[str, Any]:
    row = RELATION.read_input(record, options())
    return {**row, **RELATION.read_target(record, row, options())}


GOOD = {"text": "Ada was born in Turin.", "head": [0, 3], "tail": [16, 21], "label": "born_in"}
MALFORMED = [
    ({"text": ""}, "'text' is empty, expected a text"),
    ({"text": "x\udc00y"}, "'text' has half a surrogate pair at character 1, expected Unicode text"),
    ({"head": None}, "'head' is None, expected the start and the end of a span"),
    ({"head": "[" * 100_000}, f"'head' is '{'[' * 59}, expected the start and the end of a span"),
    ({"head": "0-3"}, "'head' is '0-3', expected the start and the end of a span"),
    ({"head": [0]}, "'head' is [0], expected the start and the end of a span"),
    ({"tail": {"start": 16}}, "'tail' is {'start': 16}, expected the start and the end of a span"),
    ({"tail": [True, 3]}, "'tail' is [True, 3], expected the start and the end of a span"),
    ({"tail": [16, 99]}, "'tail' is 16 to 99, expected a span of the text's 22 characters"),
    ({"tail": [-5, 4]}, "'tail' is -5 to 4, expected a span of the text's 22 characters"),
    ({"tail": [3, 4]}, "'tail' is empty: nothing stands from 3 to 4"),
    ({"tail": [2, 7]}, "'head' 0 to 3 and 'tail' 2 to 7 overlap, expected spans apart"),
    ({"tail": [0, 3]}, "'head' 0 to 3 and 'tail' 0 to 3 overlap, expected spans apart"),
    ({"label": None}, "'label' is missing, expected a text"),
]


@pytest.mark.parametrize(("wrong", "sentence"), MALFORMED)
def test_a_malformed_row_gets_one_sentence(wrong: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as raised:
        read(**{**GOOD, **wrong})
    assert str(raised.value) == sentence


def test_a_none_class_must_be_a_label() -> None:
    with pytest.raises(
        BadRowError, match="options.none_class is 'nothing', expected one of the labels born_in"
    ):
        RELATION.learn_facts(
            [{"label": "born_in"}, {"label": "died_in"}], None, options(none_class="nothing")
        )


@pytest.mark.parametrize("head", [[0, 3], {"start": 0, "end": 3}, "[0, 3]", '{"start": 0, "end": 3}'])
def test_a_span_is_read_in_every_form(head: Any) -> None:
    assert read(**{**GOOD, "head": head}) == GOOD


def test_the_text_is_read_with_punctuation_around_its_spans() -> None:
    assert " ".join(marked(GOOD, 99)).split() == [
        "@",
        "Ada",
        "@",
        "was",
        "born",
        "in",
        "#",
        "Turin",
        "#",
        ".",
    ]
    turned = {**GOOD, "head": GOOD["tail"], "tail": GOOD["head"]}
    assert " ".join(marked(turned, 99)).split() == [
        "#",
        "Ada",
        "#",
        "was",
        "born",
        "in",
        "@",
        "Turin",
        "@",
        ".",
    ]


def test_where_there_is_little_room_both_spans_and_their_neighbourhoods_stay() -> None:
    row = {"text": "aaaa Ada bbbb cccc Turin dddd", "head": [5, 8], "tail": [19, 24]}
    assert " ".join(marked(row, 4)).split() == ["aaa", "@", "Ada", "@", "bbb", "ccc", "#", "Turi", "#", "ddd"]


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    text = draw(st.text(min_size=2, max_size=200))
    a, b, c, d = sorted(draw(st.lists(st.integers(0, len(text)), min_size=4, max_size=4)))
    assume(text[a:b].strip() and text[c:d].strip())
    spans = [[a, b], [c, d]] if draw(st.booleans()) else [[c, d], [a, b]]
    return RELATION.read_input({"text": text, "head": spans[0], "tail": spans[1]}, options())


@pytest.mark.slow
@given(row=rows(), length=st.integers(12, 40), seed=st.integers(0, 99))
def test_the_markers_survive_any_text_and_any_length(
    any_tokenizer: Any, row: dict, length: int, seed: int
) -> None:
    any_tokenizer.enable_truncation(**RELATION.truncation(("text", "head", "tail"), length, options()))
    ((encoding,),) = RELATION.tokenise(any_tokenizer, [row], options())
    assert len(encoding) <= length
    head, tail = RELATION.extra_inputs(row, [encoding], facts_of())
    assert [encoding.tokens[place].strip("Ġ▁") for place in (head, tail)] == ["@", "#"]
    assert (head < tail) == (row["head"] < row["tail"])
    logits = np.random.default_rng(seed).normal(size=3)
    prediction = RELATION.decode(logits, {}, facts_of())
    RELATION.response.model_validate(RELATION.respond(prediction, row, {}, facts_of()))


def test_a_batch_is_tokenised_like_its_rows_alone(any_tokenizer: Any) -> None:
    any_tokenizer.enable_truncation(16)
    long = {**GOOD, "text": GOOD["text"][:3] + " very" * 50 + " Turin", "tail": [254, 259]}
    together = RELATION.tokenise(any_tokenizer, [long, GOOD], options())
    alone = [RELATION.tokenise(any_tokenizer, [row], options())[0] for row in (long, GOOD)]
    assert [one.ids for (one,) in together] == [one.ids for (one,) in alone]


@pytest.mark.parametrize(("filler", "cut"), [(0, False), (2, False), (40, True)])
def test_a_text_that_is_shortened_for_the_markers_counts_as_cut(
    any_tokenizer: Any, filler: int, cut: bool
) -> None:
    limit = 60
    any_tokenizer.enable_truncation(limit)
    between = "Ada" + " very" * filler + " Turin"
    for text, first in (
        (between, 0),
        (between + " late" * filler, 0),
        ("soon " * filler + between, 5 * filler),
    ):
        end = first + len(between)
        row = {"text": text, "head": [first, first + 3], "tail": [end - 5, end]}
        assert RELATION.is_cut(row, RELATION.tokenise(any_tokenizer, [row], options())[0], limit) == cut, text


def test_the_head_looks_at_the_two_markers_only() -> None:
    import torch

    head = RELATION.head(4, facts_of())
    hidden = torch.randn(2, 6, 4, requires_grad=True)
    logits = head(hidden, torch.ones(2, 6), torch.tensor([[1, 4], [3, 0]]))
    assert logits.shape == (2, 3)
    logits.sum().backward()
    seen = (hidden.grad.abs().sum(-1) > 0).tolist()
    assert seen == [[False, True, False, False, True, False], [True, False, False, True, False, False]]
    assert head.output.weight.grad is not None


# --- metrics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("none", [None, "none"])
def test_f1_is_scikit_learns_over_the_real_relations(none: str | None) -> None:
    from sklearn.metrics import accuracy_score, f1_score

    generator = np.random.default_rng(0)
    gold, predicted = generator.choice(LABELS, 300), generator.choice(LABELS, 300)
    real = [label for label in LABELS if label != none]
    data, predictions = [{"label": g} for g in gold], [{"label": p} for p in predicted]

    def metric(name: str) -> float:
        return metric_named(RELATION, name).measure(data, predictions, facts_of(none_class=none))

    assert metric("accuracy") == pytest.approx(accuracy_score(gold, predicted))
    assert metric("micro_f1") == pytest.approx(f1_score(gold, predicted, average="micro", labels=real))
    assert metric("macro_f1") == pytest.approx(f1_score(gold, predicted, average="macro", labels=real))


def test_the_trivial_baseline_names_a_real_relation() -> None:
    train = [{"label": label} for label in ["none"] * 5 + ["works_for"] * 2 + ["born_in"]]
    assert RELATION.majority_baseline(train, train[:1], facts_of(none_class="none")) == [
        {"label": "works_for"}
    ]
    assert [one["label"] for one in RELATION.majority_baseline(train, train[:1], facts_of())] == ["none"]


def test_the_linear_baseline_learns_from_the_words_between() -> None:
    work = {"text": "Bob works for Acme.", "head": [0, 3], "tail": [14, 18], "label": "works_for"}
    train = [GOOD, work] * 4
    predictions = RELATION.tfidf_baseline(train, train[:2], facts_of())
    assert [one["label"] for one in predictions] == ["born_in", "works_for"]


def test_the_linear_baseline_reads_which_span_comes_first_and_where_a_word_stands() -> None:
    """The words are the same: who hires whom is told by the spans, and who left by where "left" stands."""
    hired = {"text": "Ann hired Bob", "label": "works_for"}
    spans = [[0, 3], [10, 13]]
    train = [
        {**hired, "head": spans[0], "tail": spans[1]},
        {**hired, "head": spans[1], "tail": spans[0], "label": "none"},
        {"text": "Ann left Bob", "head": [0, 3], "tail": [9, 12], "label": "works_for"},
        {"text": "left Ann Bob", "head": [5, 8], "tail": [9, 12], "label": "born_in"},
    ]
    predictions = RELATION.tfidf_baseline(train * 4, train, facts_of())
    assert [one["label"] for one in predictions] == [one["label"] for one in train]


def test_the_same_text_with_other_spans_is_another_question() -> None:
    assert RELATION.text_of(GOOD) != RELATION.text_of({**GOOD, "tail": [8, 12]})
