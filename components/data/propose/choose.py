"""From columns to the plan that fits them best.

Every family says itself which inputs and targets it reads, and reads the rows of every plan that is
worth considering. Where two plans are about equally good, the user is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

from components import families as tasks
from components.data.propose.candidate import Plan, Wishes
from components.data.propose.columns import numbered, one_hot
from components.data.propose.features import features
from components.data.propose.joint import all_at_once, with_joint
from components.data.propose.profile import Column, Numbered, drawn
from components.data.propose.questions import MOST_CHOICES, between, nothing
from components.data.propose.roles import fit, kind_of, together
from components.data.propose.roles.base import NAMED, WEAK, Fit
from components.errors import BadRowError, UserError, near_miss
from components.families.base import Family
from components.spelling import column_names

MARGIN = 0.35  # plans whose scores are no further apart are equals
BESIDE = 1.0  # plans that read a number otherwise, and are no further apart, are shown beside the best
READABLE = 0.8  # share of its rows that a plan must read
TRIED = 200  # rows
MOST_COLUMNS = 8  # for a role, the best of them
MOST_OTHERS = 2  # readings that are shown beside the best one


def choose(columns: list[Column], rows: Numbered, wishes: Wishes) -> tuple[Plan, list[Plan]]:
    """The best plan that reads the rows, and the nearest that read its numbers otherwise.

    Raises:
        Question: several are as good, or there is none.
        UserError: the user's wishes fit no family, or no row.
    """
    wanted = _wanted(columns, wishes)
    beside = [_named(columns, name, "--joint") for name in wishes.joint]
    free = [column for column in columns if column not in beside]
    marks = one_hot(free)
    taken = {name for column in marks for name in column.parts}
    free = [*(column for column in free if column.name not in taken or column in wanted.values()), *marks]
    free = _with_choices(free, wanted)
    candidates = sorted(_plans(free, wanted, wishes.family), key=lambda plan: -plan.score)
    texts = [plan for plan in candidates if not plan.targets]  # they are learnt from by themselves
    equals, refused = _equals([plan for plan in candidates if plan.targets or wishes.family], rows)
    if len(equals) == 1:
        others = [] if beside else _others(equals[0], candidates, rows)
        return _featured(with_joint(equals[0], beside, rows), free), others
    if equals:
        raise between([*all_at_once(equals, rows), *equals][:MOST_CHOICES], rows)
    if refused and (wishes.columns or wishes.family):
        raise UserError(refused)
    selves, _ = _equals(texts, rows, margin=BESIDE)
    raise nothing(columns, wanted, refused, wishes.family, selves, rows)


def _featured(plan: Plan, columns: list[Column]) -> Plan:
    """The plan with what stands beside its text, where its family reads such."""
    found = features(plan.family, columns, plan.columns.values())
    beside = {role: column for role, (column, _) in found.items()}
    fits = {role: why for role, (_, why) in found.items()}
    return replace(plan, columns={**beside, **plan.columns}, fits={**fits, **plan.fits})


def _equals(candidates: list[Plan], rows: Numbered, margin: float = MARGIN) -> tuple[list[Plan], str]:
    """The best plans that read the rows, best first; and why the first of those that do not does not."""
    equals: list[Plan] = []
    refused = ""
    for plan in candidates:
        if equals and plan.score < equals[0].score - margin and not _another(plan, equals):
            continue
        problem = problem_of(plan, rows)
        refused = refused or problem
        if not problem and not any(_same(plan, other) for other in equals):
            equals.append(plan)
    return equals, refused


def _others(best: Plan, candidates: list[Plan], rows: Numbered) -> list[Plan]:
    """A number may be a class, a level or a measure: the other readings of the best plan's target."""
    if all(column.numbers is None for column in best.targets.values()):
        return []
    found = [
        plan
        for plan in candidates
        if plan.family != best.family
        and plan.inputs == best.inputs
        and set(plan.targets.values()) == set(best.targets.values())
        and plan.score >= best.score - BESIDE
        and not problem_of(plan, rows)
    ]
    return found[:MOST_OTHERS]


def _wanted(columns: list[Column], wishes: Wishes) -> dict[str, Column]:
    """The columns that the user has named, by role."""
    known = tasks.names()
    if wishes.family is not None and wishes.family not in known:
        raise UserError(
            f"--family: unknown family '{wishes.family}'{near_miss(wishes.family, known)}; "
            f"expected one of {', '.join(known)}"
        )
    families = [tasks.get(name) for name in ([wishes.family] if wishes.family else known)]
    roles = list(dict.fromkeys(role for each in families for role in [*each.input_roles(), *each.targets]))
    for role in wishes.columns:
        if role not in roles:
            raise UserError(
                f"--column: no role '{role}'{near_miss(role, roles)}; expected one of {', '.join(roles)}"
            )
    return {role: _named(columns, name, "--column") for role, name in wishes.columns.items()}


def _named(columns: list[Column], name: str, flag: str) -> Column:
    """The column of this name, which has values."""
    known = {column.name: column for column in [*columns, *one_hot(columns), *numbered(columns)]}
    if name not in known:
        raise UserError(f"{flag}: no column '{name}'{near_miss(name, known)}; found {column_names(known)}")
    if not known[name].values:
        raise UserError(f"{flag}: {known[name]}")
    return known[name]


