import hashlib
import multiprocessing
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.errors import UserError
from components.evaluation.records import ReleaseReport
from components.files import read_json, verify_manifest, write_json, write_manifest
from components.release.records import Release
from components.release.registry import WEIGHTS, champion, index, open_champion, release
from tests.release.bentos import write_bento


def served(version: str) -> dict[str, object]:
    """releases/champion.json of this version."""
    return {"schema_version": 1, "release": version}


def hash_of(model: str) -> str:
    return hashlib.sha256(model.encode()).hexdigest()


def test_a_release_is_a_copy_and_the_champion(tmp_path: Path) -> None:
    bento, releases = write_bento(tmp_path / "bento", "v1", "m1"), tmp_path / "releases"
    assert release(bento, releases) == ReleaseReport(release="v1", model=hash_of("m1"), verdict="PROMOTE")
    assert verify_manifest(releases / "v1") == verify_manifest(bento)
    assert read_json(releases / "champion.json") == served("v1")


def test_the_same_release_again_changes_nothing(tmp_path: Path) -> None:
    bento, releases = write_bento(tmp_path / "bento", "v1", "m1"), tmp_path / "releases"
    first = release(bento, releases)
    stamp = (releases / "v1/weights").stat().st_mtime_ns
    assert release(bento, releases) == first
    assert index(releases) == [Release(release="v1", model=hash_of("m1"))]
    assert (releases / "v1/weights").stat().st_mtime_ns == stamp


def test_the_champion_is_the_newest_release_of_another_model(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    assert champion(hash_of("m1"), releases) is None
    for version, model in (("v1", "m1"), ("v2", "m2"), ("v3", "m2")):
        release(write_bento(tmp_path / version, version, model), releases)
    for candidate, expected in (("m3", "v3"), ("m2", "v1")):
        found = champion(hash_of(candidate), releases)
        assert found is not None
        assert found.release == expected
        assert open_champion(found, releases) == releases / expected / "src/bundle"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A registry of two releases."""
    for version, model in (("v1", "m1"), ("v2", "m2")):
        release(write_bento(tmp_path / version, version, model), tmp_path / "releases")
    return tmp_path / "releases"


def test_a_lost_index_is_not_taken_for_a_registry_without_releases(two: Path, tmp_path: Path) -> None:
    (two / "index.json").unlink()
    for ask in (lambda: champion("m", two), lambda: release(write_bento(tmp_path / "v3", "v3", "m3"), two)):
        with pytest.raises(UserError, match=r"index\.json: missing, but there are releases \(v1, v2\)"):
            ask()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"schema_version": 1, "rel', r"not JSON \(.*\); put it back from a copy"),
        ('{"schema_version": 7, "releases": []}', r"schema_version: found 7, expected 1; .*: put it back from a copy"),
        ('{"schema_version": 1, "releases": [{"release": "v1"}]}', r"releases\.0\.model: Field required"),
        ("7", r"schema_version: found none, expected 1"),
    ],
)  # fmt: skip
def test_a_torn_index_is_one_sentence(two: Path, content: str, sentence: str) -> None:
    (two / "index.json").write_text(content)
    with pytest.raises(UserError, match=rf"index\.json: {sentence}"):
        champion("m", two)


def test_an_index_of_an_earlier_version_is_read(two: Path) -> None:
    write_json(two / "index.json", [{"release": "v1", "model": hash_of("m1")}])
    assert index(two) == [Release(release="v1", model=hash_of("m1"))]


def test_a_champion_whose_folder_is_gone_is_not_no_champion(two: Path) -> None:
    shutil.rmtree(two / "v2")
    with pytest.raises(UserError, match=r"v2/manifest\.json: missing, but .*index\.json names this release"):
        champion(hash_of("m3"), two)
    assert champion(hash_of("m2"), two) is not None  # which is compared with v1


def test_a_champion_whose_weights_were_altered_is_not_opened(two: Path) -> None:
    found = champion(hash_of("m3"), two)
    assert found is not None
    (two / "v2" / WEIGHTS).write_text("m9")
    with pytest.raises(UserError, match=r"model\.safetensors: SHA-256 differs"):
        open_champion(found, two)
    write_manifest(two / "v2")  # whoever alters the manifest too
    with pytest.raises(UserError, match="not the bytes that were released"):
        open_champion(found, two)
    altered = champion(hash_of("m3"), two)
    assert altered is not None
    with pytest.raises(UserError, match="not the bytes that were released"):
        open_champion(altered, two)


def test_a_return_to_an_older_release_is_an_entry_of_its_own(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    for version in ("v1", "v2", "v1"):
        release(write_bento(tmp_path / version, version, f"m{version}"), releases)
    assert [entry.release for entry in index(releases)] == ["v1", "v2", "v1"]
    assert read_json(releases / "champion.json") == served("v1")


def test_a_release_is_never_overwritten(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    release(write_bento(tmp_path / "a", "v1", "m1"), releases)
    with pytest.raises(UserError, match="released with other bytes"):
        release(write_bento(tmp_path / "b", "v1", "m1", megabytes=1), releases)
    assert index(releases) == [Release(release="v1", model=hash_of("m1"))]


def test_a_damaged_bento_is_not_released(tmp_path: Path) -> None:
    bento = write_bento(tmp_path / "bento", "v1", "m1", megabytes=1)
    (bento / "weights").write_bytes(b"")
    with pytest.raises(UserError, match="truncated"):
        release(bento, tmp_path / "releases")
    assert index(tmp_path / "releases") == []


@pytest.mark.parametrize("text", ["{}", '["v1"]', '[{"release": "v1"}]', '[{"rel'])
def test_a_list_of_releases_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(UserError, match=r"index\.json: "):
        champion("any", tmp_path)


@pytest.mark.slow
def test_racing_writers_lose_no_release(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    bentos = [write_bento(tmp_path / f"v{n}", f"v{n}", f"m{n}", megabytes=1) for n in range(6)]
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=release, args=(bento, releases)) for bento in bentos]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(entry.release for entry in index(releases)) == [f"v{n}" for n in range(6)]
    assert read_json(releases / "champion.json") == served(index(releases)[-1].release)


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_killed_writer_leaves_a_readable_registry(delay: float, tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    release(write_bento(tmp_path / "old", "v1", "m1"), releases)
    bento = write_bento(tmp_path / "new", "v2", "m2", megabytes=100)
    code = (
        "import sys; from pathlib import Path; from components.release.registry import release; "
        "print(flush=True); release(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(bento), str(releases)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert writer.stdout
    writer.stdout.readline()
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    for entry in index(releases):
        verify_manifest(releases / entry.release)
    verify_manifest(releases / read_json(releases / "champion.json")["release"])
    release(bento, releases)
    assert read_json(releases / "champion.json") == served("v2")
