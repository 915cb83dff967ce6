"""What was found of the program is remembered, and a change is seen."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from components import program
from tests.programs import ROOT, TASKS, in_place_of_the_program


class TestMemory:
    """What sources say is kept beside Python's bytecode, and never believed of another text."""

    @pytest.fixture(autouse=True)
    def memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(program, "MEMORY", tmp_path / "said.json")
        monkeypatch.setattr(sys, "dont_write_bytecode", False)
        return program.MEMORY

    @pytest.fixture
    def small(self, tmp_path: Path) -> Path:
        """A program of two stages, which is read in no time."""
        root = tmp_path / "small"
        (root / "components/stages").mkdir(parents=True)
        for stage in ("ingest", "train"):
            (root / f"components/stages/{stage}.py").write_text("from components import shared\n")
        (root / "components/shared.py").write_text("WHAT = 'shared'\n")
        return root

    @staticmethod
    def in_a_new_process(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Path, str]:
        in_place_of_the_program(root, monkeypatch)
        monkeypatch.setattr(program, "USED", {})
        program._remembered.cache_clear()
        return program.written(TASKS)

    @pytest.mark.slow
    def test_the_next_process_parses_nothing(self, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program._remembered.cache_clear()
        first = program.written(TASKS)
        assert memory.is_file()
        monkeypatch.setattr(program, "_read", None)  # who parses fails
        assert self.in_a_new_process(ROOT, monkeypatch) == first

    @pytest.mark.parametrize(
        "torn", [b"", b"{", b"[]", b'{"by": 1}', b'{"said": {"a": [[], [], ""]}, "by": ""}']
    )
    def test_of_what_is_torn_or_of_another_version_nothing_is_believed(
        self, torn: bytes, memory: Path
    ) -> None:
        memory.write_bytes(torn)
        program._remembered.cache_clear()
        assert program._remembered() == {}

    def test_a_changed_file_is_read_again(
        self, small: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = self.in_a_new_process(small, monkeypatch)
        memory.write_bytes(
            memory.read_bytes().replace(b'"said"', b'"Said"')
        )  # and what was torn is kept anew
        assert self.in_a_new_process(small, monkeypatch) == first
        assert b'"said"' in memory.read_bytes()
        with (small / "components/stages/train.py").open("a") as file:
            file.write("CHANGED = 1\n")
        later = self.in_a_new_process(small, monkeypatch)
        assert {path for path in first if first[path] != later[path]} == {Path("train.json")}

    def test_a_disk_that_is_full_stops_nothing_and_leaves_nothing(
        self, small: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(path: Path, text: str) -> None:
            path.touch()
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "write_text", full)
        assert self.in_a_new_process(small, monkeypatch)
        assert list(memory.parent.iterdir()) == [small]


@pytest.mark.slow
def test_it_is_read_in_well_under_a_second_and_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, time; start = time.process_time(); from components import program;"
        "program.written({'a': {'classification'}, 'b': {'tagging'}});"
        "print(time.process_time() - start, *sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, *names = done.stdout.split()
    assert float(seconds) < 5  # of CPU, on a machine that may be slow and busy; about 0.6
    assert not {"torch", "numpy", "pydantic", "yaml"} & set(names)
