"""`make test-quick` watches every room; a shared server outlives the worker that started it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import hypothesis
import pytest

from tests.quick import chosen, examples

ROOT = Path(__file__).parents[1]


def test_every_room_has_quick_tests(request: pytest.FixtureRequest) -> None:
    config = request.config
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.getoption("keyword"):
        pytest.skip("not all tests were collected")
    rooms = {room.name for top in ("components", "components/data") for room in (ROOT / top).iterdir()}
    quick: dict[str, list[bool]] = defaultdict(list)
    for item in request.session.items:
        for room in {"flows", "serving", *rooms} & set(item.path.relative_to(ROOT / "tests").parts[:-1]):
            quick[room].append(item.get_closest_marker("slow") is None)
    assert {"flows", "serving", "training", "data", "mixture", "release"} <= quick.keys()
    assert [room for room, tests in quick.items() if not any(tests)] == []


def test_a_quick_run_tries_fewer_examples_of_every_property(request: pytest.FixtureRequest) -> None:
    """Wherever a module that was collected may have set other settings for all."""
    assert hypothesis.settings().max_examples == (30 if chosen(request.config) else 100)
    assert examples(300) == (90 if chosen(request.config) else 300)


SERVE = """
import contextlib, sys

@contextlib.contextmanager
def serve(folder):
    with open(folder / "starts", "a") as starts:
        starts.write("start ")
    yield "here"
    (folder / "stopped").touch()
"""
USE = """
import sys, time
from pathlib import Path
from tests.once import served_once

class Temporary:
    def getbasetemp(self):
        return Path(sys.argv[1])

with served_once(Temporary(), "served:serve") as (where, folder):
    assert where == "here"
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_server_is_started_once_and_stops_with_the_last_who_used_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "served.py").write_text(SERVE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    folder = tmp_path / "served.serve"

    def user() -> subprocess.Popen[bytes]:
        one = subprocess.Popen(
            [sys.executable, "-c", USE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert one.stdout and one.stdout.readline() == b"in\n"
        return one

    first, second = user(), user()
    first.kill()
    first.wait()
    third = user()
    assert (folder / "starts").read_text() == "start "
    assert not (folder / "stopped").exists()
    for one in (second, third):
        one.communicate(b"")
    deadline = time.monotonic() + 60
    while not (folder / "stopped").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    fourth = user()
    assert (folder / "starts").read_text() == "start start "
    fourth.communicate(b"")
