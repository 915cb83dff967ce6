"""R-Drop: two passes that drop different units must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.training.regularisation.base import Regulariser

if TYPE_CHECKING:
    from components.training.step.forward import Forward, Losses


class RDrop(Regulariser):
    """Liang et al. 2021, "R-Drop: regularized dropout for neural networks", equations 2 to 4: the losses of
    both passes, and alpha / 2 times KL(P1 || P2) + KL(P2 || P1). So a loss that is recorded is about
    twice that of one pass."""

    alpha: Annotated[float, Field(gt=0)] = 1.0  # weight of the divergence beside the two losses

    def terms(self, forward: Forward) -> Losses:
        again = forward.with_new_dropout()
        apart = forward.divergences(forward.logits, again)
        return {head: loss + self.alpha / 2 * apart[head] for head, loss in forward.losses(again).items()}

    def check(self, dropout: float) -> None:
        if not dropout:
            raise ValueError(
                "with model.dropout 0 both passes are the same; expected a model.dropout above 0"
            )


METHOD = RDrop
