"""What stands in models/compressed and models/start is what params.yaml names today; the folders are always
there."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import folders, params
from components.errors import UserError
from components.files import atomic_folder
from components.settings.compression import COMPRESSED
from components.settings.start import STARTS
from components.stages import program


@pytest.mark.slow
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
    with atomic_folder(folder / name) as made:
        (made / "config.json").write_text("{}")
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


def test_a_file_of_the_users_in_such_a_folder_is_not_removed(tiny_project: Path) -> None:
    folders.make_folders()
    file = STARTS / "best/model.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weeks of work")
    (STARTS / ".champion.1.abc.onetrunk.tmp").mkdir()  # `sweep` removes it
    with pytest.raises(UserError, match="^models/start/best/model.safetensors: not made by this program"):
        folders.drop_left_over(params.load())
    assert file.read_bytes() == b"weeks of work"
