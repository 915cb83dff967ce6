"""What is the champion, what a candidate is compared with, and how a release changes both."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import shutil
from pathlib import Path

import pytest

from components.errors import UserError
from components.evaluation.records import CHAMPION, Bar, ChampionReport, GateRule, ReleaseReport, Rules
from components.files import sha256, verify_manifest, write_manifest
from components.release import checkout, commit, moves, registry, tags
from components.release.git import TURN, Git, turn
from components.release.records import BundleCard
from components.release.registry import CARD, RECORD, WEIGHTS, champion, open_champion, rolled_back
from flows.releases import change
from tests.release.bentos import (
    git,
    manifest_of,
    release,
    repository,
    track,
    two_releases,
    write_bento,
    write_verdict,
)

pytestmark = pytest.mark.slow  # each makes a repository and releases: dozens of git processes


def hash_of(model: str) -> str:
    return hashlib.sha256(model.encode()).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path / "project")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A project with two releases: v1.0.0 of bundle and model a, v1.0.1 of b."""
    return two_releases(tmp_path / "project")


def served(project: Path) -> str | None:
    found = registry.read(project).champion
    return found and found.version


def roll_back(project: Path, version: str) -> None:
    moves.promote(version, "it was bad", project, "rollback")


def test_a_release_is_a_commit_and_the_champion(project: Path) -> None:
    said = release(project, "a")
    assert said == ReleaseReport(release="v1.0.0", bundle="a", model=hash_of("a"), verdict="PROMOTE")
    found = registry.read(project)
    assert found.champion
    assert verify_manifest(found.folder(found.champion)) == verify_manifest(project / "bento")
    held = git(project, "ls-tree", "-r", "--name-only", "tiny@v1.0.0").split()
    assert {"params.yaml", "dvc.yaml", "dvc.lock", "reports/verdict.json", RECORD} <= set(held)
    record = found.champion.record
    assert (record.manifest, record.verdict) == (manifest_of(project / "bento"), "PROMOTE")
    assert record.commit == git(project, "rev-parse", "HEAD") == git(project, "rev-parse", "tiny@v1.0.0^")
    assert record.who == "ada <ada@localhost>" or "@" in record.who


def test_a_release_holds_what_has_changed_in_tracked_files_and_no_other_file(project: Path) -> None:
    (project / "params.yaml").write_text("seed: 2\n")
    (project / "notes.md").write_text("before")
    git(project, "add", "notes.md")
    (project / "notes.md").write_text("after")
    (project / "mine.txt").write_text("not tracked")
    release(project, "a")
    assert git(project, "show", "tiny@v1.0.0:params.yaml") == "seed: 2"
    assert git(project, "show", "tiny@v1.0.0:notes.md") == "after"
    assert "mine.txt" not in git(project, "ls-tree", "-r", "--name-only", "tiny@v1.0.0")


def test_a_commit_has_the_time_that_the_record_says(project: Path) -> None:
    """So that equal releases are one commit, whenever they are written."""
    made = commit.of_files(Git(project), {"a": b"a"}, [], "a", 1_000_000_000)
    assert git(project, "show", "-s", "--format=%at %ct", made) == "1000000000 1000000000"


def test_the_same_release_again_changes_nothing(two: Path) -> None:
    refs = git(two, "for-each-ref")
    assert release(two, "b").release == "v1.0.1"
    assert moves.promote("v1.0.1", "again", two).version == "v1.0.1"
    assert git(two, "for-each-ref") == refs


def test_what_a_candidate_is_compared_with(project: Path) -> None:
    """The champion; for the champion's own model, again, what that was compared with."""
    assert champion(hash_of("a"), project) is None
    for bundle, model in (("a", "a"), ("b", "b"), ("c", "b")):
        release(project, bundle, model)
    for candidate, expected in (("new", "v1.0.2"), ("b", "v1.0.0"), ("a", "v1.0.2")):
        found = champion(hash_of(candidate), project)
        assert found is not None
        assert found.release == expected
        assert open_champion(found, project).parts[-2:] == ("src", "bundle")


