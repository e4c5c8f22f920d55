"""Two loss curves, step by step: the hand-in's, and PyTorch's from the same weights on the same batches.

The loss of step k depends on all gradients before it. So a wrong forward shows in the first step, and a wrong gradient,
by how much it is wrong, in the step after it; agreement to the end says that each of thousands of calls was right.

Training uses a part of the homework alone. Of other sizes and numbers of layers, a given h_0, dh_0 and the lowest dx it
says nothing; `python -m grading` does.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from training.sgd import Array, Batch
from training.task import Task

Watch = Callable[[Iterator[float], int, str], Iterator[float]]
"""Passes losses on, of so many steps, and shows how far they are under a short description."""


class Comparison(NamedTuple):
    """The losses (K,) of the hand-in and of PyTorch, and how far apart they may be."""

    losses: Array
    theirs: Array
    allowed: Array

    @property
    def errors(self) -> Array:
        """How far apart they are (K,)."""
        return np.abs(self.losses - self.theirs)

    @property
    def ratio(self) -> float:
        """The largest error, in units of what is allowed in its step; nan where any is nan."""
        return float((self.errors / self.allowed).max())

    @property
    def first_wrong(self) -> int | None:
        """The first step, counted from 0, whose losses are further apart than is allowed."""
        wrong = ~(self.errors <= self.allowed)  # nan is wrong
        return int(wrong.argmax()) if wrong.any() else None

    def says(self) -> str:
        """The outcome, in a sentence or two."""
        k = self.first_wrong
        if k is None:
            return (
                f"PyTorch's loss is the same in each of {len(self.losses)} steps: at most {self.errors.max():.1g} "
                f"apart, and in no step further than {self.ratio:.1%} of what rounding may have done by then "
                f"(at the end {self.allowed[-1]:.1g})."
            )
        why = "forward, or the loss, is not right" if k == 0 else "forward began right, and a gradient is not"
        return (
            f"The loss of step {k + 1} is {self.losses[k]:.10g}, but PyTorch's is {self.theirs[k]:.10g} "
            f"(off by {self.errors[k]:.2g}, allowed {self.allowed[k]:.1g}): {why}."
        )


def compared(
    task: Task, batches: Sequence[Batch], losses: Sequence[float], roundoff: float, watch: Watch
) -> Comparison:
    """Train in PyTorch, and nine times over for what is allowed, for as many steps as the hand-in has losses.

    roundoff is the unit roundoff of the hand-in's results.
    """
    from training import drift, in_torch  # torch takes its time to load

    batches = batches[: len(losses)]
    theirs = in_torch.losses(in_torch.NETWORKS[task.name](task.weights()), batches, task.rate)
    runs = drift.curves(task.weights(), batches, drift.GRADIENTS[task.name], task.rate, roundoff)
    watched = watch(theirs, len(batches), "PyTorch, and rounding moved")
    pairs = np.array(list(zip(watched, drift.allowed(runs, roundoff), strict=True)))
    return Comparison(np.array(losses), pairs[:, 0], pairs[:, 1])
