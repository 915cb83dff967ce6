"""What a run counts and measures: steps, not passes; means over all steps; held-out scores, never the test's."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from transformers import AutoModel

from components import params
from components.data.encoding.split import EncodedSplit
from components.data.mixture.records import PlanRecord
from components.encoder.place import ENCODER
from components.errors import UserError
from components.files import read_json, sha256, verify_manifest
from components.settings.training import Balancing
from components.tracking.terminal import Terminal
from components.training import parallel
from components.training.run import fit
from components.training.run.fit import Fit, inputs, run
from components.training.run.measured import evaluate
from components.training.run.watcher import Watcher
from tests.conftest import bring_encoder
from tests.training.runs import MODEL, forget, shorten, train
from tests.training.steps import setup_step


class Curves(Terminal):
    """Keeps the losses of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[dict[str, float]] = []

    def step(self, seen) -> None:
        self.losses.append(dict(seen.losses))


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_run_is_a_number_of_steps_and_records_the_mean_of_each_tasks_losses() -> None:
    """Pitfall 6: under a mixture no task's pass ends an epoch. Pitfall 9: no test row is ever needed."""
    settings_file = Path("params.yaml")
    text = settings_file.read_text().replace("patience: 10", "patience: 99")
    settings_file.write_text(text.replace("evaluate_every: 10", "evaluate_every: 9"))
    shorten(25)
    plan = read_json(Path("reports/plan.json"))
    for held_out in [*Path("data").glob("*/test.parquet"), *Path("encoded").glob("*/test.arrow")]:
        held_out.unlink()
    curves = Curves()
    run(params.load(), Path(), curves)
    assert len(curves.losses) == 25
    report = read_json(Path("reports/training.json"))
    assert report["precision"] in {"fp32", "bf16"}  # not auto, of which nobody could say what it was
    record = report["evaluations"]
    assert [entry["step"] for entry in record] == [9, 18, 25]
    for first, entry in zip((0, 9, 18), record, strict=True):
        steps = curves.losses[first : entry["step"]]
        for head in ("mood", "size", "people", "closeness"):
            own = [losses[head] for losses in steps if head in losses]
            assert len(own) > 1
            assert entry["training_loss"][head] == pytest.approx(np.mean(own), rel=1e-12)
        shares = {name: task["share"] for name, task in plan["tasks"].items()}
        assert entry["weights"]["people"] == pytest.approx(shares["people"])
        scores, rows = ([*entry[part].values()] for part in ("validation", "rows"))
        assert entry["score"] == pytest.approx(np.average(scores, weights=rows))


class Untrained(Terminal):
    """A training that takes a step has forgotten what it had."""

    def step(self, seen) -> None:
        pytest.fail(f"step {seen.step} was taken again")


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
@pytest.mark.parametrize("write", ["models/.multitask", "reports/.training.json"])
def test_a_training_that_ended_survives_a_kill_before_dvc_has_recorded_it(write: str) -> None:
    """Killed while it hands over its files; DVC, asked again, first removes what it has not recorded."""
    shorten(6)
    child = os.fork()
    if not child:
        kill_at(write)
        run(params.load(), Path(), Terminal())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    shutil.rmtree("models/multitask", ignore_errors=True)
    Path("reports/training.json").unlink(missing_ok=True)
    run(params.load(), Path(), Untrained())
    found, record = sha256(MODEL), read_json(Path("reports/training.json"))
    verify_manifest(MODEL.parent)
    assert train_anew() == (found, record)


def train_anew() -> tuple[str, dict]:
    forget()
    return train()


def kill_at(write: str) -> None:
    """SIGKILL this process where it begins to write such a file."""

    def hook(event: str, arguments: tuple) -> None:
        if event in ("open", "os.mkdir") and write in str(arguments[0]):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_training_that_ended_is_kept_until_another_run_trains() -> None:
    shorten(3)
    run(params.load(), Path(), Terminal())
    (first,) = Path(".onetrunk/trained").iterdir()
    (first / "model/model.safetensors").write_bytes(b"")  # damaged: as if it were not there
    run(params.load(), Path(), Terminal())
    verify_manifest(first)
    shorten(4)
    run(params.load(), Path(), Terminal())
    (second,) = Path(".onetrunk/trained").iterdir()
    assert second != first


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.usefixtures("encoded_project")
def test_an_encoder_kept_in_half_precision_can_be_trained(precision: str) -> None:
    AutoModel.from_pretrained("encoder", dtype=torch.float16).save_pretrained("encoder")
    bring_encoder(Path())
    settings_file = Path("params.yaml")
    text = settings_file.read_text().replace("patience: 10", f"patience: 10\n  precision: {precision}")
    settings_file.write_text(text)
    shorten(3)
    curves = Curves()
    run(params.load(), Path(), curves)
    assert len(curves.losses) == 3


@pytest.mark.usefixtures("encoded_project")
def test_every_part_of_the_encoders_weights_names_the_run() -> None:
    """As many files as transformers has written them in."""
    whole = AutoModel.from_pretrained("encoder")
    Path("encoder/model.safetensors").unlink()
    whole.save_pretrained("encoder", max_shard_size="30KB")
    bring_encoder(Path())
    found = {file.name for file in inputs(Path(), ["mood"])}
    parts = {file.name for file in Path("encoder").glob("*.safetensors")}
    assert len(parts) > 1
    assert {*parts, "model.safetensors.index.json", "config.json"} <= found


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_the_encoders_files_name_the_run_and_their_place_does_not() -> None:
    project = params.load()
    plan = PlanRecord.read(Path("reports/plan.json"))
    key = Fit(project, Path(), plan, 1).key
    moved = project.model_copy(update={"model": project.model.model_copy(update={"encoder": "elsewhere"})})
    assert Fit(moved, Path(), plan, 1).key == key
    (ENCODER / "config.json").unlink()
    with pytest.raises(UserError, match="models/encoder: not there; `onetrunk run` brings it"):
        _ = Fit(project, Path(), plan, 1).key


