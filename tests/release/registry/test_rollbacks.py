"""What the champion is after a rollback, and after another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.release import moves, registry
from components.release.registry import champion, rolled_back
from flows.releases import change
from tests.release.bentos import release
from tests.release.registry.asked import hash_of, roll_back, served

pytestmark = pytest.mark.slow  # each makes a repository and releases: dozens of git processes


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
