"""What is measured of a task's rows, by polars: narrow columns, on which Great Expectations then judges.

Numbers, flags and hashes of a row take some twenty bytes; its text is looked at once and let go.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from components.data.folder import TaskFolder
from components.data.keys import canonical, whole_texts
from components.data.reading import lesson
from components.data.rows import column_of


@dataclass(frozen=True)
class Measures:
    """All rows have a line in `presence`; those that are complete have one in `texts`."""

    presence: pl.DataFrame
    """`split`, and for each required column true, or null where the value is missing."""
    texts: pl.DataFrame
    """`number`, `split`, `key` (a hash of the canonical text), `characters`, `damaged`."""
    groups: pl.DataFrame
    """`number`, `split`, `group` (a hash): a line for every row and group."""

    def incomplete(self) -> list[int]:
        """The numbers of the rows that lack a value."""
        lacking = self.presence.select(pl.any_horizontal(pl.all().is_null())).to_series()
        return lacking.arg_true().to_list()


def measure(data: TaskFolder) -> Measures:
    """Read every row once. A NaN, or a list that holds a missing value, is missing."""
    presence, texts, groups = [], [], []
    columns = required(data)
    for rows in data.chunks():
        there = {name: ~_is_missing(data, name) for name in columns}
        presence.append(rows.select("split", *(_or_null(name, flag) for name, flag in there.items())))
        complete = rows.filter(pl.all_horizontal(there.values()))
        texts.append(_measure_texts(data, complete))
        exploded = complete.select("number", "split", group="groups").explode("group").drop_nulls()
        groups.append(exploded.with_columns(pl.col("group").hash()))
    return Measures(pl.concat(presence), pl.concat(texts), pl.concat(groups))


def required(data: TaskFolder) -> list[str]:
    """The columns without missing values: an input that the task may leave out is none of them."""
    inputs = data.card["inputs"]
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


def _or_null(name: str, there: pl.Expr) -> pl.Expr:
    return pl.when(there).then(statement=True).alias(name)


def _measure_texts(data: TaskFolder, rows: pl.DataFrame) -> pl.DataFrame:
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


def with_splits_of_groups(groups: pl.DataFrame) -> pl.DataFrame:
    """Adds in how many `splits` a row's group lies."""
    return groups.with_columns(splits=pl.col("split").n_unique().over("group"))


def with_repeats(data: TaskFolder, texts: pl.DataFrame) -> pl.DataFrame:
    """Adds of how many `splits` and `targets` a row's text is, and how many `copies` its split has.

    Only the rows whose text returns are looked at again.
    """
    again = texts.filter(pl.col("key").is_duplicated()).select("number", "split", "key")
    target = _lessons(data, again["number"])
    counted = again.with_columns(target=target).select(
        "number",
        splits=pl.col("split").n_unique().over("key"),
        targets=pl.col("target").n_unique().over("key"),
        copies=pl.len().over("split", "key"),
    )
    place = np.searchsorted(texts["number"].to_numpy(), counted["number"].to_numpy())
    columns = {}
    for name in ("splits", "targets", "copies"):
        columns[name] = np.ones(len(texts), dtype=np.uint32)
        columns[name][place] = counted[name].to_numpy()
    return texts.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


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
    plain = {**inputs, **{name: column_of(data.name, head, name) for name in names}}
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
