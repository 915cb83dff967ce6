"""What params.yaml must fulfil beyond the type of each key: families, columns, names and files that fit."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from components import tasks
from components.complaints import complaint
from components.data.remotes.declared import check_no_credential
from components.errors import BadRowError, UserError, near_miss
from components.monitoring import declared as monitoring
from components.tasks.base import Row

Options = TypeVar("Options", bound=BaseModel)

if TYPE_CHECKING:
    from components.data.columns import Columns
    from components.settings import Annotation, Method, Project, Task


def check(path: Path, project: Project) -> None:
    """Check the settings that `path` holds.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    for name, task in project.tasks.items():
        _check_task(path, name, task, name in project.mixture.auxiliary)
    _check_names(path, project)
    _check_remotes(path, project)
    _check_mixture(path, project)
    _check_balancing(f"{path}: training.balancing", project)
    _check_optimiser(f"{path}: training.optimiser", project.training.optimiser)
    _check_regularisation(f"{path}: training.regularisation", project)
    _check_logging(f"{path}: logging", project)
    if project.sharing.seeds and len(project.heads()) == 1:
        raise UserError(f"{path}: sharing.seeds: there is one task; expected two or more, to share anything")
    _check_files(path, project)
    if project.monitor:
        monitoring.check(f"{path}: monitor", project)
    if project.search:
        from components.search import space

        space.check(path, project)


def _check_mixture(path: Path, project: Project) -> None:
    """What the mixture says of tasks is of tasks that there are, and of every one where it must be."""
    mixture, where = project.mixture, f"{path}: mixture"
    for name in ("auxiliary", "easy_first"):
        _check_known(f"{where}.{name}", getattr(mixture, name), project.tasks)
    if set(mixture.auxiliary) == set(project.tasks):
        raise UserError(f"{where}.auxiliary: every task is auxiliary; expected one or more that are not")
    for place, rule in mixture.constant().items():
        _check_every(f"{where}.{place}ratio", "share", rule.ratio, project)
    _check_every(f"{where}.blocks", "number of steps", mixture.blocks, project)
    for name, easy in mixture.easy_first.items():
        if easy.by == "difficulty" and "difficulty" not in project.tasks[name].columns:
            raise UserError(
                f"{where}.easy_first.{name}.by: found difficulty, but tasks.{name}.columns names no "
                f"such column; expected it there, or by: length"
            )


def _check_known(where: str, given: Iterable[str], known: Collection[str], expected: str = "") -> None:
    for name in given:
        if name not in known:
            expected = expected or f"expected some of {', '.join(known)}"
            raise UserError(f"{where}.{name}: not a task{near_miss(name, known)}; {expected}")


def _check_every(where: str, what: str, given: Collection[str], project: Project) -> None:
    """Where any task is named, every one that is not auxiliary is, and no other."""
    expected = f"expected one {what} per task"
    _check_known(where, given, project.tasks, expected)
    for name in project.tasks:
        auxiliary = name in project.mixture.auxiliary
        if auxiliary and name in given:
            raise UserError(f"{where}.{name}: mixture.auxiliary has its share; {expected} that is not there")
        if given and not auxiliary and name not in given:
            raise UserError(f"{where}.{name}: missing; {expected}")


def _check_task(path: Path, name: str, task: Task, auxiliary: bool) -> None:
    where = f"{path}: tasks.{name}"
    for head, annotation in task.annotations(name).items():
        own = where if head == name else f"{where}.joint.{head}"
        _check_annotation(own, head, annotation)
        if annotation.gate is None and not auxiliary:
            raise UserError(f"{own}.gate: missing; only a task of mixture.auxiliary has none")
    family = tasks.get(task.family)
    _check_inputs(where, family, task.columns)
    for group in task.splits.groups:
        if group not in task.columns:
            raise UserError(
                f"{where}.splits.groups: '{group}' is not one of its columns{near_miss(group, task.columns)}"
            )
    if auxiliary and not task.example and not task.joint:
        return
    asked, given = family.asked(task.columns), list(task.example)
    if set(asked) != set(given):
        raise UserError(
            f"{where}.example: found {' and '.join(given) or 'nothing'}, expected {' and '.join(asked)}: "
            f"the question asked of the packaged model"
        )
    _check_joint(where, task)
    _check_reads(where, task)
    _check_features(where, task)


