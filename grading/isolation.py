"""The ladder of isolation: where a hand-in runs, and which rungs work on this machine."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from grading import sandbox
from grading.faults import Broken
from grading.process import ChildHandIn, Launch, plain
from properties.hand_in import HandIn, InProcess

CHOICES = ("auto", "sandbox", "process", "none")


class Rung(NamedTuple):
    """A kind of isolation and how to open a hand-in, given its root and its "own" or "model" cells, under it.

    why says why it is not a better one, where a better one was wanted.
    """

    name: str
    open_hand_in: Callable[[Path, str], HandIn]
    why: str = ""


def choose(wanted: str) -> Rung:
    """The rung that was asked for, or for "auto" the best that works; never "none" unasked. Raises Broken."""
    if wanted in ("none", "process"):
        return rung(wanted)
    why = sandbox.works()
    if not why:
        return rung("sandbox")
    if wanted == "sandbox":
        raise Broken(f"there is no sandbox here: {why}")
    return rung("process")._replace(why=why)


def rung(name: str) -> Rung:
    """The rung of this name, which was found to work."""
    if name == "none":
        return Rung(name, InProcess)
    return Rung(name, partial(_in_child, {"process": plain, "sandbox": sandbox.sandboxed}[name]))


def _in_child(launch: Callable[[Path, str], Launch], root: Path, cells: str) -> HandIn:
    return ChildHandIn(partial(launch, root, cells))
