"""Masked language model: what hidden words cost, baselines, and rows read or refused."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

from components.errors import BadRowError, UserError
from components.families.base import Row
from components.families.masked_lm.bigram_baseline import Neighbours
from components.families.masked_lm.family import _of_tokens
from components.families.masked_lm.head import MaskedTokensHead, shares
from components.families.masked_lm.unigram import Shares
from tests.families.families import (
    learn,
    losses_add_up,
    metric,
    metric_names,
    read,
    resampled_equals_repeated,
)
from tests.families.masked_lm.hiding import FAMILY, OPTIONS, TEXT, hidden

GOOD = {"text": TEXT}


# --- the head and its loss -----------------------------------------------------------------------


def bert(vocabulary: int = 40) -> Any:
    """A tiny random BertForMaskedLM."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = BertForMaskedLM(config)
    torch.nn.init.normal_(model.cls.predictions.bias)
    torch.nn.init.normal_(model.bert.embeddings.word_embeddings.weight)
    return model.eval()


def ours(theirs: Any, tokens: int) -> Any:
    """The model with the weights of theirs."""
    from components.model.multitask import MultiTaskConfig, MultiTaskModel

    facts = {"mask": 1, "tokens": tokens, "tally": [1] * tokens, "options": {}}
    card = {"task": "aside", "family": "masked_lm", "facts": facts, "max_length": 24, "inputs": ["text"]}
    model = MultiTaskModel(MultiTaskConfig(encoder=theirs.config.to_dict(), tasks={"aside": card}))
    model.encoder.load_state_dict(theirs.bert.state_dict(), strict=False)
    head, transform = model.heads["aside"], theirs.cls.predictions.transform
    head.dense.load_state_dict(transform.dense.state_dict())
    head.norm.load_state_dict(transform.LayerNorm.state_dict())
    head.bias.data = theirs.cls.predictions.bias.data[:tokens].clone()
    return model.eval()


