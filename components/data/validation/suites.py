"""The suite that every text task must pass, and the one call that lets Great Expectations run a suite.

A family adds its own checks (`Family.expectations`). Each function imports Great Expectations when
it is called, since that takes seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from components.data.validation.records import Severity, Status
from components.families.base import Check
from components.settings.data import Cleaning
from components.settings.project import Checks

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.batch_definition import BatchDefinition

EXAMPLES = 5  # row ids that a result names


@dataclass(frozen=True)
class Measure:
    """What was measured of all rows: the value to be judged, and what a report says of it."""

    value: float
    detail: str | None = None  # a clause for people
    found: int = 0  # how many rows are at fault
    examples: Sequence[Any] = ()  # the first of them


@dataclass(frozen=True)
class Result:
    """What Great Expectations found of a check; the rows' own values, which it reports too, are not kept."""

    title: str
    severity: Severity
    status: Status
    found: int  # how many rows or classes are at fault
    detail: str | None  # a clause for people
    examples: Sequence[Any]  # the index labels of the first rows at fault


@dataclass(frozen=True)
class Measured:
    """What Great Expectations measured of a check, on all rows."""

    success: bool
    observed: Any = None  # a value, or the classes that fall short with their counts
    rows: int = 0  # that were looked at, where it looks at each
    at_fault: int = 0  # of these
    examples: Sequence[Any] = ()  # the index labels of the first ones


def evaluate(frames: Iterable[pd.DataFrame], checks: Sequence[Check]) -> list[Result]:
    """Evaluate the checks on rows that come in one frame or several; a result for each, in their order."""
    import great_expectations as gx

    whole_frame = _whole_frame()  # first: a suite needs its context
    for number, check in enumerate(checks):
        check.expectation.meta = {"number": number}  # results come back in another order
    # Not `add_expectation`, which compares each with all before it.
    suite = gx.ExpectationSuite("suite", [check.expectation for check in checks])
    form = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    results: list[list[Any]] = [[] for _ in checks]
    for frame in frames:
        batch = whole_frame.get_batch({"dataframe": frame})
        for result in batch.validate(suite, result_format=form).results:
            results[result.expectation_config.meta["number"]].append(result)  # type: ignore[union-attr]
    return [_read(check, of_check) for check, of_check in zip(checks, results, strict=True)]


@cache  # to make it takes longer than most suites
def _whole_frame() -> BatchDefinition[Any]:
    """How Great Expectations is given a data frame: whole, and kept nowhere."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _read(check: Check, results: Sequence[Any]) -> Result:
    for result in results:
        if "observed_value" not in result.result and "element_count" not in result.result:
            raise RuntimeError(f"'{check.title}' could not be evaluated: {result.exception_info}")
    measured = _merge(check, results)
    status: Status = "pass" if measured.success else check.severity
    examples = list(dict.fromkeys(measured.examples))[:EXAMPLES]
    return Result(check.title, check.severity, status, *_findings(measured), examples)


def _merge(check: Check, results: Sequence[Any]) -> Measured:
    """What was measured of all rows, from each frame: rows at fault are added up, classes counted anew."""
    if len(results) == 1:
        return _measured(results[0].success, results[0].result)
    if hasattr(check.expectation, "judge"):  # of counts that are sums over the frames
        counts: Counter[str] = Counter()
        for result in results:
            counts.update(result.result["details"]["counts"])
        judged = check.expectation.judge(counts)
        return _measured(judged["success"], judged["result"])
    if any("element_count" not in result.result for result in results):
        raise RuntimeError(f"'{check.title}' cannot be evaluated frame by frame")
    parts = [_measured(result.success, result.result) for result in results]
    return Measured(
        success=all(part.success for part in parts),
        rows=sum(part.rows for part in parts),
        at_fault=sum(part.at_fault for part in parts),
        examples=[label for part in parts for label in part.examples],
    )


def _measured(success: bool, result: Mapping[str, Any]) -> Measured:
    """A result of Great Expectations."""
    return Measured(
        success,
        result.get("observed_value"),
        result.get("element_count", 0),
        result.get("unexpected_count", 0),
        result.get("partial_unexpected_index_list") or (),
    )


def _findings(measured: Measured) -> tuple[int, str | None]:
    """How many rows or classes are at fault, and a clause for people."""
    observed = measured.observed
    if isinstance(observed, dict):  # classes that fall short, with their counts
        rarest = sorted(observed.items(), key=lambda item: (item[1], item[0]))
        named = ", ".join(f"{name} {count}" for name, count in rarest[:EXAMPLES])
        more = f" and {len(rarest) - EXAMPLES} more" if len(rarest) > EXAMPLES else ""
        return len(rarest), named + more or None
    if observed is not None:
        return 0, f"found {observed:,}"
    found, of = measured.at_fault, measured.rows
    return found, f"{found:,} of {of:,} rows" if found else None


def columns_of(checks: Sequence[Check]) -> set[str]:
    """The columns that the checks look at."""
    found: set[str] = set()
    for check in checks:
        for name, value in check.expectation.dict().items():
            if name.startswith("column") and value is not None:
                found.update([value] if isinstance(value, str) else value)
    return found


def judge(measures: Mapping[str, Measure], checks: Sequence[Check]) -> list[Result]:
    """Let Great Expectations judge measures; each check's column is the name of one."""
    import pandas as pd

    results = evaluate([pd.DataFrame([{name: measure.value for name, measure in measures.items()}])], checks)
    own = [measures[check.expectation.column] for check in checks]  # type: ignore[attr-defined]
    return [
        replace(result, found=measure.found, detail=measure.detail, examples=measure.examples)
        for result, measure in zip(results, own, strict=True)
    ]


