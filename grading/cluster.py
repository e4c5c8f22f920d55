"""Hand-ins graded by the workers of a Dask scheduler, in shards: the only module that imports Dask, an optional extra.

Hand-ins travel as bytes and reports come back as JSON, so workers share no disk with the command and need no way to
it. The exam lies on the scheduler, from where each worker process takes it once, one that joins late too. A shard
whose worker dies goes to another, and a hand-in that goes on killing workers is named. A worker refuses where its
suite, its libraries or its sandbox are not those of the command.

A worker is a process that grades one hand-in at a time; more threads would wait for each other. Start it in a checkout
of the same version, with the nanny that Dask puts beside it, which replaces a dead one and has NumPy use one thread:

    python -m dask worker ADDRESS --nworkers CORES --nthreads 1

Whoever reaches the scheduler can run programs on the workers, and reads the exam and all hand-ins. Dask's own
configuration sets up TLS, for tls:// addresses.
"""

import asyncio
import contextlib
import functools
import hashlib
import json
import logging
import math
import os
import pickle
import queue
import stat
import tempfile
import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from grading import archives
from grading.faults import Broken, Usage
from grading.versions import suite_digest, versions

try:
    import distributed
    from distributed.comm.core import connect
    from distributed.scheduler import KilledWorker
except ModuleNotFoundError as missing:
    raise Usage(f"--cluster needs {missing.name}, which is not installed: pip install distributed") from None

if TYPE_CHECKING:
    from grading.grade import Settings
    from grading.run import Parcel

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # for a worker without a nanny: what imports NumPy is imported further below

SHARD = 20  # hand-ins of a task
SHARD_BYTES = 8 * 2**20  # once it has these, a shard takes no more hand-ins
AHEAD = 2  # shards under way for each worker, so that none waits for the command
TRAVELS = archives.DEFAULT  # the most that does
CONNECT_SECONDS = 5
WORKER_SECONDS = 30  # without any worker, at the start or on the way
LOOK_SECONDS = 5  # between looks at who is still there, while no report comes
FETCH_SECONDS = 60  # for the exam, and for the reports of a shard

Entry = tuple[str, str]
"""The name of a hand-in's report, and where the hand-in lies."""

Held = bytes | dict[str, bytes | None]
"""What a file holds; of a folder its files by their paths in it, and its folders as None, each before what it holds."""


def check(address: str) -> None:
    """Raise Usage where no scheduler answers at this address, and Broken where its workers have another suite."""
    with _connected(address) as client:
        _check_workers(client, _wanted())


def execute(entries: Sequence[Entry], out: Path, parcel: "Parcel", address: str, tell: Callable[[str], None]) -> str:
    """Grade all entries, in any order; `tell` gets a name as soon as its report is written.

    Return "" or, where something is broken, why; then no other shard is begun. Raises Usage where no scheduler
    answers, and Broken where it has no workers or one that may not grade.
    """
    with _connected(address) as client:
        wanted = _wanted(parcel.isolation)
        _check_workers(client, wanted)
        with _shared(client, parcel) as exam:
            run = _Run(client, out, parcel, tell)
            try:
                return run.grade(entries, exam, wanted)
            finally:
                run.cancel()


# --- The command


@contextlib.contextmanager
def _connected(address: str) -> Iterator[distributed.Client]:
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what breaks is told in a sentence, not in tracebacks
    try:
        asyncio.run(_reach(address))  # first, as a client that cannot connect prints and waits when it is given up
        client = distributed.Client(
            address, timeout=CONNECT_SECONDS, set_as_default=False, direct_to_workers=False, name="grading"
        )
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # all but the first where TLS is not set up
        raise Usage(f"--cluster {address}: no Dask scheduler answers there ({error})") from None
    with client:
        yield client


async def _reach(address: str) -> None:
    """Raise OSError where nothing answers, and ValueError, TypeError or RuntimeError where nothing can."""
    how = distributed.Security().get_connection_args("client")
    comm = await connect(address, timeout=CONNECT_SECONDS, **how)
    await comm.close()


