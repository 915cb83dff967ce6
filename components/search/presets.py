"""The searches of a project: those that params.yaml declares, and those that are there without."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from components.errors import UserError, near_miss
from components.settings.search import Range, Search

if TYPE_CHECKING:
    from components.settings.project import Project


FACTOR = 8  # the learning rate is tried between rate / FACTOR and rate * FACTOR


def static(project: Project) -> Search:
    """The tuned static baseline: a weight for each of the K tasks, summing to 1, and the learning rate.

    A weighted sum of losses with tuned weights is hard to beat by methods that adapt them (Kurin et al.
    2022, "In Defense of the Unitary Scalarization for Deep Multi-Task Learning"; Xin et al. 2022, "Do
    Current Multi-Task Optimization Methods in Deep Learning Even Help?"), so it is what they are to be
    held against. The first trial has equal weights and the rate as it is.
    """
    rate = project.training.learning_rate
    balancing = {
        "training.balancing.weights": Range(choices=["static"]),
        "training.balancing.combination": Range(choices=["sum"]),
        "training.balancing.weights.weights": Range(simplex=list(project.heads()), ratio=16),
    }
    learning_rate = {"training.learning_rate": Range(low=rate / FACTOR, high=rate * FACTOR, log=True)}
    return Search(parameters=learning_rate | (balancing if len(project.heads()) > 1 else {}), trials=30)


PRESETS: dict[str, Callable[[Project], Search]] = {"static": static}


def find(project: Project, name: str | None) -> tuple[str, Search]:
    """The search of that name, with its name; without one, the only search that params.yaml declares.

    Raises:
        UserError: there is none of that name, or none to be taken without one.
    """
    known = {name: preset(project) for name, preset in PRESETS.items()} | project.search
    if name is None and len(project.search) == 1:
        name = next(iter(project.search))
    if name is None:
        raise UserError(f"which search? expected its name, one of {', '.join(known)}")
    if name not in known:
        raise UserError(
            f"params.yaml: search.{name}: no such search{near_miss(name, known)}; "
            f"expected one of {', '.join(known)}"
        )
    return name, known[name]
