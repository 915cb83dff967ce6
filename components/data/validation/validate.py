"""Measures the tasks' data: each task by itself, then all of them together.

Nothing here stops a run: a report says which checks hold, and the joint stage decides. Reports hold
counts, and of the rows at fault the place and the text's beginning, by which they are found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.data.contract.splits import SPLITS
from components.data.ingest.records import INGEST, Cleaned
from components.data.validation import labels, reading, suites
from components.data.validation.records import (
    BetweenTasks,
    CheckResult,
    FaultyRow,
    HeadRows,
    Lengths,
    TaskValidation,
    Validation,
)
from components.files import read_json
from components.settings.data import Cleaning
from components.settings.project import Checks

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from components.data.validation.folder import TaskFolder

FLAT, LISTS = 500_000, 100_000  # rows that Great Expectations sees at once, of plain values and of lists


# --- one task ------------------------------------------------------------------------------------


def validate_task(folder: Path, cleaning: Cleaning, checks: Checks) -> TaskValidation:
    """Measure the task in `folder`: its checks, counts, distributions and lengths.

    `cleaning` says which faults ingest has removed, so that finding one is an error. Where the
    columns are wrong the contents are not looked at, and `contents_checked` is false.

    Raises:
        UserError: a file of the folder is missing or cannot be read.
    """
    from components.data.validation.folder import read_folder

    data = read_folder(folder)
    schema = TaskValidation(
        task=data.name,
        family=data.family.name,
        rows=data.rows(),
        ingest=Cleaned.model_validate(read_json(folder / INGEST)),
        contents_checked=data.fits_schema(),
        checks=[_check_result(result, []) for result in _check_schema(data)],
        distribution={},
        heads={},
        lengths=None,
    )
    return _with_contents(schema, data, cleaning, checks) if schema.contents_checked else schema


def _with_contents(
    schema: TaskValidation, data: TaskFolder, cleaning: Cleaning, checks: Checks
) -> TaskValidation:
    """The record of a task whose columns are right, with what is in them."""
    from components.data.validation.measures import cut_spans, measure, read_lines, required

    lines = read_lines(data)
    measures = measure(data, lines, checks)
    found = reading.measures(schema.ingest)
    expected = suites.text_checks(SPLITS, required(data), cleaning, checks) + suites.reading_checks(found)
    if schema.ingest.spans is not None:
        measures["spans that cut words"] = cut_spans(schema.ingest.spans)
        expected.append(suites.span_check())
    results = suites.judge({**measures, **found}, expected)
    heads: dict[str, HeadRows] = {}
    for head in data.heads:
        of_head, heads[head] = _check_head(data, head, lines.incomplete(), checks)
        results += of_head
    results += _check_labels(data, heads)
    return schema.model_copy(
        update={
            "checks": schema.checks + _name_rows(data, results, lines.incomplete()),
            "distribution": heads.pop(data.name).distribution,
            "heads": heads,  # the joint ones
            "lengths": _lengths(lines.texts["characters"].to_numpy()),
        }
    )


def _check_schema(data: TaskFolder) -> list[suites.Result]:
    wrong = []
    for split in SPLITS:
        for field in data.schema():
            if (found := data.found_type(split, field.name)) != field.type:
                wrong.append(f"{split}.{field.name} is {found or 'absent'}, expected {field.type}")
    detail = f"{len(wrong)} of {len(SPLITS) * len(data.schema())} columns" if wrong else None
    measure = suites.Measure(len(wrong), detail, len(wrong), wrong[: suites.EXAMPLES])
    return suites.judge({"columns of another type": measure}, suites.schema_checks())


def _check_head(
    data: TaskFolder, head: str, incomplete: Sequence[int], checks: Checks
) -> tuple[list[suites.Result], HeadRows]:
    """The head's own checks over its rows, their number and their distribution in every split."""
    family, facts = data.heads[head], data.facts(head)
    expected = family.expectations(facts, checks)
    columns = suites.columns_of(expected)
    rows = dict.fromkeys(SPLITS, 0)
    distribution: dict[str, dict[str, int]] = {split: {} for split in SPLITS}

    def frames() -> Iterator[pd.DataFrame]:
        """What Great Expectations looks at, chunk by chunk; counted on its way there."""
        for frame in _labelled(data, head, columns, incomplete):
            for split in SPLITS:
                own = frame.filter(split=split)
                rows[split] += len(own)
                for label, count in family.distribution(own.to_arrow(), facts):
                    distribution[split][label] = distribution[split].get(label, 0) + count
            yield _pandas(frame.select("number", "split", *(n for n in frame.columns if n in columns)))

    results = suites.evaluate(frames(), expected)
    if len(data.heads) > 1:
        results = [replace(result, title=f"{head}: {result.title}") for result in results]
    pairs = {split: list(counts.items()) for split, counts in distribution.items()}
    return results, HeadRows(rows=rows, distribution=pairs)


