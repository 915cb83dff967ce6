import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers, processors

from components.errors import UserError
from components.spelling import trimmed
from serving.predictor import TOKENS_PER_BATCH, Predictor, batches
from serving.requests import BadRequestError, Item, parse

pytestmark = pytest.mark.slow  # a model is trained

PAIR = Item(text="one text", text_pair="another text")


def dumped(answers: list) -> list[dict]:
    return [{name: answer.model_dump() for name, answer in row.items()} for row in answers]


def test_a_text_is_answered_by_single_tasks_and_a_pair_by_pair_tasks(predictor: Predictor) -> None:
    single, pair = predictor.predict(["one text", PAIR], None)
    assert set(single) == {"sentiment", "ner"}
    assert set(pair) == {"similarity"}


def test_all_tasks_of_a_text_share_one_encoder_pass(predictor: Predictor) -> None:
    passes = []
    hook = predictor.model.encoder.register_forward_hook(lambda *_: passes.append(1))
    try:
        predictor.predict(["one text", "a second, longer text", PAIR], None)
    finally:
        hook.remove()
    assert len(passes) == 1


def test_company_in_a_request_does_not_change_an_answer(predictor: Predictor) -> None:
    texts = ["short", "a rather longer text, with a few more words in it", PAIR, "mid length"]
    together = dumped(predictor.predict(texts, None))
    alone = [dumped(predictor.predict([text], None))[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert {name: list(answer) for name, answer in one.items()} == {n: list(a) for n, a in other.items()}
        if "ner" in one:
            assert one["ner"] == other["ner"]
            assert one["sentiment"]["probabilities"] == pytest.approx(
                other["sentiment"]["probabilities"], abs=1e-5
            )


def test_each_task_answers_in_batches_within_the_budget_that_share_its_time(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["a " * count for count in (20, 3, 11, 5, 18)]
    at_once = dumped(predictor.predict(texts, None))
    shares: dict[str, list[float]] = {"sentiment": []}  # of `ner` all tokens stand side by side
    answer = predictor.model.answer

    def seen(head, hidden_BLD, mask_BL, rows, share, *more):
        assert len(mask_BL) == 1 or mask_BL.numel() <= 48
        shares[head].append(share)
        return answer(head, hidden_BLD, mask_BL, rows, share, *more)

    monkeypatch.setattr(predictor.model, "answer", seen)
    monkeypatch.setattr("serving.predictor.TOKENS_PER_BATCH", 48)
    for one, other in zip(at_once, dumped(predictor.predict(texts, None)), strict=True):
        assert one["ner"] == other["ner"]
        assert one["sentiment"]["probabilities"] == pytest.approx(
            other["sentiment"]["probabilities"], abs=1e-5
        )
    for of_head in shares.values():
        assert len(of_head) > 1
        assert sum(of_head) == pytest.approx(1)


def test_a_text_is_cut_at_its_tasks_own_limit_whatever_is_asked_beside_it(predictor: Predictor) -> None:
    head, tail = "a " * 22, "b " * 100  # 22 tokens and [CLS], [SEP] are the limit of sentiment, 24
    short, long = (predictor.predict([text], ["sentiment"])[0]["sentiment"] for text in (head, head + tail))
    assert short == long
    of_both = predictor.predict([head + tail], ["ner", "sentiment"])[0]
    assert of_both["sentiment"].probabilities == pytest.approx(long.probabilities, abs=1e-5)
    assert of_both["ner"] == predictor.predict([head + tail], ["ner"])[0]["ner"]


def test_tasks_of_other_limits_share_a_pass_for_what_fits_both(predictor: Predictor) -> None:
    passes = []
    hook = predictor.model.encoder.register_forward_hook(lambda _, __, output: passes.append(output))
    try:
        for text in ("a " * 10, "a " * 50):
            predictor.predict([text], ["sentiment", "ner"])
    finally:
        hook.remove()
    assert [len(one.last_hidden_state.flatten(0, -2)) for one in passes] == [12, 24 + 52]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=60).filter(trimmed))
def test_spans_fit_whatever_text_is_sent(predictor: Predictor, text: str) -> None:
    end = 0
    for entity in predictor.predict([text], ["ner"])[0]["ner"].entities:
        assert end <= entity.start < entity.end <= len(text)
        assert text[entity.start : entity.end] == entity.text
        end = entity.end


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"turns": [None]}, "texts[0].turns[0]: found null, expected a string or an object with role and text"),
        ({"turns": ["a", 5]}, "texts[0].turns[1]: found a number, expected a string or an object with role and text"),
        ({"turns": [["a"]]}, "texts[0].turns[0]: found a list, expected a string or an object with role and text"),
        ({"turns": [{"text": "a"}]}, "texts[0].turns[0].role: missing"),
        ({"turns": [{"rôle": "b", "role": "b", "text": "a"}]}, "texts[0].turns[0].rôle: unknown key (did you mean 'role'?); expected some of role, text"),
        ({"turns": "a"}, "texts[0].turns: found a string, expected a list"),
    ],
)  # fmt: skip
def test_a_wrong_turn_gets_one_clear_sentence(item: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        parse(json.dumps({"texts": [item]}).encode())
    assert str(refused.value) == sentence


def test_a_long_key_is_not_said_back() -> None:
    with pytest.raises(BadRequestError) as refused:
        parse(json.dumps({"texts": [{"k" * 900_000: 1}]}).encode())
    assert str(refused.value).startswith(f"texts[0].{'k' * 60}: unknown key; expected some of text, ")
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "text",
    ["Zoë in 北京 today", "👩‍👩‍👧 İstanbul ﬁnds e\u0301t\u00e9", "a\u0000b \u200b c", "\u0000", "½ ǅ ß ẞ ﷺ"],
)
def test_odd_unicode_is_answered(predictor: Predictor, text: str) -> None:
    answer = predictor.predict([text], None)[0]
    assert all(entity.text == text[entity.start : entity.end] for entity in answer["ner"].entities)


