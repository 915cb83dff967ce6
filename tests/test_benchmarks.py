"""Benchmarks speak one language: the last line of each is one JSON object with `goals`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import hidden, peak, throughput, trainer
from benchmarks.goals import Goal, finish, over_seeds
from benchmarks.texts import lengths
from tests import anew
from tests.trees import tree

FOLDER = Path(__file__).parent.parent / "benchmarks"


def main_of(file: Path) -> ast.FunctionDef | None:
    found = tree(file).body
    return next((one for one in found if isinstance(one, ast.FunctionDef) and one.name == "main"), None)


PROGRAMS = [file for file in sorted(FOLDER.glob("*.py")) if main_of(file)]


def test_there_are_benchmarks() -> None:
    assert {"throughput", "combination", "joint", "mixture"} <= {file.stem for file in PROGRAMS}


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.stem)
def test_a_benchmark_ends_with_its_goals(file: Path) -> None:
    main = main_of(file)
    assert main is not None
    last = main.body[-1]
    assert isinstance(last, ast.Expr), file
    assert isinstance(last.value, ast.Call), file
    assert ast.unparse(last.value.func) == "finish", file
    assert ast.unparse(last.value.args[0]).startswith("_goals("), file


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.stem)
def test_the_docs_name_every_benchmark(file: Path) -> None:
    docs = "".join(page.read_text(encoding="utf-8") for page in (FOLDER.parent / "docs").rglob("*.md"))
    assert f"benchmarks.{file.stem}`" in docs or f"benchmarks.{file.stem} " in docs


@pytest.mark.parametrize(
    ("value", "goal", "reached"),
    [
        (1.1, "<= 1.1", True),
        (1.11, "<= 1.1", False),
        (3.0, ">= 3", True),
        (2.9, ">= 3", False),
        (0.01, "> 0", True),
        (0.0, "> 0", False),
        (float("nan"), ">= 0", False),
        (7.0, None, None),
    ],
)
def test_a_goal_is_reached_or_not_or_there_is_none(
    value: float, goal: str | None, reached: bool | None
) -> None:
    assert Goal("a line", value, (value, value), goal).reached is reached


def test_the_last_line_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    finish([Goal("step time over the plain sum", 1.0594999, (1.05, 1.06), "<= 1.1")], tokens=4096)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "goals": [
            {
                "line": "step time over the plain sum",
                "value": 1.059,
                "spread": [1.05, 1.06],
                "goal": "<= 1.1",
                "reached": True,
            }
        ],
        "tokens": 4096,
    }


def test_what_is_no_number_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    finish([Goal("a ratio", float("nan"), (1.0, float("inf")), ">= 3")], results={"a": [float("nan"), 1]})
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line, parse_constant=pytest.fail)
    (goal,) = told["goals"]
    assert (goal["value"], goal["spread"], goal["reached"]) == (None, [1.0, None], False)
    assert told["results"] == {"a": [None, 1]}


def test_one_seed_has_no_interval() -> None:
    assert over_seeds("gain", [0.1]) == Goal("gain (one seed)", 0.1, (0.1, 0.1))
    assert over_seeds("gain", [0.1, -0.2, 0.4]) == Goal("gain (95 % t-interval)", 0.1, (-0.2, 0.4))


def test_the_peer_that_groups_by_length_pads_as_little_as_it_does_of_many_rows() -> None:
    """A round's rows are some batches of a mega-batch: of other lengths they are no fair ones."""
    from transformers.trainer_pt_utils import get_length_grouped_indices

    many = lengths(12_800, 1)
    as_the_trainer = np.array(get_length_grouped_indices(many.tolist(), 32)).reshape(-1, 32)
    of_many = many.sum() / (many[as_the_trainer].max(1).sum() * 32)
    sizes = lengths(trainer.BATCHES * 32, 1)
    bench = SimpleNamespace(batches=trainer.grouped(sizes.tolist(), 32), steps=16)
    own = [sizes[throughput.Bench.chosen(bench, number)].reshape(-1, 32) for number in range(4)]
    processed = sum(int(one.max(1).sum()) * 32 for one in own)
    assert sum(one.sum() for one in own) / processed == pytest.approx(of_many, abs=0.025)


