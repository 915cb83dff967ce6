"""What follows from the tags of a project, without git: who is the champion, where a rollback goes, what is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from components.release import moves, tags
from components.release.git import Git
from components.release.records import ReleasedTask
from components.release.registry import Registry
from components.release.tags import Action, Named, Tag


def after(*moves: str, more: tuple[Tag, ...] = ()) -> Registry:
    """A registry after these moves, each as "rollback v1.0.0", and with further tags."""
    made = [_move(number, *move.split()) for number, move in enumerate(moves, 1)]
    return Registry(Git(Path("nowhere")), sorted([*made, *more], key=lambda tag: tag.number))


def _move(number: int, action: str, version: str) -> Tag:
    (known,) = (one for one in get_args(Action) if one == action)
    return Tag(
        f"of {version}", 1, "ada", known, version, f"move {number}", stage=tags.CHAMPION, number=number
    )


def staged(number: int, stage: str, version: str, left: bool = False) -> Tag:
    return Tag(f"of {version}", 1, "ada", "release", version, "", stage=stage, left=left, number=number)


FOUR = tuple(f"release v{number}.0.0" for number in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("moves", "line", "rolled_back"),
    [
        ((), [], {}),
        (FOUR[:2], ["v1.0.0", "v2.0.0"], {}),
        ((*FOUR[:3], "rollback v2.0.0"), ["v1.0.0", "v2.0.0"], {"v3.0.0": "move 4"}),
        ((*FOUR[:3], "rollback v1.0.0"), ["v1.0.0"], {"v2.0.0": "move 4", "v3.0.0": "move 4"}),
        ((*FOUR[:2], "rollback v1.0.0", "promote v2.0.0"), ["v1.0.0", "v2.0.0"], {}),
        ((*FOUR[:2], "promote v2.0.0"), ["v1.0.0", "v2.0.0"], {}),  # twice is once
        ((*FOUR[:2], "promote v1.0.0"), ["v1.0.0", "v2.0.0", "v1.0.0"], {}),
        # to the newest place of a version in the line
        ((*FOUR[:2], "promote v1.0.0", "release v3.0.0", "rollback v1.0.0"), ["v1.0.0", "v2.0.0", "v1.0.0"], {"v3.0.0": "move 5"}),
        # to one that was rolled back: what is older stays
        ((*FOUR[:3], "rollback v2.0.0", "release v4.0.0", "rollback v3.0.0"), ["v1.0.0", "v2.0.0", "v3.0.0"], {"v4.0.0": "move 6"}),
        # to one that is newer than what was left, which is left all the same
        ((*FOUR[:2], "rollback v1.0.0", "rollback v2.0.0"), ["v2.0.0"], {"v1.0.0": "move 4"}),
    ],
)  # fmt: skip
def test_the_line_of_champions_and_what_was_rolled_back(
    moves: tuple[str, ...], line: list[str], rolled_back: dict[str, str]
) -> None:
    found = after(*moves)
    assert (found.line, found.rolled_back) == (line, rolled_back)


def test_a_version_is_where_it_was_made_the_champion_last_whoever_has_moved_its_tag() -> None:
    moved = Tag("another", 1, "eve", "release", "v1.0.0", "", version="v1.0.0")
    lone = Tag("of v9.0.0", 1, "ada", "release", "v9.0.0", "", version="v9.0.0")
    assert after("release v1.0.0", more=(moved, lone)).versions == {
        "v1.0.0": "of v1.0.0",
        "v9.0.0": "of v9.0.0",
    }


def test_what_is_in_a_stage_is_kept_until_it_leaves() -> None:
    anchored = staged(10, tags.ANCHOR, "v1.0.0"), staged(11, tags.PREVIOUS, "v2.0.0")
    found = after(*FOUR, more=anchored)
    assert found.kept == {"v1.0.0", "v2.0.0", "v3.0.0", "v4.0.0"}
    assert found.stages() == {"v4.0.0": ["champion"], "v2.0.0": ["previous"], "v1.0.0": ["anchor"]}
    gone = staged(12, tags.ANCHOR, "v1.0.0", left=True), staged(13, tags.PREVIOUS, "v2.0.0", left=True)
    assert after(*FOUR, more=(*anchored, *gone)).kept == {"v3.0.0", "v4.0.0"}
    back = after(*FOUR, "rollback v3.0.0", more=anchored)
    assert back.kept == {"v1.0.0", "v2.0.0", "v3.0.0"}
    assert back.stages()["v4.0.0"] == ["rolled back"]


@pytest.mark.parametrize(
    ("name", "subject", "known"),
    [
        ("tiny@v1.2.0", "onetrunk release v1.2.0", True),
        ("tiny#champion!#7", "onetrunk rollback v1.2.0", True),
        ("tiny@v1.2.0", "my onetrunk release v1.2.0", False),
        ("tiny@v1.2.0", "onetrunk release v1.2.0, they say", False),
        ("tiny@v1.2.0-rc1", "onetrunk release v1.2.0", False),
        ("of/tiny=tiny@v1.2.0", "onetrunk release v1.2.0", False),  # of another folder
    ],
)
def test_a_tag_is_ours_by_its_name_and_its_message(name: str, subject: str, known: bool) -> None:
    fields = (f"refs/tags/{name}", "c" * 40, "commit", "1700000000", "ada", subject, "why\n")
    found = tags._parsed(fields, "")
    assert (found is not None) is known
    if found is not None:
        assert (found.why, found.left) == ("why", "!" in name)
    for number, wrong in ((2, "tree"), (3, "")):
        assert tags._parsed((*fields[:number], wrong, *fields[number + 1 :]), "") is None


def test_versions_are_put_in_order_by_their_numbers() -> None:
    assert tags.greatest(["v1.9.0", "v1.10.0", "v1.2.11"]) == (1, 10, 0)
    assert tags.greatest([]) == (0, 0, 0)
    assert tags.ended("my-desk_-") == "my-desk"  # GTO's names end in a letter or a number


MOOD = ReleasedTask(family="classification", inputs=["text"], labels=["bad", "good"])


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        ({"mood": MOOD}, False),
        ({"mood": MOOD, "topic": MOOD}, False),
        ({"mood": MOOD.model_copy(update={"labels": ["bad", "good", "mixed"]})}, False),
        ({"topic": MOOD}, True),
        ({"mood": MOOD.model_copy(update={"labels": ["bad", "fine"]})}, True),
        ({"mood": MOOD.model_copy(update={"labels": None})}, True),
        ({"mood": MOOD.model_copy(update={"inputs": ["text", "text_pair"]})}, True),
        ({"mood": MOOD.model_copy(update={"family": "ordinal"})}, True),
    ],
)
def test_what_callers_lose_is_a_task_a_label_or_the_way_to_ask(
    after: dict[str, ReleasedTask], lost: bool
) -> None:
    assert moves._lost({"mood": MOOD}, after) is lost


def test_a_new_tag_is_younger_and_has_a_higher_number_than_all_there_are() -> None:
    """GTO orders tags by their time, to the second; and names that others have given cannot be had again."""
    late = replace(staged(9, tags.ANCHOR, "v1.0.0"), when=4_000_000_000)
    found = after("release v1.0.0", more=(late,))
    found.__dict__["named"] = []  # as if git had been asked
    assert (moves.now(found), moves._next_number(found)) == (4_000_000_001, 10)
    theirs = Named("tiny#champion#77", "tiny", None, tags.CHAMPION, 77, 5_000_000_000, ours=False)
    found.__dict__["named"] = [theirs]
    assert (moves.now(found), moves._next_number(found)) == (5_000_000_001, 78)
