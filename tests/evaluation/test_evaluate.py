"""The evidence: every baseline and the champion on the same rows, and pages that show it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import save_file as numpy_file
from safetensors.torch import load_file, save_file

from components import params
from components.data.contract import known_rows
from components.data.contract.rows import read_rows
from components.data.mixture.records import PLAN, PlanRecord
from components.errors import UserError
from components.evaluation import page, row_scores
from components.evaluation.baselines import baselines
from components.evaluation.champion import Opponent, todays_names
from components.evaluation.evaluate import evaluate
from components.evaluation.gate import rules_of, verdict
from components.evaluation.records import EVALUATION, VERDICT, Champion, Evaluation, RowsSince, Verdict
from components.families import get
from components.files import read_json, write_json
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from flows import rows as rows_command
from tests.conftest import build_project, encode_project
from tests.pages.reading import loaded
from tests.verdicts import rules

pytestmark = pytest.mark.slow  # models are trained

OTHERS = ["size", "closeness"]  # which so small a training does not teach


def opponent() -> Opponent:
    """The model in champion/."""
    return Opponent(Path("champion"), Champion(release="v1", model="m" * 64, manifest="f" * 64))


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A trained project, and a champion that is the same model."""
    root = tmp_path_factory.mktemp("evaluated")
    build_project(root, tiny_encoder)
    settings_file = root / "params.yaml"
    settings_file.write_text(settings_file.read_text().replace("tokens: 12000", "tokens: 6000"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        encode_project(root)
        project = params.load()
        run(project, Path(), Terminal())
        for name in project.tasks:
            baselines(Path("data") / name, Path("baselines") / name)
        shutil.copytree("models/multitask", "champion")
        evaluate(project, Path(), opponent(), lambda text: None)
    return root


@pytest.fixture
def evaluated(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """Its report, in a copy of the project that the test runs inside."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return read_json(Path("reports/evaluation.json"))


def test_every_task_is_measured_against_baselines_and_champion_on_the_same_rows(evaluated: dict) -> None:
    assert set(evaluated["tasks"]) == {"mood", "size", "people", "closeness"}
    for name, task in evaluated["tasks"].items():
        predictions = read_json(Path("predictions") / f"{name}.json")
        assert len(predictions) == task["rows"]["test"]
        for values in task["metrics"].values():
            assert values["interval"][0] <= values["value"] <= values["interval"][1]
            # the champion is the very same model here
            assert values["champion"]["difference"] == 0
            low, high = values["champion"]["interval"]  # so few rows tell no more
            assert -low == pytest.approx(high)
            assert values["champion"]["p"] == 1.0
    accuracy = evaluated["tasks"]["mood"]["metrics"]["accuracy"]
    assert (
        accuracy["over_trivial"][0] <= accuracy["value"] - accuracy["trivial"] <= accuracy["over_trivial"][1]
    )


def test_a_metric_that_tells_nothing_of_so_few_labels_is_left_out(evaluated: dict) -> None:
    measured = evaluated["tasks"]["mood"]["metrics"]
    assert {"mcc", "cohen_kappa", "auc", "average_precision"} < set(measured)
    assert not {"top_3_accuracy", "top_5_accuracy"} & set(measured)


def test_the_values_alone_are_in_a_file_for_dvc_metrics(evaluated: dict) -> None:
    expected = {
        name: {metric: measured["value"] for metric, measured in task["metrics"].items()}
        for name, task in evaluated["tasks"].items()
    }
    assert read_json(Path("reports/metrics.json")) == expected


@pytest.mark.parametrize("head", ["mood", "size", "people", "closeness"])
def test_every_test_row_can_be_looked_up_with_the_models_answer(evaluated: dict, head: str) -> None:
    rows = row_scores.read(params.load(), Path(), head)
    said = read_json(Path("predictions") / f"{head}.json")
    assert [{"id": row.id, **row.said} for row in rows] == said
    wrong = row_scores.worst_first(rows)
    assert not any(row.right for row in wrong)
    values = [row.value for row in wrong]
    assert values == sorted(values)
    assert rows_command.run(Path(), head, None, True, 3) == 0
    assert rows_command.run(Path(), head, rows[-1].id, False, 3) == 0


def test_a_task_or_a_row_that_is_not_there_gets_the_nearest_one(evaluated: dict) -> None:
    with pytest.raises(UserError, match=r"no task 'moood' \(did you mean 'mood'\?\)"):
        row_scores.read(params.load(), Path(), "moood")
    with pytest.raises(UserError, match="mood: no test row 'x'"):
        rows_command.run(Path(), "mood", "x", False, 3)
    write_json(Path("predictions/mood.json"), [])
    with pytest.raises(UserError, match="of other rows than data/mood; run `onetrunk run`"):
        row_scores.read(params.load(), Path(), "mood")


def test_the_verdict_replays_and_the_page_needs_nothing_else(evaluated: dict) -> None:
    rules = rules_of(params.load())
    first = verdict(Evaluation.model_validate(evaluated), rules)
    assert verdict(Evaluation.read(EVALUATION), rules) == first
    first.write(VERDICT)
    assert Verdict.read(VERDICT) == first
    page.write(Path())
    html = Path("reports/evaluation.html").read_text()
    assert "<script" not in html
    assert loaded(html) == []
    assert all(name in html for name in evaluated["tasks"])
    for row in read_json(Path("predictions/mood.json"))[:3]:
        assert row["id"] not in html


def test_the_evidence_says_what_training_saw_of_a_tasks_rows(evaluated: dict) -> None:
    """How often, and how many of them to the end: what to try depends on it."""
    plan = PlanRecord.read(PLAN)
    for head in evaluated["tasks"].values():
        planned = plan.tasks[head["task"]]
        assert (head["epochs"], head["cut"]) == (planned.epochs, planned.cut)


def test_who_insists_on_beating_the_linear_baseline_says_so_in_params(evaluated: dict) -> None:
    project, settings = params.load(), Path("params.yaml")
    name = next(name for name, task in project.tasks.items() if task.gate)
    assert not rules_of(project).gates[name].beat_linear
    raw = yaml.safe_load(settings.read_text())
    raw["tasks"][name]["gate"]["beat_linear"] = True
    settings.write_text(yaml.safe_dump(raw))
    assert rules_of(params.load()).gates[name].beat_linear


def judged(gates: dict, without_champion: tuple[str, ...] = ()) -> Verdict:
    """The champion of now against the candidate, by these gates."""
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    return against(gates, [*without_champion, "people", *OTHERS])


def against(gates: dict, without_champion: Sequence[str]) -> Verdict:
    """The verdict on the evidence of now."""
    return verdict(Evaluation.read(EVALUATION), rules(gates, without_champion))


def relabel(champion: Path, head: str, labels: list[str]) -> None:
    """The champion has learnt these labels: rows of its last layer are taken out, or come random."""
    config, tensors = read_json(champion / "config.json"), load_file(champion / "model.safetensors")
    facts = config["tasks"][head]["facts"]
    place = {label: number for number, label in enumerate(facts["labels"])}
    for name in [name for name in tensors if name.startswith("heads.") and f"{head}.output." in name]:
        rows = [tensors[name][place[one]] if one in place else tensors[name][0] - 9 for one in labels]
        tensors[name] = torch.stack(rows)
    facts["labels"] = labels
    write_json(champion / "config.json", config)
    save_file(tensors, champion / "model.safetensors", {"format": "pt"})


def test_a_label_that_the_champion_lacks_does_not_make_it_vanish(evaluated: dict) -> None:
    """A stray label in the data: the head is compared on the other rows, on which nothing has changed."""
    card = read_json(Path("encoded/mood/task.json"))
    labels = card["heads"]["mood"]["facts"]["labels"]
    relabel(Path("models/multitask"), "mood", [*labels, "mood"])
    card["heads"]["mood"]["facts"]["labels"] = [*labels, "mood"]
    write_json(Path("encoded/mood/task.json"), card)
    found = judged({"mood": params.load().gates()["mood"]})
    compared = found.tasks["mood"].champion
    assert compared and compared.difference == 0
    assert compared.changed == "the label set changed: +mood"
    assert compared.rows == evaluated["tasks"]["mood"]["rows"]["test"]
    assert (
        f"on {compared.rows} test rows that both can answer ({compared.changed})" in found.tasks["mood"].why
    )


def test_a_head_whose_labels_are_spelt_anew_is_held_with_what_changed(evaluated: dict) -> None:
    card = Path("champion/config.json")
    config = read_json(card)
    assert config["tasks"]["mood"]["facts"]["labels"] == ["down", "up"]
    config["tasks"]["mood"]["facts"]["labels"] = ["down", "Up"]
    write_json(card, config)
    found = judged({"mood": params.load().gates()["mood"]})
    assert found.verdict == "HOLD"
    assert "the label set changed: +up \u2212Up; both can answer" in found.tasks["mood"].why
    tasks = read_json(Path("reports/evaluation.json"))["tasks"]
    assert tasks["mood"]["metrics"]["accuracy"]["champion"] is None
    assert tasks["people"]["metrics"]["entity_f1"]["champion"] is not None


def test_labels_that_were_swapped_are_held_and_not_won_against(evaluated: dict) -> None:
    """The label set is the same, and the champion is wrong in nearly all."""
    config = read_json(Path("champion/config.json"))
    config["tasks"]["mood"]["facts"]["labels"] = ["up", "down"]
    write_json(Path("champion/config.json"), config)
    gates = {"mood": params.load().gates()["mood"]}
    found = judged(gates)
    assert found.verdict == "HOLD"
    assert (
        "below the trivial baseline's: the task seems to mean something else now" in found.tasks["mood"].why
    )
    assert judged(gates, ("mood",)).verdict == "PROMOTE"


def call_mood(name: str, folder: Path) -> None:
    """The release knows the task by another name."""
    config, tensors = read_json(folder / "config.json"), load_file(folder / "model.safetensors")
    config["tasks"][name] = config["tasks"].pop("mood")
    config["tasks"][name]["task"] = config["tasks"]["size"]["task"] = name
    write_json(folder / "config.json", config)
    moved = {key.replace("task:mood.", f"task:{name}."): value for key, value in tensors.items()}
    save_file(moved, folder / "model.safetensors", {"format": "pt"})


def test_a_task_that_was_renamed_is_compared_once_that_is_said(evaluated: dict) -> None:
    call_mood("feeling", Path("champion"))
    gates = {"mood": params.load().gates()["mood"]}
    found = judged(gates)
    assert found.verdict == "HOLD"
    assert found.tasks["mood"].why.endswith("new, the champion does not answer it")
    assert "evaluation.renamed: {mood: feeling}" in found.dropped["feeling"]
    champion = Opponent(Path("champion"), opponent().release, {"mood": "feeling"})
    evaluate(params.load(), Path(), champion, lambda text: None)
    found = against(gates, ["people", *OTHERS])
    assert found.verdict == "PROMOTE"
    compared = found.tasks["mood"].champion
    assert compared and compared.difference == 0


def test_a_task_that_cannot_be_compared_is_held_until_that_is_said_to_be_meant(evaluated: dict) -> None:
    config = read_json(Path("champion/config.json"))
    tasks = config["tasks"]
    tasks["mood"]["facts"]["labels"] = ["up", "down"]
    tasks["people"]["inputs"] = ["text", "text_pair"]
    write_json(Path("champion/config.json"), config)
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    report, gates = Evaluation.read(EVALUATION), params.load().gates()
    gates = {name: gates[name] for name in ("mood", "people")}
    found = verdict(report, rules(gates, OTHERS))
    assert found.verdict == "HOLD"
    why = {name: task.why for name, task in found.tasks.items() if task.gate == "hold"}
    assert set(why) == {"mood", "people"}
    assert "its inputs changed from text and text_pair to text" in why["people"]
    assert "name it in evaluation.without_champion" in why["mood"]
    assert verdict(report, rules(gates, [*gates, *OTHERS])).verdict == "PROMOTE"


def test_a_renamed_or_removed_task_is_held_and_never_passes_for_want_of_a_champion(evaluated: dict) -> None:
    renamed = {"feeling": params.load().gates()["mood"]}
    report = json.loads(json.dumps(evaluated).replace('"mood": {"task"', '"feeling": {"task"'))
    for metric in report["tasks"]["feeling"]["metrics"].values():
        metric["champion"] = None  # as of a head that the champion has not
    renamed_report = Evaluation.model_validate(report)
    found = verdict(renamed_report, rules(renamed, ["people", *OTHERS]))
    assert found.verdict == "HOLD"
    assert found.tasks["feeling"].gate == "pass"
    (why,) = found.reasons()
    assert why.startswith("mood: the champion answers it and the candidate does not")
    assert verdict(renamed_report, rules(renamed, ["mood", "people", *OTHERS])).verdict == "PROMOTE"


def remember_rows(folder: Path, train: str, test: str) -> None:
    """The release has learnt from the rows of one split of mood, and was tested on those of another."""
    kept = {
        "mood/train": known_rows.of_texts(read_rows(Path("data/mood"), train, "mood"), get("classification")),
        "mood/test": known_rows._of_split(
            Path("data/mood") / f"{test}.parquet", lambda rows: known_rows.of_rows(rows.to_pylist())
        ),
    }
    numpy_file({name: np.sort(hashes) for name, hashes in kept.items()}, folder / known_rows.FILE)


def test_a_release_that_does_not_know_its_rows_is_compared_on_all_and_that_is_said(evaluated: dict) -> None:
    compared = evaluated["tasks"]["mood"]["metrics"]["accuracy"]["champion"]
    assert compared["since"] is None
    assert compared["rows"] == evaluated["tasks"]["mood"]["rows"]["test"]


def test_test_rows_that_a_release_has_learnt_from_are_left_out_and_counted(evaluated: dict) -> None:
    """As after a change of the seed: half of the test rows were the champion's training rows."""
    rows = read_rows(Path("data/mood"), "test", "mood")
    remember_rows(Path("champion"), "train", "test")
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    compared = Evaluation.read(EVALUATION).tasks["mood"].metrics["accuracy"].champion
    assert compared and compared.since == RowsSince(
        come=0, gone=0, trained_on=0, learnt_come=0, learnt_gone=0
    )

    known = known_rows.read(Path("champion") / known_rows.FILE)
    assert known
    half = known_rows.of_texts(rows[: len(rows) // 2], get("classification"))
    numpy_file(
        {"mood/train": np.sort(half), "mood/test": known["mood"].test_N[5:]},
        Path("champion") / known_rows.FILE,
    )
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    compared = Evaluation.read(EVALUATION).tasks["mood"].metrics["accuracy"].champion
    train, known_half = evaluated["tasks"]["mood"]["rows"]["train"], len(rows) // 2
    since = RowsSince(
        come=5, gone=0, trained_on=known_half, learnt_come=train, learnt_gone=known_half
    )  # the champion had learnt from half of the test rows, and from none of today's training rows
    assert compared and compared.since == since
    assert compared.rows == len(rows) - len(rows) // 2


def test_a_champion_that_has_learnt_all_test_rows_is_held_and_never_passes(evaluated: dict) -> None:
    remember_rows(Path("champion"), "test", "validation")
    found = judged({"mood": params.load().gates()["mood"]})
    assert found.verdict == "HOLD"
    rows = evaluated["tasks"]["mood"]["rows"]["test"]
    assert f"{rows} test rows stand in its training data, and no other is left" in found.tasks["mood"].why


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


FIXED = 4  # special tokens, which the tokenizer's template names by number


def reorder_vocabulary(folder: Path) -> None:
    """The same model under a vocabulary of another order: tokens and word embeddings move alike."""
    _move_tokens(folder, lambda size: [*range(FIXED), *reversed(range(FIXED, size))])


def grow_vocabulary(folder: Path) -> None:
    """The same model under a larger vocabulary, whose further tokens come before the old ones."""
    _move_tokens(folder, lambda size: [*range(FIXED), *range(FIXED + 7, size + 7)])


def _move_tokens(folder: Path, places: Callable[[int], list[int]]) -> None:
    """Give each token the number that `places` says, in tokenizer, weights and configuration."""
    tokenizer, config = read_json(folder / "tokenizer.json"), read_json(folder / "config.json")
    tensors = load_file(folder / "model.safetensors")
    (name,) = [name for name in tensors if name.endswith("word_embeddings.weight")]
    now = places(len(tensors[name]))
    vocabulary = {piece: now[number] for piece, number in tokenizer["model"]["vocab"].items()}
    moved = torch.randn(max(now) + 1, tensors[name].shape[1])
    moved[now] = tensors[name]
    tokenizer["model"]["vocab"], config["encoder"]["vocab_size"] = vocabulary, len(moved)
    write_json(folder / "tokenizer.json", tokenizer)
    write_json(folder / "config.json", config)
    save_file({**tensors, name: moved}, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("change", [reorder_vocabulary, grow_vocabulary])
def test_a_champion_reads_the_texts_with_its_own_tokenizer(
    evaluated: dict, change: Callable[[Path], None]
) -> None:
    """It is the candidate's twin under another vocabulary, so it answers alike, and is measured alike."""
    change(Path("champion"))
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    for name, task in read_json(Path("reports/evaluation.json"))["tasks"].items():
        for metric, values in task["metrics"].items():
            assert values["champion"]["value"] == pytest.approx(
                evaluated["tasks"][name]["metrics"][metric]["value"], abs=1e-5
            )


def test_a_champion_is_asked_at_its_own_lengths(evaluated: dict) -> None:
    """The candidate cuts texts to a few tokens; the champion, who does not, answers as it did."""
    params_file = Path("params.yaml")
    params_file.write_text(params_file.read_text().replace("max_length: 24", "max_length: 8"))
    encode_project(Path())
    shutil.rmtree("models/multitask")
    run(params.load(), Path(), Terminal())
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    mood = read_json(Path("reports/evaluation.json"))["tasks"]["mood"]["metrics"]["accuracy"]
    assert mood["champion"]["value"] == evaluated["tasks"]["mood"]["metrics"]["accuracy"]["value"]