def _check_joint(where: str, task: Task) -> None:
    """Joint heads read what the encoder reads for the task's own family; the example shows what that is."""
    own = tasks.get(task.family)
    asked = set(own.asked(task.columns)) - {*own.optional_inputs}
    row = _example(where, own, task.options, task)
    for head, annotation in task.joint.items():
        family = tasks.get(annotation.family)
        takes = asked in [set(family.asked(roles)) for roles in family.inputs]
        alike = takes and all(
            type(one).tokenise is type(own).tokenise
            and type(one).for_learning is tasks.Family.for_learning
            and one.targets  # not made from the text
            for one in (family, own)
        )
        its = _example(where, family, annotation.options, task) if alike else row
        if not alike or any(family.sequences(one) != own.sequences(row) for one in (row, its)):
            raise UserError(
                f"{where}.joint.{head}: {family.name} does not read a row as {own.name} does; "
                f"make it a task of its own"
            )


def _example(where: str, family: tasks.Family, options: dict[str, Any], task: Task) -> Row:
    """The example as a family reads it with these options."""
    try:
        return family.read_input(task.example, family.options.model_validate(options).model_dump())
    except BadRowError as error:
        raise UserError(f"{where}.example: {error}") from None


def _check_reads(where: str, task: Task) -> None:
    """Only what lies below a task's source is watched for changes."""
    source = Path(task.source.path)
    for annotation in task.annotations("").values():
        family = tasks.get(annotation.family)
        for file in family.reads(family.options.model_validate(annotation.options).model_dump()):
            if not Path(file).resolve().is_relative_to(source.resolve()):
                raise UserError(
                    f"{where}.options: '{file}' is not below source.path, '{source}', and a change of it "
                    f"would go unseen; expected both in one folder: that is source.path, and source.files "
                    f"names the rows"
                )


def _check_features(where: str, task: Task) -> None:
    """The example names no feature that is not a column."""
    for role, names in task.columns.items():
        for feature in task.example[role] if isinstance(names, list) else ():
            if feature not in names:
                raise UserError(
                    f"{where}.example.{role}.{feature}: columns.{role} names no such column"
                    f"{near_miss(feature, names)}; expected some of {', '.join(names)}"
                )


def _check_names(path: Path, project: Project) -> None:
    """A joint task's name is that of no other task."""
    seen = set(project.tasks)
    for name, task in project.tasks.items():
        for head in task.joint:
            if head in seen:
                raise UserError(f"{path}: tasks.{name}.joint.{head}: another task has this name")
            seen.add(head)


def _check_remotes(path: Path, project: Project) -> None:
    """A remote has a name of its own and holds no credential; dvc.yaml needs the section to be there."""
    if "remotes" not in project.model_fields_set and path.with_name("dvc.yaml").exists():
        raise UserError(f"{path}: remotes: missing; write `remotes: {{}}` where there are none")
    for name, remote in project.remotes.items():
        where = f"{path}: remotes.{name}"
        if not name.isidentifier():
            raise UserError(f"{where}: a remote's name is letters, digits and underscores")
        if name in project.packages:
            raise UserError(f"{where}: a package has this name; expected another")
        check_no_credential(where, remote)


def _check_balancing(where: str, project: Project) -> None:
    from components.training import balancing

    chosen = project.training.balancing
    for key, method, known, find in (
        ("weights", chosen.weights, balancing.weighting_names(), balancing.weighting),
        ("combination", chosen.combination, balancing.combination_names(), balancing.combination),
    ):
        _check_method(f"{where}.{key}", method, known, find)
    try:
        balancing.build(chosen).weighting.check(project.heads())
    except ValueError as error:
        raise UserError(f"{where}.weights.weights.{error}") from None


def _check_regularisation(where: str, project: Project) -> None:
    from components.training import regularisation

    for number, method in enumerate(project.training.regularisation):
        own = f"{where}.{number}"
        regulariser = _check_method(own, method, regularisation.names(), regularisation.find)
        try:
            regulariser.check(project.model.dropout)
        except ValueError as error:
            raise UserError(f"{own}: {method.method}: {error}") from None


def _check_method(
    where: str, method: Method, known: list[str], find: Callable[[str], type[Options]]
) -> Options:
    """A method that there is, with its options."""
    if method.method not in known:
        near = near_miss(method.method, known)
        raise UserError(
            f"{where}: unknown method '{method.method}'{near}; expected one of {', '.join(known)}"
        )
    return _options(where, method.method, find(method.method), method.options)


def _check_optimiser(where: str, chosen: Method) -> None:
    from components.training import optimisers

    _check_method(where, chosen, optimisers.names(), optimisers.optimiser)


