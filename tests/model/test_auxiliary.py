"""An auxiliary task is trained and measured; what is released knows nothing of it."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open

from components import params
from components.data.batches.batching import step_rows
from components.data.contract import known_rows
from components.data.contract.rows import read_rows
from components.data.encoding.split import EncodedSplit
from components.data.mixture import plan as planning
from components.data.mixture.draws import Plan
from components.data.mixture.records import PlanRecord
from components.errors import UserError
from components.evaluation import page
from components.evaluation.evaluate import evaluate
from components.evaluation.gate import rules_of, verdict
from components.evaluation.records import EVALUATION, VERDICT, Evaluation, Verdict
from components.files import read_json, sha256, write_manifest
from components.model import saving
from components.model.inference import predict
from components.release import bundle
from components.release.records import BundleCard
from components.settings.project import Project
from components.training.run import history
from components.training.run.measured import Measured
from components.training.run.state import State
from serving.predictor import Predictor
from tests import verdicts
from tests.conftest import build_project, encode_project, sentence
from tests.families.self_supervised import add_task, mask_token
from tests.serving.tiny import PACKAGING
from tests.trained import train_project

pytestmark = pytest.mark.slow  # models are trained

MODEL = Path("models/multitask")
TEXTS = [{"text": f"{sentence(n)}. {sentence(n + 1)}!"} for n in range(90)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A tiny project with masked words beside mood, trained and evaluated."""
    root = tmp_path_factory.mktemp("auxiliary")
    build_project(root, tiny_encoder)
    mask_token(root / "encoder")
    add_task(root, "masked_lm", TEXTS)
    project = train_project(root)
    with contextlib.chdir(root):
        evaluate(project, Path(), None, lambda _: None)
        verdict(Evaluation.read(EVALUATION), rules_of(project)).write(VERDICT)
    return root


