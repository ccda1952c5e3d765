"""The learning-rate schedule of retraining: kept up, then annealed."""

import math
from typing import Any

import keras
from keras import ops


class HoldThenCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Warms up, keeps the peak rate, then anneals it along half a cosine (Loshchilov and Hutter, 2017).

    Args:
        peak: The learning rate that is kept up.
        steps: Optimizer steps of the whole training.
        warmup: Share of the steps, from 0 to 1, over which the rate rises linearly from 0.
        hold: Share of the steps, counted from the start, after which the rate begins to fall.
        final: The rate at the last step, as a share of the peak.
        start: The optimizer's step at which the training begins; before it the rate is that of the first
            step.
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        *,
        warmup: float = 0.0,
        hold: float = 0.0,
        final: float = 0.0,
        start: int = 0,
    ) -> None:
        super().__init__()
        self.peak = peak
        self.steps = steps
        self.start = start
        self.warmup = warmup
        self.hold = max(hold, warmup)
        self.final = final

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of one optimizer step (an integer tensor, from 0), as a float tensor."""
        # Counted from 1, so that the first step's rate is not 0.
        done = ops.maximum(ops.cast(step, "float32") - float(self.start), 0.0) + 1.0
        done = done / float(self.steps)
        rising = done / self.warmup if self.warmup > 0.0 else ops.ones_like(done)
        # At hold = 1 the rate never falls; the division must stay finite all the same.
        fallen = ops.clip((done - self.hold) / max(1.0 - self.hold, 1e-7), 0.0, 1.0)
        falling = self.final + (1.0 - self.final) * 0.5 * (1.0 + ops.cos(math.pi * fallen))
        return self.peak * ops.minimum(rising, falling)

    def get_config(self) -> dict[str, float | int]:
        """Return the arguments that build this schedule again."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup": self.warmup,
            "hold": self.hold,
            "final": self.final,
            "start": self.start,
        }
