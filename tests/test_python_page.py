"""docs/reference/python.md: its blocks, run in their order, do what the page says. The data are synthetic."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.release import moves
from tests.conftest import PARAMS, encode_project, write_sources
from tests.release import bentos

PAGE = (Path(__file__).parent.parent / "docs/reference/python.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, bento: Path) -> dict[str, Any]:
    """The names of a Python session that has run the page in a project with a release."""
    root = bentos.repository(tmp_path_factory.mktemp("notebook"))
    (root / "dvc.yaml").unlink()  # which would ask params.yaml for more
    write_sources(root / "sources")
    (root / "sources/mood.csv").rename(root / "sources/sentiment.csv")
    (root / "encoder").symlink_to(tiny_encoder)
    (root / "params.yaml").write_text(PARAMS.replace("mood", "sentiment"))
    names: dict[str, Any] = {"root": root}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        encode_project(root)
        shutil.copytree(bento, root / "bento")
        bentos.of_no_verdict(root / "bento")
        bentos.track(root)
        moves.release(Path("bento"), bentos.write_verdict(root))
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
            exec(compile(block, f"block {number} of python.md", "exec"), names)  # noqa: S102
    return names


@pytest.mark.slow
def test_the_page_asks_a_release_and_a_model_that_was_not_released(session: dict[str, Any]) -> None:
    assert session["answers"][0]["sentiment"].label in ("negative", "neutral", "positive")
    (answer,) = session["candidate"].predict(["good plane"])
    assert answer["sentiment"].label in ("down", "up")
    assert answer["people"].entities is not None


@pytest.mark.slow
def test_the_page_trains_and_measures(session: dict[str, Any]) -> None:
    assert len(session["rows"]) == len(session["found"]) > 10
    assert session["accuracy"] == 1 - len(session["wrong"]) / len(session["rows"])
    assert session["accuracy"] > 0.5


@pytest.mark.slow
def test_the_exported_encoder_gives_the_states_of_the_trained_one(session: dict[str, Any]) -> None:
    import torch
    from tokenizers import Tokenizer

    text = "It was fine."
    tokens = session["tokenizer"](text, return_tensors="pt")
    own = Tokenizer.from_file(str(session["root"] / "models/multitask/tokenizer.json"))
    assert tokens["input_ids"][0].tolist() == own.encode(text).ids
    ids = tokens["input_ids"]
    with torch.no_grad():
        states_BLD = session["model"].encode(ids, torch.ones_like(ids), torch.zeros_like(ids))
    assert torch.allclose(session["states"], states_BLD, atol=1e-6)
