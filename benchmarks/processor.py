"""The CPU seconds of a command and of all that it starts, sandboxes too, which nobody waits for.

The system adds up what a process used when its parent waits for it; a sandbox is killed with all its processes inside,
and these are never waited for. So the tree of processes is looked at all the while, and of those in a sandbox what was
last seen counts, and what they went on to use until the next look, which is half an interval's on the average.
"""

import os
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

INTERVAL = 0.02  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """What a command took: CPU seconds, seconds, and the largest memory (bytes) of its own process."""

    cpu: float
    seconds: float
    memory: int
    status: int
    output: str


def used_by(command: Sequence[str], cwd: str) -> Used:
    """Run the command and measure it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        looking = _Looking(process.pid)
        looking.start()
        output = process.communicate()[0]
        looking.stop()
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    waited_for = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(waited_for + looking.unseen(), seconds, looking.memory, process.returncode, output)


class _Looking(threading.Thread):
    """Looks at the processes below one, and notes the CPU time of those in a sandbox, which are never waited for.

    What is not below it is looked at once, so that looking takes little from what is measured.
    """

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._ended = threading.Event()
        self._below = {root: True}  # of every process that was seen
        self._sandboxed: dict[tuple[int, str], tuple[float, float]] = {}  # by number and start
        self.memory = 0

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def unseen(self) -> float:
        """CPU seconds of all processes in sandboxes: those last seen, and half of what came in the interval before."""
        return sum(cpu + (cpu - before) / 2 for before, cpu in self._sandboxed.values())

    def run(self) -> None:
        while not self._ended.wait(INTERVAL):
            for number in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
                if self._below.get(number, True) and (status := _status(number)):
                    parent, started, cpu, in_sandbox = status
                    if parent in self._below or not parent:
                        self._below.setdefault(number, self._below.get(parent, False))
                    if self._below.get(number) and in_sandbox:
                        _, before = self._sandboxed.get((number, started), (0.0, 0.0))
                        self._sandboxed[number, started] = (before, cpu)
            self.memory = max(self.memory, _memory(self._root))


def _status(number: int) -> tuple[int, str, float, bool] | None:
    """The parent's number, when it started, CPU seconds so far, and whether it is in a namespace of processes."""
    try:
        with open(f"/proc/{number}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        with open(f"/proc/{number}/status") as file:
            nested = next((line for line in file if line.startswith("NSpid:")), "")
    except OSError:
        return None
    return int(fields[1]), fields[19], (int(fields[11]) + int(fields[12])) / TICKS, len(nested.split()) > 2


def _memory(number: int) -> int:
    """The largest resident memory so far, in bytes."""
    try:
        with open(f"/proc/{number}/status") as file:
            line = next(line for line in file if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0
    return int(line.split()[1]) << 10
