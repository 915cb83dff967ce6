"""Generation from a file to a service, by a decoder of its own or that of the folder; mistakes in params.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from components.families.generation.family import FAMILY
from tests.conftest import sentence
from tests.families.families import metric
from tests.params.messages import refusal

TASK = """
family: generation
source: {path: sources/news.jsonl, format: jsonl}
columns: {text: text, target: headline}
options: {vocabulary: 300, max_target: 12, copies: 8, seconds: 60}
splits: {validation: 0.2, test: 0.2}
cleaning: {}
max_length: 24
gate: {metric: rouge_l, floor: 0.0, margin: 0.5}
example: {text: good plane}
joint:
  mood:
    family: classification
    columns: {label: mood}
    gate: {metric: accuracy, floor: 0.0, margin: 0.5}
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("copies: 8", "beams: 0", "options.beams: found 0"),
        ("copies: 8", "max_target: 0", "options.max_target: found 0"),
        ("copies: 8", "seconds: 0", "options.seconds: found 0"),
        ("copies: 8", "vocabulary: 10", "options.vocabulary: found 10"),
        ("copies: 8", "prefix: 5", "options.prefix: found 5"),
        ("copies: 8", "decoder: huge", "options.decoder: found 'huge'"),
        ("copies: 8", "length_penalty: -1", "options.length_penalty: found -1"),
        ("copies: 8", "beam: 2", "options.beam: unknown option (did you mean 'beams'?)"),
        ("copies: 8", "label_smoothing: 1.0", "options.label_smoothing: found 1"),
        ("target: headline", "label: headline", "columns.label: generation has no such column"),
        ("rouge_l", "rouge", "gate.metric: generation has no metric 'rouge'"),
        ("copies: 8", "prefix: 'say: '", "joint.mood: classification does not read a row as generation does"),
        ("max_length: 24", "max_length: 1", "max_length: found 1"),
    ],
)
def test_a_mistake_in_params_is_one_sentence(tiny_project: Path, old: str, new: str, sentence: str) -> None:
    assert old in TASK
    task = yaml.safe_load(
        TASK.replace("vocabulary: 300, max_target: 12, ", "")
        .replace(old, new, 1)
        .replace(", seconds: 60", "")
    )
    declare(tiny_project, task)
    assert f"tasks.news.{sentence}" in refusal()


def test_a_task_without_a_prefix_passes_validation(tiny_project: Path) -> None:
    from components import params
    from components.data.ingest.ingest import ingest
    from components.data.validation.validate import validate_task

    declare(tiny_project, yaml.safe_load(TASK))
    project = params.load()
    task = project.tasks["news"]
    ingest("news", task, project.seed, Path("data/news"))
    checks = validate_task(Path("data/news"), task.cleaning, project.checks).checks
    assert [check.title for check in checks if check.status == "error" and "missing" in check.title] == []


def declare(folder: Path, task: dict[str, Any], **training: Any) -> None:
    """The tiny project with one task; its synthetic headlines are two words of the text."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["tasks"] = {"news": task}
    params["training"] |= {"tokens": 1500, **training}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    lines = []
    for n in range(120):
        text = sentence(n)
        lines.append(
            {"text": text, "headline": " ".join(text.split()[:2]), "mood": ["up", "down", None][n % 3]}
        )
    (folder / "sources/news.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


def train(folder: Path) -> None:
    from tests.conftest import encode_project
    from tests.families import trained

    encode_project(folder)
    trained.train()


def served(texts: list[str]) -> list[dict[str, Any]]:
    from serving.requests import parse
    from tests.families.trained import service

    return service().predict(parse(json.dumps({"texts": texts}).encode()).texts, None)


def predicted() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from tests.families.trained import evaluated

    return pq.read_table("data/news/test.parquet").to_pylist(), evaluated("news")


@pytest.mark.slow
def test_it_learns_to_copy_and_the_service_answers_as_the_evaluation_does(tiny_project: Path) -> None:
    """The first two words of a synthetic sentence; jointly with a classification that some rows lack."""
    task = yaml.safe_load(TASK)
    task["options"]["dropout"] = 0.0
    declare(tiny_project, task, tokens=30_000, evaluate_every=1000)
    train(tiny_project)
    rows, found = predicted()
    facts = json.loads(Path("encoded/news/task.json").read_text())["heads"]["news"]["facts"]
    assert metric(FAMILY, "rouge_l", rows, found, facts) > 0.6
    assert all(each["complete"] for each in found)
    for row, expected, answers in zip(
        rows[:6], found, served([row["text"] for row in rows[:6]]), strict=False
    ):
        assert set(answers) == {"news", "mood"}
        assert answers["news"].model_dump() == expected, row


@pytest.fixture
def seq2seq_project(tiny_project: Path) -> Path:
    """The tiny project over a tiny T5 with random weights: no pretrained ones can be had here."""
    from tests.families.generation import seq2seq_folders

    shutil.rmtree("encoder")
    seq2seq_folders.build("t5", tiny_project / "encoder")
    task = yaml.safe_load(TASK)
    task["options"] = {"decoder": "pretrained", "prefix": "say: ", "max_target": 12, "seconds": 60}
    task["joint"] = {}
    declare(tiny_project, task)
    params = yaml.safe_load((tiny_project / "params.yaml").read_text())
    mood = yaml.safe_load((tiny_project / "params.yaml").read_text())["tasks"]["news"]
    mood |= {"family": "classification", "columns": {"text": "text", "label": "mood"}, "options": {}}
    mood |= {
        "gate": {"metric": "accuracy", "floor": 0.0},
        "source": {**mood["source"], "path": "sources/mood.jsonl"},
    }
    params["tasks"]["mood"] = mood
    (tiny_project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    lines = [{"text": f"{sentence(n)} x", "mood": ["up", "down"][n % 2]} for n in range(60)]
    (tiny_project / "sources/mood.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return tiny_project


@pytest.mark.slow
def test_an_encoder_decoder_trains_and_serves_beside_another_task(seq2seq_project: Path) -> None:
    """With a combination of gradients too, which asks for each task's own on the encoder."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["training"] |= {
        "tokens": 2000,
        "balancing": {"combination": "pcgrad"},
        "regularisation": ["r_drop"],
    }
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    train(seq2seq_project)
    rows, found = predicted()
    assert len({each["text"] for each in found}) > 1
    for row, expected, answers in zip(
        rows[:3], found, served([row["text"] for row in rows[:3]]), strict=False
    ):
        assert answers["news"].model_dump() == expected
        assert 0.5 <= answers["mood"].probability <= 1, row


def test_a_decoder_that_the_folder_does_not_have_is_found_before_training(tiny_project: Path) -> None:
    from components.errors import UserError
    from tests.conftest import encode_project

    task = yaml.safe_load(TASK) | {"options": {"decoder": "pretrained"}}
    declare(tiny_project, task)
    with pytest.raises(UserError) as error:
        encode_project(tiny_project)
    assert "encoder: found bert without a decoder; `decoder: pretrained` expects" in str(error.value)