@pytest.mark.parametrize(
    ("texts", "names", "sentence"),
    [
        ([], None, "texts: found 0 texts, expected 1 to 8"),
        (["a"] * 9, None, "texts: found 9 texts, expected 1 to 8"),
        (["a", " \n"], None, "texts[1]: 'text' is empty, expected a text"),
        (["a" * 2001], None, "texts[0]: text has 2001 characters, expected at most 2000"),
        (["a"], [], "tasks: empty; leave it out to ask all tasks"),
        (
            ["a"],
            ["sentimet"],
            "tasks: unknown task 'sentimet' (did you mean 'sentiment'?); expected some of "
            "ner, sentiment, similarity",
        ),
        (["a"], ["similarity"], "texts[0]: task 'similarity' reads text and text_pair, found text"),
        ([Item()], None, "texts[0]: no task reads nothing; they read text; or text and text_pair"),
        (
            [Item(text_pair="b")],
            None,
            "texts[0]: no task reads text_pair; they read text; or text and text_pair",
        ),
        (["a", PAIR], ["ner"], "texts[1]: task 'ner' reads text, found text and text_pair"),
    ],
)
def test_a_wrong_question_gets_one_clear_sentence(predictor: Predictor, texts, names, sentence: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        predictor.predict(texts, names)
    assert str(refused.value) == sentence
    assert refused.value.status == 400


def test_a_truncated_model_is_refused(bento: Path, tmp_path: Path) -> None:
    shutil.copytree(bento / "src/bundle", tmp_path / "bundle")
    weights = tmp_path / "bundle/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"model\.safetensors: \d+ bytes, expected \d+; truncated\?"):
        Predictor(tmp_path / "bundle")


SHAPES = st.tuples(st.integers(min_value=1, max_value=9), st.integers(min_value=2, max_value=512))


@given(st.lists(SHAPES, max_size=64))
def test_batches_hold_every_row_once_within_the_budget(shapes: list[tuple[int, int]]) -> None:
    found = list(batches(shapes))
    assert sorted(row for batch in found for row in batch) == list(range(len(shapes)))
    for batch in found:
        sequences, longest = (max(shapes[row][side] for row in batch) for side in (0, 1))
        assert len(batch) == 1 or len(batch) * sequences * longest <= TOKENS_PER_BATCH


def test_top_leaves_the_best_of_what_is_ranked(predictor: Predictor) -> None:
    whole = predictor.predict(["one text"])[0]
    cut = predictor.predict(["one text"], None, 1)[0]
    ((label, share),) = cut["sentiment"].probabilities.items()
    assert (label, share) == (whole["sentiment"].label, whole["sentiment"].probability)
    assert cut["ner"] == whole["ner"]


@pytest.mark.parametrize("top", ["0", "101", "1.5", '"3"', "true"])
def test_a_wrong_top_gets_one_clear_sentence(top: str) -> None:
    with pytest.raises(BadRequestError, match="^top: found .*, expected a whole number from 1 to 100$"):
        parse(f'{{"texts": ["a"], "top": {top}}}'.encode())
    assert parse(b'{"texts": ["a"], "top": 3}').top == 3


def test_a_text_of_which_the_tokenizer_leaves_nothing_gets_one_clear_sentence(predictor: Predictor) -> None:
    deaf = copy.copy(predictor)
    deaf.tokenizer = Tokenizer.from_str(predictor.tokenizer.to_str())
    deaf.tokenizer.normalizer = normalizers.Replace("x", "")
    deaf.tokenizer.post_processor = processors.Sequence([])
    with pytest.raises(BadRequestError, match=r"texts\[1\]: the tokenizer knows nothing in it"):
        deaf.predict(["good plane", "xxx"])
