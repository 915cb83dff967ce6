"""Labels that settings name are some that the data have; of an open set that is known once they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components import params
from components.errors import UserError
from components.params.checks import named_labels
from tests.conftest import PARAMS

MONITOR = "monitor: {articles: {path: news}, topic: mood, negative: {task: size, label: %s}}\n"
GATES = "evaluation: {gates: {slices: {rules: {some: {label: %s}}}}}\n"


def check(*sections: str) -> None:
    """Of the project in this folder, with other sections."""
    settings = yaml.safe_load(PARAMS)
    for section in sections:
        settings |= yaml.safe_load(section)
    project = params.validated(settings, Path("params.yaml"))
    named_labels.check(Path("params.yaml"), project, Path())


@pytest.mark.parametrize(
    "sections",
    [(), (MONITOR % "short",), (GATES % "[short, up]",), (GATES % "{not: long}",), (GATES % "{in: [down], not: up}",),
     (GATES % "{longer_than: 4}",), (GATES % "null",)],
)  # fmt: skip
@pytest.mark.usefixtures("shared_project")
def test_labels_that_the_rows_have_are_taken(sections: tuple[str, ...]) -> None:
    check(*sections)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (MONITOR % "shrt", "monitor.negative.label: 'size' has no label 'shrt' (did you mean 'short'?); it has long, short"),
        (GATES % "[short, u]", "evaluation.gates.slices.rules.some.label: no task has the label 'u' (did you mean 'up'?); they have"),
        (GATES % "{not: shrt}", "evaluation.gates.slices.rules.some.label: no task has the label 'shrt' (did you mean 'short'?)"),
        (GATES % "yes", "evaluation.gates.slices.rules.some.label: no task has the label 'true'; YAML reads yes, no, on and off as true and false: write the word in quotes; they have"),
        (GATES % "u\u0440", "evaluation.gates.slices.rules.some.label: no task has the label 'u\u0440', which is written 'u\\u0440'; 'up', which looks alike, is written 'up'; they have"),
        (MONITOR % "sh\u043ert", "monitor.negative.label: 'size' has no label 'sh\u043ert', which is written 'sh\\u043ert'; 'short', which looks alike"),
        (GATES % "1", "evaluation.gates.slices.rules.some.label: no task has the label '1'"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("shared_project")
def test_a_label_that_no_row_has_is_one_sentence(section: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        check(section)
    assert str(error.value).startswith(f"params.yaml: {said}")
    assert "\n" not in str(error.value)
