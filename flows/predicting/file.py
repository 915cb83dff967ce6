"""`onetrunk predict --input FILE --output FILE`: a file of any size, answered window by window.

Each window's answers are kept below .onetrunk/predictions until all are there, then become the output, which
is whole or absent. Killed anywhere, the same command goes on after the last window.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from components import advice
from components.data.contract.progress import RowProgress
from components.data.sources.remotes.url import complaints
from components.errors import UserError
from components.files import MANIFEST, atomic_file, fsync, sha256
from components.spelling import column_names
from flows.predicting import answering, opening, reading, writing
from flows.predicting.answering import Answerer, windows
from flows.predicting.reading import Record, Table
from flows.running.lock import WORKSPACE

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

AHEAD = 100  # rows that tell a column's likeliest use


class Part:
    """Where the answers of one run of the command are kept while it lasts, by window."""

    def __init__(self, root: Path, source: str, target: str, identity: Mapping[str, Any]) -> None:
        """Of the rows of `source` that go to `target`; all that they follow from is the `identity`."""
        key = hashlib.sha256(json.dumps([source, target]).encode()).hexdigest()[:16]
        self.folder = root / WORKSPACE / "predictions" / key
        self.whole, self.done, self.of = (self.folder / name for name in ("output", "done.json", "of.json"))
        self._source, self._identity = source, json.dumps(identity, sort_keys=True, default=str)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder; it goes when the block ends well.

        Raises:
            UserError: the same command is at work in another process.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError("the same command is at work already; wait for its end") from None
            self._begin()
            yield
            self._end()

    def _begin(self) -> None:
        """Go on from what is kept, if it is of the same rows, model and questions; say that it is not."""
        if self._is_ours():
            return
        kept = [file for file in self.folder.iterdir() if file.name != ".lock"]
        if self.of in kept:
            print(
                f"{self._source}: begun anew, since the file, the model or what is asked of it has changed",
                file=sys.stderr,
            )
        for file in kept:
            file.unlink()
        with atomic_file(self.of) as temporary:
            temporary.write_text(self._identity)

    def _end(self) -> None:
        """Let it go at once: of half a folder nobody could tell that the output which stands is its own."""
        self.folder.rename(tempfile.mkdtemp(suffix=".gone", dir=self.folder.parent))
        for gone in self.folder.parent.glob("*.gone"):  # of commands that were killed here, too
            shutil.rmtree(gone, ignore_errors=True)

    def _is_ours(self) -> bool:
        return self.of.is_file() and self.of.read_text(errors="replace") == self._identity

    def file(self, number: int) -> Path:
        return self.folder / f"{number:08d}.jsonl"

    def keep(self, number: int, lines: Sequence[writing.Line]) -> None:
        with atomic_file(self.file(number)) as temporary:
            temporary.write_text("".join(json.dumps(line, default=str) + "\n" for line in lines))

    @contextlib.contextmanager
    def output(self, target: str) -> Iterator[IO[bytes]]:
        """A file for what is to stand at `target`."""
        with self.whole.open("wb") as file:
            if not reading.is_packed(target):
                yield file
                return
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                yield cast("IO[bytes]", packed)

    def is_whole(self, counted: tuple[int, int]) -> None:
        """Write down that the output is made, and on the disk: a command that is killed later only has to
        put it there."""
        fsync(self.whole)
        with atomic_file(self.done) as temporary:
            temporary.write_text(json.dumps(counted))

    def counted(self) -> tuple[int, int] | None:
        """(rows, unreadable ones) of the output; None where it is not made."""
        if not self.done.is_file():
            return None
        rows, unreadable = json.loads(self.done.read_text())
        return rows, unreadable

    def size(self) -> int | None:
        """Bytes of the output; None where it is not made."""
        return self.whole.stat().st_size if self._is_ours() and self.done.is_file() else None

    def unreadable(self, number: int) -> int:
        """How many rows of an answered window have no answer but a reason."""
        with self.file(number).open() as opened:
            return sum(json.loads(line)["error"] is not None for line in opened)

    def lines(self) -> Iterator[writing.Line]:
        """All that is kept, in the order of the input."""
        for file in sorted(self.folder.glob("[0-9]*.jsonl")):
            with file.open() as opened:
                yield from map(json.loads, opened)


def run(
    root: Path,
    bundle: Path,
    source: str,
    target: str,
    tasks: Sequence[str] | None,
    columns: Mapping[str, str],
) -> tuple[int, int]:
    """Answer every row of `source` into `target` -> (rows, those that could not be read).

    Raises:
        UserError: a file that cannot be read or written, or is there already, or a mistake in what is asked.
    """
    reading.ending(target)
    with contextlib.ExitStack() as stack:
        table, version = opening.open_table(source, stack)
        identity = {
            "version": version, "tasks": tasks, "columns": dict(columns), "model": sha256(bundle / MANIFEST),
            "windows": answering.WINDOW,
        }  # fmt: skip
        part = Part(root, source, target, identity)
        there = _size(target)
        if there is not None and there != part.size():
            raise UserError(f"{target}: is there already; remove it, or name another --output")
        answerer = Answerer(bundle, tasks, columns)
        _check(source, answerer, table)
        with part.alone():
            if (counted := part.counted()) is None:
                counted = _make(answerer, table, part, source, target)
                opening.require_unchanged(source, version)
                part.is_whole(counted)
            if there is None:
                _put(part.whole, target)
    return counted


def _make(answerer: Answerer, table: Table, part: Part, source: str, target: str) -> tuple[int, int]:
    """Make the whole output -> (rows, unreadable ones)."""
    _ = answerer.predictor  # its loading is no part of the progress
    kind = reading.ending(target)
    counted, own = _answer(answerer, table, part, f"answer {source}", kind)
    if not counted[0]:
        raise UserError(f"{source}: no rows")
    with part.output(target) as file:
        writing.write(kind, part.lines(), table.columns or own, answerer.cards, file)
    return counted


def _answer(
    answerer: Answerer, table: Table, part: Part, title: str, kind: str
) -> tuple[tuple[int, int], list[str]]:
    """Keep each window's answers -> (rows, unreadable ones), and the columns that the rows have."""
    rows = unreadable = 0
    own: dict[str, None] = {}
    with RowProgress(title) as progress:
        for number, window in enumerate(windows(table.records)):
            own |= dict.fromkeys(name for record in window for name in record.fields)
            writing.check(kind, own, answerer.cards)
            rows += len(window)
            progress.expect(round(rows / max(table.part(), 1e-9)))
            if part.file(number).is_file():
                progress.skip(len(window))
            else:
                part.keep(number, _lines(answerer, window))
                progress.add(len(window))
            unreadable += part.unreadable(number)
    return (rows, unreadable), list(own)


