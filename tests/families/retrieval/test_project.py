"""Retrieval from a file to a service that ranks as evaluation does; gradients by task; an interrupted run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from components.errors import UserError
from tests.families.desk import TEMPLATES, declare_desk
from tests.params.messages import refusal

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
