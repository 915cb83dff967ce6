"""`onetrunk rows`: test rows, what the model said of them, and the gold answer."""

from __future__ import annotations

from pathlib import Path

from components import params
from components.errors import UserError, near_miss
from components.evaluation import row_scores
from components.evaluation.row_scores import ScoredRow
from components.evaluation.summary import brief, shorten, words

WIDTH = 200  # characters of an input or an answer


def run(root: Path, head: str, row_id: str | None, wrong: bool, limit: int) -> int:
    """Print the chosen rows of a task.

    Raises:
        UserError: there is no such task or row, or the task was not evaluated.
    """
    scored = row_scores.read(params.load(), root, head)
    if row_id is not None:
        chosen = [_find(scored, head, row_id)]
    else:
        chosen = (row_scores.worst_first(scored) if wrong else scored)[:limit]
    print("\n\n".join(map(_text, chosen)) or f"{head}: the model is wrong on none of {len(scored)} test rows")
    return 0


def _find(scored: list[ScoredRow], head: str, row_id: str) -> ScoredRow:
    for row in scored:
        if row.id == row_id:
            return row
    near = near_miss(row_id, [row.id for row in scored])
    raise UserError(f"{head}: no test row '{row_id}'{near}; data/{head}/test.parquet has them all")


def _text(row: ScoredRow) -> str:
    """The row in a line for its id and value, and one for each input, the gold answer and the model's."""
    lines = [f"{row.id}  {row.metric} {row.value:.3f}{'' if row.right else '  wrong'}"]
    lines += [f"  {name}: {shorten(words(value), WIDTH)}" for name, value in row.inputs.items()]
    lines += [f"  gold: {shorten(brief(row.gold), WIDTH)}", f"  said: {shorten(brief(row.said), WIDTH)}"]
    return "\n".join(lines)
