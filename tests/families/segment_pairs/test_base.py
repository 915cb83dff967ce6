"""Sentence order and context prediction: where a text is cut, what is shown of it, and what is left out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given

from components import families
from components.data.ingest.ingest import ingest
from components.errors import BadRowError, SkippedRowError
from components.families.base import Row
from components.families.segment_pairs.head import SegmentsHead
from components.families.segment_pairs.segments import draw, halves, sentences
from components.settings.project import Task
from tests.families.families import UNICODE, ask, learn, metric, options, read, resampled_equals_repeated

ORDER, CONTEXT = families.get("sentence_order"), families.get("context_prediction")
BOTH = pytest.mark.parametrize("family", [ORDER, CONTEXT], ids=lambda family: family.name)
OPTIONS = options(ORDER)
FACTS = {"options": OPTIONS, "labels": list(ORDER.labels)}


def rows(family: Any, number: int) -> list[Row]:
    """Synthetic texts of three sentences each, with as many words as tell them apart."""
    texts = [f"First {n} alpha. Then {n} beta! At last {n} gamma?" for n in range(number)]
    found = [family.read_input({"text": text}, OPTIONS) for text in texts]
    return [{**row, **family.read_target({}, row, OPTIONS)} for row in found]


# --- where a text is cut ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rained. The streets are wet!", ["It rained.", "The streets are wet!"]),
        ("Really?! \"Yes.\" She left.", ["Really?!", '"Yes."', "She left."]),
        ("a title\n\n a text", ["a title", "a text"]),
        ("今天下雨。路很滑！真的？", ["今天下雨。", "路很滑！", "真的？"]),
        ("3.5 percent of x.y in v1.2", ["3.5 percent of x.y in v1.2"]),
        ("no boundary at all", ["no boundary at all"]),
        ("One sentence ...  !!! ", ["One sentence ..."]),
        ("Mr. Smith came.", ["Mr.", "Smith came."]),  # the rule is plain
        ("", []),
    ],
)  # fmt: skip
def test_a_text_is_split_where_its_sentences_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(text=UNICODE)
def test_sentences_lose_nothing_but_spaces_and_what_has_no_letter(text: str) -> None:
    kept = "".join(filter(str.isalnum, "".join(sentences(text))))
    assert kept == "".join(filter(str.isalnum, text))


def test_two_halves_are_neighbours_and_every_boundary_is_cut_at() -> None:
    seen = Counter()
    for number in range(300):
        first, second = halves(f"a{number}. b. c. d.", draw(f"a{number}"))
        assert f"{first} {second}" == f"a{number}. b. c. d."
        seen[first.count(".")] += 1
    assert set(seen) == {1, 2, 3}
    assert min(seen.values()) > 60


@BOTH
@pytest.mark.parametrize("text", ["no boundary", "word", "One sentence.", "... !!! ?", "a\n", "x. ?!"])
def test_a_text_of_one_sentence_is_left_out_not_refused(family: Any, text: str) -> None:
    with pytest.raises(SkippedRowError, match="the text has only one sentence, expected two or more"):
        read(family, {"text": text}, FACTS)


# --- what is shown ---------------------------------------------------------------------------------


def test_half_of_the_pairs_are_swapped_and_the_label_says_which() -> None:
    found = rows(ORDER, 400)
    for row in found:
        shown = f"{row['first']} {row['second']}", f"{row['second']} {row['first']}"
        assert row["text"] == shown[row["label"] == "swapped"]
    swapped = sum(row["label"] == "swapped" for row in found)
    assert swapped / 400 == pytest.approx(0.5, abs=0.08)


def batch(found: list[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(found, pa.schema([(name, pa.string()) for name in found[0]]))


def test_half_of_the_contexts_are_another_rows() -> None:
    found = rows(CONTEXT, 400)
    mingled = CONTEXT.add_negatives(batch(found)).to_pylist()
    seconds = {row["second"]: number for number, row in enumerate(found)}
    for number, (row, before) in enumerate(zip(mingled, found, strict=True)):
        assert (row["text"], row["first"], row["label"]) == (before["text"], before["first"], before["label"])
        assert (seconds[row["second"]] == number) == (row["label"] == "same text")
    other = [number for number, row in enumerate(mingled) if row["label"] == "another text"]
    assert len(other) / 400 == pytest.approx(0.5, abs=0.08)
    distances = [(seconds[mingled[number]["second"]] - number) % 400 for number in other]
    assert len(set(distances)) > 100  # any other row, not a neighbour
    assert CONTEXT.add_negatives(batch(found)).equals(CONTEXT.add_negatives(batch(found)))


def test_another_text_is_never_the_rows_own_however_few_there_are() -> None:
    found = rows(CONTEXT, 90)
    for few in (found[start : start + 3] for start in range(0, 90, 3)):
        for row, before in zip(CONTEXT.add_negatives(batch(few)).to_pylist(), few, strict=True):
            assert (row["second"] == before["second"]) == (row["label"] == "same text")


def test_a_row_alone_in_its_split_has_no_other_text() -> None:
    alone = next(row for row in rows(CONTEXT, 20) if row["label"] == "another text")
    (row,) = CONTEXT.add_negatives(batch([alone])).to_pylist()
    assert row == {**alone, "label": "same text"}


@BOTH
def test_rows_are_a_function_of_the_text_alone(family: Any) -> None:
    assert rows(family, 30) == rows(family, 30)
    cuts = {
        (row["label"], row["first"].count("gamma"), row["second"].count("beta")) for row in rows(family, 30)
    }
    assert len(cuts) > 2


@pytest.mark.slow
@BOTH
@given(text=UNICODE)
def test_any_unicode_is_answered(family: Any, tokenizer: Any, text: str) -> None:
    facts = {"options": OPTIONS, "labels": list(family.labels)}
    question = {"text": f"{text} a. b {text}"}
    for length in (4, 24):  # [CLS] and [SEP]s with one token or none of the texts; and most of them
        answer = ask(family, tokenizer, question, facts, length)
        assert answer.label in family.labels
        assert sum(answer.probabilities.values()) == pytest.approx(1)


# --- the head -------------------------------------------------------------------------------------


@BOTH
def test_the_head_is_told_where_the_second_segment_begins(family: Any, any_tokenizer: Any) -> None:
    row = {"first": "was born at Turin", "second": "London . she did move"}
    (encodings,) = family.tokenise(any_tokenizer, [row], OPTIONS)
    (place,) = family.extra_inputs(row, encodings, FACTS)
    assert any_tokenizer.decode(encodings[0].ids[place:]).replace(" ", "").lower().startswith("london")
    assert "london" not in any_tokenizer.decode(encodings[0].ids[:place]).lower()
    any_tokenizer.enable_truncation(max_length=4)  # nothing is left of one of them
    (cut,) = family.tokenise(any_tokenizer, [{**row, "second": "."}], OPTIONS)
    assert family.extra_inputs(row, cut, FACTS)[0] <= len(cut[0])
    any_tokenizer.no_truncation()


def test_the_head_compares_the_means_of_the_two_segments() -> None:
    """Against the sum written out, row by row; the second row is shorter, and padded with anything."""
    torch.manual_seed(0)
    head = SegmentsHead(4, 2)
    assert torch.equal(head(torch.randn(1, 3, 4), torch.ones(1, 3), torch.tensor([[1]])), torch.zeros(1, 2))
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    hidden = torch.randn(2, 6, 4)
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    logits = head(hidden, mask, torch.tensor([[4], [1]]))
    for row, (first, second) in enumerate([(slice(0, 4), slice(4, 6)), (slice(0, 1), slice(1, 4))]):
        means = [hidden[row, part].mean(0) for part in (first, second)]
        u, v = (mean / mean.norm() for mean in means)
        features = torch.cat([u, v, (u - v).abs(), u * v])
        expected = head.output.weight @ features + head.output.bias + 5 * head.scale * (u @ v)
        assert logits[row].tolist() == pytest.approx(expected.tolist(), rel=1e-4)


def test_a_segment_of_which_nothing_is_left_is_no_number_that_is_none() -> None:
    head = SegmentsHead(4, 2)
    torch.nn.init.normal_(head.output.weight)
    hidden = torch.randn(1, 3, 4, requires_grad=True)
    head(hidden, torch.ones(1, 3), torch.tensor([[3]])).sum().backward()
    assert hidden.grad.isfinite().all()


# --- metrics, baselines, malformed rows -------------------------------------------------------------


@BOTH
def test_the_metrics_can_be_resampled(family: Any) -> None:
    found, generator = rows(family, 40), np.random.default_rng(0)
    guesses = [{"label": family.labels[n]} for n in generator.integers(0, 2, 40)]
    facts = learn(family, found)
    assert metric(family, "accuracy", found, guesses, facts) == np.mean(
        [row["label"] == guess["label"] for row, guess in zip(found, guesses, strict=True)]
    )
    assert resampled_equals_repeated(family, found, guesses, facts)


def test_the_linear_baseline_sees_which_words_stand_first_and_what_two_segments_share() -> None:
    found = rows(ORDER, 60)
    facts = learn(ORDER, found)
    assert metric(ORDER, "accuracy", found, ORDER.tfidf_baseline(found, found, facts), facts) == 1
    kinds = ["oil", "tennis", "rain", "cheese", "court", "moon", "bank", "horse"]
    texts = [f"A {kinds[n % 8]} came {n}. It was {kinds[n % 8]} again." for n in range(240)]
    found = [CONTEXT.read_input({"text": text}, OPTIONS) for text in texts]
    found = [{**row, **CONTEXT.read_target({}, row, OPTIONS)} for row in found]
    found = CONTEXT.add_negatives(batch(found)).to_pylist()
    facts = learn(CONTEXT, found)
    train, test = found[:180], found[180:]
    assert metric(CONTEXT, "accuracy", test, CONTEXT.tfidf_baseline(train, test, facts), facts) > 0.8
    assert metric(CONTEXT, "accuracy", test, CONTEXT.majority_baseline(train, test, facts), facts) < 0.7


@BOTH
@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({}, "'text' is missing, expected a text"),
        ({"text": None}, "'text' is missing, expected a text"),
        ({"text": ""}, "'text' is empty, expected a text"),
        ({"text": "\u3000\n"}, "'text' is empty, expected a text"),
        ({"text": 3.5}, "'text' is 3.5, expected a text"),
        ({"text": ["It rained.", "It is wet."]}, "'text' is ['It rained.', 'It is wet.'], expected a text"),
        ({"text": {"a": "b"}}, "'text' is {'a': 'b'}, expected a text"),
        ({"text": True}, "'text' is True, expected a text"),
        ({"text": "A. \udfff B."}, "'text' has half a surrogate pair at character 3, expected Unicode text"),
    ],
)
def test_a_malformed_row_gets_one_sentence(family: Any, record: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(family, record, FACTS)
    assert str(error.value) == sentence
    assert not isinstance(error.value, SkippedRowError)


@BOTH
def test_labels_are_the_familys_own(family: Any) -> None:
    assert learn(family, rows(family, 9))["labels"] == list(family.labels)
    with pytest.raises(BadRowError, match=f"the labels of {family.name} are its own; remove `labels`"):
        learn(family, rows(family, 9), ["a", "b"])


@BOTH
def test_texts_that_differ_in_punctuation_alone_do_not_conflict(family: Any) -> None:
    facts = {"options": OPTIONS, "labels": list(family.labels)}
    one, other = (read(family, {"text": text}, facts) for text in ("A b. C d.", "A b! C d?"))
    assert family.target_of(one) == family.target_of(other)


# --- through ingest ---------------------------------------------------------------------------------


def test_ingest_gives_a_row_of_another_text_the_segment_of_a_row_of_its_own_split(tmp_path: Path) -> None:
    texts = [f"First {n} alpha. Then {n} beta." for n in range(200)]
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    task = {
        "family": CONTEXT.name,
        "source": {"path": str(source), "format": "jsonl"},
        "columns": {"text": "text"},
        "splits": {"validation": 0.2, "test": 0.2},
        "cleaning": {},
        "max_length": 24,
    }
    ingest("context", Task.model_validate(task), 1, tmp_path / "data")
    for split in ("train", "validation", "test"):
        rows = pq.read_table(tmp_path / f"data/{split}.parquet").to_pylist()
        own = {row["text"].split()[1] for row in rows}
        for row in rows:
            second = row["second"].split()[1]
            assert second in own
            assert (second == row["text"].split()[1]) == (row["label"] == CONTEXT.labels[0])
        assert len({row["label"] for row in rows}) == 2
