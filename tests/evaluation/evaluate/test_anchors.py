"""A head is measured against its anchor, by the names and labels that the anchor knows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components import params
from components.evaluation.champion import Opponent, todays_names
from components.evaluation.evaluate import evaluate
from components.evaluation.records import EVALUATION, Champion, Evaluation, Verdict
from components.files import read_json, write_json
from tests.evaluation.evaluate.opponents import (
    OTHERS,
    against,
    call_mood,
    judged,
    opponent,
    relabel,
    remember_rows,
)

pytestmark = pytest.mark.slow  # models are trained


def test_a_head_is_measured_against_its_anchor_on_the_same_rows(evaluated: dict) -> None:
    """mood is anchored to an older release, people to the champion, size to one that does not answer it."""
    for name in ("older", "without"):
        shutil.copytree("champion", name)
    config = read_json(Path("without/config.json"))
    del config["tasks"]["size"]
    write_json(Path("without/config.json"), config)
    releases = {
        name: Champion(release=name, model=name, manifest=name) for name in ("champion", "older", "without")
    }
    opponents = {name: Opponent(Path(name), release) for name, release in releases.items()}
    anchors = {"mood": opponents["older"], "people": opponents["champion"], "size": opponents["without"]}
    evaluate(params.load(), Path(), opponents["champion"], lambda text: None, anchors)
    found = Evaluation.read(EVALUATION)
    assert {head: anchor.release for head, anchor in found.anchors.items()} == {
        "mood": "older", "people": "champion", "size": "without",
    }  # fmt: skip
    mood = found.tasks["mood"].metrics["accuracy"]
    assert mood.anchor == mood.champion  # the very same model
    people = found.tasks["people"].metrics["entity_f1"]
    assert people.anchor == people.champion
    assert str(found.anchors["size"].not_compared).startswith("it does not answer it under this name, nor an")
    assert found.tasks["size"].metrics["macro_f1"].anchor is None


OLDER = Champion(release="older", model="o" * 64, manifest="e" * 64)


def judged_with_anchor(renamed: dict[str, str] | None = None) -> Verdict:
    """The verdict on mood, against champion/, where it is anchored to the release in older/."""
    champion = Opponent(Path("champion"), opponent().release, renamed)
    older = Opponent(Path("older"), OLDER, renamed)
    evaluate(params.load(), Path(), champion, lambda text: None, {"mood": older})
    return against({"mood": params.load().gates()["mood"]}, ["people", *OTHERS])


def test_a_task_that_was_renamed_twice_keeps_its_anchor_by_both_lines(evaluated: dict) -> None:
    shutil.copytree("champion", "older")
    call_mood("feeling", Path("champion"))
    call_mood("temper", Path("older"))
    found = judged_with_anchor({"mood": "feeling", "feeling": "temper"})
    assert found.verdict == "PROMOTE"
    assert found.tasks["mood"].champion and found.tasks["mood"].anchor
    assert found.anchors == {"mood": OLDER}
    forgotten = judged_with_anchor({"mood": "feeling"})
    assert forgotten.tasks["mood"].anchor is None
    assert forgotten.anchors == {"mood": opponent().release}
    said = "its anchor, release older, is no longer compared: it does not answer it under this name, nor an"
    assert any(remark.startswith(said) for remark in forgotten.tasks["mood"].remarks)


def test_a_release_is_asked_by_the_name_that_it_knows() -> None:
    renamed = {"mood": "feeling", "feeling": "temper", "topic": "subject"}
    assert todays_names(["temper", "topic"], renamed) == {"temper": "mood"}
    assert todays_names(["feeling", "subject"], renamed) == {"feeling": "mood", "subject": "topic"}
    assert todays_names(["mood"], renamed) == {}


def test_an_anchor_of_another_label_set_is_compared_on_what_both_can_answer(evaluated: dict) -> None:
    shutil.copytree("champion", "older")
    relabel(Path("older"), "mood", ["down", "up", "sideways"])
    found = judged_with_anchor()
    anchor = found.tasks["mood"].anchor
    assert anchor and anchor.changed == "the label set changed: \u2212sideways"
    assert found.anchors == {"mood": OLDER}
    relabel(Path("older"), "mood", ["down", "Up", "sideways"])  # too few rows are left
    found = judged_with_anchor()
    assert found.tasks["mood"].anchor is None
    assert found.anchors == {"mood": opponent().release}


def test_an_anchor_is_measured_on_the_test_set_of_today_and_what_changed_is_counted(evaluated: dict) -> None:
    shutil.copytree("champion", "older")
    remember_rows(Path("champion"), "train", "test")
    remember_rows(Path("older"), "train", "validation")  # its test set was another
    found = judged_with_anchor()
    anchor, rows = found.tasks["mood"].anchor, evaluated["tasks"]["mood"]["rows"]
    assert anchor and anchor.since
    assert (anchor.since.come, anchor.since.gone) == (rows["test"], rows["validation"])
    assert anchor.rows == rows["test"]
    said = f"the test set is not that of release older: {rows['test']:,} rows have come"
    assert any(remark.startswith(said) for remark in found.tasks["mood"].remarks)
    assert found.anchors == {"mood": OLDER}


def test_a_task_that_the_champion_does_not_answer_is_anchored_to_its_first_release(evaluated: dict) -> None:
    config = read_json(Path("champion/config.json"))
    del config["tasks"]["mood"], config["tasks"]["size"]  # and its annotation
    write_json(Path("champion/config.json"), config)
    found = judged({"mood": params.load().gates()["mood"]})
    assert found.verdict == "PROMOTE"
    assert found.anchors == {"mood": None}  # this release, once it is one
