"""Labels that are renamed, split, made one or new: which rows a release is compared on, and whom that holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components import families
from components.evaluation import gate
from components.evaluation.common import ground
from components.evaluation.records import Finding, Verdict
from components.evaluation.relabelled import Relabelled, findings, relabelled
from components.families.base import Facts, Prediction, Row
from components.settings.project import Gate
from tests import verdicts
from tests.evaluation.gates.case import FACTS, case_of, row

NONE_N = np.zeros(0, dtype=bool)


def facts(*labels: str) -> Facts:
    return {**FACTS, "labels": list(labels)}


def rows_of(*labels: str) -> list[Row]:
    return [row(number, label) for number, label in enumerate(labels)]


def said(labels: Any) -> list[Prediction]:
    return [{"label": label} for label in labels]


def read(before: str, now: str, gold: list[str], champion: list[str]) -> Relabelled | None:
    """Label sets are given as words."""
    asked = facts(*before.split()), facts(*now.split()), rows_of(*gold), said(champion)
    return relabelled(families.get("classification"), *asked, np.zeros(len(gold), dtype=bool))


def judged(
    before: str,
    now: str,
    gold: list[str],
    champion: list[str],
    model: list[str],
    without_champion: tuple[str, ...] = (),
) -> tuple[Verdict, list[Finding]]:
    """The gate's word on accuracy, with a margin of 3 points."""
    rows, known, today = rows_of(*gold), facts(*before.split()), facts(*now.split())
    family = families.get("classification")
    common = ground(family, known, today, rows, said(champion))
    case = case_of(rows, said(model), said(champion))
    case = replace(case, card={**case.card, "facts": today}, common=common)
    case = replace(case, said={**case.said, "trivial": said(["a"] * len(rows))})
    found = relabelled(family, known, today, rows, said(champion), np.zeros(len(rows), dtype=bool))
    seen = list(findings(case, found))
    passes = verdicts.measured(0.9, verdicts.against(0.0, 0.005))
    assert passes.champion is not None
    thinned = passes.champion.model_copy(update={"rows": int(common.rows_N.sum()), "changed": common.changed})
    evaluation = verdicts.of({"t": passes.model_copy(update={"champion": thinned})}, tuple(seen))
    head = evaluation.tasks["t"].model_copy(update={"rows": {"test": len(rows)}})
    rules = verdicts.rules({"t": Gate.model_validate({"metric": "accuracy", "floor": 0.1, "margin": 0.03})})
    rules = rules.model_copy(update={"without_champion": list(without_champion)})
    return gate.verdict(evaluation.model_copy(update={"tasks": {"t": head}}), rules), seen


def swapped(labels: list[str], wrong: str, by: str, every: int) -> list[str]:
    """The labels, of which one in so many of `wrong` is answered otherwise."""
    places = [n for n, label in enumerate(labels) if label == wrong]
    lost = set(places[::every])
    return [by if n in lost else label for n, label in enumerate(labels)]


OLD = ["abx"[n % 3] for n in range(1200)]


def test_a_class_that_is_renamed_and_lost_is_rejected_though_none_of_its_rows_is_common_ground() -> None:
    """A third of the rows, on which the champion is right in two of three and the candidate in none."""
    gold = ["y" if label == "x" else label for label in OLD]
    champion, model = swapped(OLD, "x", "a", 3), swapped(gold, "y", "a", 1)
    verdict, (finding,) = judged("a b x", "a b y", gold, champion, model)
    assert verdict.verdict == "REJECT"
    assert "labels, read as before: y as x lost significantly against the champion" in verdict.tasks["t"].why
    assert finding.champion is not None and finding.champion.rows == 1200
    assert finding.champion.difference == pytest.approx(-2 / 9, abs=1e-3)
    as_good, (found,) = judged("a b x", "a b y", gold, champion, swapped(gold, "y", "a", 3))
    assert as_good.verdict == "PROMOTE" and found.champion is not None and found.champion.difference == 0
    assert not as_good.tasks["t"].warnings


def test_so_is_a_class_on_which_the_champion_is_seldom_right() -> None:
    gold = ["y" if label == "x" else label for label in OLD]
    champion = [
        "x" if label == "x" and n % 4 == 0 else "a" if label == "x" else label for n, label in enumerate(OLD)
    ]
    verdict, _ = judged("a b x", "a b y", gold, champion, swapped(gold, "y", "b", 1))
    assert verdict.verdict == "REJECT"


