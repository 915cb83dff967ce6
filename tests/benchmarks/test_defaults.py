"""The defaults against a tuned Trainer, at toy sizes: what is compared with what, and how it goes on."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks import alone, defaults, kept
from benchmarks.defaults import Bench, _goals, _means
from benchmarks.fitting import cards_below, reader, splits
from benchmarks.runs import Job, Runs
from components.model.multitask import MultiTaskModel
from components.training.run.measured import evaluate

SIZES = {
    "seeds": [1], "rates": [1e-4, 1e-2], "tokens": 3200, "evaluations": 2, "rows": 20,
    "settings": ["training.window"],
}  # fmt: skip
RESULTS = Path("results.jsonl")


def bench(encoder: str = "models/encoder", minutes: float = 9) -> Bench:
    return Bench(encoder, argparse.Namespace(**SIZES), Runs(RESULTS, minutes))


def test_the_defaults_are_those_of_a_new_project_and_the_tasks_this_ones(tiny_project: Path) -> None:
    project = defaults.defaults({"training.window": 5, "model.dropout": 0.25})
    new = yaml.safe_load(defaults.NEW_PROJECT.read_text())
    assert list(project.tasks) == ["mood", "people", "closeness"]
    assert project.training.learning_rate == new["training"]["learning_rate"]
    assert project.mixture.temperature == new["mixture"]["temperature"]
    assert (project.training.window, project.model.dropout) == (5, 0.25)
    assert str(project.model.encoder) == "encoder"


@pytest.mark.slow
def test_every_setting_is_one_that_a_project_has_and_no_value_is_the_default(tiny_project: Path) -> None:
    for place, values in defaults.OTHERS.items():
        section, key = place.split(".")
        default = getattr(getattr(defaults.defaults({}), section), key)
        for value in values:
            set_ = getattr(getattr(defaults.defaults({place: value}), section), key)
            assert set_ == (type(set_).model_validate(value) if isinstance(value, dict) else value) != default


@pytest.mark.slow
def test_other_values_are_compared_with_the_default_seed_by_seed(encoded_project: Path) -> None:
    """Two values of the window beside a new project's: three trainings, and none of them again."""
    found = list(bench().changes())
    values = defaults.OTHERS["training.window"]
    assert [(one["setting"], one["value"]) for one in found] == [("training.window", v) for v in values]
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    own, *others = [line["found"]["test"] for line in lines]
    for one, other in zip(found, others, strict=True):
        expected = 100 * np.mean([other[head] - own[head] for head in own])
        assert one["points"] == pytest.approx(expected)
    assert list(bench(minutes=0).changes()) == found
    assert len(RESULTS.read_text().splitlines()) == 3
    assert lines[0]["found"]["test"] in [moment["test"] for moment in lines[0]["found"]["moments"]]
    ways = list(kept.ways(lines[0]["found"], dict.fromkeys(own, 1)))
    assert len(list(bench(minutes=0).ways())) == 3 * len(ways)


@pytest.mark.slow
def test_each_head_alone_is_fine_tuned_by_the_trainer_at_its_best_rate(encoded_project: Path) -> None:
    pytest.importorskip("accelerate")
    late = bench(minutes=0)
    assert list(late.pairs()) == []
    pairs = list(bench().pairs())
    assert [pair["head"] for pair in pairs] == ["mood", "size", "people", "closeness"]
    lines = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    assert len(lines) == 1 + 4 * 2  # together; each head with two rates
    for pair in pairs:
        own = {x["job"]["rate"]: x["found"] for x in lines if x["job"].get("head") == pair["head"]}
        assert own[pair["rate"]]["validation"] == max(one["validation"] for one in own.values())
        assert pair["trainer"] == own[pair["rate"]]["test"]
        assert pair["ours"] == lines[0]["found"]["test"][pair["head"]]
    assert list(bench(minutes=0).pairs()) == pairs


@pytest.mark.slow
def test_the_trainer_learns_from_the_rows_it_is_given(encoded_project: Path) -> None:
    pytest.importorskip("accelerate")
    cards = cards_below(Path(), ["mood"])
    model = alone.peer(Path("models/encoder"), "mood", cards["mood"], 1)
    split = splits(Path(), ["mood"], "train")
    alone.fine_tune(model, split["mood"], np.tile(np.arange(len(split["mood"])), 12), 3e-3, 1)
    score = evaluate(model, split, 1000, 0, reader(Path(), cards, "train"))
    assert score["mood"] > 0.95


def test_the_goals_are_half_a_point_on_every_head_and_more_than_nothing_on_the_mean() -> None:
    pairs = [
        {"encoder": "e", "head": head, "seed": seed, "rate": 1e-4, "ours": 0.5 + gain, "trainer": 0.5}
        for head, gains in {"a": (0.03, 0.01), "b": (-0.01, -0.006)}.items()
        for seed, gain in enumerate(gains)
    ]
    of_a, of_b, mean, missing = _goals(pairs, 3)
    assert (of_a.value, of_a.reached) == (pytest.approx(2.0), True)
    assert (of_b.value, of_b.reached) == (pytest.approx(-0.8), False)
    assert (mean.value, mean.reached) == (pytest.approx(0.6), True)
    assert (missing.value, missing.reached) == (3, False)
    assert _goals(pairs, 0)[-1].reached
    nothing = _goals([], 0)[0]
    assert math.isnan(nothing.value)
    assert nothing.reached is False


def test_a_change_is_a_mean_over_seeds_and_encoders() -> None:
    found = [{"setting": "training.window", "value": 1, "points": points} for points in (1.0, 2.0, 3.0)]
    (mean,) = _means(found)
    assert mean["points"] == 2.0
    assert mean["interval"] == pytest.approx([2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5], rel=1e-5)


def test_an_encoder_may_be_the_first_blocks_of_a_folder(encoded_project: Path) -> None:
    root = bench("models/encoder:1").root
    cards = cards_below(root, ["mood"])
    shallow, whole = (
        MultiTaskModel.from_encoder(folder, cards, 0.0, 1) for folder in (root / "encoder", Path("encoder"))
    )
    assert (len(shallow.encoder.encoder.layer), len(whole.encoder.encoder.layer)) == (1, 2)
    ours, theirs = (model.encoder.encoder.layer[0].state_dict() for model in (shallow, whole))
    assert all((ours[name] == theirs[name]).all() for name in theirs)


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["data/mood/test.parquet", "models/encoder/config.json"])
def test_other_rows_or_another_encoder_are_another_job_in_another_folder(
    encoded_project: Path, changed: str
) -> None:
    def job() -> tuple[Path, Job]:
        one = bench()
        return one.root, one._job(*one._planned({}), seed=1)

    root, first = job()
    assert job() == (root, first)
    file = encoded_project / changed
    if file.suffix == ".parquet":
        pq.write_table(pq.read_table(file).slice(1), file)
    else:
        file.write_text(file.read_text() + " ")
    other, second = job()
    assert other != root
    assert second == {**first, "given": second["given"]} != first
