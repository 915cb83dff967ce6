"""Questions that lie in a bucket, and answers that go into one, of a real server that speaks S3."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from flows.predicting import answering, file
from tests.data.sources.remotes import services
from tests.flows.predicting.files import TEXTS, Ask
from tests.once import served_once

pytestmark = [pytest.mark.slow, pytest.mark.services]
BOX = "predict"
KEYS = {"AWS_ACCESS_KEY_ID": services.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": services.SECRET_KEY}
LINES = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_once(tmp_path_factory, "tests.data.sources.remotes.services:s3") as (address, _):
        yield address


@pytest.fixture
def bucket(s3_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Another program's client, beside which the command knows the server by botocore's own variables."""
    import s3fs

    for name, value in {**KEYS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": s3_address}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    keys = {"key": services.ACCESS_KEY, "secret": services.SECRET_KEY, "endpoint_url": s3_address}
    system = s3fs.S3FileSystem(**keys, skip_instance_cache=True, use_listings_cache=False)
    system.makedirs(BOX, exist_ok=True)
    for name in system.find(BOX):
        system.rm_file(name)
    system.pipe(f"{BOX}/in.jsonl", LINES.encode())
    return system


def test_after_an_interruption_the_same_command_goes_on_and_comes_to_the_same_bytes(
    bucket: Any, whole: bytes, asked: list[int], ask: Ask
) -> None:
    addresses = f"s3://{BOX}/in.jsonl", f"s3://{BOX}/far/out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        ask(*addresses)
    assert not bucket.exists(f"{BOX}/far/out.jsonl")
    asked.clear()
    assert ask(*addresses) == (40, 0)
    assert asked == [8, 8]
    assert bucket.cat(f"{BOX}/far/out.jsonl") == whole


def test_killed_once_the_output_is_there_the_same_command_knows_it_for_its_own(
    bucket: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.pipe(f"{BOX}/in.csv.gz", gzip.compress(b"text\nada\nbob\n"))
    addresses = f"s3://{BOX}/in.csv.gz", f"s3://{BOX}/out.parquet"
    with monkeypatch.context() as context:
        context.setattr(file.Part, "_end", lambda self: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            ask(*addresses)
    before = bucket.cat(f"{BOX}/out.parquet")
    assert ask(*addresses) == (2, 0)
    assert bucket.cat(f"{BOX}/out.parquet") == before
    with pytest.raises(UserError, match=rf"^s3://{BOX}/out\.parquet: is there already; remove it, or name"):
        ask(*addresses)


def test_an_object_that_changes_while_it_is_read_is_not_answered_in_part(
    bucket: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = answering.Answerer.answer

    def meanwhile(self: answering.Answerer, window: Any) -> Any:
        bucket.pipe(f"{BOX}/in.jsonl", LINES.replace("rome", "oslo").encode())
        return answer(self, window)

    monkeypatch.setattr(answering.Answerer, "answer", meanwhile)
    with pytest.raises(UserError, match=rf"^s3://{BOX}/in\.jsonl: has changed while its rows were answered"):
        ask(f"s3://{BOX}/in.jsonl", f"s3://{BOX}/out.jsonl")
    assert not bucket.exists(f"{BOX}/out.jsonl")


@pytest.mark.parametrize("name", [f"{BOX}/none.jsonl", "no-such-bucket/in.jsonl"])
def test_what_is_not_there_is_no_input(bucket: Any, ask: Ask, name: str) -> None:
    with pytest.raises(UserError, match=rf"^s3://{name}: (no such file, key or bucket|access refused)"):
        ask(f"s3://{name}", "out.jsonl")


def test_a_bucket_that_is_not_there_is_said_before_anything_is_answered(
    bucket: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering.Answerer, "answer", lambda *_: pytest.fail("it was answered"))
    with pytest.raises(UserError, match=r"^s3://no-such-bucket/out\.jsonl: no such file, key or bucket"):
        ask(f"s3://{BOX}/in.jsonl", "s3://no-such-bucket/out.jsonl")


def test_a_wrong_secret_is_refused_and_not_shown(
    bucket: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-the-test")
    with pytest.raises(UserError, match="access refused") as error:
        ask(f"s3://{BOX}/in.jsonl", f"s3://{BOX}/out.jsonl")
    assert "wrong-secret" not in str(error.value)
