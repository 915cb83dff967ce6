"""The stages' DVC writes whole files and does not believe its cache; plain DVC stays as it is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.flows import toy

# Runs DVC's command line, or ours, and is killed in the middle of the n-th text that DVC dumps.
KILLED = """
import io, json, os, runpy, signal, sys
from dvc.utils.serialize import _common
at, what, module = int(sys.argv.pop(1)), sys.argv.pop(1), sys.argv.pop(1)
count = 0

def half(text, stream):
    global count
    count += 1
    stream.write(text if count != at else text[: len(text) // 2].rstrip())
    stream.flush()
    if count == at:
        os.kill(os.getpid(), signal.SIGKILL)

dump_data = _common._dump_data
def dump(path, data, dumper, fs=None, **options):
    def dying(data, stream, **options):
        buffer = io.StringIO()
        dumper(data, buffer, **options)
        half(buffer.getvalue(), stream)
    dump_data(path, data, dying if what in str(path) else dumper, fs=fs, **options)

if what == "dvc.lock":
    _common._dump_data = dump
else:
    import dvc.rwlock
    class Json:
        load, JSONDecodeError = json.load, json.JSONDecodeError
        loads, dumps = json.loads, json.dumps
        dump = staticmethod(lambda value, stream: half(json.dumps(value), stream))
    dvc.rwlock.json = Json
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def repro(project: Path, module: str, at: int, what: str) -> int:
    command = [sys.executable, "-c", KILLED, str(at), what, module, "repro", "--single-item", "side"]
    return subprocess.run(command, cwd=project, env=toy.environment(), capture_output=True).returncode


def is_whole(file: Path) -> bool:
    if file.name == "dvc.lock":
        return file.read_bytes().endswith(b"\n")
    try:
        json.loads(file.read_text())
    except ValueError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("what", ["dvc.lock", "rwlock"])
def test_a_kill_in_the_middle_of_a_write_leaves_the_file_of_before(finished_toy: Path, what: str) -> None:
    """The same kill tears the file of plain DVC, so the test would notice if DVC wrote in another way."""
    file = finished_toy / ("dvc.lock" if what == "dvc.lock" else ".dvc/tmp/rwlock")
    plain = Path(shutil.copytree(finished_toy, finished_toy.parent / "plain"))
    for project in (finished_toy, plain):
        (project / "side.txt").unlink()
        (project / "input.txt").write_text("two\n")
        shutil.rmtree(project / ".dvc/cache/runs")
    kills = 0
    for at in range(1, 9):
        code = repro(finished_toy, "flows.running.durable_dvc", at, what)
        kills += code == -signal.SIGKILL
        assert not file.exists() or is_whole(file), f"write {at}"
    assert kills
    torn = plain / file.relative_to(finished_toy)
    assert repro(plain, "dvc", 1, what) == -signal.SIGKILL
    assert not is_whole(torn)


@pytest.mark.slow
def test_a_stage_leaves_a_copy_of_the_lock(finished_toy: Path) -> None:
    (finished_toy / "side.txt").unlink()
    (finished_toy / "made/left").write_text("other")
    command = [sys.executable, "-m", "flows.running.durable_dvc", "repro", "--single-item", "side"]
    subprocess.run(command, cwd=finished_toy, env=toy.environment(), check=True, capture_output=True)
    good = finished_toy / ".onetrunk/dvc.lock.good"
    assert good.read_bytes() == (finished_toy / "dvc.lock").read_bytes()


@pytest.mark.slow
def test_whoever_reads_the_lock_while_stages_run_finds_it_whole(finished_toy: Path) -> None:
    torn, over = [], threading.Event()

    def read() -> None:
        while not over.is_set():
            if not (finished_toy / "dvc.lock").read_bytes().endswith(b"\n"):
                torn.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        (finished_toy / "input.txt").write_text("two\n")
        command = [sys.executable, "-m", "flows.running.durable_dvc", "repro"]
        subprocess.run(command, cwd=finished_toy, env=toy.environment(), check=True, capture_output=True)
    finally:
        over.set()
        reader.join()
    assert not torn


@pytest.mark.slow
@pytest.mark.parametrize("unnoticed", [False, True], ids=["rewritten", "rotten, with its old time"])
def test_a_flipped_byte_in_the_cache_is_noticed_and_the_stage_runs_again(
    finished_toy: Path, unnoticed: bool
) -> None:
    (finished_toy / "model.txt").unlink()
    whole = b"train\none\n"
    (cached,) = [
        path
        for path in (finished_toy / ".dvc/cache/files").rglob("*")
        if path.is_file() and path.read_bytes() == whole
    ]
    when = cached.stat()
    cached.chmod(0o644)
    cached.write_bytes(whole.replace(b"one", b"onf"))
    cached.chmod(0o444)
    if unnoticed:
        os.utime(cached, ns=(when.st_atime_ns, when.st_mtime_ns))
    before = len(toy.events(finished_toy))
    command = [sys.executable, "-m", "flows.running.durable_dvc", "repro", "--single-item", "train"]
    done = subprocess.run(
        command, cwd=finished_toy, env=toy.environment(), check=True, capture_output=True, text=True
    )
    assert "was damaged; what it held is made again" in done.stdout
    assert (finished_toy / "model.txt").read_bytes() == whole
    assert len(toy.events(finished_toy)) == before + 2
