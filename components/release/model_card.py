"""The model card in the form of the Hugging Face hub: README.md, made from card.json and runtimes.json alone.

The head is YAML that the hub reads (model-index and the rest: huggingface_hub's ModelCardData), the text is a
template. Names that are data are escaped in it; what its owner states is Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components import families
from components.evaluation.records import Finding, HeadParity
from components.files import atomic_file
from components.markdown import escaped
from components.release.records import (
    RUNTIMES,
    BundleCard,
    Origin,
    PackedTask,
    RuntimeEvidence,
    RuntimeReport,
)
from components.settings.release import EAGER

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

README = "README.md"
TEMPLATE = Path(__file__).with_name("model_card.md.jinja")
NOT_STATED = "not stated"
SHOWN = 60  # labels of a task


def write(folder: Path, card: BundleCard) -> None:
    """Write the model card of a bundle into its folder."""
    report = RuntimeReport.read(folder / RUNTIMES) if (folder / RUNTIMES).is_file() else None
    with atomic_file(folder / README) as temporary:
        temporary.write_text(render(card, report), encoding="utf-8")


def render(card: BundleCard, report: RuntimeReport | None = None) -> str:
    """The whole file, with what was measured of runtimes where that was asked for: equal cards give equal
    bytes."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 Markdown, which `escaped` escapes
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters |= {"escaped": escaped, "stated": stated, "origin": describe, "n": "{:,}".format}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    ways = list(compared(report)) if report else []
    text = template.render(
        card=card,
        shown=SHOWN,
        longest=max_lengths(card),
        measured=list(measured(card)),
        report=report,
        ways=ways,
    )
    return f"---\n{metadata(card).to_yaml()}\n---\n\n{text}"


def metadata(card: BundleCard) -> ModelCardData:
    """What the hub reads of a model: licence, languages, tags, data sets, encoder, and every metric."""
    from huggingface_hub import ModelCardData

    encoder = card.origins.encoder
    packed = card.tasks.values()
    return ModelCardData(
        model_name=card.name,
        license=card.stated.license or "unknown",
        language=card.stated.language or None,
        library_name="onetrunk",
        tags=["onetrunk", "multi-task", *sorted({task.family for task in packed})],
        datasets=sorted(filter(None, map(_on_the_hub, card.origins.tasks.values()))) or None,
        base_model=_on_the_hub(encoder) if encoder else None,
        metrics=sorted({metric for task in packed for metric in task.metrics}),
        eval_results=list(_results(card)) or None,
    )


def _results(card: BundleCard) -> Iterator[EvalResult]:
    """An entry for each metric of each head; its interval stands in `args`, which the hub keeps."""
    from huggingface_hub import EvalResult

    for head, task in card.tasks.items():
        rows = task.task or head
        origin = card.origins.tasks.get(rows)
        hub = origin and _on_the_hub(origin)
        for metric, evidence in task.metrics.items():
            yield EvalResult(
                task_type=families.get(task.family).hub_task,
                task_name=head,
                dataset_type=hub or "private",
                dataset_name=rows,
                dataset_config=head,  # the hub takes entries that differ in names alone for one
                dataset_split="test",
                dataset_revision=origin.revision if hub and origin else None,
                dataset_args={"sha256": digest} if (digest := card.data.get(rows, {}).get("test")) else None,
                metric_type=metric,
                metric_value=evidence.value,
                metric_args=_interval(card, task, evidence.interval),
            )


def _interval(card: BundleCard, task: PackedTask, interval: list[float]) -> dict[str, object]:
    rows = {"rows": task.rows["test"]} if "test" in task.rows else {}
    return {"interval": interval, "confidence": card.confidence, **rows}


def _on_the_hub(origin: Origin) -> str | None:
    return origin.name if origin.kind == "huggingface" else None


def measured(card: BundleCard) -> Iterator[tuple[str, list[Finding]]]:
    """What further gates have found, by head; of the model as a whole they come first."""
    yield "all tasks", card.findings
    yield from ((head, task.findings) for head, task in card.tasks.items())


def compared(report: RuntimeReport) -> Iterator[tuple[str, RuntimeEvidence, tuple[str, HeadParity] | None]]:
    """Every runtime that was timed, with the head that is the nearest to its margin where it was asked."""
    for name, way in {EAGER: report.eager, **report.runtimes}.items():
        if None not in (way.lone_seconds, way.pass_seconds, way.faster):
            heads = (way.heads or {}).items()
            yield name, way, min(heads, key=lambda each: each[1].low + each[1].margin, default=None)


def max_lengths(card: BundleCard) -> list[int]:
    """The lengths, in tokens, at which texts are cut, each once."""
    return sorted({task.max_length for task in card.tasks.values()})


def describe(origin: Origin | None) -> str:
    """Where something is from, as Markdown."""
    if origin is None:
        return NOT_STATED
    kinds = {
        "files": "files of the project",
        "package": "the package file",
        "url": "the remote",
        "sql": "the query",
        "huggingface": "of the Hugging Face hub:",
        "dvc": "the tracked remote",
    }
    name = f" {escaped(origin.name)}" if origin.name else ""
    revision = f", revision {escaped(origin.revision)}" if origin.revision else ""
    return f"{kinds[origin.kind]}{name}{revision}"


def stated(text: str | None) -> str:
    """What the owner says, or that nothing is said."""
    return text.strip() if text and text.strip() else NOT_STATED
