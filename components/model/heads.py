"""The heads of a model by the names that people give them.

A module of PyTorch cannot be called `type`, `keys` or `half`, nor have a dot in its name. So the names of the
modules, and of their weights in a file, are ours: "task:" and the head's name, its dots written as %2E.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

PREFIX = "task:"  # no name began with it before there were such names


def module_name(head: str) -> str:
    """What a head's module is called."""
    return PREFIX + head.replace("%", "%25").replace(".", "%2E")


def head_name(module: str) -> str:
    """The head whose module is called so."""
    return module.removeprefix(PREFIX).replace("%2E", ".").replace("%25", "%")


class Heads(nn.ModuleDict):
    """Head -> its module, in the order of the cards."""

    def __getitem__(self, key: str) -> nn.Module:
        return super().__getitem__(module_name(key))

    def __setitem__(self, key: str, module: nn.Module) -> None:
        super().__setitem__(module_name(key), module)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(module_name(key))

    def __iter__(self) -> Iterator[str]:
        return map(head_name, super().__iter__())

    def __contains__(self, key: str) -> bool:
        return super().__contains__(module_name(key))

    def keys(self) -> list[str]:  # type: ignore[override]
        """The heads' names."""
        return list(self)

    def items(self) -> list[tuple[str, nn.Module]]:  # type: ignore[override]
        """The heads' names and modules."""
        return list(zip(self, self.values(), strict=True))


def with_module_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a model's file by the names of now: those written before 0.6 have the heads' own."""

    def named(name: str) -> str:
        where, _, rest = name.partition(".")
        head, _, parameter = rest.partition(".")
        old = where == "heads" and not head.startswith(PREFIX)
        return f"heads.{module_name(head)}.{parameter}" if old else name

    return {named(name): tensor for name, tensor in tensors.items()}
