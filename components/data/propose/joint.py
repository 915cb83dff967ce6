"""Several questions about the same rows: one task, and a joint head for each further column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from components import families
from components.data.propose.candidate import Plan
from components.data.propose.places import identifier
from components.data.propose.profile import Column, Fields, Numbered, drawn
from components.data.propose.roles import fit, kind_of
from components.errors import BadRowError, UserError
from components.families.base import Family, Row

READABLE = 0.8  # share of the rows with a value that a head must read
TRIED = 200  # rows


def with_joint(plan: Plan, columns: list[Column], rows: Numbered) -> Plan:
    """The plan with a further head for each of the columns.

    Raises:
        UserError: no head that reads what the plan's encoder reads learns from a column.
    """
    heads = {}
    for column in columns:
        head = _head(plan, column, rows)
        if head is None:
            raise UserError(
                f"--joint: no head beside {plan.family} learns from {column}; make it a task of its own"
            )
        heads[identifier(column.name)] = head
    return replace(plan, joint=heads)


def all_at_once(equals: list[Plan], rows: Numbered) -> list[Plan]:
    """The plan that learns from the targets of all of them, if they are of different columns; or none."""
    for main in sorted(equals, key=lambda plan: "tokens" not in plan.columns):
        taken, heads = set(main.columns.values()), {}
        for plan in equals:
            rest = [column for column in plan.targets.values() if column not in taken]
            if len(rest) != 1 or taken & set(plan.targets.values()):
                continue
            head = _head(main, rest[0], rows)
            if head is not None:
                heads[identifier(rest[0].name)] = head
                taken |= set(rest)
        if heads:
            return [replace(main, joint=heads)]
    return []


def _head(plan: Plan, column: Column, rows: Numbered) -> Plan | None:
    """The likeliest head that learns from the column what the rows' encoder reads."""
    found = sorted(_heads(plan, column), key=lambda head: -head.score)
    return next((head for head in found if _reads(plan, head, rows)), None)


def _heads(plan: Plan, column: Column) -> Iterator[Plan]:
    """A head of every family that reads a row as the plan's does (`params.checks.tasks`)."""
    own = families.get(plan.family)
    for name in families.names():
        family = families.get(name)
        if family.row_encoding != own.row_encoding or not _asks_the_same(family, own, plan):
            continue
        beside = {role: plan.columns[role] for role in family.targets if role in plan.inputs}
        for role in family.targets:
            judged = fit(kind_of(name, role), column)
            if role not in beside and judged is not None:
                yield Plan(name, {role: column, **beside}, {role: judged})


def _asks_the_same(family: Family, own: Family, plan: Plan) -> bool:
    asked = set(own.request_fields(plan.columns)) - {*own.optional_inputs}
    return asked in [set(family.request_fields(roles)) for roles in family.inputs]


def _is_encoded_alike(plan: Plan, head: Plan, fields: Fields, row: Row) -> bool:
    """Does the head's family make the same sequences of the row, as `params.checks.tasks` asks?"""
    own, other = families.get(plan.family), families.get(head.family)
    given = {role: value for role, value in row.items() if value is not None}
    record = {**given, **plan.record(fields)}
    try:
        mine, its = own.read_input(record, plan.options), other.read_input(record, head.options)
    except BadRowError:
        return False
    return all(other.sequences(one) == own.sequences(mine) for one in (mine, its))


def _reads(plan: Plan, head: Plan, rows: Numbered) -> bool:
    """Can the head learn from most of the rows that have a value for it?"""
    read: list[Row] = []
    failed = 0
    (column,) = (column for role, column in head.columns.items() if role in head.fits)
    for fields, row in plan.readable(drawn(rows, TRIED)):
        if not read and not _is_encoded_alike(plan, head, fields, row):
            return False
        if head.record(fields)[next(iter(head.fits))] in (None, ""):
            continue
        try:
            read.append({**row, **head.read_target(fields, row)})
        except BadRowError:
            failed += 1
    if not column.values or failed > (1 - READABLE) * (len(read) + failed):
        return False
    try:
        families.get(head.family).learn_facts(read, head.details.labels, head.options)
    except BadRowError:
        return False
    return True
