"""Span: answers in windows of a long context, no answer, several gold answers; SQuAD's arithmetic."""

from __future__ import annotations

import collections
import itertools
import json
import re
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.span.family import FAMILY as SPAN
from components.families.span.family import question_room
from components.families.span.metrics import F1, answer_of, exact_match, token_f1
from components.families.span.windows import context_tokens
from components.spelling import trimmed
from tests.families.families import only_deterministic_on_cuda


def options(**given: Any) -> dict[str, Any]:
    return SPAN.options.model_validate(given).model_dump()


def facts_of(unanswerable: float = 0.5, **given: Any) -> dict[str, Any]:
    return {"unanswerable": unanswerable, "options": options(**given)}


def read(given_options: dict[str, Any], **record: Any) -> dict[str, Any]:
    row = SPAN.read_input(record, options(**given_options))
    return {**row, **SPAN.read_target(record, row, options(**given_options))}


GOOD = {
    "question": "Where?",
    "context": "Ada was born in Turin, in Turin.",
    "answers": [{"text": "Turin", "start": 16}],
}
FORMS = "a list of answers with text and start"
TWICE = [{"text": "Turin", "start": 16}, {"text": "Turin", "start": 26}]
MALFORMED = [
    ({"question": " "}, "'question' is empty, expected a text"),
    ({"context": None}, "'context' is missing, expected a text"),
    ({"answers": None}, f"'answers' is None, expected {FORMS}"),
    ({"answers": "[Turin"}, f"'answers' is '[Turin', expected {FORMS}"),
    ({"answers": ["n"]}, "answer 1, 'n', stands 5 times in the context, expected its start, or `repair: true` for the first"),
    ({"answers": [3]}, "answer 1 is 3, expected an object with text and start"),
    ({"answers": [{"text": " ", "start": 3}]}, "answer 1 is {'text': ' ', 'start': 3}, expected an object with text and start"),
    ({"answers": [{"text": "Turin", "start": "16.5"}]}, "answer 1 is {'text': 'Turin', 'start': '16.5'}, expected an object with text and start"),
    ({"answers": {"text": ["Turin"], "answer_start": []}}, "'answers' is {'text': ['Turin'], 'answer_start': []}, expected as many texts as starts"),
    ({"answers": [{"text": "Turin", "start": 15}]}, "answer 1, 'Turin', is not at 15 of the context but at 16; expected its offset in characters, or `repair: true`"),
    ({"answers": [{"text": "Turin", "start": -6}]}, "answer 1, 'Turin', is not at -6 of the context but at 16; expected its offset in characters, or `repair: true`"),
    ({"answers": "Turin", "start": "there"}, "'start' is 'there', expected where the answer begins in the context"),
    ({"answers": "Turin", "start": 15}, "answer 1, 'Turin', is not at 15 of the context but at 16; expected its offset in characters, or `repair: true`"),
    ({"answers": TWICE, "start": 16}, "there are 2 answers, expected one beside 'start'"),
    ({"answers": [{"text": "Turin", "start": 16}, {"text": "Rome", "start": 3}]}, "answer 2, 'Rome', is not in the context"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "sentence"), MALFORMED)
