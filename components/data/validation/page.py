"""The page of a validation: one self-contained HTML file, drawn from the result's JSON.

It holds counts, label names, and of rows at fault their place and their text's beginning; it loads nothing
from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.pages import render as pages

TEMPLATE = Path(__file__).with_name("page.html.jinja")
SHOWN_LABELS = 12  # the rest is folded away
REASONS = {
    "duplicates": "repeats of a text",
    "conflicts": "one text, several targets",
    "leakage": "text also in a held-out split",
    "straddling": "groups in two splits",
}


def write_page(path: Path, result: Mapping[str, Any]) -> None:
    """Draw `reports/validation.json`'s content; the file is whole or absent."""
    pages.write(path, TEMPLATE, **_context(result))


def render(result: Mapping[str, Any]) -> str:
    """The page as HTML."""
    return pages.render(TEMPLATE, **_context(result))


def _context(result: Mapping[str, Any]) -> dict[str, Any]:
    leaks = result["between_tasks"]["leaks"]
    return {
        "result": result,
        "tasks": [_task(name, report) for name, report in result["tasks"].items()],
        "leaks": [(name, other, rows) for name, others in leaks.items() for other, rows in others.items()],
    }


def _task(name: str, report: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows of one task."""
    by_status = {
        status: [_check(check) for check in report["checks"] if check["status"] == status]
        for status in ("error", "warning", "pass")
    }
    status = next(status for status, checks in by_status.items() if checks)
    removed, skipped = report["ingest"]["removed"], report["ingest"]["read"].get("skipped", {})
    return {
        "name": name,
        "family": report["family"],
        "status": status,
        "verdict": pages.count(len(by_status[status]), "check" if status == "pass" else status),
        "failed": by_status["error"] + by_status["warning"],
        "held": by_status["pass"],
        "contents_checked": report["contents_checked"],
        "rows": report["rows"],
        "read": report["ingest"]["read"]["rows"],
        "removed": [
            (
                REASONS.get(reason, reason),
                count,
                [_removed(row) for row in report["ingest"]["removed_rows"][reason]],
            )
            for reason, count in removed.items()
        ]
        + [(reason, count, []) for reason, count in skipped.items()],
        "removed_total": sum(removed.values()) + sum(skipped.values()),
        "targets": _targets(name, report),
        "histogram": _histogram(report["lengths"]),
    }


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    """A check, and where its rows at fault are found; what is no row, such as a column, has no place."""
    found = [
        {"where": f"{row['split']} row {row['row']:,}", "text": row["text"], "id": row["id"]}
        for row in check.get("rows", ())
    ]
    return {**check, "rows": found or [{"where": one, "text": "", "id": ""} for one in check["examples"]]}


def _removed(row: Mapping[str, str]) -> dict[str, str]:
    return {"where": row["place"], "text": row["text"], "id": row["id"]}


def _targets(name: str, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every head's bars, the task's own first; a joint head's rows are those that have its target."""
    heads = {name: {"distribution": report["distribution"], "rows": report["rows"]}, **report["heads"]}
    return [
        {"head": head, "rows": sum(own["rows"].values()), **_bars(own["distribution"])}
        for head, own in heads.items()
    ]


def _bars(distribution: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Per label or bin: its count and share of each split, and how wide its bar is (percent)."""
    counts = {split: dict(map(tuple, pairs)) for split, pairs in distribution.items()}
    labels = list(dict.fromkeys(label for pairs in distribution.values() for label, _ in pairs))
    totals = {split: max(1, sum(by_label.values())) for split, by_label in counts.items()}
    bars = []
    for label in labels:
        shares = {split: counts[split].get(label, 0) / totals[split] for split in counts}
        bars.append(
            {"label": label, "counts": {s: counts[s].get(label, 0) for s in counts}, "shares": shares}
        )
    widest = max((share for bar in bars for share in bar["shares"].values()), default=1.0) or 1.0
    for bar in bars:
        bar["widths"] = {split: round(100 * share / widest, 2) for split, share in bar["shares"].items()}
    return {"first": bars[:SHOWN_LABELS], "rest": bars[SHOWN_LABELS:]}


def _histogram(lengths: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Columns of an SVG of 100 units' height, empty bins at the ends left out."""
    if lengths is None or not any(count for _, _, count in lengths["bins"]):
        return None
    filled = [number for number, (_, _, count) in enumerate(lengths["bins"]) if count]
    bins = lengths["bins"][filled[0] : filled[-1] + 1]
    tallest = max(count for _, _, count in bins)
    columns = [
        {"low": low, "high": high, "count": count, "height": round(100 * count / tallest, 2)}
        for low, high, count in bins
    ]
    return {"columns": columns, "median": lengths["median"], "longest": lengths["longest"]}
