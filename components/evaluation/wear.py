"""How many verdicts each test set has served: one that is asked too often wears out.

Whoever chooses among many models by one test set chooses in part those that chance made look good on it. The
count is kept by the test rows' SHA-256, in a file that no stage deletes; a model counts once.
"""

from __future__ import annotations

from pathlib import Path

from components.evaluation.records import Evaluation
from components.records import Part, Record

FILE = Path(".onetrunk/test_sets.json")


class ServedTestSet(Part):
    """A test set, and whom it was asked about."""

    tasks: list[str]  # whose rows it is
    models: list[str]  # SHA-256 of the weights of each model that was judged by it


class ServedSets(Record):
    """.onetrunk/test_sets.json: the test sets that have served verdicts."""

    remedy = "remove it, and verdicts are counted from there on"

    budget: int  # `evaluation.verdicts_per_test_set` at the last verdict
    sets: dict[str, ServedTestSet]  # by the SHA-256 of the rows


def read(root: Path) -> ServedSets | None:
    """The counts of a project; None before its first verdict.

    Raises:
        UserError: the file is torn or of another version.
    """
    return ServedSets.read(root / FILE) if (root / FILE).is_file() else None


def note(root: Path, evaluation: Evaluation, budget: int) -> None:
    """Count a verdict on this model for every test set that it was made by."""
    known = read(root)
    sets = dict(known.sets) if known else {}
    model = evaluation.model.sha256
    for head in evaluation.tasks.values():
        if head.test_set:
            old = sets.get(head.test_set, ServedTestSet(tasks=[], models=[]))
            sets[head.test_set] = ServedTestSet(
                tasks=sorted({*old.tasks, head.task}), models=list(dict.fromkeys([*old.models, model]))
            )
    ServedSets(budget=budget, sets=sets).write(root / FILE)


def served(known: ServedSets | None, test_set: str | None) -> int:
    """How many models a test set has judged."""
    return len(known.sets[test_set].models) if known and test_set in known.sets else 0


def worn(known: ServedSets | None, test_set: str | None) -> str | None:
    """A sentence where a test set has served more verdicts than it should."""
    count = served(known, test_set)
    if known is None or count <= known.budget:
        return None
    return (
        f"its test set has served {count:,} verdicts, more than {known.budget:,} "
        f"(evaluation.verdicts_per_test_set): it wears out, for what passes may be what chance favours on "
        f"these rows; take new test rows"
    )
