"""`dvc` for the stages of a run: the same commands, whose files survive a kill at any instant.

DVC writes dvc.lock and its own list of readers and writers (.dvc/tmp/rwlock) in place, and believes
that a file in its cache is what its name says. Here both are written under another name and renamed,
and a file is hashed before it is taken from the cache. DVC also removes a stage's outputs with whatever
lies in them; here a file that is not ours stops the stage (outputs.py). Four of DVC's functions are
replaced for that, in this process alone; tests/flows/running/ holds that DVC still calls them.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from components.environment import collect_seldom
from components.errors import EXIT_USER_ERROR, UserError
from components.files import atomic_file
from flows.running import dvc_files, outputs


def main() -> int:
    """Run DVC's command line with the arguments of this one."""
    collect_seldom()
    # Its run interrupts a stage by this, which is ignored behind nohup or in the background, and inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _write_yaml_whole()
    _write_rwlock_whole()
    _distrust_cache()
    _spare_strangers()
    from dvc.cli import main as dvc

    code: int = dvc(sys.argv[1:])
    return code


def _write_yaml_whole() -> None:
    from dvc.utils.serialize import _common, _yaml

    in_place = _common._dump_data

    def whole(path: str, data: Any, dumper: Callable[..., Any], fs: object = None, **options: Any) -> None:
        with atomic_file(Path(path).resolve()) as temporary:
            in_place(temporary, data, dumper, **options)
        if Path(path).name == dvc_files.LOCK:
            with contextlib.suppress(OSError):  # a copy to fall back on; without room the older one stays
                dvc_files.keep(Path(path).parent)

    _common._dump_data = _yaml._dump_data = whole


def _write_rwlock_whole() -> None:
    from dvc import rwlock

    in_place = rwlock._edit_rwlock

    def whole(lock_dir: str, fs: Any, hardlink: bool) -> contextlib.AbstractContextManager[Any]:
        edited: contextlib.AbstractContextManager[Any] = in_place(lock_dir, _WholeFiles(fs), hardlink)
        return edited

    rwlock._edit_rwlock = whole


class _WholeFiles:
    """A file system whose files are written under another name, then renamed.

    It does not wait for the disk: the readers and writers of before a power cut are dead.
    """

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    @contextlib.contextmanager
    def open(self, path: str, mode: str = "r", **options: Any) -> Iterator[IO[Any]]:
        written = Path(path + ".new") if "w" in mode else Path(path)
        with written.open(mode, **options) as file:
            yield file
        written.replace(path)


def _distrust_cache() -> None:
    """Hash what is in the cache, also where DVC takes a read-only file for an unaltered one."""
    from dvc_data.hashfile.db.local import LocalHashFileDB
    from dvc_data.hashfile.hash import hash_file
    from dvc_objects.errors import ObjectFormatError

    quick = LocalHashFileDB.check

    def check(self: Any, oid: str, check_hash: bool = True, _info: Any = None) -> Any:
        path = self.oid_to_path(oid)
        if check_hash and Path(path).is_file():
            _, found = hash_file(path, self.fs, self.hash_name, None)
            if str(found.value) != oid.removesuffix(".dir"):
                Path(path).unlink()
                print(f"warning: {path} was damaged; what it held is made again", flush=True)
                raise ObjectFormatError(f"{path} is corrupted")
        return quick(self, oid, check_hash, _info)

    LocalHashFileDB.check = check  # type: ignore[method-assign]


def _spare_strangers() -> None:
    """Run no stage whose outputs hold a file that may be the user's: it would be removed with them."""
    from dvc.stage import Stage

    ruthless = Stage.run

    def run(self: Any, *arguments: Any, **options: Any) -> None:
        try:
            with outputs.spared(self):
                ruthless(self, *arguments, **options)
        except UserError as error:
            print(f"error: {error}", flush=True)
            sys.exit(EXIT_USER_ERROR)

    Stage.run = run


if __name__ == "__main__":
    sys.exit(main())
