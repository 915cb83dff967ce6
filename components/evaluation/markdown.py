"""reports/evaluation.md: the verdict for a pull request, in GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from components.evaluation.difference import Interval
from components.evaluation.records import Comparison
from components.evaluation.shown import Report
from components.evaluation.shown_head import ShownHead
from components.markdown import uncalled as text
from components.pages.render import count, score

SIGNS = {"pass": "✅", "hold": "⏸️", "reject": "❌", "auxiliary": "·"}
SIGNS |= {"PROMOTE": SIGNS["pass"], "HOLD": SIGNS["hold"], "REJECT": SIGNS["reject"]}
COLUMNS = (
    "task",
    "metric",
    "value [interval]",
    "floor",
    "over champion",
    "over anchor",
    "linear",
    "trivial",
    "gate",
)
NUMBERS = COLUMNS[2:8]


def render(report: Report) -> str:
    """The whole text."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    verdict = report.verdict.verdict
    yield f"## {SIGNS[verdict]} {verdict}: {report.headline}"
    yield ""
    for one in report.kept_back:
        yield f"- {SIGNS[one.gate]} **{text(one.what)}** {one.gate}: {text(one.why)}"
    for name, warning in report.warnings:
        yield f"- ⚠️ **{text(name)}**: {text(warning)}"
    if report.kept_back or report.warnings:
        yield ""
    yield from _table(report)
    yield from _remarks(report)
    yield "Next:"
    yield ""
    for command, what in report.next_steps:
        yield f"- {what}." if command is None else f"- `{command}` {what}."
    yield ""
    yield f"<sub>{_made_from(report)}</sub>"


def _table(report: Report) -> Iterator[str]:
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|" + "|".join("--:" if name in NUMBERS else "---" for name in COLUMNS) + "|"
    for head in report.heads:
        yield "| " + " | ".join(_cells(head)) + " |"
    yield ""


def _cells(head: ShownHead) -> list[str]:
    gate, gated = f"{SIGNS[head.gate]} {head.gate}", head.gated
    floor = "" if head.floor is None else score(head.floor)
    if gated is None:
        return [text(head.name), head.metric, "none", floor, "", "", "", "", gate]
    return [
        text(head.name),
        head.metric,
        f"{score(gated.value)} {_ends(gated.interval)}",
        floor,
        _over(gated.champion),
        _over(gated.anchor),
        score(gated.linear),
        score(gated.trivial),
        gate,
    ]


def _remarks(report: Report) -> Iterator[str]:
    found = [f"- **{text(head.name)}**: {text(remark)}" for head in report.heads for remark in head.remarks]
    if found:
        yield from [
            f"<details><summary>{count(len(found), 'remark')}</summary>",
            "",
            *found,
            "",
            "</details>",
            "",
        ]


def _over(found: Comparison | None) -> str:
    return "" if found is None else f"{found.difference:+.3f} {_ends(found.interval, '+.3f')}"


def _ends(interval: Interval, form: str = ".3f") -> str:
    return f"[{interval[0]:{form}}, {interval[1]:{form}}]"


def _made_from(report: Report) -> str:
    evidence = report.verdict.evidence
    made = f"; evidence `{evidence[:12]}`" if evidence else ""
    confidence = round(100 * report.evaluation.confidence)
    return (
        f"Model `{report.evaluation.model.sha256[:12]}`, {report.against}{made}. Intervals: {confidence} %."
    )