def _plans(columns: list[Column], wanted: dict[str, Column], only: str | None) -> Iterator[Plan]:
    for name in [only] if only else tasks.names():
        for roles in _role_sets(tasks.get(name), wanted):
            fitting = [_fitting(name, role, columns, wanted, name == only) for role in roles]
            for chosen in product(*fitting):
                taken = dict(zip(roles, (column for column, _ in chosen), strict=True))
                fits = dict(zip(roles, (judged for _, judged in chosen), strict=True))
                if any(_overlap(*two) for two in combinations(taken.values(), 2)):
                    continue
                bonus = together({kind_of(name, role): column for role, column in taken.items()})
                if bonus is not None or name == only:
                    yield Plan(name, taken, fits, bonus or 0.0)


def _overlap(one: Column, other: Column) -> bool:
    """Are they one column, or is one a field of the other's objects?"""
    shorter, longer = sorted((f"{one.name}.", f"{other.name}."), key=len)
    return longer.startswith(shorter)


def _role_sets(family: Family, wanted: dict[str, Column]) -> Iterator[tuple[str, ...]]:
    """The inputs and targets of which a task declares one; inputs that the user names are all there are."""
    given = {role for role in wanted if role in family.input_roles()}
    exact = [inputs for inputs in family.inputs if set(inputs) == given]
    required = [role for role, needed in family.targets.items() if needed]
    one_of = [role for role in family.targets if role not in family.input_roles()]
    for inputs in exact or family.inputs:
        beside = [[*required, role] for role in one_of if required and not family.targets[role]]
        for targets in [*beside, required] if required or not one_of else [[role] for role in one_of]:
            if set(wanted) <= {*inputs, *targets}:
                yield (*inputs, *targets)


def _fitting(
    family: str, role: str, columns: list[Column], wanted: dict[str, Column], settled: bool
) -> list[tuple[Column, Fit]]:
    """The columns that could play the role; `settled` is a family that the user has named."""
    kind = kind_of(family, role)
    if role in wanted:
        judged = fit(kind, wanted[role])
        if judged is None and kind != role and not settled:
            return []
        return [(wanted[role], judged or Fit(WEAK, wanted[role].counted))]
    free = [column for column in columns if column not in wanted.values()]
    judged_all = [(column, judged) for column in free if (judged := fit(kind, column)) is not None]
    return sorted(judged_all, key=lambda each: -each[1].score)[:MOST_COLUMNS]


def problem_of(plan: Plan, rows: Numbered) -> str:
    """Why the plan does not read its rows, or learns nothing of them: a sentence, or nothing."""
    roles = ", ".join(f"{role} from '{column.name}'" for role, column in plan.columns.items())
    tried = [row for row in drawn(rows, TRIED) if not plan.is_unlabelled(row[1])]
    first, failed = "", 0
    for number, fields in tried:
        try:
            plan.read(fields)
        except BadRowError as error:
            failed += 1
            first = first or f"row {number}: {error}"
    if failed > (1 - READABLE) * len(tried):
        return f"{plan.family} ({roles}) cannot read {failed} of {len(tried)} rows; {first}"
    return _nothing_learnt(plan, tried) and _nothing_learnt(plan, rows)


def _nothing_learnt(plan: Plan, rows: Numbered) -> str:
    """Why the rows teach nothing: a sentence, or nothing."""
    read = [row for _, row in plan.readable(rows)]
    try:
        tasks.get(plan.family).learn_facts(read, plan.details.labels, plan.options)
    except BadRowError as error:
        return f"{plan.family}: {error}"
    return ""


def _another(plan: Plan, equals: list[Plan]) -> bool:
    """Does the plan learn from another column, whose name says so, than the best ones do? The second text of
    a pair may as well be what is written in answer to the first."""
    roles = [item for each in equals for item in each.columns.items()]
    taken = {column.name for role, column in roles if role != "text_pair"}
    named = all(plan.fits[role].score >= NAMED for role in plan.targets)
    return named and not any(column.name in taken for column in plan.targets.values())


def _same(plan: Plan, other: Plan) -> bool:
    """The same columns as inputs in another order: the first one stands."""
    ours, theirs = ({column.name for column in each.inputs.values()} for each in (plan, other))
    same_targets = all(column is other.columns.get(role) for role, column in plan.targets.items())
    return plan.family == other.family and ours == theirs and same_targets


def _with_choices(columns: list[Column], wanted: dict[str, Column]) -> list[Column]:
    """The columns and those that are made of several choices, of which three or more are nothing else."""
    made = [column for column in numbered(columns) if _asks(column, columns)]
    taken = {name for column in made for name in column.parts if len(column.parts) > 2}
    return [*(column for column in columns if column.name not in taken or column in wanted.values()), *made]


def _asks(choices: Column, columns: list[Column]) -> bool:
    """Is there a column that could say which of the choices is right?"""
    rest = [column for column in columns if column.name not in choices.parts]
    return any(_answers(column, len(choices.parts)) for column in rest)


def _answers(column: Column, choices: int) -> bool:
    few = 1 < column.distinct <= choices + 1
    return few and fit("answer", column) is not None and not column.is_date
