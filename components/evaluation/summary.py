"""reports/summary.json: the outcome of a run in one small file, and its faces for people.

Only what the reports say is repeated here; nothing is computed again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from components.evaluation import wear
from components.evaluation.answers import ANSWERS, Answers
from components.evaluation.records import (
    EVALUATION,
    RELEASE,
    SUMMARY,
    VERDICT,
    Evaluation,
    HeadEvidence,
    ModelId,
    Outcome,
    ReleaseReport,
    Summary,
    TaskSummary,
    TaskVerdict,
    Verdict,
    kept_back,
)

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from components.families.base import Prediction

VERDICT_STYLES = {"PROMOTE": "bold green", "HOLD": "bold yellow", "REJECT": "bold red"}
GATE_STYLES = {"pass": "green", "hold": "yellow", "reject": "red"}


def write(root: Path) -> Summary:
    """Compose and write `reports/summary.json` of the project folder `root`, and return it.

    Raises:
        UserError: evaluation or verdict is missing or torn.
    """
    evaluation, verdict = Evaluation.read(root / EVALUATION), Verdict.read(root / VERDICT)
    served = wear.read(root)
    summary = Summary(
        verdict=verdict.verdict,
        bento=_bento(root, verdict.verdict, evaluation.model),
        tasks={
            name: _task(evaluation.tasks[name], gate, served)
            for name, gate in verdict.tasks.items()
            if name in evaluation.tasks  # the verdict says of the others that nothing was measured
        },
        kept_back=kept_back(verdict, evaluation),
    )
    summary.write(root / SUMMARY)
    return summary


def read(root: Path) -> Summary:
    """The summary of the last run.

    Raises:
        UserError: there is none, or it is torn or of another version.
    """
    return Summary.read(root / SUMMARY)


def _task(evaluated: HeadEvidence, gate: TaskVerdict, known: wear.ServedSets | None) -> TaskSummary:
    metric = evaluated.metrics[gate.metric]
    worn = wear.worn(known, evaluated.test_set)
    return TaskSummary(
        rows=sum(evaluated.rows.values()),
        share=evaluated.share,
        metric=gate.metric,
        value=metric.value,
        interval=metric.interval,
        baseline=metric.trivial,
        linear_baseline=metric.linear,
        gate=gate.gate,
        why=gate.why,
        warnings=gate.warnings,
        remarks=[*gate.remarks, *([worn] if worn else [])],
        served=wear.served(known, evaluated.test_set) or None,
    )


def _bento(root: Path, verdict: Outcome, model: ModelId) -> str | None:
    """The package's path, if it was released from the model that was evaluated."""
    if verdict != "PROMOTE" or not (root / "bento").is_dir() or not (root / RELEASE).is_file():
        return None
    return "bento" if ReleaseReport.read(root / RELEASE).model == model.sha256 else None


def discard(root: Path) -> None:
    """Remove the summary of an earlier run, so that it cannot be taken for the coming one's."""
    (root / SUMMARY).unlink(missing_ok=True)


def render(summary: Summary, root: Path) -> Group:
    """What a person sees at the end of a run: verdict, tasks, answers, reports, what to try next."""
    from rich.console import Group
    from rich.text import Text

    verdict = Text.assemble("Verdict: ", (summary.verdict, VERDICT_STYLES[summary.verdict]))
    answers = _answers(root) if summary.bento else []  # else they are of an earlier release
    return Group(
        verdict,
        table(summary),
        *_reasons(summary),
        *_warnings(summary),
        *_remarks(summary),
        *_served(summary),
        *answers,
        _reports(root),
        _next_commands(summary),
    )


def table(summary: Summary) -> Table:
    """One row per task."""
    from rich.table import Table
    from rich.text import Text

    result = Table(box=None, padding=(0, 1, 0, 0))  # six tasks fit eighty columns
    for title in ("task", "rows", "share", "metric", "value [interval]", "trivial", "linear", "gate"):
        numeric = title in ("rows", "share", "value [interval]", "trivial", "linear")
        justify: Literal["left", "right"] = "right" if numeric else "left"
        long = title in ("task", "metric")  # where the terminal is narrow, names give way, never a number
        result.add_column(Text(title), justify=justify, no_wrap=not long, overflow="fold")
    for name, task in summary.tasks.items():
        result.add_row(Text(name), *_cells(task), Text(task.gate, GATE_STYLES[task.gate]))
    return result


