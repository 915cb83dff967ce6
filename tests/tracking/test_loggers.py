"""Logs of a run that was killed and goes on have every step once; what DVC tracks has the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from components import params, tracking
from components.errors import UserError
from components.files import read_json
from components.tracking import Logger, Run, Seen, Watcher
from components.training.run import history as record
from components.training.run.fit import run
from tests.tracking.synthetic import HEADS, contents, entry, seen
from tests.training.runs import forget

DONE = 5  # steps that the checkpoint has


def killed_and_gone_on(name: str, folder: Path) -> None:
    """A run whose process ends after step 8, and which goes on from the checkpoint of step 5, to 12."""
    before = tracking.logger(name)(folder)
    before.start(Run("key", 12))
    for step in range(1, 9):
        before.step(seen(step))
        if step == DONE:
            before.evaluated(entry(step))
            before.flush()
    before.flush()  # what came after the checkpoint may have reached the disk as well
    after = tracking.logger(name)(folder)
    after.start(Run("key", 12, done=DONE, history=[entry(DONE)]))
    for step in range(DONE + 1, 13):
        after.step(seen(step))
        if step in {10, 12}:
            after.evaluated(entry(step))
    after.stop(None)


def test_tensorboard_has_every_step_once(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    killed_and_gone_on("tensorboard", tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard/key")).Reload()
    losses = events.Scalars("loss/ner")
    assert [event.step for event in losses] == list(range(1, 13))
    assert [event.value for event in losses] == pytest.approx([0.5 + step / 1000 for step in range(1, 13)])
    assert [event.step for event in events.Scalars("validation/ner")] == [5, 10, 12]
    tags = {"learning_rate", "tokens_per_second", "score"}
    tags |= {f"{kind}/{head}" for kind in ("loss", "weight", "share", "validation") for head in HEADS}
    assert set(events.Tags()["scalars"]) == tags
    assert events.Scalars("tokens_per_second")[-1].value == pytest.approx(3200)


def test_mlflow_has_every_step_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    killed_and_gone_on("mlflow", tmp_path)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (found,) = client.search_runs([client.get_experiment_by_name("onetrunk").experiment_id])
    assert [metric.step for metric in client.get_metric_history(found.info.run_id, "loss/ner")] == [
        *range(1, 13)
    ]
    history = client.get_metric_history(found.info.run_id, "validation/ner")
    assert [metric.step for metric in history] == [5, 10, 12]
    assert found.info.status == "FINISHED"


def test_wandb_offline_is_one_run_with_an_id_that_a_resumed_one_has_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    logger = tracking.logger("wandb")(tmp_path)
    logger.start(Run("key", 3))
    for step in range(1, 4):
        logger.step(seen(step))
    logger.evaluated(entry(3))
    logger.stop(None)
    (file,) = (tmp_path / "wandb").glob("offline-run-*-key/run-key.wandb")
    deadline = time.monotonic() + 30
    while b"validation/ner" not in file.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.1)  # W&B's own process writes, in its own time
    assert all(word in file.read_bytes() for word in (b"loss/ner", b"share/ner", b"validation/ner"))


def test_dvclive_is_the_record_alone_and_names_the_kept_step(tmp_path: Path) -> None:
    killed_and_gone_on("dvclive", tmp_path / "killed")
    whole = tracking.logger("dvclive")(tmp_path / "whole")
    whole.start(Run("key", 12, history=[entry(step) for step in (5, 10, 12)]))
    whole.stop(None)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    lines = (tmp_path / "whole/dvclive/plots/metrics/validation/ner.tsv").read_text().splitlines()
    assert lines == ["step\tner", "5\t0.05", "10\t0.1", "12\t0.12"]  # no time: DVC tracks it
    told = read_json(tmp_path / "whole/dvclive/metrics.json")
    assert told["validation"]["ner"] == 0.12
    assert told["kept"]["step"] == 10
    assert told["kept"]["score"] == 0.5
    assert told["kept"]["validation"]["ner"] == 0.1


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("where", ["no repository", "no commit", "another user's"])
def test_dvclive_asks_git_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """As after `git init` and `dvc init`, which is all that the program asks for."""
    if where != "no repository":
        for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
            subprocess.run(command, cwd=tmp_path, check=True)
    if where == "another user's" and os.geteuid() == 0:
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        subprocess.run(["chown", "-R", "65534:65534", tmp_path], check=True)
    monkeypatch.chdir(tmp_path)
    live = tracking.logger("dvclive")(tmp_path)
    live.start(Run("key", 5, history=[entry(5)]))
    live.stop(None)
    assert read_json(tmp_path / "dvclive/metrics.json")["kept"]["step"] == 5


class Heard(Watcher):
    """Keeps what it hears."""

    def __init__(self, after: int = 10**9) -> None:
        self.after = after
        self.told: list[str] = []
        self.seen: list[Seen] = []

    def start(self, run: Run) -> None:
        self.run = run

    def step(self, seen: Seen) -> None:
        if seen.step == self.after:
            raise KeyboardInterrupt
        self.seen.append(seen)

    def evaluated(self, entry: dict) -> None:
        self.told.append(f"evaluated {entry['step']}")

    def flush(self) -> None:
        step = self.seen[-1].step
        late = any(Path(".onetrunk/checkpoints").glob(f"*/step-{step:09d}"))
        self.told.append(f"flush {step}" + (", too late" if late else ""))

    def stop(self, state: object) -> None:
        self.told.append("stop")


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_the_loop_tells_every_step_and_flushes_before_each_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interrupted run and the one that goes on tell, together, what an uninterrupted one does."""
    settings_file = Path("params.yaml")
    small = settings_file.read_text().replace("tokens: 12000", "tokens: 4200")
    settings_file.write_text(small.replace("  window: 4", "  window: 4\n  balancing: {combination: pcgrad}"))
    from tests.conftest import encode_project

    encode_project(Path())
    gramians: list[np.ndarray] = []
    add = record.add_cosines
    monkeypatch.setattr(record, "add_cosines", lambda *given: (gramians.append(given[2]), add(*given)))
    whole = Heard()
    run(params.load(), Path(), whole)
    expected = read_json(Path("reports/training.json"))
    forget()
    last_four = [gramian[0, 1] / np.sqrt(gramian[0, 0] * gramian[1, 1]) for gramian in gramians[10:]]
    assert expected["evaluations"][1]["cosines"]["mood"]["size"] == pytest.approx(np.mean(last_four))
    first, second = Heard(after=8), Heard()
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), first)
    run(params.load(), Path(), second)
    assert whole.told == ["flush 5", "evaluated 10", "flush 10", "evaluated 14", "stop"]
    assert first.told + second.told == whole.told
    assert (first.run.name, second.run.done) == (second.run.name, 5)
    assert [numbers(one) for one in first.seen[:5] + second.seen] == [numbers(one) for one in whole.seen]
    assert [one.step for one in whole.seen] == list(range(1, 15))
    last = whole.seen[-1]
    assert 0.9 * 4200 < last.tokens < 1.1 * 4200
    assert set(last.losses) <= set(last.shares) == {"mood", "size", "people", "closeness"}
    assert read_json(Path("reports/training.json")) == expected
    evaluations = expected["evaluations"]
    assert evaluations[-1]["tokens"] == last.tokens
    assert evaluations[-1]["learning_rate"] == last.learning_rate
    assert set(evaluations[0]["cosines"]) == {"closeness", "mood", "people"}  # every pair once, by name


