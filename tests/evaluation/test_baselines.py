"""The linear baseline is as good as a user could make one in an afternoon, or it says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.evaluation.baselines import baselines, best_linear
from components.families.base import Family, Prediction, Row
from components.families.base.capabilities import Predict
from components.families.classification.family import FAMILY as CLASSIFICATION
from components.families.classification.family import Classification
from components.families.click.family import FAMILY as CLICK
from components.families.generation.family import FAMILY as GENERATION
from components.families.multi_label.family import FAMILY as MULTI_LABEL
from components.families.regression.family import FAMILY as REGRESSION
from components.families.relation.family import FAMILY as RELATION
from components.families.retrieval.family import FAMILY as RETRIEVAL
from components.families.shared import linear
from components.families.tagging.family import FAMILY as TAGGING
from components.files import read_json

NAMES = ("a", "b")
FACTS = {"labels": list(NAMES), "options": {"label_smoothing": 0.0, "class_weights": "none"}}


def rows_of(*labels: str) -> list[Row]:
    return [{"text": label, "text_pair": None, "label": label} for label in labels]


class Some(Classification):
    """Linear models that always say one thing, in this order; `asked` is what each was asked."""

    def __init__(self, *says: str) -> None:
        self.says, self.asked = says, list[Any]()

    def linear_models(self, train: Sequence[Row], facts: Any) -> Iterator[Predict]:
        for label in self.says:
            yield lambda rows, label=label: self._say(rows, label)

    def _say(self, rows: Sequence[Row], label: str) -> list[Prediction]:
        self.asked.append((label, rows))
        return [{"label": label} for _ in rows]


def test_the_one_that_is_best_on_the_validation_rows_is_taken_whatever_the_test_rows_say() -> None:
    family = Some("a", "b", "a")
    train, validation, test = rows_of("a", "b"), rows_of("b", "b", "a"), rows_of("a")
    assert best_linear(family, train, validation, test, FACTS) == [{"label": "b"}]


def test_of_equals_the_plainest_is_taken_and_the_others_are_not_asked_of_the_test_rows() -> None:
    family = Some("a", "b")
    validation, test = rows_of("a", "b"), rows_of("b", "b", "b")
    assert best_linear(family, rows_of("a", "b"), validation, test, FACTS) == [{"label": "a"}] * 3
    assert [label for label, rows in family.asked if rows is test] == ["a"]


def test_scores_are_told_by_characters_too() -> None:
    """No word of the test rows was seen before."""
    random = Random(4)
    endings = ["".join(random.choice("aeiouyklmnprst") for _ in range(4)) for _ in range(120)]
    rows = [
        {"text": f"{('vuode', 'kirja')[number % 2]}{end}", "text_pair": None, "score": float(number % 2)}
        for number, end in enumerate(endings)
    ]
    train, validation, test = rows[:80], rows[80:100], rows[100:]
    facts = {"mean": 0.5, "options": {}}
    pearson = REGRESSION.metrics[0]
    assert pearson.measure(test, REGRESSION.tfidf_baseline(train, test, facts), facts) < 0.5  # of words
    found = best_linear(REGRESSION, train, validation, test, facts)
    assert pearson.measure(test, found, facts) > 0.9


def test_without_validation_rows_it_is_the_plainest() -> None:
    assert best_linear(Some("b", "a"), rows_of("a", "b"), [], rows_of("a"), FACTS) == [{"label": "b"}]


def test_words_with_many_endings_are_told_by_their_characters() -> None:
    """No word of the test rows was seen before, and their stems were."""
    random = Random(2)
    stems = {"a": ("kirja", "talo", "metsä"), "b": ("vuode", "pilve", "juokse")}

    def inflected(label: str) -> str:
        ending = "".join(random.choice("aeiouyklmnprst") for _ in range(4))
        return random.choice(stems[label]) + ending

    rows = [
        {"text": " ".join(inflected(label) for _ in range(3)), "text_pair": None, "label": label}
        for label in NAMES * 150
    ]
    train, validation, test = rows[:200], rows[200:240], rows[240:]

    def accuracy(said: Sequence[Prediction]) -> float:
        return sum(one["label"] == row["label"] for one, row in zip(said, test, strict=True)) / len(test)

    family = Classification()
    assert accuracy(family.tfidf_baseline(train, test, FACTS)) < 0.7  # of words alone
    assert accuracy(best_linear(family, train, validation, test, FACTS)) > 0.95


@pytest.mark.slow
def test_how_strongly_it_is_regularised_is_told_by_the_validation_rows() -> None:
    """One clean word against labels of which a third is wrong: held tight, a model is right more often."""
    random = Random(3)

    def noisy(label: str, wrong: float) -> Row:
        noise = [f"noise{random.randrange(80)}" for _ in range(12)]
        said = label if random.random() >= wrong else NAMES[label == "a"]
        return {"text": " ".join([f"word{label}", *noise]), "text_pair": None, "label": said}

    train = [noisy(label, 0.35) for label in NAMES * 150]
    validation, test = ([noisy(label, 0.0) for label in NAMES * 100] for _ in range(2))
    measured = [
        sum(one["label"] == row["label"] for one, row in zip(model(test), test, strict=True))
        for model in Classification().linear_models(train, FACTS)
    ]
    chosen = best_linear(Classification(), train, validation, test, FACTS)
    right = sum(one["label"] == row["label"] for one, row in zip(chosen, test, strict=True))
    assert measured[0] < right >= max(measured) - 6
    assert len(measured) == 2 * len(linear.STRENGTHS)


def test_a_family_with_one_linear_baseline_is_asked_for_that() -> None:
    train = [{"text": "how late is it", "target": "noon"}, {"text": "where is it", "target": "here"}]
    (found,) = best_linear(GENERATION, train, train, [{"text": "how late", "target": ""}], {})
    assert found["text"] == "noon"


def test_a_value_that_is_no_number_is_never_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    family, values = Some("a", "b", "a"), iter((float("nan"), 0.4, float("nan")))
    metric = family.metrics_for(FACTS["options"])[0]
    monkeypatch.setattr(type(metric), "measure", lambda *_: next(values))
    train = rows_of("a", "b")
    assert best_linear(family, train, train, rows_of("a"), FACTS) == [{"label": "b"}]


def test_templates_are_found_by_words_or_by_characters_whichever_is_better() -> None:
    """No question repeats a word of another, and all repeat stems."""
    templates = {"refund": "Geld", "delivery": "Post"}
    train = [
        {"text": text, "answer": answer}
        for answer, texts in {
            "refund": ["R\u00fcckerstattungen", "Erstattungsbetrag"],
            "delivery": ["Lieferzeiten", "Auslieferungen"],
        }.items()
        for text in texts
    ]
    asked = [
        {"text": "Erstattung", "answer": "refund"},
        {"text": "Lieferung", "answer": "delivery"},
    ]
    facts = {"templates": templates, "options": {}}
    words, characters = (
        [one["ranking"][0]["id"] for one in model(asked)] for model in RETRIEVAL.linear_models(train, facts)
    )
    assert characters == ["refund", "delivery"] != words
    found = best_linear(RETRIEVAL, train, asked, asked, facts)
    assert [one["ranking"][0]["id"] for one in found] == characters


@pytest.mark.parametrize("family", [CLASSIFICATION, RELATION])
def test_of_one_class_alone_the_linear_baseline_is_the_trivial_one(family: Family) -> None:
    """The checks of the data say what is wrong; a traceback of the baseline would come before them."""
    rows = [{"text": "x y", "text_pair": None, "head": [0, 1], "tail": [2, 3], "label": "a"}] * 3
    facts = {"labels": ["a", "b"], "options": {"none_class": None}}
    assert [one["label"] for one in best_linear(family, rows, rows, rows[:1], facts)] == ["a"]
    tags = [{"tokens": ["x"], "tags": ["O"]}]
    assert TAGGING.tfidf_baseline(tags, tags, {"options": {"scheme": "bio"}}) == [{"tags": ["O"]}]


@pytest.mark.parametrize(("task", "target"), [("mood", "label"), ("people", "tags"), ("closeness", "score")])
@pytest.mark.usefixtures("encoded_project")
def test_what_is_right_of_the_test_rows_moves_no_baseline(task: str, target: str) -> None:
    """With other answers in their place, whoever had looked at them would say something else."""
    data, said = Path("data") / task, []
    table = pq.read_table(data / "test.parquet")
    place, field = table.column_names.index(target), table.schema.field(target)
    wrong = pa.array([_another(value) for value in table[target].to_pylist()], field.type)
    for rows in (table, table.set_column(place, field, wrong)):
        pq.write_table(rows, data / "test.parquet")
        baselines(data, Path("found"))
        said.append({file.name: read_json(file) for file in sorted(Path("found", task).glob("*.json"))})
    assert set(said[0]) == {"trivial.json", "linear.json"}
    assert said[0] == said[1]


def _another(value: Any) -> Any:
    if isinstance(value, list):
        return value[::-1]
    return -value if isinstance(value, float) else "down"


def test_of_rows_with_one_outcome_or_without_any_label_the_linear_baseline_is_the_trivial_one() -> None:
    told = [{"text": "x y", "categorical": [], "numeric": [], "outcome": 1.0}] * 3
    facts = {"rate": 0.9, "categorical": {}, "numeric": {}, "options": {}}
    assert best_linear(CLICK, told, told, told[:1], facts) == [{"probability": 0.9}]
    bare = [{"text": "x y", "labels": []}] * 3
    facts = {"labels": ["a", "b"], "options": {}}
    assert best_linear(MULTI_LABEL, bare, bare, bare[:1], facts) == [{"labels": []}]
