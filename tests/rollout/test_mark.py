"""What a worker leaves behind that dies of a release: real processes, which end in every way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.rollout.mark import MARKS, Mark, acquit, deaths
from tests.scripts import ROOT

WORKER = """
import os, signal, sys
from pathlib import Path
from components.rollout.mark import Mark
mark = Mark(Path(sys.argv[1]), "now")
with mark.at_work():
    with mark.at_work():
        pass
    {within}
{after}
"""


@pytest.mark.parametrize(
    ("within", "after", "died"),
    [
        ("os._exit(1)", "", 1),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "", 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", "", 1),
        ("pass", "os._exit(1)", 0),  # it was not asked
        ("mark.end()", "os._exit(1)", 0),  # the trial had ended, or the service did
    ],
)
def test_who_dies_while_a_release_is_at_work_has_died_of_it(
    within: str, after: str, died: int, tmp_path: Path
) -> None:
    code = WORKER.format(within=within, after=after)
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert (deaths(tmp_path)["now"], deaths(tmp_path)["another"]) == (died, 0)


def test_the_dead_are_forgotten_of_what_is_acquitted_and_no_mark_of_the_living(tmp_path: Path) -> None:
    alive = Mark(tmp_path, "now")
    (tmp_path / "mark-1").write_bytes(b"1now")
    (tmp_path / "mark-2").write_bytes(b"1another")
    with alive.at_work():
        acquit(tmp_path, "now")
        assert deaths(tmp_path) == {"another": 1}
        assert len(list(tmp_path.glob(MARKS))) == 2
    alive.end()


def test_who_died_long_ago_does_not_count_where_that_is_asked(tmp_path: Path) -> None:
    for number, ago in enumerate((10, 1000)):
        path = tmp_path / f"mark-{number}"
        path.write_bytes(b"1now")
        os.utime(path, (time.time() - ago,) * 2)
    assert [deaths(tmp_path, within)["now"] for within in (5, 100, 2000)] == [0, 1, 2]


def test_a_death_of_a_time_that_has_not_come_is_of_a_clock_that_was_wrong(tmp_path: Path) -> None:
    """A champion would be kept from every worker until then."""
    (tmp_path / "mark-1").write_bytes(b"1now")
    os.utime(tmp_path / "mark-1", (time.time() + 86_400,) * 2)
    assert [deaths(tmp_path, within)["now"] for within in (3600, 100_000)] == [0, 1]


def test_a_mark_that_is_torn_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "mark-1").write_bytes(b"1now\xff\xfe")
    (tmp_path / "mark-2").write_bytes(b"\x00\x00")
    assert deaths(tmp_path)["now"] == 0
    acquit(tmp_path, "now")


def test_a_mark_that_cannot_be_removed_keeps_no_release_from_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that the system lets nobody write to any more, after a fault."""

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    mark = Mark(tmp_path, "now")
    (tmp_path / "mark-1").write_bytes(b"1now")
    with monkeypatch.context() as patch:
        patch.setattr("components.rollout.mark.Path.unlink", read_only)
        mark.end()
        acquit(tmp_path, "now")
    assert deaths(tmp_path) == {"now": 1}
    acquit(tmp_path, "now")
    assert not deaths(tmp_path)


def test_a_mark_that_cannot_be_written_keeps_no_release_from_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    mark = Mark(tmp_path, "now")
    with monkeypatch.context() as patch:
        patch.setattr("components.rollout.mark.os.pwrite", full)
        with mark.at_work():
            pass
    with mark.at_work():
        pass
    (file,) = tmp_path.glob(MARKS)
    assert file.read_bytes() == b"0now"


def test_who_lives_has_not_and_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = Mark(tmp_path, "now")
    with mark.at_work():
        assert not deaths(tmp_path)
        mark.end()
    assert not list(tmp_path.glob(MARKS))
