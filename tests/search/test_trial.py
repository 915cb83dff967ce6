"""A trial is a training like any other, but for what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from components import params
from components.data.mixture import plan
from components.files import read_json
from components.params import searches
from components.search import study as studies
from components.search import trial
from components.settings.project import Project
from components.settings.search import Range, Search
from components.tracking.terminal import Terminal
from components.training.run import speed
from components.training.run.fit import run

SHORT = {"training.tokens": 4500, "training.evaluate_every": 5, "training.checkpoint_every": 2}
CHECKPOINTS = Path(".onetrunk/checkpoints")


def best_of(project: Project) -> float:
    """What the stages plan and train come to."""
    plan.plan(project, Path("encoded"), {}).write(Path("reports/plan.json"))
    run(project, Path(), Terminal())
    return max(entry["score"] for entry in read_json(Path("reports/training.json"))["evaluations"])


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_trial_scores_what_a_training_with_its_settings_does_and_leaves_nothing() -> None:
    values = {**SHORT, "mixture.temperature": 3.0, "training.balancing.weights": "dwa", "model.dropout": 0.0}
    project = searches.with_values(params.load(), values)
    before = Path("reports/plan.json").read_bytes()
    scores = trial.train(params.load(), values, Path(), {}, Terminal())
    assert not Path("models/multitask").exists()
    assert not list(CHECKPOINTS.iterdir())
    assert Path("reports/plan.json").read_bytes() == before
    assert best_of(project) == scores["score"]
    rows = read_json(Path("reports/training.json"))["evaluations"][0]["rows"]
    mean = sum(rows[head] * score for head, score in scores["validation"].items()) / sum(rows.values())
    assert mean == pytest.approx(scores["score"])


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_trial_of_so_many_minutes_is_timed_first() -> None:
    values = {**SHORT, "training.tokens": None, "training.budget": {"method": "minutes", "minutes": 0.02}}
    assert trial.train(params.load(), values, Path(), {}, Terminal())["validation"]
    assert speed.FILE.is_file()


class Stopped(trial.Pruning):
    """Ends as a killed process does, after some steps."""

    def step(self, seen) -> None:
        if seen.step == 11:
            raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_hopeless_trial_is_ended_and_a_killed_one_goes_on_from_its_checkpoint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = searches.with_values(params.load(), SHORT)
    rates = {
        f"training.{name}": Range(low=1e-9, high=1e-1, log=True)
        for name in ("learning_rate", "head_learning_rate")
    }
    study = studies.open_study(Path("a.db"), "one")
    for rate in (3e-3, 3e-3, 1e-9):  # the second is as good as the first, so it is not pruned
        study.enqueue_trial(dict.fromkeys(rates, rate))

    def optimise(watch: type[trial.Pruning]) -> None:
        def train(asked: optuna.Trial, values: searches.Values) -> dict:
            stop = watch if asked.number == 1 else trial.Pruning
            return trial.train(base, values, Path(), {}, stop(asked))

        search = Search(parameters=rates, trials=3, prune_after=1)
        studies.optimise(study, base, search, train, lambda _: None)

    with pytest.raises(KeyboardInterrupt):
        optimise(Stopped)
    assert sorted(found.name for found in CHECKPOINTS.glob("*/*")) == ["step-000000008", "step-000000010"]
    optimise(trial.Pruning)
    assert "going on from step 10" in capsys.readouterr().err
    assert not list(CHECKPOINTS.iterdir())
    good, resumed, hopeless = study.trials
    assert (good.state, resumed.state, hopeless.state) == (
        TrialState.COMPLETE,
        TrialState.COMPLETE,
        TrialState.PRUNED,
    )
    assert list(good.intermediate_values) == list(resumed.intermediate_values) == [5, 10, 15]
    assert list(hopeless.intermediate_values) == [5]
    values = resumed.user_attrs[studies.VALUES]
    assert (
        resumed.value
        == best_of(searches.with_values(base, values))
        == max(resumed.intermediate_values.values())
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"training.learning_rate": 1e30, "training.clip": 1e30}, "step 1: the loss of .* is nan; rows"),
        ({"mixture.method": "fixed_ratio"}, "`ratio` is given exactly when method is fixed_ratio"),
        ({"training.tokens": 20, "training.tokens_per_step": 20}, "draws no row of"),
    ],
    ids=["not finite", "no settings", "no plan"],
)
@pytest.mark.usefixtures("encoded_project")
def test_values_that_cannot_be_trained_fail_the_trial_and_leave_nothing(values: dict, expected: str) -> None:
    with pytest.raises(trial.FailedTrialError, match=expected):
        trial.train(params.load(), values, Path(), {}, Terminal())
    assert not list(CHECKPOINTS.glob("*"))
