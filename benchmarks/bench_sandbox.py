"""What the sandbox costs: a child that is ready, one script in it, and a whole correct hand-in.

A row here is a price: "ours" is what is paid in the sandbox, "other" what may be paid, and 1 is a ratio that is met. Of
several rounds the fastest counts: other work on the machine takes time from one process where there are two processors,
and more from the two of a sandbox. Where no sandbox works there is nothing to measure, and no row.
"""

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import Row
from grading import process, sandbox
from grading.judge import draw_exam
from properties.hand_in import MODEL_SOLUTION, InProcess, Job, Question, arrays_of
from properties.registry import PRACTICE_KEY, all_properties

START_CPU = 0.25  # seconds
A_SCRIPT = 0.0003  # seconds over the same script in this process
SHARE = 1.25  # of the time in this process, for a whole hand-in, besides one start
ROUNDS = 5


def rows() -> Iterator[Row]:
    """Yield a row for each price that is bounded."""
    if sandbox.works():
        print(f"no sandbox here: {sandbox.works()}", file=sys.stderr)
        return
    yield _row("sandboxed child ready, CPU", _start_cpu(), START_CPU)

    small = _small_jobs()
    inside, outside = _in_turns(small)
    yield _row("one small script, over in-process", (inside - outside) / len(small), A_SCRIPT)

    start = min(_start_wall() for _ in range(ROUNDS))
    inside, outside = _in_turns(_all_jobs(), with_start=True)
    yield _row("a correct hand-in, against start + 1.25 times", inside, start + SHARE * outside)


def _row(case: str, ours: float, allowed: float) -> Row:
    return Row(case, ours, allowed, allowed / max(ours, 1e-9), target=1.0)


def _launch() -> process.Launch:
    return sandbox.sandboxed(MODEL_SOLUTION, "own")


def _start_cpu() -> float:
    """CPU seconds of a child until it is asked: bubblewrap's own in the same process, Python's, and the import of NumPy.

    The least of some, told by a hand-in that tells the time.
    """
    with tempfile.TemporaryDirectory() as folder:
        cell = Path(folder) / "mytorch/rnn_cell.py"
        cell.parent.mkdir()
        cell.write_text("import time, numpy\nclass RNN_Cell:\n    cpu = numpy.array(time.process_time())\n")
        seconds = []
        for _ in range(ROUNDS):
            child = process.ChildHandIn(partial(sandbox.sandboxed, Path(folder), "own"))
            with contextlib.closing(child):
                (seen,) = child.transcripts([Job("", ("cpu = RNN_Cell.cpu",), {}, 60.0)])
            seconds.append(float(seen["cpu"]))
    return min(seconds)


def _start_wall() -> float:
    began = time.perf_counter()
    child = process._Child(_launch())
    seconds = time.perf_counter() - began
    child.end()
    return seconds


def _all_jobs() -> list[Job]:
    """Every script of an exam."""
    properties = [prop for prop in all_properties() if prop.tier in ("required", "advisory")]
    exam = draw_exam(properties, PRACTICE_KEY)
    asked = dict.fromkeys(prop.question(case) for prop in properties for case in exam.cases[prop.family.name])
    return [_job(question) for question in asked]


def _small_jobs() -> list[Job]:
    """The first case of the ladder, forward and backward, many times."""
    prop = next(prop for prop in all_properties() if prop.step == "RNN Backward" and prop.tier == "required")
    return [_job(prop.question(prop.family.ladder[0]))] * 500


def _job(question: Question) -> Job:
    return Job(question.step, question.lines, arrays_of(question.case, question.lines), 60.0)


def _in_turns(jobs: list[Job], with_start: bool = False) -> tuple[float, float]:
    """The seconds for all jobs, in the sandbox and in this process: the least of some rounds."""
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        within = process.ChildHandIn(partial(sandbox.sandboxed, MODEL_SOLUTION, "own"))
        with contextlib.closing(within):
            if not with_start:
                within.transcripts(jobs[:1])
            inside = _seconds(within, jobs)
        here = InProcess(MODEL_SOLUTION)
        here.transcripts(jobs[:1])
        times.append((inside, _seconds(here, jobs)))
    return min(inside for inside, _ in times), min(outside for _, outside in times)


def _seconds(hand_in: process.ChildHandIn | InProcess, jobs: list[Job]) -> float:
    began = time.perf_counter()
    hand_in.transcripts(jobs)
    return time.perf_counter() - began
