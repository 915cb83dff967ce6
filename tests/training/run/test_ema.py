"""The average of the weights: its arithmetic, and that it is what is judged and kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from components import params
from components.data.encoding.split import EncodedSplit
from components.files import read_json
from components.model import saving
from components.tracking.terminal import Terminal
from components.training.run.ema import ema_model
from components.training.run.fit import _validation_rows, run
from components.training.run.measured import evaluate
from tests.training.steps import setup_step


def test_the_average_by_hand() -> None:
    """After the first step it is the weights; then d = 2/11, 3/12, ... until the decay is less."""
    model = torch.nn.Linear(1, 1, bias=False)
    average = ema_model(model, 0.26)
    expected = None
    for step, weight in enumerate([5.0, -3.0, 7.0, 2.0, 1.0]):
        decay = min(0.26, (1 + step) / (10 + step))
        expected = weight if expected is None else decay * expected + (1 - decay) * weight
        with torch.no_grad():
            model.weight.fill_(weight)
        average.update_parameters(model)
        assert average.module.weight.item() == pytest.approx(expected, rel=1e-6)


def test_pitfall_7_a_tied_parameter_is_averaged_once(shared_project: Path) -> None:
    *_, model = setup_step(shared_project)
    embeddings = model.encoder.get_input_embeddings()
    tied = torch.nn.Linear(embeddings.weight.shape[1], embeddings.weight.shape[0], bias=False)
    tied.weight = embeddings.weight
    model.heads["words"] = tied
    average = ema_model(model, 0.5)
    average.update_parameters(model)
    with torch.no_grad():
        before = embeddings.weight.clone()
        embeddings.weight.add_(11.0)
    average.update_parameters(model)
    found = average.module.heads["words"].weight
    assert found is average.module.encoder.get_input_embeddings().weight
    torch.testing.assert_close(found, before + 9.0)  # d = 2/11


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_the_average_is_what_is_evaluated_kept_and_saved() -> None:
    """Worked out from the weights after each step; the record shows the score of what was saved."""
    settings_file = Path("params.yaml")
    text = settings_file.read_text().replace("tokens: 12000", "tokens: 2400")
    settings_file.write_text(text.replace("evaluate_every: 10", "evaluate_every: 4\n  ema: 0.5"))
    seen: list[torch.Tensor] = []
    watching = register_optimizer_step_post_hook(
        lambda optimiser, *_: seen.append(optimiser.param_groups[0]["params"][0].detach().clone())
    )
    run(params.load(), Path(), Terminal())
    watching.remove()

    history = read_json(Path("reports/training.json"))["evaluations"]
    best = max(history, key=lambda entry: entry["score"])
    expected = seen[0]
    for step in range(1, best["step"]):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * seen[step]
    saved = saving.load(Path("models/multitask"))
    found = saved.encoder.get_input_embeddings().weight
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    assert float((found.detach() - seen[best["step"] - 1]).norm()) > 1e-4

    project, plan, *_ = setup_step(Path())
    validation = {name: EncodedSplit(Path("encoded") / name / "validation.arrow") for name in plan.tasks}
    rows = _validation_rows(Path("data"), saved.config.tasks)
    scores = evaluate(saved, validation, project.training.validation_rows, project.seed, rows)
    assert scores == pytest.approx(best["validation"], abs=1e-6)