def test_a_release_says_what_it_had_to_reach(project: Path) -> None:
    """By the verdict of its commit, whatever params.yaml says today; where that has no settings, nothing."""
    release(project, "a")
    first = champion("another", project)
    assert first
    assert registry.bar_of(first, project) is None
    write_bento(project / "bento", "b", "b")
    track(project)
    rule = GateRule(metric="accuracy", floor=0.6, margin=0.02)
    rules = Rules(gates={"mood": rule}, shown_loss=0.3, anchor_margin=1.0, further={"slices": {}})
    verdict = write_verdict(project, against=first).model_copy(update={"rules": rules})
    verdict.write(project / "reports/verdict.json")
    moves.release(project / "bento", verdict, project)
    second = champion("another", project)
    assert second
    assert registry.bar_of(second, project) == Bar(
        gates={"mood": rule}, confidence=0.95, anchor_margin=1.0, further=["slices"], asked={"slices": {}}
    )


def test_a_return_to_an_earlier_bundle_is_a_release_of_its_own(two: Path) -> None:
    assert release(two, "a").release == "v1.0.2"
    found = champion(hash_of("a"), two)
    assert found is not None
    assert found.release == "v1.0.1"


def test_after_a_rollback_everybody_is_given_the_earlier_release(two: Path) -> None:
    roll_back(two, "v1.0.0")
    assert served(two) == "v1.0.0"
    found = champion(hash_of("b"), two)
    assert found is not None
    assert found.release == "v1.0.0"
    assert rolled_back(hash_of("b"), two) == "v1.0.1"
    assert rolled_back(hash_of("a"), two) is None


def test_a_release_that_was_rolled_back_is_a_candidate_again_once_it_is_promoted(two: Path) -> None:
    roll_back(two, "v1.0.0")
    moves.promote("v1.0.1", "", two)
    assert served(two) == "v1.0.1"
    assert rolled_back(hash_of("b"), two) is None


def test_two_rollbacks_go_two_releases_back(two: Path) -> None:
    release(two, "c")
    stages = {"v1.0.2": ["champion"], "v1.0.1": ["previous"], "v1.0.0": ["anchor"]}
    assert registry.read(two).stages() == stages
    for _ in range(2):
        change.roll_back(two, None, "it was bad")
    assert registry.read(two).line == ["v1.0.0"]
    assert registry.read(two).rolled_back == dict.fromkeys(("v1.0.1", "v1.0.2"), "it was bad")


def test_a_rollback_to_one_that_was_rolled_back_keeps_the_way_further_back(two: Path) -> None:
    release(two, "c")
    roll_back(two, "v1.0.1")
    for bundle in ("d", "e"):
        release(two, bundle)
    roll_back(two, "v1.0.2")  # from v1.0.4, over v1.0.3, to what is no champion of the line any more
    found = registry.read(two)
    assert found.line == ["v1.0.0", "v1.0.1", "v1.0.2"]
    assert set(found.rolled_back) == {"v1.0.3", "v1.0.4"}
    roll_back(two, "v1.0.4")  # which is newer: what was left is rolled back, and nothing else
    found = registry.read(two)
    assert found.line == ["v1.0.0", "v1.0.1", "v1.0.4"]
    assert set(found.rolled_back) == {"v1.0.2", "v1.0.3"}


def test_a_version_after_a_rollback_is_none_that_was_there(two: Path) -> None:
    roll_back(two, "v1.0.0")
    assert release(two, "c").release == "v1.0.2"


@pytest.mark.parametrize(
    ("labels", "version"),
    [
        ({"mood": ["bad", "good"]}, "v1.0.1"),
        ({"mood": ["bad", "good", "mixed"]}, "v1.1.0"),
        ({"mood": ["bad", "good"], "topic": ["art"]}, "v1.1.0"),
        ({"mood": ["bad"]}, "v2.0.0"),
        ({"topic": ["art"]}, "v2.0.0"),
    ],
)
def test_the_version_says_what_callers_must_know(
    project: Path, labels: dict[str, list[str]], version: str
) -> None:
    release(project, "a")
    assert release(project, "b", labels=labels).release == version


