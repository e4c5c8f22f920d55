"""The program of the child process: reads requests from standard input, runs their scripts, answers on standard output.

Before the hand-in is touched the wire is moved away from descriptors 0 and 1: input is then empty, and whatever the
hand-in writes to either output, from C as well, goes to standard error, which the grader reads up to a bound.

The first frame says where things are and what is allowed: root, given, overlay, limits, user; its array is
what the grader has parsed (script.table).
"""

import faulthandler
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy.random  # NumPy loads it when it is first asked for, which would be the hand-in's time

from properties.interpreter import script, wire
from properties.interpreter.loader import HandInModules

assert numpy.random  # used by scripts


def main(own_paths: int) -> None:
    """Answer until the input ends. The first `own_paths` entries of sys.path are ours, and go before it comes."""
    requests, replies = _move_wire()
    start = wire.read(requests)
    if start is None:
        return
    setup, (table,) = start
    del sys.path[:own_paths]
    sys.argv[:] = [""]
    _become(setup["user"])
    _limit(setup["limits"])
    faulthandler.disable()
    modules = HandInModules(
        Path(setup["root"]),
        {name: Path(file) for name, file in setup["given"].items()},
        {name: Path(file) for name, file in setup["overlay"].items()},
    )
    script.know(table.tobytes())
    wire.write(replies, {"ready": True})
    with modules:
        while (request := wire.read_request(requests)) is not None:
            number, lines, arrays = request
            wire.write(replies, *wire.from_reply(script.run(lines, arrays, modules), number))


def _move_wire() -> tuple[BinaryIO, BinaryIO]:
    """Return the wire, on descriptors of its own, and point 0 at nothing and 1 at standard error."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin, sys.stdout = open(0, closefd=False), sys.stderr  # noqa: SIM115  # they live as long as the process
    return requests, replies


def _become(user: int | None) -> None:
    """Give root's rights away for those of a uid that nobody has; for good, as all three uids change."""
    if user is not None and sys.platform != "win32":
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def _limit(limits: Mapping[str, int]) -> None:
    """Set the system's limits on this process, by their names in the `resource` module, where it has that module."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, most in limits.items():
        kind: Any = getattr(resource, name, None)
        if kind is not None:
            _, hard = resource.getrlimit(kind)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))
