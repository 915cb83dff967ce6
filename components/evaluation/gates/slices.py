"""slices: the metric on parts of the test rows, by column, length, script, language and a user's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from components import families
from components.data.encoding.split import EncodedSplit
from components.data.sources.formats.select import Test, key_of, keys_of
from components.data.sources.record import value_at
from components.evaluation.gates.base import Case, FurtherGate, check_floor
from components.evaluation.gates.measure import finding, listed, measured
from components.evaluation.records import Finding
from components.families.base import Row
from components.languages import language_of
from components.settings.data import Condition, Wanted
from components.settings.project import Gate, Project
from components.settings.section import Positive, Rows, Unit
from components.spelling import script, unlike

WIDER = 3  # times a task's margin: a part of the rows says less than all of them
LABEL = "label"  # the field of a row that is one label
NOTHING = "none"  # the value of a row that has none in a column
Parts = Iterator[tuple[str, np.ndarray]]  # (what a slice is, rows_N of bool)


class Slices(FurtherGate):
    """The gate's metric on every part of the test rows that is large enough."""

    # where texts are cut into short and long: at thirds of the test rows, or at these lengths
    length: Literal["thirds"] | Annotated[list[Positive], Field(min_length=1)] | None = "thirds"
    unit: Literal["characters", "tokens"] = "characters"  # of a length; tokens are counted up to max_length
    script: bool = False  # by the writing system of most letters (Latin, Cyrillic, Han)
    language: bool = False  # by the language of the text, as its frequent words tell it (en, de, und)
    # name -> the rows of it, in the words of source.filter, by fields of the data contract and slice columns
    rules: dict[str, dict[str, Condition]] = Field(default_factory=dict)
    min_rows: Rows = 100  # of a slice; a smaller one is listed, not judged
    most: Annotated[Positive, Unit("slices")] = 20  # of a column, the largest
    # a loss on a slice that is allowed against the champion; left out: three times that of the task
    margin: Annotated[float | None, Field(gt=0), Unit("of the metric")] = None
    # task -> the least that its metric may be on any slice
    floor: dict[str, float] = Field(default_factory=dict)

    def check(self, project: Project) -> None:
        for head, floor in self.floor.items():
            check_floor(project, f"floor.{head}", head, floor)
        known = fields_of(project)
        for name, rule in self.rules.items():
            for field in rule:
                if field.partition(".")[0] not in known:
                    expected = f"expected some of {', '.join(known)}"
                    raise ValueError(f"rules.{name}.{field}: no task's rows have such a field; {expected}")

        lists = lists_of(project)
        for name, rule in self.rules.items():
            if found := next((field for field in rule if field in lists and values_of(rule[field])), None):
                raise ValueError(
                    f"rules.{name}.{found}: rows hold a list there, and no value; expected longer_than, "
                    f"matches or not_empty"
                )

    def check_labels(self, project: Project, labels: Mapping[str, Sequence[str]]) -> None:
        of_heads = {head: families.get(one.family) for head, (_, one) in project.heads().items()}
        own = [labels[head] for head, family in of_heads.items() if LABEL in family.target_schema().names]
        known = {key_of(label): label for one in own for label in one}
        if LABEL in slice_columns(project) or not all(own):
            return
        for name, rule in self.rules.items():
            for value in values_of(rule[LABEL]) if LABEL in rule else ():
                if value is not None and known.keys().isdisjoint(keys_of(value)):
                    shown = str(value).lower() if isinstance(value, bool) else value
                    hint, have = unlike(value, known.values()), ", ".join(known.values())
                    raise ValueError(
                        f"rules.{name}.{LABEL}: no task has the label '{shown}'{hint}; they have {have}"
                    )

    def findings(self, case: Case) -> Iterator[Finding]:
        for what, rows_N in self._parts(case):
            yield self._finding(case, what, rows_N)

    def _finding(self, case: Case, what: str, rows_N: np.ndarray) -> Finding:
        found = measured(case, lambda asked: asked.by(case.metric), rows_N)
        if found.rows < self.min_rows:
            return listed(case, "slices", what, found, self.min_rows)
        if found.compared < self.min_rows:  # of those rows too few can be answered by both
            found = replace(found, pair=None)
        floor, margin = self.floor.get(case.head), self._margin(case.gate)
        return finding(case, "slices", what, found, floor, margin)

    def _margin(self, gate: Gate) -> float:
        return WIDER * gate.margin if self.margin is None else self.margin

    def _parts(self, case: Case) -> Parts:
        yield from self._by_length(case)
        for name, tells in self._told().items():  # apart from a column of that name
            told = f"{name} as told"
            yield from self._by_value(case.rows, told, lambda row: tells(case.family.text_of(row)))  # noqa: B023 used now
        for column in columns_of(case.rows):
            yield from self._by_value(case.rows, column, lambda row: row["slice"][column])  # noqa: B023 used now
        for name, rule in self.rules.items():
            rows_N = np.array([holds(rule, row) for row in case.rows])
            if rows_N.any():
                yield name, rows_N

    def _told(self) -> Mapping[str, Callable[[str], str | None]]:
        """What texts are to be told apart by."""
        asked = {"script": (self.script, script), "language": (self.language, language_of)}
        return {name: tells for name, (is_asked, tells) in asked.items() if is_asked}

    def _by_length(self, case: Case) -> Parts:
        if self.length is None:
            return
        length_N = self._lengths(case)
        edges = np.quantile(length_N, [1 / 3, 2 / 3]).round() if self.length == "thirds" else self.length
        edges = sorted({int(edge) for edge in edges})
        part_N = np.searchsorted(edges, length_N, side="right")
        if len(np.unique(part_N)) < 2:  # all are of one length: that is no part
            return
        for part in np.unique(part_N):
            yield f"{_between(int(part), edges)} {self.unit}", part_N == part

    def _lengths(self, case: Case) -> np.ndarray:
        """length_N of the test rows."""
        if self.unit == "characters":
            return np.array([len(case.family.text_of(row).strip()) for row in case.rows])
        split = EncodedSplit(case.root / "encoded" / case.card["task"] / "test.arrow")
        tokens = dict(zip(split.ids(), split.lengths.tolist(), strict=True))
        return np.array([tokens[row["id"]] for row in case.rows])

    def _by_value(self, rows: Any, column: str, value: Callable[[Row], str | None]) -> Parts:
        values = [value(row) or NOTHING for row in rows]
        counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
        if len(counts) < 2:
            return
        for one, _ in counts[: self.most]:
            yield f"{column} = {one}", np.array([other == one for other in values])


