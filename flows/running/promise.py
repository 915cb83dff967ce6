"""What `onetrunk check` says of the gate before anything is trained."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components import params
from components.evaluation import wear
from components.evaluation.ahead import APART, Source
from components.evaluation.promise import ENOUGH, Promise, all_together, promises

MARKS: dict[Source, str] = {"comparison": "", "interval": "*", "nothing": "**"}
ASSUMED: dict[Source, str] = {
    "interval": f"not compared with a champion yet: reckoned from the interval of the last evaluation, as if "
    f"two such models answered {APART:.0%} of the test rows differently",
    "nothing": f"nothing was measured yet: assumed that two such models answer {APART:.0%} of the test rows "
    f"differently, whatever the metric",
}


def show(console: Console, root: Path) -> None:
    """How often a model exactly as good as the champion would be promoted, and what would help.

    Raises:
        UserError: the last evaluation or the counts of test sets are torn or of another version.
    """
    found = promises(params.load(root / params.PARAMS), root)
    if not found:
        return
    console.print("\nA model exactly as good as the champion would be promoted:")
    served = wear.read(root)
    console.print(_table(found, served))
    console.print(Text(f"by all tasks together in about {all_together(found):.0%} of the cases"))
    for source, said in ASSUMED.items():
        if any(one.known_from == source for one in found):
            console.print(Text(f"  {MARKS[source]} {said}"), soft_wrap=True)
    worn = ((one.head, wear.worn(served, one.test_set)) for one in found)
    warnings = [one.warning for one in found] + [f"{head}: {said}" if said else None for head, said in worn]
    for warning in filter(None, warnings):
        console.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)


def _table(found: list[Promise], served: wear.ServedSets | None) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("task", "metric", "test rows", "verdicts", "margin", "promoted"):
        table.add_column(Text(title), justify="left" if title in ("task", "metric") else "right")
    for one in found:
        chance = f"{one.chance:.0%}{MARKS[one.known_from]}"
        style = "green" if one.chance >= ENOUGH else "yellow"
        verdicts = f"{wear.served(served, one.test_set):,}"
        cells = (one.head, one.gate.metric, f"{one.rows:,}", verdicts, f"{one.gate.margin:.3f}")
        table.add_row(*map(Text, cells), Text(chance, style))
    return table
