"""examples/desk: its data are what its page says. Real templates and remarks, fetched as a user would."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
import yaml

from components import params
from components.data.contract.rows import labelled_rows
from components.data.ingest.ingest import ingest
from tests.packages import share_packages

pytestmark = pytest.mark.slow  # its data are made of templates and remarks, which are fetched

ROOT = Path(__file__).parents[2]
DESK = ROOT / "examples/desk"


@pytest.fixture(scope="module")
def grammar() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DESK))
        import grammar  # type: ignore[import-not-found, unused-ignore]

        return grammar  # type: ignore[no-any-return, unused-ignore]


def drawn(grammar: ModuleType, template: str, times: int = 200) -> set[str]:
    """All the sentences of a template, with a rule, a list and the slots shown as [slot=value]."""
    small = grammar.Grammar({"the": "(the|my)"}, lambda name, dice: dice.choice(["(low|high)", "9"]))
    said = set()
    for number in range(times):
        text, spans = small.draw(template, Random(number))
        for span in reversed(spans):
            value = text[span.start : span.end]
            text = f"{text[: span.start]}[{span.type}={value}]{text[span.end :]}"
        said.add(text)
    return said


@pytest.mark.parametrize(
    ("template", "sentences"),
    [
        ("stop", {"stop"}),
        ("stop [it] now", {"stop now", "stop it now"}),
        ("(on|off)", {"on", "off"}),
        ("<the> tv", {"the tv", "my tv"}),
        ("(a;b;c)", {"a b c", "a c b", "b a c", "b c a", "c a b", "c b a"}),
        ("[<the> [big]] tv", {"tv", "the tv", "my tv", "the big tv", "my big tv"}),
        ("set {speed}", {"set [speed=low]", "set [speed=high]", "set [speed=9]"}),
        ("set {speed:level}%", {"set [level=low]%", "set [level=high]%", "set [level=9]%"}),
        (
            "{a}( |-)hour[s]",
            {f"[a={v}]{s}hour{p}" for v in ("low", "high", "9") for s in " -" for p in ("", "s")},
        ),
    ],
)
def test_a_template_has_exactly_the_sentences_it_spells(
    grammar: ModuleType, template: str, sentences: set[str]
) -> None:
    assert drawn(grammar, template) == sentences


@pytest.mark.parametrize("template", ["(a", "a)", "[a", "a]", "(a]", "[a|b)", "a|(b;c"])
def test_brackets_that_do_not_match_are_refused(grammar: ModuleType, template: str) -> None:
    with pytest.raises(ValueError, match="brackets do not match"):
        drawn(grammar, template, 4)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's folder after prepare.py, which took the packages from where `make` keeps them."""
    folder = tmp_path_factory.mktemp("desk") / "project"
    shutil.copytree(DESK, folder, ignore=shutil.ignore_patterns("project", "__pycache__"))
    share_packages(folder)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(ROOT)!r}); import prepare; prepare.main()"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (folder / "downloads/minilm").mkdir(parents=True, exist_ok=True)  # the encoder is not needed here
    return folder


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def messages(project: Path) -> list[dict[str, Any]]:
    return read(project / "sources/messages.jsonl")


@pytest.fixture(scope="module")
def dialogues(project: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        part: read(project / f"sources/dialogues/{part}.jsonl") for part in ("train", "validation", "test")
    }


def test_no_template_is_in_two_splits_nor_a_message_there_twice(
    messages: list[dict[str, Any]], dialogues: dict[str, list[dict[str, Any]]]
) -> None:
    split_of: dict[str, str] = {}
    everything = [(row["split"], row) for row in messages]
    everything += [(part, row) for part, rows in dialogues.items() for row in rows]
    for part, row in everything:
        assert split_of.setdefault(row["template"], part) == part
    assert len({row["text"] for row in messages}) == len(messages)


