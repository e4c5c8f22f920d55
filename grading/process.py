"""A hand-in in a child process: requests go out together, replies come back one a script, and the clock is ours.

What the child sends is never trusted: a frame that is not the next reply ends that child, and so does silence past the
deadline. A new child goes on with the next script; after three lost ones the step has no more.
"""

import contextlib
import io
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np

from grading.faults import Broken
from properties.hand_in import Job, Known, Seen, missing_given_files, model_cells
from properties.interpreter import script, wire
from properties.outcomes import Crashed, TimedOut, Unmet
from properties.transcript import Lost, Transcript

MOST_LOST = 3  # children, in one step
STEP_SECONDS = 60.0
HAND_IN_SECONDS = 240.0
START_SECONDS = 60.0  # for Python and NumPy to start: ours, not the hand-in's
MOST_RESULTS = 1 << 28  # bytes that the results of one hand-in take; the model solution's are 12 MB
MOST_AT_ONCE = 1 << 18  # bytes
MOST_UNREAD = 1 << 22  # bytes
PIPE_SIZE = 1 << 20  # bytes; what Linux lets an ordinary user have
MOST_OUTPUT = 4000  # bytes kept of what the child writes past Python
LIMITS = {
    "RLIMIT_AS": 4 << 30,
    "RLIMIT_CPU": int(HAND_IN_SECONDS),
    "RLIMIT_FSIZE": 16 << 20,
    "RLIMIT_NOFILE": 64,
    "RLIMIT_CORE": 0,
}
SUITE = Path(__file__).resolve().parents[1]
# What is imported stays, so looking for garbage meanwhile, a tenth of a start, is in vain; afterwards it is left alone.
BOOT = (
    "import gc, sys; gc.disable(); sys.path[:0] = sys.argv[1:]; from properties.interpreter.child import main; "
    "gc.freeze(); gc.enable(); main(len(sys.argv) - 1)"
)


class Places(NamedTuple):
    """Where the child finds things, as the child sees them."""

    suite: str
    packages: str
    root: str
    given: Mapping[str, str]
    overlay: Mapping[str, str]


class Launch(NamedTuple):
    """How to start a child, and the kind of isolation that is in force there."""

    command: Sequence[str]
    environment: Mapping[str, str]
    places: Places
    isolation: str
    limits: Mapping[str, int]
    user: int | None = None  # a uid to go on under, for a child that starts as root
    descriptors: Sequence[int] = ()  # the child's as well; closed here once it has them
    clean_up: Callable[[], None] = lambda: None  # to be called when the child has ended


def plain(root: Path, cells: str) -> Launch:
    """A child with the limits that the system has, and no more: it can read what the grader can read."""
    places = Places(
        suite=str(SUITE),
        packages=str(Path(np.__file__).parents[1]),
        root=str(root),
        given={name: str(file) for name, file in missing_given_files(root).items()},
        overlay={name: str(file) for name, file in model_cells(cells).items()},
    )
    return Launch([sys.executable, *python_arguments(places)], child_environment(), places, "process", LIMITS)


def python_arguments(places: Places) -> list[str]:
    """Isolated mode, no site module: the child's path is the standard library, and ours until it is set up."""
    no_bytecode = ["-B"] if sys.dont_write_bytecode else []
    return ["-I", "-S", *no_bytecode, "-c", BOOT, places.suite, places.packages]


