"""What the sandbox costs: a child that is ready, one script in it, and a whole correct hand-in.

A row here is a price: "ours" is what is paid in the sandbox, "other" what may be paid, and 1 is a ratio that is met. Of
several rounds the fastest counts: other work on the machine takes time from one process where there are two processors,
and more from the two of a sandbox. Where no sandbox works there is nothing to measure, and no row.
"""

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import Row
from grading import process, sandbox
from grading.exam import draw_exam
from grading.judge import judge
from properties.hand_in import MODEL_SOLUTION, HandIn, InProcess, Job, Remembering, arrays_of, job_of
from properties.registry import PRACTICE_KEY, all_properties

START_CPU = 0.25  # seconds
A_SCRIPT = 0.0003  # seconds over the same script in this process
SHARE = 1.25  # of the time in this process, for a whole hand-in, besides one start
ROUNDS = 8
Use = Callable[[HandIn], object]


def rows() -> Iterator[Row]:
    """Yield a row for each price that is bounded."""
    if sandbox.works():
        print(f"no sandbox here: {sandbox.works()}", file=sys.stderr)
        return
    yield _row("sandboxed child ready, CPU", _start_cpu(), START_CPU)

    small = _small_jobs()
    inside, outside = _in_turns(lambda hand_in: list(hand_in.transcripts(small)), small[:1])
    yield _row("one small script, over in-process", (inside - outside) / len(small), A_SCRIPT)

    start = min(_start_wall() for _ in range(ROUNDS))
    inside, outside = _in_turns(_judging())
    yield _row("a correct hand-in, against start + 1.25 times", inside, start + SHARE * outside)


def _row(case: str, ours: float, allowed: float) -> Row:
    return Row(case, ours, allowed, allowed / max(ours, 1e-9), target=1.0)


def _launch() -> process.Launch:
    return sandbox.sandboxed(MODEL_SOLUTION, "own")


def _start_cpu() -> float:
    """CPU seconds of a child until it is asked: bubblewrap's in the same process, Python's, and the import of NumPy.

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
    child.await_ready()
    seconds = time.perf_counter() - began
    child.end()
    return seconds


def _judging() -> Use:
    """Judge a hand-in on a whole exam, whose answers are known from a hand-in before."""
    properties = [prop for prop in all_properties() if prop.tier in ("required", "advisory")]
    exam = draw_exam(properties, PRACTICE_KEY)

    def use(hand_in: HandIn) -> object:
        asked = Remembering(hand_in, lambda question: job_of(question, 60.0))
        return judge(properties, exam, asked, lambda: asked, "own")

    use(InProcess(MODEL_SOLUTION))
    return use


def _small_jobs() -> list[Job]:
    """The first case of the ladder, forward and backward, many times."""
    prop = next(prop for prop in all_properties() if prop.step == "RNN Backward" and prop.tier == "required")
    question = prop.question(prop.family.ladder[0])
    return [Job(question.step, question.lines, arrays_of(question.case, question.lines), 60.0)] * 500


def _in_turns(use: Use, before: Sequence[Job] = ()) -> tuple[float, float]:
    """The seconds of a use in the sandbox and in this process: the least of some rounds; `before` does not count."""
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        with contextlib.closing(process.ChildHandIn(partial(sandbox.sandboxed, MODEL_SOLUTION, "own"))) as child:
            times.append((_seconds(use, child, before), _seconds(use, InProcess(MODEL_SOLUTION), before)))
    return min(inside for inside, _ in times), min(outside for _, outside in times)


def _seconds(use: Use, hand_in: HandIn, before: Sequence[Job]) -> float:
    list(hand_in.transcripts(before))
    began = time.perf_counter()
    use(hand_in)
    return time.perf_counter() - began