def test_slots_are_whole_words_of_the_request_where_the_template_has_them(
    messages: list[dict[str, Any]],
) -> None:
    for row in messages:
        for slot in row["slots"]:
            value = row["text"][slot["start"] : slot["end"]]
            assert value == value.strip() != ""
            assert not row["text"][: slot["start"]][-1:].isalnum(), (row, slot)
            after = row["text"][slot["end"] :]
            assert not after[:1].isalpha() or after.startswith("k"), (row, slot)  # 3700k
        if "{area}" in row["template"] and "[" not in row["template"]:
            assert any(slot["type"] == "place" for slot in row["slots"]), row


def test_every_split_has_every_intent_slot_sentiment_urgency_and_answer(
    messages: list[dict[str, Any]], dialogues: dict[str, list[dict[str, Any]]]
) -> None:
    for of in (
        lambda row: {row["intent"]},
        lambda row: {row["sentiment"]},
        lambda row: {row["urgency"]},
        lambda row: {slot["type"] for slot in row["slots"]},
    ):
        found = {
            part: set().union(*(of(row) for row in messages if row["split"] == part))
            for part in ("train", "validation", "test")
        }
        assert found["train"] == found["validation"] == found["test"]
    answers = [{row["answer"] for row in rows} for rows in dialogues.values()]
    assert answers[0] == answers[1] == answers[2] == {row["id"] for row in read(DESK / "answers.jsonl")}


def test_sentiment_is_the_raters_and_urgency_that_of_the_closing_words(
    project: Path, messages: list[dict[str, Any]]
) -> None:
    rated = {}
    for line in (project / "downloads/vader/amazonReviewSnippets_GroundTruth.txt").read_text().splitlines():
        _, mean, text = line.split("\t")
        rated[" ".join(text.split())] = float(mean)
    closing = yaml.safe_load((DESK / "words.yaml").read_text())["closing"]
    said = Counter[str]()
    for row in messages:
        ends = [
            (len(end), urgency)
            for urgency, words in closing.items()
            for end in words
            if row["text"].endswith(end)
        ]
        assert max(ends)[1] == row["urgency"] or max(ends)[0] == 0
        ends = [
            place for place, sign in enumerate(row["text"]) if sign == " " and row["text"][:place] in rated
        ]
        remark = row["text"][: max(ends)] if ends else ""
        mean = rated.get(remark, 0.0)
        assert row["sentiment"] == ("positive" if mean > 1 else "negative" if mean < -1 else "neutral"), row
        said[remark] += 1
    assert 0.5 < 1 - said.pop("") / len(messages) < 0.7
    train = {row["text"].rpartition(", ")[2] for row in messages if row["split"] == "train"}
    assert not train & {end for words in closing.values() for end in words[-3:]}


def test_in_a_third_of_the_dialogues_the_last_turn_alone_does_not_say_what_is_wanted(
    dialogues: dict[str, list[dict[str, Any]]]
) -> None:  # fmt: skip
    rows = dialogues["test"]
    asked = [
        row for row in rows if len(row["turns"]) > 1 and row["turns"][-2]["text"] == "Which room do you mean?"
    ]
    assert 0.15 < len(asked) / len(rows) < 0.4
    assert len({row["answer"] for row in asked}) > 15
    rooms = yaml.safe_load((DESK / "words.yaml").read_text())["lists"]["area"]
    for row in asked:
        said, _, room = (turn["text"] for turn in row["turns"])
        assert any(name in room for name in rooms)
        assert not any(name in said.replace("garage door", "") for name in rooms), row


def test_the_settings_are_valid_and_ingest_keeps_the_rows(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    found = params.load()
    assert set(found.heads()) == {"intent", "slots", "sentiment", "urgency", "answer"}
    for name, task in found.tasks.items():
        ingest(name, task, found.seed, project / "data" / name)
        read_in = {
            part: len(labelled_rows(project / "data" / name, part, name)) for part in ("train", "test")
        }
        assert read_in["train"] > 600
        assert read_in["test"] > 250


def test_the_questions_are_ones_that_the_heads_read() -> None:
    from examples.transcript import read_questions
    from serving.schemas import PredictRequest

    heads = {"intent", "slots", "sentiment", "urgency", "answer"}
    for exchange in read_questions(DESK / "questions.json"):
        asked = PredictRequest.model_validate(exchange.request)
        assert set(asked.tasks or ()) <= heads
