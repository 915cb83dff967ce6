"""Tagging: schemes, raw text with spans, characters; tags and entities that fit any text."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.shared.words import places, units
from components.families.tagging.family import FAMILY as TAGGING
from components.families.tagging.family import IGNORED
from components.families.tagging.schemes import entities
from tests.families.families import metric_named


def options(**given: Any) -> dict[str, Any]:
    return TAGGING.options.model_validate(given).model_dump()


def facts_of(labels: list[str], **given: Any) -> dict[str, Any]:
    chosen = options(**given)
    if chosen["scheme"] == "plain":
        return {"labels": labels, "tags": labels, "default": labels[0], "options": chosen}
    tags = ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]
    return {"labels": labels, "tags": tags, "default": "O", "options": chosen}


def read(record: dict[str, Any], **given: Any) -> dict[str, Any]:
    row = TAGGING.read_input(record, options(**given))
    return {**row, **TAGGING.read_target(record, row, options(**given))}


def metric(name: str, rows: list, predictions: list, facts: dict) -> float:
    return metric_named(TAGGING, name).measure(rows, predictions, facts)


# --- rows --------------------------------------------------------------------------------------------

SPANS = "a list of objects with start, end and type"
MALFORMED = [
    ({"text": " ", "tags": ["O"]}, {}, "'text' is empty, expected a text"),
    ({"tokens": [], "tags": []}, {}, "'tokens' is [], expected a list of words"),
    ({"tokens": ["a", " "], "tags": ["O", "O"]}, {}, "'tokens' has a blank at place 2, expected a word"),
    ({"tokens": ["a", 3], "tags": ["O", "O"]}, {}, "'tokens' is ['a', 3], expected a list of words"),
    ({"tokens": ["a\ud800"], "tags": ["O"]}, {}, "'tokens' has half a surrogate pair at character 1, expected Unicode text"),
    ({"tokens": ["a", "b"], "tags": ["O"]}, {}, "2 tokens but 1 tags, expected one tag per token"),
    (
        {"tokens": ["a"], "tags": ["PER"]},
        {},
        "tag 1 is 'PER', expected O, B-TYPE or I-TYPE; types without a prefix are the scheme io, tags that "
        "spell no entities are plain",
    ),
    ({"tokens": ["a"], "tags": ["I-X"]}, {"scheme": "bmes"}, "tag 1 is 'I-X', expected O, B-TYPE, M-TYPE, E-TYPE or S-TYPE"),
    ({"tokens": ["a", "b"], "tags": ["O", "I-X"]}, {"repair": False}, "token 2: 'I-X' after 'O' is ill-formed BIO; expected an entity that is begun and ended, or `repair: true`"),
    ({"tokens": ["a"], "tags": ["B-X"]}, {"scheme": "iobes", "repair": False}, "token 1: the end after 'B-X' is ill-formed IOBES; expected an entity that is begun and ended, or `repair: true`"),
    ({"tokens": ["a"], "tags": ["B-X"]}, {"scheme": "iob1", "repair": False}, "token 1: 'B-X' after the start is ill-formed IOB1; expected an entity that is begun and ended, or `repair: true`"),
    ({"text": "ab", "tokens": ["b", "a"], "tags": ["O", "O"]}, {}, "token 2, 'a', is not in the text after the one before it"),
    ({"text": "ab"}, {}, "found both or neither of 'tags' and 'spans', expected one of them"),
    ({"text": "ab", "spans": "[{"}, {}, f"'spans' is '[{{', expected {SPANS}"),
    ({"text": "ab", "spans": None}, {}, f"'spans' is None, expected {SPANS}"),
    ({"text": "ab", "spans": [{"start": 0, "end": 1}]}, {}, "span 1 is {'start': 0, 'end': 1}, expected an object with start, end and type"),
    ({"text": "ab", "spans": [{"start": 0, "end": 1.5, "type": "X"}]}, {}, "span 1 is {'start': 0, 'end': 1.5, 'type': 'X'}, expected the start and the end of a span"),
    ({"text": "ab", "spans": [{"start": 0, "end": 9, "type": "X"}]}, {}, "span 1 is 0 to 9, expected a span of the text's 2 characters"),
    ({"text": "a b", "spans": [{"start": 1, "end": 2, "type": "X"}]}, {}, "span 1 is empty: nothing stands from 1 to 2"),
    ({"text": "abc", "spans": [{"start": 1, "end": 3, "type": "X"}, {"start": 0, "end": 2, "type": "Y"}]}, {}, "spans 0 to 2 and 1 to 3 overlap, expected spans apart"),
    ({"text": "ab", "spans": []}, {"scheme": "plain"}, "'spans' spell entities, but the scheme is plain; expected 'tags'"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "given_options", "sentence"), MALFORMED)
def test_a_malformed_row_gets_one_sentence(record: dict, given_options: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as raised:
        read(record, **given_options)
    assert str(raised.value) == sentence


def test_a_tag_outside_the_label_set_is_named_with_its_neighbour() -> None:
    with pytest.raises(BadRowError, match=r"tag 'B-PERS' .*did you mean 'PER'.* one of PER, LOC"):
        TAGGING.check_row({"tags": ["O", "B-PERS"]}, facts_of(["PER", "LOC"]))
    with pytest.raises(BadRowError, match=r"tag 'NNZ' .*did you mean 'NN'.*; expected one of NN, VB"):
        TAGGING.check_row({"tags": ["NNZ"]}, facts_of(["NN", "VB"], scheme="plain"))


def test_training_rows_without_an_entity_teach_nothing() -> None:
    with pytest.raises(BadRowError, match="no training row has an entity"):
        TAGGING.learn_facts([{"tags": ["O", "O"]}], None, options())


def test_words_and_their_tags_are_read_in_every_scheme() -> None:
    tokens = ["Ada", "Lovelace", "saw", "Turin"]
    spelled = {
        "bio": ["B-P", "I-P", "O", "B-L"],
        "iob1": ["I-P", "I-P", "O", "I-L"],
        "iobes": ["B-P", "E-P", "O", "S-L"],
        "bmes": ["B-P", "E-P", "O", "S-L"],
    }
    for scheme, tags in spelled.items():
        row = read({"tokens": tokens, "tags": tags}, scheme=scheme, repair=False)
        assert row == {"text": "Ada Lovelace saw Turin", "tokens": tokens, "tags": spelled["bio"]}


def test_plain_tags_stay_as_they_are() -> None:
    row = read({"tokens": "I- am", "tags": "I-PRP VBP"}, scheme="plain")
    assert row["tags"] == ["I-PRP", "VBP"]


@pytest.mark.parametrize("tokens", ["他在北京", ["他", "在", "北", "京"], ["他在", "北京"]])
def test_characters_are_tagged_whether_given_as_a_text_or_one_by_one(tokens: Any) -> None:
    row = read({"tokens": tokens, "tags": ["O", "O", "B-L", "E-L"]}, scheme="bmes", unit="character")
    assert row == {"text": "他在北京", "tokens": list("他在北京"), "tags": ["O", "O", "B-L", "I-L"]}


def test_spaces_have_no_tag_in_a_text_of_characters() -> None:
    row = read({"text": "東京 都", "tags": "B-L I-L I-L"}, unit="character")
    assert row["tokens"] == ["東", "京", "都"]


def test_a_word_that_a_span_cuts_is_split_there() -> None:
    spans = '[{"start": 4, "end": 10, "type": "LOC"}, {"start": 0, "end": 3, "type": "PER"}]'
    row = read({"text": "Ada Turiner", "spans": spans})
    assert row["tokens"] == ["Ada", "Turine", "r"]
    assert row["tags"] == ["B-PER", "B-LOC", "O"]


@st.composite
def spanned_texts(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    text = draw(st.text(min_size=1, max_size=40))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    chosen = [
        {"start": start, "end": end, "type": draw(st.sampled_from(["A", "B"]))}
        for start, end in itertools.pairwise(cuts)
        if text[start:end].strip() and draw(st.booleans())
    ]
    return text, chosen


@given(spanned=spanned_texts(), unit=st.sampled_from(["word", "character"]))
def test_spans_of_any_text_come_back_from_its_tokens_and_tags(spanned: tuple, unit: str) -> None:
    text, spans = spanned
    row = TAGGING.read_target({"spans": spans}, {"text": text}, options(unit=unit))
    where = places(row["tokens"], text)
    found = [(where[a][0], where[b][1], kind) for kind, a, b in entities(row["tags"])]
    stripped = []
    for span in spans:
        inside = text[span["start"] : span["end"]]
        start = span["end"] - len(inside.lstrip())
        stripped.append((start, start + len(inside.strip()), span["type"]))
    assert found == stripped


# --- tokens ------------------------------------------------------------------------------------------


@pytest.mark.slow
@given(
    text=st.text(min_size=1, max_size=60),
    unit=st.sampled_from(["word", "character"]),
    seed=st.integers(0, 999),
)
@pytest.mark.parametrize("scheme", ["bio", "plain"])
def test_answers_fit_any_text(any_tokenizer: Any, scheme: str, text: str, unit: str, seed: int) -> None:
    any_tokenizer.enable_truncation(16)
    facts, row = facts_of(["X", "Y"], scheme=scheme, unit=unit), {"text": text}
    (encodings,) = TAGGING.tokenise(any_tokenizer, [row], facts["options"])
    layout = TAGGING.layout(row, encodings, facts)
    logits = np.random.default_rng(seed).normal(size=(20, len(facts["tags"])))  # padded
    prediction = TAGGING.decode(logits, layout, facts)
    answer = TAGGING.response.model_validate(TAGGING.respond(prediction, row, layout, facts))
    for one in [*answer.entities, *answer.tokens]:
        assert text[one.start : one.end] == one.text != ""
    if scheme == "plain":
        assert "".join(token.text for token in answer.tokens) == "".join(text.split())


@given(
    text=st.text(min_size=1, max_size=60),
    unit=st.sampled_from(["word", "character"]),
    seed=st.integers(0, 999),
)
def test_truncation_never_shifts_a_label(any_tokenizer: Any, text: str, unit: str, seed: int) -> None:
    """What is decoded from a target of a cut text is its gold tags; a word that is cut off is O."""
    any_tokenizer.enable_truncation(10)
    facts = facts_of(["X", "Y"], unit=unit)
    tokens = [text[start:end] for start, end in units(text, unit)]
    if not tokens:
        return
    gold = np.random.default_rng(seed).choice(["O", "B-X", "B-Y"], len(tokens)).tolist()
    row = {"text": text, "tokens": tokens, "tags": gold}
    (encodings,) = TAGGING.tokenise(any_tokenizer, [row], facts["options"])
    target, layout = TAGGING.target(row, encodings, facts), TAGGING.layout(row, encodings, facts)
    assert len(target) == len(encodings[0]) <= 10
    assert TAGGING.units(target, facts) == len(layout["numbers"])
    logits = np.eye(5)[np.maximum(target, 0)]
    kept = set(layout["numbers"])
    expected = [tag if number in kept else "O" for number, tag in enumerate(gold)]
    assert TAGGING.decode(logits, layout, facts)["tags"] == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["B-X", "I-X"], ["O", "B-X", "I-X", "I-X", "O"]),
        (["B-X", "B-X"], ["O", "B-X", "O", "B-X", "O"]),
        (["O", "B-X"], ["O", "O", "O", "B-X", "O"]),
        (["B-X", "O"], ["O", "B-X", "O", "O", "O"]),
    ],
)
def test_a_word_without_a_piece_does_not_break_an_entity_in_two(path: list[str], expected: list[str]) -> None:
    """As the blank of no width between two words of Khmer; before, between, after and beyond what has pieces."""
    facts = facts_of(["X"])
    layout = {"words": [[n, n + 1] for n in range(5)], "numbers": [1, 3], "positions": [1, 2]}
    logits = np.eye(len(facts["tags"]))[[0, *map(facts["tags"].index, path)]]
    assert TAGGING.decode(logits, layout, facts)["tags"] == expected


def test_the_loss_is_the_mean_over_tagged_words_and_ignores_padding() -> None:
    import torch

    facts = facts_of(["X"])
    logits = torch.tensor([[[2.0, 0.0, 0.0]] * 4])
    target = TAGGING.collate([[IGNORED, 0, 1]], 4)
    expected = -(torch.log_softmax(logits[0, 0], 0)[[0, 1]].sum())
    assert TAGGING.loss(logits, target, facts) == pytest.approx(expected)
    assert TAGGING.units([IGNORED, 0, 1], facts) == 2


# --- metrics -----------------------------------------------------------------------------------------


def sentences(seed: int, tags: list[str]) -> tuple[list[list[str]], list[list[str]]]:
    generator = np.random.default_rng(seed)
    gold = [generator.choice(tags, 7).tolist() for _ in range(40)]
    noise = [[tag if generator.random() < 0.7 else "O" for tag in row] for row in gold]
    return gold, noise


def test_entity_f1_and_the_report_are_seqevals() -> None:
    from seqeval.metrics import classification_report, f1_score

    gold, predicted = sentences(0, ["O", "B-X", "B-Y"])
    rows, predictions = [{"tags": tags} for tags in gold], [{"tags": tags} for tags in predicted]
    facts = facts_of(["X", "Y"])
    assert metric("entity_f1", rows, predictions, facts) == pytest.approx(f1_score(gold, predicted))
    expected = classification_report(gold, predicted, output_dict=True)
    for counts in TAGGING.report(rows, predictions, facts):
        of_kind = expected[counts.name]
        assert counts.gold == of_kind["support"]
        assert (counts.f1, counts.precision, counts.recall) == pytest.approx(
            (of_kind["f1-score"], of_kind["precision"], of_kind["recall"])
        )


def test_token_accuracy_and_the_plain_report_are_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score, f1_score

    gold, predicted = sentences(1, ["NN", "VB", "O"])
    rows, predictions = [{"tags": tags} for tags in gold], [{"tags": tags} for tags in predicted]
    flat = list(itertools.chain(*gold)), list(itertools.chain(*predicted))
    facts = facts_of(["NN", "O", "VB"], scheme="plain")
    assert metric("token_accuracy", rows, predictions, facts) == pytest.approx(accuracy_score(*flat))
    expected = f1_score(*flat, average=None, labels=facts["labels"])
    report = TAGGING.report(rows, predictions, facts)
    assert [counts.f1 for counts in report] == pytest.approx(expected)
    assert [counts.gold for counts in report] == [flat[0].count(label) for label in facts["labels"]]


def test_plain_tags_are_measured_by_accuracy_alone() -> None:
    assert [one.name for one in TAGGING.metrics_for(options())] == ["entity_f1", "token_accuracy"]
    assert [one.name for one in TAGGING.metrics_for(options(scheme="plain"))] == ["token_accuracy"]


def test_the_baselines_answer_with_tags_of_the_scheme() -> None:
    train = [{"tokens": ["a", "b", "c"], "tags": ["DT", "NN", "NN"]}] * 3
    for baseline in (TAGGING.majority_baseline, TAGGING.tfidf_baseline):
        (prediction,) = baseline(train, train[:1], facts_of(["DT", "NN"], scheme="plain"))
        assert set(prediction["tags"]) <= {"DT", "NN"}


def test_the_linear_baseline_reads_the_words_beside_a_word() -> None:
    rows = [
        {"tokens": ["in", "mr", "paris", "x"], "tags": ["O", "O", "B-PER", "O"]},
        {"tokens": ["mr", "in", "paris", "x"], "tags": ["O", "O", "B-LOC", "O"]},
        {"tokens": ["x", "may", "came"], "tags": ["O", "B-PER", "O"]},
        {"tokens": ["x", "may", "is"], "tags": ["O", "O", "O"]},
    ]
    said = TAGGING.tfidf_baseline(rows * 6, rows, facts_of(["PER", "LOC"]))
    assert [one["tags"] for one in said] == [row["tags"] for row in rows]
