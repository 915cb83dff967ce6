"""What stands in models/compressed is what params.yaml names today, and the folder is always there."""

from __future__ import annotations

from pathlib import Path

from components.settings.compression import COMPRESSED
from components.stages import program


def test_the_folder_is_there_and_holds_nothing_that_params_no_longer_names(tiny_project: Path) -> None:
    program.main()
    assert [path.name for path in COMPRESSED.iterdir()] == ["README.txt"]
    (COMPRESSED / "student").mkdir()
    (COMPRESSED / "student/student.safetensors").touch()
    params = Path("params.yaml")
    without = params.read_text()
    params.write_text(without + "compress: {student: {layers: 1}}\n")
    program.main()
    assert (COMPRESSED / "student/student.safetensors").is_file()
    params.write_text(without)
    program.main()
    assert [path.name for path in COMPRESSED.iterdir()] == ["README.txt"]
