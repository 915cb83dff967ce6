"""The progress line says losses, shares, speed and time left, on a terminal and in a log."""

from __future__ import annotations

import pytest
from rich.console import Console

from components.tracking.clock import clock
from components.tracking.terminal import Terminal
from components.training.run.watcher import Run, Speed
from tests.tracking.synthetic import HEADS, seen


def test_speed_is_over_the_last_steps_and_the_first_step_has_none() -> None:
    speed = Speed()
    speed.add(seen(1, at=0.0))
    assert (speed.tokens_per_second(), speed.seconds_per_step()) == (0.0, 0.0)
    for step in range(2, 60):
        speed.add(seen(step))
    assert speed.tokens_per_second() == pytest.approx(3200)  # the slow first step is forgotten
    assert speed.seconds_per_step() == pytest.approx(0.5)


def test_no_time_is_said_while_steps_still_get_faster(capsys: pytest.CaptureFixture[str]) -> None:
    """Nine that prepare what the others find, a long minute, and then four a second."""
    terminal, at = Terminal(), 0.0
    terminal.start(Run("a", 938, tokens=938 * 1600))
    said: dict[int, str] = {}
    for step in range(1, 101):
        at += 6.6 if step <= 9 else 0.25
        terminal.step(seen(step, at=at))
        said[step] = capsys.readouterr().err
    (step,) = (step for step, text in said.items() if "steps that are left" in text)
    assert step < 45
    assert f"about 4 minutes for the {938 - step} steps that are left" in said[step]
    assert "left" not in "".join(text for at, text in said.items() if at < step)
    assert said[92].startswith("step 92/938  3:32 left")


@pytest.mark.parametrize("seconds", [0.01, 2.0])
def test_a_speed_is_steady_after_some_steps_and_seconds(seconds: float) -> None:
    """A moment is no measure, and nor is a handful of steps."""
    speed, count = Speed(), 0
    while not speed.steady:
        count += 1
        speed.add(seen(count, at=5 + count * seconds))
    assert count == max(16, 1 + round(10 / seconds))


def test_a_log_gets_twenty_lines_with_all_that_the_bar_shows(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.start(Run("a", 400))
    for step in range(1, 401):
        terminal.step(seen(step))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[4].startswith("step 100/400  2:30 left  loss: sentiment 0.600 (25%), ")
    assert lines[4].endswith("tweet_ner 0.600 (25%)  3,200 tokens/s")


def test_a_head_that_a_step_does_not_draw_keeps_its_last_loss(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.start(Run("a", 2))
    terminal.step(seen(1))
    terminal.step(seen(2, losses={"ner": 0.1}))
    assert "sentiment 0.501 (25%), news_topic 0.501 (25%), ner 0.100 (25%)" in capsys.readouterr().err


def test_a_run_that_goes_on_says_how_long_the_rest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.start(Run("a", 938, done=700, tokens=938 * 1600))
    for step in range(701, 740):
        terminal.step(seen(step))
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "steps that are left" in line]
    assert said.startswith("about 2 minutes for the 217 steps that are left")


def test_a_run_whose_end_is_settled_meanwhile_says_that_end(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.start(Run("a", 400, tokens=400 * 1600))
    for step in range(1, 121):
        terminal.step(seen(step, end=400 if step <= 100 else 125))
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("step 100/400  2:30 left") for line in lines)
    assert lines[-1].startswith("step 120/125  0:02 left")
    assert terminal.tokens == 125 * 1600


@pytest.mark.parametrize("width", [60, 80, 200])
def test_on_a_terminal_nothing_is_cut_off(width: int) -> None:
    terminal = Terminal()
    terminal.console = Console(width=width, force_terminal=True, color_system=None)
    terminal.start(Run("a", 325))
    terminal.live.stop()
    terminal.step(seen(119))
    with terminal.console.capture() as captured:
        terminal.console.print(terminal._screen(seen(120)))
    text = captured.get()
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    assert "120/325" in text
    assert "…" not in text
    for head in HEADS:
        assert f"{head} 0.619 (25%)" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (3725, "1:02:05"), (200_000, "2 d 07 h")]
)
def test_time_left_is_as_one_reads_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
