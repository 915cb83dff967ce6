"""The suites that every text task must pass, and the one call that lets Great Expectations run them.

A family adds its own checks (`Family.expectations`). Each function imports Great Expectations when
it is called, since that takes seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from components.settings import Checks, Cleaning
from components.tasks.base import Check

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

EXAMPLES = 5  # row ids that a result names


def evaluate(
    frames: Iterable[pd.DataFrame], checks: Sequence[Check], unit: str = "rows"
) -> list[dict[str, Any]]:
    """Evaluate the checks on rows that come in one frame or several; a result for each, in their order.

    A result holds `title`, `severity`, `status` (pass, warning or error), `found` (how many rows or
    classes are at fault), `detail` (a clause for people, or None) and `examples`: the index labels of
    the first rows at fault. The rows' own values, which Great Expectations reports too, stay here.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    suite = gx.ExpectationSuite("suite")
    for number, check in enumerate(checks):
        check.expectation.meta = {"number": number}  # results come back in another order
        suite.add_expectation(check.expectation)
    form = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    results: list[list[Any]] = [[] for _ in checks]
    for frame in frames:
        batch = definition.get_batch({"dataframe": frame})
        for result in batch.validate(suite, result_format=form).results:
            results[result.expectation_config.meta["number"]].append(result)  # type: ignore[union-attr]
    return [_read(check, of_check, unit) for check, of_check in zip(checks, results, strict=True)]


def _read(check: Check, results: Sequence[Any], unit: str) -> dict[str, Any]:
    for result in results:
        if "observed_value" not in result.result and "element_count" not in result.result:
            raise RuntimeError(f"'{check.title}' could not be evaluated: {result.exception_info}")
    success, measured = _merge(check, results)
    found, detail = _findings(measured, unit)
    return {
        "title": check.title,
        "severity": check.severity,
        "status": "pass" if success else check.severity,
        "found": found,
        "detail": detail,
        "examples": list(dict.fromkeys(measured.get("partial_unexpected_index_list") or []))[:EXAMPLES],
    }


def _merge(check: Check, results: Sequence[Any]) -> tuple[bool, dict[str, Any]]:
    """The result on all rows from those on each frame: rows at fault are added up, classes counted anew."""
    if len(results) == 1:
        return results[0].success, results[0].result
    if hasattr(check.expectation, "judge"):  # of counts that are sums over the frames
        counts: Counter[str] = Counter()
        for result in results:
            counts.update(result.result["details"]["counts"])
        judged = check.expectation.judge(counts)
        return judged["success"], judged["result"]
    if any("element_count" not in result.result for result in results):
        raise RuntimeError(f"'{check.title}' cannot be evaluated frame by frame")
    merged: dict[str, Any] = {"partial_unexpected_index_list": []}
    for name in ("element_count", "unexpected_count"):
        merged[name] = sum(result.result[name] for result in results)
    for result in results:
        merged["partial_unexpected_index_list"] += result.result.get("partial_unexpected_index_list") or []
    return all(result.success for result in results), merged


def _findings(measured: dict[str, Any], unit: str) -> tuple[int, str | None]:
    observed = measured.get("observed_value")
    if isinstance(observed, dict):  # classes that fall short, with their counts
        rarest = sorted(observed.items(), key=lambda item: (item[1], item[0]))
        named = ", ".join(f"{name} {count}" for name, count in rarest[:EXAMPLES])
        more = f" and {len(rarest) - EXAMPLES} more" if len(rarest) > EXAMPLES else ""
        return len(rarest), named + more or None
    if observed is not None:
        return 0, f"found {observed:,}"
    found, of = measured["unexpected_count"], measured["element_count"]
    return found, f"{found:,} of {of:,} {unit}" if found else None


def schema_checks() -> list[Check]:
    """Over a frame of columns, `expected` and `found` types."""
    from great_expectations.expectations import ExpectColumnPairValuesToBeEqual

    equal = ExpectColumnPairValuesToBeEqual(column_A="expected", column_B="found")
    return [Check("every column is there and has its type", equal)]


def count_checks(splits: Sequence[str], checks: Checks) -> list[Check]:
    """Over a frame of one line, with every split's number of rows in its column."""
    from great_expectations.expectations import ExpectColumnSumToBeBetween

    return [
        Check(
            f"at least {checks.min_rows} rows in {split}",
            ExpectColumnSumToBeBetween(column=split, min_value=checks.min_rows),
        )
        for split in splits
    ]


def presence_checks(required: Sequence[str]) -> list[Check]:
    """Over all rows (`Measures.presence`): no missing values."""
    from great_expectations.expectations import ExpectColumnValuesToNotBeNull

    return [
        Check(f"no missing value in column {name}", ExpectColumnValuesToNotBeNull(column=name))
        for name in required
    ]


def text_checks(cleaning: Cleaning, checks: Checks) -> list[Check]:
    """Over the complete rows (`Measures.texts`, `measures.with_repeats`)."""
    from great_expectations.expectations import ExpectColumnValuesToBeBetween, ExpectColumnValuesToBeInSet

    longest, share = checks.max_characters, checks.max_damaged_share
    in_range = ExpectColumnValuesToBeBetween(column="characters", min_value=1, max_value=longest)
    mostly_sound = ExpectColumnValuesToBeInSet(column="damaged", value_set=[False], mostly=1 - share)
    sound = ExpectColumnValuesToBeInSet(column="damaged", value_set=[False])
    # Ingest kept conflicts because it was told to, or should have removed them.
    conflict: Literal["error", "warning"] = "warning" if cleaning.conflicts == "keep" else "error"
    return [
        Check(f"texts have 1 to {longest:,} characters", in_range),
        Check(f"encoding damage in at most {share:.0%} of the texts", mostly_sound),
        Check("no text with encoding damage", sound, "warning"),
        Check("no text in two splits", _one("splits")),
        Check("no text with two different targets", _one("targets"), conflict),
        Check("no text twice in a split", _one("copies"), "warning"),
    ]


def group_checks() -> list[Check]:
    """Over a frame of one line per row and group (`measures.with_splits_of_groups`)."""
    return [Check("no group of rows in two splits", _one("splits"))]


def _one(column: str) -> Expectation:
    from great_expectations.expectations import ExpectColumnValuesToBeBetween

    return ExpectColumnValuesToBeBetween(column=column, max_value=1)
