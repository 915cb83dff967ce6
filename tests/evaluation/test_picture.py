"""What the report draws of a head: counted as scikit-learn counts, and no user's text unless it is allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components import families
from components.evaluation import picture
from components.evaluation.answered import AnsweredHead
from components.settings.project import Evaluation, Project

LABELS = ["bad", "fair", "good"]


def head(
    family: str, rows: list[Any], said: list[Any], facts: dict[str, Any], **settings: Any
) -> AnsweredHead:
    """A head as evaluation hands it on."""
    options = families.get(family).options().model_dump()
    card = {"task": "mood", "family": family, "inputs": ["text"], "facts": {**facts, "options": options}}
    project = Project.model_construct(evaluation=Evaluation(**settings))
    return AnsweredHead(project, "mood", card, None, rows, {"model": said})  # type: ignore[arg-type]


def classified(rows: int = 400, **settings: Any) -> tuple[AnsweredHead, list[str], np.ndarray]:
    """Rows of three classes whose texts are the longer the worse they are answered; gold, and probabilities."""
    generator = np.random.default_rng(0)
    gold = generator.choice(LABELS, rows, p=[0.6, 0.3, 0.1])
    logits_NC = generator.normal(size=(rows, 3)) + 2 * (gold[:, None] == np.array(LABELS))
    logits_NC *= np.linspace(4, 0.1, rows)[:, None]
    scores_NC = np.exp(logits_NC) / np.exp(logits_NC).sum(1, keepdims=True)
    asked = [
        {"id": f"r{n}", "text": "x" * (n + 1), "text_pair": None, "label": label, "groups": []}
        for n, label in enumerate(gold.tolist())
    ]
    said = [
        {"label": LABELS[int(one.argmax())], "probabilities": dict(zip(LABELS, one.tolist(), strict=True))}
        for one in scores_NC
    ]
    return head("classification", asked, said, {"labels": LABELS}, **settings), gold.tolist(), scores_NC


def test_confusions_are_scikit_learns_matrix_the_most_frequent_first() -> None:
    from sklearn.metrics import confusion_matrix

    asked, gold, scores_NC = classified()
    matrix = confusion_matrix(gold, [LABELS[n] for n in scores_NC.argmax(1)], labels=LABELS)
    found = picture.confusions(asked)
    assert {(one.gold, one.said): one.count for one in found} == {
        (LABELS[row], LABELS[column]): matrix[row, column]
        for row in range(3)
        for column in range(3)
        if matrix[row, column]
    }
    counts = [one.count for one in found]
    assert counts == sorted(counts, reverse=True)


def test_the_words_of_a_text_are_confused_by_the_type_of_their_entity() -> None:
    rows, said = [{"tags": ["B-PER", "I-PER", "O"]}], [{"tags": ["B-PER", "B-ORG", "O"]}]
    found = picture.confusions(head("tagging", rows, said, {"labels": ["PER", "ORG"]}))
    assert {(one.gold, one.said) for one in found} == {("PER", "PER"), ("PER", "ORG"), ("O", "O")}


def test_curves_go_from_corner_to_corner_and_hold_their_area() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    asked, gold, scores_NC = classified()
    found = picture.curves(asked)
    assert {one.name for one in found} == set(LABELS)
    for one in found:
        holds, score_N = np.array(gold) == one.name, scores_NC[:, LABELS.index(one.name)]
        assert one.area == pytest.approx(roc_auc_score(holds, score_N))
        assert one.precision == pytest.approx(average_precision_score(holds, score_N))
        assert (one.roc[0], one.roc[-1]) == ([0, 0], [1, 1])
        x, y = np.array(one.roc).T
        assert np.trapezoid(y, x) == pytest.approx(one.area, abs=0.01)
        assert len(one.roc) <= picture.POINTS + 2
        assert one.precision_recall[-1] == pytest.approx([1, holds.mean()], abs=1e-3)


def test_of_two_classes_one_curve_says_all() -> None:
    rows = [{"label": label} for label in ["no"] * 30 + ["yes"] * 12]
    said = [{"label": "no", "probabilities": {"no": 1 - n / 50, "yes": n / 50}} for n in range(42)]
    assert [one.name for one in picture.curves(head("classification", rows, said, {"labels": ["no", "yes"]}))] == ["yes"]  # fmt: skip


def test_a_class_of_few_rows_has_no_curve() -> None:
    rows = [{"label": "no"}] * 40 + [{"label": "yes"}] * (picture.LEAST_POSITIVES - 1)
    said = [{"label": "no", "probabilities": {"no": 0.5, "yes": 0.5}}] * len(rows)
    facts = {"labels": ["no", "yes", "never"]}
    assert [one.name for one in picture.curves(head("classification", rows, said, facts))] == ["no"]


def test_lengths_cut_the_rows_into_equal_parts_and_show_where_it_falls() -> None:
    found = picture.lengths(classified()[0])
    assert [one.rows for one in found] == pytest.approx([80] * 5, abs=1)
    assert (found[0].shortest, found[-1].longest) == (1, 400)
    assert found[0].value > found[-1].value
    assert all(one.interval[0] <= one.value <= one.interval[1] for one in found)
    assert picture.lengths(classified(rows=30)[0]) == []  # too few for two parts


def test_a_family_without_classes_draws_none() -> None:
    rows = [{"id": str(n), "text": "x" * n, "text_pair": None, "score": float(n), "groups": []} for n in range(50)]  # fmt: skip
    facts = {"mean": 25.0, "deviation": 14.0}
    found = picture.draw(head("regression", rows, [{"score": row["score"] + 1} for row in rows], facts))
    assert [name for name, value in found.items() if value] == ["lengths"]


def test_a_part_of_the_rows_may_lack_those_that_the_model_fails_at() -> None:
    """A hundred scores that are all nearly right: of Pearson's r in twenty the lower end is far off, and of errors
    of which there are none it is not 0."""
    noise = np.random.default_rng(3).normal(size=(2, 100))
    rows = [{"id": str(n), "text": "x" * (n + 1), "text_pair": None, "score": one, "groups": []} for n, one in enumerate(noise[0])]  # fmt: skip
    said = [{"score": row["score"] + error / 20} for row, error in zip(rows, noise[1], strict=True)]
    asked = head("regression", rows, said, {"mean": 0.0, "deviation": 1.0})
    answered = replace(asked, said={**asked.said, "trivial": [{"score": 0.0}] * 100})
    unknown, known = (picture.lengths(one)[0] for one in (asked, answered))
    assert unknown.value == known.value > 0.99
    assert 0.5 < known.interval[0] < 0.6  # by what the trivial model would say
    assert 0.8 < unknown.interval[0] < 0.9  # as if a row at which it fails counted for nothing


def test_no_text_of_a_user_is_shown_unless_the_settings_allow_it() -> None:
    assert picture.worst(classified()[0]) == []
    found = picture.worst(classified(show_texts=True)[0])
    assert len(found) == picture.WORST
    assert all(one.said != one.gold and len(one.text) <= picture.EXCERPT for one in found)


def test_label_sets_and_clicks_have_curves_and_reliability_too() -> None:
    generator = np.random.default_rng(0)
    p_N = generator.random(300)
    holds_N = generator.random(300) < p_N
    texts = [{"id": str(n), "text": "x" * (n + 1), "text_pair": None, "groups": []} for n in range(300)]
    sets = [{**row, "labels": ["late"] if holds else []} for row, holds in zip(texts, holds_N, strict=True)]
    said = [{"labels": ["late"] if p > 0.5 else [], "probabilities": {"late": float(p)}} for p in p_N]
    clicks = [{**row, "outcome": float(holds)} for row, holds in zip(texts, holds_N, strict=True)]
    found = [
        picture.draw(head("multi_label", sets, said, {"labels": ["late"]})),
        picture.draw(head("click", clicks, [{"probability": float(p)} for p in p_N], {})),
    ]
    for drawn in found:
        assert [one.area for one in drawn["curves"]] == pytest.approx([found[0]["curves"][0].area])
        assert np.mean([abs(one.probability - one.right) for one in drawn["reliability"]]) < 0.1
        assert drawn["confusions"] == []
    assert [(one.name, one.rows) for one in found[0]["classes"]] == [("late", holds_N.sum())]
