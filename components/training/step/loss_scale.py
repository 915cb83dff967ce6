"""The scale of the losses in fp16, whose gradients vanish below 6e-8 and overflow above 65,504."""

from __future__ import annotations

FIRST = 2.0**16
GROWS_AFTER = 2000  # steps without an overflow
LEAST = 1.0  # a gradient that overflows unscaled is no matter of the scale


class LossScale:
    """One scale for all tasks (Micikevicius et al. 2018, section 3.2; the rule of torch's GradScaler).

    All losses of a step are multiplied by it, whatever their tasks, so that their gradients keep their
    proportions, and all gradients are divided by it before anything is made of them: their Gramian,
    their norms, the clip. It is a power of two, so neither changes a digit. It doubles after 2000 steps
    in a row whose gradients were finite, and halves at each overflow; in another precision it stays 1.

    torch's own scales and checks what stands in `.grad`; gradients by task stand elsewhere.
    """

    def __init__(self, precision: str) -> None:
        self.dynamic = precision == "fp16"
        self.value = FIRST if self.dynamic else 1.0
        self.finite_steps = 0

    @property
    def can_fall(self) -> bool:
        """Would a smaller scale help against an overflow?"""
        return self.value > LEAST

    def on_finite_step(self) -> None:
        """A step was taken."""
        self.finite_steps += 1
        if self.dynamic and self.finite_steps == GROWS_AFTER:
            self.value, self.finite_steps = 2 * self.value, 0

    def on_overflow(self) -> None:
        """A gradient of the step was not finite."""
        self.value, self.finite_steps = self.value / 2, 0

    def state(self) -> dict[str, float]:
        """For a checkpoint."""
        return {"value": self.value, "finite_steps": self.finite_steps}

    def restore(self, state: dict[str, float]) -> None:
        """Go on from a checkpoint's `state`."""
        self.value, self.finite_steps = state["value"], int(state["finite_steps"])
