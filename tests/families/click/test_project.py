"""Clicks from a file to a service; a champion asked about newer rows; mistakes in params.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from tests.params.messages import complaint_of_task

TASK = """
family: click
source: {path: sources/log.jsonl, format: jsonl}
columns: {text: title, outcome: clicked, categorical: [brand, context.channel], numeric: [price]}
splits: {validation: 0.2, test: 0.2}
cleaning: {duplicates: keep, conflicts: keep}
max_length: 24
gate: {metric: auc, floor: 0.0, margin: 0.5}
example: {text: good plane, categorical: {brand: acme, context.channel: mail}, numeric: {price: 3.5}}
joint:
  conversion:
    family: click
    columns: {outcome: bought}
    gate: {metric: auc, floor: 0.0, margin: 0.5}
  topic:
    family: classification
    columns: {label: topic}
    gate: {metric: accuracy, floor: 0.0, margin: 0.5}
"""


def write_log(folder: Path, rows: int, brands: list[str], dear: float = 1.0) -> None:
    """A synthetic log: whether an item was clicked; whether it was bought is known of those only."""
    from tests.conftest import sentence

    lines = []
    for n in range(rows):
        clicked = n % 3 == 0
        row = {"title": sentence(n), "clicked": int(clicked), "bought": n % 2 if clicked else None}
        row |= {"brand": brands[n % len(brands)], "context": {"channel": ["mail", "web"][n % 2]}}
        row |= {"price": None if n % 5 == 0 else dear * n, "topic": ["up", "down"][n % 2]}
        lines.append(json.dumps(row))
    (folder / "sources/log.jsonl").write_text("\n".join(lines) + "\n")


@pytest.fixture
def project(tiny_project: Path) -> Path:
    """The tiny project with one task of clicks."""
    from tests.conftest import encode_project

    settings_file = yaml.safe_load((tiny_project / "params.yaml").read_text())
    settings_file["tasks"] = {"click": yaml.safe_load(TASK)}
    settings_file["training"]["tokens"] = 1500
    (tiny_project / "params.yaml").write_text(yaml.safe_dump(settings_file, sort_keys=False))
    write_log(tiny_project, 120, ["acme", "bolt", "cord"])
    encode_project(tiny_project)
    return tiny_project


def test_a_conversion_is_learnt_from_the_clicks_alone(project: Path) -> None:
    heads = json.loads(Path("data/click/task.json").read_text())["heads"]
    assert heads["click"]["rows"]["train"] > 2 * heads["conversion"]["rows"]["train"] > 0
    rows = pq.read_table("data/click/train.parquet").to_pylist()
    assert all((row["conversion.outcome"] is None) == (not row["outcome"]) for row in rows)
    assert heads["click"]["facts"]["rate"] == sum(row["outcome"] for row in rows) / len(rows)
    bought = [row["conversion.outcome"] for row in rows if row["outcome"]]
    assert heads["conversion"]["facts"]["rate"] == sum(bought) / len(bought)


def test_what_stands_in_the_data_reaches_the_head_whole(project: Path) -> None:
    """A hash has more digits than single precision; and each head is given the features of its own rows."""
    from components.data.batches.batching import assemble, to_items
    from components.data.encoding.split import EncodedSplit
    from components.families.click.features import category_hash

    split = EncodedSplit(Path("encoded/click/test.arrow"))
    rows = pq.read_table("data/click/test.parquet").to_pylist()
    bought = {n for n, row in enumerate(rows) if row["conversion.outcome"] is not None}
    heads = {"click": ("click", set(range(len(rows)))), "conversion": ("click", bought)}
    *_, given = assemble({"click": split}, to_items(split, "click", range(len(rows))), heads)
    for head, numbers in (("click", range(len(rows))), ("conversion", sorted(bought))):
        expected = [
            [category_hash(each["value"]) for each in rows[n]["categorical"]]
            + [np.nan if each["value"] is None else each["value"] for each in rows[n]["numeric"]]
            for n in numbers
        ]
        np.testing.assert_array_equal(given[head].extra_nF, expected)


@pytest.mark.slow
def test_it_trains_and_the_service_answers_as_the_evaluation_does(project: Path) -> None:
    """A served question has the same features by the same way; what is not known may be left out."""
    from serving.requests import BadRequestError, parse
    from tests.families.trained import evaluated, service, train

    train()
    predictor, expected = service(), evaluated("click")

    def answers(row: dict[str, Any]) -> dict[str, Any]:
        named = {
            role: {each["name"]: each["value"] for each in row[role]} for role in ("categorical", "numeric")
        }
        body = json.dumps({"texts": [{"text": row["text"], **named}]})
        return predictor.predict(parse(body.encode()).texts, None)[0]

    rows = pq.read_table("data/click/test.parquet").to_pylist()
    for row, prediction in zip(rows[:6], expected, strict=False):
        found = answers(row)
        assert set(found) == {"click", "conversion", "topic"}
        assert found["click"].probability == pytest.approx(prediction["probability"], abs=1e-5)
    assert answers({**rows[0], "categorical": [], "numeric": []})["click"]
    with pytest.raises(BadRequestError, match=r"texts\[0\]: 'numeric' has no feature 'prise' \(did you mean"):
        answers({**rows[0], "numeric": [{"name": "prise", "value": 1}]})
    with pytest.raises(
        BadRequestError, match=r"texts\[0\]\.numeric\.price: found a string, expected a number"
    ):
        answers({**rows[0], "numeric": [{"name": "price", "value": "cheap"}]})


def test_a_champion_is_asked_about_newer_rows_as_about_its_own(project: Path) -> None:
    """Newer rows have other brands and prices, so another vocabulary and scale; old rows read as ever."""
    from components.data.encoding.split import EncodedSplit, cards_of
    from components.evaluation.champion import why_not
    from components.model.inference import predict
    from components.model.multitask import MultiTaskModel
    from tests.conftest import encode_project

    champion = MultiTaskModel.from_encoder(Path("encoder"), cards_of(Path("encoded/click")), 0.0, 1)
    for embedding in champion.heads["click"].embeddings:
        torch.nn.init.normal_(embedding.weight)

    def probabilities() -> dict[str, float]:
        split = EncodedSplit(Path("encoded/click/test.arrow"))
        found = predict(champion, "click", split, range(len(split)), ["click"])["click"]
        return {id_: each["probability"] for id_, each in zip(split.ids(), found, strict=True)}

    before = probabilities()
    log = Path("sources/log.jsonl").read_text()
    write_log(project, 120, ["zeta", "acme"], dear=100.0)
    Path("sources/log.jsonl").write_text(
        log + Path("sources/log.jsonl").read_text().replace('"title": "', '"title": "new ')
    )
    encode_project(project)
    newer = cards_of(Path("encoded/click"))["click"]
    assert "zeta" in newer["facts"]["categorical"]["brand"]
    known = champion.config.tasks["click"]
    assert why_not(known, newer) is None
    after = probabilities()
    assert before.keys() < after.keys()
    assert {id_: after[id_] for id_ in before} == pytest.approx(before, abs=1e-6)
    assert why_not(known, {**newer, "facts": {**newer["facts"], "numeric": {}}})


@pytest.mark.slow
def test_a_champion_of_other_features_is_not_asked(project: Path) -> None:
    """Its head cannot read them; joint heads are compared as ever."""
    from components import params
    from components.data.encoding.split import cards_of
    from components.evaluation.baselines import baselines
    from components.evaluation.champion import Opponent
    from components.evaluation.evaluate import evaluate
    from components.evaluation.records import Champion
    from components.model.multitask import MultiTaskModel
    from tests.conftest import encode_project

    def save(folder: str) -> None:
        cards = cards_of(Path("encoded/click"))
        MultiTaskModel.from_encoder(Path("encoder"), cards, 0.0, 1).save_pretrained(folder)

    save("champion")
    settings_file = yaml.safe_load(Path("params.yaml").read_text())
    settings_file["tasks"]["click"]["columns"]["categorical"] = ["brand"]
    settings_file["tasks"]["click"]["example"]["categorical"] = {"brand": "acme"}
    Path("params.yaml").write_text(yaml.safe_dump(settings_file, sort_keys=False))
    encode_project(project)
    save("models/multitask")
    baselines(Path("data/click"), Path("baselines/click"))
    shutil.copy("encoder/tokenizer.json", "champion")
    opponent = Opponent(Path("champion"), Champion(release="v1", model="m" * 64, manifest="f" * 64))
    evaluate(params.load(), Path(), opponent, lambda _: None)
    measured = json.loads(Path("reports/evaluation.json").read_text())["tasks"]
    champions = {head: next(iter(task["metrics"].values()))["champion"] for head, task in measured.items()}
    assert champions["click"] is champions["conversion"] is None
    assert champions["topic"] is not None


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("text: title", "text: [title, brand]", "columns.text: found a list of 2 columns, expected the name of one"),
        ("numeric: [price]", "numeric: []", "columns.numeric: found a list of 0 columns, expected one or more"),
        ("numeric: {price", "numeric: {prise", "example.numeric.prise: columns.numeric names no such column (did you mean 'price'?); expected some of price"),
        ("numeric: {price: 3.5}", "numeric: {price: cheap}", "example: 'numeric.price' is 'cheap', expected a number"),
        (", numeric: {price: 3.5}}", "}", "example: found text and categorical, expected text and categorical and numeric"),
        ("numeric: [price]", "numbers: [price]", "columns.numbers: click has no such column"),
        ("{metric: auc, floor: 0.0, margin: 0.5}\nexample", "{metric: accuracy, floor: 0.0}\nexample", "gate.metric: click has no metric 'accuracy'"),
        ("max_length: 24", "max_length: 24\noptions: {categories: 0}", "options.categories: found 0"),
    ],
)  # fmt: skip
def test_a_mistake_in_params_is_one_sentence(tiny_project: Path, old: str, new: str, sentence: str) -> None:
    write_log(tiny_project, 4, ["acme"])
    assert f"tasks.click.{sentence}" in complaint_of_task(tiny_project, "click", TASK, old, new)


def test_a_column_of_features_that_is_not_there_is_named(project: Path) -> None:
    from components import params
    from components.data.ingest.ingest import ingest
    from components.errors import UserError

    task = params.load().tasks["click"]
    wrong = task.model_copy(update={"columns": {**task.columns, "numeric": ["prise"]}})
    with pytest.raises(UserError, match=r"no column 'prise' for numeric \(did you mean 'price'\?\)"):
        ingest("click", wrong, 1, Path("data/other"))
