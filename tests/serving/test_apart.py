"""A runtime that was built on another processor is begun in a process that may end of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from components.model.packing import packed_states
from components.model.runtimes import EAGER, Running, bf16
from components.processor import model_name
from components.release.records import RUNTIMES, RuntimeEvidence, RuntimeReport
from serving import apart, predictor
from serving.predictor import Predictor
from tests.model.runtimes import build
from tests.scripts import ROOT
from tests.serving import tiny

ENDS = """
import os, signal, sys
if "serving.apart" in sys.orig_argv:
    {how}
"""


def report(chosen: str = "bf16", processor: str = "another") -> RuntimeReport:
    return RuntimeReport(
        wanted="auto", chosen=chosen, most_difference=0.1, processor=processor, threads=1, confidence=0.95,
        eager=RuntimeEvidence(), runtimes={},
    )  # fmt: skip


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let the other process end in some way, before it imports anything."""

    def in_this_way(how: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(ENDS.format(how=how))
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")

    return in_this_way


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("os.kill(os.getpid(), signal.SIGILL)", "it ends the process that begins it here, by signal 4"),
        ("import time; time.sleep(60)", "it has not begun after 0 s"),
        ("os._exit(1)", None),  # as by an exception
    ],
)
def test_a_process_that_a_runtime_ends_is_not_this_one(
    how: str, why: str | None, tmp_path: Path, ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(how)
    monkeypatch.setattr(apart, "SECONDS", 0.3 if "sleep" in how else 60.0)
    assert apart.why_not(tmp_path, report()) == why


def test_what_was_built_on_such_a_processor_or_is_eager_is_not_tried(tmp_path: Path, ends) -> None:
    ends("os.kill(os.getpid(), signal.SIGILL)")
    assert apart.why_not(tmp_path, report(EAGER)) is None
    assert apart.why_not(tmp_path, report(processor=model_name())) is None


def test_the_other_process_computes_something_by_the_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = build(), []
    model.save_pretrained(tmp_path)
    eager = partial(packed_states, model.encoder)
    monkeypatch.setattr(bf16.RUNTIME, "begin", lambda *_: lambda *given: asked.append(given) or eager(*given))
    apart.main("bf16", tmp_path)
    assert len(asked) == 1


def test_a_service_stays_eager_then_and_says_why(
    tmp_path: Path, ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write_model(tmp_path / "model")
    found = Predictor(tmp_path / "model")
    report().write(found.bundle / RUNTIMES)
    ends("os.kill(os.getpid(), signal.SIGILL)")
    monkeypatch.setattr(predictor, "begin", lambda *_: 1 / 0)
    found._begin_runtime()
    why = "it ends the process that begins it here, by signal 4"
    assert found.running == Running(EAGER, "bf16", why)
