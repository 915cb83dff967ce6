"""What a release is, what a candidate is compared with, and which version comes next."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from components.errors import UserError
from components.evaluation.records import CHAMPION, Bar, ChampionReport, GateRule, ReleaseReport, Rules
from components.files import verify_manifest
from components.release import commit, moves, registry
from components.release.git import Git
from components.release.registry import RECORD, champion, open_champion
from tests.release.bentos import git, manifest_of, release, track, write_bento, write_verdict
from tests.release.registry.asked import hash_of, roll_back, served

pytestmark = pytest.mark.slow  # each makes a repository and releases: dozens of git processes


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
