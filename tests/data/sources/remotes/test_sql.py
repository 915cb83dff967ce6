"""Queries: typed Parquet, a version that follows the rows, and one sentence for each refusal."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import TryAgainError, UserError
from tests.data.sources.remotes import services
from tests.data.sources.remotes.conftest import declare


class TestSqlite:
    @pytest.fixture
    def database(self, tmp_path: Path) -> Path:
        with sqlite3.connect(tmp_path / "a.db") as connection:
            connection.execute("create table tickets (text text, label text, score real, late integer)")
            rows = [
                (f"t{n}", "up" if n % 2 else None, n / 2, n if n > 12_000 else None) for n in range(25_000)
            ]
            connection.executemany("insert into tickets values (?, ?, ?, ?)", rows)
        return tmp_path / "a.db"

    def remote(self, database: Path, query: str = "select * from tickets order by rowid"):
        return declare(kind="sql", address=f"sqlite:///{database}", query=query)

    def test_rows_of_several_batches_keep_types_and_order(self, database: Path, bring) -> None:
        table = pq.read_table(bring(self.remote(database)) / "rows.parquet")
        assert table.schema.types == [pa.string(), pa.string(), pa.float64(), pa.int64()]
        assert table.num_rows == 25_000
        assert table.slice(20_001, 1).to_pylist() == [
            {"text": "t20001", "label": "up", "score": 10_000.5, "late": 20_001}
        ]

    def test_the_version_is_that_of_the_rows_in_whatever_order(self, database: Path, ask) -> None:
        first = ask(self.remote(database))
        assert (first["rows"], first["columns"]) == (25_000, ["text", "label", "score", "late"])
        assert ask(self.remote(database, "select * from tickets order by rowid desc")) == first
        with sqlite3.connect(database) as connection:
            connection.execute("update tickets set label = 'down' where text = 't7'")
        assert ask(self.remote(database)) != first

    def test_no_rows_are_a_table_without_rows(self, database: Path, bring) -> None:
        table = pq.read_table(
            bring(self.remote(database, "select * from tickets where 1 = 0")) / "rows.parquet"
        )
        assert (table.num_rows, table.column_names) == (0, ["text", "label", "score", "late"])

    def test_a_colon_in_the_query_is_a_colon(self, database: Path, bring) -> None:
        query = "select ':label' as a, 'x::y' as b"
        assert pq.read_table(bring(self.remote(database, query)) / "rows.parquet").to_pylist() == [
            {"a": ":label", "b": "x::y"}
        ]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("select * from ticket", "no such table: ticket"),
            ("select txt from tickets", "no such column: txt"),
            ("selekt 1", "syntax error"),
            ("create table other (a text)", "not return rows"),
            ("select 'a' as x union all select 1", "column 'x': values of several types"),
        ],
    )
    def test_a_query_that_fails_is_one_sentence(
        self, database: Path, bring, query: str, sentence: str
    ) -> None:
        with pytest.raises(UserError, match=sentence) as error:
            bring(self.remote(database, query))
        assert "\n" not in str(error.value)

    def test_a_file_that_is_not_there_is_not_made(self, tmp_path: Path, ask) -> None:
        with pytest.raises(UserError, match="no such file"):
            ask(self.remote(tmp_path / "none.db"))
        assert not (tmp_path / "none.db").exists()

    @pytest.mark.parametrize("address", ["nosql://x/y", "not an address", "mysql://h/d"])
    def test_an_address_that_no_driver_knows(self, ask, address: str) -> None:
        with pytest.raises(UserError, match=address.partition(":")[0]):
            ask(declare(kind="sql", address=address, query="select 1"))


class TestPostgres:
    """A real server that asks for a password."""

    ADDRESS = "postgresql://${DB_USER}:${DB_PASSWORD}@127.0.0.1:${DB_PORT}/postgres"

    @pytest.fixture(autouse=True)
    def table(self, postgres_port: int, monkeypatch: pytest.MonkeyPatch):
        import psycopg

        monkeypatch.setenv("DB_USER", services.USER)
        monkeypatch.setenv("DB_PASSWORD", services.quoted(services.PASSWORD))
        monkeypatch.setenv("DB_PORT", str(postgres_port))
        with psycopg.connect(
            host="127.0.0.1",
            port=postgres_port,
            user=services.USER,
            password=services.PASSWORD,
            dbname="postgres",
        ) as connection:
            connection.execute("drop table if exists tickets")
            connection.execute(
                "create table tickets (id uuid default gen_random_uuid(), text text, price numeric(8, 2),"
                " made timestamptz default now(), tags text[], about jsonb)"
            )
            connection.execute(
                "insert into tickets (text, price, tags, about)"
                " select 't' || n, n, array['a', 'b'], '{\"lang\": \"de\"}' from generate_series(1, 30000) n"
            )
            connection.commit()
            yield connection

    def remote(self, query: str = "select * from tickets", **settings):
        return declare(**{"kind": "sql", "address": self.ADDRESS, "query": query, **settings})

    def test_lists_objects_numbers_and_times(self, bring) -> None:
        table = pq.read_table(bring(self.remote()) / "rows.parquet")
        assert table.num_rows == 30_000
        row = table.slice(29_999, 1).to_pylist()[0]
        assert (row["tags"], row["about"], row["price"]) == (["a", "b"], {"lang": "de"}, 30_000.0)
        assert isinstance(row["id"], str)
        assert isinstance(row["made"], str)

    def test_the_version_follows_the_rows(self, table, ask) -> None:
        first = ask(self.remote())
        assert ask(self.remote()) == first
        table.execute("update tickets set text = 'other' where price = 7")
        table.commit()
        assert ask(self.remote()) != first

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("select * from ticket", 'relation "ticket" does not exist'),
            ("selekt 1", "syntax error"),
            ("select text / 2 from tickets", "operator does not exist"),
            ("select 1 / (price - 15000) from tickets", "division by zero"),  # after rows have come
        ],
    )
    def test_a_query_that_fails_is_one_sentence(self, ask, query: str, sentence: str) -> None:
        with pytest.raises(UserError, match=sentence) as error:
            ask(self.remote(query))
        assert "\n" not in str(error.value)

    def test_a_wrong_password_is_refused_and_not_shown(self, ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DB_PASSWORD", "wrong-of-the-test")
        with pytest.raises(UserError, match="password authentication failed") as error:
            ask(self.remote())
        assert "wrong-of-the-test" not in str(error.value)

    def test_a_database_that_is_not_there(self, ask) -> None:
        with pytest.raises(UserError, match=r'database "none" does not exist'):
            ask(self.remote(address=self.ADDRESS.replace("/postgres", "/none")))

    def test_a_server_that_is_not_there_may_be_tried_again(
        self, ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DB_PORT", str(services.free_port()))
        with pytest.raises(TryAgainError, match="no answer"):
            ask(self.remote())
