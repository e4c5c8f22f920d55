"""What a class costs, everything included, in u: the CPU seconds of `python -c "import torch"` in the same run.

A row here is a price: "ours" is what is paid and "other" what may be paid, in microseconds of CPU for a hand-in, and 1
is a ratio that is met; of two workers it is how many times as fast they are, and of memory bytes. The hand-ins are
copies of the model solution, with two known bugs in it for those that fail two steps. A reply that came before is not
judged again, which is often so in a class and always among copies; so there is a row of hand-ins that reckon in six
ways, too. u is measured before and after each round of a row and the mean taken, as machines are noisy.
"""

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.processor import used_by
from fixtures import catalogue
from properties.hand_in import MODEL_SOLUTION

PROJECT = str(MODEL_SOLUTION.parent)
SMALL, MIDDLE, LARGE = 60, 200, 2000
ROUNDS = 3
TWO_BUGS = ("rnn-backward-all-summed", "gru-backward-r-sigmoid-of-z")
WAYS_TO_RECKON = (
    MODEL_SOLUTION,
    *(
        MODEL_SOLUTION.parent / "fixtures/handins" / name
        for name in ("einsum", "stacked", "assigned", "column", "numerics")
    ),
)


def rows() -> Iterator[Row]:
    """Yield a row for each promise about classes; the large class takes minutes, and LARGE_CLASS must be set."""
    with tempfile.TemporaryDirectory(prefix="classes-") as folder:
        place = Path(folder)
        print(f"u is {_u():.2f} s now; a child's start is the floor: {_start():.3f} s of CPU", file=sys.stderr)
        yield _price(f"{SMALL} correct hand-ins, each", _class(place, SMALL), 0.25)
        middle = _class(place, MIDDLE)
        yield _price(f"{MIDDLE} correct hand-ins, each", middle, 0.2)
        yield _price(
            f"{SMALL} in {len(WAYS_TO_RECKON)} ways, each", _class(place, SMALL, originals=WAYS_TO_RECKON), 0.25
        )
        yield _price("one, from a kept exam", _kept(place), 1.0, "--exam", str(place / "exam.npz"))
        yield _price(f"{SMALL} that fail two steps, each", _class(place, SMALL, TWO_BUGS), 1.0)
        yield _two_workers(middle)
        if os.environ.get("LARGE_CLASS"):
            yield _memory(middle, _class(place, LARGE))


def _u() -> float:
    """CPU seconds of importing torch, the median of three."""
    command = [sys.executable, "-c", "import torch"]
    return statistics.median(used_by(command, PROJECT).cpu for _ in range(3))


def _start() -> float:
    from benchmarks.bench_sandbox import _start_cpu

    return _start_cpu()


def _class(place: Path, size: int, bugs: tuple[str, ...] = (), originals: tuple[Path, ...] = (MODEL_SOLUTION,)) -> Path:
    """A folder of so many hand-ins, copies of these in turn, with these bugs in them."""
    folder = place / f"{size}-{len(originals)}{'-wrong' if bugs else ''}"
    for number in range(size):
        root = folder / f"hand-in-{number:04}"
        shutil.copytree(originals[number % len(originals)], root, ignore=shutil.ignore_patterns("__pycache__"))
        for bug in catalogue.load():
            if bug.id in bugs:
                catalogue.apply(bug, root)
    return folder


def _kept(place: Path) -> Path:
    """A class of one, after a run that kept its exam."""
    folder = _class(place, 1)
    used_by(_command(folder, "--exam", str(place / "exam.npz")), PROJECT)
    return folder


def _command(folder: Path, *options: str) -> list[str]:
    out = f"{folder}-grades"
    return [sys.executable, "-m", "grading", "grade", str(folder), "--out", out, *options]


def _price(case: str, folder: Path, most: float, *options: str) -> Row:
    """What a hand-in costs, against so many u: the median round, as a machine's speed changes from minute to minute."""
    size = len(list(folder.iterdir()))
    paid = []
    for _ in range(ROUNDS):
        before = _u()
        used = used_by(_command(folder, *options), PROJECT)
        assert used.status in (0, 1), used.output
        u = (before + _u()) / 2
        paid.append((used.cpu / size / u, used.cpu / size, u))
        print(f"{case}: {used.cpu / size:.3f} s of CPU, {paid[-1][0]:.3f} u; u is {u:.2f} s", file=sys.stderr)
    ratio, each, u = sorted(paid)[ROUNDS // 2]
    return Row(case, each, most * u, most / ratio, target=1.0)


def _two_workers(folder: Path) -> Row:
    """How many times as fast two workers are as one, in the median round."""
    rounds = []
    for _ in range(ROUNDS):
        one, two = (used_by(_command(folder, "--jobs", jobs), PROJECT).seconds for jobs in ("1", "2"))
        rounds.append((one / two, one, two))
        print(f"{MIDDLE} hand-ins: {one:.1f} s by one worker, {two:.1f} s by two", file=sys.stderr)
    ratio, one, two = sorted(rounds)[ROUNDS // 2]
    return Row(f"2 workers against 1, {MIDDLE} hand-ins", two, one, ratio, target=1.7)


def _memory(middle: Path, large: Path) -> Row:
    """The largest memory of the command's own process, of a large class against a middle one."""
    less, more = (used_by(_command(folder), PROJECT).memory for folder in (middle, large))
    print(f"memory of the command: {less >> 20} MB for {MIDDLE}, {more >> 20} MB for {LARGE}", file=sys.stderr)
    return Row(f"memory for {LARGE}, at most 1.2 that for {MIDDLE}", more, 1.2 * less, 1.2 * less / more, target=1.0)
