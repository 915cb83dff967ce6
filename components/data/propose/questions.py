"""What the data cannot tell, and the answers there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from components.data.propose.candidate import Plan
from components.data.propose.profile import Column, Numbered
from components.data.propose.roles import fit
from components.data.sources.formats.text import TWICE
from components.data.sources.record import value_at
from components.families.base import Row

MOST_CHOICES = 6  # that one question lists
SHOWN = 3  # rows of each
NAME_THEM = "`label_map` below source, or dataset_info.json beside the file, says what they are called"
NO_TEXT = "expected a text"  # ends what is wrong with a row that has none
MERGED = "; where cells are merged, the first alone has the value: fill it down"
FILLED = 0.8  # share of the rows that have a value of what could be learnt
FEWEST_REPEATS = 1.5  # times that a class occurs, on average
FEWEST_TEXTS = 10  # different values of a column that could be the text


@dataclass(frozen=True)
class Choice:
    """One answer: the arguments that settle it, what speaks for it, and rows as it reads them."""

    arguments: list[str]
    reason: str
    shown: list[Row] = field(default_factory=list)


class Question(Exception):  # noqa: N818 not an error: the data leave it open
    """What the data cannot tell, in a sentence, and the answers there are."""

    def __init__(self, sentence: str, choices: Sequence[Choice]) -> None:
        super().__init__(sentence)
        self.choices = list(choices)


def between(plans: list[Plan], rows: Numbered) -> Question:
    """The question between equals: its answers name what they differ in."""
    families = list(dict.fromkeys(plan.family for plan in plans))
    roles = list(dict.fromkeys(role for plan in plans for role in plan.columns))
    differing = [role for role in roles if len({_name(plan, role) for plan in plans}) > 1]
    other_roles = len({frozenset(plan.inputs) for plan in plans}) > 1
    choices = []
    for plan in plans:
        named = [role for role in plan.columns if role in differing or (other_roles and role in plan.inputs)]
        arguments = ["--family", plan.family] if len(families) > 1 else []
        arguments += [part for role in named for part in ("--column", f"{role}={plan.columns[role].name}")]
        arguments += [part for head in plan.joint.values() for part in ("--joint", _target_of(head))]
        shown = [role for role in plan.columns if role in named] or list(plan.columns)[-1:]
        choices.append(Choice(arguments, reason_of(plan, shown), shown=plan.shown(rows, SHOWN)))
    if len(families) > 1:
        sentence = f"it could be {' or '.join(families)}"
    elif other_roles:
        sentence = "several columns could be the text, or two of them a pair"
    else:
        sentence = f"several columns could be {' and '.join(differing)}"
    return Question(sentence, choices)


def either_decimal(plan: Plan, column: Column, rows: Numbered) -> Question:
    """The question of which sign is the decimal one, where all numbers are some either way."""
    shown = next(str(value) for value in column.values if "," in str(value) or "." in str(value))
    found = column.written.readings if column.written else {}
    choices = []
    for sign, numbers in found.items():
        between = next(other for other in found if other != sign)
        reason = (
            f"'{sign}' is the decimal sign, '{between}' stands between thousands: "
            f"numbers from {min(numbers):g} to {max(numbers):g}"
        )
        choices.append(Choice(["--decimal", sign], reason, shown=plan.with_decimal(sign).shown(rows, SHOWN)))
    return Question(f"'{column.name}' has numbers such as '{shown}', which can be read in two ways", choices)


def reason_of(plan: Plan, roles: Sequence[str]) -> str:
    """The family, and what speaks for the columns of these roles."""
    reasons = [f"{role} from '{plan.columns[role].name}', {plan.fits[role].reason}" for role in roles]
    reasons += [f"{head.family} from '{_target_of(head)}' beside it" for head in plan.joint.values()]
    return f"{plan.family}: {'; '.join(reasons)}"


def _target_of(head: Plan) -> str:
    """The column that a joint head learns from."""
    return head.columns[next(iter(head.fits))].name


def _name(plan: Plan, role: str) -> str | None:
    return plan.columns[role].name if role in plan.columns else None


def nothing(
    columns: list[Column],
    wanted: dict[str, Column],
    refused: str,
    family: str | None,
    texts: list[Plan],
    rows: Numbered,
) -> Question:
    """The question where no family fits: what is missing, and which columns could be it.

    `texts` are plans that learn from a text by itself.
    """
    taken = {role: column.name for role, column in wanted.items()}
    free = [column for column in columns if column.values and column.name not in taken.values()]
    read = [column.name for column in free if fit("text", column)]
    rest = [column for column in free if column.name not in read]
    merged = MERGED if refused.endswith(" is missing, expected a text") else ""
    why = f"; the nearest guess, {refused}{merged}" if refused else ""
    kept = [part for role, name in taken.items() for part in ("--column", f"{role}={name}")]
    kept += ["--family", family] if family else []
    if not read and not taken:
        return _no_text(columns, rest, kept, why, rows)
    shown = " and ".join(f"'{name}'" for name in [*taken.values(), *read])
    sentence = f"{shown} can be read, but no column looks like what is to be learnt{why}"
    whole = [each for each in rest if len(each.values) >= FILLED * each.rows]
    lacking = refused.endswith(NO_TEXT)  # whatever is learnt from it
    some = [each for each in whole if _repeats(each) and f"from '{each.name}'" not in refused and not lacking]
    found = [_choice(kept, _target(each), each, rows) for each in some]
    found += [_by_itself(plan, rows) for plan in texts]
    if lacking and read:
        sentence += (
            f"; rows without a text are left out by `filter: {{{read[0]}: {{not_empty: true}}}}` below source"
        )
    else:
        sentence += _remedy(columns, rest, bool(texts))
    return Question(sentence, found[:MOST_CHOICES])


def _no_text(
    columns: list[Column], rest: list[Column], kept: list[str], why: str, rows: Numbered
) -> Question:
    """The question where no column looks like a text: which of the `rest` could be it all the same."""
    some = [each for each in rest if each.is_text and each.distinct >= FEWEST_TEXTS]
    some.sort(key=lambda each: -each.length)  # a title before a code
    found = [_choice(kept, "text", each, rows) for each in some]
    have = ", ".join(f"'{column.name}'" for column in columns[:MOST_CHOICES]) or "none"
    log = "; what is clicked is known by its text: join the items' titles to the log"
    hint = log if any(fit("outcome", column) for column in columns) else ""
    lists = [each for each in rest if each.items and all(map(_is_number, each.items))]
    numbers = [f"'{each.name}'" for each in lists]
    hint += f"; {numbers[0]} holds numbers: {NAME_THEM}" if numbers and not hint else ""
    sentence = f"no column looks like the text; the columns are {have}{hint}{why}"
    return Question(sentence, found[:MOST_CHOICES])


def _remedy(columns: list[Column], rest: list[Column], alone: bool) -> str:
    """What would make a target of a table that has none; `alone`: its texts can teach something alone."""
    if twice := [column.name for column in columns if any(value is TWICE for value in column.values)]:
        return f"; '{twice[0]}' is there twice in a row: keep one of them"
    if vectors := [column.name for column in rest if column.is_vector]:
        return f"; '{vectors[0]}' has a 0 or 1 for each label: make columns of them, called as the labels"
    if any(map(_repeats, rest)):
        return ""
    return (
        f"; add one with labels, scores or tags{', or learn from the texts by themselves' if alone else ''}"
    )


def _choice(kept: list[str], role: str, column: Column, rows: Numbered) -> Choice:
    """The column in that role, with some of its values."""
    values = [{column.name: value_at(fields, column.name)} for _, fields in rows]
    some = [row for row in values if row[column.name] not in (None, "")][:SHOWN]
    return Choice([*kept, "--column", f"{role}={column.name}"], f"{role} from {column}", shown=some)


def _by_itself(plan: Plan, rows: Numbered) -> Choice:
    """A family that makes its targets of the text, such as hidden words."""
    arguments = ["--family", plan.family]
    arguments += [part for role, each in plan.columns.items() for part in ("--column", f"{role}={each.name}")]
    reason = f"{reason_of(plan, list(plan.columns))}; nothing else is needed"
    return Choice(arguments, reason, shown=plan.shown(rows, SHOWN))


def _is_number(item: Any) -> bool:
    """A number, also one of numpy within a cell: [0 3 0]."""
    return type(item) is int or (isinstance(item, str) and item.isdecimal())


def _repeats(column: Column) -> bool:
    """Could something be learnt from it: values that occur again, numbers, or lists?"""
    if column.is_vector or any(isinstance(one, list | dict) for one in column.items or column.values):
        return False
    return (
        column.distinct > 1
        and not column.is_counter
        and (column.repeats >= FEWEST_REPEATS or column.numbers is not None or column.is_list)
    )


def _target(column: Column) -> str:
    """The role that a column of this kind could play, were it the target."""
    if column.is_list:
        return "labels"
    number = column.numbers is not None and (not column.is_whole or column.repeats < FEWEST_REPEATS)
    return "score" if number else "label"