def _between(part: int, edges: list[int]) -> str:
    """The lengths of a part in words."""
    if part == 0:
        return f"under {edges[0]}"
    if part == len(edges):
        return f"{edges[-1]} or more"
    return f"{edges[part - 1]} to {edges[part] - 1}"


def fields_of(project: Project) -> list[str]:
    """The fields that a rule may name: what rows of the tasks hold, and the slice columns."""
    names = ["id"]
    for task in project.tasks.values():
        for annotation in task.annotations("").values():
            family = families.get(annotation.family)
            names += [*family.input_schema().names, *family.target_schema().names]
    return list(dict.fromkeys([*names, *slice_columns(project)]))


def slice_columns(project: Project) -> list[str]:
    """The columns that tasks name with the role `slice`."""
    given = [task.columns.get("slice", []) for task in project.tasks.values()]
    return [name for names in given for name in ([names] if isinstance(names, str) else names)]


def lists_of(project: Project) -> set[str]:
    """The fields of rows that hold a list in every family that has them."""
    kinds: dict[str, set[bool]] = {}
    for _, annotation in project.heads().values():
        family = families.get(annotation.family)
        for field in (*family.input_schema(), *family.target_schema()):
            kinds.setdefault(field.name, set()).add(pa.types.is_list(field.type))
    return {name for name, kind in kinds.items() if kind == {True}} - {*slice_columns(project)}


def values_of(condition: Condition) -> list[Wanted]:
    """The values that a condition names, those of `not` among them."""
    return [*(condition.in_ or []), *(values_of(condition.not_) if condition.not_ else [])]


def columns_of(rows: Any) -> list[str]:
    """The columns that a task names with the role `slice`."""
    return list(rows[0].get("slice") or {})


def holds(rule: Mapping[str, Condition], row: Row) -> bool:
    """Are the row's fields as the rule says?"""
    fields = {**row, **(row.get("slice") or {})}
    return all(Test(condition).holds(value_at(fields, name)) for name, condition in rule.items())


GATE = Slices
