"""The version of the gate's rules follows its verdicts: what was judged before must still be judged so."""

from __future__ import annotations

import hashlib
import json
from itertools import product

from components.evaluation import gate
from components.evaluation.records import AnchorEvidence, Comparison, Evaluation, Finding, Verdict
from components.settings.project import Gate
from tests import verdicts

KNOWN = {
    1: "4bf05170d2c01fad9dbdca1ad44d1f452837ec2ac40b01b74174e908274d5ab0"
}  # version of the rules -> SHA-256 of their verdicts below


def case(value: float, other: Comparison | None, anchor: Comparison | None, limits: int) -> Verdict:
    """Two tasks, of which the other is in order; so many values below a limit."""
    over = [value - 0.52, value - 0.48]
    below = [
        Finding(gate="slices", what=f"part {part}", rows=90, value=0.7, interval=[0.6, 0.72 + 0.002 * part], limit=0.75, outcome="reject", why="low")
        for part in range(limits)
    ]  # fmt: skip
    own = verdicts.measured(value, other, anchor=anchor, over_trivial=over)
    found: Evaluation = verdicts.of({"mood": own, "topic": verdicts.measured(champion=other)}, tuple(below))
    if anchor:
        known = AnchorEvidence(**verdicts.CHAMPION.model_copy(update={"release": "v0"}).model_dump())
        found = found.model_copy(update={"anchors": {"mood": known}})
    gates = {head: Gate(metric="accuracy", floor=0.6, margin=0.03) for head in found.tasks}
    return gate.verdict(found, verdicts.rules(gates))


def test_rules_that_come_to_something_else_have_another_version() -> None:
    """If this fails, add one to `gate.JUDGED_BY` and its digest here: verdicts of before replay otherwise now."""
    others = [None, verdicts.counted(30, 30, 2000), verdicts.counted(5, 60, 2000), verdicts.counted(0, 2, 60)]
    cases = product((0.9, 0.61, 0.55), others, (None, verdicts.counted(10, 14, 300)), (0, 12))
    said = [case(*one) for one in cases]
    assert {one.verdict for one in said} == {"PROMOTE", "HOLD", "REJECT"}
    words = [[one.verdict, *one.reasons(), *(task.why for task in one.tasks.values())] for one in said]
    assert KNOWN[gate.JUDGED_BY] == hashlib.sha256(json.dumps(words).encode()).hexdigest()