@contextlib.contextmanager
def _shared(client: distributed.Client, parcel: "Parcel") -> Iterator[str]:
    """Have the scheduler keep the parcel under this name, which begins with its digest, and is this run's alone."""
    from grading.run import as_data

    data = pickle.dumps(as_data(parcel))
    exam = distributed.Variable(f"{hashlib.sha256(data).hexdigest()}-{uuid.uuid4().hex}", client=client)
    exam.set(data)
    try:
        yield exam.name
    finally:
        exam.delete()


def _wanted(isolation: str = "") -> dict[str, str]:
    return {"suite": suite_digest(), **versions(), "isolation": isolation}


def _call(function: str, *arguments: object) -> tuple[Callable[..., Any], str, dict[str, object]]:
    """A call of a function of this module on a worker.

    As text, because the scheduler would look a function up, too: so it needs no suite, only its workers do.
    """
    return eval, f"__import__('grading.cluster', fromlist=['']).{function}(*arguments)", {"arguments": arguments}


def _check_workers(client: distributed.Client, wanted: Mapping[str, str]) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        raise Broken(_no_worker()) from None
    for address, why in client.run(*_call("refusal", wanted), on_error="return").items():
        if isinstance(why, Exception) and not isinstance(why, OSError):  # an OSError: it has gone meanwhile
            raise Broken(f"the worker {address} {_without_suite(why)}")
        if why and isinstance(why, str):
            raise Broken(f"the worker {address} {why}")


def _no_worker() -> str:
    return f"the Dask scheduler has had no worker for {WORKER_SECONDS} s"


def _without_suite(error: BaseException) -> str:
    return f"cannot load this suite, but should have been started in a checkout ({type(error).__name__}: {error})"


class _Shard(NamedTuple):
    """The hand-ins of a task; alone if no other task was under way with it."""

    entries: Sequence[Entry]
    alone: bool


