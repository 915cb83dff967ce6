"""Write docs/reference/families.md from the families themselves, as `make docs` does."""

from __future__ import annotations

import json
from pathlib import Path

from components import families
from components.families.base import Family

PAGE = Path(__file__).parent / "reference/families.md"
HEAD = """\
# Task families

Made by `make docs` from `components/families/`; a test holds it to the code. A column in `params.yaml` is
`role: name in your data`; `id`, `group`, `difficulty` (a number) and `slice` (a column, or a
list of them, by which [a gate](../how-to/gates.md) cuts the test rows) may be given for every family.

Each metric has intervals and can be a gate's. Of every one more is better, so errors are counted below 0:
`negative_mae` and `negative_rmse`, in the unit of your scores. `auc` and `average_precision` are the areas
under the ROC curve and under that of precision over recall, of several labels the mean of each against the
rest; labels beyond the hundred most probable of a row count as equally improbable. `kendall` is tau-b. What
every head of its kind would reach is left out: `top_5_accuracy` of five labels.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(families.get(name)) for name in families.names())])


def section(family: Family) -> str:
    """What one family reads, learns, measures, is asked and answers."""
    question, answer = (json.dumps(part, ensure_ascii=False) for part in family.example)
    inputs = "; or ".join(" and ".join(f"`{role}`" for role in roles) for roles in family.inputs)
    if family.optional_inputs:
        inputs += f"; with or without {', '.join(f'`{role}`' for role in family.optional_inputs)}"
    targets = ", ".join(
        f"`{role}`{'' if needed else ' (optional)'}" for role, needed in family.targets.items()
    )
    options = [f"`{name}` ({field.default!r})" for name, field in family.options.model_fields.items()]
    targets = targets or "none: they are made from the text"
    lines = [
        f"## `{family.name}`",
        "",
        str(type(family).__doc__).strip().splitlines()[0],
        "",
        "| | |",
        "|---|---|",
        f"| inputs | {inputs} |",
        f"| targets | {targets} |",
        f"| metrics | {', '.join(f'`{metric.name}`' for metric in family.metrics)} |",
        f"| options | {', '.join(options) or 'none'} |",
        f"| question | `{question}` |",
        f"| answer | `{answer}` |",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
