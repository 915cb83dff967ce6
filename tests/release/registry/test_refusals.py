"""What is not released, and records that are not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UserError
from components.files import sha256, write_manifest
from components.release import commit, moves, registry
from components.release.records import BundleCard
from components.release.registry import CARD, RECORD, WEIGHTS, champion, open_champion
from tests.release.bentos import git, track, write_bento, write_verdict
from tests.release.registry.asked import hash_of, roll_back, served

pytestmark = pytest.mark.slow  # each makes a repository and releases: dozens of git processes


def test_another_release_under_the_name_of_a_champion_is_refused(two: Path) -> None:
    found = champion(hash_of("new"), two)
    assert found is not None
    with pytest.raises(UserError, match=r"that version is another one now, release v1\.0\.1"):
        open_champion(found.model_copy(update={"model": "0" * 64}), two)


def test_a_verdict_against_another_champion_releases_nothing(two: Path) -> None:
    write_bento(two / "bento", "c", "c")
    track(two)
    verdict = write_verdict(two, against=champion(hash_of("c"), two))
    roll_back(two, "v1.0.0")
    with pytest.raises(
        UserError, match=r"verdict\.json: made against release v1\.0\.1 .*, but .* is now release v1\.0\.0"
    ):
        moves.release(two / "bento", verdict, two)
    assert served(two) == "v1.0.0"


def test_a_verdict_against_another_release_of_the_same_version_releases_nothing(two: Path) -> None:
    """As that of a clone that has released at the same time."""
    write_bento(two / "bento", "c", "c")
    track(two)
    known = champion(hash_of("c"), two)
    assert known
    verdict = write_verdict(two, against=known)
    for other in ({"model": "0" * 64}, {"manifest": "0" * 64}):
        theirs = verdict.champion and verdict.champion.model_copy(update=other)
        with pytest.raises(
            UserError, match=r"made against release v1\.0\.1 .*is now release v1\.0\.1 .*run again"
        ):
            moves.release(two / "bento", verdict.model_copy(update={"champion": theirs}), two)
    assert moves.release(two / "bento", verdict, two).release == "v1.0.2"


def test_a_bento_that_dvc_does_not_have_is_not_released(project: Path) -> None:
    write_bento(project / "bento", "a", "a")
    verdict = write_verdict(project)
    with pytest.raises(
        UserError, match=r"dvc\.lock does not name it, and a release is what can be had again"
    ):
        moves.release(project / "bento", verdict, project)
    track(project)
    write_bento(project / "bento", "a", "other")
    with pytest.raises(UserError, match=r"dvc\.lock names another, or DVC's cache does not have it"):
        moves.release(project / "bento", write_verdict(project), project)
    assert not git(project, "tag")


def test_a_damaged_bento_is_not_released(project: Path) -> None:
    write_bento(project / "bento", "a", "a", megabytes=1)
    track(project)
    verdict = write_verdict(project)
    (project / "bento/weights").write_bytes(b"")
    with pytest.raises(UserError, match="truncated"):
        moves.release(project / "bento", verdict, project)
    assert not git(project, "tag")


def test_weights_that_the_gate_has_not_judged_are_not_released_though_manifest_and_dvc_know_them(
    project: Path,
) -> None:
    write_bento(project / "bento", "a", "judged")
    (project / "bento" / WEIGHTS).write_text("others")
    write_manifest(project / "bento")
    track(project)
    with pytest.raises(
        UserError, match=r"model\.safetensors: not the weights that src/bundle/card\.json names"
    ):
        moves.release(project / "bento", write_verdict(project), project)
    assert not git(project, "tag")


def test_a_bento_that_was_packed_on_another_verdict_is_not_released(project: Path) -> None:
    """As one that was forced, when the gate lets the same model out on other rows."""
    bento = write_bento(project / "bento", "a", "a")
    verdict = write_verdict(project)
    for packed, released in (("0" * 64, False), (sha256(project / "reports/verdict.json"), True)):
        card = BundleCard.read(bento / CARD)
        forced = {"evidence": {"verdict.json": packed}, "verdict": "HOLD", "forced": "says Ada"}
        card.model_copy(update=forced).write(bento / CARD)
        write_manifest(bento)
        track(project)
        if not released:
            with pytest.raises(UserError, match=r"bento: packed on another verdict \(000000000000\) than"):
                moves.release(bento, verdict, project)
            continue
        assert moves.release(bento, verdict, project, because="an alarm").release == "v1.0.0"
    found = registry.read(project)
    assert found.champion
    assert (found.champion.record.judged, found.champion.record.because) == (
        "HOLD, forced: says Ada",
        "an alarm",
    )
    assert found.moves[0].why == "says Ada"


def test_the_champions_bundle_with_other_bytes_is_refused(two: Path) -> None:
    write_bento(two / "bento", "b", "b", megabytes=1)
    track(two)
    with pytest.raises(UserError, match=r"bundle b was released as v1\.0\.1 with other bytes"):
        moves.release(two / "bento", write_verdict(two), two)
    (two / "bento/weights").write_bytes(b"")
    with pytest.raises(UserError, match="truncated"):  # before it is compared with what is known of it
        moves.release(two / "bento", write_verdict(two), two)


def test_a_folder_without_git_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not in a git repository, .*; run `git init` there"):
        registry.read(tmp_path)


def test_a_registry_of_an_earlier_version_is_not_taken_for_none(project: Path) -> None:
    (project / "releases").mkdir()
    (project / "releases/index.json").write_text('{"schema_version": 1, "releases": []}')
    with pytest.raises(UserError, match=r"releases of an earlier version; .* run `onetrunk upgrade` once"):
        registry.read(project)


def test_a_record_that_cannot_be_read_is_named(two: Path) -> None:
    tree = git(two, "mktree")
    other = git(two, "commit-tree", tree, "-m", "not one of ours")
    git(two, "tag", "-a", "-m", "onetrunk release v9.9.9", "tiny#champion#99", other)
    with pytest.raises(
        UserError, match=rf"commit {other[:12]}: tagged as a release, but has no release\.json"
    ):
        champion("any", two)


def test_a_promotion_at_the_commit_of_another_version_is_refused(two: Path) -> None:
    git(two, "tag", "-a", "-m", "onetrunk promote v1.0.1", "tiny#champion#99", "tiny@v1.0.0^{commit}")
    with pytest.raises(UserError, match=r"^commit \w{12}: tagged as v1\.0\.1, but it is v1\.0\.0$"):
        champion("any", two)


def test_a_record_that_leads_out_of_the_project_removes_nothing_there(two: Path) -> None:
    """As anybody may push one who may push tags."""
    mine = two / "mine/rows.csv"
    mine.parent.mkdir()
    mine.write_text("years of work")
    found = registry.read(two)
    assert found.champion
    hostile = found.champion.record.model_copy(update={"bundle": "../../mine"})
    written = commit.of_files(found.git, {RECORD: hostile.model_dump_json().encode()}, [], "x", 1_700_000_000)
    git(two, "tag", "-a", "-m", "onetrunk promote v1.0.1", "tiny#champion#99", written)
    with pytest.raises(UserError, match=rf"{written[:12]}:release\.json.*bundle"):
        open_champion(found.champion.record.identity, two)
    assert mine.exists()
