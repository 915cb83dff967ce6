"""Files on a web server and in a bucket: asked for their version, streamed, refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import TryAgainError, UserError
from tests.data.sources.remotes import services
from tests.data.sources.remotes.conftest import declare

CSV = b"text,label\ngood,up\n"


class TestWeb:
    def test_a_file_is_brought_under_its_name(self, web, bring) -> None:
        (web.folder / "a.csv").write_bytes(CSV)
        folder = bring(declare(kind="url", address=f"{web.address}/a.csv"))
        assert (folder / "a.csv").read_bytes() == CSV

    def test_the_etag_is_the_version_and_the_file_is_not_read_for_it(self, web, ask) -> None:
        (web.folder / "a.csv").write_bytes(CSV)
        remote = declare(kind="url", address=f"{web.address}/a.csv")
        first = ask(remote)
        assert set(first["files"]["a.csv"]) == {"size", "checksum"}
        assert ask(remote) == first
        assert not any(asked.startswith("GET") for asked in web.asked)
        (web.folder / "a.csv").write_bytes(CSV.replace(b"up", b"no"))
        assert ask(remote) != first

    def test_a_server_that_says_nothing_has_its_file_hashed(self, web, ask) -> None:
        web.etags = False
        (web.folder / "a.csv").write_bytes(CSV)
        remote = declare(kind="url", address=f"{web.address}/a.csv")
        first = ask(remote)
        assert "sha256" in first["files"]["a.csv"]
        (web.folder / "a.csv").write_bytes(CSV.replace(b"up", b"no"))
        assert ask(remote) != first

    @pytest.mark.slow
    def test_a_file_of_many_blocks_from_a_server_without_ranges(self, web, bring) -> None:
        web.etags = False
        content = b"".join(b"%07d\n" % n for n in range(1_500_000))
        (web.folder / "a.csv").write_bytes(content)
        assert (bring(declare(kind="url", address=f"{web.address}/a.csv")) / "a.csv").read_bytes() == content

    @pytest.mark.parametrize(
        ("status", "kind", "sentence"),
        [
            (0, UserError, "no such file, key or bucket"),
            (401, UserError, "access refused"),
            (403, UserError, "access refused"),
            (410, UserError, "the server answers 410"),
            (500, TryAgainError, "no answer"),
            (503, TryAgainError, "no answer"),
        ],
    )
    def test_a_refusal_is_one_sentence(self, web, ask, status: int, kind: type, sentence: str) -> None:
        web.status = status
        with pytest.raises(kind, match=sentence) as error:
            ask(declare(kind="url", address=f"{web.address}/a.csv"))
        assert "\n" not in str(error.value)

    def test_nobody_answers(self, ask) -> None:
        with pytest.raises(TryAgainError, match="no answer"):
            ask(declare(kind="url", address=f"http://127.0.0.1:{services.free_port()}/a.csv"))

    def test_a_token_in_the_address_reaches_the_server_and_nothing_else(
        self, web, ask, bring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("CORPUS_CODE", "sesame-of-the-test")
        (web.folder / "a.csv").write_bytes(CSV)
        remote = declare(kind="url", address=web.address + "/a.csv?token=${CORPUS_CODE}")
        folder = bring(remote)
        assert any("sesame-of-the-test" in asked for asked in web.asked)
        web.status = 500
        with pytest.raises(TryAgainError) as error:
            ask(remote)
        written = [file.read_text() for file in (tmp_path / "version.json", *folder.iterdir())]
        assert not any("sesame-of-the-test" in text for text in [*written, str(error.value)])


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("s4://bucket/a.csv", "s4"),
        ("file:///no/such/file.csv", "no such file, key or bucket"),
        ("https://host/${NO_SUCH_VARIABLE}", "the environment has no variable NO_SUCH_VARIABLE"),
    ],
)
def test_an_address_that_leads_nowhere(ask, address: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        ask(declare(kind="url", address=address))


def test_a_file_system_whose_library_is_not_here(ask) -> None:
    with pytest.raises(UserError, match=r"(?i)install"):
        ask(declare(kind="url", address="gs://bucket/a.csv"))


def test_a_folder_keeps_its_shape_and_a_pattern_chooses(tmp_path: Path, bring) -> None:
    for name in ("a/one.csv", "a/deep/two.csv", "a/three.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    names = lambda folder: {str(f.relative_to(folder)) for f in folder.rglob("*.[ct]*")}  # noqa: E731
    assert names(bring(declare(kind="url", address=f"file://{tmp_path}/a"))) == {
        "one.csv", "deep/two.csv", "three.txt",
    }  # fmt: skip
    assert names(bring(declare(kind="url", address=f"file://{tmp_path}/a/*.csv"))) == {"one.csv"}


def test_a_file_that_changes_while_it_is_read_is_not_kept(web, tmp_path: Path, ask) -> None:
    from components.data.sources import remotes

    (web.folder / "a.csv").write_bytes(CSV)
    remote = declare(kind="url", address=f"{web.address}/a.csv")
    ask(remote)
    (web.folder / "a.csv").write_bytes(CSV * 2)
    with pytest.raises(TryAgainError, match="changed while it was read"):
        remotes.fetch(remote, tmp_path / "version.json", tmp_path / "downloads/name")
    assert not (tmp_path / "downloads/name").exists()


class TestBucket:
    """A real S3-compatible server; the credentials are botocore's own variables."""

    @pytest.fixture(autouse=True)
    def environment(self, s3_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", services.ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", services.SECRET_KEY)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("S3_ENDPOINT", s3_address)

    @pytest.fixture
    def bucket(self, s3_address: str, request: pytest.FixtureRequest):
        import s3fs

        system = s3fs.S3FileSystem(
            key=services.ACCESS_KEY, secret=services.SECRET_KEY, endpoint_url=s3_address,
            skip_instance_cache=True, use_listings_cache=False,
        )  # fmt: skip
        name = f"bucket/{''.join(letter for letter in request.node.name if letter.isalnum())}"
        system.makedirs("bucket", exist_ok=True)
        system.pipe({f"{name}/corpus/a.csv": CSV, f"{name}/corpus/part/b.csv": CSV * 2})
        return system, name

    def remote(self, path: str):
        return declare(kind="url", address=f"s3://{path}", options={"endpoint_url": "${S3_ENDPOINT}"})

    def test_a_key_and_a_prefix_are_brought(self, bucket, bring) -> None:
        _, name = bucket
        assert (bring(self.remote(f"{name}/corpus/a.csv")) / "a.csv").read_bytes() == CSV
        assert (bring(self.remote(f"{name}/corpus")) / "part/b.csv").read_bytes() == CSV * 2

    def test_the_version_changes_with_the_object_alone(self, bucket, ask) -> None:
        system, name = bucket
        remote = self.remote(f"{name}/corpus")
        first = ask(remote)
        system.pipe(f"{name}/elsewhere.csv", CSV)
        assert ask(remote) == first
        system.pipe(f"{name}/corpus/a.csv", CSV * 3)
        assert ask(remote) != first

    @pytest.mark.parametrize("path", ["corpus/none.csv", "none"])
    def test_a_key_that_is_not_there(self, bucket, ask, path: str) -> None:
        with pytest.raises(UserError, match="no such file, key or bucket"):
            ask(self.remote(f"{bucket[1]}/{path}"))

    def test_a_bucket_that_is_not_there(self, ask) -> None:
        with pytest.raises(UserError, match=r"no such file, key or bucket|access refused"):
            ask(self.remote("no-such-bucket/a.csv"))

    def test_a_wrong_secret_is_refused_and_not_shown(
        self, bucket, ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-the-test")
        with pytest.raises(UserError, match="access refused") as error:
            ask(self.remote(f"{bucket[1]}/corpus/a.csv"))
        assert "wrong-secret" not in str(error.value)
        assert services.ACCESS_KEY not in str(error.value)

    def test_a_server_that_is_gone_may_be_tried_again(self, ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("S3_ENDPOINT", f"http://127.0.0.1:{services.free_port()}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(TryAgainError, match="no answer"):
            ask(self.remote("bucket/a.csv"))