@pytest.mark.slow
def test_the_steps_of_a_run_do_not_depend_on_how_many_rows_a_task_has(tiny_project: Path) -> None:
    """Pitfall 6: twice the rows of one task are half its passes in as many steps."""
    from tests.conftest import encode_project, write_sources

    plans = []
    for rows in (120, 240):
        shutil.rmtree(tiny_project / "sources")
        write_sources(tiny_project / "sources", rows)
        encode_project(tiny_project)
        plans.append(read_json(tiny_project / "reports/plan.json"))
    small, large = plans
    assert small["steps"] == large["steps"] == 12000 // 300
    passes = [sum(task["epochs"] for task in plan["tasks"].values()) for plan in plans]
    assert passes[1] == pytest.approx(passes[0] / 2, rel=0.15)


def test_an_evaluation_drops_nothing_keeps_no_gradient_and_leaves_the_model_training(
    encoded_project: Path,
) -> None:
    """Pitfall 9: scores with dropout 0.9 in the model are those without any."""
    project, plan, _splits, model = setup_step(encoded_project)
    validation = {
        name: EncodedSplit(encoded_project / "encoded" / name / "validation.arrow") for name in plan.tasks
    }
    read_rows = _rows(encoded_project, model.config.tasks)
    expected = evaluate(model.eval(), validation, 20, project.seed, read_rows)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.9
    seen = []
    model.encoder.register_forward_hook(
        lambda module, inputs, output: seen.append(
            (module.training, torch.is_grad_enabled(), output[0].requires_grad)
        )
    )
    assert evaluate(model.train(), validation, 20, project.seed, read_rows) == expected
    assert set(seen) == {(False, False, False)}
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def _rows(root: Path, cards: dict):
    from components.training.run.fit import _validation_rows

    return _validation_rows(root / "data", cards)


def test_all_processes_of_a_run_train_in_the_precision_that_the_first_has_settled_on(
    shared_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would measure for itself, where the first had measured only after it was copied."""
    copies: list[Fit] = []

    @contextlib.contextmanager
    def group(count: int, work: Callable[..., object], *given: object) -> Iterator[None]:
        copies.append(copy.copy(cast("Any", work).__self__))  # as pickle makes one
        yield

    project = params.load(shared_project / "params.yaml")
    plan = PlanRecord.read(shared_project / "reports/plan.json")
    monkeypatch.setattr(parallel, "group", group)
    monkeypatch.setattr(Fit, "_train", lambda self, watcher, affinity: None)
    monkeypatch.setattr(fit, "precision_of", lambda *_: "bf16")
    Fit(project, shared_project, plan, 1).train(Watcher())
    monkeypatch.setattr(fit, "precision_of", lambda *_: "fp32")
    assert copies[0].training.precision == "bf16"


class Hears(Watcher):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_checkpoint_of_another_precision_is_not_left_behind_without_a_word(
    shared_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this very training alone; and by the name that is offered it is found again."""
    project = params.load(shared_project / "params.yaml")
    plan = PlanRecord.read(shared_project / "reports/plan.json")
    watcher, made = Hears(), Fit(project, shared_project, plan, 1, area=str(tmp_path))

    def in_precision(found: str, seed: int = 1) -> Fit:
        monkeypatch.setattr(fit, "precision_of", lambda asked, *_: found if asked == "auto" else asked)
        return dataclasses.replace(made, seed=seed)

    monkeypatch.setattr(fit, "code", lambda families: {})  # it is the same all the time
    begun = in_precision("bf16").checkpoints
    begun.mkdir(parents=True)
    monkeypatch.setattr(Fit, "_train", lambda self, watcher, affinity: None)
    in_precision("bf16").train(watcher)
    in_precision("fp32", seed=2).train(watcher)
    assert watcher.said == []
    in_precision("fp32").train(watcher)
    (line,) = watcher.said
    assert "auto is fp32 now, and the checkpoint of this training is in bf16" in line
    named = project.training.model_copy(update={"precision": "bf16"})
    again = dataclasses.replace(made, project=project.model_copy(update={"training": named}))
    assert again.checkpoints == begun


class Weighed(Watcher):
    """Keeps what each head's loss counted in every step."""

    def __init__(self) -> None:
        self.weights: list[dict[str, float]] = []

    def step(self, seen) -> None:
        self.weights.append(dict(seen.weights))


@pytest.mark.slow
def test_a_short_run_explores_for_a_quarter_of_its_steps_and_then_has_autoscales_weights(
    shared_project: Path, tmp_path: Path
) -> None:
    """Of its fifty steps' exploration it would not see the end."""
    project = params.load(shared_project / "params.yaml")
    plan = PlanRecord.read(shared_project / "reports/plan.json").model_copy(update={"steps": 8})

    def weights(balancing: Balancing) -> list[dict[str, float]]:
        training = project.training.model_copy(update={"balancing": balancing})
        watcher, own = Weighed(), project.model_copy(update={"training": training})
        Fit(own, shared_project, plan, 1, area=str(tmp_path)).train(watcher)
        return watcher.weights

    shares, scaled = weights(Balancing()), weights(Balancing.model_validate({"weights": "autoscale"}))
    assert [own == other for own, other in zip(scaled, shares, strict=True)] == [True] * 2 + [False] * 6
