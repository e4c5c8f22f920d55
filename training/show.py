"""What is to be seen: a bar of progress (rich), the curve in the terminal, the picture in a file (matplotlib).

Both libraries are optional, and imported only where they are used.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from training.comparison import Comparison
from training.sgd import Array

WIDTH, HEIGHT = 64, 12  # of the curve in the terminal, in characters
SUFFIXES = (".png", ".svg", ".pdf")
REFRESHES = 100  # how often the bar is drawn


def progress(losses: Iterator[float], total: int, what: str) -> Iterator[float]:
    """Pass the losses on, with a bar on standard error that shows how far they are, and the last of them."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ModuleNotFoundError:
        print(f"{what}: {total} steps (pip install rich for a bar)", file=sys.stderr)
        yield from losses
        return
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    # Drawn from here and not by a thread of its own, which could import while a hand-in's modules are in place.
    bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False, redirect_stdout=False)
    with bar:
        task = bar.add_task(what, total=total, loss="-")
        for done, loss in enumerate(losses, start=1):
            bar.update(task, completed=done, loss=f"{loss:.3f}")
            if done * REFRESHES // total != (done - 1) * REFRESHES // total:
                bar.refresh()
            yield loss


def curve(comparison: Comparison) -> str:
    """Both loss curves as text: * is the hand-in, o is PyTorch where it is elsewhere."""
    columns = min(WIDTH, len(comparison.losses))
    mine, theirs = (_means(losses, columns) for losses in (comparison.losses, comparison.theirs))
    top = min(max(mine.max(), theirs.max()), 2 * theirs.max())  # a run that diverges leaves the other to be seen
    cells = [[" "] * columns for _ in range(HEIGHT)]
    for mark, means in (("o", theirs), ("*", mine)):
        heights = np.rint(np.clip(means / top, 0, 1) * (HEIGHT - 1)).astype(int)
        for column, height in enumerate(heights):
            cells[HEIGHT - 1 - height][column] = mark
    labels = [f"{top:6.2f}", *["      "] * (HEIGHT - 2), f"{0:6.2f}"]
    lines = [f"{label} |{''.join(row).rstrip()}" for label, row in zip(labels, cells, strict=True)]
    axis = f"       +{'-' * columns}\n        steps 1 to {len(comparison.losses)}"
    apart = "* the hand-in, o PyTorch" if comparison.first_wrong is not None else "* the hand-in and PyTorch"
    return "\n".join(["loss, nats", *lines, axis, f"        {apart}"])


def picture(comparison: Comparison, title: str, file: Path) -> str:
    """Write the picture: both curves, and how far apart they are beside what is allowed. Return a sentence about it.

    Raises OSError where the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return f"{file} is not written: matplotlib is not installed (pip install matplotlib)."
    steps = np.arange(1, len(comparison.losses) + 1)
    figure = Figure(figsize=(8, 6), layout="constrained")
    losses, apart = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    losses.plot(steps, comparison.losses, color="tab:orange", linewidth=4, alpha=0.5, label="hand-in")
    losses.plot(steps, comparison.theirs, color="black", linewidth=0.8, label="PyTorch")
    losses.set(title=title, ylabel="loss of the batch, nats")
    losses.legend()
    apart.plot(steps, comparison.allowed, color="tab:red", label="allowed")
    apart.plot(steps, np.where(comparison.errors > 0, comparison.errors, np.nan), ".", markersize=3, label="apart")
    apart.set(xlabel="step", ylabel="apart, nats", yscale="log")
    apart.legend()
    figure.savefig(file)
    return f"{file} is written."


def _means(losses: Array, columns: int) -> Array:
    """The means (columns,) of consecutive stretches of the losses, as equal as can be."""
    return np.array([part.mean() for part in np.array_split(losses, columns)])
