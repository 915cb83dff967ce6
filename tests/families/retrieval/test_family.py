"""Retrieval: rows read or refused in one sentence, the contrast by hand, a service that ranks as evaluation does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given

from components.errors import BadRowError, UserError
from components.evaluation.common import ground
from components.families.retrieval.family import FAMILY, distinct
from components.families.retrieval.head import BiEncoderHead
from tests.families.desk import TEMPLATES, declare_desk
from tests.families.families import (
    UNICODE,
    learn,
    metric,
    options,
    pieces,
    read,
    resampled_equals_repeated,
    states,
)
from tests.params.messages import refusal

ANSWERS = {"fly": "good plane", "ride": "bad train", "stay": "the great london"}
ROWS = [
    {"text": f"{word} {n}", "text_pair": None, "answer": answer}
    for n in range(4)
    for word, answer in (("plane", "good plane"), ("train", "bad train"), ("train plane", "bad train"))
]
FACTS = learn(FAMILY, ROWS)
GOOD = {"text": "plane", "answer": "good plane"}


@pytest.fixture
def templates(tmp_path: Path) -> str:
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(json.dumps({"id": i, "text": text}) for i, text in ANSWERS.items()))
    return str(path)


def facts_of(templates: str, **given: Any) -> dict[str, Any]:
    rows = [{"text": "a", "answer": "fly"}, {"text": "b", "answer": "ride"}]
    return learn(FAMILY, rows, templates=templates, **given)


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": None}, "'text' is missing, expected a text"),
        ({"text": " "}, "'text' is empty, expected a text"),
        ({"text": 5}, "'text' is 5, expected a text"),
        ({"answer": None}, "'answer' is missing, expected a text"),
        ({"answer": " "}, "'answer' is empty, expected a text"),
        ({"answer": 1.5}, "'answer' is 1.5, expected a text"),
        ({"answer": True}, "'answer' is True, expected a text"),
        ({"answer": ["good plane"]}, "'answer' is ['good plane'], expected a text"),
        (
            {"answer": "\ud800"},
            "'answer' has half a surrogate pair at character 0, expected Unicode text",
        ),
        (
            {"answer": "good plan"},
            "'answer' is 'good plan' (did you mean 'good plane'?); "
            "expected the id or the text of one of 2 templates",
        ),
    ],
)
def test_a_malformed_row_gets_one_sentence(wrong: dict, sentence: str) -> None:
    read(FAMILY, GOOD, FACTS)
    with pytest.raises(BadRowError) as error:
        read(FAMILY, {**GOOD, **wrong}, FACTS)
    assert str(error.value) == sentence


@pytest.mark.parametrize("answer", ["fly", " fly ", "good plane"])
def test_an_answer_is_an_id_or_the_exact_text(templates: str, answer: str) -> None:
    assert read(FAMILY, {"text": "a", "answer": answer}, facts_of(templates))["answer"] == "fly"


def test_an_answer_that_no_template_has_is_refused_where_it_stands(templates: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, {"text": "a", "answer": "flyy"}, facts_of(templates))
    assert str(error.value) == (
        "'answer' is 'flyy' (did you mean 'fly'?); expected the id or the text of one of 3 templates"
    )


def test_rows_that_teach_nothing_and_labels_are_refused(templates: str) -> None:
    with pytest.raises(BadRowError, match="all 2 training rows have the same answer, nothing to learn"):
        learn(FAMILY, [GOOD, GOOD])
    with pytest.raises(BadRowError, match="remove `labels`"):
        learn(FAMILY, ROWS, ["a", "b"])


@pytest.mark.parametrize("given", [{"negatives": -1}, {"negatives": 21}, {"top": 0}, {"temlates": "x"}])
def test_options_are_bounded(given: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        options(FAMILY, **given)


# --- what is read while learning -----------------------------------------------------------------


def test_without_a_file_the_distinct_answers_are_the_templates() -> None:
    assert FACTS["templates"] == {"bad train": "bad train", "good plane": "good plane"}


def test_hard_negatives_are_the_templates_most_like_the_question_but_its_answer(templates: str) -> None:
    rows = [{"text": "train to london", "answer": "ride"}, {"text": "train to london", "answer": "fly"}]
    learning = FAMILY.with_candidates(rows, facts_of(templates, negatives=1))
    assert [row["ids"] for row in learning] == [["ride", "stay"], ["fly", "ride"]]
    assert learning[1]["beside"] == ["good plane", "bad train"]
    assert FAMILY.with_candidates(rows, facts_of(templates, negatives=0))[0]["ids"] == ["ride"]
    every = FAMILY.with_candidates(rows, facts_of(templates, negatives=20))  # there are no more than two
    assert [sorted(row["ids"]) for row in every] == [sorted(ANSWERS)] * 2


def test_a_target_names_what_stands_beside_the_question_its_answer_first(templates: str) -> None:
    facts = facts_of(templates, negatives=2)
    rows = [{"text": "train", "answer": "ride"}, {"text": "plane", "answer": "fly"}]
    one, other = (FAMILY.target(row, [], facts) for row in FAMILY.with_candidates(rows, facts))
    assert len(set(one)) == 3
    assert set(one) == set(other)
    assert FAMILY.target(rows[0], [], facts) == one[:1]  # of a held-out row
    assert FAMILY.target({"answer": "Ride"}, [], facts) != one[:1]


def test_a_dialogue_loses_its_oldest_turns_and_a_template_its_end(tokenizer: Any) -> None:
    cut = FAMILY.truncation(("turns",), 4, {})
    tokenizer.enable_truncation(**cut)
    row = {"text": "good plane bad train", "text_pair": None, "beside": ["late early great poor", "a"]}
    (encodings,) = FAMILY.tokenise(tokenizer, [row], {})
    assert [pieces(tokenizer, one)[1:-1] for one in encodings] == [["bad", "train"], ["late", "early"], ["a"]]
    assert tokenizer.truncation["direction"] == "left"  # as it was
    (candidate, *_), (question,) = FAMILY.tokenise(tokenizer, [{"text": None, "beside": ["a"]}, GOOD], {})
    assert pieces(tokenizer, candidate)[1:-1] == ["a"]
    assert pieces(tokenizer, question)[1:-1] == ["plane"]


# --- the contrast --------------------------------------------------------------------------------


def vectors(*rows: list[list[float]]) -> tuple[torch.Tensor, torch.Tensor]:
    """hidden_nM2D, mask_nM2: of each sequence two tokens, whose mean is the vector; then padding."""
    means = torch.tensor(rows)
    apart = torch.randn(means.shape, generator=torch.Generator().manual_seed(1))
    hidden = torch.stack([means + apart, means - apart, torch.full_like(means, 9.0)], -2)
    return hidden, torch.tensor([1, 1, 0]).expand(hidden.shape[:-1])


QUESTIONS = [[3.0, 0.0], [0.0, 2.0]]
BESIDE = [[[1.0, 1.0], [0.0, 5.0]], [[3.0, 4.0], [1.0, 0.0]]]  # of each question: its answer, a negative


def test_logits_are_cosines_over_the_temperature() -> None:
    head = BiEncoderHead()
    logits = head(*vectors(*([q, *b] for q, b in zip(QUESTIONS, BESIDE, strict=True))))
    half = np.sqrt(0.5)
    expected = 20 * torch.tensor([[half, 0, 0.6, 1], [half, 1, 0.8, 0]])
    torch.testing.assert_close(logits, expected.float(), atol=1e-4, rtol=0)
    with torch.no_grad():
        head.scale.fill_(9.0)  # e^9 is beyond the most
    limited = head(*vectors(*([q, *b] for q, b in zip(QUESTIONS, BESIDE, strict=True))))
    torch.testing.assert_close(limited, 5 * expected.float(), atol=1e-3, rtol=0)


def test_the_loss_is_info_nce_by_hand() -> None:
    """-log of f(right) over the sum of f of all candidates (van den Oord 2018, equation 4)."""
    logits = torch.tensor([[1.0, 0.5, -1.0, 2.0], [0.0, 1.5, 3.0, 1.0]])
    target = FAMILY.collate([[11, 12], [13, 14]], 0)
    f = np.exp(logits.numpy())
    expected = -np.log(f[0, 0] / f[0].sum()) - np.log(f[1, 2] / f[1].sum())
    assert FAMILY.loss(logits, target, FACTS).item() == pytest.approx(expected, rel=1e-6)


def test_an_answer_is_no_negative_of_its_own_row_and_a_candidate_counts_once() -> None:
    """Rows 0 and 1 have answer 7, which is row 2's negative; 8 stands beside two rows."""
    target = torch.tensor([[7, 8], [7, 9], [8, 7]])
    allowed = [[0, 1, 3], [2, 1, 3], [4, 0, 3]]  # by row, the places of 7, 8, 9 in any order
    logits = torch.randn(3, 6, generator=torch.Generator().manual_seed(2))
    kept = distinct(logits, target).isfinite()
    assert [set(row.nonzero().flatten().tolist()) for row in kept] == [set(row) for row in allowed]
    f = np.exp(logits.numpy())
    expected = sum(-np.log(f[n, right] / f[n, own].sum()) for n, (right, own) in enumerate(
        zip((0, 2, 4), allowed, strict=True)))  # fmt: skip
    assert FAMILY.loss(logits, target, FACTS).item() == pytest.approx(expected, rel=1e-6)


