"""packaging.runtime: a runtime that there is, with what makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from components.model.runtimes.onnx import Onnx
from tests.params.messages import complaint

NAMED, OF = "packaging: {name: tiny}", "packaging: {{name: tiny, runtime: {}}}"


def test_an_unknown_runtime_is_named_with_those_there_are(tiny_project: Path) -> None:
    assert complaint(tiny_project, NAMED, OF.format("onx")).endswith(
        "packaging.runtime: unknown runtime 'onx' (did you mean 'onnx'?); expected one of eager, auto, bf16, "
        "onnx, onnx_int8, openvino, pruned, pruned_int8, student, student_int8"
    )


def test_a_runtime_whose_package_is_missing_says_what_to_install(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Onnx, "packages", ("no_such_package",))
    assert complaint(tiny_project, NAMED, OF.format("onnx_int8")).endswith(
        "packaging.runtime: no_such_package is not installed; `pip install 'onetrunk[onnx]'`, or leave the key "
        "out"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("student", "compress.student: {layers: NUMBER}"),
        ("pruned_int8", "compress.pruned: {heads: 0.5, neurons: 0.5}"),
    ],
)
def test_a_smaller_encoder_that_nobody_makes_is_asked_for(
    name: str, expected: str, tiny_project: Path
) -> None:
    assert complaint(tiny_project, NAMED, OF.format(name)).endswith(
        f"packaging.runtime: {name} is of what the stage compress makes; expected {expected}"
    )


@pytest.mark.parametrize(
    ("name", "expected"), [("student", "{layers: NUMBER}"), ("pruned", "{heads: 0.5, neurons: 0.5}")]
)
def test_a_smaller_encoder_of_null_would_be_a_stage_that_has_nothing_to_do(
    name: str, expected: str, tiny_project: Path
) -> None:
    assert complaint(tiny_project, NAMED, f"{NAMED}\ncompress: {{{name}: null}}") == (
        f"params.yaml: compress.{name}: found nothing, expected {expected}; leave the key out for no {name}"
    )


def test_a_known_runtime_and_auto_are_read(tiny_project: Path) -> None:
    file = Path("params.yaml")
    before = file.read_text()
    for runtime in ("eager", "bf16", "auto"):
        file.write_text(before.replace("{name: tiny}", f"{{name: tiny, runtime: {runtime}}}"))
        assert params.load().packaging.runtime == runtime
