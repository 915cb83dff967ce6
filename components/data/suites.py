"""The suites that every text task must pass, and the one call that lets Great Expectations run them.

A family adds its own checks (`Family.expectations`). Each function imports Great Expectations when
it is called, since that takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from components.settings import Checks, Cleaning
from components.tasks.base import Check

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 5  # row ids that a result names


def evaluate(
    frame: pd.DataFrame, checks: Sequence[Check], unit: str = "rows", examples: int = EXAMPLES
) -> list[dict[str, Any]]:
    """Evaluate the checks on a frame and return their results, in the same order.

    A result holds `title`, `severity`, `status` (pass, warning or error), `found` (how many rows or
    classes are at fault), `detail` (a clause for people, or None) and `examples`: the frame's `id`
    of the first rows at fault. The rows' own values, which Great Expectations reports too, stay here.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite("suite")
    for number, check in enumerate(checks):
        check.expectation.meta = {"number": number}  # results come back in another order
        suite.add_expectation(check.expectation)
    form = {"result_format": "SUMMARY", "partial_unexpected_count": examples}
    results = {
        result.expectation_config.meta["number"]: result  # type: ignore[union-attr]
        for result in batch.validate(suite, result_format=form).results
    }
    return [_read(check, results[number], frame, unit, examples) for number, check in enumerate(checks)]


def _read(check: Check, result: Any, frame: pd.DataFrame, unit: str, examples: int) -> dict[str, Any]:
    measured = result.result
    if "observed_value" not in measured and "element_count" not in measured:
        raise RuntimeError(f"'{check.title}' could not be evaluated: {result.exception_info}")
    found, detail = _findings(measured, unit)
    rows = measured.get("partial_unexpected_index_list", [])[:examples]
    return {
        "title": check.title,
        "severity": check.severity,
        "status": "pass" if result.success else check.severity,
        "found": found,
        "detail": detail,
        "examples": list(dict.fromkeys(frame["id"][row] for row in rows)),
    }


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


def presence_checks(splits: Sequence[str], required: Sequence[str], checks: Checks) -> list[Check]:
    """Over all rows: enough of them in every split, and no missing values."""
    from great_expectations.expectations import ExpectColumnValuesToNotBeNull, ExpectTableRowCountToBeBetween
    from great_expectations.expectations.row_conditions import Column

    counts = [
        Check(
            f"at least {checks.min_rows} rows in {split}",
            ExpectTableRowCountToBeBetween(min_value=checks.min_rows, row_condition=Column("split") == split),
        )
        for split in splits
    ]
    nulls = [
        Check(f"no missing value in column {name}", ExpectColumnValuesToNotBeNull(column=name))
        for name in required
    ]
    return counts + nulls


def text_checks(cleaning: Cleaning, checks: Checks) -> list[Check]:
    """Over the complete rows: the columns `characters`, `whole_text`, `text_key`, `target_key`, `split`."""
    from great_expectations.expectations import ExpectColumnValuesToBeBetween, ExpectCompoundColumnsToBeUnique

    from components.data.expectations import ExpectOneValueEach, ExpectUndamagedText

    longest, share = checks.max_characters, checks.max_damaged_share
    in_range = ExpectColumnValuesToBeBetween(column="characters", min_value=1, max_value=longest)
    mostly_sound = ExpectUndamagedText(column="whole_text", mostly=1 - share)
    one_split = ExpectOneValueEach(column_A="text_key", column_B="split")
    one_target = ExpectOneValueEach(column_A="text_key", column_B="target_key")
    unique = ExpectCompoundColumnsToBeUnique(column_list=["split", "text_key"])
    # Ingest kept conflicts because it was told to, or should have removed them.
    conflict: Literal["error", "warning"] = "warning" if cleaning.conflicts == "keep" else "error"
    return [
        Check(f"texts have 1 to {longest:,} characters", in_range),
        Check(f"encoding damage in at most {share:.0%} of the texts", mostly_sound),
        Check("no text with encoding damage", ExpectUndamagedText(column="whole_text"), "warning"),
        Check("no text in two splits", one_split),
        Check("no text with two different targets", one_target, conflict),
        Check("no text twice in a split", unique, "warning"),
    ]


def group_checks() -> list[Check]:
    """Over a frame of one row per row and group."""
    from components.data.expectations import ExpectOneValueEach

    return [Check("no group of rows in two splits", ExpectOneValueEach(column_A="groups", column_B="split"))]


def between_tasks_checks() -> list[Check]:
    """Over the rows of all tasks: a text is trained on, or held out, but not both."""
    from components.data.expectations import ExpectOneValueEach

    apart = ExpectOneValueEach(column_A="text_key", column_B="role")
    return [Check("no held-out text of one task in another's training", apart, "warning")]
