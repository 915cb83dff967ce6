"""The loop's promises: it learns, it resumes to the bit, an absent task's head is left alone."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from components import params
from components.data.batches.batching import step_rows
from components.errors import UserError
from components.files import read_json, sha256
from components.model.multitask import MultiTaskModel
from components.settings.training import Balancing
from components.tracking.terminal import Terminal
from components.training.run import checkpoint
from components.training.run import loop as loop_module
from components.training.run.fit import run
from components.training.run.loop import Loop
from components.training.run.measured import Measured
from components.training.run.state import State
from components.training.run.watcher import Seen, Watcher
from components.training.step import loss_scale, precision
from components.training.step.precision import SWITCH
from components.training.step.stepper import NotFiniteError, Stepper
from tests.conftest import encode_project
from tests.training.runs import MODEL, Stop, shorten, train
from tests.training.steps import first_batch, setup_step, stepper


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_training_learns_and_two_runs_give_the_same_bytes() -> None:
    first, record = train()
    assert (
        record["evaluations"][-1]["training_loss"]["people"]
        < 0.5 * record["evaluations"][0]["training_loss"]["people"]
    )
    assert train() == (first, record)


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


def test_accumulated_micro_batches_equal_one(encoded_project: Path) -> None:
    """Per-task means are over the whole step, however it is cut (the reference is one backward per task)."""
    engine = stepper(encoded_project, clip=1e9, tokens_per_micro_batch=90)
    batch, model = first_batch(encoded_project, engine), engine.model
    model.train()
    total = torch.zeros(())
    for head, card in model.config.tasks.items():
        rows = batch[card["task"]]
        known = rows[engine.splits[card["task"]].labelled(head)[rows]]
        mean = _mean_loss(model, engine.splits[card["task"]], head, card, known)
        total = total + engine.shares[head] * mean
    total.backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    norm = torch.nn.utils.get_total_norm(list(expected.values()))
    engine.take(0, batch)
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5 * float(norm))


def _mean_loss(model, split, head, card, rows):
    """One head's loss in one batch of its own."""
    from components import families
    from components.data.batches.batching import assemble, to_items

    task, family = card["task"], families.get(card["family"])
    items = sorted(to_items(split, task, rows), reverse=True)
    *tensors, heads = assemble({task: split}, items, {head: (task, set(rows.tolist()))})
    targets = [split.target(item.row, head) for item in items]
    collated = family.collate(targets, tensors[0].shape[1])
    summed = family.loss(model(*tensors, heads)[head], collated, card["facts"])
    return summed / sum(family.units(target, card["facts"]) for target in targets)


def test_an_absent_tasks_head_stays_as_it_is(encoded_project: Path) -> None:
    engine = stepper(encoded_project)
    everything = {name: np.arange(4) for name in engine.splits}
    engine.take(0, everything)
    before = {name: p.clone() for name, p in engine.model.heads["mood"].named_parameters()}
    engine.take(1, {name: rows for name, rows in everything.items() if name != "mood"})
    for name, parameter in engine.model.heads["mood"].named_parameters():
        assert torch.equal(parameter, before[name])  # neither momentum nor decay moved it


def test_a_joint_head_whose_target_every_row_lacks_stays_as_it_is(encoded_project: Path) -> None:
    engine = stepper(encoded_project)
    engine.take(0, {"mood": np.arange(12)})
    before = {name: p.clone() for name, p in engine.model.heads["size"].named_parameters()}
    lacking = np.flatnonzero(~engine.splits["mood"].labelled("size"))[:4]
    losses, _ = engine.take(1, {"mood": lacking})
    assert set(losses) == {"mood"}
    for name, parameter in engine.model.heads["size"].named_parameters():
        assert torch.equal(parameter, before[name])


def test_a_loss_that_is_not_finite_names_task_step_and_rows_and_changes_nothing(
    encoded_project: Path,
) -> None:
    engine = stepper(encoded_project)
    with torch.no_grad():
        engine.model.heads["people"].output.bias.fill_(float("nan"))
    before = {name: p.clone() for name, p in engine.model.encoder.named_parameters()}
    with pytest.raises(NotFiniteError, match="step 4: the loss of people is nan; rows"):
        engine.take(4, {"people": np.arange(2)})
    for name, parameter in engine.model.encoder.named_parameters():
        assert torch.equal(parameter, before[name])


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_step_whose_loss_is_not_finite_is_skipped_if_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings_file = Path("params.yaml")
    settings_file.write_text(
        settings_file.read_text().replace("  window: 4", "  window: 4\n  not_finite: skip")
    )
    taken = Stepper.take

    def take(self, step, batch, prepared=None):
        if step == 7:
            raise NotFiniteError("step 7: the loss of mood is nan; rows ['a']")
        return taken(self, step, batch, prepared)

    monkeypatch.setattr(Stepper, "take", take)
    run(params.load(), Path(), Terminal())
    assert "skipped step 7: the loss of mood is nan; rows ['a']" in capsys.readouterr().err.replace("\n", " ")
    assert len(read_json(Path("reports/training.json"))["evaluations"]) >= 3


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


def test_a_full_disk_is_one_sentence_and_keeps_the_earlier_checkpoints(
    encoded_project: Path, small_disk: Path
) -> None:
    _project, _plan, _splits, model = setup_step(encoded_project)
    optimiser = torch.optim.AdamW(model.parameters())
    best = {"x": torch.zeros(10)}
    folder = small_disk / "checkpoints"
    checkpoint.save(folder, model, best, optimiser, State(step=1))
    big = {"x": torch.zeros(20_000_000)}
    with pytest.raises(UserError, match="the disk is full, step 2 could not be saved; free some space"):
        checkpoint.save(folder, model, big, optimiser, State(step=2))
    assert [path.name for path in folder.iterdir()] == ["step-000000001"]
    restored = checkpoint.load_newest(folder, model, optimiser, print)
    assert restored is not None
    assert restored[0].step == 1


@pytest.fixture
def small_disk(tmp_path: Path):
    """A real 8 MiB file system; needs the right to mount one."""
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(mount)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no right to mount a small file system here")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


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


@pytest.mark.usefixtures("encoded_project")
def test_a_method_that_looks_ahead_sees_the_next_steps_rows() -> None:
    """Those are drawn by the plan, so they hold no row that it leaves out, and not this step's."""
    project, plan, splits, model = setup_step(Path())
    loop = Loop(model, plan, project.training, 1, splits, {}, lambda *_: [], Path("c"), Watcher(), None)
    loop.state.step = 3
    lengths = {name: split.lengths for name, split in splits.items()}
    ahead, now = loop.stepper.next_batch(), step_rows(plan, 1, 3, lengths)
    assert {name: rows.tolist() for name, rows in ahead.items()} == {
        name: rows.tolist() for name, rows in step_rows(plan, 1, 4, lengths).items()
    }
    assert not set(ahead["mood"].tolist()) & set(now["mood"].tolist())


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


class Fails(Watcher):
    """Breaks a run off, and hears whether it was told to let go."""

    closed = 0

    def step(self, seen: Seen) -> None:
        raise OSError("the log is gone")

    def close(self) -> None:
        self.closed += 1


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_run_that_breaks_off_lets_go_of_the_terminal() -> None:
    watcher = Fails()
    with pytest.raises(OSError, match="the log is gone"):
        run(params.load(), Path(), watcher)
    assert watcher.closed == 1
