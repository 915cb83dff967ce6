"""A champion reads the texts as it learnt to: with its own tokenizer, at its own lengths."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from components import params
from components.evaluation.evaluate import evaluate
from components.files import read_json, write_json
from components.tracking.terminal import Terminal
from components.training.run.fit import run
from tests.conftest import encode_project
from tests.evaluation.evaluate.opponents import opponent

pytestmark = pytest.mark.slow  # models are trained


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
