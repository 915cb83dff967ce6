"""How long many rows take from a file to tokens, and how much memory: `python -m benchmarks.rows`.

The rows are synthetic: short texts of made-up words with one of eight labels, a few of them repeated.
Every stage runs in a process of its own, so that its peak memory is its own. The validation is timed
against the same eight checks written directly in polars, in turns, in one process that has imported both;
what the imports cost is said beside it. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal, finish

LABELS = [f"label{number}" for number in range(8)]
TOKENIZER = Path("downloads/minilm/tokenizer.json")
LIMIT_GB = 3.0


def main() -> None:
    arguments = _arguments()
    if arguments.stage:
        print(json.dumps(STAGES[arguments.stage](arguments)))
        return
    with tempfile.TemporaryDirectory(prefix="rows.", dir=arguments.scratch) as root:
        source = Path(root) / "rows.csv"
        write_source(source, arguments.rows)
        results = {stage: _child(stage, arguments, root) for stage in STAGES}
    _print(arguments.rows, results)
    finish(_goals(results), rows=arguments.rows, results=results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5, help="of the two validations, in turns")
    parser.add_argument("--tokenizer", type=Path, default=TOKENIZER)
    parser.add_argument("--scratch", type=Path, help="a folder for the files, which can be large")
    parser.add_argument("--stage", choices=list(STAGES), help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def write_source(path: Path, rows: int) -> None:
    """Synthetic rows: 3 to 14 words out of 20,000, one row in 200 a repeat of an earlier text."""
    draw = random.Random(7)  # noqa: S311
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(20_000)]
    text = ""
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for _ in range(rows):
            if not text or draw.random() > 0.005:
                text = " ".join(draw.choices(words, k=draw.randint(3, 14)))
            file.write(f"{text},{draw.choice(LABELS)}\n")


# --- the stages, each in a process of its own -------------------------------------------------------


def _child(stage: str, arguments: argparse.Namespace, root: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.rows", "--stage", stage, "--root", root]
    command += ["--rows", str(arguments.rows), "--rounds", str(arguments.rounds)]
    command += ["--tokenizer", str(arguments.tokenizer)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _measured(work: Callable[[], Any]) -> dict[str, float]:
    seconds = _timed(work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": round(seconds, 2), "peak_gb": round(peak, 2)}


def run_ingest(arguments: argparse.Namespace) -> dict[str, float]:
    from components.data.ingest.ingest import ingest
    from components.settings.project import Task

    task = Task.model_validate(
        {
            "family": "classification",
            "source": {"path": str(arguments.root / "rows.csv"), "format": "csv"},
            "columns": {"text": "text", "label": "label"},
            "splits": {"validation": 0.05, "test": 0.05},
            "cleaning": {},
            "max_length": 64,
            "gate": {"metric": "accuracy", "floor": 0.5},
            "example": {"text": "a"},
        }
    )
    return _measured(lambda: ingest("rows", task, 1, arguments.root / "data/rows"))


def run_validate(arguments: argparse.Namespace) -> dict[str, float]:
    imports = _timed(_import_both)
    return {"imports": round(imports, 2), **_measured(lambda: ours(arguments.root))}


def run_encode(arguments: argparse.Namespace) -> dict[str, float]:
    from components.data.encoding.encode import encode

    data, target = arguments.root / "data/rows", arguments.root / "encoded/rows"
    return _measured(lambda: encode(data, arguments.tokenizer, target))


def run_compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Our validation and the plain one in turns: the ratio of their times in every round."""
    _import_both()
    ours(arguments.root), plain(arguments.root)  # the first of each warms the file cache
    rounds = [
        (_timed(lambda: ours(arguments.root)), _timed(lambda: plain(arguments.root)))
        for _ in range(arguments.rounds)
    ]
    ratios = [mine / theirs for mine, theirs in rounds]
    return {
        "ours": round(statistics.median(mine for mine, _ in rounds), 2),
        "polars": round(statistics.median(theirs for _, theirs in rounds), 2),
        "ratio": round(statistics.median(ratios), 2),
        "spread": [round(min(ratios), 2), round(max(ratios), 2)],
    }


