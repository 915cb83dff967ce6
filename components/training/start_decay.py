"""What an encoder knew before it was trained, and no task's rows teach again, is lost more slowly."""

from __future__ import annotations

from typing import Any

import torch


def hold(optimiser: torch.optim.Optimizer) -> None:
    """Have parameters drawn back, after every step that moves them, towards what they are now.

    Of a group, by `lr * start_decay` of the way: L2-SP (Li, Grandvalet & Davoine 2018, equation 3), with the
    decay apart from the gradient as in AdamW (Loshchilov & Hutter 2019, algorithm 2), so that it is alike for
    all weights. It costs a copy of them.
    """
    held = [group["params"] for group in optimiser.param_groups if group["start_decay"]]
    starts = {parameter: parameter.detach().clone() for parameters in held for parameter in parameters}
    if starts:
        optimiser.register_step_post_hook(lambda done, *_: _draw_back(done, starts))


@torch.no_grad()
def _draw_back(optimiser: torch.optim.Optimizer, starts: dict[Any, torch.Tensor]) -> None:
    for group in optimiser.param_groups:
        share = group["lr"] * group["start_decay"]
        moved = [one for one in group["params"] if share and one.grad is not None]
        if moved:
            torch._foreach_lerp_(moved, [starts[one] for one in moved], share)
