"""Which settings a search may try, and a project with other values for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from components.errors import UserError, near_miss
from components.params.validate import PARAMS, validated
from components.settings.project import Project
from components.settings.search import Range

SECTIONS = ("training", "mixture", "model")
FIXED = {  # below those sections, and yet not to be searched
    "model.encoder": "the texts are encoded for one encoder",
    "training.validation_rows": "scores on other rows cannot be compared",
}
Values = dict[str, Any]  # dotted path -> value


def check(path: Path, project: Project) -> None:
    """Check every search that params.yaml declares, at both ends of every range, without a trial.

    Raises:
        UserError: one sentence naming the search, the setting, what was found and what was expected.
    """
    for name, search in project.search.items():
        where = f"{path}: search.{name}.parameters"
        if not name.isidentifier():
            raise UserError(f"{path}: search.{name}: a search's name is letters, digits and underscores")
        for parameter in search.parameters:
            _check_searched(where, parameter)
        for values in corners(search.parameters):
            try:
                with_values(project, values, path)
            except UserError as error:
                raise UserError(_said(path, where, values, str(error))) from None


def with_values(project: Project, values: Mapping[str, Any], path: Path = PARAMS) -> Project:
    """The project with other values at some paths; its searches are left out.

    Raises:
        UserError: the settings, which `path` holds but for the values, are then not valid.
    """
    raw = project.model_dump(exclude={"search", "sharing", "compress", "start"})  # no part of a trial
    for parameter, value in outermost_first(values):
        section = raw
        *parents, last = parameter.split(".")
        for depth, parent in enumerate(parents, 1):
            inner = section.get(parent)
            if ".".join(parents[:depth]) in values and isinstance(inner, str):
                inner = {"method": inner}  # a method that the search itself has named
            if inner is not None and not isinstance(inner, dict):
                raise UserError(f"{path}: {parameter}: {parent} is {inner}, not a section")
            section[parent] = section = inner or {}
        section[last] = value
    return validated(raw, path)


def outermost_first(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A section before what is set in it."""
    return sorted(values.items(), key=lambda item: item[0].count("."))


def corners(parameters: Mapping[str, Range]) -> Iterator[Values]:
    """Values that show whether all are valid: each setting's own, the others at their first.

    A choice can make another setting valid (a method its option), so one is never looked at alone.
    """
    ends = {parameter: list(_ends(values)) for parameter, values in parameters.items()}
    first = {parameter: values[0] for parameter, values in ends.items()}
    yield first
    for parameter, values in ends.items():
        for value in values[1:]:
            yield {**first, parameter: value}


def at(project: Project, parameter: str) -> Any:
    """The value that a setting has now; None where it has none."""
    value: Any = project.model_dump()
    for key in parameter.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _ends(values: Range) -> Iterable[Any]:
    """Values between the ends too: a setting that takes whole numbers only must be found out."""
    if values.choices:
        return values.choices
    if values.simplex:
        return [dict.fromkeys(values.simplex, 1 / len(values.simplex))]
    low, high = values.low, values.high
    return [low, high] if values.whole else [float(low), float(high), low + (high - low) / 7]


def _check_searched(where: str, parameter: str) -> None:
    section = parameter.partition(".")[0]
    if section not in SECTIONS or section == parameter:
        near = near_miss(section, SECTIONS) if section not in SECTIONS else ""
        raise UserError(
            f"{where}.{parameter}: a search does not try this{near}; expected a key below "
            f"{', '.join(SECTIONS)}: all else belongs to data, gate or service, which a search leaves alone"
        )
    for fixed, why in FIXED.items():
        if parameter == fixed:
            raise UserError(f"{where}.{parameter}: a search does not try this: {why}; expected another key")


def _said(path: Path, where: str, values: Values, said: str) -> str:
    """The sentence about a setting, as one about the search that has tried it."""
    said = said.removeprefix(f"{path}: ")
    key = said.partition(": ")[0]
    for parameter, value in values.items():
        if f"{key}.".startswith(f"{parameter}.") or parameter.startswith(f"{key}."):
            rest = said.removeprefix(f"{parameter}: ")
            return f"{where}.{parameter}: {'' if rest.startswith('found ') else f'at {value}, '}{rest}"
    return f"{where}: with {', '.join(f'{p} at {v}' for p, v in values.items())}, {said}"