def numbers(seen: Seen) -> tuple:
    return (seen.step, seen.losses, seen.weights, seen.shares, seen.learning_rate, seen.tokens)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "[tensorbord]",
            r"logging: unknown logger 'tensorbord' \(did you mean 'tensorboard'\?\); expected some",
        ),
        ("[dvclive, dvclive]", "logging: dvclive is named twice"),
        ("[nowhere]", "logging: nowhere is not installed; `pip install no_such_package`, or leave it out"),
    ],
)
def test_a_mistake_in_logging_is_one_sentence(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch, value: str, sentence: str
) -> None:
    missing = type("Nowhere", (Logger,), {"package": "no_such_package"})
    known, find = tracking.names(), tracking.logger
    if "nowhere" in value:
        monkeypatch.setattr(tracking, "names", lambda: [*known, "nowhere"])
    monkeypatch.setattr(tracking, "logger", lambda name: missing if name == "nowhere" else find(name))
    settings_file = tiny_project / "params.yaml"
    settings_file.write_text(settings_file.read_text() + f"logging: {value}\n")
    with pytest.raises(UserError, match=sentence):
        params.load()


@pytest.mark.slow
def test_looking_for_loggers_imports_none_of_them(tiny_project: Path) -> None:
    code = (
        "import sys; from components import tracking; [tracking.logger(name) for name in tracking.names()];"
        "print([p for p in ('torch', 'tensorboard', 'dvclive', 'wandb', 'mlflow') if p in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