def test_a_malformed_row_gets_one_sentence(wrong: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as raised:
        read({}, **{**GOOD, **wrong})
    assert str(raised.value) == sentence


def test_training_questions_without_any_answer_teach_nothing() -> None:
    with pytest.raises(BadRowError, match="none of the 2 training questions has an answer"):
        SPAN.learn_facts([{"answers": []}] * 2, None, options())
    with pytest.raises(BadRowError, match="no label set"):
        SPAN.learn_facts([GOOD], ["a"], options())


@pytest.mark.parametrize(
    "answers",
    [
        [{"text": "Turin", "start": 16}],
        [{"text": "Turin", "answer_start": 16}],
        {"text": ["Turin"], "answer_start": [16]},
        '[{"text": "Turin", "start": 16}]',
        '{"text": ["Turin"], "answer_start": [16]}',
    ],
)
def test_answers_are_read_in_every_form(answers: Any) -> None:
    assert read({}, **{**GOOD, "answers": answers}) == GOOD


@pytest.mark.parametrize(
    "answers", [[], "[]", {"text": [], "answer_start": []}, "", [""], [{"text": "", "start": -1}]]
)
def test_a_question_may_have_no_answer(answers: Any) -> None:
    assert read({}, **{**GOOD, "answers": answers})["answers"] == []


@pytest.mark.parametrize("start", [26, 26.0, "26"])
def test_a_start_beside_the_answer_says_which_of_several_places_is_meant(start: object) -> None:
    assert read({}, **{**GOOD, "answers": "Turin", "start": start})["answers"] == [
        {"text": "Turin", "start": 26}
    ]


@pytest.mark.parametrize("start", [None, "", -1, "-1"])
def test_a_question_without_an_answer_has_no_start(start: object) -> None:
    assert read({}, **{**GOOD, "answers": "", "start": start})["answers"] == []


@pytest.mark.parametrize(("given_start", "found"), [(12, 16), (24, 26), (99, 26)])
def test_repair_finds_the_nearest_occurrence(given_start: int, found: int) -> None:
    row = read({"repair": True}, **{**GOOD, "answers": [{"text": "Turin", "start": given_start}]})
    assert row["answers"] == [{"text": "Turin", "start": found}]


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


def test_the_baselines_of_a_script_without_blanks_answer_with_some_of_its_characters() -> None:
    """A sentence of it is one run without a blank: by blanks the answer would be all of it."""
    context = "今天的会议在北京举行。代表团住在上海饭店里面。天气很好。"
    answer = {"text": "上海饭店", "start": context.index("上海饭店")}
    row = {"id": "1", "context": context, "question": "代表团住在哪里？", "answers": [answer]}
    others = [
        {
            **row,
            "context": "今天的会议很好。代表团住在里面。天气举行。",
            "answers": [{"text": "天气举行", "start": 0}],
        }
    ] * 3
    (found,) = SPAN.tfidf_baseline([row, *others], [row], facts_of(0.0))
    said = context[found["start"] : found["end"]]
    assert len(said) == 4
    assert set(said) & set("上海饭店")
    (trivial,) = SPAN.majority_baseline([row, *others], [row], facts_of(0.0))
    assert (trivial["end"] or 0) <= 20


# --- metrics -----------------------------------------------------------------------------------------


def official(answer: str, gold: str) -> tuple[float, float]:
    """(exact, f1) as SQuAD's evaluate-v2.0.py computes them, written down step by step as it does."""

    def tokens(text: str) -> list[str]:
        text = text.lower()
        text = "".join(ch for ch in text if ch not in set(string.punctuation))
        text = re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", text)
        return " ".join(text.split()).split()

    gold_toks, pred_toks = tokens(gold), tokens(answer)
    exact = int(" ".join(gold_toks) == " ".join(pred_toks))
    num_same = sum((collections.Counter(gold_toks) & collections.Counter(pred_toks)).values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        return exact, int(gold_toks == pred_toks)
    if num_same == 0:
        return exact, 0
    precision, recall = 1.0 * num_same / len(pred_toks), 1.0 * num_same / len(gold_toks)
    return exact, (2 * precision * recall) / (precision + recall)


WORDS = st.lists(st.sampled_from(["The", "a", "cat", "cat's", "sat", "U.S.", "…", "an", "—"]), max_size=5)


@given(answer=WORDS, gold=WORDS)
def test_exact_match_and_f1_are_the_official_scripts(answer: list[str], gold: list[str]) -> None:
    ours = exact_match(" ".join(answer), " ".join(gold)), token_f1(" ".join(answer), " ".join(gold))
    assert ours == pytest.approx(official(" ".join(answer), " ".join(gold)))


def test_the_best_of_several_gold_answers_counts_and_silence_is_right_where_there_is_none() -> None:
    context = "The big cat sat."
    several = [{"text": "cat", "start": 8}, {"text": "The big cat", "start": 0}]
    rows = [{"context": context, "answers": several}] * 2 + [{"context": context, "answers": []}] * 2
    spans = [(4, 11), (None, None), (None, None), (0, 3)]
    predictions = [{"start": start, "end": end} for start, end in spans]
    assert [answer_of(row, one) for row, one in zip(rows, predictions, strict=True)] == [
        "big cat",
        None,
        None,
        "The",
    ]
    f1 = F1.statistics(rows, predictions, facts_of())
    assert f1.tolist() == [[1.0, 1.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]]  # "The" is nothing, normalised
    assert F1.measure(rows, predictions, facts_of()) == 0.75


def test_the_trivial_baseline_is_the_best_constant() -> None:
    row = {"question": "Who?", "context": "Ada was born.", "answers": [{"text": "Ada", "start": 0}]}
    silent = {**row, "answers": []}
    assert SPAN.majority_baseline([row, row, silent], [row], facts_of()) == [{"start": 0, "end": 3}]
    assert SPAN.majority_baseline([row, silent, silent], [row], facts_of()) == [{"start": None, "end": None}]


def test_the_linear_baseline_answers_from_the_likest_sentence() -> None:
    row = {
        "question": "Where was Ada born?",
        "context": "It rained. Ada was born in Turin. Bob sang.",
        "answers": [{"text": "Turin", "start": 27}],
    }
    (prediction,) = SPAN.tfidf_baseline([row] * 3, [row], facts_of(0.0))
    assert answer_of(row, prediction) in ("Turin.", "in")
    (silent,) = SPAN.tfidf_baseline([row] * 3, [{**row, "question": "zzz?"}], facts_of(0.2))
    assert silent == {"start": None, "end": None}


SQUAD = Path(__file__).parents[4] / "shared/data/qa_new_wiki.jsonl"  # beside the checkout, if at all


@pytest.mark.slow
@pytest.mark.skipif(not SQUAD.exists(), reason="SquadShifts is not beside this checkout")
def test_real_questions_are_read_but_for_the_answers_that_are_misplaced() -> None:
    with SQUAD.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    refused = 0
    for record in records:
        try:
            read({}, **{role: record[role] for role in ("question", "context", "answers")})
        except BadRowError:
            refused += 1
    assert refused == 8
    assert all(
        read({"repair": True}, **{r: one[r] for r in ("question", "context", "answers")})
        for one in records[:200]
    )
