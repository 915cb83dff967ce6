"""A mistake in a source or a remote is one clear sentence, before anything is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from components.errors import UserError
from tests.params.messages import complaint

PACKAGES = "packages: {}\n"
SQL = "{kind: sql, address: 'sqlite:///a.db', query: select 1}"
SOURCE = "source: {path: sources/mood.csv, format: csv, labels: [down, up]}"


def test_a_task_may_read_what_a_remote_brings(tiny_project: Path) -> None:
    text = (tiny_project / "params.yaml").read_text()
    text = text.replace(PACKAGES, f"{PACKAGES}remotes:\n  tickets: {SQL}\n")
    text = text.replace(
        "path: sources/mood.csv, format: csv", "path: downloads/tickets/rows.parquet, format: parquet"
    )
    (tiny_project / "params.yaml").write_text(text)
    assert params.load().remotes["tickets"].kind == "sql"


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("{kind: url, adress: x}", "remotes.x.adress: unknown key (did you mean 'address'?); expected one of address"),
        ("{kind: url}", "remotes.x.address: missing"),
        ("{kind: sqll, address: x}", "remotes.x.kind: found sqll (did you mean 'sql'?); expected one of url, sql"),
        ("{address: x}", "remotes.x.kind: found nothing; expected one of url, sql, huggingface, dvc"),
        ("{kind: huggingface, dataset: a/b, files: []}", "remotes.x.files: found nothing, expected at least one"),
        ("{kind: url, address: 's3://me:hunter2@b/k'}", "remotes.x.address: a credential stands here; write ${NAME}"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_remote(tiny_project: Path, remote: str, expected: str) -> None:
    message = complaint(tiny_project, PACKAGES, f"{PACKAGES}remotes:\n  x: {remote}\n")
    assert expected in message
    assert "hunter2" not in message


@pytest.mark.parametrize("value", ["['postgresql://me:hunter2@h/d']", "{a: 'postgresql://me:hunter2@h/d'}"])
def test_an_address_of_the_wrong_type_is_not_shown_whole(tiny_project: Path, value: str) -> None:
    remote = f"remotes:\n  x: {{kind: sql, query: select 1, address: {value}}}\n"
    message = complaint(tiny_project, PACKAGES, PACKAGES + remote)
    assert "remotes.x.address" in message
    assert "hunter2" not in message


def test_a_remote_has_a_name_of_its_own(tiny_project: Path) -> None:
    package = "{file: a-1.0.tar.gz, sha256: " + "a" * 64 + ", members: [a]}"
    both = f"packages:\n  x: {package}\nremotes:\n  x: {SQL}\n"
    assert "remotes.x: a package has this name" in complaint(tiny_project, PACKAGES, both)


def test_a_pipeline_needs_the_section_to_be_there(tiny_project: Path) -> None:
    (tiny_project / "dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(UserError, match=r"remotes: missing; write `remotes: \{\}`"):
        params.load()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("format: parket", "tasks.mood.source.format: found 'parket'"),
        ("format: csv, limit: 0", "tasks.mood.source.limit: found 0"),
        (
            "format: csv, filter: {a: {b: c}}",
            "tasks.mood.source.filter.a.b: unknown key; expected one of in, longer_than",
        ),
        (
            "format: csv, filter: {a: {not: {nto: c}}}",
            "tasks.mood.source.filter.a.not.nto: unknown key (did you mean 'not'?)",
        ),
        (
            "format: csv, filter: {a: {in: {b: c}}}",
            "tasks.mood.source.filter.a.in: found {'b': 'c'}, expected a value or a list",
        ),
        ("format: csv, split_column: s, files: {train: a}", "`files` and `split_column` both say"),
        (
            "format: csv, split_column: s, split_values: {dev: valid}",
            "split_values.dev: found 'valid', input should be 'train', 'validation'",
        ),
        ("format: csv, files: {valid: a}", "tasks.mood.source.files.valid"),
        ("format: csv, label_map: [a]", "tasks.mood.source.label_map: found ['a']"),
    ],
)
def test_a_mistake_in_a_source(tiny_project: Path, source: str, expected: str) -> None:
    assert expected in complaint(tiny_project, SOURCE, f"source: {{path: sources/mood.csv, {source}}}")


@pytest.mark.parametrize("key", ["label_names: {}", "join: {{file: {}, by: text}}"])
@pytest.mark.parametrize("file", ["../names.txt", "/data/names.txt"])
def test_what_stands_outside_the_source_would_go_unwatched(tiny_project: Path, key: str, file: str) -> None:
    source = f"path: sources, files: {{train: mood.csv}}, format: csv, {key.format(file)}"
    message = complaint(tiny_project, SOURCE, f"source: {{{source}}}")
    assert f"'{file}' is not below source.path, 'sources'" in message