@pytest.fixture
def project(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(trained)
    return params.load()


def test_it_is_measured_and_not_judged(project: Project) -> None:
    measured = Evaluation.read(EVALUATION).tasks
    assert set(measured) == {"mood", "size", "aside"}
    assert set(measured["aside"].metrics) == {"accuracy", "log_likelihood"}
    assert set(Verdict.read(VERDICT).tasks) == set(project.gates()) == {"mood", "size"}
    assert set(project.released()) == {"mood"}  # the tasks whose examples the Bento is asked
    page.write(Path())
    html = Path("reports/evaluation.html").read_text()
    assert "An auxiliary task" in html
    assert html.count("</span>auxiliary</span>") == 2  # in the table of all and at its own place


def test_the_models_own_files_know_nothing_of_it(project: Project) -> None:
    with safe_open(MODEL / "model.safetensors", framework="numpy") as file:
        names = set(file.keys())
    assert any(name.startswith("heads.task:mood.") for name in names)
    assert not any("aside" in name for name in names)
    assert set(read_json(MODEL / "config.json")["tasks"]) == {"mood", "size"}
    assert set(saving.load(MODEL).config.tasks) == {"mood", "size", "aside"}


def pack(folder: Path) -> BundleCard:
    """The bundle of the model as if it had been measured to be good."""
    reports = [(file, file.read_bytes()) for file in (EVALUATION, VERDICT)]
    found = Evaluation.read(EVALUATION)
    gates = params.load().gates()
    good = {
        head: one.model_copy(update={"metrics": {gates[head].metric: verdicts.measured()}})
        for head, one in found.tasks.items()
        if head in gates
    }
    found.model_copy(update={"tasks": good}).write(EVALUATION)
    verdicts.pass_on(Path())
    card = bundle.write(Path(), PACKAGING, "code", folder)
    for file, content in reports:
        file.write_bytes(content)
    return card


def test_the_bundle_answers_without_it_and_names_its_data(project: Project, tmp_path: Path) -> None:
    card = pack(tmp_path / "bundle")
    assert set(card.tasks) == {"mood", "size"}
    assert card.data["aside"]["train"] == sha256(Path("data/aside/train.parquet"))
    assert {file.name for file in (tmp_path / "bundle").iterdir()} == {
        *bundle.FILES,
        known_rows.FILE,
        "README.md",
        "card.json",
        "manifest.json",
        "sbom.cdx.json",
        "verdict.json",
    }
    assert sha256(tmp_path / "bundle/model.safetensors") == sha256(MODEL / "model.safetensors")
    (answers,) = Predictor(tmp_path / "bundle").predict(["good plane"], None)
    assert set(answers) == {"mood", "size"}


def test_heads_that_were_apart_come_back_as_they_were(project: Project, tmp_path: Path) -> None:
    model = saving.load(MODEL)
    split = EncodedSplit(Path("encoded/aside/test.arrow"))
    before, order = predict(model, "aside", split, range(len(split))), list(model.heads)
    saving.save_apart(model, tmp_path / "again", ["aside"])
    assert list(model.heads) == list(model.config.tasks) == order
    again = saving.load(tmp_path / "again")
    assert predict(again, "aside", split, range(len(split))) == before
    torch.testing.assert_close(again.state_dict(), {k: again.state_dict()[k] for k in model.state_dict()})
    saving.save_apart(model, tmp_path / "whole", [])
    assert not (tmp_path / "whole" / saving.AUXILIARY).exists()
    assert set(read_json(tmp_path / "whole/config.json")["tasks"]) == set(order)


def test_heads_whose_names_begin_alike_come_back_in_their_order(project: Project, tmp_path: Path) -> None:
    model = saving.load(MODEL)
    cards = dict(model.config.tasks)
    model.config.tasks.clear()
    model.config.tasks.update({"aside": cards["aside"], **cards, "aside_too": cards["aside"]})
    heads = {"aside": model.heads["aside"], **model.heads, "aside_too": model.new_head(cards["aside"])}
    model.heads.clear()
    model.heads.update(heads)
    saving.save_apart(model, tmp_path, ["aside", "aside_too"])
    assert list(model.heads) == list(model.config.tasks) == ["aside", "mood", "size", "aside_too"]
    again = saving.load(tmp_path).heads
    for name in ("aside", "aside_too"):
        torch.testing.assert_close(again[name].state_dict(), heads[name].state_dict())


def test_a_task_of_the_family_that_is_released_answers_as_it_was_evaluated(
    project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "released"
    saving.save_apart(saving.load(MODEL), folder, [])
    shutil.copy(MODEL / "tokenizer.json", folder)
    pack(tmp_path / "bundle").write(folder / "card.json")
    write_manifest(folder)
    rows, expected = read_rows(Path("data/aside"), "test", "aside"), read_json(Path("predictions/aside.json"))
    answers = Predictor(folder).predict([row["text"] for row in rows[:6]], ["aside"])
    for answer, known in zip(answers, expected, strict=False):
        found = answer["aside"].model_dump()
        assert found["log_likelihood"] == pytest.approx(known["log_likelihood"], rel=1e-4)
        assert found["hidden"] == known["hidden"] > 0


def test_its_share_falls_to_nothing_as_declared(project: Project) -> None:
    def rows(fall: dict[str, float]) -> np.ndarray:
        mixture = project.mixture.model_validate({"method": "uniform", "auxiliary": {"aside": fall}})
        longer = project.training.model_copy(update={"tokens": 30_000})
        changed = project.model_copy(update={"mixture": mixture, "training": longer})
        whole = planning.plan(changed, Path("encoded"), {})
        assert whole.steps == 100
        assert whole.tasks["aside"].auxiliary
        assert not whole.tasks["mood"].auxiliary
        plan = Plan.of(whole)
        lengths = {name: EncodedSplit(Path("encoded") / name / "train.arrow").lengths for name in plan.tasks}
        drawn = [step_rows(plan, 7, step, lengths) for step in range(plan.steps)]
        return np.array([len(step.get("aside", [])) / sum(map(len, step.values())) for step in drawn])

    beside = rows({"start": 0.5, "until": 0.6})
    assert beside[:5].mean() == pytest.approx(0.5, abs=0.1)
    assert beside[28:33].mean() == pytest.approx(0.25, abs=0.1)
    assert (beside[60:] == 0).all()
    assert (beside[:50] > 0).all()
    before = rows({"start": 0.9, "begin": 0.3, "until": 0.32})
    assert before[:30].mean() == pytest.approx(0.9, abs=0.02)
    assert (before[32:] == 0).all()


def test_what_it_forgets_does_not_choose_the_model(project: Project) -> None:
    plan, state = Plan.of(PlanRecord.read(Path("reports/plan.json"))), State()
    for step, scores in (
        (5, {"mood": 0.4, "size": 0.6, "aside": 0.9}),
        (10, {"mood": 0.6, "size": 0.6, "aside": 0.1}),
    ):
        state.step = step
        found = {head: Measured(score, 0.01, 20.0) for head, score in scores.items()}
        history.add_evaluation(state, found, plan, 0.1, ["aside"])
    assert state.best_step == 10
    assert [entry["score"] for entry in state.history] == pytest.approx([0.5, 0.6])
    found: list[dict[str, Any]] = read_json(Path("reports/training.json"))["evaluations"]
    for entry in found:
        scores, rows = ([entry[part][head] for head in ("mood", "size")] for part in ("validation", "rows"))
        assert entry["score"] == pytest.approx(np.average(scores, weights=rows))
        assert "aside" in entry["validation"]


# --- what is declared ------------------------------------------------------------------------------


def changed(project: Path, change: Any) -> None:
    raw = yaml.safe_load((project / "params.yaml").read_text())
    change(raw)
    (project / "params.yaml").write_text(yaml.safe_dump(raw))


def sentence_of(project: Path, change: Any) -> str:
    mask_token(project / "encoder")
    add_task(project, "masked_lm", TEXTS)
    changed(project, change)
    with pytest.raises(UserError) as error:
        params.load()
    return str(error.value)


def not_auxiliary(raw: dict) -> None:
    raw["mixture"] = {"method": "uniform"}


def without_an_example(raw: dict) -> None:
    not_auxiliary(raw)
    raw["tasks"]["aside"]["gate"] = {"metric": "accuracy", "floor": 0.1}


def joint(raw: dict) -> None:
    raw["tasks"]["mood"]["joint"]["aside_too"] = {"family": "masked_lm", "columns": {}}
    raw["tasks"]["mood"]["joint"]["aside_too"]["gate"] = {"metric": "accuracy", "floor": 0.1}


def joint_of_its_own(raw: dict) -> None:
    raw["tasks"]["aside"]["joint"] = {"again": {"family": "masked_lm", "columns": {}}}
    raw["tasks"]["aside"]["example"] = {"text": "good plane"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (not_auxiliary, "tasks.aside.gate: missing; only a task of mixture.auxiliary has none"),
        (without_an_example, "tasks.aside.example: found nothing, expected text: the question asked of"),
        (joint, "tasks.mood.joint.aside_too: masked_lm does not read a row as classification does; make it a task of its own"),
        (joint_of_its_own, "tasks.aside.joint.again: masked_lm does not read a row as masked_lm does; make it a task of its own"),
        (lambda p: p["tasks"]["aside"].update(max_length=1), "tasks.aside.max_length: found 1"),
        (lambda p: p["tasks"]["aside"].update(options={"share": 0.5}), "tasks.aside.options.share: unknown option; masked_lm has no options"),
        (lambda p: p["tasks"]["aside"]["columns"].update(label="text"), "tasks.aside.columns.label: masked_lm has no such column"),
        (lambda p: p["tasks"]["aside"].update(columns={}), "tasks.aside.columns.text: missing; masked_lm needs it"),
        (lambda p: p["tasks"]["aside"].update(gate={"metric": "perplexity", "floor": 1}), "tasks.aside.gate.metric: masked_lm has no metric 'perplexity'; expected one of accuracy, log_likelihood"),
        (lambda p: p["mixture"]["auxiliary"]["aside"].update(begin=0.6), "mixture.auxiliary.aside: begin 0.6 is not before until 0.6"),
        (lambda p: p["mixture"]["auxiliary"]["aside"].update(start=1.0), "mixture.auxiliary.aside.start: found 1.0"),
    ],
)  # fmt: skip
def test_a_mistake_in_declaring_it_is_one_sentence(tiny_project: Path, change: Any, expected: str) -> None:
    found = sentence_of(tiny_project, change)
    assert expected in found
    assert "\n" not in found


def test_a_gate_that_it_is_given_judges_nothing(tiny_project: Path) -> None:
    """So that a task becomes an auxiliary one by a line in the mixture alone."""
    add_task(tiny_project, "masked_lm", TEXTS, gate={"metric": "accuracy", "floor": 0.99})
    assert set(params.load().gates()) == {"mood", "size"}
    changed(tiny_project, lambda p: p["tasks"]["aside"].update(example={"text": "good plane"}))
    changed(tiny_project, not_auxiliary)
    assert set(params.load().gates()) == {"mood", "size", "aside"}


@pytest.mark.parametrize("family", ["sentence_order", "context_prediction"])
def test_rows_of_one_sentence_are_left_out_and_counted(tiny_project: Path, family: str) -> None:
    add_task(tiny_project, family, [*TEXTS, *({"text": sentence(500 + n)} for n in range(7))])
    encode_project(tiny_project)
    report = read_json(Path("data/aside/ingest.json"))
    why = "the text has only one sentence, expected two or more"
    assert report["read"] == {"rows": len(TEXTS) + 7, "skipped": {why: 7}}
    card = read_json(Path("data/aside/task.json"))
    assert sum(card["rows"].values()) + sum(report["removed"].values()) == len(TEXTS)
    add_task(tiny_project, family, [{"text": sentence(500 + n)} for n in range(7)])
    with pytest.raises(UserError, match=f"aside.jsonl: no row is left for aside: {why}"):
        encode_project(tiny_project)


def test_no_mask_token_is_found_before_training(tiny_project: Path) -> None:
    add_task(tiny_project, "masked_lm", TEXTS)
    with pytest.raises(UserError, match="the encoder's tokenizer has no mask token"):
        encode_project(tiny_project)
