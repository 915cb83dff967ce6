"""What a checkpoint keeps of modules that share a tensor."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from components.training import checkpoint
from components.training.average import averaged


class Tied(torch.nn.Module):
    """A decoder that shares its weight with the embeddings, as a head that predicts words does."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.embeddings = torch.nn.Embedding(5, 3)
        self.decoder = torch.nn.Linear(3, 5)
        self.decoder.weight = self.embeddings.weight
        torch.nn.init.constant_(self.decoder.weight, value)


def test_pitfall_7_a_tied_tensor_is_kept_once_and_comes_back_tied(tmp_path: Path) -> None:
    saved, restored = Tied(2.0), Tied(7.0)
    averages = [averaged(model, 0.5) for model in (saved, restored)]
    optimisers = [torch.optim.AdamW(model.parameters()) for model in (saved, restored)]
    best = {name: tensor.clone() for name, tensor in saved.state_dict().items()}
    checkpoint.save(tmp_path, saved, best, optimisers[0], checkpoint.State(step=4), averages[0])
    assert sorted(load_file(tmp_path / "step-000000004/model.safetensors")) == [
        "decoder.bias",
        "embeddings.weight",
    ]

    assert checkpoint.load_newest(tmp_path, restored, optimisers[1], print, averages[1])
    for model in (restored, averages[1].module):
        assert model.decoder.weight is model.embeddings.weight
        assert model.decoder.weight.unique().tolist() == [2.0]
        assert torch.equal(model.decoder.bias, saved.decoder.bias)