class _Run:
    """Hand-ins on their way to workers and back.

    Those of a shard whose workers died again and again are suspects: they go one by one, when nothing else is under
    way, so that the one that does it is found, and no other is blamed.
    """

    def __init__(self, client: distributed.Client, out: Path, parcel: "Parcel", tell: Callable[[str], None]) -> None:
        self._client, self._out, self._parcel, self._tell = client, out, parcel, tell
        self._under_way: dict[distributed.Future, _Shard] = {}
        self._suspects: deque[Entry] = deque()
        self._answers: queue.SimpleQueue[tuple[distributed.Future, bytes | BaseException]] = queue.SimpleQueue()
        self._last_seen = time.monotonic()  # any worker
        self._broken = ""

    def grade(self, entries: Sequence[Entry], *given: object) -> str:
        """Grade them, with what every task is `given`; return what is broken. Raises Broken if nobody is there."""
        left = deque(entries)
        while True:
            workers = self._workers()
            while left and not self._broken and len(self._under_way) < AHEAD * workers:
                # the last ones are smaller, so that all workers end at about the same time
                self._send(left, min(SHARD, math.ceil(len(left) / (2 * AHEAD * workers))), given)
            while self._suspects and not self._under_way and (self._broken or not left):
                self._send(self._suspects, 1, given, alone=True)
            if not self._under_way:
                return self._broken
            with contextlib.suppress(queue.Empty):
                self._take(*self._answers.get(timeout=LOOK_SECONDS))

    def cancel(self) -> None:
        """Give up what is under way; a worker still ends the shard that it is at."""
        with contextlib.suppress(OSError, TimeoutError):
            self._client.cancel(list(self._under_way))

    def _workers(self) -> int:
        """How many there are, or for a while 1 where there is none. Raises Broken."""
        try:
            workers = len(self._client.nthreads())
        except (OSError, TimeoutError):
            raise Broken("the Dask scheduler does not answer any more") from None
        if workers:
            self._last_seen = time.monotonic()
        elif time.monotonic() - self._last_seen > WORKER_SECONDS:
            raise Broken(_no_worker())
        return max(1, workers)

    def _send(self, left: deque[Entry], most: int, given: Sequence[object], alone: bool = False) -> None:
        """Send a shard off. A hand-in that does not travel is graded here, as a run without a cluster would."""
        entries: list[Entry] = []
        packed: list[tuple[str, str, Held]] = []
        size = 0
        while left and len(entries) < most and size < SHARD_BYTES:
            name, place = entry = left.popleft()
            held = pack(Path(place))
            if held is None:
                self._grade_here(entry)
            else:
                entries.append(entry)
                packed.append((name, Path(place).name, held))
                size += _size(held)
        if entries:
            call = _call("grade_shard", *given, pickle.dumps(packed))
            future = self._client.submit(*call, key=f"grade-{uuid.uuid4().hex}", pure=False, retries=2)
            self._under_way[future] = _Shard(entries, alone)
            future.add_done_callback(self._arrived)

    def _arrived(self, future: distributed.Future) -> None:
        answer: bytes | BaseException
        try:
            answer = future.result(timeout=FETCH_SECONDS)
        except BaseException as error:
            answer = error
        self._answers.put((future, answer))

    def _take(self, future: distributed.Future, answer: bytes | BaseException) -> None:
        """Write the reports of a shard, or remember what is broken."""
        if isinstance(answer, TimeoutError) and future.status != "error":
            future.add_done_callback(self._arrived)  # its worker died with the reports, and another makes them again
            return
        entries, alone = self._under_way.pop(future)
        names = ", ".join(name for name, _ in entries)
        if isinstance(answer, KilledWorker) and not alone:
            self._suspects += entries
        elif isinstance(answer, KilledWorker):
            self._fail(f"{names}: every worker that graded it died, the last one was {answer.last_worker.address}")
        elif isinstance(answer, ImportError):
            self._fail(f"a worker {_without_suite(answer)}")
        elif isinstance(answer, BaseException):
            self._fail(f"no reports came of {names} ({type(answer).__name__}: {answer})")
        elif (told := json.loads(answer))["refusal"]:
            self._fail(told["refusal"])
        else:
            for entry, graded in zip(entries, told["graded"], strict=True):
                if graded is None:
                    self._grade_here(entry)
                else:
                    self._finish(entry[0], graded)

    def _grade_here(self, entry: Entry) -> None:
        name, place = entry
        self._finish(name, _graded(name, Path(place), self._settings))

    @functools.cached_property
    def _settings(self) -> "Settings":
        from grading.run import as_data, unpack

        return unpack(as_data(self._parcel))

    def _finish(self, name: str, graded: Mapping[str, Any]) -> None:
        from grading import report

        if "broken" in graded:
            self._fail(graded["broken"])
            return
        try:
            report.write(graded["report"], self._out)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            self._fail(f"the report of {name} cannot be written: {said}")
        else:
            self._tell(name)

    def _fail(self, why: str) -> None:
        """Remember the first thing that broke."""
        self._broken = self._broken or why


# --- What travels


def pack(place: Path) -> Held | None:
    """What lies at this place, or None where it does not travel: then it is only here what it is.

    That is where something cannot be read, is no file or folder or is a link, which may lead to anything on this
    machine, and where there is more than an archive may hold.
    """
    try:
        status = place.stat()
        if not _is_one_name(place.name):
            return None
        return _pack_folder(str(place)) if stat.S_ISDIR(status.st_mode) else _read(str(place), status, TRAVELS.total)
    except (OSError, ValueError):
        return None


def _pack_folder(folder: str) -> Held | None:
    held: dict[str, bytes | None] = {}
    waiting = [""]
    room = TRAVELS.total
    while waiting:
        here = waiting.pop()
        with os.scandir(os.path.join(folder, here)) as listed:
            for entry in listed:
                path = f"{here}{entry.name}"
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) and not getattr(status, "st_reparse_tag", 0):
                    held[path] = None
                    waiting.append(f"{path}/")
                elif (data := _read(entry.path, status, room)) is not None:
                    held[path] = data
                    room -= len(data)
                else:
                    return None
                if len(held) > TRAVELS.entries:
                    return None
    return held


def _read(path: str, status: os.stat_result, most: int) -> bytes | None:
    """A regular file's bytes, or None if it is something else, longer, or changing."""
    if not stat.S_ISREG(status.st_mode) or status.st_size > most:
        return None
    with open(path, "rb") as file:
        data = file.read(status.st_size + 1)
    return data if len(data) == status.st_size else None


