"""What stands in models/compressed is what params.yaml names today, and the folder is always there."""

from __future__ import annotations

from pathlib import Path

from components.stages import program


def made() -> None:
    program.make_folders()
    program.drop_compressed()


def test_the_folder_is_there_and_holds_nothing_that_params_no_longer_names(tiny_project: Path) -> None:
    made()
    assert [path.name for path in program.COMPRESSED.iterdir()] == ["README.txt"]
    (program.COMPRESSED / "student").mkdir()
    (program.COMPRESSED / "student/student.safetensors").touch()
    params = Path("params.yaml")
    without = params.read_text()
    params.write_text(without + "compress: {student: {layers: 1}}\n")
    made()
    assert (program.COMPRESSED / "student/student.safetensors").is_file()
    params.write_text(without)
    made()
    assert [path.name for path in program.COMPRESSED.iterdir()] == ["README.txt"]
