"""`onetrunk gc`: disk that no release, no commit and no file of the project needs.

Two things go: folders of releases that are in no stage and that no service here answers with, since DVC has
their bytes; and files of DVC's cache that nothing names: neither any commit of git, whatever branch or tag
leads to it, nor the working trees.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from components.errors import UserError
from components.release import checkout, dvc_cache, registry
from components.release.git import Git
from components.release.registry import Registry
from flows.rollout import service
from flows.running.lock import WORKSPACE, only_run

HASH = re.compile(rb"\b[0-9a-f]{32}(?:\.dir)?\b")
NAMING = (":(top)*dvc.lock", ":(top)*.dvc")  # the files that name what DVC keeps, in the whole repository
DVC_LOCK = Path(".dvc/tmp/lock")  # that DVC holds while it writes


@dataclass
class Waste:
    """What may go."""

    folders: list[Path]  # of releases
    objects: list[Path]  # of DVC's cache
    left_alone: str | None  # DVC's cache, and why

    def said(self, verb: str) -> str:
        """What there is, in words; what there is none of is left out."""
        parts = []
        if count := len(self.folders):
            folders = f"{count} folder{'' if count == 1 else 's'} of releases"
            parts.append(f"{folders} in no stage ({_size(self.folders)}; DVC has their bytes)")
        if count := len(self.objects):
            files = f"{count} file{'' if count == 1 else 's'} of DVC's cache"
            parts.append(f"{files} that no commit names ({_size(self.objects)})")
        return f"{verb} {' and '.join(parts)}" if parts else "nothing to free"


def run(root: Path, confirmed: bool) -> None:
    """Say what would go, and remove it if that is confirmed.

    Raises:
        UserError: a run is going on, or DVC is at work.
    """
    if not confirmed:
        waste = find(root)
        there_is = waste.folders or waste.objects
        print(waste.said("would free") + ("; go on with: onetrunk gc --yes" if there_is else ""))
        _say_what_stays(waste)
        return
    with contextlib.ExitStack() as alone:
        for project in [root, *_beside(root)]:
            alone.enter_context(_nobody_works(project))
        waste = find(root)
        said = waste.said("freed")
        for path in waste.objects:
            path.unlink(missing_ok=True)
        for folder in waste.folders:
            shutil.rmtree(folder)
    print(said)
    _say_what_stays(waste)


def _beside(root: Path) -> list[Path]:
    """The same project in other working trees that have its cache: what is written there is named later."""
    git, cache = Git(root), dvc_cache.place(root).resolve()
    others = {(tree / git.prefix).resolve() for tree in git.trees()} - {root.resolve()}
    projects = (other for other in sorted(others) if (other / ".dvc").is_dir())
    return [other for other in projects if dvc_cache.place(other).resolve() == cache]


@contextlib.contextmanager
def _nobody_works(project: Path) -> Iterator[None]:
    """Hold the locks of runs and of DVC.

    Raises:
        UserError: a run is going on, or DVC is at work.
    """
    (project / DVC_LOCK).parent.mkdir(exist_ok=True)
    with only_run(project), (project / DVC_LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{project / DVC_LOCK}: DVC is at work here; wait for its end") from None
        yield


def _say_what_stays(waste: Waste) -> None:
    if waste.left_alone:
        print(f"{waste.left_alone}; left alone")


def find(root: Path) -> Waste:
    """What may go.

    Raises:
        UserError: a file of DVC's cache that lists a folder was altered, or git has lost one that names some,
            so that nobody knows what it named.
    """
    found = registry.read(root)
    cache = dvc_cache.place(root).resolve()
    if why := _why_not_swept(found.git, root, cache):
        return Waste([*_folders(found, cache)], [], f"{cache}: {why}")
    named = _with_what_folders_hold(cache, _named(found.git))
    objects = [file for file in _objects(cache) if "".join(file.parts[-2:]) not in named]
    return Waste([*_folders(found, cache)], objects, None)


def _why_not_swept(git: Git, root: Path, cache: Path) -> str | None:
    """Why nobody here knows all that names what is in a cache."""
    if root.resolve() not in cache.parents:
        return "DVC's cache lies outside of the project, others may use it"
    if git.is_shallow:
        return "this clone lacks commits (`git fetch --tags --unshallow`), which may name what is in it"
    return None


def _folders(found: Registry, cache: Path) -> Iterator[Path]:
    """The folders of releases that are in no stage, that no service answers with, and whose bytes DVC's cache
    has."""
    needed = found.kept | (service.in_use(found.git.project) & set(found.versions))
    others = sorted(set(found.versions) - needed)
    kept = {one.record.bundle for one in found.releases(sorted(needed))}
    for release in found.releases(others):
        folder = found.git.project / checkout.FOLDER / release.record.bundle
        if release.record.bundle in kept or not folder.is_dir():
            continue
        listed = dvc_cache.listing(cache, release.record.bento)
        if listed and all(dvc_cache.file_of(cache, md5).is_file() for md5 in listed.values()):
            kept.add(release.record.bundle)  # several releases may have the same
            yield folder


def _objects(cache: Path) -> Iterator[Path]:
    files = (cache / "files/md5").glob("??/*")
    return (file for file in files if HASH.fullmatch("".join(file.parts[-2:]).encode()))


def _named(git: Git) -> set[str]:
    """Every hash that a dvc.lock or a .dvc file has, in any commit, index or working tree."""
    blobs, texts = _committed(git), []
    for tree in git.trees():
        blobs |= {line.split()[1] for line in Git(tree)("ls-files", "--stage", "--", *NAMING).splitlines()}
        kept = (tree / git.prefix / WORKSPACE).glob("dvc.lock.*")  # of a run there
        texts += [file.read_bytes() for file in (*_files_below(tree), *kept)]
    for blob, text in zip(sorted(blobs), git.blobs(sorted(blobs)), strict=True):
        if text is None:
            raise UserError(f"{git.project}: blob {blob}, which named bytes, is lost; `git fsck` says more")
        texts.append(text)
    return {match.decode() for text in texts for match in HASH.findall(text)}


def _committed(git: Git) -> set[str]:
    """The blobs of those files that any commit has: each was new in one of them, and so is in its difference
    to its parents. (`rev-list --objects` looks for a name in the uppermost folder alone.)"""
    commits = git("rev-list", "--all", "--reflog", "--full-history", "--", *NAMING)  # of merged branches too
    flags = ("--stdin", "-r", "-m", "--root", "--no-commit-id", "--no-abbrev")
    changed = git("diff-tree", *flags, "--", *NAMING, text=f"{commits}\n".encode())
    found = {blob for line in changed.splitlines() for blob in line.split()[2:4]}
    return {blob for blob in found if blob.strip("0")}  # not what stands for none


def _files_below(tree: Path) -> Iterator[Path]:
    for name in NAMING:
        yield from (file for file in tree.rglob(name.removeprefix(":(top)")) if file.is_file())


def _with_what_folders_hold(cache: Path, named: Collection[str]) -> set[str]:
    found = set(named)
    for oid in named:
        if oid.endswith(dvc_cache.FOLDER):
            found |= set((dvc_cache.listing(cache, oid) or {}).values())
    return found


def _size(paths: list[Path]) -> str:
    """How much some files and folders take."""
    files = (file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
    return f"{sum(file.stat().st_size for file in files if file.is_file()) / 1e6:,.1f} MB"
