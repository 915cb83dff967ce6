"""A study: the trials of a search, kept in a file so that a search that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from components.keyed import derive_seed as number_of
from components.params.reading import Settings
from components.params.searches import Values, at, outermost_first
from components.search.trial import FailedTrialError, Scores
from components.settings.project import Project
from components.settings.search import Range, Search
from components.training.run import checkpoint, fit

DIGITS = 4  # of a number that is tried: params.yaml stays readable, and what is written is what was trained
VALUES, SCORES, PROBLEM = "values", "scores", "problem"  # what a study notes of a trial
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def identity(project: Project, search: Search, root: Path, exclude: Mapping[str, list[str]]) -> str:
    """What the scores of a study depend on, as one short name: the space, the settings that it does not
    try, data, encoder and code. Scores of different ones are not to be compared."""
    settings = {part: getattr(project, part).model_dump() for part in ("mixture", "model", "training")}
    for parameter, _ in outermost_first(search.parameters):
        _drop(settings, parameter.split("."))
    space = {parameter: values.model_dump() for parameter, values in search.parameters.items()}
    code = fit.code({head.family for _, head in project.heads().values()})
    told = [project.seed, settings, space, exclude, code]
    return checkpoint.key(told, fit.inputs(root, project.tasks))


def file_of(root: Path, name: str) -> Path:
    """The database of a search's studies."""
    return root / ".onetrunk/search" / f"{name}.db"


def open_study(file: Path, identity: str) -> optuna.Study:
    """The study of that identity in a file that may hold others, of another state of the project."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file.parent.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        storage=f"sqlite:///{file}", study_name=identity, direction="maximize", load_if_exists=True
    )


def optimise(
    study: optuna.Study,
    project: Project,
    search: Search,
    train: Callable[[Trial, Values], Scores],
    ended: Callable[[FrozenTrial], None],
) -> None:
    """Train until `search.trials` trials have ended, those of earlier calls counted.

    The draws of trial n are a function of (seed, n, the trials before), so a search that was stopped and
    goes on tries what it would have tried. A trial that was under way when the process was killed is
    still running in the study; it goes on by itself, with its own values.
    """
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=search.prune_after)
    if not study.trials:
        study.enqueue_trial(_present(project, search.parameters))
    while sum(trial.state in ENDED for trial in study.trials) < search.trials:
        trial = _next(study, project.seed)
        values = suggest(trial, search.parameters)
        trial.set_user_attr(VALUES, values)
        try:
            scores = train(trial, values)
            trial.set_user_attr(SCORES, scores)
            frozen = study.tell(trial, scores["score"])
        except optuna.TrialPruned:
            frozen = study.tell(trial, state=TrialState.PRUNED)
        except FailedTrialError as error:
            trial.set_user_attr(PROBLEM, str(error))
            frozen = study.tell(trial, state=TrialState.FAIL)
        ended(frozen)


def suggest(trial: Trial, parameters: Mapping[str, Range]) -> Values:
    """The trial's values, numbers rounded to DIGITS digits."""
    return {parameter: _one(trial, parameter, values) for parameter, values in parameters.items()}


def best(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that ran to their end, best first."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(complete, key=lambda trial: (-float(trial.value or 0.0), trial.number))


def _next(study: optuna.Study, seed: int) -> Trial:
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    number = running[0].number if running else _waiting(study)
    study.sampler = optuna.samplers.TPESampler(seed=number_of(seed, "search", number) % 2**32)
    return Trial(study, running[0]._trial_id) if running else study.ask()


def _waiting(study: optuna.Study) -> int:
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return waiting[0].number if waiting else len(study.trials)


def _one(trial: Trial, parameter: str, values: Range) -> Any:
    if values.choices:  # as JSON, since a choice may be a whole section
        return json.loads(trial.suggest_categorical(parameter, [json.dumps(c) for c in values.choices]))
    if values.simplex:
        drawn = {
            name: trial.suggest_float(f"{parameter}.{name}", 1.0, values.ratio, log=True)
            for name in values.simplex
        }
        return {name: _rounded(weight / sum(drawn.values())) for name, weight in drawn.items()}
    if values.whole:
        return trial.suggest_int(parameter, int(values.low), int(values.high), log=values.log)
    drawn_value = _rounded(trial.suggest_float(parameter, values.low, values.high, log=values.log))
    return min(max(drawn_value, values.low), values.high)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _present(project: Project, parameters: Mapping[str, Range]) -> Values:
    """The settings as they are, as the first trial's draws; one outside of its range is drawn."""
    found: Values = {}
    for parameter, values in parameters.items():
        now = at(project, parameter)
        if values.choices:
            same = [choice for choice in values.choices if now in (choice, {"method": choice})]
            found |= {parameter: json.dumps(same[0])} if same else {}
        elif values.simplex:
            found |= _present_weights(parameter, now, values)
        elif isinstance(now, int | float):
            fits = values.low <= now <= values.high and (not values.whole or now == int(now))
            found |= {parameter: now} if fits else {}
    return found


def _present_weights(parameter: str, now: Any, values: Range) -> dict[str, float]:
    """Weights relative to the smallest; equal ones where there are none, or none that fit."""
    names = values.simplex
    weights = now if isinstance(now, dict) and set(now) == set(names) else dict.fromkeys(names, 1.0)
    smallest, largest = min(weights.values()), max(weights.values())
    if smallest <= 0 or largest / smallest > values.ratio:
        weights, smallest = dict.fromkeys(names, 1.0), 1.0
    return {f"{parameter}.{name}": weights[name] / smallest for name in names}


def _drop(section: Settings, keys: list[str]) -> None:
    """Remove what is searched, if it is there."""
    inner: Any = section
    for key in keys[:-1]:
        inner = inner.get(key) if isinstance(inner, dict) else None
    if isinstance(inner, dict):
        inner.pop(keys[-1], None)
