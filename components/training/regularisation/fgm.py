"""FGM: the loss also where the embeddings are moved a little in the direction that raises it most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.training.regularisation.base import Regulariser

if TYPE_CHECKING:
    from components.training.step.forward import Forward, Losses

TINY = 1e-12  # keeps a gradient of 0 from dividing


class FGM(Regulariser):
    """Miyato et al. 2017, "Adversarial training methods for semi-supervised text classification",
    equations 3 to 5: L + L(s + r), r = epsilon g / |g|_2, with s a sequence's word embeddings and g the
    gradient of the loss on them.

    Two things differ. The embeddings are not standardised first (equation 1): pretrained ones are what
    the encoder knows. And heads that share a row share its r, of the sum of their losses.
    """

    epsilon: Annotated[float, Field(gt=0)] = 1.0  # length of the move of a sequence's embeddings

    def terms(self, forward: Forward) -> Losses:
        gradient_BLD = forward.gradient(forward.losses, forward.zero_delta())
        norm_B = gradient_BLD.flatten(1).norm(dim=1).clamp(min=TINY)
        return forward.losses(forward.perturbed(self.epsilon * gradient_BLD / norm_B[:, None, None]))


METHOD = FGM