def _check_logging(where: str, project: Project) -> None:
    """Every logger is known, named once, and its package is there."""
    from components import watching

    known = watching.names()
    for name in project.logging:
        if name not in known:
            expected = f"expected some of {', '.join(known)}"
            raise UserError(f"{where}: unknown logger '{name}'{near_miss(name, known)}; {expected}")
        if project.logging.count(name) > 1:
            raise UserError(f"{where}: {name} is named twice")
        package = watching.logger(name).package
        if importlib.util.find_spec(package) is None:
            raise UserError(f"{where}: {name} is not installed; `pip install {package}`, or leave it out")


def _check_annotation(where: str, head: str, annotation: Annotation) -> None:
    if not head.isidentifier():
        raise UserError(f"{where}: a task's name is letters, digits and underscores")
    if annotation.family not in tasks.names():
        known = tasks.names()
        raise UserError(
            f"{where}.family: unknown family '{annotation.family}'{near_miss(annotation.family, known)}; "
            f"expected one of {', '.join(known)}"
        )
    family = tasks.get(annotation.family)
    roles = dict.fromkeys([*family.input_roles(), *family.targets, *tasks.COMMON])
    for role in annotation.columns:
        if role not in roles:
            raise UserError(
                f"{where}.columns.{role}: {family.name} has no such column{near_miss(role, roles)}; "
                f"expected some of {', '.join(roles)}"
            )
    for role, names in annotation.columns.items():
        if isinstance(names, list) and (not names or role not in family.optional_inputs):
            expected = "one or more" if role in family.optional_inputs else "the name of one"
            raise UserError(
                f"{where}.columns.{role}: found a list of {len(names)} columns, expected {expected}"
            )
    for role, required in family.targets.items():
        if required and role not in annotation.columns:
            raise UserError(f"{where}.columns.{role}: missing; {family.name} needs it")
    options = _options(f"{where}.options", family.name, family.options, annotation.options)
    measured, gate = family.measured(options.model_dump()), annotation.gate
    if gate is not None and gate.metric not in measured:
        raise UserError(
            f"{where}.gate.metric: {family.name} has no metric '{gate.metric}'"
            f"{near_miss(gate.metric, measured)}; expected one of {', '.join(measured)}"
        )


def _check_inputs(where: str, family: tasks.Family, columns: Columns) -> None:
    """The input columns are one of the sets that the family can read."""
    given = {role for role in columns if role in family.input_roles()} - {*family.optional_inputs}
    if any(set(roles) == given or set(roles) < given <= {*roles, *family.targets} for roles in family.inputs):
        return
    if len(family.inputs) == 1 or not given:
        missing = next(role for role in family.inputs[0] if role not in given)
        raise UserError(f"{where}.columns.{missing}: missing; {family.name} needs it")
    found, choices = (
        " and ".join(sorted(given)),
        "; or ".join(" and ".join(roles) for roles in family.inputs),
    )
    raise UserError(f"{where}.columns: found {found}, but {family.name} reads {choices}")


def _options(where: str, owner: str, model: type[Options], options: dict[str, Any]) -> Options:
    """The options of a family or a method, with their defaults."""
    try:
        return model.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = [field.alias or name for name, field in model.model_fields.items()]
        if first["type"] == "extra_forbidden":
            expected = f"expected one of {', '.join(known)}" if known else f"{owner} has no options"
            raise UserError(f"{where}.{key}: unknown option{near_miss(key, known)}; {expected}") from None
        raise UserError(f"{where}.{complaint(first, key)}") from None


def _check_files(path: Path, project: Project) -> None:
    """A source that no package brings must exist now; a near name in its folder is suggested."""
    for name, task in project.tasks.items():
        _check_path(project, f"{path}: tasks.{name}.source.path", task.source.path)
    _check_path(project, f"{path}: model.encoder", project.model.encoder)


def _check_path(project: Project, where: str, value: str) -> None:
    parts = Path(value).parts
    if parts[:1] == ("downloads",) and len(parts) > 1:
        fetched = [*project.packages, *project.remotes]
        if parts[1] not in fetched:
            raise UserError(
                f"{where}: no package or remote '{parts[1]}'{near_miss(parts[1], fetched)}; "
                f"they are {', '.join(fetched) or 'none'}"
            )
    elif not Path(value).exists():
        folder = Path(value).parent
        neighbours = [file.name for file in folder.iterdir()] if folder.is_dir() else []
        raise UserError(f"{where}: no such file '{value}'{near_miss(Path(value).name, neighbours)}")
