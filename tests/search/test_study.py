"""What a study tries, ends early, forgets and takes up again; its trainings are sums."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from components import params
from components.search import study as studies
from components.search.trial import FailedTrialError, Scores
from components.settings.search import Range, Search
from tests.params.searches import with_search

RATE, WEIGHTS = "training.learning_rate", "training.balancing.weights.weights"
NAMES = ["mood", "size", "people", "closeness"]
SPACE = {
    RATE: Range(low=1e-5, high=1e-1, log=True),
    WEIGHTS: Range(simplex=NAMES, ratio=10.0),
    "training.patience": Range(low=1, high=9),
    "training.precision": Range(choices=["auto", "fp32", "bf16"]),
}


def score(trial: optuna.Trial, values: dict) -> Scores:
    """Best at a rate of 1e-3 and at equal weights."""
    spread = sum((weight - 0.25) ** 2 for weight in values[WEIGHTS].values())
    return Scores(score=-((math.log10(values[RATE]) + 3) ** 2) - spread, validation={})


def searched(trials: int, train=score, study: optuna.Study | None = None, **changes) -> optuna.Study:
    """A study in memory, which is sooner than on a disk."""
    study = study or optuna.create_study(direction="maximize")
    search = Search(parameters=SPACE, trials=trials, **changes)
    studies.optimise(study, params.load(), search, train, lambda _: None)
    return study


def tried(study: optuna.Study) -> list:
    return [(t.state, t.value, t.user_attrs.get(studies.VALUES)) for t in study.trials]


@pytest.mark.usefixtures("tiny_project")
def test_values_are_in_their_ranges_and_readable() -> None:
    study = searched(12)
    for trial in study.trials:
        values = trial.user_attrs[studies.VALUES]
        assert 1e-5 <= values[RATE] <= 1e-1
        assert values[RATE] == float(f"{values[RATE]:.4g}")
        assert list(values[WEIGHTS]) == NAMES
        assert sum(values[WEIGHTS].values()) == pytest.approx(1, abs=3e-4)
        assert max(values[WEIGHTS].values()) / min(values[WEIGHTS].values()) <= 10.02
        assert isinstance(values["training.patience"], int)
        assert values["training.precision"] in ("auto", "fp32", "bf16")
    assert len({trial.user_attrs[studies.VALUES][RATE] for trial in study.trials}) == 12


@pytest.mark.usefixtures("tiny_project")
def test_the_first_trial_is_the_settings_as_they_are_with_equal_weights() -> None:
    first = searched(1).trials[0].user_attrs[studies.VALUES]
    assert first == {
        RATE: 1e-3,
        WEIGHTS: dict.fromkeys(NAMES, 0.25),
        "training.precision": "auto",
        "training.patience": first["training.patience"],  # 10 is outside its range: drawn
    }


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ({"mood": 4, "size": 2, "people": 2, "closeness": 2}, [0.4, 0.2, 0.2, 0.2]),
        ({"mood": 1, "size": 100, "people": 1, "closeness": 1}, [0.25] * 4),  # beyond the ratio
    ],
)
@pytest.mark.usefixtures("tiny_project")
def test_the_first_trial_has_the_weights_as_they_are_if_they_fit(given: dict, first: list[float]) -> None:
    weights = f"  balancing: {{weights: {{method: static, weights: {given}}}}}\n  window: 4"
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("  window: 4", weights))
    trial = searched(1).trials[0]
    assert list(trial.user_attrs[studies.VALUES][WEIGHTS].values()) == first
    assert all(1 <= trial.params[f"{WEIGHTS}.{name}"] <= 10 for name in NAMES)  # where Optuna looks for more


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_project")
def test_the_search_finds_what_is_good() -> None:
    found = studies.best(searched(40))[0].user_attrs[studies.VALUES]
    assert 3e-4 < found[RATE] < 3e-3


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_project")
@pytest.mark.parametrize("stopped_at", [0, 3, 13])
def test_a_search_that_was_stopped_in_a_trial_ends_as_if_it_had_not_been(stopped_at: int) -> None:
    """Also beyond the tenth trial, where the sampler begins to learn from those before."""

    def stopping(trial: optuna.Trial, values: dict) -> dict:
        if trial.number == stopped_at:
            raise KeyboardInterrupt
        return score(trial, values)

    study = optuna.create_study(direction="maximize")
    with pytest.raises(KeyboardInterrupt):
        searched(16, stopping, study)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * stopped_at + [
        TrialState.RUNNING
    ]
    assert tried(searched(16, study=study)) == tried(searched(16))


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_project")
def test_a_file_keeps_the_trials_of_earlier_calls_and_more_can_be_asked_for() -> None:
    file = Path("a.db")
    for trials in (2, 2, 4):
        study = searched(trials, study=studies.open_study(file, "one"))
        assert len(study.trials) == trials
    assert tried(study) == tried(searched(4))
    assert not studies.open_study(file, "another").trials
    assert len(studies.open_study(file, "one").trials) == 4


@pytest.mark.usefixtures("tiny_project")
def test_a_trial_worse_than_the_median_is_ended_but_not_before_enough_ran_to_their_end() -> None:
    def falling(trial: optuna.Trial, values: dict) -> Scores:
        for step in (10, 20):
            trial.report(-float(trial.number), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return Scores(score=-float(trial.number), validation={})

    states = [trial.state for trial in searched(6, falling, prune_after=3).trials]
    assert states == [TrialState.COMPLETE] * 3 + [TrialState.PRUNED] * 3


@pytest.mark.usefixtures("tiny_project")
def test_a_trial_that_fails_is_noted_and_the_search_goes_on() -> None:
    def failing(trial: optuna.Trial, values: dict) -> dict:
        if trial.number == 0:
            raise FailedTrialError("no row of mood")
        if trial.number == 1:
            raise FailedTrialError("the loss of mood is nan")
        return score(trial, values)

    study = searched(3, failing)
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.FAIL, TrialState.COMPLETE]
    assert [t.user_attrs.get(studies.PROBLEM) for t in study.trials[:2]] == [
        "no row of mood",
        "the loss of mood is nan",
    ]
    assert [t.number for t in studies.best(study)] == [2]


@pytest.mark.slow
def test_a_study_is_of_one_space_one_state_of_the_data_and_the_other_settings(encoded_project: Path) -> None:
    def identity(parameters: str, change: tuple[str, str] = ("", ""), exclude: dict | None = None) -> str:
        project = with_search(parameters)
        settings_file = Path("params.yaml")
        settings_file.write_text(
            settings_file.read_text().replace(*change) if change[0] else settings_file.read_text()
        )
        project = params.load()
        return studies.identity(project, project.search["s"], encoded_project, exclude or {})

    rate = "training.learning_rate: {low: 1e-4, high: 1e-2}"
    first = identity(rate)
    assert identity(rate) == first
    assert identity(rate, ("learning_rate: 1.0e-3", "learning_rate: 2.0e-3")) == first  # it is what is tried
    assert identity(rate, ("confidence: 0.95", "confidence: 0.9")) == first
    others = {
        identity("training.learning_rate: {low: 1e-4, high: 1e-1}"),
        identity(rate, ("tokens: 12000", "tokens: 11000")),
        identity(rate, ("temperature: 2.0", "temperature: 3.0")),
        identity(rate, ("seed: 7", "seed: 8")),
        identity(rate, exclude={"mood": ["x"]}),
    }
    manifest = encoded_project / "encoded/mood/manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    others.add(identity(rate))
    assert len(others | {first}) == 7