def test_the_rate_of_steps_is_compared_with_products_that_are_timed_among_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A processor that slows down half way slows both: the share stays what it is."""
    speed = [1.0] * 10 + [0.5] * 10
    clock = iter([one for one in speed for _ in range(2)])
    monkeypatch.setattr(peak, "matrix_rate", lambda dtype, device: 100 * next(clock))
    monkeypatch.setattr(peak, "flops", lambda engine, step: 60)
    engine = SimpleNamespace(
        take=lambda step: 1 / next(clock), model=SimpleNamespace(device=torch.device("cpu"))
    )
    seconds, share = peak.all_steps(engine, 20, torch.float32)
    assert (seconds, share) == (30, pytest.approx(0.6))


@pytest.mark.slow  # as it sleeps
@pytest.mark.parametrize(("ahead", "hid"), [(True, 1.0), (False, 0.0)])
def test_what_is_hidden_is_what_the_loop_does_not_wait_for(
    ahead: bool, hid: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that makes nothing ahead hides nothing."""
    monkeypatch.setattr(hidden, "prepare", lambda *_: time.sleep(0.1))
    monkeypatch.setattr(hidden, "ROUNDS", 1)
    if not ahead:
        monkeypatch.setattr(hidden.Ahead, "take", lambda self, key, following: self._make(key))
    engine = SimpleNamespace(
        plan=SimpleNamespace(steps=5), rows=lambda step: {}, stepper=SimpleNamespace(micro_batch_tokens=1)
    )
    assert hidden.share(engine) == pytest.approx(hid, abs=0.3)


def test_throughput_tells_each_goal_of_each_precision() -> None:
    """The lines that are promised, and the peers that they are told against."""
    one = {"tokens_per_second": 1, "ratio": 6.0, "spread": [5.0, 7.0], "real_over_processed": 1.0}
    share = {"ratio": 0.7, "spread": [0.7, 0.7]}
    result = dict.fromkeys(throughput.WAYS, one)
    result |= dict.fromkeys((throughput.SHARE, throughput.COMBINED_SHARE, throughput.HIDDEN), share)
    told = {goal.line: goal for goal in throughput._goals({"fp32": result, "bf16": result})}
    assert len(told) == 12
    assert told[f"fp32: {throughput.SHARE}"].reached is False
    assert told[f"bf16: {throughput.SHARE}"].reached is True
    assert sum("Trainer" in line for line in told) == 4


@pytest.mark.slow
def test_all_there_is_to_do_on_a_gpu_runs_dry_on_a_cpu(tmp_path: Path, forking_python: str) -> None:
    """One command, whose parts end with their goals."""
    environment = {**os.environ, "PYTHON": str(anew.python(tmp_path / "bin", forking_python))}
    done = subprocess.run(
        ["sh", FOLDER / "gpu.sh", "--dry-run"],
        capture_output=True, text=True, env=environment, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert {goal["reached"] for goal in told["goals"]} == {None}  # a CPU promises nothing
    lines = " ".join(goal["line"] for goal in told["goals"])
    for what in (
        "any lengths",
        "end of the memory",
        "gradient's distance",
        "twice",
        "launches",
        "waits",
        "PCGrad over",
        "doubling",
        "hidden",
    ):
        assert what in lines


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_what_a_gpus_minutes_need_is_asked_for_before_they_begin(tmp_path: Path, forking_python: str) -> None:
    environment = {**os.environ, "PYTHON": str(anew.python(tmp_path / "bin", forking_python))}
    done = subprocess.run(
        ["sh", FOLDER / "gpu.sh"], capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("torch finds no GPU here, expected one")
    assert done.stdout == ""