@pytest.mark.parametrize(
    ("now", "names"),
    [
        (lambda n, label: "yz"[n % 2] if label == "x" else label, {"y": "x", "z": "x"}),  # split
        (lambda n, label: "w" if label in "bx" else label, {"w": "x", "b": "x"}),  # made one
        (lambda n, label: "b" if label == "x" else label, {"x": "b"}),  # added to another
        (lambda n, label: "y" if label == "x" and n % 2 else label, {"y": "x"}),  # a part cut off
    ],
)  # fmt: skip
def test_labels_are_read_as_those_that_they_stood_for(now: Any, names: dict[str, str]) -> None:
    gold = [now(n, label) for n, label in enumerate(OLD)]
    found = read("a b x", " ".join(sorted(set(gold))), gold, OLD)
    assert found is not None and names.items() <= dict(found.names).items()
    assert found.ground.rows_N.all()


def test_a_new_class_stays_out_and_how_many_rows_that_are_is_said() -> None:
    """Nothing stood for it: the champion says this and that of its rows."""
    gold = [label if n % 10 else "new" for n, label in enumerate(OLD)]
    assert read("a b x", "a b new x", gold, OLD) is None
    verdict, seen = judged("a b x", "a b new x", gold, OLD, gold)
    assert verdict.verdict == "PROMOTE" and not seen
    (warning,) = verdict.tasks["t"].warnings
    assert "120 of 1,200 test rows are not compared with release v1" in warning
    assert "(the label set changed: +new)" in warning


def test_a_new_class_beside_a_renamed_one_hides_no_loss_on_that() -> None:
    gold = ["new" if n % 10 == 0 else "y" if label == "x" else label for n, label in enumerate(OLD)]
    verdict, (finding,) = judged("a b x", "a b new y", gold, OLD, swapped(gold, "y", "a", 4))
    assert verdict.verdict == "REJECT"
    assert finding.champion is not None and finding.champion.rows == 1080


def test_who_says_that_the_meaning_is_another_is_not_held_to_the_old_one() -> None:
    gold = ["y" if label == "x" else label for label in OLD]
    verdict, _ = judged("a b x", "a b y", gold, OLD, swapped(gold, "y", "a", 4), without_champion=("t",))
    assert verdict.verdict == "PROMOTE"


def test_the_same_labels_are_read_as_nothing_and_rows_that_were_learnt_stay_out() -> None:
    assert read("a b x", "a b x", OLD, OLD) is None
    gold = ["y" if label == "x" else label for label in OLD]
    learnt_N = np.arange(1200) < 100
    asked = facts("a", "b", "x"), facts("a", "b", "y"), rows_of(*gold), said(OLD), learnt_N
    found = relabelled(families.get("classification"), *asked)
    assert found is not None and found.ground.rows_N.tolist() == (~learnt_N).tolist()


def test_labels_are_read_in_words_in_sets_and_in_probabilities_too() -> None:
    names, plain = {"y": "x"}, {"options": {"scheme": "plain"}}
    tagging = families.get("tagging")
    tags = {"tags": ["B-y", "I-y", "O"]}
    assert tagging.relabelled(tags, names, {"options": {"scheme": "bio"}})["tags"] == ["B-x", "I-x", "O"]  # type: ignore[attr-defined]
    assert tagging.relabelled({"tags": ["y", "O"]}, names, plain)["tags"] == ["x", "O"]  # type: ignore[attr-defined]
    both = {"labels": ["x", "y"], "probabilities": {"x": 0.5, "y": 0.25}}
    found = families.get("multi_label").relabelled(both, names, {})  # type: ignore[attr-defined]
    assert found == {"labels": ["x"], "probabilities": {"x": 0.75}}
    one = families.get("ordinal").relabelled({"label": "y"}, names, {})  # type: ignore[attr-defined]
    assert one == {"label": "x"}


def test_of_words_with_tags_each_word_tells_what_a_type_stood_for() -> None:
    rows = [{"tags": ["B-PERSON", "O", "B-LOC"]}] * 20
    answers = [{"tags": ["B-PER", "O", "B-LOC"]}] * 15 + [{"tags": ["O", "O", "B-LOC"]}] * 5
    sets = [{"labels": ["LOC", name], "options": {"scheme": "bio"}} for name in ("PER", "PERSON")]
    found = relabelled(families.get("tagging"), *sets, rows, answers, np.zeros(20, dtype=bool))
    assert found is not None and dict(found.names) == {"PERSON": "PER"} and found.ground.rows_N.all()
