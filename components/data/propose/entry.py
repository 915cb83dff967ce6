"""The proposed entry of params.yaml: what `settings.load` accepts, and what was measured for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import yaml

from components import families
from components.data.propose.candidate import Plan
from components.data.propose.file_names import splits_of
from components.data.propose.names import SPLITS
from components.data.propose.places import Place
from components.data.propose.profile import Column, Fields, Numbered, drawn, words_of
from components.data.propose.roles import kind_of
from components.data.propose.source_keys import ConditionKeys, SourceKeys
from components.errors import BadRowError, UserError
from components.families.base import Facts, Row
from components.families.base.capabilities import Events, FactsOfAllSplits
from components.settings.data import Source

MEASURED = 2000  # rows
LONGEST = 512  # tokens that most encoders take
PIECES = 1.5  # of a word, where there is no tokenizer to count them
SHARE = 0.1  # of the rows, for a split that the source does not give
HIGHEST = 0.95  # floor: a baseline that is always right on a few rows says little
GROUPED = ("text", "text_pair", "question", "context")  # kinds of inputs that rows may share
RETURNS = 1.05  # rows per text of a log, from which on it is one
ESCAPE = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
ELEMENT = re.compile(r"(?i)</?(?:p|br|div|a|b|i|code|pre|span|li|ul|td|tr)\b[^<>]*>")
ESCAPED = 0.01  # share of the texts that have an escape
PLACED = {"spans", "head", "tail", "answers", "start"}  # kinds of roles that hold places in a text
MANY = 30  # distinct ones, or a split could be left without any
SHARED = 1.25  # rows per text from which on those of one text are kept in one split


class GateKeys(TypedDict):
    """A task's `gate`."""

    metric: str
    floor: float


class HeadKeys(TypedDict, total=False):
    """A joint head, as params.yaml spells it (`settings.project.Annotation`)."""

    family: str
    columns: dict[str, str | list[str]]
    labels: list[str]
    options: dict[str, str]
    gate: GateKeys


class TaskKeys(TypedDict, total=False):
    """A task, as params.yaml spells it (`settings.project.Task`)."""

    family: str
    source: SourceKeys
    columns: dict[str, str | list[str]]
    options: dict[str, str]
    splits: dict[str, float | list[str]]
    cleaning: dict[str, str | float]
    max_length: int
    gate: GateKeys
    example: Row
    joint: dict[str, HeadKeys]


@dataclass(frozen=True)
class Entry:
    """A task's name, its keys, and a remark on some of them."""

    name: str
    keys: TaskKeys
    remarks: dict[str, str]
    remotes: dict[str, dict[str, str]]

    def task_yaml(self) -> str:
        """The entry below `tasks`, a key a line, without indentation."""
        lines = [f"{self.name}:"]
        for key, value in self.keys.items():
            remark = f" # {self.remarks[key]}" if key in self.remarks else ""
            if key != "joint":
                lines.append(f"  {key}: {flow(value)}{remark}")
        heads = self.keys.get("joint", {})
        lines += ["  joint:"] if heads else []
        lines += [f"    {flow({head: keys})[1:-1]}" for head, keys in heads.items()]
        return "\n".join(lines) + "\n"

    def remotes_yaml(self) -> str:
        """The entries below `remotes`; empty where the data are here."""
        return "".join(f"{name}: {flow(value)}\n" for name, value in self.remotes.items())


