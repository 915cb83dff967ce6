"""What tasks must fulfil: families, columns, labels, options and examples that fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import families
from components.data.sources.formats import formats
from components.errors import BadRowError, UserError, near_miss
from components.families.base import Metric, Row
from components.families.base.capabilities import ExtraFiles
from components.params.checks.names import refusal
from components.params.checks.options import check_options

if TYPE_CHECKING:
    from components.settings.columns import Columns
    from components.settings.project import Annotation, Gate, Project, Task


def check(where: str, project: Project) -> None:
    """Check `tasks`; UserError as `consistency.check`."""
    for name, task in project.tasks.items():
        _format(f"{where}.{name}.source.format", task.source.format)
        _task(f"{where}.{name}", name, task, name in project.mixture.auxiliary)
    _names(where, project)


def _format(where: str, name: str) -> None:
    known = formats()
    if name not in known:
        raise UserError(
            f"{where}: found '{name}'{near_miss(name, known)}, expected one of {', '.join(known)}"
        )


def _task(where: str, name: str, task: Task, auxiliary: bool) -> None:
    for head, annotation in task.annotations(name).items():
        own = where if head == name else f"{where}.joint.{head}"
        _annotation(own, head, annotation)
        if annotation.gate is None and not auxiliary:
            raise UserError(f"{own}.gate: missing; only a task of mixture.auxiliary has none")
    family = families.get(task.family)
    _inputs(where, family, task.columns)
    for group in task.splits.groups:
        if group not in task.columns:
            raise UserError(
                f"{where}.splits.groups: '{group}' is not one of its columns{near_miss(group, task.columns)}"
            )
    if auxiliary and not task.example and not task.joint:
        return
    asked, given = family.request_fields(task.columns), list(task.example)
    if set(asked) != set(given):
        raise UserError(
            f"{where}.example: found {' and '.join(given) or 'nothing'}, expected {' and '.join(asked)}: "
            f"the question asked of the packaged model"
        )
    _joint(where, task)
    _extra_files(where, task)
    _beside(where, task)
    _parallel(where, task)
    _features(where, task)


def _annotation(where: str, head: str, annotation: Annotation) -> None:
    """A head's own family, which has such columns, options and metrics."""
    if why := refusal(head):
        raise UserError(f"{where}: a task's name {why}")
    if annotation.family not in families.names():
        known = families.names()
        raise UserError(
            f"{where}.family: unknown family '{annotation.family}'{near_miss(annotation.family, known)}; "
            f"expected one of {', '.join(known)}"
        )
    family = families.get(annotation.family)
    _columns(where, family, annotation.columns)
    options = check_options(f"{where}.options", family.name, family.options, annotation.options)
    if annotation.gate is not None:
        measured = {metric.name: metric for metric in family.metrics_for(options.model_dump())}
        _gate(f"{where}.gate", family, annotation.gate, measured)


def _gate(where: str, family: families.Family, gate: Gate, measured: Mapping[str, Metric]) -> None:
    """A metric of the family, and a floor that some model can reach."""
    if gate.metric not in measured:
        raise UserError(
            f"{where}.metric: {family.name} has no metric '{gate.metric}'"
            f"{near_miss(gate.metric, measured)}; expected one of {', '.join(measured)}"
        )
    metric = measured[gate.metric]
    if why := metric.out_of_reach(gate.floor):
        raise UserError(f"{where}.floor: {why}")
    if metric.best == 1 and gate.margin >= 1:
        raise UserError(
            f"{where}.margin: found {gate.margin:g}, expected less than 1: it is in units of {gate.metric}"
        )


def _columns(where: str, family: families.Family, columns: Columns) -> None:
    """Columns that the family has, each a list only where it may be one, and every target that it needs."""
    roles = dict.fromkeys([*family.input_roles(), *family.targets, *families.COMMON])
    for role in columns:
        if role not in roles:
            raise UserError(
                f"{where}.columns.{role}: {family.name} has no such column{near_miss(role, roles)}; "
                f"expected some of {', '.join(roles)}"
            )
    for role, names in columns.items():
        several = role in {*family.optional_inputs, *family.object_roles, "slice"}
        if isinstance(names, list) and (not names or not several):
            expected = "one or more" if several else "the name of one"
            raise UserError(
                f"{where}.columns.{role}: found a list of {len(names)} columns, expected {expected}"
            )
    for role, required in family.targets.items():
        if required and role not in columns:
            raise UserError(f"{where}.columns.{role}: missing; {family.name} needs it")