def test_another_name_of_the_service_is_no_first_release(two: Path) -> None:
    assert release(two, "c", name="renamed").release == "v1.0.2"
    assert served(two) == "v1.0.2"
    assert "renamed@v1.0.2" in git(two, "tag")


def test_a_project_in_a_folder_of_a_repository_has_releases_of_its_own(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    release(top, "a")
    below = top / "below it"
    shutil.copytree(top, below, ignore=shutil.ignore_patterns(".git", "below it", ".onetrunk"))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "two")
    assert registry.read(below).champion is None
    release(below, "b")
    assert (served(top), served(below)) == ("v1.0.0", "v1.0.0")
    (tag,) = (
        name for name in git(top, "tag").split() if re.fullmatch(r"below-it-[0-9a-f]{8}=tiny@v1.0.0", name)
    )
    assert "below it/release.json" in git(top, "ls-tree", "-r", "--name-only", tag)


def with_projects(folder: Path, *names: str) -> Path:
    """A repository with a project in each of these folders."""
    top = repository(folder)
    for name in names:
        shutil.copytree(top, top / name, ignore=shutil.ignore_patterns(".git", ".onetrunk", *names))
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "more")
    return top


def test_folders_whose_names_look_the_same_in_tags_have_releases_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = with_projects(tmp_path / "top", "a b", "a+b")
    with monkeypatch.context() as before:  # as versions up to 0.8 named it
        before.setattr(tags, "_folder", tags._as_before)
        release(top / "a b", "a")
    assert registry.read(top / "a+b").champion is None
    assert served(top / "a b") == "v1.0.0"
    release(top / "a+b", "b")
    release(top / "a b", "c")
    assert (served(top / "a b"), served(top / "a+b")) == ("v1.0.1", "v1.0.0")


def test_a_tag_that_is_called_as_the_folder_above_is_named_with_what_to_do(tmp_path: Path) -> None:
    top = with_projects(tmp_path / "top", "apps/desk")
    git(top, "tag", "apps")
    with pytest.raises(
        UserError, match=r"; give that tag another name: `git tag NEW apps`, then `git tag -d apps`$"
    ):
        release(top / "apps/desk", "a")
    git(top, "tag", "old-apps", "apps")
    git(top, "tag", "-d", "apps")
    release(top / "apps/desk", "a")
    assert served(top / "apps/desk") == "v1.0.0"


def test_a_folder_whose_name_no_tag_can_have_has_releases_too(tmp_path: Path) -> None:
    top = with_projects(tmp_path / "top", ".ml", "a..b", "x.lock")
    (top / "x.lock").rename(top / "x")
    (top / "x.lock").mkdir()
    (top / "x").rename(top / "x.lock/y")
    for folder in (".ml", "a..b", "x.lock/y"):
        release(top / folder, "a")
        assert served(top / folder) == "v1.0.0"


