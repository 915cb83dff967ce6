"""Put what `python -m benchmarks.methods` found into docs/how-to/choosing-a-method.md, or `make docs`.

The benchmark's last line, one JSON object, is docs/methods.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "how-to/choosing-a-method.md"
NUMBERS = Path(__file__).with_name("methods.json")
BEGIN = "<!-- Made by `make docs` from docs/methods.json. -->\n"
END = "<!-- End of what `make docs` makes. -->\n"


def page() -> str:
    """The whole page, its table made anew."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + made() + END + rest.partition(END)[2]


def made() -> str:
    """The table, and one sentence that says what was run."""
    if not NUMBERS.is_file():
        return "\nNot measured yet.\n\n"
    found = json.loads(NUMBERS.read_text(encoding="utf-8"))
    rows = sorted(found["methods"].items(), key=lambda item: -item[1]["delta_m"][0])
    seeds = " ".join(str(seed) for seed in found["seeds"])
    command = (
        f"python -m benchmarks.methods --tokens {found['tokens']} --rows {found['rows']} --seeds {seeds}"
    )
    lines = [
        "",
        f"`{command}`, after `make run`:",
        "",
        "| method | Δm [95 % interval] | mean change of a score | time of a step |",
        "|---|--:|--:|--:|",
        *(line(name, method) for name, method in rows),
        "",
        "",
    ]
    return "\n".join(lines)


def line(name: str, method: dict[str, Any]) -> str:
    """A method's row; static is what the others are held against."""
    step = f"{method['step_ratio']:.2f}"
    if name == "static":
        return f"| `static` (the mixture's shares) | 0 | 0 | {step} |"
    mean, *ends = method["delta_m"]
    interval = f" [{ends[0]:+.1%}, {ends[1]:+.1%}]" if ends else ""
    return f"| `{name}` | {mean:+.1%}{interval} | {method['points'][0]:+.3f} | {step} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
