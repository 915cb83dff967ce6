"""What is measured of a task's rows, by polars: counts of rows at fault, on which Great Expectations judges.

A row leaves its number, flags and hashes, some twenty bytes; its text is looked at once and let go.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import polars as pl

from components.data.contract.rows import column_of
from components.data.ingest.annotated import is_suspect
from components.data.ingest.reader import lesson
from components.data.ingest.records import SpanPlaces
from components.data.validation.folder import TaskFolder
from components.data.validation.suites import EXAMPLES, Measure
from components.data.validation.texts import canonical, whole_texts
from components.settings.project import Checks


@dataclass(frozen=True)
class Lines:
    """What reading every row once leaves. Rows that lack a required value have no line in `texts`."""

    missing: dict[str, pl.Series]
    """Required column -> the numbers of the rows that lack it."""
    texts: pl.DataFrame
    """`number`, `split`, `key` (a hash of the canonical text), `characters`, `damaged`."""
    groups: pl.DataFrame
    """`number`, `split`, `group` (a hash): a line for every row and group."""

    def incomplete(self) -> list[int]:
        """The numbers of the rows that lack a value."""
        return sorted(set().union(*(numbers.to_list() for numbers in self.missing.values())))


def read_lines(data: TaskFolder) -> Lines:
    """Read every row once. A NaN, or a list that holds a missing value, is missing."""
    missing = {name: _is_missing(data, name) for name in required(data)}
    lacking: dict[str, list[pl.Series]] = {name: [] for name in missing}
    texts, groups = [], []
    for rows in data.chunks():
        flags = rows.select("number", **missing)
        for name in missing:
            lacking[name].append(flags.filter(name)["number"])
        complete = rows.filter(~flags.select(pl.any_horizontal(*missing)).to_series())
        texts.append(_read_texts(data, complete))
        exploded = complete.select("number", "split", group="groups").explode("group").drop_nulls()
        groups.append(exploded.with_columns(pl.col("group").hash()))
    numbers = {name: pl.concat(parts) for name, parts in lacking.items()}
    return Lines(numbers, pl.concat(texts), pl.concat(groups))


def measure(data: TaskFolder, lines: Lines, checks: Checks) -> dict[str, Measure]:
    """What `suites.common_checks` judges, by its name."""
    texts, again = lines.texts, _repeats(data, lines.texts)
    total, complete = sum(data.rows().values()), len(texts)
    damaged = texts.filter("damaged")["number"]
    in_range = pl.col("characters").is_between(1, checks.max_characters)
    groups = lines.groups.filter(pl.col("split").n_unique().over("group") > 1)
    return {
        **{f"rows in {split}": Measure(rows, f"found {rows:,}") for split, rows in data.rows().items()},
        **{f"without {name}": _at_fault(numbers, total) for name, numbers in lines.missing.items()},
        "texts out of range": _at_fault(texts.filter(~in_range)["number"], complete),
        "damaged texts": _at_fault(damaged, complete),
        "share of damaged texts": _at_fault(damaged, complete, value=len(damaged) / max(1, complete)),
        **{name: _at_fault(again.filter(name)["number"], complete) for name in FAULTS},
        "groups in two splits": _at_fault(groups["number"], len(lines.groups)),
    }


def _at_fault(numbers: pl.Series, of: int, value: float | None = None) -> Measure:
    """Rows at fault, by their numbers; what is judged is how many, unless a value is given."""
    found = len(numbers)
    detail = f"{found:,} of {of:,} rows" if found else None
    first = numbers.unique(maintain_order=True).head(EXAMPLES).to_list()
    return Measure(found if value is None else value, detail, found, first)


def cut_spans(places: SpanPlaces) -> Measure:
    """Spans that begin or end inside a word: none, where so few do that they may well be meant."""
    detail = f"{places.cut:,} of {places.spans:,} spans do not, the first in {places.first}{places.advice}"
    return Measure(places.cut, detail, places.cut) if is_suspect(places) else Measure(0)


def required(data: TaskFolder) -> list[str]:
    """The columns without missing values: an input that the task may leave out is none of them."""
    inputs = data.card.inputs
    roles = set(data.family.input_roles()) & set(data.family.input_schema().names)
    optional = roles - set(inputs)
    if "turns" in inputs:  # are read into `text`
        optional.discard("text")
    return [name for name in data.schema().names if name not in optional]


def _is_missing(data: TaskFolder, name: str) -> pl.Expr:
    """Null, NaN, or holding a null; but a joint task's row may lack all of a head's target columns."""
    column = pl.col(name)
    dtype = data.dtype(name)
    missing = column.is_null()
    if dtype.is_float():
        missing |= column.is_nan().fill_null(value=False)
    if isinstance(dtype, pl.List):
        missing |= column.list.eval(pl.element().is_null()).list.any().fill_null(value=False)
    for head in data.heads if len(data.heads) > 1 else ():
        if name in (targets := data.target_columns(head)):
            missing &= pl.col(targets[0]).is_not_null()
    return missing


def _read_texts(data: TaskFolder, rows: pl.DataFrame) -> pl.DataFrame:
    text = pl.col("text")
    frame = rows.select("number", "split").with_columns(text=whole_texts(data.family, rows))
    return (
        frame.lazy()
        .select(
            "number",
            "split",
            key=canonical(text).hash(),
            characters=text.str.strip_chars().str.len_chars(),
            damaged=text.str.contains(DAMAGE.pattern),
        )
        .collect(engine="streaming")
    )


FAULTS = {
    "texts in two splits": pl.col("split").n_unique().over("key") > 1,
    "texts with two targets": pl.col("target").n_unique().over("key") > 1,
    "texts twice in a split": pl.len().over("split", "key") > 1,
}


def _repeats(data: TaskFolder, texts: pl.DataFrame) -> pl.DataFrame:
    """The rows whose text returns, which alone are looked at again: `number`, and each fault's flag."""
    again = texts.filter(pl.col("key").is_duplicated()).select("number", "split", "key")
    return again.with_columns(target=_lessons(data, again["number"])).select("number", **FAULTS)


