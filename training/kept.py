"""PyTorch's loss curves, and how far a right one may be from them, as a file: for a comparison without PyTorch.

NAME.theirs (K,)    the losses of the task NAME, with its own seed and epochs
NAME.allowed (2, K)    what `drift` allows in float64 and in float32
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from reference.tolerance import unit_roundoff
from training.comparison import Comparison, compared
from training.task import Task

DTYPES = (np.dtype(np.float64), np.dtype(np.float32))


def curves(tasks: Sequence[Task]) -> bytes:
    """The curves of these tasks; PyTorch trains each, and so do nine twins for either precision, some ten seconds."""
    arrays = {}
    for task in tasks:
        batches = task.batches(task.epochs)
        pairs = [
            compared(task, batches, [0.0] * len(batches), unit_roundoff(dtype), lambda losses, total, what: losses)
            for dtype in DTYPES
        ]
        arrays[f"{task.name}.theirs"] = pairs[0].theirs
        arrays[f"{task.name}.allowed"] = np.stack([pair.allowed for pair in pairs])
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # NumPy's stub takes a name for allow_pickle
    return file.getvalue()


def compared_with(file: Path | IO[bytes], task: Task, losses: Sequence[float], roundoff: float) -> Comparison:
    """The losses beside the kept ones, as far as they go. Raises OSError, ValueError or KeyError for another file."""
    with np.load(file, allow_pickle=False) as kept:
        theirs, allowed = kept[f"{task.name}.theirs"], kept[f"{task.name}.allowed"]
    precision = int(roundoff > unit_roundoff(DTYPES[0]))
    return Comparison(np.array(losses), theirs[: len(losses)], allowed[precision, : len(losses)])