def _import_both() -> None:
    import components.data.validation.measures
    import components.families.shared.expectations  # noqa: F401 Great Expectations


def ours(root: Path) -> object:
    from components.data.validation.validate import validate_task
    from components.settings.data import Cleaning
    from components.settings.project import Checks

    return validate_task(root / "data/rows", Cleaning(), Checks())


def plain(root: Path) -> dict[str, int]:
    """The same eight checks as somebody would write them in polars, and how many rows fail each."""
    import polars as pl

    from components.data.contract.splits import SPLITS
    from components.data.validation.measures import DAMAGE

    text = pl.col("text")
    words = text.str.to_lowercase().str.replace_all(r"\W+", " ").str.strip_chars()
    files = [
        pl.scan_parquet(root / f"data/rows/{name}.parquet").with_columns(split=pl.lit(name))
        for name in SPLITS
    ]
    rows = (
        pl.concat(files)
        .select(
            "split",
            "label",
            key=words.hash(),
            missing=pl.any_horizontal(pl.col("id", "text", "label").is_null()),
            characters=text.str.len_chars(),
            damaged=text.str.contains(DAMAGE.pattern),
        )
        .collect(engine="streaming")
    )
    texts = rows.group_by("key").agg(pl.col("split").n_unique(), pl.col("label").n_unique())
    labels = rows.filter(split="train")["label"].value_counts()
    return {
        "rows": sum(count < 100 for count in rows["split"].value_counts()["count"]),
        "missing": int(rows["missing"].sum()),
        "lengths": len(rows.filter(~pl.col("characters").is_between(1, 10_000))),
        "damaged": int(rows["damaged"].sum()),
        "splits": len(texts.filter(pl.col("split") > 1)),
        "targets": len(texts.filter(pl.col("label") > 1)),
        "copies": len(rows.group_by("split", "key").len().filter(pl.col("len") > 1)),
        "labels": len(rows.filter(~pl.col("label").is_in(LABELS))) + sum(n < 10 for n in labels["count"]),
    }


STAGES = {"ingest": run_ingest, "validate": run_validate, "encode": run_encode, "compare": run_compare}


def _goals(results: dict[str, dict[str, Any]]) -> list[Goal]:
    compare = results["compare"]
    low, high = compare["spread"]
    validation = Goal("validation, time over the same checks in polars", compare["ratio"], (low, high))
    peaks = {stage: results[stage]["peak_gb"] for stage in ("ingest", "validate", "encode")}
    limit = f"<= {LIMIT_GB:g}"
    memory = [Goal(f"{stage}: peak memory, GB", gb, (gb, gb), limit) for stage, gb in peaks.items()]
    return [validation, *memory]


def _print(rows: int, results: dict[str, dict[str, Any]]) -> None:
    table = Table(title=f"{rows:,} synthetic rows")
    for name in ("stage", "seconds", "rows/s", "peak GB", ""):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in ("ingest", "validate", "encode"):
        result = results[stage]
        peak, seconds = result["peak_gb"], result["seconds"]
        verdict = "" if peak <= LIMIT_GB else f"above {LIMIT_GB:g} GB"
        table.add_row(stage, f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{peak:.2f}", verdict)
    console = Console()
    console.print(table)
    compare = results["compare"]
    low, high = compare["spread"]
    imports = results["validate"]["imports"]
    console.print(
        f"validation {compare['ours']:.2f} s, the same checks in polars {compare['polars']:.2f} s, ratio "
        f"{compare['ratio']:.2f} (from {low:.2f} to {high:.2f}); imports before it {imports:.1f} s"
    )


if __name__ == "__main__":
    main()
