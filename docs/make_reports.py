"""Write docs/reference/reports.md from the records, as `make docs` does.

A key's line is the comment beside it in the code, or the one right above it.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, JsonValue

from components.comparison import records as comparison
from components.data.contract import beginning, cards
from components.data.encoding import reading
from components.data.mixture import records as mixture
from components.data.validation import records as validation
from components.encoder import place
from components.evaluation import answers, wear
from components.evaluation import records as evaluation
from components.monitoring import records as monitoring
from components.monitoring import retraining
from components.monitoring.feedback import records as feedback
from components.monitoring.traffic import records as traffic
from components.records import VERSION, Part, Record
from components.release import records as release
from components.rollout import history
from components.rollout import records as rollout
from components.settings.release import Card
from components.training.run import machine, speed
from components.training.run import records as training

PAGE = Path(__file__).parent / "reference/reports.md"
HEAD = f"""\
# Reports and cards

The JSON files that runs, services and the watch over traffic leave. Made by `make docs` from the code; a test
holds it to that. Each file names the version of its shape (`{VERSION}`): one of another version, or one that
was altered, is refused in one sentence. Of rows' texts the reports of validation show the beginning of some;
`answers.json` and a service's `plan.json` have the examples of `params.yaml`; feedback has what was asked.
"""
TABLE = "| key | type | |\n|---|---|---|"
RECORDS: tuple[type[Record], ...] = (
    cards.TaskCard,
    place.EncoderRecord,
    reading.Reading,
    beginning.Beginning,
    beginning.NewRows,
    mixture.PlanRecord,
    validation.TaskValidation,
    validation.Validation,
    training.TrainingReport,
    evaluation.ChampionReport,
    evaluation.Evaluation,
    evaluation.Verdict,
    answers.Answers,
    evaluation.ReleaseReport,
    evaluation.Summary,
    comparison.SharingReport,
    release.BundleCard,
    release.RuntimeReport,
    release.ReleaseRecord,
    rollout.TrialReport,
    traffic.Window,
    retraining.Request,
    feedback.Feedback,
    monitoring.Judgement,
    rollout.Plan,
    rollout.WorkerReport,
    history.History,
    wear.ServedSets,
    speed.Speed,
    machine.Settled,
)
EARLIER = (release.ReleaseIndex, release.Served)  # that are read once, by `onetrunk upgrade`


def page() -> str:
    """The whole page."""
    parts = [part for record in RECORDS for part in below(record)]
    shared = [part for part in dict.fromkeys(parts) if parts.count(part) > 1]
    files = [section("##", record) + own(record, shared) for record in RECORDS]
    return "\n".join(
        [HEAD, *files, "## Parts of several files", "", *(section("###", one) for one in shared)]
    )


def own(record: type[Record], shared: list[type[Part]]) -> str:
    """The parts that stand in this file alone."""
    return "".join("\n" + section("###", part) for part in dict.fromkeys(below(record)) if part not in shared)


def below(model: type[BaseModel]) -> Iterator[type[Part]]:
    """The parts of a record, and theirs."""
    for name, field in model.model_fields.items():
        if name != VERSION:
            for part in parts_of(field.annotation):
                yield part
                yield from below(part)


def parts_of(annotation: Any) -> Iterator[type[Part]]:
    """The parts that a type is made of; a record within another has a section of its own."""
    if is_part(annotation) and not issubclass(annotation, Record):
        yield annotation
    for inner in get_args(annotation) if get_origin(annotation) is not Literal else ():
        yield from parts_of(inner)


def section(level: str, model: type[BaseModel]) -> str:
    """A heading, what the docstring says, and a table of keys."""
    about = " ".join(inspect.cleandoc(str(model.__doc__)).split())
    file, colon, rest = about.partition(": ")
    is_file = bool(colon) and issubclass(model, Record)
    title = f"`{file}`" if is_file else spelled(model.__name__).capitalize()
    said = f"{rest[0].upper()}{rest[1:]}" if is_file else about
    lines = settings.comments(model)
    keys = [
        f"| `{name}` | {typed(field.annotation)} | {settings.linked(lines[name])} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join([f"{level} {title}", "", said, "", TABLE, *keys, ""])


def spelled(name: str) -> str:
    """A class's name as words."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def typed(annotation: Any) -> str:
    """A type in words."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin in (Union, UnionType):
        named = [typed(part) for part in parts if part is not NoneType]
        return " or ".join([*named, *(["null"] if NoneType in parts else [])])
    if origin in (list, tuple):
        inner = ", ".join(map(typed, parts))
        return f"list of {inner}" if origin is list else f"({inner})"
    if origin is dict:
        return f"mapping to {typed(parts[1])}"
    if is_part(annotation):
        return f"*{spelled(annotation.__name__)}*"
    names = {bool: "true or false", int: "whole number", float: "number", str: "text", Any: "any value"}
    names |= {date: "date", AwareDatetime: "time", JsonValue: "any value"}
    names[Card] = "[as in `params.yaml`](settings.md)"
    return names[annotation]


def is_part(annotation: Any) -> bool:
    """Is it a part of a record?"""
    return isinstance(annotation, type) and issubclass(annotation, Part)


def _sibling(name: str) -> ModuleType:
    """Another script of this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


settings = _sibling("make_settings")  # which knows how to read a key's comment

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
