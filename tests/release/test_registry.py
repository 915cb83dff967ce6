import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.errors import UserError
from components.files import atomic_folder, read_json, verify_manifest, write_json
from components.release.registry import CARD, champion, index, release


def write_bento(folder: Path, version: str, model: str, megabytes: int = 0) -> Path:
    """A folder that looks like a Bento to the registry (synthetic)."""
    card = {"version": version, "model": {"sha256": model}, "verdict": "PROMOTE"}
    with atomic_folder(folder) as bento:
        (bento / CARD).parent.mkdir(parents=True)
        write_json(bento / CARD, card)
        (bento / "weights").write_bytes(bytes(megabytes << 20))
    return folder


def test_a_release_is_a_copy_and_the_champion(tmp_path: Path) -> None:
    bento, releases = write_bento(tmp_path / "bento", "v1", "m1"), tmp_path / "releases"
    assert release(bento, releases) == {"release": "v1", "model": "m1", "verdict": "PROMOTE"}
    assert verify_manifest(releases / "v1") == verify_manifest(bento)
    assert read_json(releases / "champion.json") == {"release": "v1"}


def test_the_same_release_again_changes_nothing(tmp_path: Path) -> None:
    bento, releases = write_bento(tmp_path / "bento", "v1", "m1"), tmp_path / "releases"
    first = release(bento, releases)
    stamp = (releases / "v1/weights").stat().st_mtime_ns
    assert release(bento, releases) == first
    assert index(releases) == [{"release": "v1", "model": "m1"}]
    assert (releases / "v1/weights").stat().st_mtime_ns == stamp


def test_the_champion_is_the_newest_release_of_another_model(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    assert champion("m1", releases) is None
    for version, model in (("v1", "m1"), ("v2", "m2"), ("v3", "m2")):
        release(write_bento(tmp_path / version, version, model), releases)
    assert champion("m3", releases) == releases / "v3"
    assert champion("m2", releases) == releases / "v1"


def test_a_return_to_an_older_release_is_an_entry_of_its_own(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    for version in ("v1", "v2", "v1"):
        release(write_bento(tmp_path / version, version, f"m{version}"), releases)
    assert [entry["release"] for entry in index(releases)] == ["v1", "v2", "v1"]
    assert read_json(releases / "champion.json") == {"release": "v1"}


def test_a_release_is_never_overwritten(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    release(write_bento(tmp_path / "a", "v1", "m1"), releases)
    with pytest.raises(UserError, match="released with other bytes"):
        release(write_bento(tmp_path / "b", "v1", "m1", megabytes=1), releases)
    assert index(releases) == [{"release": "v1", "model": "m1"}]


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


def test_racing_writers_lose_no_release(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    bentos = [write_bento(tmp_path / f"v{n}", f"v{n}", f"m{n}", megabytes=1) for n in range(6)]
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=release, args=(bento, releases)) for bento in bentos]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(entry["release"] for entry in index(releases)) == [f"v{n}" for n in range(6)]
    assert read_json(releases / "champion.json") == {"release": index(releases)[-1]["release"]}


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
        verify_manifest(releases / entry["release"])
    verify_manifest(releases / read_json(releases / "champion.json")["release"])
    release(bento, releases)
    assert read_json(releases / "champion.json") == {"release": "v2"}
