"""The rows of a SQL query. Their version: how many, and a hash that does not depend on their order."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.data.sources.record import Version
from components.errors import TryAgainError, UserError, first_line
from components.settings.remotes import Sql
from components.settings.secrets import resolve

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row

BATCH = 10_000  # rows in memory at a time
PLAIN = (bool, int, float, str, bytes, list, dict, type(None))
REFUSED = re.compile(
    r"password|authenti|no pg_hba|(role|database|user) .* does not exist|unable to open", re.I
)


class Fingerprint:
    """Counts rows and sums their hashes: the same rows in another order are the same version."""

    def __init__(self) -> None:
        self.rows, self.sum = 0, 0

    def add(self, rows: Sequence[Row[Any]]) -> None:
        self.rows += len(rows)
        for row in rows:
            digest = hashlib.blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16)
            self.sum += int.from_bytes(digest.digest(), "big")

    def version(self, columns: Sequence[str]) -> Version:
        return {"columns": list(columns), "rows": self.rows, "hash": f"{self.sum % 2**128:032x}"}


def version(remote: Sql) -> Version:
    """{"columns", "rows", "hash"}."""
    fingerprint, columns = Fingerprint(), list[str]()
    for columns, rows in _batches(remote):  # noqa: B007 the same each time
        fingerprint.add(rows)
    return fingerprint.version(columns)


def fetch(remote: Sql, folder: Path) -> Version:
    """Stream the rows into `rows.parquet`, by way of parts: only the last row settles a column's type."""
    fingerprint, columns = Fingerprint(), list[str]()
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        parts: list[Path] = []
        for columns, rows in _batches(remote):
            fingerprint.add(rows)
            parts.append(Path(temporary) / f"{len(parts)}.parquet")
            pq.write_table(_table(columns, rows), parts[-1])
        _join(parts, folder / "rows.parquet")
    return fingerprint.version(columns)


def _table(columns: Sequence[str], rows: Sequence[Row[Any]]) -> pa.Table:
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = {}
    for name, column in zip(columns, values, strict=True):
        try:
            arrays[name] = pa.array([_plain(value) for value in column])
        except pa.ArrowException:
            raise UserError(f"column '{name}': values of several types; cast it in the query") from None
    return pa.table(arrays)


def _plain(value: Any) -> Any:
    """Numbers, texts, lists and objects as they are; a time or an UUID as text."""
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, PLAIN) else str(value)


def _join(parts: Sequence[Path], target: Path) -> None:
    schemas = [pq.read_schema(part) for part in parts]
    try:
        schema = pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowException as error:
        raise UserError(f"a column has values of several types ({error}); cast it in the query") from None
    with pq.ParquetWriter(target, _without_null(schema), compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part, memory_map=True).cast(writer.schema))


def _without_null(schema: pa.Schema) -> pa.Schema:
    """A column without a single value is one of texts."""
    return pa.schema([(one.name, pa.string() if pa.types.is_null(one.type) else one.type) for one in schema])


def _batches(remote: Sql) -> Iterator[tuple[list[str], Sequence[Row[Any]]]]:
    """(columns, rows) until there are no more; one empty batch where there is no row at all."""
    import sqlalchemy

    with _complaints(remote), _engine(remote).connect() as connection:
        statement = sqlalchemy.text(remote.query.replace(":", r"\:"))  # no parameters: a colon is a colon
        result = connection.execution_options(stream_results=True, yield_per=BATCH).execute(statement)
        columns, empty = list(result.keys()), True
        for rows in result.partitions(BATCH):
            empty = False
            yield columns, rows
        if empty:
            yield columns, []


def _engine(remote: Sql) -> Engine:
    import sqlalchemy

    url = sqlalchemy.make_url(resolve(remote.address))
    if url.drivername == "postgresql":  # SQLAlchemy's default for it is an older driver
        url = url.set(drivername="postgresql+psycopg")
    file = url.database or ""
    if url.get_backend_name() == "sqlite" and not Path(file).is_file():  # SQLite would make an empty one
        raise UserError(f"{remote.address}: no such file")
    return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)


@contextmanager
def _complaints(remote: Sql) -> Iterator[None]:
    """SQLAlchemy's failures in the user's terms."""
    from sqlalchemy import exc

    try:
        yield
    except exc.DBAPIError as error:
        reason = first_line(error.orig or error)
        refused = REFUSED.search(str(error.orig)) is not None
        lost = error.statement is None and isinstance(error, exc.OperationalError)
        passing = error.connection_invalidated or "database is locked" in reason
        if passing or (lost and not refused):
            raise TryAgainError(f"{remote.address}: no answer ({reason})") from None
        raise UserError(f"{remote.address}: {reason}; see its address and its query") from None
    except (exc.ArgumentError, exc.NoSuchModuleError, exc.ResourceClosedError, ModuleNotFoundError) as error:
        raise UserError(f"{remote.address}: {first_line(error)}") from None
