"""Files that are either whole or absent.

Write to a temporary name on the same file system, fsync, rename; a folder's manifest with SHA-256
sums is written last, and only what a complete manifest names exists. A killed process leaves its
temporary name behind, with its process id in it; `sweep` finds and removes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from components.errors import UserError, disk_sentence

MANIFEST = "manifest.json"
SIGNATURE = "model.sig"  # of a signed folder: beside its manifest, and of it
LITTER = re.compile(
    r"\..+\.(\d+)(?:\.\w+)?\.onetrunk\.(?:tmp|old)"
)  # .NAME.PID.onetrunk.tmp; a folder's has a random part
UNSWEPT = ("prefect",)  # below .onetrunk: the files of Prefect's server
BYTECODE = "__pycache__"
BY_THE_WAY = (BYTECODE, ".DS_Store", "Thumbs.db")  # what Python and file managers leave anywhere


class Sum(TypedDict):
    """What a manifest says of a file."""

    bytes: int
    sha256: str


class Manifest(TypedDict):
    """What a folder holds."""

    files: dict[str, Sum]  # by name


def is_there(where: str, path: Path) -> bool:
    """Does anything stand at a path that a person wrote at `where`? A link to nothing does not count.

    Raises:
        UserError: the disk does not say: a name is too long, links go in a circle, or it is not allowed.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL is in no name
        return False
    except OSError as error:
        raise UserError(f"{where}: {disk_sentence(error) or error}") from None
    return True


def sha256(path: Path) -> str:
    """Hash a file's bytes; reads in blocks, so any size fits in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Flush a file's bytes, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, its file takes the place of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.onetrunk.tmp")
    try:
        yield temporary
        fsync(temporary)
        temporary.replace(path)
        fsync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder; when the block ends well, it takes the place of `path`.

    The files get a manifest (written last), so a reader can tell a whole folder from a torn one.

    Raises:
        UserError: a file that none of our manifests names lies at `path`, and would go with the old folder.
    """
    if foreign := strangers(path):
        raise UserError(
            f"{sample(foreign)}: not made by this program, and what lies in {path} is written anew; move it "
            f"elsewhere, then give the same command again"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.{os.getpid()}."
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=prefix, suffix=".onetrunk.tmp"))
    temporary.chmod(0o755)  # mkdtemp's 0700 would lock out whoever deploys the folder
    try:
        yield temporary
        write_manifest(temporary)
        discarded = temporary.with_suffix(".old")
        if path.exists():
            path.rename(discarded)
        temporary.rename(path)
        fsync(path.parent)
        shutil.rmtree(discarded, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def strangers(folder: Path) -> list[Path]:
    """The files at or below `folder` that its manifest does not name: they may be the user's.

    What a killed process has half written is none of them, nor what Python and file managers leave behind.
    """
    if not folder.is_dir():
        return [folder] if folder.is_file() else []
    named = _named(folder)
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return [path for path in found if path.relative_to(folder) not in named and not _by_the_way(path, folder)]


def _named(folder: Path) -> set[Path]:
    """What a folder's manifest names, and itself; nothing where it is none of ours."""
    try:
        named = {Path(name) for name in read_json(folder / MANIFEST)["files"]}
    except (UserError, OSError, KeyError, TypeError):
        return set()
    # A folder within has a manifest of its own, which no other names.
    manifests = {parent / MANIFEST for name in (Path(MANIFEST), *named) for parent in name.parents}
    return named | manifests | {Path(SIGNATURE)}


def _by_the_way(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return any(part in BY_THE_WAY or LITTER.fullmatch(part) for part in parts)


def sample(paths: Sequence[Path]) -> str:
    """The first of some paths, and how many more there are."""
    return f"{paths[0]}" + (f" (and {len(paths) - 1} more)" if len(paths) > 1 else "")


def sweep(root: Path) -> list[Path]:
    """Remove what processes that are dead have left half written below `root`, and return the paths.

    Hidden folders, DVC's and git's among them, are not looked into, but for our own.
    """
    removed = []
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            if is_litter(path := Path(folder, name)):
                removed.append(path)
                is_folder = path.is_dir() and not path.is_symlink()
                shutil.rmtree(path) if is_folder else path.unlink(missing_ok=True)
        folders[:] = [name for name in folders if not name.startswith(".") or name == ".onetrunk"]
        if Path(folder).name == ".onetrunk":
            folders[:] = [name for name in folders if name not in UNSWEPT]
    return removed


def is_litter(path: Path) -> bool:
    """Tell whether `path` is a temporary name of a process that has ended.

    A process that began after the last change has only inherited the number. One that was killed and that its
    parent has not noticed yet (a zombie: where init is slow, for seconds) writes no more.
    """
    match = LITTER.fullmatch(path.name)
    if match is None:
        return False
    import psutil

    try:
        process = psutil.Process(int(match[1]))
        ended = process.status() == psutil.STATUS_ZOMBIE
        return ended or bool(process.create_time() > path.stat().st_mtime + 1)
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, OSError):  # not ours to judge, or gone
        return False


def write_manifest(folder: Path) -> None:
    """Write `manifest.json`: the size and SHA-256 of every file below `folder`, but for its signature.

    What Python leaves beside sources that were imported comes and goes, so no manifest names it.
    """
    apart = {folder / SIGNATURE}
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST and p not in apart)
    files = [file for file in files if not _by_the_way(file, folder)]
    for file in files:
        fsync(file)
    entries = {
        file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in files
    }
    write_json(folder / MANIFEST, {"files": entries})


def verify_manifest(folder: Path) -> Manifest:
    """Check every file that the folder's manifest names and return the manifest.

    Raises:
        UserError: the manifest is missing or damaged, or a file is missing, truncated or altered.
    """
    manifest = read_json(folder / MANIFEST)
    try:
        entries = {name: (entry["bytes"], entry["sha256"]) for name, entry in manifest["files"].items()}
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{folder / MANIFEST}: not a list of files with their sizes and sums") from None
    for name, (size, digest) in entries.items():
        file = folder / name
        if not _is_there(file):
            raise UserError(f"{file!s:.300}: missing, but {folder / MANIFEST} names it")
        if file.stat().st_size != size:
            raise UserError(f"{file}: {file.stat().st_size} bytes, expected {size}; truncated?")
        if sha256(file) != digest:
            raise UserError(f"{file}: SHA-256 differs from {folder / MANIFEST}; the file was altered")
    whole: Manifest = manifest
    return whole


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name that no file can have
        return False


def refuse_stream(path: Path) -> None:
    """Check that what is at a path can be read again.

    Raises:
        UserError: it is a pipe or a device: whoever reads it twice would wait for ever.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UserError(f"{path}: is a pipe or a device, expected a file; write what comes from it into one")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, readable, with a final newline; NaN is refused (ValueError)."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        UserError: the file is missing, is a folder or is not JSON.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run `onetrunk run` to make it") from None
    except (IsADirectoryError, NotADirectoryError) as error:
        raise UserError(disk_sentence(error)) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not JSON ({error})") from None


def parse_json(text: str | bytes, place: Path) -> Any:
    """What JSON that stands in `place` says.

    Raises:
        UserError: it is no JSON, or nested too deep.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place}: not JSON ({error})") from None
