"""Short forms of the benchmarks of speed, with a tiny encoder: each runs through and says its goals."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import BertConfig, BertModel

from benchmarks import combination, joint, throughput

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    BertModel(config).save_pretrained(folder)
    Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1}, "[UNK]")).save(str(folder / "tokenizer.json"))
    return folder


def test_throughput_times_every_way_on_the_same_rows(encoder: Path, tmp_path: Path) -> None:
    """Of each way as many real tokens are counted, and padding besides."""
    pytest.importorskip("accelerate")
    arguments = Namespace(encoder=encoder, batch=4, steps=3, micro_batch=512)
    bench = throughput.Bench(arguments, "fp32", tmp_path)
    result = throughput._summary([bench.round(number) for number in range(2)], bench)
    dynamic, grouped, ours = (result[way]["real_over_processed"] for way in throughput.WAYS)
    assert dynamic < grouped < ours == 1
    goals = throughput._goals({"fp32": result})
    assert all(math.isfinite(goal.value) for goal in goals)
    assert len(goals) == 6


def test_eight_tasks_are_trained_jointly_and_alone(encoder: Path, tmp_path: Path) -> None:
    found = joint._single(Namespace(encoder=encoder, rounds=1), tmp_path)
    assert 0 < found["ratio"] < math.inf


@pytest.mark.parametrize("tasks", [4, 32])
def test_a_combination_is_timed_beside_the_sum(encoder: Path, tasks: int) -> None:
    memory = {"sum": 100.0, "ours": 104.0}
    found = combination._compare(Namespace(encoder=encoder, tokens=2048, rounds=1), tasks, memory)
    step, peak = combination._goals({f"K={tasks}": found})
    assert 0 < step.value < math.inf
    assert step.goal is not None
    assert peak.reached
