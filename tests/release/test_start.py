"""What a training begins with is settled once: by the champion, the rows and the settings. Synthetic, untrained."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import families, params
from components.data.contract import known_rows
from components.data.contract.beginning import BEGINNING, NEW, START, Beginning, NewRows
from components.data.contract.cards import HeadCard
from components.data.encoding.encode import encode
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.ingest import ingest
from components.data.validation.records import VALIDATION, BetweenTasks, Validation
from components.encoder.place import ENCODER, TOKENIZER
from components.files import sha256, write_json
from components.model.multitask import MultiTaskModel
from components.release import moves, start
from tests.conftest import PARAMS, build_project, encode_project
from tests.once import made_once
from tests.release import bentos

pytestmark = pytest.mark.slow  # git runs
TASKS = ("mood", "people", "closeness")


def make(root: Path, encoder: Path) -> None:
    """A project in a git repository, encoded; beside it the folder of a model of untrained heads."""
    bentos.repository(root)
    build_project(root, encoder)
    (root / "params.yaml").write_text(f"{PARAMS}remotes: {{}}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        encode_project(root)
        between = BetweenTasks(leaks={}, exclude={})
        Validation(success=True, errors=[], warnings=[], tasks={}, between_tasks=between).write(VALIDATION)
        cards = {head: card for task in TASKS for head, card in cards_of(Path("encoded", task)).items()}
        MultiTaskModel.from_encoder(ENCODER, cards, 0.0, 1).save_pretrained("released")
        known = {
            task: known_rows.known_rows(Path("data", task), families.get(params.load().tasks[task].family))
            for task in TASKS
        }
        known_rows.write(Path("released", known_rows.FILE), known)


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    tiny_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    made = made_once(tmp_path_factory, "start", lambda root: make(root / "project", tiny_encoder))
    root = Path(shutil.copytree(made / "project", tmp_path / "project", symlinks=True))
    monkeypatch.chdir(root)
    change(start={"champion": {}})
    return root


def change(**sections: Any) -> None:
    file = Path("params.yaml")
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **sections}, sort_keys=False))


def settle(asked: bool = False) -> Beginning:
    found = start.settle(params.load(), Path(), asked)
    assert found == Beginning.read(START / BEGINNING)
    return found


def release(bundle: str, beginning: Beginning | None) -> None:
    bentos.release(Path(), bundle, Path("released"), beginning=beginning)


def read_again(task: str = "mood") -> None:
    """What ingest and encode do with the sources of today."""
    project = params.load()
    ingest.ingest(task, project.tasks[task], project.seed, Path("data", task))
    encode(Path("data", task), ENCODER / TOKENIZER, Path("encoded", task))


def add_rows(count: int = 30) -> None:
    with Path("sources/mood.csv").open("a") as file:
        file.writelines(
            f"early fine {'good' if n % 2 else 'bad'} train {n},{'up' if n % 2 else 'down'},\n"
            for n in range(count)
        )
    read_again()


@pytest.mark.usefixtures("project")
def test_the_first_training_begins_from_scratch_and_its_release_changes_nothing_for_it() -> None:
    first = settle()
    assert first.sentences == ["Training begins from scratch: there is no release yet"]
    before = (START / BEGINNING).stat()
    release("a", first)
    assert settle() == first
    assert (START / BEGINNING).stat() == before
    shutil.rmtree(START)  # a clone that has not pulled it
    assert settle() == first


@pytest.mark.usefixtures("project")
def test_new_rows_go_on_from_the_champion_and_are_told_from_those_that_it_knows() -> None:
    release("a", settle())
    add_rows()
    found = settle()
    assert (found.release, found.of_training, found.replay) == ("v1.0.0", 0.5, 0.5)
    assert found.taken_over == {head: head for head in ("mood", "size", "people", "closeness")}
    assert sha256(START / "model.safetensors") == found.model == sha256(Path("released/model.safetensors"))
    new = NewRows.read(START / NEW).tasks
    ids = EncodedSplit(Path("encoded/mood/train.arrow")).ids()
    texts = {
        row["id"]: row["text"] for row in known_rows.pq.read_table("data/mood/train.parquet").to_pylist()
    }
    assert {texts[ids[number]].startswith("early fine") for number in new["mood"]} == {True}
    assert len(new["mood"]) == sum(text.startswith("early fine") for text in texts.values()) > 9
    assert new["people"] == new["closeness"] == []
    release("b", found)  # of this very training
    assert settle() == found


@pytest.mark.usefixtures("project")
def test_after_a_rollback_the_next_training_goes_on_from_the_release_that_is_served() -> None:
    release("a", settle())
    add_rows()
    release("b", settle())
    moves.promote("v1.0.0", "it was bad", action="rollback")
    assert settle().release == "v1.0.0"  # the training that was rolled back is not begun anew
    add_rows(60)
    assert settle().release == "v1.0.0"
    moves.promote("v1.0.1", "")
    assert settle().release == "v1.0.1"


@pytest.mark.usefixtures("project")
def test_another_encoder_or_a_release_that_names_none_is_a_start_from_scratch_in_a_sentence() -> None:
    release("a", None)
    assert settle().why == "v1.0.0 does not say which encoder it has begun with; the next release will"
    release("b", Beginning(encoder="0" * 64))
    add_rows()
    found = settle()
    assert found.why == "models/encoder is not the encoder that v1.0.1 has begun with"
    assert (found.release, found.of_training) == (None, 1.0)
    assert {file.name for file in START.iterdir()} == {BEGINNING, "manifest.json"}


@pytest.mark.usefixtures("project")
def test_a_head_whose_labels_changed_and_a_new_one_begin_anew_and_a_renamed_one_does_not() -> None:
    release("a", settle())
    settings = yaml.safe_load(Path("params.yaml").read_text())
    mood, tasks = settings["tasks"].pop("mood"), settings["tasks"]
    mood["source"]["labels"] = ["up", "down"]  # other numbers of the same labels
    tasks |= {"mood": mood, "names": tasks.pop("people"), "more": tasks["closeness"]}
    change(tasks=tasks, evaluation={"renamed": {"names": "people"}})
    for task in ("mood", "names", "more"):
        read_again(task)
    found = settle()
    assert found.taken_over == {"size": "size", "names": "people", "closeness": "closeness"}
    assert found.anew == {
        "mood": "its labels changed, or what else its outputs stand for",
        "more": "the release does not have it",
    }
    assert "mood begins anew: its labels changed, or what else its outputs stand for" in found.sentences
    assert NewRows.read(START / NEW).tasks["names"] == []


@pytest.mark.usefixtures("project")
def test_an_auxiliary_task_begins_anew_for_no_release_has_its_head() -> None:
    release("a", settle())
    change(mixture={"method": "uniform", "auxiliary": {"people": {"start": 0.2}}})
    assert settle().anew == {"people": "no release has the head of an auxiliary task"}


CHOICES = {  # start.champion.runs, does the run answer a request -> does it go on from the champion?
    ("all", False): True, ("all", True): True, ("asked", False): False, ("asked", True): True,
    ("unasked", False): True, ("unasked", True): False,
}  # fmt: skip


@pytest.mark.usefixtures("project")
def test_a_run_that_answers_a_request_has_a_choice_of_its_own() -> None:
    release("a", settle())
    for number, ((runs, asked), goes_on) in enumerate(CHOICES.items()):
        change(start={"champion": {"runs": runs}}, seed=number)
        found = settle(asked)
        assert (found.release is not None) is goes_on
        assert goes_on or found.why == (
            f"start.champion.runs is {runs}, and this run answers {'a request' if asked else 'no request'}"
        )
        assert settle(not asked) == found  # a request is not data: what was settled for a training stays so


@pytest.mark.usefixtures("project")
def test_a_start_that_was_altered_is_written_again() -> None:
    release("a", settle())
    add_rows()
    found = settle()
    write_json(START / NEW, {})
    (START / "model.safetensors").write_bytes(b"")
    assert settle() == found
    assert sha256(START / "model.safetensors") == found.model


def test_heads_of_other_outputs_or_shapes_are_not_taken_over() -> None:
    def changed(family: str, known: dict[str, Any], facts: dict[str, Any]) -> str | None:
        cards = [
            HeadCard(family=family, facts=one, task="t", max_length=8, inputs=["text"])
            for one in (known, facts)
        ]
        return start._other_outputs(*cards, {"hidden_size": 8})

    brand = {
        "rate": 0.5,
        "categorical": {"brand": ["a", "b"]},
        "numeric": {"price": {"centre": 0.0, "scale": 1.0}},
    }
    assert changed("click", brand, {**brand, "rate": 0.4}) is None
    assert changed("click", brand, {**brand, "categorical": {"brand": ["a", "c"]}}) is not None
    assert (
        changed(
            "ordinal",
            {"labels": list("abc"), "above": [0.6, 0.3]},
            {"labels": list("abc"), "above": [0.7, 0.2]},
        )
        is None
    )
    assert changed("tagging", {"tags": ["O", "B-A"]}, {"tags": ["O", "B-B"]}) is not None
    assert changed("regression", {"pair": True}, {"pair": False}) == "its weights have other shapes"