def schema_checks() -> list[Check]:
    """Of the columns."""
    return [_at_most("every column is there and has its type", "columns of another type")]


def text_checks(
    splits: Sequence[str], required: Sequence[str], cleaning: Cleaning, checks: Checks
) -> list[Check]:
    """What every text task must pass: of the measures that `measures.measure` takes."""
    # Ingest kept conflicts because it was told to, or should have removed them.
    conflict: Severity = "warning" if cleaning.conflicts == "keep" else "error"
    longest, share = checks.max_characters, checks.max_damaged_share
    least = checks.min_rows
    rows = [_at_least(f"at least {least} rows in {split}", f"rows in {split}", least) for split in splits]
    values = [_at_most(f"no missing value in column {name}", f"without {name}") for name in required]
    return [
        *rows,
        *values,
        _at_most(f"texts have 1 to {longest:,} characters", "texts out of range"),
        _at_most(f"encoding damage in at most {share:.0%} of the texts", "share of damaged texts", share),
        _at_most("no text with encoding damage", "damaged texts", severity="warning"),
        _at_most("no text in two splits", "texts in two splits"),
        _at_most("no text with two different targets", "texts with two targets", severity=conflict),
        _at_most("no text twice in a split", "texts twice in a split", severity="warning"),
        _at_most("no group of rows in two splits", "groups in two splits"),
    ]


def reading_checks(found: Iterable[str]) -> list[Check]:
    """What ingest has found while it read: of these measures of `reading.measures`."""
    titles = {
        "unreadable rows": "every row can be read",
        "classes held out whole": "no class has all of its rows held out",
        "values not found": "every value of source.filter is found",
        "values for none": "no target stands for a missing one",
    }
    return [_at_most(titles[measure], measure, severity="warning") for measure in found]


def label_checks(heads: Sequence[str]) -> list[Check]:
    """Of the labels of these heads."""
    same = "case, blanks, invisible or look-alike characters, Unicode form or a number's zeros"
    more = f"labels differ in more than {same}"
    named = {head: f"{head}: {more}" if len(heads) > 1 else more for head in heads}
    return [_at_most(title, f"labels of {head}", severity="warning") for head, title in named.items()]


def span_check() -> Check:
    """Of a task whose source has spans."""
    return _at_most("spans begin and end between words", "spans that cut words", severity="warning")


def _at_most(title: str, measure: str, most: float = 0, severity: Severity = "error") -> Check:
    from great_expectations.expectations import ExpectColumnMaxToBeBetween

    return Check(title, ExpectColumnMaxToBeBetween(column=measure, max_value=most), severity)


def _at_least(title: str, measure: str, least: float) -> Check:
    from great_expectations.expectations import ExpectColumnMaxToBeBetween

    return Check(title, ExpectColumnMaxToBeBetween(column=measure, min_value=least))
