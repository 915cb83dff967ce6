"""What the data cannot tell, and the answers there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.data.propose.candidate import Plan
from components.data.propose.profile import Column
from components.data.propose.roles import fit

MOST_CHOICES = 6  # that one question lists


@dataclass(frozen=True)
class Choice:
    """One answer to a question: the arguments that settle it, and what speaks for it."""

    arguments: list[str]
    reason: str
    address: str | None = None  # instead of the one that was asked about


class Question(Exception):  # noqa: N818 not an error: the data leave it open
    """What the data cannot tell, in a sentence, and the answers there are."""

    def __init__(self, sentence: str, choices: Sequence[Choice]) -> None:
        super().__init__(sentence)
        self.choices = list(choices)


def between(plans: list[Plan]) -> Question:
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
        shown = [role for role in plan.columns if role in named] or list(plan.columns)[-1:]
        reasons = [f"{role} from '{plan.columns[role].name}', {plan.fits[role].reason}" for role in shown]
        choices.append(Choice(arguments, f"{plan.family}: {'; '.join(reasons)}"))
    if len(families) > 1:
        sentence = f"it could be {' or '.join(families)}"
    elif other_roles:
        sentence = "several columns could be the text, or two of them a pair"
    else:
        sentence = f"several columns could be {' and '.join(differing)}"
    return Question(sentence, choices)


def _name(plan: Plan, role: str) -> str | None:
    return plan.columns[role].name if role in plan.columns else None


def nothing(columns: list[Column], wanted: dict[str, Column], refused: str, family: str | None) -> Question:
    """The question where no family fits: what is missing, and which columns could be it."""
    taken = {role: column.name for role, column in wanted.items()}
    free = [column for column in columns if column.values and column.name not in taken.values()]
    texts = [column.name for column in free if fit("text", column)]
    rest = [column for column in free if column.name not in texts]
    why = f"; the nearest guess, {refused}" if refused else ""
    kept = [part for role, name in taken.items() for part in ("--column", f"{role}={name}")]
    kept += ["--family", family] if family else []
    if not texts and not taken:
        found = [Choice([*kept, "--column", f"text={each.name}"], str(each)) for each in rest if each.is_text]
        return Question(f"no column looks like the text{why}", found[:MOST_CHOICES])
    shown = " and ".join(f"'{name}'" for name in [*taken.values(), *texts])
    sentence = f"{shown} can be read, but no column looks like what is to be learnt{why}"
    if not rest:
        return Question(f"{sentence}; add one with labels, scores or tags", [])
    found = [Choice([*kept, "--column", f"{_target(each)}={each.name}"], str(each)) for each in rest]
    return Question(sentence, found[:MOST_CHOICES])


def _target(column: Column) -> str:
    """The role that a column of this kind could play, were it the target."""
    if column.is_list:
        return "labels"
    return "score" if column.numbers is not None and not column.is_whole else "label"
