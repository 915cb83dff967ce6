"""A project with a model of two blocks that nobody has trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components import params
from components.data.encoding.split import cards_of
from components.model.multitask import MultiTaskModel


@pytest.fixture
def project(encoded_project: Path) -> Path:
    tasks = list(params.load().tasks)
    cards = {head: card for task in tasks for head, card in cards_of(Path("encoded") / task).items()}
    model = MultiTaskModel.from_encoder(Path("models/encoder"), cards, 0.0, 0)
    for parameter in model.encoder.parameters():
        if parameter.ndim > 1:  # so that its blocks matter
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained("models/multitask")
    return encoded_project
