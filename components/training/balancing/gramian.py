"""The Gramian of K gradients, and the affinity of tasks that it shows.

Legend: K tasks, p entries of one shared parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

BLOCK = 1 << 14  # entries at a time: single precision within a block, double from block to block


def gramian(gradients: Sequence[Sequence[torch.Tensor | None]]) -> np.ndarray:
    """gramian_KK in float64, of K gradients given parameter by parameter (None: it has no part in it).

    Exact to about 1e-7 of the product of the norms: double precision throughout adds some digits,
    which gradients in single precision do not have, and takes several times as long.
    """
    total_KK: torch.Tensor | None = None
    for of_parameter in zip(*gradients, strict=True):
        present = [place for place, gradient in enumerate(of_parameter) if gradient is not None]
        flat = [gradient.detach().reshape(-1) for gradient in of_parameter if gradient is not None]
        if not present:
            continue
        if total_KK is None:
            total_KK = torch.zeros(len(gradients), len(gradients), dtype=torch.float64, device=flat[0].device)
        index = torch.tensor(present, device=total_KK.device)
        for start in range(0, flat[0].numel(), BLOCK):
            block_Kp = torch.stack([gradient[start : start + BLOCK].float() for gradient in flat])
            total_KK[index[:, None], index] += (block_Kp @ block_Kp.T).double()
    if total_KK is None:
        return np.zeros((len(gradients), len(gradients)))
    return total_KK.cpu().numpy()


def cosines(gramian_KK: np.ndarray) -> np.ndarray:
    """cosine_KK of the gradients; 0 with a gradient that is zero."""
    norms_K = np.sqrt(np.diag(gramian_KK))
    scale_KK = np.outer(norms_K, norms_K)
    return np.divide(gramian_KK, scale_KK, out=np.zeros_like(gramian_KK), where=scale_KK > 0)


@dataclass
class Affinity:
    """The running mean of the cosine of each two tasks' gradients over the steps that drew both.

    `pairs` is "a|b" -> [steps, mean]; a checkpoint keeps it as it is.
    """

    pairs: dict[str, list[float]] = field(default_factory=dict)

    def update(self, tasks: Sequence[str], gramian_KK: np.ndarray) -> None:
        """Count a step with these tasks, in the Gramian's order."""
        cosine_KK = cosines(gramian_KK)
        for i, first in enumerate(tasks):
            for j, second in enumerate(tasks[:i]):
                pair = self.pairs.setdefault("|".join(sorted((first, second))), [0.0, 0.0])
                pair[0] += 1
                pair[1] += (float(cosine_KK[i, j]) - pair[1]) / pair[0]

    def matrix(self, tasks: Sequence[str]) -> np.ndarray:
        """mean_KK, 1 on the diagonal; NaN where no step drew both."""

        def mean(first: str, second: str) -> float:
            if first == second:
                return 1.0
            return self.pairs.get("|".join(sorted((first, second))), [0.0, float("nan")])[1]

        return np.array([[mean(first, second) for second in tasks] for first in tasks])