def child_environment() -> dict[str, str]:
    """One thread for OpenBLAS, which must know before memory is limited; and what Windows cannot start without."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return {"OPENBLAS_NUM_THREADS": "1", **kept}


class ChildHandIn:
    """A hand-in whose scripts run in a child process, started when first needed and anew after each that is lost."""

    def __init__(self, launch: Callable[[], Launch]) -> None:
        self._launch = launch
        self._child: _Child | None = _Child(launch())  # it starts while the first questions are made
        self._lost: dict[str, list[Unmet]] = defaultdict(list)
        self._spent: dict[str, float] = defaultdict(float)
        self._received = 0  # bytes of results
        self.output = ""
        """What the hand-in wrote past Python's own standard output, cut."""

    def transcripts(self, jobs: Sequence[Job]) -> Iterator[Seen]:
        """Ask for all scripts at once, and yield what comes, while the child goes on.

        A job whose child is lost gets a Lost, and the next child goes on after it.
        """
        done = 0
        while done < len(jobs):
            left = jobs[done:]
            given_up = self._given_up(left[0].step)
            if given_up is not None:
                done += 1
                yield Lost(given_up)
                continue
            until = next((i for i, job in enumerate(left) if self._given_up(job.step) is not None), len(left))
            for seen in self._ask(left[:until]):
                done += 1
                yield seen

    def close(self) -> None:
        """End the child and everything that it started."""
        if self._child is not None:
            self.output = (self.output + self._child.end())[:MOST_OUTPUT]
            self._child = None

    def _ask(self, jobs: Sequence[Job]) -> Iterator[Seen]:
        """Yield answers until one is lost."""
        if self._child is None:
            self._child = _Child(self._launch())
        child = self._child
        child.send(jobs)
        last = child.await_ready()
        for job in jobs:
            began = time.monotonic()
            try:
                known, arrived = child.receive(job, min(job.seconds, self._time_left(job.step)))
            except Unmet as unmet:
                self._spend(job.step, began)
                self._lost[job.step].append(unmet)
                self.close()
                yield Lost(unmet)
                return
            self._spend(job.step, began)
            self._received += known.size
            seconds, last = arrived - last, arrived
            yield Transcript(known.reply, seconds, known.met)
            if self._given_up(job.step) is not None:
                self.close()
                return

    def _spend(self, step: str, began: float) -> None:
        self._spent[step] += time.monotonic() - began

    def _time_left(self, step: str) -> float:
        return max(0.1, min(STEP_SECONDS - self._spent[step], HAND_IN_SECONDS - sum(self._spent.values())))

    def _given_up(self, step: str) -> Unmet | None:
        """Why the step is not asked any more, if so."""
        lost = self._lost[step]
        if len(lost) >= MOST_LOST:
            return type(lost[0])(f"{lost[0]}; not asked any more after {MOST_LOST} lost processes in this step")
        if self._spent[step] >= STEP_SECONDS:
            return TimedOut(f"not asked any more after {STEP_SECONDS:g} s in this step")
        if sum(self._spent.values()) >= HAND_IN_SECONDS:
            return TimedOut(f"not asked any more after {HAND_IN_SECONDS:g} s with this hand-in")
        if self._received > MOST_RESULTS:
            return Crashed(f"not asked any more after {MOST_RESULTS >> 20} MB of results")
        return None