def _lessons(data: TaskFolder, numbers: pl.Series) -> pl.Series:
    """What the rows of these numbers teach, as hashes."""
    parts = [pl.Series([], dtype=pl.String)]
    targets = [name for head in data.heads for name in data.target_columns(head)]
    inputs = data.family.input_schema().names
    for rows in data.chunks([*inputs, *targets]) if len(numbers) else ():
        own = rows.filter(pl.col("number").is_in(numbers.implode())).to_dicts()
        taught = [json.dumps(lesson(data.name, data.heads, row)) for row in own]
        parts.append(pl.Series(taught, dtype=pl.String))
    return pl.concat(parts).hash()


def labelled(data: TaskFolder, head: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that have the head's target, its columns under their plain names."""
    family = data.heads[head]
    names = family.target_schema().names
    inputs = {name: name for name in ("number", "split", *data.family.input_schema().names)}
    plain = {name: column for name, column in inputs.items() if column in rows.columns}
    plain |= {name: column_of(data.name, head, name) for name in names}
    return rows.select(pl.col(column).alias(name) for name, column in plain.items()).drop_nulls(names[0])


# --- encoding damage -----------------------------------------------------------------------------


def _misread(encoding: str) -> str:
    """The regular expression of UTF-8 read as `encoding`: a lead byte, then its continuation bytes."""

    def characters(*numbers: int) -> str:
        return f"[{re.escape(bytes(numbers).decode(encoding, 'ignore'))}]"

    following = characters(*range(0x80, 0xC0))
    latin, punctuation, emoji = characters(0xC2, 0xC3), characters(0xE2), characters(0xF0)
    return f"{latin}{following}|{punctuation}{following}{{2}}|{emoji}{following}{{3}}"


# Text that was misread twice follows no table any more. What gives it away is an accented letter
# beside a symbol or a ligature that no language writes there, or a capital inside a word.
_ACCENTED, _SYMBOL = "[À-ÖØ-öø-ÿ]", "[‰÷×¢¥¬±¦¨¸ŒœŸ]"
_MISREAD_TWICE = f"{_ACCENTED}{_SYMBOL}|{_SYMBOL}{_ACCENTED}|[à-öø-ÿ][À-ÖØ-Þ]"
_REPLACED_OR_CONTROL = "[\ufffd\x80-\x9f]"
DAMAGE = re.compile(
    "|".join([_REPLACED_OR_CONTROL, _misread("cp1252"), _misread("mac_roman"), _MISREAD_TWICE])
)