def flow(value: Any) -> str:
    """A value as YAML in one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**9
    )
    return text.removesuffix("\n").removesuffix("\n...")


def entry_of(
    name: str, place: Place, columns: list[Column], plan: Plan, rows: Numbered, encoder: Path | None
) -> Entry:
    """The entry of a task whose rows the plan reads; `encoder` is a folder with a tokenizer.

    Raises:
        UserError: no row is as the family expects, or the rows teach nothing.
    """
    family = families.get(plan.family)
    read = plan.readable(drawn(rows, MEASURED))
    if not read:
        raise UserError(f"{place.first}: {plan.family} cannot read one of its rows")
    gate, remark = _gate(plan, [row for _, row in read])
    length, measured = _max_length(plan, [row for _, row in read], encoder)
    source = _source(place, columns, plan)
    keys: TaskKeys = {
        "family": plan.family,
        "source": source,
        "columns": _names(plan),
    }
    if plan.details.options:
        keys["options"] = plan.details.options
    keys |= {
        "splits": {**_splits(source), **_groups(plan)},
        "cleaning": _cleaning(plan),
        "max_length": length,
        "gate": gate,
        "example": _question(plan, *read[0], roles=family.request_fields(plan.columns)),
    }
    if plan.joint:
        keys["joint"] = {name: _head(plan, name, read) for name in plan.joint}
    return Entry(name, keys, {"max_length": measured, "gate": remark}, place.remotes)


def _source(place: Place, columns: list[Column], plan: Plan) -> SourceKeys:
    """Where the rows are, and how what the plan reads of them is to be read."""
    source: SourceKeys = {**place.source, **_split_column(columns)}
    if plan.details.labels is not None:
        source["labels"] = plan.details.labels
    if signs := [column.decimal for column in plan.measured if column.decimal]:
        source["decimal"] = signs[0]
    if units := {column.name: column.unit for column in plan.measured if column.unit}:
        source["units"] = units
    if _escaped(plan, source):
        source["unescape_html"] = True
    conditions = {
        column.name: _labelled(column, together=bool(plan.joint)) for column in plan.targets.values()
    }
    if found := {name: condition for name, condition in conditions.items() if condition}:
        source["filter"] = found
    return source


def _escaped(plan: Plan, source: SourceKeys) -> bool:
    """Have the texts escapes of HTML, and no elements, of which they would be a part? Of places it is not
    known whether they count them, but where marks stand within the text."""
    texts = [value for column in plan.inputs.values() for value in column.values if isinstance(value, str)]
    placed = not PLACED.isdisjoint(kind_of(plan.family, role) for role in plan.columns)
    marked = source["format"] == "inline" or "inline" in source
    escaped = sum(ESCAPE.search(text) is not None for text in texts) > ESCAPED * len(texts)
    return escaped and (marked or not placed) and not any(map(ELEMENT.search, texts))


def _labelled(column: Column, together: bool) -> ConditionKeys:
    """The condition on rows that have a label; empty: none is needed. A row without one may have that of a
    joint head."""
    marks = [mark for mark in column.unlabelled if mark]
    condition: ConditionKeys = {"not": marks[0] if len(marks) == 1 else marks} if marks else {}
    return {**condition, "not_empty": True} if "" in column.unlabelled and not together else condition


def _head(plan: Plan, name: str, read: list[tuple[Fields, Row]]) -> HeadKeys:
    """The keys of a joint head."""
    head = plan.joint[name]
    keys: HeadKeys = {"family": head.family, "columns": _names(head)}
    if head.details.labels is not None:
        keys["labels"] = head.details.labels
    if head.details.options:
        keys["options"] = head.details.options
    gate, _ = _gate(head, plan.rows_of(name, read))
    return {**keys, "gate": gate}


def _names(plan: Plan) -> dict[str, str | list[str]]:
    return {role: column.spelled for role, column in plan.columns.items()}


def _gate(plan: Plan, rows: list[Row]) -> tuple[GateKeys, str]:
    """The family's first metric and, as floor, a tenth of the way from the trivial baseline to 1."""
    family, options = families.get(plan.family), plan.options
    metric = family.metrics_for(options)[0]
    try:
        facts: Facts = {**family.learn_facts(rows, plan.details.labels, options), "options": options}
        if isinstance(family, FactsOfAllSplits):
            facts |= family.facts_of_all_splits(facts, dict.fromkeys(SPLITS.values(), rows))
    except BadRowError as error:
        raise UserError(f"{plan.family}: {error}") from None
    predictions = family.majority_baseline(rows, rows, facts)
    with np.errstate(all="ignore"):
        trivial = float(np.nan_to_num(metric.measure(rows, predictions, facts)))
    remark = f"the trivial baseline has {trivial:.2f} on these rows"
    floor = min(HIGHEST, round(trivial + 0.1 * (metric.best - trivial), 2))
    return {"metric": metric.name, "floor": floor}, remark


def _max_length(plan: Plan, rows: list[Row], encoder: Path | None) -> tuple[int, str]:
    """A length that 99 of 100 sequences fit into, in steps of 16 tokens."""
    family = families.get(plan.family)
    sequences = [sequence for row in rows for sequence in family.sequences(row)]
    parts = [sequence if isinstance(sequence, tuple) else (sequence,) for sequence in sequences]
    if encoder is None:
        lengths = [sum(words_of(text) * PIECES + 1 for text in part) + 1 for part in parts]
    else:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        lengths = [len(encoding) for encoding in tokenizer.encode_batch_fast(sequences)]
    most = float(np.quantile(lengths, 0.99))
    length = int(min(LONGEST, max(16, -(-most // 16) * 16)))
    how = "tokens of the encoder" if encoder else "tokens, estimated from words"
    return length, f"99 % of the rows have at most {most:.0f} {how}"


def _split_column(columns: list[Column]) -> SourceKeys:
    """The column that says which split a row belongs to, if there is one."""
    for column in columns:
        if column.is_split:
            names = splits_of(sorted(column.distinct_texts))
            return {"split_column": column.name, "split_values": names}
    return {}


def _splits(source: SourceKeys) -> dict[str, float]:
    """Shares for the splits that the source does not give."""
    given = {*source.get("files", {}), *source.get("split_values", {}).values()}
    return {split: SHARE for split in ("validation", "test") if split not in given}


def _cleaning(plan: Plan) -> dict[str, str | float]:
    """A log shows an item many times: its rows are no duplicates."""
    texts = [column for column in plan.inputs.values() if column.is_text and column.values]
    log = isinstance(families.get(plan.family), Events) and any(column.repeats > RETURNS for column in texts)
    return {"duplicates": "keep", "conflicts": "keep"} if log else {}


def _groups(plan: Plan) -> dict[str, list[str]]:
    """Where one of several inputs is shared by many rows (a context), these stay in one split."""
    texts = [
        (role, column)
        for role, column in plan.inputs.items()
        if column.is_text and kind_of(plan.family, role) in GROUPED and column.distinct >= MANY
    ]
    if len(plan.inputs) < 2 or not texts:
        return {}
    role, column = max(texts, key=lambda each: each[1].repeats)
    return {"groups": [role]} if column.repeats > SHARED else {}


def _question(plan: Plan, fields: Fields, row: Row, roles: tuple[str, ...]) -> Row:
    """The inputs of a row as a question to the service."""
    record = {**plan.record(fields), **{role: row[role] for role in ("choices",) if role in row}}
    return {role: _asked(record.get(role, row.get(role))) for role in roles}


def _asked(value: Any) -> Any:
    """Lists and objects as such, not as JSON text; a span by the names of its ends."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, list) and len(value) == 2 and all(type(end) is int for end in value):
        return {"start": value[0], "end": value[1]}
    return value


def load_source(place: Place) -> Source:
    """The source as its reader takes it, with the path where the file is at the moment."""
    return Source.model_validate({**place.source, "path": str(place.first), "files": {}})
