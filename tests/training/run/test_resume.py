"""An interrupted run goes on to the bit: its data, moments, precision, averages and best weights."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import torch

from components import params
from components.files import read_json, sha256
from components.model.multitask import MultiTaskModel
from components.settings.training import Balancing
from components.tracking.terminal import Terminal
from components.training.run import loop as loop_module
from components.training.run.fit import run
from components.training.run.loop import Loop
from components.training.run.measured import Measured
from components.training.run.watcher import Seen, Watcher
from components.training.step import loss_scale, precision
from components.training.step.precision import SWITCH
from tests.conftest import encode_project
from tests.training.runs import MODEL, Stop, shorten, train
from tests.training.steps import setup_step


@pytest.mark.slow_after(1)
@pytest.mark.usefixtures("encoded_project")
@pytest.mark.parametrize(("after", "native_bf16"), [(3, "0"), (12, "1"), (17, "1")])
@pytest.mark.slow
def test_an_interrupted_run_ends_with_the_same_bytes(
    after: int, native_bf16: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor with bf16 and on one without."""
    monkeypatch.setenv(SWITCH, native_bf16)
    shorten(20)
    expected = train()
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(after))
    kept = [path.name for path in Path(".onetrunk/checkpoints").glob("*/step-*")]
    assert len(kept) == min(2, (after - 1) // 5)
    assert train() == expected
    assert not list(Path(".onetrunk/checkpoints").glob("*/step-*"))  # a finished run leaves none


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_run_goes_on_in_its_precision_whatever_another_measurement_would_find(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    shorten(8)
    monkeypatch.setattr(precision, "gain", lambda: 3.0)
    expected = train()
    assert expected[1]["precision"] == "bf16"
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(7))
    monkeypatch.setattr(precision, "gain", lambda: 0.5)
    resumed = GoesOn()
    run(params.load(), Path(), resumed)
    assert resumed.first == 6
    assert (sha256(MODEL), read_json(Path("reports/training.json"))) == expected


class GoesOn(Terminal):
    """Knows the first step that it is told of."""

    first = 0

    def step(self, seen: Seen) -> None:
        self.first = self.first or seen.step


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_project")
def test_moments_average_and_loss_scale_go_on_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """LAMB, fp16 with a scale that falls and grows, an average of the weights, recomputed activations."""
    monkeypatch.setattr(loss_scale, "FIRST", 2.0**17)
    monkeypatch.setattr(loss_scale, "GROWS_AFTER", 2)
    settings_file = Path("params.yaml")
    lines = [
        "optimiser: lamb",
        "layer_decay: 0.8",
        "start_decay: 9",
        "schedule: cosine",
        "precision: fp16",
        "ema: 0.9",
    ]
    added = "\n  ".join(["window: 4", *lines, "gradient_checkpointing: true"])
    text = settings_file.read_text().replace("window: 4", added).replace("tokens: 12000", "tokens: 900")
    settings_file.write_text(text.replace("tokens_per_step: 300", "tokens_per_step: 100"))
    encode_project(Path())
    expected = train()
    said = capsys.readouterr().err
    assert "skipped step 0: a gradient overflowed in fp16; the loss scale falls from 131072" in said
    skipped = {int(step) for step in re.findall(r"skipped step (\d+)", said)}
    assert len(skipped) > 3  # it grew again, and fell again
    assert set(range(5)) - skipped  # there are moments in the checkpoint of step 5
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(8))
    assert "going on from" not in capsys.readouterr().err
    assert train() == expected
    assert "going on from step 5" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_damaged_checkpoint_is_left_out_and_the_one_before_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shorten(18)
    expected = train()
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(16))
    newest = max(Path(".onetrunk/checkpoints").glob("*/step-*"))
    file = newest / "optimiser.safetensors"
    file.write_bytes(file.read_bytes()[:-7])
    assert train() == expected
    said = capsys.readouterr().err
    assert "step-000000015 is damaged and left out" in said.replace("\n", " ")
    assert "going on from step 10" in said


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_other_data_or_settings_do_not_resume_an_older_run() -> None:
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(12))
    settings_file = Path("params.yaml")
    settings_file.write_text(
        settings_file.read_text().replace("learning_rate: 1.0e-3", "learning_rate: 2.0e-3", 1)
    )
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(7))
    assert len(list(Path(".onetrunk/checkpoints").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "mixture",
    [
        "{method: dynamic, dynamic: {start: {method: uniform}}}",
        "{method: alternating, blocks: {mood: 2, people: 1, closeness: 1}}",
    ],
)
@pytest.mark.usefixtures("tiny_project")
def test_a_mixture_that_changes_goes_on_to_the_bit(mixture: str) -> None:
    settings_file = Path("params.yaml")
    text = settings_file.read_text().replace("{method: temperature, temperature: 2.0}", mixture)
    text = text.replace("tokens: 12000", "tokens: 6000").replace("evaluate_every: 10", "evaluate_every: 4")
    settings_file.write_text(text)
    encode_project(Path())
    expected = train()
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(13))
    assert train() == expected


