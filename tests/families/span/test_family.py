"""Span: rows read or refused in one sentence, several gold answers; SQuAD's arithmetic."""

from __future__ import annotations

import collections
import json
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.span.family import FAMILY as SPAN
from components.families.span.metrics import F1, answer_of, exact_match, token_f1
from tests.families.span.reading import facts_of, options


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
