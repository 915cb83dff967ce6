"""Write docs/reference/settings.md from the types of params.yaml, as `make docs` does.

A key's line is the comment beside it in the code, or the one right above it.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from components import families
from components.data.mixture import budgets
from components.evaluation import gates
from components.settings.project import Project
from components.settings.section import Section, Unit
from components.settings.training import Method
from components.training import balancing, optimisers, regularisation

ROOT = Path(__file__).parent.parent
PAGE = Path(__file__).parent / "reference/settings.md"
HEAD = """\
# Settings

Every key of `params.yaml`. Made by `make docs` from the code; a test holds it to that. `onetrunk check` says
where a project's file breaks it. `<name>` is a name that you choose. *Required* keys must be there; where a
key whose default is *left out* is missing, there is no such thing.
"""
TABLE = "| key | type | default | unit | |\n|---|---|---|---|---|"
END = "...\n"  # that YAML writes below a bare value
LOGGERS = ROOT / "components/tracking/loggers"


def page() -> str:
    """The whole page."""
    sections = [section(heading, model) for heading, model in walk(Project)]
    return "\n".join([HEAD, *sections, *further_gates(), *methods(), options(), loggers()])


def walk(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The sections from this one down, each once, under the places where it may stand."""
    places: dict[type[BaseModel], list[str]] = {}
    _collect(model, "", places)
    for found, paths in places.items():
        kind = found.model_fields.get("kind")  # one of several sections that may stand at a place
        which = f", {typed(kind.annotation)}" if kind else ""
        yield ", ".join(f"`{path}`" if path else "The top level" for path in paths) + which, found


def _collect(model: type[BaseModel], path: str, places: dict[type[BaseModel], list[str]]) -> None:
    known = model in places
    places.setdefault(model, []).append(path)
    if known:
        return
    for name, field in model.model_fields.items():
        for inner, within in sections_of(field.annotation):
            _collect(inner, f"{path}.{field.alias or name}{within}".lstrip("."), places)


def sections_of(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The sections that a type is made of, and what leads to them: `.<name>` within a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, ""
    within = ".<name>" if get_origin(annotation) is dict else ""
    for part in get_args(annotation) if get_origin(annotation) is not Literal else ():
        for model, deeper in sections_of(part):
            yield model, within + deeper


def section(heading: str, model: type[BaseModel]) -> str:
    """A section's table."""
    about = " ".join(inspect.cleandoc(str(model.__doc__)).split())
    return "\n".join([f"## {heading}", "", linked(about), "", TABLE, *rows(model), ""])


def rows(model: type[BaseModel], prefix: str = "") -> list[str]:
    """A row for each key."""
    lines = comments(model)
    return [
        f"| `{prefix}{field.alias or name}` | {spelled(field)} | {default(field)} | {unit(field)} "
        f"| {linked(lines[name])} |"
        for name, field in model.model_fields.items()
    ]


def comments(model: type[BaseModel]) -> Mapping[str, str]:
    """The line of each key, its parents' keys included.

    Raises:
        ValueError: a key has none.
    """
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found |= _comments(one)
    for name in model.model_fields:
        if not found.get(name):
            raise ValueError(f"{model.__module__}.{model.__name__}.{name}: no comment says what it is")
    return found


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """Those of the keys that the class itself declares."""
    source = inspect.cleandoc("\n" + inspect.getsource(model))
    at: dict[int, str] = {}
    alone = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            at[token.start[0]] = re.sub(r"\s*(fmt|type|noqa): ?.*", "", token.string.lstrip("# "))
            alone |= {token.start[0]} if not token.line[: token.start[1]].strip() else set()
    (body,) = ast.parse(source).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101
    found = {}
    for statement in body.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            inside = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
            beside = [at[line] for line in inside if at.get(line)]
            above: list[str] = []
            line = statement.lineno - 1
            while not beside and line in alone:
                above.insert(0, at[line])
                line -= 1
            found[statement.target.id] = " ".join(beside or above)
    return found


def linked(text: str) -> str:
    """A cell's text: a page that it names becomes a link, and a bar stays a bar."""
    text = text.replace("|", "\\|")
    return re.sub(r"docs/([\w-]+)/([\w-]+)\.md", r"[\2](../\1/\2.md)", text).replace("(../reference/", "(")


def unit(field: FieldInfo) -> str:
    """What the number counts."""
    return next((mark.name for mark in marks_of(field) if isinstance(mark, Unit)), "")


def marks_of(field: FieldInfo) -> Iterator[Any]:
    """What is said of a key's value, those of `... | None` among them."""
    yield from field.metadata
    for part in get_args(field.annotation):
        yield from getattr(part, "__metadata__", ())


def default(field: FieldInfo) -> str:
    """What holds where the key is missing."""
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, Section):
        return "*its defaults*"
    if isinstance(value, Method):
        return f"`{value.method}`"
    if value is None or value is PydanticUndefined:
        return "*left out*"
    written = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return f"`{written.removesuffix(END).strip()}`"