def loop_of(root: Path, folder: Path) -> Loop:
    project, plan, splits, model = setup_step(root)
    balancing = Balancing.model_validate({"weights": "uncertainty"})
    training = project.training.model_copy(update={"precision": "fp16", "balancing": balancing})
    return Loop(model, plan, training, 1, splits, {}, lambda *_: [], folder, Watcher(), None)


@pytest.mark.slow
def test_what_steps_remember_goes_on_from_the_checkpoint(shared_project: Path, tmp_path: Path) -> None:
    """Loss scale, moments, what the balancer learned, and the smaller micro-batches of a full memory."""
    loop = loop_of(shared_project, tmp_path)
    loop.stepper.scale.value = 2.0**7
    loop.stepper.micro_batch_tokens = loop.state.micro_batch_tokens = 200
    for _ in range(3):
        loop.step()
    assert loop.stepper.scale.state() == {"value": 2.0**7, "finite_steps": 3}  # none was skipped
    loop.save()
    again = loop_of(shared_project, tmp_path)
    again.resume()
    assert again.stepper.scale.state() == loop.stepper.scale.state()
    assert again.stepper.balancer.state() == loop.stepper.balancer.state() != {}
    assert again.stepper.micro_batch_tokens == 200
    for one, other in zip(loop.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)
        for moment, tensor in loop.optimiser.state.get(one, {}).items():
            assert torch.equal(tensor, again.optimiser.state[other][moment])
    loop.step()
    again.step()
    assert all(map(torch.equal, loop.model.parameters(), again.model.parameters()))


@pytest.mark.slow
def test_the_best_weights_go_on_from_the_checkpoint(
    shared_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of step 2, since no later evaluation is better: broken off at 4, with a checkpoint of 3."""

    def ended(scores: list[float], watcher: Watcher, folder: Path) -> MultiTaskModel:
        left = iter(scores)

        def measured(model: MultiTaskModel, *_: object) -> dict[str, Measured]:
            return dict.fromkeys(model.config.tasks, Measured(next(left), 0.1, 20.0))

        monkeypatch.setattr(loop_module, "measure", measured)
        loop = loop_of(shared_project, folder)
        often = {"evaluate_every": 2, "checkpoint_every": 3, "precision": "fp32"}
        training, plan = loop.training.model_copy(update=often), dataclasses.replace(loop.plan, steps=6)
        loop = Loop(loop.model, plan, training, 1, loop.splits, {}, loop.read_rows, folder, watcher, None)
        loop.run()
        assert loop.state.best_step == 2
        return loop.model

    expected = ended([0.9, 0.1, 0.1], Watcher(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        ended([0.9], Stop(4), tmp_path / "broken-off")
    found = ended([0.1, 0.1], Watcher(), tmp_path / "broken-off")
    assert all(map(torch.equal, expected.state_dict().values(), found.state_dict().values()))