def test_divergence_is_of_the_candidates_that_the_loss_compares() -> None:
    from torch.distributions import Categorical, kl_divergence

    target = torch.tensor([[7, 8], [7, 9]])
    one, other = torch.randn(2, 2, 4, generator=torch.Generator().manual_seed(3))
    one.requires_grad_()
    expected = 0
    for row, own in ((0, [0, 1, 3]), (1, [2, 1, 3])):
        p, q = Categorical(logits=one[row, own]), Categorical(logits=other[row, own])
        expected += kl_divergence(p, q) + kl_divergence(q, p)
    found = FAMILY.divergence(one, other, target, FACTS)
    torch.testing.assert_close(found, expected)
    found.backward()
    assert one.grad.isfinite().all()


def test_a_row_alone_without_negatives_has_nothing_to_learn_from() -> None:
    logits = torch.tensor([[3.0]], requires_grad=True)
    loss = FAMILY.loss(logits, torch.tensor([[5]]), FACTS)
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.item() == 0


def test_the_loss_moves_question_answers_and_temperature() -> None:
    hidden, mask = vectors(*([q, *b] for q, b in zip(QUESTIONS, BESIDE, strict=True)))
    hidden.requires_grad_()
    head = BiEncoderHead()
    FAMILY.loss(head(hidden, mask), torch.tensor([[1, 2], [3, 4]]), FACTS).backward()
    moved = hidden.grad.abs().sum((-1, -2))
    assert (moved > 0).all()
    assert (hidden.grad[..., 2, :] == 0).all()  # padding
    assert head.scale.grad.abs() > 0