def _inputs(where: str, family: families.Family, columns: Columns) -> None:
    """The input columns are one of the sets that the family can read."""
    given = {role for role in columns if role in family.input_roles()} - {*family.optional_inputs}
    if any(set(roles) == given or set(roles) < given <= {*roles, *family.targets} for roles in family.inputs):
        return
    if len(family.inputs) == 1 or not given:
        missing = next(role for role in family.inputs[0] if role not in given)
        raise UserError(f"{where}.columns.{missing}: missing; {family.name} needs it")
    choices = "; or ".join(" and ".join(roles) for roles in family.inputs)
    raise UserError(
        f"{where}.columns: found {' and '.join(sorted(given))}, but {family.name} reads {choices}"
    )


def _joint(where: str, task: Task) -> None:
    """Joint heads read what the encoder reads for the task's own family; the example shows what that is."""
    own = families.get(task.family)
    asked = set(own.request_fields(task.columns)) - {*own.optional_inputs}
    row = _example(where, own, task.options, task)
    for head, annotation in task.joint.items():
        family = families.get(annotation.family)
        takes = asked in [set(family.request_fields(roles)) for roles in family.inputs]
        alike = takes and family.row_encoding == own.row_encoding is not None
        its = _example(where, family, annotation.options, task) if alike else row
        if not alike or any(family.sequences(one) != own.sequences(row) for one in (row, its)):
            raise UserError(
                f"{where}.joint.{head}: {family.name} does not read a row as {own.name} does; "
                f"make it a task of its own"
            )


def _example(where: str, family: families.Family, options: Mapping[str, Any], task: Task) -> Row:
    """The example as a family reads it with these options."""
    try:
        return family.read_input(task.example, family.options.model_validate(options).model_dump())
    except BadRowError as error:
        read = any(isinstance(value, bool | int | float | date) for value in task.example.values())
        quotes = "; what YAML reads as a number, a boolean or a date stands in quotes" if read else ""
        raise UserError(f"{where}.example: {error}{quotes}") from None


def _extra_files(where: str, task: Task) -> None:
    """Only what lies below a task's source is watched for changes."""
    source = Path(task.source.path)
    for annotation in task.annotations("").values():
        family = families.get(annotation.family)
        if not isinstance(family, ExtraFiles):
            continue
        for file in family.extra_files(family.options.model_validate(annotation.options).model_dump()):
            if not Path(file).resolve().is_relative_to(source.resolve()):
                raise UserError(
                    f"{where}.options: '{file}' is not below source.path, '{source}', and a change of it "
                    f"would go unseen; expected both in one folder: that is source.path, and source.files "
                    f"names the rows"
                )


def _beside(where: str, task: Task) -> None:
    """Names of labels, and a table that is joined, are watched with the rows: all are in the folder that is
    `source.path`."""
    source = task.source
    for key, file in (("label_names", source.label_names), ("join", source.join and source.join.file)):
        if file and (Path(file).is_absolute() or ".." in Path(file).parts):
            raise UserError(
                f"{where}.source.{key}: '{file}' is not below source.path, '{source.path}', and a change of "
                f"it would go unseen; move it there"
            )
        if file and not (source.files or Path(source.path).is_dir()):
            raise UserError(
                f"{where}.source.{key}: '{file}' is not below source.path, '{source.path}', and a change of "
                f"it would go unseen; expected both in one folder: that is source.path, and "
                f"`files: {{train: {Path(source.path).name}}}` names the rows"
            )


def _parallel(where: str, task: Task) -> None:
    """Files that go together are watched together: all are in the folder that is `source.path`."""
    source = task.source
    if source.format == "parallel" and not (source.files or Path(source.path).is_dir()):
        raise UserError(
            f"{where}.source.path: '{source.path}' is one of files that go together, and a change of another "
            f"would go unseen; expected their folder, '{Path(source.path).parent}', with "
            f"`files: {{train: {Path(source.path).name}}}`"
        )


def _features(where: str, task: Task) -> None:
    """The example names no feature that is not a column."""
    for role, names in task.columns.items():
        asked = task.example.get(role)
        for feature in asked if isinstance(names, list) and isinstance(asked, dict) else ():
            if feature not in names:
                raise UserError(
                    f"{where}.example.{role}.{feature}: columns.{role} names no such column"
                    f"{near_miss(feature, names)}; expected some of {', '.join(names)}"
                )


def _names(where: str, project: Project) -> None:
    """A joint task's name is that of no other task."""
    seen = set(project.tasks)
    for name, task in project.tasks.items():
        for head in task.joint:
            if head in seen:
                raise UserError(f"{where}.{name}.joint.{head}: another task has this name")
            seen.add(head)
