"""A run that goes on from a release begins with its weights, and is another run than one from scratch."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from components import params
from components.data.contract.beginning import START, Beginning
from components.data.mixture.records import PLAN, PlanRecord
from components.encoder.place import ENCODER
from components.errors import UserError
from components.model.multitask import MultiTaskModel
from components.training.run.fit import Fit
from components.training.run.watcher import Watcher

BEGINS = Beginning(
    encoder="e", release="v1.0.0", model="m", taken_over={"mood": "feeling", "people": "people"}
)


@pytest.fixture
def fit(encoded_project: Path) -> Fit:
    """A run, and the release that it goes on from, whose head of mood had another name."""
    whole = Fit(params.load(), Path(), PlanRecord.read(PLAN), 1)
    cards = {{"mood": "feeling"}.get(head, head): card for head, card in whole.cards.items()}
    released = MultiTaskModel.from_encoder(ENCODER, cards, 0.0, 9)
    with torch.no_grad():
        for parameter in released.encoder.parameters():
            parameter.add_(1)
    released.save_pretrained(START)
    return dataclasses.replace(whole, begins=BEGINS)


def test_encoder_and_heads_that_are_the_same_are_the_releases_and_the_others_begin_anew(fit: Fit) -> None:
    scratch = dataclasses.replace(fit, begins=None).loop(Watcher()).model
    found, released = fit.loop(Watcher()).model, MultiTaskModel.from_pretrained(START)
    for name, weights in found.encoder.named_parameters():
        assert torch.equal(weights, dict(released.encoder.named_parameters())[name])
    assert torch.equal(found.heads["mood"].output.weight, released.heads["feeling"].output.weight)
    assert torch.equal(found.heads["people"].output.weight, released.heads["people"].output.weight)
    assert torch.equal(found.heads["size"].output.weight, scratch.heads["size"].output.weight)


def test_the_release_names_the_run_and_who_has_settled_it_does_not(fit: Fit) -> None:
    def key(**changes: object) -> str:
        return dataclasses.replace(fit, begins=BEGINS.model_copy(update=changes)).key

    assert len({fit.key, key(model="another"), key(taken_over={}), key(release=None)}) == 4
    assert key(release=None) == dataclasses.replace(fit, begins=None).key
    assert key(champion="v1.0.1", training="t") == fit.key


def test_a_release_of_another_shape_is_refused_in_a_sentence(fit: Fit) -> None:
    shutil.copy(ENCODER / "model.safetensors", START)
    with pytest.raises(UserError, match=r"^models/start/champion: its weights cannot be taken over \("):
        fit.loop(Watcher())
