"""Span: answers in windows of a long context, or no answer, whatever the text and its length."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.families.span.family import FAMILY as SPAN
from components.families.span.family import question_room
from components.families.span.windows import context_tokens
from components.spelling import trimmed
from tests.families.families import only_deterministic_on_cuda
from tests.families.span.reading import facts_of, options

# --- windows -----------------------------------------------------------------------------------------


def tokenise(tokenizer: Any, row: dict, length: int, **given: Any) -> list[Any]:
    tokenizer.enable_truncation(**SPAN.truncation(SPAN.inputs[0], length, options(**given)))
    (windows,) = SPAN.tokenise(tokenizer, [row], options(**given))
    return windows


LONG = {"question": "Where was Ada born?", "context": "Ada was born in London. " * 12 + "It rained. " * 12}


def test_the_windows_of_a_long_context_hold_it_all_and_share_stride_tokens(any_tokenizer: Any) -> None:
    windows = tokenise(any_tokenizer, LONG, 64, stride=8, max_windows=99)
    found = [context_tokens(window, LONG["context"])[1] for window in windows]
    assert len(windows) > 2
    assert {tuple(offset) for offsets in found for offset in offsets} == {
        tuple(offset) for offset in context_tokens(tokenise(any_tokenizer, LONG, 9999)[0], LONG["context"])[1]
    }
    for before, after in itertools.pairwise(found):
        assert before[-8:] == after[:8]
    assert max(len(window) for window in windows) <= 64


def test_no_more_than_max_windows_are_read_and_they_are_the_first(any_tokenizer: Any) -> None:
    everything = tokenise(any_tokenizer, LONG, 48, stride=8, max_windows=99)
    some = tokenise(any_tokenizer, LONG, 48, stride=8, max_windows=2)
    assert [one.ids for one in some] == [one.ids for one in everything[:2]]


def test_a_question_that_is_too_long_is_cut_and_the_context_is_still_read(any_tokenizer: Any) -> None:
    row = {"question": "Who was born in London? " * 40, "context": LONG["context"]}
    windows = tokenise(any_tokenizer, row, 48, stride=64, max_windows=99)
    assert max(len(window) for window in windows) <= 48
    last = context_tokens(windows[-1], row["context"])[1]
    assert last[-1][1] >= len(row["context"].rstrip())


def test_a_row_counts_as_cut_where_its_question_or_a_window_is_left_out(any_tokenizer: Any) -> None:
    asked = {"question": "Who was born in London? " * 40, "context": LONG["context"]}
    for row, most, cut in ((LONG, 99, False), (LONG, 2, True), (asked, 99, True)):
        assert SPAN.is_cut(row, tokenise(any_tokenizer, row, 64, stride=8, max_windows=most), 64) == cut


def test_a_question_that_fills_its_room_is_whole(any_tokenizer: Any) -> None:
    any_tokenizer.no_truncation()
    many = "Who was born in London? " * 9
    tokens = any_tokenizer.encode(many)
    whole = many[: tokens.offsets[question_room(64)][1]]
    more = many[: tokens.offsets[question_room(64) + 1][1]]
    for question, cut in ((whole, False), (more, True)):
        row = {"question": question, "context": LONG["context"]}
        assert SPAN.is_cut(row, tokenise(any_tokenizer, row, 64, stride=8, max_windows=99), 64) == cut


TEXT = st.text(min_size=1, max_size=80).filter(trimmed)


@given(
    question=TEXT,
    context=TEXT,
    length=st.integers(12, 40),
    stride=st.integers(0, 99),
    seed=st.integers(0, 99),
)
def test_answers_fit_any_text(
    any_tokenizer: Any, question: str, context: str, length: int, stride: int, seed: int
) -> None:
    row = {"question": question, "context": context}
    windows = tokenise(any_tokenizer, row, length, stride=stride)
    layout = SPAN.layout(row, windows, facts_of())
    logits = np.random.default_rng(seed).normal(size=(len(windows) + 1, length + 3, 2))  # padded
    for unanswerable in (0.0, 0.5):
        facts = facts_of(unanswerable)
        prediction = SPAN.decode(logits, layout, facts)
        answer = SPAN.response.model_validate(SPAN.respond(prediction, row, layout, facts))
        json.dumps(answer.model_dump(), allow_nan=False)
        if answer.answer is not None:
            assert answer.answer == context[answer.start : answer.end] == answer.answer.strip() != ""


@st.composite
def answered(draw: st.DrawFn) -> tuple[str, int, int]:
    """A context, and where its answer starts and ends."""
    before, answer, after = draw(st.text(max_size=50)), draw(TEXT), draw(st.text(max_size=50))
    return before + answer + after, len(before), len(before) + len(answer)


@given(case=answered(), length=st.integers(12, 40))
def test_truncation_never_shifts_an_answer(any_tokenizer: Any, case: tuple, length: int) -> None:
    """What is decoded from a target is the gold answer, widened at most to whole tokens, or nothing."""
    context, start, end = case
    row = {
        "question": "Where?",
        "context": context,
        "answers": [{"text": context[start:end], "start": start}],
    }
    facts = facts_of(1.0, stride=4, max_windows=3, max_answer_tokens=99)
    windows = tokenise(any_tokenizer, row, length, stride=4, max_windows=3)
    target, layout = SPAN.target(row, windows, facts), SPAN.layout(row, windows, facts)
    logits = np.zeros((len(target), max(map(len, windows)), 2))
    for window, (first, last) in enumerate(target):
        assert 0 <= first <= last < len(windows[window])
        logits[window, first, 0] += 9
        logits[window, last, 1] += 9
    prediction = SPAN.decode(logits, layout, facts_of(0.0, max_answer_tokens=99))
    if any(first for first, _ in target):
        inside = "".join(context[prediction["start"] : prediction["end"]].split())
        tokens = [offset for offsets in layout["offsets"] for offset in offsets if offset[0] < offset[1]]
        touched = [offset for offset in tokens if offset[0] < end and offset[1] > start]
        widest = context[min(low for low, _ in touched) : max(high for _, high in touched)]
        assert inside == "".join(widest.split())


def test_every_short_answer_is_whole_in_some_window(any_tokenizer: Any) -> None:
    for match in re.finditer("London|rained", LONG["context"]):
        row = {**LONG, "answers": [{"text": match.group(), "start": match.start()}]}
        windows = tokenise(any_tokenizer, row, 64, stride=20, max_windows=99)
        target = SPAN.target(row, windows, facts_of(max_windows=99))
        assert any(first > 0 for first, _ in target)


def test_a_question_without_an_answer_points_at_the_first_token(any_tokenizer: Any) -> None:
    windows = tokenise(any_tokenizer, {**LONG, "answers": []}, 64, stride=8)
    assert SPAN.target({**LONG, "answers": []}, windows, facts_of()) == [[0, 0]] * len(windows)


def test_the_best_span_of_all_windows_wins_if_it_beats_no_answer() -> None:
    layout = {"first": [2, 2], "offsets": [[[0, 3], [4, 7]], [[4, 7], [8, 12]]]}
    logits = np.zeros((2, 5, 2))
    logits[1, 2, 0], logits[1, 3, 1] = 3, 2  # the second window: 4 to 12
    logits[0, 3, 0], logits[0, 2, 1] = 9, 9  # ends before it starts
    logits[0, 2:4, 1] -= [0, 9]
    logits[:, 0] = [[1, 1], [2, 2]]
    assert SPAN.decode(logits, layout, facts_of()) == {"start": 0, "end": 3, "score": 9 - 2}
    logits[0] = -5
    assert SPAN.decode(logits, layout, facts_of()) == {"start": 4, "end": 12, "score": 5 + 10}
    assert SPAN.decode(logits, layout, facts_of(null_threshold=15))["start"] is None
    assert SPAN.decode(logits, layout, facts_of(0.0, null_threshold=15))["start"] == 4
    assert SPAN.decode(logits, layout, facts_of(max_answer_tokens=1))["end"] == 7


# --- model -------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_windows_of_both_ends_and_ignores_padding() -> None:
    import torch

    head = SPAN.head(4, facts_of())
    mask = torch.tensor([[[1, 1, 1], [1, 1, 0]], [[1, 1, 1], [0, 0, 0]]])
    hidden = torch.randn(2, 2, 3, 4)
    logits = head(hidden, mask)
    target = SPAN.collate([[[1, 2], [0, 0]], [[2, 2]]], 3)
    expected = 0.0
    for row, window, real, (start, end) in [(0, 0, 3, (1, 2)), (0, 1, 2, (0, 0)), (1, 0, 3, (2, 2))]:
        raw = head.output(hidden[row, window, :real]).log_softmax(0)
        expected -= (raw[start, 0] + raw[end, 1]).item() / 2
    with only_deterministic_on_cuda():
        loss = SPAN.loss(logits, target, facts_of())
        loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert SPAN.units([[1, 2], [0, 0]], facts_of()) + SPAN.units([[2, 2]], facts_of()) == 3
    assert torch.isfinite(head.output.weight.grad).all()
    assert head.output.weight.grad.abs().sum() > 0
