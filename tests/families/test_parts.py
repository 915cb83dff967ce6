"""The base of the families stays small, and nobody outside their folders knows one by its name."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from components import families
from components.families.base import Family, capabilities
from tests.trees import tree

COMPONENTS = Path(families.__file__).parent.parent
OWED = {
    "read_target", "target_schema", "target_of", "learn_facts", "expectations", "distribution", "target",
    "collate", "head", "loss", "decode", "majority_baseline", "tfidf_baseline",
}  # fmt: skip
OF_ALL = {
    "class_of",
    "label_map",
    "object_roles",
    "optional_inputs",
    "request_fields",
    "truncation",
    "metrics_for",
    "facts_to_ask",
    "is_cut",
}
"""What one family alone changes, but every one is asked for: its default says something of the others."""
OTHER_WORDS = {
    ("data/sources/formats/select.py", "relation"),  # of two values
    ("data/sources/formats/label_studio.py", "relation"),  # a type of its results
    ("data/sources/formats/labels.py", "relation"),  # a role whose values are labels
    ("data/sources/formats/prodigy.py", "span"),  # the type of a span that has none
    ("data/sources/formats/token_relations.py", "relation"),  # a column of such files
    ("data/sources/formats/inline.py", "span"),  # an element of HTML
    ("data/sources/remotes/url.py", "generation"),  # of an object in a bucket
    ("evaluation/gates/calibration.py", "calibration"),  # the gate's own name
    ("evaluation/evaluate.py", "f1"),  # a field of the report
}
"""Literals that are spelt like a family or a metric and mean another thing."""


@cache
def modules() -> list[tuple[str, ast.Module]]:
    """The modules of components/ outside families/, by their paths."""
    files = {str(file.relative_to(COMPONENTS)): file for file in sorted(COMPONENTS.rglob("*.py"))}
    outside = {path: file for path, file in files.items() if not path.startswith("families/")}
    return [(path, tree(file)) for path, file in outside.items()]


@pytest.mark.slow
def test_nobody_names_a_family_or_a_metric() -> None:
    known = {*families.names()}
    known |= {metric.name for name in families.names() for metric in families.get(name).metrics}
    named = {
        (path, node.value)
        for path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known
    }
    assert named <= OTHER_WORDS


@pytest.mark.slow
def test_nobody_asks_which_method_a_family_has_overridden() -> None:
    """Neither by `type(family).method is ...` nor by `hasattr`."""
    for path, module in modules():
        for node in ast.walk(module):
            for side in [node.left, *node.comparators] if isinstance(node, ast.Compare) else ():
                of_type = isinstance(side, ast.Attribute) and isinstance(side.value, ast.Call)
                assert not (of_type and ast.unparse(side.value.func) == "type"), (path, ast.unparse(node))
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("hasattr", "getattr"):
                assert "family" not in ast.unparse(node.args[0]), (path, ast.unparse(node))


def test_a_family_owes_few_methods() -> None:
    assert Family.__abstractmethods__ == OWED


def test_the_base_has_no_hook_for_one_family() -> None:
    """What is no capability is changed by two families or more, or stands for all."""
    offered = {name for name in dir(Family) if not name.startswith("_")} - {"input_roles"}
    changed = {name: {home_of(families.get(one), name) for one in families.names()} for name in offered}
    for name in sorted(offered - OF_ALL):
        assert len(changed[name] - {"base"}) >= 2, name


def home_of(family: Family, name: str) -> str:
    """The folder whose class gives the family this attribute."""
    kind = next(one for one in type(family).__mro__ if name in vars(one))
    return kind.__module__.removeprefix("components.families.").partition(".")[0]


def test_every_capability_is_some_familys() -> None:
    offered = [
        one
        for one in vars(capabilities).values()
        if inspect.isclass(one) and one.__module__ == capabilities.__name__
    ]
    assert len(offered) > 10
    for capability in offered:
        assert any(isinstance(families.get(name), capability) for name in families.names()), capability


@pytest.mark.parametrize("name", families.names())
def test_what_a_family_declares_is_what_it_does(name: str) -> None:
    family = families.get(name)
    tokenises = home_of(family, "tokenise") != "base"
    assert not tokenises or family.row_encoding != Family.row_encoding, "has no name for its own tokens"
    assert (home_of(family, "text_of") != "base") == (family.text_columns == ())
    assert {*family.text_columns} <= {*family.input_schema().names}
    assert len({metric.name for metric in family.metrics}) == len(family.metrics) > 0


@pytest.mark.parametrize("name", [n for n in families.names() if families.get(n).text_columns])
def test_texts_are_the_same_one_by_one_and_by_columns(name: str) -> None:
    import polars as pl

    from components.data.validation.texts import whole_texts

    family = families.get(name)
    schema = family.input_schema()
    rows = [{column: f"{column} {number}" for column in family.text_columns} for number in range(3)]
    for column in family.text_columns[1:]:
        rows[0][column] = None
    table = pa.table({column: [row[column] for row in rows] for column in family.text_columns})
    frame = pl.DataFrame(pl.from_arrow(table.cast(pa.schema([schema.field(c) for c in table.column_names]))))
    assert whole_texts(family, frame).to_list() == [family.text_of(row) for row in rows]
