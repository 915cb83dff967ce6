"""The blocks of an encoder, whatever its architecture calls them."""

from __future__ import annotations

from torch import nn


def blocks(encoder: nn.Module) -> list[nn.Module]:
    """From the first to the last: the longest list of modules; none of an encoder that has no list."""
    lists = [m for m in encoder.modules() if isinstance(m, nn.ModuleList)]
    return list(max(lists, key=len, default=[]))