def _reasons(summary: Summary) -> list[Text]:
    """A line for all that keeps the model back."""
    from rich.text import Text

    return [
        Text.assemble((f"{one.what}: {one.gate}", GATE_STYLES[one.gate]), f", {one.why}")
        for one in summary.kept_back
    ]


def _warnings(summary: Summary) -> list[Text]:
    """A line for all that is wrong though it may pass."""
    from rich.text import Text

    return [
        Text.assemble((f"{name}: ", GATE_STYLES["hold"]), warning)
        for name, task in summary.tasks.items()
        for warning in task.warnings
    ]


def _remarks(summary: Summary) -> list[Text]:
    """A line for all that decides nothing, and is to be known."""
    from rich.text import Text

    return [Text(f"{name}: {remark}") for name, task in summary.tasks.items() for remark in task.remarks]


def _served(summary: Summary) -> list[Text]:
    """A line for how many models each test set has judged by now: their verdicts wear it out."""
    from rich.text import Text

    found = [f"{name} {task.served:,}" for name, task in summary.tasks.items() if task.served]
    return [Text(f"Models that each test set has judged: {', '.join(found)}")] if found else []


def _cells(task: TaskSummary) -> list[str]:
    """Rows, share, metric, value with interval, and the two baselines."""
    low, high = task.interval
    return [
        f"{task.rows:,}",
        f"{task.share:.0%}",
        task.metric,
        f"{task.value:.3f} [{low:.3f}, {high:.3f}]",
        f"{task.baseline:.3f}",
        f"{task.linear_baseline:.3f}",
    ]


def _answers(root: Path) -> list[Table]:
    """The packaged model's own answers, one row per task, if it was asked."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not (root / ANSWERS).is_file():
        return []
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("asked the Bento", "question", "answer"):
        result.add_column(title)
    for name, exchange in Answers.read(root / ANSWERS).tasks.items():
        question = " / ".join(shorten(words(part), 48) for part in exchange.question.values())
        result.add_row(Text(name), Text(question), Text(shorten(brief(exchange.answer), 60)))
    return [result]


def brief(answer: Prediction) -> str:
    """An answer of any family in one line: its words and numbers, lists by their words."""
    said = {key: value for key, value in answer.items() if not isinstance(value, dict)}
    found = {key: value for key, value in said.items() if value != []} or said
    return ", ".join(f"{key} {words(value)}" for key, value in found.items())


def words(value: Any) -> str:
    """A question's or an answer's value as one would say it."""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list):
        return ", ".join(words(item) for item in value) or "none"
    if isinstance(value, dict):
        return " ".join(item for item in value.values() if isinstance(item, str)) or str(value)
    return "none" if value is None else str(value)


def shorten(text: str, width: int) -> str:
    """The text on one line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _reports(root: Path) -> Table:
    from rich.table import Table

    result = Table.grid(padding=(0, 2))
    for name, what in {
        "reports/validation.html": "what the data looks like",
        "reports/training.html": "what training went through",
        "reports/evaluation.html": "how good the model is, and against what",
        "reports/sharing.html": "whether sharing an encoder helps each task",
        "reports/summary.json": "this summary, for programs",
    }.items():
        if (root / name).is_file():
            result.add_row(name, what)
    return result


def _next_commands(summary: Summary) -> Table:
    from rich.table import Table

    result = Table.grid(padding=(0, 2))
    result.add_row("\nNext:", "")
    if summary.bento:
        result.add_row("  onetrunk serve", "start the champion on http://127.0.0.1:3000")
        result.add_row('  onetrunk predict "..."', "ask it about a text of yours")
    else:
        result.add_row("  open reports/evaluation.html", "see what the gate saw")
        result.add_row('  onetrunk predict --candidate "..."', "ask this model, unreleased")
        result.add_row("  onetrunk rows TASK --wrong", "the test rows that it gets wrong")
        result.add_row("  onetrunk run", "once data, params.yaml or floors have changed")
    result.add_row("  onetrunk status", "which stages are up to date, what is released")
    return result