def _lines(answerer: Answerer, window: Sequence[Record]) -> list[writing.Line]:
    answers = answerer.answer(window)
    return [
        {
            "fields": record.fields,
            "answers": one,
            "error": f"row {record.number}: {record.error}" if record.error else None,
        }
        for record, one in zip(window, answers, strict=True)
    ]


def _check(source: str, answerer: Answerer, table: Table) -> None:
    """Say before anything is computed that no task, or one that is asked for, finds what it reads."""
    if table.columns is None or answerer.fits(dict.fromkeys(table.columns, "")):
        return
    likely = _likeliest(answerer, table)
    example = f", for example --column {advice.word(likely)}" if likely else ""
    raise UserError(
        f"{source}: has the columns {column_names(table.columns)}, expected {answerer.expected()}; name the "
        f"column of an input with --column{example}"
    )


def _likeliest(answerer: Answerer, table: Table) -> str | None:
    """INPUT=COLUMN: an input that has no column yet, and of the other columns the one with the longest texts;
    None where no column has any."""
    there = {*(table.columns or ())}
    inputs = min(answerer.missing(there).values(), key=len)
    length: Counter[str] = Counter()
    for record in islice(table.records, AHEAD):
        length.update({name: len(value) for name, value in record.fields.items() if isinstance(value, str)})
    free = there - {*answerer.columns.values(), ""}
    found = next((name for name, most in length.most_common() if name in free and most), None)
    return found and f"{inputs[0]}={found}"


def _size(target: str) -> int | None:
    """Bytes of what stands at an address that can be written; None where nothing does.

    Raises:
        UserError: nothing can be written there, which is better said before rows are answered for hours.
    """
    import fsspec

    with complaints(target):
        system, path = fsspec.core.url_to_fs(target)
        if path.startswith("http"):
            raise UserError(f"{target}: can only be read, expected a file, or an address such as s3://...")
        if "file" in system.protocol:
            _make_room(target, Path(path).parent)
        if system.exists(path):
            return int(system.size(path) or 0)
        if "s3" in system.protocol:
            _require_bucket(system, path)
        return None


def _require_bucket(system: AbstractFileSystem, path: str) -> None:
    """Look whether the bucket of an object is there: no writing makes it."""
    with contextlib.suppress(PermissionError):  # it may be written to all the same
        system.info(path.partition("/")[0])


def _make_room(target: str, folder: Path) -> None:
    """Make the folder of an output, and look whether it can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None


def _put(source: Path, target: str) -> None:
    """Let the file at `source` stand at an address, whole or not at all."""
    import fsspec

    with complaints(target):
        system, path = fsspec.core.url_to_fs(target)
        if "file" not in system.protocol:
            system.put_file(str(source), path)
            return
    with atomic_file(Path(path)) as temporary:
        shutil.copyfile(source, temporary)
