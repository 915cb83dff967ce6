"""A training step on a device that has no memory to be read: torch's meta device, where every operation has
its shapes and no values. Whoever reads a value there raises, and whoever has the host wait otherwise: for how
many of them are true, for a copy of its own values. What a GPU would launch is counted.

What meta has not is stood in for: autocast, by linear layers in bf16; the fused optimiser, by a plain one; the
one read that a step has, by ones; and it is put on torch's list of devices whose operations take lists.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode
from torch.utils import _foreach_utils
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import BertConfig, BertModel

from benchmarks import engine
from components import device as devices
from components.data.batches.batching import Batch
from components.model import attention
from components.settings.training import Training
from components.training import balancing
from components.training.step import backward
from components.training.step.stepper import Stepper

LAYERS = 6
NO_LAUNCH = ("empty", "new_empty", "_unsafe_view", "detach", "lift_fresh", "alias")
META = torch.device("meta")
ASKS = (  # how many there are, or one of the values
    "_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive", "equal",
    "bincount", "histc",
)  # fmt: skip
PICKS = ("index", "index_put", "index_put_", "_index_put_impl_")  # by a mask: it asks where the mask is true
MAKES = ("tensor", "as_tensor", "asarray", "new_tensor")  # of the host's values, which it waits to be copied


class WaitsError(AssertionError):
    """The host waits for the device."""


class Launches(TorchDispatchMode):
    """Counts the operations on the device that are more than another view of what is there.

    Raises:
        WaitsError: at an operation for which the host waits.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.by_name: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        _check(name, args, kwargs or {})
        found = func(*args, **(kwargs or {}))
        tensors = _tensors((args, kwargs, found))
        if any(one.device == META for one in tensors) and not func.is_view and not name.startswith(NO_LAUNCH):
            self.by_name[name] += 1
        return found


def _tensors(of: Any) -> list[torch.Tensor]:
    return [one for one in tree_leaves(of) if isinstance(one, torch.Tensor)]


def _check(name: str, args: Any, kwargs: Mapping[str, Any]) -> None:
    """Raise where the host would wait for the operation."""
    given = _tensors((args, kwargs))
    if not any(one.device == META for one in given) and torch.device(kwargs.get("device") or "cpu") != META:
        return
    by_mask = name in PICKS and any(one.dtype == torch.bool for one in _tensors(args[1]))
    repeats = name == "repeat_interleave" and kwargs.get("output_size") is None
    copies = name == "copy_" and args[0].device != args[1].device and not any(args[2:])
    copies |= name == "_to_copy" and args[0].device != META and not kwargs.get("non_blocking")
    if name in ASKS or by_mask or repeats or copies:
        raise WaitsError(name)


class Making(TorchFunctionMode):
    """Raises WaitsError where a tensor on the device is made of the host's values."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        on_device = (args and getattr(args[0], "device", None) == META) or kwargs.get("device") == META
        if name in MAKES and on_device:
            raise WaitsError(name)
        return func(*args, **kwargs)


class HalfLinear(TorchFunctionMode):
    """Linear layers in bf16, as autocast has them."""

    on = True

    @classmethod
    @contextlib.contextmanager
    def off(cls, device: torch.device) -> Iterator[None]:
        cls.on = False
        try:
            yield
        finally:
            cls.on = True

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is linear and self.on:
            args = [one if one is None else one.bfloat16() for one in args]
            kwargs = {name: one if one is None else one.bfloat16() for name, one in kwargs.items()}
        return func(*args, **kwargs)


class Reads:
    """Stands in for `device.read`."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *tensors: torch.Tensor) -> list[np.ndarray]:
        self.count += 1
        return [np.ones(tuple(one.shape)) for one in tensors]


def encoder(folder: Path) -> Path:
    """A tiny one with as many layers as MiniLM."""
    config = BertConfig(hidden_size=16, num_hidden_layers=LAYERS, num_attention_heads=2, intermediate_size=32)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@contextlib.contextmanager
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    reads = Reads()
    with monkeypatch.context() as patch:
        patch.setattr(devices, "read", reads)
        patch.setattr(devices, "full_precision", HalfLinear.off)
        patch.setattr(attention, "trusted", lambda *_: True)
        patch.setattr(_foreach_utils, "_get_foreach_kernels_supported_devices", lambda: ["meta"])
        patch.setattr(backward, "autocast", lambda *_: HalfLinear())
        yield reads


def step(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tasks: int,
    lengths: Sequence[int],
    **training: Any,
) -> tuple[Counter[str], int]:
    """What a step of so many tasks launches, each with a row of every length, and how often it reads."""
    monkeypatch.setattr(engine, "lengths", lambda rows, _: np.array(lengths)[:rows])
    names = [f"task{number}" for number in range(tasks)]
    rows = folder / f"rows{len(list(folder.iterdir()))}"
    splits = {name: engine.write(rows, name, [name], len(lengths), seed) for seed, name in enumerate(names)}
    batch = {name: np.arange(len(lengths)) for name in names}
    stepper = _stepper(encoder(folder / "encoder"), splits, training)
    return taken(stepper, batch, monkeypatch)


def taken(stepper: Stepper, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], int]:
    """What a stepper on the meta device launches, and how often it reads."""
    with stand_ins(monkeypatch) as reads, Launches() as launches, Making():
        stepper.take(0, batch)
    return launches.by_name, reads.count


def _stepper(folder: Path, splits: Mapping[str, Any], training: Mapping[str, Any]) -> Stepper:
    settings = Training.model_validate({**engine.SETTINGS, "tokens_per_micro_batch": 10**6, **training})
    model = engine.model(folder, {name: [name] for name in splits})
    torch.nn.Module.to(model, META)
    optimiser = torch.optim.SGD(model.parameters(), 1e-3, foreach=True)
    shares = dict.fromkeys(splits, 1 / len(splits))
    return Stepper(model, optimiser, balancing.build(settings.balancing), splits, settings, 1, shares)