IDS = torch.tensor([[2, 9, 1, 12, 3], [2, 1, 30, 3, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])
SIDE = torch.tensor([[2, 11, 3, 12], [1, 8, -1, -1]])  # (position, what stood there)


def test_where_tokens_are_hidden_is_told_so_that_nobody_looks_for_them() -> None:
    from components.data.batches.tensors import Rows

    ragged = [[2, 11, 3, 12], [], [1, 8]]
    rows = Rows.of([[0], [1], [0]], several=False, extra=ragged)
    assert rows.extra_nF.tolist() == [[2, 11, 3, 12], [-1] * 4, [1, 8, -1, -1]]
    assert rows.given_G.tolist() == [0, 1, 2, 3, 8, 9]
    head, hidden, embeddings = MaskedTokensHead(4, [1] * 20), torch.randn(3, 5, 4), torch.randn(20, 4)
    looked = head(hidden, None, rows.extra_nF, embeddings=embeddings)
    assert (looked[..., 0] < 0).tolist() == [[True, True], [False, False], [True, False]]
    assert torch.equal(looked, head(hidden, None, rows.extra_nF, embeddings=embeddings, given=rows.given_G))


@pytest.mark.parametrize("packed", [True, False])
def test_the_loss_is_that_of_transformers_masked_language_model(packed: bool) -> None:
    from components.data.batches.tensors import Rows

    theirs = bert()
    model = ours(theirs, 40)
    if packed:
        model.choose_packing()
        assert model.packs
    labels = torch.full_like(IDS, -100)
    labels[0, 2], labels[0, 3], labels[1, 1] = 11, 12, 8
    expected = theirs(input_ids=IDS, attention_mask=MASK, labels=labels)
    rows = {"aside": Rows(torch.tensor([0, 1]), SIDE)}
    logits = model(IDS, MASK, torch.zeros_like(IDS), rows)["aside"]
    loss = FAMILY.loss(logits, FAMILY.collate([[], []], 5), {})
    assert loss.item() / 3 == pytest.approx(expected.loss.item(), rel=1e-5)
    best = expected.logits.argmax(-1)
    right = [float(best[0, 2] == 11), float(best[0, 3] == 12), float(best[1, 1] == 8)]
    assert logits[..., 1].flatten()[:3].tolist() == right
    assert logits[1, 1].tolist() == [0, 0]


def test_the_word_embeddings_learn_where_they_are_read_in_not_where_they_score() -> None:
    from components.data.batches.tensors import Rows

    model = ours(bert(), 40)
    logits = model(IDS, MASK, torch.zeros_like(IDS), {"aside": Rows(torch.tensor([0, 1]), SIDE)})["aside"]
    FAMILY.loss(logits, torch.zeros(2), {}).backward()
    gradient = model.encoder.get_input_embeddings().weight.grad
    taught = set(gradient.abs().sum(-1).nonzero().flatten().tolist())
    assert taught == {1, 2, 3, 9, 12, 30}
    assert all(one.grad.abs().sum() > 0 for one in model.heads["aside"].parameters())


def test_what_the_tokenizer_does_not_know_is_not_scored() -> None:
    """An encoder whose vocabulary is filled up to a round number."""
    head = MaskedTokensHead(4, [1] * 5)
    torch.nn.init.normal_(head.bias)
    hidden, embeddings = torch.randn(1, 2, 4), torch.randn(8, 4)
    side = torch.tensor([[1, 3]])
    few = head(hidden, None, side, embeddings=embeddings[:5])
    assert torch.equal(few, head(hidden, None, side, embeddings=embeddings))


def test_learning_starts_at_each_tokens_share_of_the_training_texts() -> None:
    """By hand: 8 tokens of 3 kinds, so that 3 of 11 are new, each any of 5."""
    counts = [0, 5, 2, 0, 1]
    expected = np.array([0, 5, 2, 0, 1]) / 11 + 3 / 11 / 5
    assert shares(counts).numpy() == pytest.approx(expected)
    assert shares([0, 0]).tolist() == [0.5, 0.5]
    head = MaskedTokensHead(4, counts)
    side = torch.tensor([[number for token in range(5) for number in (0, token)]])
    blank = torch.zeros(5, 4)
    logits = head(torch.randn(1, 2, 4), None, side, embeddings=blank)
    assert logits[0, :, 0].exp().tolist() == pytest.approx(expected.tolist())
    assert logits[0, :, 1].tolist() == [0, 1, 0, 0, 0]


def test_at_first_the_features_cost_little_of_what_the_shares_give() -> None:
    """Embeddings as long as those of a real encoder, 384 wide and about 1.4 long; no feature tells anything."""
    torch.manual_seed(0)
    tokens, width, places = 2000, 384, 400
    counts = (1000 / torch.arange(1, tokens + 1)).long() + 1  # Zipf's law
    head = MaskedTokensHead(width, counts.tolist())
    gold = torch.multinomial(counts.double(), places, replacement=True, generator=torch.manual_seed(1))
    side = torch.stack([torch.arange(places), gold], -1).view(1, -1)
    embeddings = torch.nn.functional.normalize(torch.randn(tokens, width), dim=-1) * 1.4
    log_likelihood = head(torch.randn(1, places, width), None, side, embeddings=embeddings)[..., 0].mean()
    by_shares = float(shares(counts.tolist()).log()[gold].mean())
    assert by_shares > -math.log(tokens) + 0.8
    assert log_likelihood.item() == pytest.approx(by_shares, abs=0.2)


def test_a_head_of_no_hidden_token_is_still_one_that_learns() -> None:
    head = MaskedTokensHead(4, [1] * 5)
    for side in (torch.full((2, 4), -1), torch.zeros(2, 0)):
        logits = head(torch.randn(2, 3, 4), None, side, embeddings=torch.randn(5, 4))
        assert logits.shape == (2, side.shape[1] // 2, 2)
        FAMILY.loss(logits, torch.zeros(2), {}).backward()
    assert all(torch.equal(one.grad, torch.zeros_like(one)) for one in head.parameters())


def test_losses_add_up_and_a_divergence_is_that_of_guessed_or_not() -> None:
    logits = -np.random.default_rng(0).random((4, 3, 2))
    assert losses_add_up(FAMILY, logits, [[]] * 4, {})
    p, q = torch.tensor([[[0.3, 0.0]], [[1.0, 0.0]]]).log(), torch.tensor([[[0.6, 0.0]], [[1.0, 0.0]]]).log()
    by_hand = (0.3 - 0.6) * math.log(0.3 / 0.6) + (0.7 - 0.4) * math.log(0.7 / 0.4)
    assert float(FAMILY.divergence(p, q, torch.zeros(2), {})) == pytest.approx(by_hand, rel=1e-5)


# --- metrics and baselines -------------------------------------------------------------------------


def test_a_word_is_guessed_where_each_of_its_tokens_is() -> None:
    logits = np.log([[0.5, 1.0], [0.25, np.e], [0.5, np.e], [1.0, np.e], [0.0001, 1.0]])
    assert logits[:, 1].tolist() == [0, 1, 1, 1, 0]
    found = FAMILY.decode(logits, {"words": [3, 3, 5, 9]}, {})  # and one of padding
    assert found == {"hidden": 3, "guessed": 2, "log_likelihood": pytest.approx(math.log(0.5 * 0.25 * 0.5))}
    both_missed = np.array([[-1.0, 0.0], [-1.0, 0.0], [-1.0, 1.0]])
    assert FAMILY.decode(both_missed, {"words": [3, 3, 5]}, {})["guessed"] == 1


def test_metrics_are_those_of_all_words_together() -> None:
    generator = np.random.default_rng(0)
    rows: list[Row] = [{"text": "x"} for _ in range(50)]
    right = [generator.integers(0, 2, generator.integers(0, 5)) for _ in rows]
    predictions = [
        {"hidden": len(of_row), "guessed": int(of_row.sum()), "log_likelihood": -2.5 * len(of_row)}
        for of_row in right
    ]
    flat = np.concatenate(right)
    assert metric(FAMILY, "accuracy", rows, predictions, {}) == pytest.approx(
        accuracy_score(np.ones(len(flat)), flat)
    )
    assert metric(FAMILY, "log_likelihood", rows, predictions, {}) == pytest.approx(-2.5)
    assert resampled_equals_repeated(FAMILY, rows, predictions, {})


def test_the_trivial_baseline_is_the_most_frequent_word_on_the_words_that_the_model_is_asked(
    masking: Any,
) -> None:
    train = [{"text": "was born was Turin"}]  # 4 words, 3 of them distinct, and one unknown: 8
    words = ["was", "born", "London", "to", "she", "was", "did", "move", "was", "Turin"]
    test = [{"text": " ".join([*words[n % 10 :], *words[: n % 10]])} for n in range(10)]
    found = FAMILY.majority_baseline(train, test, {})
    for row, answer in zip(test, found, strict=True):
        model, own = hidden(masking, row["text"]), row["text"].lower().split()
        asked = [own[number] for number in sorted({model.words[place] for place in model.positions})]
        assert answer["hidden"] == len(asked) == 2
        assert answer["guessed"] == asked.count("was")
        known = {"was": 3 / 8, "born": 2 / 8, "turin": 2 / 8}
        shares = Shares(Counter(was=2, born=1, turin=1))
        log = sum(math.log(known[word]) if word in known else shares.log(word) for word in asked)
        assert answer["log_likelihood"] == pytest.approx(log)
    assert any(answer["guessed"] for answer in found)


def test_neighbours_mix_what_was_seen_between_behind_before_and_anywhere() -> None:
    model = Neighbours([["a", "x", "b"], ["a", "x", "b"], ["a", "y", "b"], ["c", "x", "d"], ["y"]])
    right, log = model.guess(["a", "x", "b"], 1, {1})
    assert right
    anywhere = (3 + 1) / (13 + 6 + 1)
    assert math.exp(log) == pytest.approx(0.5 * 2 / 3 + 0.2 * 2 / 3 + 0.2 * 2 / 3 + 0.1 * anywhere)
    right, log = model.guess(["a", "y", "?"], 1, {1})  # never seen between them, nor before the last
    assert not right
    assert math.exp(log) == pytest.approx((0.2 * 1 / 3 + 0.1 * (2 + 1) / 20) / (0.2 + 0.1))
    letters = Counter("axbycd")  # each once in the known words, which have six ends
    shares = [(letters["z"] + 1) / (6 + 6 + 7 + 1), (6 + 1) / (6 + 6 + 7 + 1)]
    unknown = math.log(1 / 20) + sum(map(math.log, shares))
    assert model.guess(["q", "z", "q"], 1, {0, 1, 2}) == (False, pytest.approx(unknown))
    right, log = model.guess(["a", "z" * 5000, "b"], 1, {1})
    assert not right
    assert -math.inf < log < -10_000


def test_the_second_baseline_is_better_where_neighbours_tell() -> None:
    rows = [{"text": f"{'red fire burns' if n % 2 else 'blue water flows'} {n}"} for n in range(60)]
    trivial, linear = FAMILY.majority_baseline(rows, rows, {}), FAMILY.tfidf_baseline(rows, rows, {})
    for name in metric_names(FAMILY):
        assert metric(FAMILY, name, rows, linear, {}) > metric(FAMILY, name, rows, trivial, {})


# --- malformed input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({}, "'text' is missing, expected a text"),
        ({"text": None}, "'text' is missing, expected a text"),
        ({"text": ""}, "'text' is empty, expected a text"),
        ({"text": " \n\t"}, "'text' is empty, expected a text"),
        ({"text": 7}, "'text' is 7, expected a text"),
        ({"text": ["a", "b"]}, "'text' is ['a', 'b'], expected a text"),
        ({"text": {"a": 1}}, "'text' is {'a': 1}, expected a text"),
        ({"text": float("nan")}, "'text' is missing, expected a text"),
        ({"text": b"bytes"}, "'text' is b'bytes', expected a text"),
        ({"text": "half \ud800"}, "'text' has half a surrogate pair at character 5, expected Unicode text"),
    ],
)
def test_a_malformed_row_gets_one_sentence(record: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, record, {"options": OPTIONS})
    assert str(error.value) == sentence


def test_labels_texts_without_words_and_a_tokenizer_without_a_mask_are_refused(tokenizer: Any) -> None:
    rows = [read(FAMILY, GOOD, {"options": OPTIONS})]
    assert learn(FAMILY, rows) == {"options": {}}
    with pytest.raises(BadRowError, match="a masked language model has no label set; remove `labels`"):
        learn(FAMILY, rows, ["a", "b"])
    with pytest.raises(BadRowError, match="no training text has a word, nothing to learn"):
        learn(FAMILY, [{"text": "\u200b", "words": 0}])
    with pytest.raises(UserError) as error:
        _of_tokens(tokenizer)
    assert str(error.value) == (
        "the encoder's tokenizer has no mask token, behind which masked_lm could hide words; "
        "expected [MASK] or <mask> in its vocabulary"
    )


def test_texts_that_differ_in_punctuation_alone_repeat_each_other_and_do_not_conflict() -> None:
    one, other = (
        read(FAMILY, {"text": text}, {"options": OPTIONS}) for text in ("Good, plane!", "good plane")
    )
    assert one["words"] != other["words"]
    assert FAMILY.target_of(one) == FAMILY.target_of(other)
