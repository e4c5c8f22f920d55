"""What a person sees while a class is graded: a line for each finished hand-in and, on a terminal, a bar below them."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def shown(total: int, done: int = 0) -> Iterator[Callable[[str], None]]:
    """A context in which the function it gives prints a line, as one more of `total` is done.

    On a terminal a bar says how many are done and how much time is left; elsewhere there are the lines alone.
    """
    if not sys.stdout.isatty() or total < 2:
        yield say
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("grading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, console=Console(highlight=False), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done)

        def tell(line: str) -> None:
            bar.console.print(line, markup=False, soft_wrap=True)
            bar.advance(task)

        yield tell


def say(text: str) -> None:
    """Print at once; a reader who went away (`| head`) does not end the grading."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the process ends
