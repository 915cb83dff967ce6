"""The model saves, loads and shares as transformers users expect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from components.data.batches.tensors import Rows
from components.errors import UserError
from components.model.multitask import MultiTaskModel
from components.model.saving import load

CARDS = {
    "mood": {
        "family": "classification",
        "facts": {"labels": ["down", "up"]},
        "max_length": 16,
    },
    "people": {"family": "tagging", "facts": {"tags": ["O", "B-X", "I-X"]}, "max_length": 16},
}
ALL = Rows(torch.arange(2))
IDS = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]])
MASK = (IDS > 0).long()


def build(folder: Path) -> MultiTaskModel:
    return MultiTaskModel.from_encoder(folder, CARDS, 0.1, 3).eval()


def logits(model: MultiTaskModel) -> dict[str, torch.Tensor]:
    with torch.inference_mode():
        return model(IDS, MASK, torch.zeros_like(IDS), dict.fromkeys(CARDS, ALL))


def test_save_and_load_give_the_same_logits_with_heads_and_cards(tiny_encoder: Path, tmp_path: Path) -> None:
    model = build(tiny_encoder)
    model.save_pretrained(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    loaded = load(tmp_path)
    assert loaded.config.tasks == CARDS
    for name, expected in logits(model).items():
        assert torch.equal(logits(loaded)[name], expected)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_an_encoder_kept_in_half_precision_is_trained_in_fp32(
    precision: str, tiny_encoder: Path, tmp_path: Path
) -> None:
    half = AutoModel.from_pretrained(tiny_encoder, dtype=getattr(torch, precision))
    half.save_pretrained(tmp_path / "half")
    assert json.loads((tmp_path / "half/config.json").read_text())["dtype"] == precision
    model = build(tmp_path / "half")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    for name, weight in half.state_dict().items():
        assert torch.equal(model.encoder.state_dict()[name], weight.float())
    model.save_pretrained(tmp_path / "saved")
    loaded = load(tmp_path / "saved")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    for name, expected in logits(model).items():
        assert torch.equal(logits(loaded)[name], expected)


def test_the_heads_share_one_encoder(tiny_encoder: Path) -> None:
    model = build(tiny_encoder)
    logits_people = model(IDS, MASK, torch.zeros_like(IDS), {"people": ALL})["people"]
    logits_people.sum().backward()
    assert model.encoder.embeddings.word_embeddings.weight.grad is not None
    assert all(p.grad is None for p in model.heads["mood"].parameters())


def test_padding_changes_nothing(tiny_encoder: Path) -> None:
    model = build(tiny_encoder)
    longer = torch.nn.functional.pad(IDS, (0, 5))
    with torch.inference_mode():
        padded = model(longer, (longer > 0).long(), torch.zeros_like(longer), {"mood": ALL})["mood"]
    torch.testing.assert_close(padded, logits(model)["mood"], rtol=1e-5, atol=1e-5)


def test_a_sequence_that_a_row_lacks_is_masked(tiny_encoder: Path) -> None:
    """The states that a head of rows of several sequences is given, seen by a head that returns them."""
    model = build(tiny_encoder)

    class Seen(torch.nn.Module):
        def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            self.hidden, self.mask = hidden, mask
            return hidden

    model.heads["mood"] = seen = Seen()
    with torch.inference_mode():
        model(IDS, MASK, torch.zeros_like(IDS), {"mood": Rows.of([[0, 1], [1]], True, [None, None])})
    assert seen.hidden.shape[:3] == (2, 2, 4)  # rows, sequences, tokens
    assert seen.mask.tolist() == [[[1, 1, 1, 1], [1, 1, 1, 0]], [[1, 1, 1, 0], [0, 0, 0, 0]]]
    torch.testing.assert_close(seen.hidden[0, 1], seen.hidden[1, 0])


def test_the_heads_are_a_function_of_the_seed(tiny_encoder: Path) -> None:
    weights = [
        MultiTaskModel.from_encoder(tiny_encoder, CARDS, 0.1, seed).heads["mood"].output.weight
        for seed in (3, 3, 4)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_encoder_is_the_pretrained_one(tiny_encoder: Path) -> None:
    from transformers import AutoModel

    expected = AutoModel.from_pretrained(tiny_encoder).state_dict()
    for name, tensor in build(tiny_encoder).encoder.state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_a_truncated_model_is_one_sentence(tiny_encoder: Path, tmp_path: Path) -> None:
    build(tiny_encoder).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match="the model cannot be loaded") as error:
        load(tmp_path)
    assert "\n" not in str(error.value)


def test_no_model_and_no_encoder_say_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model here"):
        load(tmp_path)
    with pytest.raises(UserError, match="no readable encoder"):
        MultiTaskModel.from_encoder(tmp_path, CARDS, 0.1, 3)
