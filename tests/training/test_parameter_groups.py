"""Which rate each parameter has, in encoders of several architectures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, DistilBertConfig, MPNetConfig

from components import params
from components.training.parameter_groups import depths, parameter_groups
from tests.model.encoders import ENCODERS, SIZES
from tests.training.steps import setup_step

DISTIL = {"vocab_size": 99, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48}
ALL = {**ENCODERS, "distilbert": DistilBertConfig(**DISTIL), "mpnet": MPNetConfig(**SIZES)}
PLACES = {  # a parameter's name in the architecture: of block 2 of 3, of block 0, of an embedding
    "bert": ("encoder.layer.2.", "encoder.layer.0.", "embeddings.word_embeddings.weight"),
    "roberta": ("encoder.layer.2.", "encoder.layer.0.", "embeddings.position_embeddings.weight"),
    "electra": ("encoder.layer.2.", "encoder.layer.0.", "embeddings_project.weight"),
    "mpnet": ("encoder.layer.2.", "encoder.layer.0.", "encoder.relative_attention_bias.weight"),
    "deberta": ("encoder.layer.2.", "encoder.layer.0.", "encoder.rel_embeddings.weight"),
    "modernbert": ("layers.2.", "layers.0.", "embeddings.tok_embeddings.weight"),
    "distilbert": ("transformer.layer.2.", "transformer.layer.0.", "embeddings.LayerNorm.weight"),
}


@pytest.mark.parametrize("name", PLACES)
def test_depth_counts_from_the_top_block_down_to_the_embeddings(name: str) -> None:
    torch.manual_seed(0)
    encoder = AutoModel.from_config(ALL[name])
    found = {key: depths(encoder)[value] for key, value in encoder.named_parameters()}
    top, first, embedding = PLACES[name]
    assert {depth for key, depth in found.items() if key.startswith(top)} == {0}
    assert {depth for key, depth in found.items() if key.startswith(first)} == {2}
    assert found[embedding] == 3
    assert all(depth == 3 for key, depth in found.items() if key.startswith("embeddings"))
    assert all(depth == 0 for key, depth in found.items() if key.startswith(("pooler", "final_norm")))


def test_rates_by_hand(shared_project: Path) -> None:
    """Two blocks, decay 1/2: the encoder's rate, half of it, a quarter for the embeddings; heads apart."""
    *_, model = setup_step(shared_project)
    training = params.load().training.model_copy(update={"layer_decay": 0.5, "weight_decay": 0.3})
    groups = parameter_groups(model, training)
    of = {p: group for group in groups for p in group["params"]}
    for name, expected in {
        "encoder.encoder.layer.1.output.dense.weight": (1e-3, 0.3),
        "encoder.encoder.layer.1.output.dense.bias": (1e-3, 0.0),
        "encoder.encoder.layer.0.output.LayerNorm.weight": (5e-4, 0.0),
        "encoder.embeddings.word_embeddings.weight": (2.5e-4, 0.3),
        "heads.task:mood.output.weight": (1e-2, 0.3),
    }.items():
        group = of[model.get_parameter(name)]
        assert (group["lr"], group["weight_decay"]) == pytest.approx(expected), name
        assert group["layer_adaptation"] == (expected[1] > 0)


def test_without_layer_decay_there_are_two_rates(shared_project: Path) -> None:
    *_, model = setup_step(shared_project)
    assert {group["lr"] for group in parameter_groups(model, params.load().training)} == {1e-3, 1e-2}


def test_pitfall_7_a_tied_parameter_is_in_one_group_once(shared_project: Path) -> None:
    """A head that shares the encoder's word embeddings does not make them move twice a step."""
    *_, model = setup_step(shared_project)
    embeddings = model.encoder.get_input_embeddings()
    tied = torch.nn.Linear(embeddings.weight.shape[1], embeddings.weight.shape[0])
    tied.weight = embeddings.weight
    model.heads["words"] = tied
    groups = parameter_groups(model, params.load().training)
    every = [id(p) for group in groups for p in group["params"]]
    assert len(every) == len(set(every)) == len(list(model.parameters()))
    (group,) = [group for group in groups if any(p is embeddings.weight for p in group["params"])]
    assert group["lr"] == 1e-3  # the encoder's