def _check_labels(data: TaskFolder, heads: dict[str, HeadRows]) -> list[suites.Result]:
    """Are labels of a head others but for their spelling?"""
    measures: dict[str, suites.Measure] = {}
    for head, rows in heads.items():
        facts, family = data.facts(head), data.heads[head]
        counts: Counter[str] = Counter()
        for pairs in rows.distribution.values():
            counts.update(dict(pairs))
        where = "source" if head == data.name else f"joint.{head}"
        as_map = partial(family.label_map, facts=facts)
        measure = labels.measure(facts.get("labels", []), counts, as_map, where)
        if measure.value:
            measures[head] = measure
    named = {f"labels of {head}": measure for head, measure in measures.items()}
    return suites.judge(named, suites.label_checks(list(measures))) if measures else []


def _labelled(
    data: TaskFolder, head: str, columns: Collection[str], incomplete: Sequence[int]
) -> Iterator[pl.DataFrame]:
    """The complete rows that have the head's target: its target columns, and the inputs among `columns`."""
    import polars as pl

    from components.data.validation.measures import labelled

    inputs = [name for name in data.family.input_schema().names if name in columns]
    names = [*inputs, *data.target_columns(head)]
    size = LISTS if any(data.dtype(name).is_nested() for name in names) else FLAT
    for rows in data.chunks(names, size):
        complete = rows.filter(~pl.col("number").is_in(incomplete)) if incomplete else rows
        yield labelled(data, head, complete)


def _pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """For Great Expectations: indexed by the rows' numbers, lists as Python's own."""
    import pandas as pd

    columns = {
        name: column.to_list() if column.dtype.is_nested() else column.to_pandas()
        for name, column in zip(frame.columns, frame.iter_columns(), strict=True)
        if name != "number"
    }
    return pd.DataFrame(columns).set_index(frame["number"].to_numpy())


def _name_rows(
    data: TaskFolder, results: Sequence[suites.Result], incomplete: Sequence[int]
) -> list[CheckResult]:
    """Put what a person finds rows by in the place of the examples' row numbers."""
    named = data.named([number for result in results for number in result.examples], set(incomplete))
    return [_check_result(result, [named[number] for number in result.examples]) for result in results]


def _check_result(result: suites.Result, rows: list[FaultyRow]) -> CheckResult:
    return CheckResult(
        title=result.title,
        severity=result.severity,
        status=result.status,
        found=result.found,
        detail=result.detail,
        examples=[row.id for row in rows] or list(result.examples),
        rows=rows,
    )


def _lengths(lengths: np.ndarray) -> Lengths:
    """Characters per text, in bins [low, high) that double in width."""
    longest = int(lengths.max(initial=0))
    edges = [0, 10]
    while edges[-1] <= longest:
        edges.append(2 * edges[-1])
    counts, _ = np.histogram(lengths, edges)
    bins = [(low, high, int(count)) for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    median = float(np.median(lengths)) if len(lengths) else 0.0
    return Lengths(bins=bins, median=median, longest=longest)


# --- all tasks -----------------------------------------------------------------------------------


def between_tasks(folders: Sequence[Path]) -> BetweenTasks:
    """Find training rows of one task whose text another task holds out (validation or test).

    The mixture plan leaves them out of training. A task whose columns are wrong is passed over.
    """
    import polars as pl

    from components.data.validation.folder import read_folder
    from components.data.validation.measures import read_lines

    training, held_out = {}, []
    for data in map(read_folder, folders):
        if data.fits_schema():
            texts = read_lines(data).texts.select("number", "split", "key")
            training[data.name] = data, texts.filter(split="train").select("number", "key")
            held = texts.filter(pl.col("split") != "train").select("key").unique()
            held_out.append(held.with_columns(other=pl.lit(data.name)))
    leaks, exclude = {}, {}
    for name, (data, own) in sorted(training.items()):
        others = pl.concat(held_out).filter(pl.col("other") != name)  # its own is that task's own error
        found = own.join(others, on="key")
        if len(found):
            leaks[name] = dict(sorted(found["other"].value_counts().iter_rows()))
            exclude[name] = sorted(set(data.ids(found["number"]).values()))
    return BetweenTasks(leaks=leaks, exclude=exclude)


def summarise(reports: Mapping[str, TaskValidation], between: BetweenTasks) -> Validation:
    """Join the tasks' reports: whether the run may go on, and one sentence for every error and warning."""
    sentences: dict[str, list[str]] = {"error": [], "warning": [], "pass": []}
    for task, report in reports.items():
        for check in report.checks:
            sentences[check.status].append(_sentence(task, check))
    for task, others in between.leaks.items():
        held_out = ", ".join(f"{other} ({count:,})" for other, count in others.items())
        rows = len(between.exclude[task])
        sentences["warning"].append(f"{task}: {rows:,} training rows are left out, held out by {held_out}")
    return Validation(
        success=not sentences["error"],
        errors=sentences["error"],
        warnings=sentences["warning"],
        tasks=dict(reports),
        between_tasks=between,
    )


def _sentence(task: str, check: CheckResult) -> str:
    found = [_found_by(row) for row in check.rows] or check.examples
    examples = f", such as {' and '.join(found[:2])}" if found else ""
    return f"{task}: '{check.title}' does not hold: {check.detail}{examples}"


def _found_by(row: FaultyRow) -> str:
    return f"{row.split} row {row.row}" + (f" (“{row.text}”)" if row.text else "")
