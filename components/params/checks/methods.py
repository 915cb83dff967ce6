"""What training must fulfil: methods and loggers that there are, with options that they have."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from components import advice
from components.errors import UserError, near_miss
from components.params.checks.options import Options, check_options
from components.settings.compression import EXAMPLES
from components.settings.release import AUTO, EAGER

if TYPE_CHECKING:
    from components.settings.project import Project
    from components.settings.training import Method


def check(path: Path, project: Project) -> None:
    """Check the methods of `training`, and `logging`; UserError as `consistency.check`."""
    from components.training import optimisers

    where, chosen = f"{path}: training", project.training.optimiser
    _budget(f"{where}.budget", project)
    _balancing(f"{where}.balancing", project)
    _method(f"{where}.optimiser", chosen, optimisers.names(), optimisers.optimiser)
    _regularisation(f"{where}.regularisation", project)
    _logging(f"{path}: logging", project)
    _runtime(f"{path}: packaging.runtime", project)


def _budget(where: str, project: Project) -> None:
    from components.data.mixture import budgets

    if project.training.budget is None:
        return
    budget = _method(where, project.training.budget, budgets.names(), budgets.find)
    try:
        budget.check(project.tasks)
    except ValueError as error:
        raise UserError(f"{where}.{error}") from None


def _balancing(where: str, project: Project) -> None:
    from components.training import balancing

    chosen = project.training.balancing
    for key, method, known, find in (
        ("weights", chosen.weights, balancing.weighting_names(), balancing.weighting),
        ("combination", chosen.combination, balancing.combination_names(), balancing.combination),
    ):
        _method(f"{where}.{key}", method, known, find)
    try:
        balancing.build(chosen).weighting.check(project.heads())
    except ValueError as error:
        raise UserError(f"{where}.weights.{error}") from None


def _regularisation(where: str, project: Project) -> None:
    from components.training import regularisation

    for number, method in enumerate(project.training.regularisation):
        own = f"{where}.{number}"
        regulariser = _method(own, method, regularisation.names(), regularisation.find)
        try:
            regulariser.check(project.model.dropout)
        except ValueError as error:
            raise UserError(f"{own}: {method.method}: {error}") from None


def _method(where: str, method: Method, known: list[str], find: Callable[[str], type[Options]]) -> Options:
    """A method that there is, with its options."""
    if method.method not in known:
        near = near_miss(method.method, known)
        raise UserError(
            f"{where}: unknown method '{method.method}'{near}; expected one of {', '.join(known)}"
        )
    return check_options(where, method.method, find(method.method), method.options)


def _logging(where: str, project: Project) -> None:
    """Every logger is known, named once, and its package is there."""
    from components import tracking

    known = tracking.names()
    for name in project.logging:
        if name not in known:
            expected = f"expected some of {', '.join(known)}"
            raise UserError(f"{where}: unknown logger '{name}'{near_miss(name, known)}; {expected}")
        if project.logging.count(name) > 1:
            raise UserError(f"{where}: {name} is named twice")
        package = tracking.logger(name).package
        if importlib.util.find_spec(package) is None:
            install = f"`pip install {advice.word(package)}`"
            raise UserError(f"{where}: {name} is not installed; {install}, or leave it out")


def _runtime(where: str, project: Project) -> None:
    """The runtime is known, and what makes it is there."""
    name = project.packaging.runtime
    if name == EAGER:  # whatever else there is costs an import of torch
        return
    from components.model import runtimes

    known = [EAGER, AUTO, *runtimes.names()]
    if name not in known:
        raise UserError(
            f"{where}: unknown runtime '{name}'{near_miss(name, known)}; expected one of {', '.join(known)}"
        )
    runtime = None if name == AUTO else runtimes.find(name)
    made_of = runtime and runtime.made_of
    if made_of and getattr(project.compress, made_of) is None:
        expected = f"expected compress.{made_of}: {EXAMPLES[made_of]}"
        raise UserError(f"{where}: {name} is of what the stage compress makes; {expected}")
    for package in (*runtime.packages, *runtime.makers) if runtime else ():
        if importlib.util.find_spec(package) is None:
            install = f"`pip install {advice.word(f'onetrunk[{runtime.extra}]')}`" if runtime else ""
            raise UserError(f"{where}: {package} is not installed; {install}, or leave the key out")
