"""A project of an example is made whole or not at all. The example and the code beside it are synthetic."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from examples import start


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the example `toy`, whose preparation writes sources/a.csv."""
    root = tmp_path / "checkout"
    for part in start.CODE:
        (root / part / "__pycache__").mkdir(parents=True)
        (root / part / "code").write_text(part)
    for file in start.FILES:
        (root / file).write_text("of the checkout")
    toy = root / "examples/toy"
    (toy / "project").mkdir(parents=True)
    (toy / "params.yaml").write_text("seed: 1\n")
    (toy / "pyproject.toml").write_text("of the example")
    (toy / "prepare.py").write_text("from pathlib import Path\nPath('made.csv').write_text('a')\n")
    (root / ".onetrunk/packages").mkdir(parents=True)
    (root / ".onetrunk/packages/file").write_text("downloaded")
    monkeypatch.setattr(start, "ROOT", root)
    return root


def test_it_has_the_code_the_examples_own_files_its_data_and_a_commit(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    start.main("toy", str(folder))
    assert all((folder / part / "code").is_file() for part in start.CODE)
    assert not list(folder.rglob("__pycache__"))
    assert not (folder / "project").exists()
    assert (folder / "dvc.yaml").read_text() == "of the checkout"
    assert (folder / "pyproject.toml").read_text() == "of the example"
    assert (folder / "made.csv").read_text() == "a"
    downloaded = [each / ".onetrunk/packages/file" for each in (root, folder)]
    assert downloaded[0].samefile(downloaded[1])
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=folder, check=True, capture_output=True, text=True
    )
    assert log.stdout == "The example toy\n"


@pytest.mark.parametrize("name", ["toi", "", "..", "toy/project"])
def test_an_example_that_there_is_not_is_one_sentence(
    root: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        start.main(name, str(tmp_path / "mine"))
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: no example '{name}'; there are toy\n"


@pytest.mark.usefixtures("root")
def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(SystemExit) as ended:
        start.main("toy", str(tmp_path / "mine"))
    assert ended.value.code == 2
    expected = f"error: {tmp_path}/mine: it is there already; go on in it, or remove it\n"
    assert capsys.readouterr().err == expected
    assert not list((tmp_path / "mine").iterdir())


def test_what_could_not_be_prepared_is_not_left_behind(root: Path, tmp_path: Path) -> None:
    (root / "examples/toy/prepare.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(SystemExit) as ended:
        start.main("toy", str(tmp_path / "mine"))
    assert ended.value.code == 3
    assert not (tmp_path / "mine").exists()
