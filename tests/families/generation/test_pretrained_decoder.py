"""Pretrained encoder-decoders, held to transformers' own forward pass and `generate` (weights are random)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from components.data.batches.tensors import Rows
from components.errors import UserError
from components.families.generation.beam_search import Limits
from components.families.generation.family import FAMILY
from components.model.multitask import MultiTaskModel
from components.model.saving import load
from tests.families.generation import seq2seq_folders

IDS = torch.tensor([[4, 5, 6, 7, 8, 3], [9, 10, 11, 3, 0, 0], [12, 13, 14, 15, 3, 0]])
MASK = (IDS > 0).long()
TARGET = torch.tensor([[20, 21, 22, 3], [30, 3, -100, -100], [40, 41, 3, -100]])


@pytest.fixture(scope="module", params=seq2seq_folders.KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seq2seq_folders.build(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def whole(folder: Path) -> Any:
    from transformers import AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def model(folder: Path) -> MultiTaskModel:
    options = FAMILY.options(decoder="pretrained", max_target=9).model_dump()
    cards = {
        "reply": {
            "family": "generation",
            "facts": {"options": options, **FAMILY.encoder_facts(folder, options)},
        },
        "mood": {"family": "classification", "facts": {"labels": ["down", "up"]}},
    }
    return MultiTaskModel.from_encoder(folder, cards, 0.0, 3).eval()


@torch.inference_mode()
def logits(model: MultiTaskModel, target: torch.Tensor | None = TARGET) -> torch.Tensor:
    rows = Rows(torch.arange(3), None, target)
    return model(IDS, MASK, torch.zeros_like(IDS), {"reply": rows})["reply"]


def test_the_shared_encoder_is_its_encoder(model: MultiTaskModel, whole: Any) -> None:
    states = model.encode(IDS, MASK, torch.zeros_like(IDS))
    expected = whole.get_encoder()(input_ids=IDS, attention_mask=MASK).last_hidden_state
    torch.testing.assert_close(states[MASK.bool()], expected[MASK.bool()])


def test_taught_logits_are_transformers(model: MultiTaskModel, whole: Any) -> None:
    with torch.inference_mode():
        expected = whole(input_ids=IDS, attention_mask=MASK, labels=TARGET).logits
    known = TARGET >= 0
    torch.testing.assert_close(logits(model)[known], expected[known], rtol=1e-4, atol=1e-4)
    assert expected[known].std() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("beams", [1, 3])
def test_what_it_says_is_what_generate_says(model: MultiTaskModel, whole: Any, beams: int) -> None:
    head = model.heads["reply"]
    head.limits = Limits(9, beams, length_penalty=0.0)
    found = logits(model, None)
    expected = whole.generate(
        input_ids=IDS, attention_mask=MASK, num_beams=beams, do_sample=False, max_new_tokens=9,
        early_stopping=beams > 1, length_penalty=0.0, forced_eos_token_id=None, forced_bos_token_id=None,
        no_repeat_ngram_size=0,
    )  # fmt: skip
    end = whole.config.eos_token_id
    for ours, theirs in zip(found.tolist(), expected[:, 1:].tolist(), strict=True):
        until = theirs.index(end) + 1 if end in theirs else len(theirs)
        assert [token for token in ours if token >= 0] == theirs[:until]
    assert len({tuple(row) for row in found.tolist()}) > 1  # they depend on the source


@torch.inference_mode()
def test_the_service_bounds_its_time_and_an_evaluation_does_not(model: MultiTaskModel) -> None:
    model.heads["reply"].limits = Limits(5, seconds=1e-9)
    hidden = model.encode(IDS, MASK, torch.zeros_like(IDS))
    answered = model.answer("reply", hidden, MASK, Rows(torch.arange(3)), 1.0)
    assert (answered >= 0).sum(1).tolist() == [1, 1, 1]
    assert (logits(model, None) >= 0).sum() > 3


@pytest.mark.slow
def test_saved_and_loaded_it_says_the_same(model: MultiTaskModel, tmp_path: Path) -> None:
    model.heads["reply"].limits = replace(model.heads["reply"].limits, beams=1)
    model.save_pretrained(tmp_path)
    loaded = load(tmp_path)
    assert torch.equal(logits(loaded), logits(model))
    assert {name for name, _ in loaded.named_parameters()} == {name for name, _ in model.named_parameters()}
    storages = {parameter.data_ptr() for parameter in loaded.parameters()}
    assert len(storages) == len(list(loaded.parameters()))


def test_another_task_has_its_head_on_the_same_encoder(model: MultiTaskModel) -> None:
    rows = Rows(torch.arange(3))
    found = model(IDS, MASK, torch.zeros_like(IDS), {"mood": rows, "reply": rows._replace(target_nT=TARGET)})
    sum(one.square().sum() for one in found.values()).backward()
    assert found["mood"].shape == (3, 2)
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert not missing
    model.zero_grad()


def test_an_encoder_without_a_decoder_is_refused(tiny_encoder: Path, folder: Path, tmp_path: Path) -> None:
    given = FAMILY.options(decoder="pretrained").model_dump()
    with pytest.raises(UserError, match="found bert .*; `decoder: pretrained` expects an encoder-decoder"):
        FAMILY.encoder_facts(tiny_encoder, given)
    with pytest.raises(UserError, match=r"config\.json: missing, or no model's configuration"):
        FAMILY.encoder_facts(tmp_path, given)
    config = json.loads((folder / "config.json").read_text())
    config["decoder_start_token_id"] = None
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="without decoder_start_token_id"):
        FAMILY.encoder_facts(tmp_path, given)