# --- answers -------------------------------------------------------------------------------------


def answer(tokenizer: Any, question: dict[str, Any], facts: dict[str, Any]) -> Any:
    """A question through what the service does with it, against an index of random states."""
    head = FAMILY.head(8, facts).eval()
    tokenizer.enable_truncation(**FAMILY.truncation(FAMILY.request_fields(question), 24, {}))

    def of_row(row: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, mask = states(FAMILY.tokenise(tokenizer, [row], {})[0])
        return hidden[None], mask[None]

    head.candidates_ND = torch.cat([head.index(*of_row(row)) for row in FAMILY.candidates(facts)])
    row = FAMILY.read_input(question, facts["options"])
    with torch.inference_mode():
        logits = head(*of_row(row))[0].numpy()
    prediction = FAMILY.respond(FAMILY.decode(logits, {}, facts), row, {}, facts)
    return FAMILY.response.model_validate(prediction)


@given(text=UNICODE)
def test_any_unicode_is_answered_and_best_first(tokenizer: Any, text: str) -> None:
    for question in ({"text": text}, {"turns": [text, text[::-1]]}):
        found = answer(tokenizer, question, FACTS).answers
        assert {one.id for one in found} == set(FACTS["templates"])
        assert 1.0001 > found[0].score >= found[1].score > -1.0001


def test_a_templates_own_text_finds_it_and_only_the_top_are_given(tokenizer: Any, templates: str) -> None:
    facts = facts_of(templates, top=2)
    for identity, text in ANSWERS.items():
        found = answer(tokenizer, {"text": text}, facts).answers
        assert len(found) == 2
        assert (found[0].id, found[0].text) == (identity, text)
        assert found[0].score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("top", [1, 12])
def test_metrics_are_those_of_the_whole_ranking_and_can_be_resampled(top: int) -> None:
    """However few answers the service gives."""
    from sklearn.metrics import ndcg_score, top_k_accuracy_score

    draw = np.random.default_rng(0)
    ids = [f"{n:02}" for n in range(20)]
    facts = {"templates": {one: one for one in ids}, "options": options(FAMILY, top=top)}
    scores_NC, right_N = draw.normal(size=(30, 20)), draw.integers(0, 20, 30)
    found = [FAMILY.decode(row, {}, facts) for row in scores_NC]
    rows = [{"answer": ids[n]} for n in right_N]
    for k in (1, 5):
        expected = top_k_accuracy_score(right_N, scores_NC, k=k, labels=range(20))
        assert metric(FAMILY, f"recall_at_{k}", rows, found, facts) == pytest.approx(expected)
    cut = [{"ranking": one["ranking"][:10]} for one in found]
    expected = ndcg_score(np.eye(20)[right_N], scores_NC, k=10)
    assert metric(FAMILY, "ndcg_at_10", rows, cut, facts) == pytest.approx(expected)
    assert resampled_equals_repeated(FAMILY, rows, found, facts)


def test_the_baselines() -> None:
    """The most popular are ranked alike for all. A template is as near as its nearest text: its own, or one
    training question, not all of them together."""
    trivial = FAMILY.majority_baseline(ROWS, ROWS[:2], FACTS)
    assert [[one["id"] for one in found["ranking"]] for found in trivial] == [["bad train", "good plane"]] * 2
    facts = {"templates": {"a": "x y", "b": "late"}, "options": options(FAMILY)}
    train = [{"text": f"paris alice {n}", "answer": "a"} for n in range(9)]
    train += [{"text": "paris", "answer": "b"}]
    asked = [{"text": "alice"}, {"text": "late late"}, {"text": "paris"}]
    found = FAMILY.tfidf_baseline(train, asked, facts)
    assert [one["ranking"][0]["id"] for one in found] == ["a", "b", "b"]


def test_an_id_with_another_text_is_another_answer() -> None:
    known, facts = {"templates": {"a": "x", "b": "y"}}, {"templates": {"b": "other", "a": "x"}}
    rows = [{"answer": "a"}, {"answer": "b"}, {"answer": "a"}]
    said = [{"ranking": [{"id": one, "score": 1.0}]} for one in "aab"]
    common = ground(FAMILY, known, facts, rows, said)
    assert common.rows_N.tolist() == [True, False, False]
    assert common.changed == "the label set changed: +b \u2212b"


# --- a whole task --------------------------------------------------------------------------------


@pytest.fixture
def project(tiny_project: Path) -> Path:
    declare_desk(tiny_project)
    return tiny_project


@pytest.mark.slow
def test_it_trains_and_the_service_ranks_as_the_evaluation_does(project: Path) -> None:
    import pyarrow.parquet as pq

    from components.data.encoding.split import EncodedSplit
    from tests.conftest import encode_project
    from tests.families.trained import evaluated, service, train

    encode_project(project)
    for split, sequences in (("train", 3), ("test", 1)):  # question, answer, negative; the question
        rows = EncodedSplit(Path(f"encoded/desk/{split}.arrow"))
        assert {len(rows.sequences(row)) for row in range(len(rows))} == {sequences}
    train()
    predictor, expected = service(), evaluated("desk")
    rows = pq.read_table("data/desk/test.parquet").to_pylist()
    for row, prediction in zip(rows, expected, strict=True):
        (found,) = predictor.predict([row["text"]], ["desk"])
        ranked = found["desk"].answers
        assert len(ranked) == 2
        for one, other in zip(ranked, prediction["ranking"], strict=False):
            assert (one.id, one.text) == (other["id"], TEMPLATES[other["id"]])
            assert one.score == pytest.approx(other["score"], abs=1e-5)


def refused(project: Path, **task: Any) -> str:
    """What is said of settings whose task of questions has these keys."""
    settings_file = yaml.safe_load(Path("params.yaml").read_text())
    settings_file["tasks"]["desk"] |= task
    Path("params.yaml").write_text(yaml.safe_dump(settings_file, sort_keys=False))
    return refusal()


def test_templates_whose_change_would_go_unseen_are_refused(project: Path) -> None:
    assert refused(project, options={"templates": "answers.jsonl"}) == (
        "params.yaml: tasks.desk.options: 'answers.jsonl' is not below source.path, 'desk', and a change of it "
        "would go unseen; expected both in one folder: that is source.path, and source.files names the rows"
    )


@pytest.mark.parametrize("family", ["classification", "retrieval"])
def test_its_rows_are_shared_with_no_joint_head(project: Path, family: str) -> None:
    of_family = {
        "classification": {"columns": {"label": "answer"}, "gate": {"metric": "accuracy", "floor": 0.0}},
        "retrieval": {"columns": {"answer": "answer"}, "gate": {"metric": "recall_at_1", "floor": 0.0}},
    }
    joint = {"second": {"family": family, **of_family[family]}}
    assert refused(project, joint=joint) == (
        f"params.yaml: tasks.desk.joint.second: {family} does not read a row as retrieval does; "
        "make it a task of its own"
    )


def test_too_many_templates_are_refused_before_training(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.data.ingest import ingest
    from tests.conftest import encode_project

    monkeypatch.setattr(ingest, "MOST_CANDIDATES", 3)
    with pytest.raises(UserError) as error:
        encode_project(project)
    assert str(error.value) == (
        "params.yaml: tasks.desk: found 4 candidates for an answer, expected at most 3"
    )


# --- training ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_gradients_by_task_are_those_of_separate_backward_passes(project: Path) -> None:
    """A contrast is between rows, but all of one task: of a pack its gradient can still be told apart."""
    from components.training.gradients.packed import PackedGradients
    from components.training.step.backward import StepBackward
    from tests.conftest import encode_project
    from tests.training.steps import first_batch, stepper

    encode_project(project)
    engine = stepper(project, tokens_per_micro_batch=150)
    look = StepBackward(engine, 0, first_batch(project, engine))
    assert len(look.batches) > 1
    model = engine.model.train()
    expected = []
    for head in look.rows:
        model.zero_grad(set_to_none=True)
        for micro in look.micros():
            if head in (means := look.means(micro)):
                means[head].backward()
        expected.append([p.grad.flatten().clone() for p in model.encoder.parameters() if p.grad is not None])
    gradient_KP = torch.stack([torch.cat(parts) for parts in expected]).double()
    model.zero_grad(set_to_none=True)
    _, gradients = look.per_task()
    assert isinstance(gradients, PackedGradients)
    exact_KK = (gradient_KP @ gradient_KP.T).numpy()
    np.testing.assert_allclose(gradients.gramian(), exact_KK, rtol=1e-4, atol=1e-4 * np.diag(exact_KK).min())
    weights = {"desk": 0.5, "mood": -2.0}
    gradients.apply(weights, weights)
    found = torch.cat([p.grad.flatten() for p in model.encoder.parameters() if p.grad is not None]).double()
    combined = sum(
        weights[head] * gradient_P for head, gradient_P in zip(look.rows, gradient_KP, strict=True)
    )
    assert (found - combined).norm() < 1e-4 * combined.norm()


@pytest.mark.slow
def test_an_interrupted_run_ends_with_the_same_weights_and_index(project: Path) -> None:
    from components import params
    from components.training.run.fit import run
    from tests.conftest import encode_project
    from tests.training.runs import Stop, train

    encode_project(project)
    expected, index = train(), Path("models/multitask/index.desk.safetensors")
    whole = index.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(6))
    assert train() == expected
    assert index.read_bytes() == whole


@pytest.mark.parametrize("asked", [{"text": "good plane"}, {"turns": ["good plane", "bad train"]}])
def test_a_row_has_a_value_in_every_input_column_of_its_files(asked: dict[str, Any]) -> None:
    """Validation refuses a column that has none."""
    row = FAMILY.read_input(asked, FACTS["options"])
    assert list(row) == FAMILY.input_schema().names
    assert None not in row.values()
