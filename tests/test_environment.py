"""A stage starts itself again under the variables that libgomp and glibc read before Python's first line."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from components.environment import QUIET, SERVICE, THREADS_AND_MEMORY
from tests.scripts import ROOT

GLIBC = tuple(map(int, platform.libc_ver()[1].split("."))) if platform.libc_ver()[0] == "glibc" else (0,)
STAGE = """
import json, os, sys
from components.environment import restart_tuned
print("begun")
restart_tuned()
print(json.dumps([dict(os.environ), sys.argv[1:]]))
"""


@pytest.mark.parametrize("asked", [["stage.py"], ["-m", "stage"]])
@pytest.mark.parametrize(
    ("own", "starts"),
    [({}, 2), ({"GOMP_SPINCOUNT": "5"}, 2), ({**THREADS_AND_MEMORY, "GOMP_SPINCOUNT": "5"}, 1)],
)
def test_a_cold_start_runs_once_more_with_the_same_arguments_and_the_variables_it_lacks(
    tmp_path: Path, asked: list[str], own: dict[str, str], starts: int
) -> None:
    (tmp_path / "stage.py").write_text(STAGE)
    others = {name: value for name, value in os.environ.items() if name not in {*THREADS_AND_MEMORY, *QUIET}}
    said = subprocess.run(
        [sys.executable, *asked, "--task", "a b"], cwd=tmp_path, check=True, capture_output=True, text=True,
        env={**others, **own, "PYTHONPATH": str(ROOT)},
    ).stdout.splitlines()  # fmt: skip
    assert said[:-1] == ["begun"] * starts
    variables, arguments = json.loads(said[-1])
    assert arguments == ["--task", "a b"]
    assert {**THREADS_AND_MEMORY, **QUIET, **own}.items() <= variables.items()


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(
    not HUGE_PAGES.is_file() or "[madvise]" not in HUGE_PAGES.read_text() or GLIBC < (2, 35),
    reason="Linux gives large pages to who asks for them, and glibc asks from 2.35 on",
)
def test_a_services_memory_is_in_large_pages() -> None:
    told = "kept = bytearray(1 << 24); print(open('/proc/self/smaps').read())"
    environment = {**os.environ, **SERVICE}
    said = subprocess.run(
        [sys.executable, "-c", told], check=True, capture_output=True, text=True, env=environment
    ).stdout
    heap = said.partition("[heap]")[2]
    assert " hg" in heap[heap.index("VmFlags:") :].partition("\n")[0]


COLLECT_SELDOM = {
    "a stage": "from components import stages; stages.run(lambda *given: None)",
    "a command": "from flows.cli import main; sys.argv[1:] = ['--version']; main()",
    "the service": "import serving",
}


@pytest.mark.parametrize("begins", COLLECT_SELDOM.values(), ids=COLLECT_SELDOM)
def test_the_garbage_collector_looks_after_many_new_objects(begins: str) -> None:
    told = "import atexit, gc, sys; atexit.register(lambda: print(gc.get_threshold()[0]))"
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", f"{told}; {begins}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "20000"
