"""Ctrl-C and SIGTERM: the step at work is ended and saved, one line says how to go on."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from components import params, stages
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from components.training.run.interruption import stop_requested
from tests.training.runs import shorten, train


class Signals(Terminal):
    """Sends this process a real signal in the middle of a step."""

    def __init__(self, number: signal.Signals, step: int) -> None:
        super().__init__()
        self.number, self.at = number, step

    def step(self, seen) -> None:
        if seen.step == self.at:
            os.kill(os.getpid(), self.number)


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_run_that_is_interrupted_loses_no_step_and_ends_with_the_same_bytes() -> None:
    shorten(15)
    expected = train()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for number, step in ((signal.SIGINT, 3), (signal.SIGTERM, 12)):  # neither is a step that saves
        with pytest.raises(KeyboardInterrupt) as ended:
            run(params.load(), Path(), Signals(number, step))
        assert str(ended.value) == (
            f"interrupted at step {step} of 15; saved; `onetrunk run` (or `dvc repro`) goes on from there"
        )
        newest = max(Path(".onetrunk/checkpoints").glob("*/step-*"))
        assert newest.name == f"step-{step:09d}"
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert train() == expected


def test_a_second_ctrl_c_stops_at_once() -> None:
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    with stop_requested() as asked:
        assert not asked()
        os.kill(os.getpid(), signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, ours)


def test_in_another_thread_nothing_is_changed() -> None:
    """Python hears signals in the main thread alone; a search may train in others."""
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with stop_requested() as asked:
            seen.append((asked(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


@pytest.mark.parametrize("said", ["interrupted at step 3", ""])
def test_a_stage_that_is_interrupted_shows_one_line_and_no_traceback(
    said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise KeyboardInterrupt(said)

    monkeypatch.setattr(sys, "argv", ["train"])
    with pytest.raises(SystemExit) as ended:
        stages.run(main)
    assert ended.value.code == 130
    assert capsys.readouterr().err == (said or "interrupted; the same command goes on from here") + "\n"
