"""Tags that other people made stop neither a release nor a rollback."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UserError
from components.release import moves, registry
from components.release.git import TURN, Git, turn
from tests.release.bentos import git, release
from tests.release.registry.asked import roll_back, served

pytestmark = pytest.mark.slow  # each makes a repository and releases: dozens of git processes


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