class _Incoming:
    """What a child sends, taken in by a thread and read by another, that waits no longer than it is told."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[bytes, float]] = queue.SimpleQueue()
        self._put, self._taken = 0, 0  # bytes; each is changed by one thread alone
        self._data, self._at, self._until = b"", 0, 0.0
        self.arrived = 0.0
        """When the last bytes came that were read."""

    def put(self, data: bytes, ended: threading.Event) -> None:
        """Take in what came, nothing for the end; wait where much of it was not read, until the child is ended."""
        self._queue.put((data, time.monotonic()))
        self._put += len(data)
        while self._put - self._taken > MOST_UNREAD and not ended.wait(0.01):
            pass

    def within(self, seconds: float) -> "_Incoming":
        """The stream itself; its next reads may take so many seconds together, and raise TimedOut after that."""
        self._seconds, self._until = seconds, time.monotonic() + seconds
        return self

    def read(self, length: int) -> bytes:
        """So many bytes, or fewer where the child ended."""
        parts = [self._data[self._at : self._at + length]]
        self._at += len(parts[0])
        left = length - len(parts[0])
        while left:
            try:
                self._data, self.arrived = self._queue.get(timeout=max(0.0, self._until - time.monotonic()))
            except queue.Empty:
                raise TimedOut(f"no answer within {self._seconds:.3g} s") from None
            self._taken += len(self._data)
            if not self._data:
                self._at = 0
                break
            parts.append(self._data[:left])
            self._at = len(parts[-1])
            left -= self._at
        return parts[0] if len(parts) == 1 else b"".join(parts)


class _Child:
    """One process: threads write its requests, read its replies and drain its output."""

    def __init__(self, launch: Launch) -> None:
        self._next = 0
        self._expected = 0
        self._output = bytearray()
        self._replies = _Incoming()
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._clean_up = launch.clean_up
        try:
            self._process = subprocess.Popen(
                launch.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(launch.environment),
                start_new_session=True,
                pass_fds=launch.descriptors,
                cwd=os.path.abspath(os.sep),
            )
        except OSError as error:
            self._clean_up()
            raise Broken(f"the child process does not start: {error}") from error
        finally:
            for descriptor in launch.descriptors:
                os.close(descriptor)
        self._ended = threading.Event()
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        _widen(self._process.stdin, self._process.stdout)
        for target, stream in ((self._write, self._process.stdin), (self._read, self._process.stdout)):
            threading.Thread(target=target, args=(stream,), daemon=True).start()
        self._drainer = threading.Thread(target=self._drain, args=(self._process.stderr,), daemon=True)
        self._drainer.start()
        places = launch.places
        setup = {"root": places.root, "given": places.given, "overlay": places.overlay}
        beginning = io.BytesIO()
        table = np.frombuffer(script.table(), np.uint8)
        wire.write(beginning, {**setup, "limits": launch.limits, "user": launch.user}, [table])
        self._requests.put(beginning.getvalue())
        self._ready = False

    def await_ready(self) -> float:
        """Wait until the child can be asked; return the time. Raises Broken where it does not start."""
        if not self._ready:
            try:
                frame = wire.read(self._replies.within(START_SECONDS))
            except (wire.Malformed, TimedOut) as error:
                frame = ({"ready": str(error)}, [])
            if frame is None or frame[0] != {"ready": True}:
                self._drainer.join(1)  # until all that it says of it is read
                why = frame[0].get("ready") if frame else "it ended"
                raise Broken(f"the child process did not start: {self.end().strip() or why}")
            self._ready = True
        return time.monotonic()

    def send(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._requests.put(job.request.frame(self._next))
            self._next += 1

    def receive(self, job: Job, seconds: float) -> tuple[Known, float]:
        """The next reply, which gives the job's names, and when it came.

        Raises TimedOut after so many seconds, Crashed if something else came.
        """
        try:
            frame = wire.read_reply(self._replies.within(seconds))
            number, known = (None, None) if frame is None else (frame[0], job.known(*frame[1:]))
        except wire.Malformed:
            number, known = -1, None
        if number is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            raise Crashed(f"the process ended by itself ({_status(self._process.returncode)})")
        if known is None or number != self._expected or not job.targets <= known.reply.values.keys():
            raise Crashed("the process sent something that is not the answer to what was asked")
        self._expected += 1
        return known, self._replies.arrived

    def end(self) -> str:
        """Kill the process and all that it started; return what it wrote."""
        self._ended.set()
        _kill(self._process)
        self._process.wait()
        self._clean_up()
        self._requests.put(None)
        return bytes(self._output).decode(errors="replace")

    def _write(self, stream: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while (frame := self._requests.get()) is not None:
                stream.write(frame)
                if self._requests.empty():
                    stream.flush()

    def _read(self, stream: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while data := stream.read1(MOST_AT_ONCE):  # type: ignore[attr-defined]  # Popen's pipes are buffered
                self._replies.put(data, self._ended)
        self._replies.put(b"", self._ended)

    def _drain(self, stream: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while data := stream.read1(1 << 16):  # type: ignore[attr-defined]  # Popen's pipes are buffered
                self._output += data[: MOST_OUTPUT - len(self._output)]


def _widen(*pipes: IO[bytes]) -> None:
    """Let pipes hold more, where the system can and the user may, so that both ends are woken less often."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        for pipe in pipes:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_SIZE)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and its group, or on Windows its tree; one that has ended is no error."""
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _status(code: int | None) -> str:
    if code is None:
        return "it closed its answers"
    if code < 0 or code > 128:  # bubblewrap passes a signal on as a shell does
        with contextlib.suppress(ValueError):
            return signal.Signals(-code if code < 0 else code - 128).name
    return f"exit status {code}"