def test_a_project_whose_names_another_has_left_behind_goes_on_from_the_next_free_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to 0.8 the tags of `a b` began as those of `a-b` do."""
    top = with_projects(tmp_path / "top", "a b", "a-b")
    with monkeypatch.context() as before:
        before.setattr(tags, "_folder", tags._as_before)
        release(top / "a b", "a")
        release(top / "a b", "b")
    left = [tag.when for tag in registry.read(top / "a b").tags]
    assert [release(top / "a-b", bundle).release for bundle in ("c", "d")] == ["v2.0.0", "v2.0.1"]
    assert release(top / "a b", "e").release == "v1.0.2"
    assert (served(top / "a b"), served(top / "a-b")) == ("v1.0.2", "v2.0.1")
    assert min(tag.when for tag in registry.read(top / "a-b").tags) > max(left)  # GTO takes the newest


def test_anchors_are_what_the_verdict_says_and_go_back_with_a_rollback(project: Path) -> None:
    labels = {"mood": ["bad", "good"], "topic": ["art"]}
    release(project, "a", labels=labels)
    release(project, "b", labels=labels)
    write_bento(project / "bento", "c", "c", labels=labels)
    track(project)
    against = champion(hash_of("c"), project)
    kept = registry.anchors(against, project)["mood"]
    verdict = write_verdict(project, against=against, anchors={"mood": kept, "topic": None})
    moves.release(project / "bento", verdict, project)
    assert anchored(project) == {"mood": "v1.0.0", "topic": "v1.0.2"}
    roll_back(project, "v1.0.1")
    assert anchored(project) == {"mood": "v1.0.0", "topic": "v1.0.0"}


def test_anchors_and_rollbacks_that_a_file_leaves_out_are_asked_all_the_same(two: Path) -> None:
    """reports/champion.json lies on disk between two stages, where anybody can edit it."""
    model = hash_of("new")
    true = ChampionReport(champion=champion(model, two), anchors=registry.anchors(champion(model, two), two))
    assert true.anchors
    (two / "reports").mkdir(exist_ok=True)
    true.write(two / CHAMPION)
    assert registry.named(model, two) == true
    for edited, what in (({"anchors": {}}, "anchors"), ({"rolled_back": "v1.0.0"}, "rolled_back")):
        true.model_copy(update=edited).write(two / CHAMPION)
        with pytest.raises(UserError, match=f"its {what} are not what the releases say"):
            registry.named(model, two)


def anchored(project: Path) -> dict[str, str]:
    found = registry.anchors(champion("a new model", project), project)
    return {head: one.release for head, one in found.items()}


def test_bytes_that_are_gone_come_back_from_dvcs_cache(two: Path) -> None:
    shutil.rmtree(two / ".onetrunk")
    found = registry.read(two)
    assert found.champion
    folder = found.folder(found.champion)
    assert manifest_of(folder) == found.champion.record.manifest
    (folder / WEIGHTS).write_text("x")
    assert manifest_of(found.folder(found.champion)) == found.champion.record.manifest
    assert (folder / WEIGHTS).read_text() == "b"
    (folder / "src/torch.py").write_text("which Python would find first")
    assert not (found.folder(found.champion) / "src/torch.py").exists()


@pytest.mark.slow
def test_bytes_that_are_nowhere_are_never_no_champion(two: Path) -> None:
    found = champion(hash_of("new"), two)
    assert found is not None
    shutil.rmtree(two / ".onetrunk")
    shutil.rmtree(two / ".dvc/cache")
    with pytest.raises(
        UserError, match=r"^release v1\.0\.1 \(bundle b\): neither DVC's cache nor its remote has"
    ):
        open_champion(found, two)
    assert not list((two / ".onetrunk/releases").glob("*"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_bytes_of_another_users_repository_are_one_sentence_that_says_how_git_may_read_it(
    two: Path,
) -> None:
    """As root in a container meets the project of the machine's user."""
    found = champion(hash_of("new"), two)
    assert found is not None
    for folder in (".onetrunk", ".dvc/cache"):
        shutil.rmtree(two / folder)
    for path in [two, *two.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    with pytest.raises(UserError, match=rf"another user's, .*--add safe\.directory {two}`"):
        open_champion(found, two)


def test_bytes_with_a_file_more_are_not_opened(project: Path) -> None:
    """Python would find a module of that name first."""
    release(project, "a")
    found = registry.read(project)
    assert found.champion

    def fill(target: Path) -> None:
        shutil.copytree(project / "bento", target)
        (target / "src/torch.py").write_text("x")

    shutil.rmtree(folder := project / ".onetrunk/releases/a")
    with pytest.raises(UserError, match=r"src/torch\.py: not a file of release v1\.0\.0"):
        checkout.put(found.git, found.champion.record, fill)
    assert not folder.exists()


def test_altered_bytes_are_not_opened(two: Path) -> None:
    found = champion(hash_of("new"), two)
    assert found is not None
    folder = open_champion(found, two).parents[1]
    for file in (two / ".dvc/cache").rglob("*"):
        if file.is_file() and file.read_bytes() == b"b":
            file.write_bytes(b"y")
    (folder / WEIGHTS).write_text("y")
    write_manifest(folder)  # whoever alters the manifest too
    with pytest.raises(UserError, match="neither DVC's cache nor its remote has its bytes"):
        open_champion(found, two)
    assert not folder.exists()


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


def test_tags_of_other_people_are_not_read(two: Path) -> None:
    git(two, "tag", "-a", "-m", "mine", "tiny#champion#99")
    git(two, "tag", "tiny#champion#100")
    git(two, "tag", "-a", "-m", "1.0", "v1.0")
    git(two, "tag", "-a", "-m", "mine\n\n\x1e\x1f\x1e", "tiny-mine")
    with_no_tagger(two, "tiny#champion#101")
    git(two, "tag", "-a", "-m", "onetrunk promote v1.0.0", "tiny#champion#102", "tiny@v1.0.0^{tree}")
    assert served(two) == "v1.0.1"
    assert registry.read(two).unread() == [f"tiny#champion#{n}" for n in (100, 101, 102, 99)]


def test_a_tag_that_stands_in_the_way_stops_no_rollback_and_no_release(two: Path) -> None:
    """As `gto assign` and `git tag --force` leave them."""
    numbers = [tag.number for tag in registry.read(two).tags]
    git(two, "tag", f"tiny#champion#{max(numbers) + 1}", "tiny@v1.0.0^{commit}")
    git(two, "tag", "--force", "tiny@v1.0.0", "tiny@v1.0.1^{commit}")
    git(two, "tag", "tiny@v1.0.2")
    roll_back(two, "v1.0.0")
    assert served(two) == "v1.0.0"
    assert release(two, "c").release == "v1.0.3"
    assert registry.read(two).unread() == ["tiny#champion#5", "tiny@v1.0.0"]


def test_a_tag_that_is_there_is_never_overwritten(two: Path) -> None:
    """What was about to be created stays noted, for whoever writes next."""
    before = git(two, "for-each-ref")
    with turn(Git(two)) as mine, pytest.raises(UserError, match="reference already exists"):
        mine.create({"refs/tags/tiny@v1.0.0": git(two, "rev-parse", "tiny@v1.0.1")})
    assert git(two, "for-each-ref") == before
    assert (two / ".git" / TURN).read_text() == "refs/tags/tiny@v1.0.0"


def test_a_first_release_has_no_version_that_somebody_else_has_given(project: Path) -> None:
    git(project, "tag", "tiny@v1.0.0")
    assert release(project, "a").release == "v2.0.0"


def with_no_tagger(project: Path, name: str) -> None:
    """A tag as git itself makes none."""
    commit = git(project, "rev-parse", "HEAD")
    (file := project.parent / "tag").write_text(
        f"object {commit}\ntype commit\ntag {name}\n\nonetrunk release v1.0.0\n"
    )
    made = git(project, "hash-object", "-t", "tag", "-w", "--literally", str(file))
    git(project, "update-ref", f"refs/tags/{name}", made)


def test_a_reason_of_any_characters_is_read_as_it_was_written(two: Path) -> None:
    reason = "a\x1fb\x1ec [/d] \u202e%00 %(refname)\n\nonetrunk release v9.9.9"
    moves.promote("v1.0.0", reason, two, "rollback")
    assert served(two) == "v1.0.0"
    assert registry.read(two).rolled_back == {"v1.0.1": reason}


@pytest.mark.slow
def test_racing_writers_lose_no_release(project: Path) -> None:
    """Each has another first release in hand: one is made, the others are told that they are late."""
    others = [project.with_name(f"other{number}") for number in range(4)]
    for number, other in enumerate(others):
        git(project, "worktree", "add", "-q", "--detach", str(other))
        write_bento(other / "bento", f"v{number}", f"m{number}")
        track(other)
        write_verdict(other)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_try_release, args=(other,)) for other in others]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(writer.exitcode or 0 for writer in writers) == [0, 2, 2, 2]
    found = registry.read(project)
    assert found.line == ["v1.0.0"]
    assert found.champion
    found.folder(found.champion)  # from the cache of the worktree that made it


def _try_release(project: Path) -> None:
    from components.evaluation.records import Verdict

    try:
        moves.release(project / "bento", Verdict.read(project / "reports/verdict.json"), project)
    except UserError as error:
        assert "made against no release" in str(error)
        raise SystemExit(2) from None
