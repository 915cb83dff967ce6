"""The file at an address, opened, and still the same when all its rows were read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from components.data.sources.record import Version
from components.data.sources.remotes.url import complaints
from components.errors import UserError
from components.files import refuse_stream
from flows.predicting import reading
from flows.predicting.reading import Record, Table


def open_table(address: str, stack: ExitStack) -> tuple[Table, Version]:
    """Open the file at an address for as long as the `stack` lasts -> its rows, and its version."""
    import fsspec

    from components.data.sources.remotes.url import version_of

    with complaints(address):
        system, path = fsspec.core.url_to_fs(address)
        if "file" in system.protocol and system.isdir(path):
            raise UserError(f"{address}: is a folder, expected a file")
        if "file" in system.protocol:
            refuse_stream(Path(path))
        version = version_of(system, path)
        file = stack.enter_context(system.open(path, "rb"))
        table = reading.read(address, file, version["size"] or 0)
    return replace(table, records=_read_on(address, table.records)), version


def require_unchanged(address: str, before: Version) -> None:
    """Check that all rows were read of one file.

    Raises:
        UserError: it has changed meanwhile.
    """
    import fsspec

    from components.data.sources.remotes.url import version_of

    with complaints(address):
        if version_of(*fsspec.core.url_to_fs(address)) != before:
            raise UserError(
                f"{address}: has changed while its rows were answered, expected a file that stays as it is; "
                f"the same command begins anew"
            )


def _read_on(address: str, records: Iterator[Record]) -> Iterator[Record]:
    """The records. What goes wrong while one is read is the file's; what its reader does with it is not."""
    while True:
        with complaints(address):
            record = next(records, None)
        if record is None:
            return
        yield record
