"""What a step costs on a device, and how its values and the host's get to and fro.

On a CPU a step costs what it computes. On a GPU it costs what it launches, where the products are small, and
every read waits for all that has been launched before.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch


def counts_launches(device: torch.device) -> bool:
    """Is it better to launch few operations, and to read nothing, than to compute little?"""
    return device.type != "cpu"


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Within it nothing is computed in half precision because of an autocast around it."""
    return torch.autocast(device.type, enabled=False)


def read(*tensors: torch.Tensor) -> list[np.ndarray]:
    """The values of some tensors of one device, in float64, by one read."""
    flat = torch.cat([tensor.detach().flatten().double() for tensor in tensors]).cpu().numpy()
    ends = np.cumsum([tensor.numel() for tensor in tensors])[:-1]
    return [part.reshape(tensor.shape) for part, tensor in zip(np.split(flat, ends), tensors, strict=True)]


def sum_where(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """The sum of the values that are counted. To take them out a device would be asked how many they are."""
    if counts_launches(values.device):
        return values.where(counted, 0).sum()
    return values[counted].sum()


def moved(tensors: Sequence[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
    """The host's tensors on a device: those of a type by one copy, for which the host does not wait."""
    if device.type == "cpu":
        return list(tensors)
    found: dict[int, torch.Tensor] = {}
    for kind in {tensor.dtype for tensor in tensors}:
        own = [place for place, tensor in enumerate(tensors) if tensor.dtype == kind]
        flat = torch.cat([tensors[place].flatten() for place in own])
        if device.type == "cuda":
            flat = flat.pin_memory()
        parts = flat.to(device, non_blocking=True).split([tensors[place].numel() for place in own])
        found |= {place: part.view(tensors[place].shape) for place, part in zip(own, parts, strict=True)}
    return [found[place] for place in range(len(tensors))]


def sent(values: Sequence[float] | Sequence[Sequence[float]], like: torch.Tensor) -> torch.Tensor:
    """Numbers on the device of another tensor and in its type; the host does not wait for that."""
    (found,) = moved([torch.tensor(values, dtype=like.dtype)], like.device)
    return found