def _size(held: Held) -> int:
    return len(held) if isinstance(held, bytes) else sum(len(data or b"") for data in held.values())


def _is_one_name(text: str) -> bool:
    """Whether this is the name of one thing in a folder on this system: a/b is not, and on Windows C:x and a\\b."""
    return text not in ("", ".", "..") and PurePath(text).parts == (text,)


def _unpack(held: Held, place: Path) -> None:
    """Write it at this place, where nothing is. Raises OSError or ValueError where this system cannot hold it."""
    if isinstance(held, bytes):
        place.write_bytes(held)
        return
    place.mkdir()
    for path, data in held.items():
        if not all(map(_is_one_name, path.split("/"))):
            raise ValueError(f"{path!r} is no path on this system")
        if data is None:
            (place / path).mkdir()
        else:
            with open(place / path, "xb") as file:
                file.write(data)


# --- A worker

_one_at_a_time = threading.Lock()  # what grades keeps a state of its own, and is not for threads
_kept: dict[str, "Settings"] = {}  # by the digest of their parcel; the last one alone


def refusal(wanted: Mapping[str, str]) -> str:
    """Why this worker may not grade for a command that has these versions and this isolation, or ""."""
    have = {"suite": suite_digest(), **versions()}
    differ = [
        f"{name} {mine}, but should have {wanted.get(name)}" for name, mine in have.items() if mine != wanted.get(name)
    ]
    if differ:
        return f"has not what the command has: {'; '.join(differ)}"
    if wanted["isolation"] == "sandbox":
        from grading import sandbox

        if why := sandbox.works():
            return f"has no sandbox, but should have one: {why}"
    return ""


def grade_shard(exam: str, wanted: Mapping[str, str], shard: bytes) -> bytes:
    """Grade hand-ins that were sent; return as JSON why not, or for each what _graded does, None where it must go back.

    Raises OSError where the exam does not come.
    """
    told: dict[str, Any] = {"refusal": "", "graded": []}
    with _one_at_a_time:
        try:
            if why := refusal(wanted):
                raise Broken(why)
            settings = _settings_of(exam)
        except (Broken, Usage) as error:
            told["refusal"] = f"the worker {distributed.get_worker().address} {error}"
        else:
            told["graded"] = [_grade_sent(name, base, held, settings) for name, base, held in pickle.loads(shard)]
    return json.dumps(told).encode()


def _settings_of(exam: str) -> "Settings":
    """What is in the parcel that the scheduler keeps under this name: taken from there once a worker."""
    from grading.run import unpack
    from properties.expected import forget_answers

    digest = exam.partition("-")[0]
    if digest not in _kept:
        try:
            data = distributed.Variable(exam).get(timeout=FETCH_SECONDS)
        except TimeoutError:
            raise OSError(f"the exam did not come within {FETCH_SECONDS} s") from None
        _kept.clear()
        forget_answers()
        _kept[digest] = unpack(pickle.loads(data))
    return _kept[digest]


def _grade_sent(name: str, base: str, held: Held, settings: "Settings") -> dict[str, Any] | None:
    """Grade what was sent, at a place that has the name it had; None where this system cannot hold it."""
    with tempfile.TemporaryDirectory(prefix="hand-in-", ignore_cleanup_errors=True) as folder:
        place = Path(folder) / base
        try:
            if not _is_one_name(base):
                return None
            _unpack(held, place)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in archives.EXHAUSTED:
                return {"broken": f"{name} could not be unpacked on a worker: {error}"}
            return None
        return _graded(name, place, settings)


def _graded(name: str, place: Path, settings: "Settings") -> dict[str, Any]:
    """{"report": ...} of what lies at this place, or {"broken": why}."""
    from grading.entry import grade_entry

    try:
        return {"report": grade_entry(name, place, settings)}
    except Broken as broken:
        return {"broken": str(broken)}
    except Exception:  # a fault of ours that has no word of its own
        return {"broken": f"{name}: {traceback.format_exc(limit=-3)}"}
