"""One encoder, a head per task (hard sharing, Caruana 1997), in Hugging Face's conventions.

Legend: B sequences of a micro-batch (of any tasks, of similar length), L tokens, D hidden width.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils import logging

from components import tasks
from components.errors import UserError
from components.model.tensors import Rows

logging.set_verbosity_error()
logging.disable_progress_bar()


class MultiTaskConfig(PretrainedConfig):
    """The encoder's own configuration, and a card per head: task, family, facts, max_length, inputs."""

    model_type = "onetrunk"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        tasks: dict[str, dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder or {}
        self.tasks = tasks or {}


class MultiTaskModel(PreTrainedModel):
    """A shared `AutoModel` encoder and a `ModuleDict` of heads."""

    config_class = MultiTaskConfig
    base_model_prefix = "encoder"

    def __init__(self, config: MultiTaskConfig) -> None:
        super().__init__(config)
        encoder = AutoConfig.for_model(**config.encoder)
        self.encoder = AutoModel.from_config(encoder)
        self.takes_segments = getattr(encoder, "type_vocab_size", 0) > 1
        self.heads = nn.ModuleDict(
            {
                name: tasks.get(card["family"]).head(encoder.hidden_size, card["facts"])
                for name, card in config.tasks.items()
            }
        )
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """The heads' modules initialise themselves; the encoder is read from its folder."""

    @classmethod
    def from_encoder(
        cls, folder: Path, cards: Mapping[str, dict[str, Any]], dropout: float, seed: int
    ) -> MultiTaskModel:
        """Put fresh heads (a function of the seed) on a pretrained encoder.

        Raises:
            UserError: the folder holds no encoder that transformers can read.
        """
        try:
            encoder_config = AutoConfig.from_pretrained(folder)
            for name in (
                "hidden_dropout_prob",
                "attention_probs_dropout_prob",
                "dropout",
                "attention_dropout",
            ):
                if hasattr(encoder_config, name):
                    setattr(encoder_config, name, dropout)
            encoder = AutoModel.from_pretrained(
                folder, config=encoder_config, dtype=torch.float32, use_safetensors=True
            )
        except Exception as error:  # transformers and safetensors raise many kinds here
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"{folder}: no readable encoder ({reason:.200})") from error
        torch.manual_seed(seed)
        config = MultiTaskConfig(encoder=encoder_config.to_dict(), tasks=dict(cards))
        model = cls(config)
        model.encoder.load_state_dict(encoder.state_dict())
        return model

    def encode(self, input_ids: torch.Tensor, mask: torch.Tensor, segment_ids: torch.Tensor) -> torch.Tensor:
        """input_ids_BL, mask_BL (1 = real token), segment_ids_BL -> hidden_BLD."""
        segments = {"token_type_ids": segment_ids} if self.takes_segments else {}
        output = self.encoder(input_ids=input_ids, attention_mask=mask, **segments)
        hidden: torch.Tensor = output.last_hidden_state
        return hidden

    def forward(
        self,
        input_ids: torch.Tensor,
        mask: torch.Tensor,
        segment_ids: torch.Tensor,
        heads: Mapping[str, Rows],
    ) -> dict[str, torch.Tensor]:
        """One encoder pass for all sequences; each head sees its own rows of them -> logits."""
        hidden_BLD = self.encode(input_ids, mask, segment_ids)
        return {name: self.answer(name, hidden_BLD, mask, rows) for name, rows in heads.items()}

    def answer(self, head: str, hidden_BLD: torch.Tensor, mask_BL: torch.Tensor, rows: Rows) -> torch.Tensor:
        """A head's logits from the states of its rows."""
        places = rows.places.clamp(min=0)
        mask = mask_BL[places] * (rows.places >= 0).unsqueeze(-1)  # a sequence that a row lacks is masked
        focus = () if rows.focus_nF is None else (rows.focus_nF,)
        logits: torch.Tensor = self.heads[head](hidden_BLD[places], mask, *focus)
        return logits


def load(folder: Path) -> MultiTaskModel:
    """Load a saved model for inference.

    Raises:
        UserError: the folder is missing, truncated or not one of ours.
    """
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no model here (config.json is missing); run `onetrunk run` to train one")
    try:
        model = MultiTaskModel.from_pretrained(folder, use_safetensors=True)
    except Exception as error:  # safetensors, transformers and OS errors alike mean: not loadable
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{folder}: the model cannot be loaded ({reason:.200})") from error
    return model.eval()
