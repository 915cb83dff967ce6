"""What stands in models/compressed and models/start is what params.yaml names today; the folders are always
there."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import folders, params
from components.settings.compression import COMPRESSED
from components.settings.start import STARTS
from components.stages import program


@pytest.mark.parametrize(
    ("folder", "name", "section"),
    [
        (COMPRESSED, "student", "compress: {student: {layers: 1}}"),
        (STARTS, "champion", "start: {champion: {}}"),
    ],
)
def test_the_folder_is_there_and_holds_nothing_that_params_no_longer_names(
    tiny_project: Path, folder: Path, name: str, section: str
) -> None:
    program.main()
    assert [path.name for path in folder.iterdir()] == ["README.txt"]
    (folder / name).mkdir()
    file = Path("params.yaml")
    without = file.read_text()
    file.write_text(f"{without}{section}\n")
    assert folders.left_over(params.load()) == []
    program.main()
    assert (folder / name).is_dir()
    file.write_text(without)
    assert folders.left_over(params.load()) == [folder / name]  # so a flow runs the stage
    program.main()
    assert [path.name for path in folder.iterdir()] == ["README.txt"]
