"""SMART: the output must hardly change where the embeddings do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field

from components.training.regularisation.base import Regulariser

if TYPE_CHECKING:
    from components.training.step.forward import Forward, Losses

TINY = 1e-12  # keeps a gradient of 0 from dividing


class SMART(Regulariser):
    """Jiang et al. 2020, "SMART: robust and efficient fine-tuning for pre-trained natural language models",
    section 3.1: weight * max l_s(f(x + d), f(x)) over |d|_inf <= epsilon, where l_s is the symmetric KL
    divergence, or the squared difference of scores.

    The maximum is sought as in algorithm 1, lines 5 to 9: from Gaussian noise, `steps` steps along the
    gradient over its largest entry in the sequence. The defaults are the paper's. Its second part, the
    Bregman proximal point method, is not here.
    """

    weight: Annotated[float, Field(gt=0)] = 1.0  # of the term beside the loss
    epsilon: Annotated[float, Field(gt=0)] = 1e-5  # the largest change of an embedding's entry
    noise: Annotated[float, Field(gt=0)] = 1e-5  # standard deviation of where the search begins
    step_size: Annotated[float, Field(gt=0)] = 1e-3  # of a step up the gradient
    steps: Annotated[int, Field(gt=0)] = 1  # steps up the gradient; each costs a pass

    def terms(self, forward: Forward) -> Losses:
        clean = {head: logits.detach() for head, logits in forward.logits.items()}
        delta_BLD = self.noise * torch.randn_like(forward.zero_delta())
        for _ in range(self.steps):
            gradient_BLD = forward.gradient(lambda logits: forward.divergences(logits, clean), delta_BLD)
            largest_B = gradient_BLD.flatten(1).abs().amax(1).clamp(min=TINY)
            delta_BLD = delta_BLD + self.step_size * gradient_BLD / largest_B[:, None, None]
            delta_BLD = delta_BLD.clamp(-self.epsilon, self.epsilon)
        apart = forward.divergences(forward.perturbed(delta_BLD), forward.logits)
        return {head: self.weight * term for head, term in apart.items()}


METHOD = SMART
