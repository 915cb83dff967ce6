"""What `precision: auto` is is measured once for a project and a machine, and another answer is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components.errors import UserError
from components.training.run import machine
from components.training.step import precision

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(precision.SWITCH, raising=False)


def settled(root: Path, gain: float, monkeypatch: pytest.MonkeyPatch, host: str = "a") -> str:
    monkeypatch.setattr(precision, "gain", lambda device: gain)
    monkeypatch.setattr(machine.platform, "node", lambda: host)
    return machine.precision_of("auto", root, CPU)


def test_a_second_measurement_does_not_change_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settled(tmp_path, 3.0, monkeypatch) == "bf16"
    assert settled(tmp_path, 0.5, monkeypatch) == "bf16"


def test_another_machine_measures_for_itself_and_says_what_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(machine.LOG, "handle", lambda record: told.append(record.getMessage()))
    settled(tmp_path, 3.0, monkeypatch)
    assert settled(tmp_path, 2.5, monkeypatch, "b") == "bf16"
    assert told == []
    assert settled(tmp_path, 0.5, monkeypatch, "c") == "fp32"
    (line,) = told
    assert "auto is fp32 on this machine and was bf16" in line


def test_what_is_asked_for_by_name_or_said_by_the_environment_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.precision_of("fp16", tmp_path, CPU) == "fp16"
    monkeypatch.setenv(precision.SWITCH, "1")
    assert machine.precision_of("auto", tmp_path, CPU) == "bf16"
    assert not (tmp_path / machine.FILE).exists()


def test_a_torn_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(tmp_path, 3.0, monkeypatch)
    (tmp_path / machine.FILE).write_text("{}")
    with pytest.raises(UserError, match="precision.json.*measured anew"):
        settled(tmp_path, 3.0, monkeypatch)
