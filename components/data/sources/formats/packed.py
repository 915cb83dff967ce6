"""A file as its bytes were before it was packed: gzip, Zstandard, bzip2, xz, or a zip archive of one file.

Told by its first bytes, whatever its name is; unpacked on the way, so its size does not matter.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, cast

from components.advice import word
from components.errors import UserError, first_line

SHEETS = {"xlsx": "xl/workbook.xml", "ods": "content.xml"}  # zip archives too, and what each of them holds
DOCUMENTS = {  # the same of what holds no rows
    "word/document.xml": "a document of Word; save it as plain text",
    "ppt/presentation.xml": "slides of PowerPoint; take their text out first",
    "META-INF/container.xml": "a book (EPUB); take its text out first",
    "arr_0.npy": "arrays of numpy; write them as CSV, JSON Lines or Parquet",
    "archive/data.pkl": "a pickle of PyTorch, which is never loaded; write it as CSV, JSON Lines or Parquet",
}


# What macOS and Windows add to archives, and other hidden files.
BESIDE = re.compile(r"(?:^|/)(?:__MACOSX/|\.[^/]*$|(?:Thumbs\.db|desktop\.ini)$)")


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file's bytes, unpacked.

    Raises:
        UserError: it is not whole, or an archive of several files, or with a password.
    """
    with path.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        unpack = next((one for mark, one in UNPACKERS.items() if start.startswith(mark)), None)
        if unpack is None:
            yield file
            return
        try:
            with unpack(path, file) as unpacked:
                yield cast("io.BufferedReader", unpacked)  # reads and peeks as one
        except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            problem = first_line(error).rstrip(".")
            raise UserError(f"{path}: packed, and it cannot be unpacked ({problem})") from None


def _zstandard(path: Path, file: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa

    return io.BufferedReader(pa.CompressedInputStream(file, "zstd"))


@contextmanager
def _member(path: Path, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The only file of a zip archive; what systems add to it is none."""
    with zipfile.ZipFile(file) as archive:
        members = [one for one in archive.infolist() if not one.is_dir() and not BESIDE.search(one.filename)]
        names = [one.filename for one in members]
        if sheet := next((form for form, inner in SHEETS.items() if inner in names), None):
            raise UserError(f"{path}: a spreadsheet; set `format: {sheet}`")
        if document := next((what for inner, what in DOCUMENTS.items() if inner in names), None):
            raise UserError(f"{path}: it is {document}")
        if len(members) != 1:
            found = f"{len(members)} files ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
            unpack = f"unzip {word(path)} -d {word(path.with_suffix(''))}"
            raise UserError(f"{path}: a zip archive of {found}, expected one; unpack it: `{unpack}`")
        if members[0].flag_bits & 1:
            raise UserError(f"{path}: a zip archive with a password; unpack it")
        with archive.open(members[0]) as unpacked:
            yield unpacked


UNPACKERS: dict[bytes, Callable[[Path, IO[bytes]], AbstractContextManager[IO[bytes]]]] = {
    b"\x1f\x8b": lambda path, file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    b"\x28\xb5\x2f\xfd": _zstandard,
    b"BZh": lambda path, file: bz2.open(file),  # noqa: SIM115
    b"\xfd7zXZ\x00": lambda path, file: lzma.open(file),  # noqa: SIM115
    b"PK\x03\x04": _member,
}
