"""The training loop: draw, take a step, evaluate on a schedule, save.

Every random choice is a function of (seed, step), so a run that was killed and started again ends
with the same bytes.

Legend: i a task, L_i its mean loss over its own units (examples, labelled tokens) of a step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from components import device as devices
from components.data.batches.batching import Batch, step_rows
from components.data.mixture import dynamic
from components.data.mixture.draws import Plan, rows_before, share_at
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training import balancing, optimisers, parallel, start_decay
from components.training.affinity import Affinity
from components.training.parameter_groups import parameter_groups
from components.training.run import checkpoint, ending, history, interruption, stopping
from components.training.run.ahead import Ahead
from components.training.run.ema import ema_model
from components.training.run.measured import Measured, ReadRows, measure
from components.training.run.state import Entry, State
from components.training.run.watcher import Run, Seen, Watcher
from components.training.schedule import set_rates
from components.training.step.prepare import Prepared, on_device, prepare
from components.training.step.stepper import NotFiniteError, ScaleOverflowError, Splits, Stepper

AHEAD = 2  # steps that are made ahead: with a second, one that is slow to make is evened out
GO_ON = "`onetrunk run` (or `dvc repro`) goes on from there"


def train(
    model: MultiTaskModel,
    plan: Plan,
    training: Training,
    seed: int,
    splits: Splits,
    validation: Splits,
    read_rows: ReadRows,
    checkpoints: Path,
    watcher: Watcher,
    affinity: Affinity | None = None,
) -> list[Entry]:
    """`Loop.run` of a loop of these."""
    return Loop(
        model, plan, training, seed, splits, validation, read_rows, checkpoints, watcher, affinity
    ).run()


def _never() -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Coming:
    """What a step's rows and micro-batches follow from."""

    step: int
    budget: int  # tokens of a micro-batch
    plan: Plan

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Coming):
            return False
        return (self.step, self.budget) == (other.step, other.budget) and self.plan is other.plan

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Loop:
    """What the loop works with; a checkpoint holds model, ema, optimiser, best and state.

    `read_rows(head, rows)` gives the data rows behind validation row numbers, for the metrics.
    `affinity` measures, where it is given, what the tasks have in common, and changes nothing.
    """

    model: MultiTaskModel
    plan: Plan
    training: Training
    seed: int
    splits: Splits
    validation: Splits
    read_rows: ReadRows
    checkpoints: Path
    watcher: Watcher
    affinity: Affinity | None = None

    def __post_init__(self) -> None:
        torch.use_deterministic_algorithms(True)
        # Filling fresh memory with NaN is a debugging aid; it took a sixth of a step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        model, training = self.model, self.training
        if training.gradient_checkpointing:
            model.recompute_activations()
        self.of_heads = {head: card["task"] for head, card in model.config.tasks.items()}
        self.lengths = {name: split.lengths for name, split in self.splits.items()}
        self.optimiser = optimisers.build(training.optimiser, parameter_groups(model, training))
        start_decay.hold(self.optimiser)
        self.ema = ema_model(model, training.ema) if training.ema else None
        self.kept = model if self.ema is None else cast("MultiTaskModel", self.ema.module)
        balancer = balancing.build(training.balancing, self.plan.steps)
        self.stepper = Stepper(model, self.optimiser, balancer, self.splits, training, self.seed)
        self.stepper.next_batch = lambda: self._rows(self.state.step + 1)
        self.state, self.best, self.now = State(), _copy(model), self.plan
        self.ending = ending.ending(self.plan, training, ())
        self.ahead = Ahead(self._prepare)

    def run(self) -> list[Entry]:
        """Train in place; the model ends as the best of its scheduled evaluations. Returns the history
        of these.

        Raises:
            NotFiniteError: a loss or a gradient is none, and `not_finite` says stop.
            KeyboardInterrupt: SIGINT or SIGTERM; the step at work was ended and saved before.
        """
        self.resume()
        state, training = self.state, self.training
        name, settings = self.checkpoints.name, training.model_dump(mode="json")
        steps, tokens = self.ending.end, self._tokens()
        self.watcher.start(Run(name, steps, state.step, state.history, settings, tokens))
        follower = parallel.rank() > 0  # the first process hears signals, and decides for all
        signals = contextlib.nullcontext(_never) if follower else interruption.stop_requested()
        try:
            with signals as stop_requested:
                while state.step < self.ending.end and not self._out_of_patience():
                    self._go_on(stop_requested)
            self.watcher.stop(state)
        finally:
            self.ahead.close()
            self.watcher.close()
        self.model.load_state_dict(self.best)
        return state.history

    def _out_of_patience(self) -> bool:
        """Not where the run ends by itself: its rates must fall before."""
        waited = self.state.evaluations_without_improvement
        return self.plan.cooldown is None and waited >= self.training.patience

    def _tokens(self) -> float:
        """Of all steps, if every task's rows are drawn as the plan has it and are of their mean length."""
        rows = {name: rows_before(self.plan, name, self.ending.end) for name in self.plan.tasks}
        return float(sum(count * self.splits[name].tokens.mean() for name, count in rows.items()))

    def _go_on(self, stop_requested: Callable[[], bool]) -> None:
        """Take a step, and whatever is due after it."""
        state, training = self.state, self.training
        self.step()
        if state.step % training.evaluate_every == 0 or state.step == self.ending.end:
            self.evaluate()
        if state.step % training.checkpoint_every == 0 or stop_requested():
            self.save()
        if stop_requested():
            steps = self.ending.end
            raise KeyboardInterrupt(f"interrupted at step {state.step} of {steps}; saved; {GO_ON}")

    def resume(self) -> None:
        """Go on from the newest whole checkpoint, if there is one."""
        with parallel.rank_zero_first():  # it drops what is damaged
            restored = checkpoint.load_newest(
                self.checkpoints, self.model, self.optimiser, self.watcher.say, self.ema
            )
        if restored is None:
            return
        self.state, self.best = restored
        state, stepper = self.state, self.stepper
        stepper.balancer.restore(state.balancing)
        stepper.scale.restore(state.loss_scale)
        stepper.micro_batch_tokens = state.micro_batch_tokens or stepper.micro_batch_tokens
        stepper.grows = stepper.grows and not state.memory_found
        if self.affinity is not None:
            self.affinity.restore(state.affinity)
        self._follow_history()
        self.watcher.say(f"going on from step {state.step}")

    def step(self) -> None:
        """Draw a step's rows and take it."""
        state, stepper = self.state, self.stepper
        set_rates(self.optimiser, self.ending.factor(state.step, self.training))
        batch, prepared = self._prepared()
        stepper.shares = self._shares()
        if self.affinity is not None:
            self.affinity.measure(stepper, state.step, batch)
            state.affinity = self.affinity.state()
        rate = self._rate(state.step)
        losses, weights = self._take(batch, prepared)
        state.balancing, state.loss_scale = stepper.balancer.state(), stepper.scale.state()
        state.step += 1
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        shares, end = stepper.shares, self.ending.end
        self.watcher.step(Seen(state.step, losses, weights, shares, rate, state.tokens, end))

    def _prepared(self) -> tuple[Batch, Prepared]:
        """The rows of the coming step, and what it reads; where the host has time, because a device works, it
        makes those of the next steps meanwhile."""
        step, budget = self.state.step, self.stepper.micro_batch_tokens
        ahead = AHEAD if devices.counts_launches(self.model.device) else 0
        steps = range(step, min(step + 1 + ahead, self.ending.end))
        coming, *following = [Coming(one, budget, self.now) for one in steps]
        return self.ahead.take(coming, following)

    def _prepare(self, coming: Coming) -> tuple[Batch, Prepared]:
        batch = step_rows(coming.plan, self.seed, coming.step, self.lengths)
        prepared = prepare(self.stepper, coming.step, batch, coming.budget)
        return batch, on_device(prepared, self.model.device)

    def _rows(self, step: int) -> Batch:
        return step_rows(self.now, self.seed, step, self.lengths)

    def _shares(self) -> dict[str, float]:
        """Each head's share of the coming step, of the tasks that have not stopped."""
        step, all_steps, plan = self.state.step, self.plan.steps, self.now
        ends = {name: all_steps if task.until is None else task.until for name, task in plan.tasks.items()}
        return {head: share_at(plan, task, step) for head, task in self.of_heads.items() if step < ends[task]}

    def _rate(self, step: int) -> float:
        """The encoder's learning rate in a step, before any decay by layer."""
        return self.training.learning_rate * self.ending.factor(step, self.training)

    def _take(self, batch: Batch, prepared: Prepared) -> tuple[dict[str, float], dict[str, float]]:
        """A step's losses and weights; none where it was skipped since one, or a gradient, was not finite."""
        state, stepper = self.state, self.stepper
        state.tokens += sum(int(self.splits[task].tokens[rows].sum()) for task, rows in batch.items())
        budget = stepper.micro_batch_tokens
        try:
            losses, balance = stepper.take(state.step, batch, prepared)
        except NotFiniteError as error:
            if self.training.not_finite == "stop" and not isinstance(error, ScaleOverflowError):
                raise
            self.watcher.say(f"skipped {error}")
            return {}, {}
        if stepper.micro_batch_tokens != budget:
            state.micro_batch_tokens = stepper.micro_batch_tokens
        if stepper.micro_batch_tokens < budget:
            state.memory_found = True
            asked = self.training.tokens_per_micro_batch
            found = f"training.tokens_per_micro_batch {'is' if asked == 'auto' else 'was'} {asked}"
            self.watcher.say(
                f"step {state.step}: out of memory; repeated, and from here on, with micro-batches of "
                f"{state.micro_batch_tokens} tokens ({found})"
            )
        history.add_step(state, losses, balance.shared, stepper.gramian_KK)
        return losses, balance.shared

    def evaluate(self) -> None:
        """Measure every head, record it, and decide what that means for the mixture and the kept model."""
        state = self.state
        found = self._measured()
        auxiliary = [head for head, task in self.of_heads.items() if self.plan.tasks[task].auxiliary]
        history.add_evaluation(state, found, self.now, self._rate(state.step - 1), auxiliary)
        self._decide()
        self._follow_history()
        if state.best_step == state.step:
            self.best = _copy(self.kept)
        self.watcher.evaluated(state.history[-1])

    def _measured(self) -> dict[str, Measured]:
        """Each head on its validation rows; the first process measures for all."""
        heads, limit = list(self.of_heads), self.training.validation_rows

        def numbers() -> list[float]:
            found = measure(self.kept, self.validation, limit, self.seed, self.read_rows)
            return [number for head in heads for number in found[head]]

        width = len(Measured._fields)
        known = parallel.broadcast_from_rank_zero(numbers, width * len(heads))
        parts = (known[start : start + width] for start in range(0, len(known), width))
        return {head: Measured(*part) for head, part in zip(heads, parts, strict=True)}

    def _follow_history(self) -> None:
        """Do as the history says of shares, of tasks that have stopped, and of the run's end."""
        so_far = self.state.history
        self.now = _as_decided(self.plan, so_far)
        self.ending = ending.ending(self.plan, self.training, so_far)

    def _decide(self) -> None:
        """Write into the history what its last evaluation means for the mixture and for the run's end."""
        so_far, patience = self.state.history, self.training.task_patience
        last = so_far[-1]
        if self._out_of_patience() and last["step"] < self.ending.end:
            self.watcher.say(
                f"step {last['step']}: the mean score has not improved for {self.training.patience} "
                f"scheduled evaluations, so training ends here (training.patience)"
            )
        if self.plan.keep is not None:
            seen = [entry["validation"] for entry in so_far]
            last["shares"] = dynamic.decide(self.plan, seen, self.of_heads)
        if self.plan.cooldown is not None and last["step"] < self.ending.falls:
            last["settled"] = ending.settled(so_far, self._heads_that_count())
            if last["settled"]:
                self.watcher.say(f"step {last['step']}: no task improves any more; the rates fall from here")
        if patience is None:
            return
        before = so_far[-2]["stopped"] if len(so_far) > 1 else []
        last["stopped"] = stopping.stopped(so_far, self.of_heads, patience)
        for task in last["stopped"][len(before) :]:
            self.watcher.say(f"step {last['step']}: {task} stops (training.task_patience is {patience})")

    def _heads_that_count(self) -> list[str]:
        """Those whose rise keeps a run going: of released tasks, if there are any, that have not stopped."""
        tasks = self.now.tasks
        released = [head for head, task in self.of_heads.items() if not tasks[task].auxiliary]
        return [head for head in released or self.of_heads if tasks[self.of_heads[head]].until is None]

    def save(self) -> None:
        """Write a checkpoint; of several processes the first does."""
        self.watcher.flush()
        if parallel.rank() == 0:
            checkpoint.save(self.checkpoints, self.model, self.best, self.optimiser, self.state, self.ema)


def _as_decided(plan: Plan, so_far: list[Entry]) -> Plan:
    """The plan, with what the history says of shares and of tasks that have stopped."""
    return stopping.with_stopped(dynamic.with_decided(plan, so_far), so_far)


def _copy(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
