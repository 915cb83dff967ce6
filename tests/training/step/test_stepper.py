"""A step with balancing: what it computes does not depend on how it is cut or on where it was resumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from components import params
from components.settings.training import Balancing
from components.training import balancing
from components.training.run.fit import run
from components.training.step.backward import StepBackward
from tests.params.messages import complaint
from tests.training.gradients.explicit import each_alone
from tests.training.runs import Stop, shorten, train
from tests.training.steps import first_batch, stepper

WEIGHTS = balancing.weighting_names()
COMBINATIONS = balancing.combination_names()


def gradients(root: Path, budget: int, clip: float = 1e9, **chosen: object) -> dict[str, torch.Tensor]:
    """The gradients of one step under the budget of a micro-batch."""
    how = {"balancing": Balancing.model_validate(chosen), "tokens_per_micro_batch": budget, "clip": clip}
    engine = stepper(root, **how)
    engine.take(0, first_batch(root, engine))
    return {name: p.grad for name, p in engine.model.named_parameters() if p.grad is not None}


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen", [{"weights": name} for name in WEIGHTS] + [{"combination": name} for name in COMBINATIONS]
)
def test_a_step_in_many_micro_batches_is_a_step_in_one(shared_project: Path, chosen: dict) -> None:
    """Tasks' gradients are summed over the micro-batches before they are weighed or combined."""
    one, many = (gradients(shared_project, budget, **chosen) for budget in (100_000, 90))
    assert one.keys() == many.keys()
    norm = float(torch.nn.utils.get_total_norm(list(one.values())))
    for name, gradient in one.items():
        torch.testing.assert_close(many[name], gradient, rtol=1e-2, atol=2e-4 * norm)


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [{}, {"weights": "gradnorm"}, {"combination": "pcgrad"}])
def test_pitfall_3_the_step_is_clipped_once(shared_project: Path, chosen: dict) -> None:
    """Of many micro-batches, too, to the norm asked for, and in the direction of the whole gradient."""
    whole = gradients(shared_project, 90, **chosen)
    clipped = gradients(shared_project, 90, clip=1e-3, **chosen)
    scale = 1e-3 / float(torch.nn.utils.get_total_norm(list(whole.values())))
    for name, gradient in whole.items():
        torch.testing.assert_close(clipped[name], scale * gradient, rtol=1e-3, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_combined_gradient_is_that_of_the_explicit_jacobian(shared_project: Path, name: str) -> None:
    """One whole backward pass for each task, its gradients flattened: the textbook's way."""
    engine = stepper(shared_project, balancing=Balancing.model_validate({"combination": name}), clip=1e9)
    engine.model.train()
    batch = first_batch(shared_project, engine)
    backward, shared = StepBackward(engine, 0, batch), list(engine.model.encoder.parameters())

    def flat() -> torch.Tensor:
        found = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
        return torch.cat([gradient.reshape(-1) for gradient in found]).double()

    weighted_KP = torch.stack([engine.shares[head] * flat() for head in each_alone(engine, backward)])
    factors_K = balancing.combination(name)().factors((weighted_KP @ weighted_KP.T).numpy(), 1, 0)
    expected_P = torch.from_numpy(np.asarray(factors_K)) @ weighted_KP
    engine.take(0, batch)
    assert float((flat() - expected_P).norm()) <= 1e-3 * float(expected_P.norm()) + 1e-9


def test_a_head_learns_where_its_factor_is_zero(shared_project: Path) -> None:
    """A combination settles conflicts that only shared parameters have."""
    found = gradients(shared_project, 100_000, combination="mgda")
    for head in ("mood", "size", "people", "closeness"):
        assert any(
            float(g.abs().sum()) > 0 for name, g in found.items() if name.startswith(f"heads.task:{head}.")
        )


LEARNING = ["dwa", "famo", "gradnorm", "loss_variance", "meta", "uncertainty"]


@pytest.mark.slow_after(2)
@pytest.mark.parametrize("name", LEARNING)
def test_a_weighting_learns_from_the_step_that_was_taken(shared_project: Path, name: str) -> None:
    """From what the step showed, and not before it was taken."""
    engine = stepper(shared_project, balancing=Balancing.model_validate({"weights": name}))
    losses, balance = engine.take(0, first_batch(shared_project, engine))
    assert set(engine.balancer.state()) == set(losses)
    again = stepper(shared_project, balancing=Balancing.model_validate({"weights": name}))
    assert again.balancer.state() == {}
    assert again.take(0, first_batch(shared_project, again))[1] == balance  # with nothing learned yet


def test_uncertainty_weighs_the_second_step_by_what_the_first_one_showed(shared_project: Path) -> None:
    """Adam's first step is as long as its rate, 0.01, up where the loss is above 1/2 and down below it
    (that of closeness, a squared error, counts half)."""
    chosen = Balancing.model_validate({"weights": "uncertainty"})
    engine = stepper(shared_project, balancing=chosen)
    batch = first_batch(shared_project, engine)
    losses, first = engine.take(0, batch)
    _, second = engine.take(1, batch)
    for head, loss in losses.items():
        noisy = loss * first.heads[head] > 0.5
        expected = first.heads[head] * math.exp(-0.01 if noisy else 0.01)
        assert second.heads[head] == pytest.approx(expected, rel=1e-4), head


def test_a_heads_loss_counts_as_many_units_as_its_family_says(shared_project: Path) -> None:
    """A tagger's are its labelled tokens, of which a row has several; a classifier's are its rows."""
    engine = stepper(shared_project)
    batch = first_batch(shared_project, engine)
    units = StepBackward(engine, 0, batch).units
    people = engine.splits["people"]
    tokens = sum(int((np.array(people.target(row)) >= 0).sum()) for row in batch["people"])
    assert tokens > 2 * len(batch["people"])
    assert units["people"] == tokens
    assert units["mood"] == len(batch["mood"])


def test_heads_learn_by_their_own_weights_where_gradients_are_combined(shared_project: Path) -> None:
    """The combination's factors are the encoder's; a weight of a task is its head's too."""
    names = ("mood", "size", "people", "closeness")
    found = []
    for weight in (1.0, 0.25):
        given = {"method": "static", "weights": {**dict.fromkeys(names, 1.0), "people": weight}}
        found.append(gradients(shared_project, 100_000, weights=given, combination="pcgrad"))
    for name, gradient in found[0].items():
        if name.startswith("heads."):
            share = 0.25 if name.startswith("heads.task:people.") else 1.0
            torch.testing.assert_close(found[1][name], share * gradient, rtol=1e-4, atol=1e-7)


def test_meta_is_aligned_to_the_rows_of_the_next_step(shared_project: Path) -> None:
    """<v, g_i>, v being the gradient of all losses on the next rows once the step was taken."""
    engine = stepper(shared_project, balancing=Balancing.model_validate({"weights": "meta"}), clip=1e9)
    batch, ahead = first_batch(shared_project, engine), engine.next_batch()
    assert not np.array_equal(batch["people"], ahead["people"])
    engine.model.train()
    shared = list(engine.model.encoder.parameters())
    backward = StepBackward(engine, 0, batch)

    def gradient(of: StepBackward, heads: Sequence[str]) -> torch.Tensor:
        engine.model.zero_grad()
        for micro in of.micros():
            means = of.means(micro)
            sum(means[head] for head in heads if head in means).backward()
        return torch.cat(
            [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in shared]
        )

    own = {head: gradient(backward, [head]).double() for head in backward.rows}
    backward.fill()
    engine.optimiser.step()
    found = backward.alignments()
    after_P = gradient(StepBackward(engine, 0, ahead), list(own)).double()
    here_P = gradient(StepBackward(engine, 0, batch), list(own)).double()
    norms = {head: float(own_P.norm() * after_P.norm()) for head, own_P in own.items()}
    for head, own_P in own.items():
        assert found[head] == pytest.approx(float(own_P @ after_P), abs=1e-4 * norms[head]), head
    of_same_rows = {
        head: abs(found[head] - float(own_P @ here_P)) / norms[head] for head, own_P in own.items()
    }
    assert max(of_same_rows.values()) > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [{"weights": name} for name in WEIGHTS if name not in ("static", "equal")] + [{"combination": "pcgrad"}],
)
@pytest.mark.usefixtures("encoded_project")
def test_balancing_goes_on_to_the_bit(chosen: dict) -> None:
    """From the checkpoint of step 5, at which a method has learnt something and goes on to learn."""
    settings_file = Path("params.yaml")
    short = {"autoscale": "{method: autoscale, explore: 7}", "dwa": "{method: dwa, period: 2}"}
    balance = ", ".join(f"{key}: {short.get(name, name)}" for key, name in chosen.items())
    text = settings_file.read_text().replace("  window: 4", f"  window: 4\n  balancing: {{{balance}}}")
    settings_file.write_text(text)
    shorten(9)
    expected = train()
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(7))
    assert train() == expected


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ("{weights: dwaa}", "weights: unknown method 'dwaa' (did you mean 'dwa'?); expected one of "),
        ("{combination: pcgradd}", "combination: unknown method 'pcgradd' (did you mean 'pcgrad'?)"),
        ("{weights: {method: dwa, temprature: 2}}", "weights.temprature: unknown option (did you mean 'temperature'?)"),
        ("{weights: {method: gradnorm, alpha: -1}}", "weights.alpha: found -1, input should be greater than or equal to 0"),
        ("{weights: {method: static, weights: {moood: 1}}}", "weights.weights.moood: not a task (did you mean 'mood'?)"),
        ("{combination: {method: sum, x: 1}}", "combination.x: unknown option; sum has no options"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(tiny_project: Path, chosen: str, sentence: str) -> None:
    said = complaint(tiny_project, "  window: 4", f"  window: 4\n  balancing: {chosen}")
    assert said.startswith(f"params.yaml: training.balancing.{sentence}")
