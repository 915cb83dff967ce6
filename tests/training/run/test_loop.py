"""The loop's promises: it learns, an absent task's head is left alone, what goes wrong is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from components import params
from components.data.batches.batching import step_rows
from components.errors import UserError
from components.files import read_json
from components.tracking.terminal import Terminal
from components.training.run import checkpoint
from components.training.run.fit import run
from components.training.run.loop import Loop
from components.training.run.state import State
from components.training.run.watcher import Seen, Watcher
from components.training.step.stepper import NotFiniteError, Stepper
from tests import disks
from tests.training.runs import train
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
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    with disks.small(tmp_path / "small", "size=8m") as folder:
        yield folder


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
