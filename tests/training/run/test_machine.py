"""What `precision: auto` is is measured once for a project and a machine, and another answer is said."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from components import processor
from components.errors import UserError
from components.training.run import machine
from components.training.step import precision

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(precision.SWITCH, raising=False)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(machine.LOG, "handle", lambda record: lines.append(record.getMessage()))
    return lines


def settled(root: Path, gain: float, monkeypatch: pytest.MonkeyPatch, model: str = "EPYC") -> str:
    cpuinfo = root / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: {model}\nflags\t: fpu\n\nprocessor\t: 1\n")
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    monkeypatch.setattr(precision, "gain", lambda: gain)
    return machine.precision_of("auto", root, CPU)


def test_a_second_measurement_does_not_change_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    """Not even in a container of another name; and what the first has found is said once."""
    assert settled(tmp_path, 3.0, monkeypatch) == "bf16"
    monkeypatch.setattr(platform, "node", lambda: "b")
    assert settled(tmp_path, 0.5, monkeypatch) == "bf16"
    assert told == ["training.precision: auto is bf16 on this machine (bf16 is 3.0 times as fast as fp32)"]


def test_another_machine_measures_for_itself_and_says_what_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> None:
    settled(tmp_path, 3.0, monkeypatch)
    assert settled(tmp_path, 2.5, monkeypatch, "Xeon") == "bf16"
    assert settled(tmp_path, 0.5, monkeypatch, "Atom") == "fp32"
    *same, other = told
    assert not any("differ" in line for line in same)
    assert "auto is fp32 on this machine (bf16 is 0.5 times as fast as fp32) and was bf16" in other


@pytest.mark.parametrize("threads", ["3", "5"])
def test_other_threads_are_another_machine(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert machine.processor().endswith(f" {threads}")


def test_what_was_settled_is_known_without_settling_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.known("auto", tmp_path) is None
    settled(tmp_path, 3.0, monkeypatch)
    monkeypatch.setattr(precision, "gain", pytest.fail)
    assert (machine.known("auto", tmp_path), machine.known("fp16", tmp_path)) == ("bf16", "fp16")
    monkeypatch.setenv(precision.SWITCH, "0")
    assert machine.known("auto", tmp_path) == "fp32"


def test_a_gpu_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "gain", pytest.fail)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    assert machine.precision_of("auto", tmp_path, torch.device("cuda")) == "bf16"
    assert machine.Settled.read(tmp_path / machine.FILE).gain is None


def test_what_is_asked_for_by_name_or_said_by_the_environment_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.precision_of("fp16", tmp_path, CPU) == "fp16"
    monkeypatch.setenv(precision.SWITCH, "1")
    assert machine.precision_of("auto", tmp_path, CPU) == "bf16"
    assert not (tmp_path / machine.FILE).exists()


def test_a_torn_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(tmp_path, 3.0, monkeypatch)
    whole = (tmp_path / machine.FILE).read_text()
    (tmp_path / machine.FILE).write_text(whole.replace("bf16", "half"))
    with pytest.raises(UserError, match="precision.json.*measured anew"):
        settled(tmp_path, 3.0, monkeypatch)
    (tmp_path / machine.FILE).write_text("{}")
    with pytest.raises(UserError, match="precision.json.*measured anew"):
        settled(tmp_path, 3.0, monkeypatch)