def spelled(field: FieldInfo) -> str:
    """The type of a key's value, for people."""
    return typed(field.annotation, field.metadata)


def typed(annotation: Any, marks: Any = ()) -> str:
    """A type in words, with the bounds that its marks give."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is not None:
        return composed(origin, parts, marks)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "section"
    if annotation is Method:
        return "method: its name, or `{method: name, option: value}`"
    names = {bool: "true or false", int: "whole number", float: "number", str: "text", Any: "any value"}
    return names.get(annotation, "text") + bounds(marks)  # what else YAML holds is written as text


def composed(origin: Any, parts: tuple[Any, ...], marks: Any) -> str:
    """A type that is made of others."""
    if origin is Annotated:
        return typed(parts[0], [*parts[1:], *marks])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin in (Union, types.UnionType):
        return union([typed(part, marks) for part in parts if part is not type(None)])
    if origin is list:
        return f"list of {plural(typed(parts[0]))}"
    return f"mapping: {typed(parts[1])} each"


def union(names: list[str]) -> str:
    """Several types; a whole number is a number."""
    if {"text", "true or false", "number"} <= set(names):
        names = ["text, number, true or false", *(name for name in names if name.startswith("list"))]
    kept = [name for name in names if not (name == "whole number" and "number" in names)]
    return " or ".join(dict.fromkeys(kept))


def plural(name: str) -> str:
    """Many of a type."""
    many = {"text": "texts", "any value": "values", "text, number, true or false": "these"}
    return many.get(name, name.replace("number", "numbers"))


def bounds(marks: Any) -> str:
    """The range that a number must be in."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {value:,}"
        for mark in flat(marks)
        for name, sign in signs.items()
        if (value := getattr(mark, name, None)) is not None
    ]
    return f" {', '.join(found)}" if found else ""


def flat(marks: Any) -> Iterator[Any]:
    """The marks, those within pydantic's Field among them."""
    for mark in marks:
        yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)


def further_gates() -> Iterator[str]:
    """A section for each gate of `evaluation.gates`, and for what its settings alone are made of."""
    known = [model for _, model in walk(Project)]
    for name in gates.names():
        for place, model in walk(gates.find(name)):
            within = "" if place == "The top level" else place.replace("`", "").join((".", ""))
            if model not in known:  # as a source, which a task has too
                yield section(f"`evaluation.gates.{name}{within}`", model)


def methods() -> Iterator[str]:
    """A table for each place where a method stands, with the methods' options."""
    weighting = {name: balancing.weighting(name) for name in balancing.weighting_names()}
    combining = {name: balancing.combination(name) for name in balancing.combination_names()}
    optimising = {name: optimisers.optimiser(name) for name in optimisers.names()}
    regularising = {name: regularisation.find(name) for name in regularisation.names()}
    yield method_table("training.budget", {name: budgets.find(name) for name in budgets.names()}, "mixture")
    yield method_table("training.balancing.weights", weighting, "balancing")
    yield method_table("training.balancing.combination", combining, "balancing")
    yield method_table("training.optimiser", optimising, "optimising")
    yield method_table("training.regularisation", regularising, "regularisation")


def method_table(place: str, found: Mapping[str, type[BaseModel]], more: str) -> str:
    """The methods of one place."""
    about = f"Options stand beside `method`. More: [{more}]({more}.md)."
    lines = [f"## Methods of `{place}`", "", about, "", TABLE]
    for name, method in found.items():
        module = summary(str(getattr(inspect.getmodule(method), "__doc__", "")))
        lines += [f"| **`{name}`** | | | | {module} |", *rows(method, f"{name}: ")]
    return "\n".join([*lines, ""])


def summary(docstring: str) -> str:
    """What a module's docstring says first, without the name before the colon."""
    first = " ".join(docstring.partition("\n\n")[0].split()).removesuffix(".")
    name, _, rest = first.partition(": ")
    return linked(rest if len(name) < 30 and rest else first)


def options() -> str:
    """The options of the families that have some."""
    lines = ["## `tasks.<name>.options`", "", "By family. More: [families](families.md).", "", TABLE]
    for name in families.names():
        lines += rows(families.get(name).options, f"{name}: ")
    return "\n".join([*lines, ""])


def loggers() -> str:
    """The loggers."""
    lines = ["## `logging`", "", "More: [watching a run](../how-to/watching.md).", "", "| name | |"]
    lines += ["|---|---|"]
    for file in sorted(LOGGERS.glob("[!_]*.py")):
        about = str(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))))
        lines += [f"| `{file.stem}` | {linked(' '.join(about.split())).removesuffix('.')} |"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
