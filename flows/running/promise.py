"""What `onetrunk check` says of the gate before anything is trained."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components import params
from components.evaluation import wear
from components.evaluation.promise import APART, ENOUGH, Promise, all_together, promises


def show(console: Console, root: Path) -> None:
    """How often a model exactly as good as the champion would be promoted, and what would help.

    Raises:
        UserError: the last evaluation or the counts of test sets are torn or of another version.
    """
    found = promises(params.load(root / params.PARAMS), root)
    console.print("\nA model exactly as good as the champion would be promoted:")
    console.print(_table(found))
    console.print(Text(f"by all tasks together in about {all_together(found):.0%} of the cases"))
    if any(one.assumed for one in found):
        console.print(
            Text(
                f"  * no comparison was measured yet: assumed that two such models answer {APART:.0%} of the "
                f"test rows differently"
            )
        )
    worn = ((one.head, wear.worn(wear.read(root), one.test_set)) for one in found)
    warnings = [one.warning for one in found] + [f"{head}: {said}" if said else None for head, said in worn]
    for warning in filter(None, warnings):
        console.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)


def _table(found: list[Promise]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("task", "metric", "test rows", "margin", "promoted"):
        table.add_column(Text(title), justify="left" if title in ("task", "metric") else "right")
    for one in found:
        chance = f"{one.chance:.0%}{'*' if one.assumed else ''}"
        style = "green" if one.chance >= ENOUGH else "yellow"
        cells = (one.head, one.gate.metric, f"{one.rows:,}", f"{one.gate.margin:.3f}")
        table.add_row(*map(Text, cells), Text(chance, style))
    return table
