"""One class of all stored hand-ins, all attacks and a hundred copies of correct ones, interrupted, resumed, and diffed.

    python -m benchmarks.everything [--keep DIR]

The run gets Ctrl-C after a third of the reports, is killed after another third, and goes on with --resume both times.
At the end every stored hand-in has its expected points, every copy all of them, no attack more than its honest part is
worth, no report was written twice, and the reports differ in nothing from themselves. Some minutes, mostly of waiting
for what hangs on purpose. Exit status 1 where anything is not so. POSIX.
"""

import argparse
import contextlib
import json
import py_compile
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures.check_grades import EXPECTED, differences
from grading.__main__ import BROKEN, LOST, PAID
from properties.hand_in import MODEL_SOLUTION

PROJECT = MODEL_SOLUTION.parent
HAND_INS, ATTACKS = PROJECT / "fixtures" / "handins", PROJECT / "fixtures" / "attacks"
COPIES = 100
CELL_STEPS = ("RNN Forward", "RNN Backward")  # what an attack is about where it does not say
HEARS_CTRL_C = (  # which what was started in the background of a script does not, nor what it starts
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.everything")
    parser.add_argument("--keep", metavar="DIR", help="where class and reports go, and stay")
    keep = parser.parse_args(arguments).keep
    with tempfile.TemporaryDirectory(prefix="everything-") if keep is None else contextlib.nullcontext(keep) as folder:
        place = Path(folder)
        made = _make_class(place / "class")
        began = time.monotonic()
        wrong = [*_grade(place, len(made)), *_check(place / "grades", made)]
        print(f"{len(made)} hand-ins, graded in {time.monotonic() - began:.0f} s with two interruptions", flush=True)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


def _make_class(folder: Path) -> dict[str, dict[str, Any]]:
    """Make the class; what is expected of each hand-in by its name: points as stored, or the most it may get."""
    expected = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
    made: dict[str, dict[str, Any]] = {}
    for name, should in expected.items():
        shutil.copytree(HAND_INS / name, folder / name)
        made[name] = should
    for name, attack in tomllib.loads((ATTACKS / "attacks.toml").read_text(encoding="utf-8")).items():
        put_attack(name, attack, folder / f"attack-{name}")
        made[f"attack-{name}"] = {"most": attack["points"], "steps": attack.get("steps", CELL_STEPS)}
    right = sorted(name for name, should in expected.items() if should["total"] == 80)
    for number in range(COPIES):
        name = f"copy-{number:03}"
        shutil.copytree(HAND_INS / right[number % len(right)], folder / name)
        made[name] = expected[right[number % len(right)]]
    return made


def put_attack(name: str, attack: dict[str, Any], folder: Path) -> None:
    """Put an attack there, with its links and its bytecode."""
    shutil.copytree(ATTACKS / name, folder)
    for place, target in attack.get("links", {}).items():
        (folder / place).symlink_to(PROJECT / target)
    for place, source in attack.get("compiled", {}).items():
        cache = (folder / place).parent / "__pycache__" / f"{Path(place).stem}.{sys.implementation.cache_tag}.pyc"
        never_stale = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(PROJECT / source), str(cache), doraise=True, invalidation_mode=never_stale)


def _grade(place: Path, size: int) -> Iterator[str]:
    """Grade the class with two interruptions; what is wrong with that."""
    command = [sys.executable, "-m", "grading", "grade", str(place / "class"), "--out", str(place / "grades")]
    command += ["--exam", str(place / "exam.npz"), "--resume"]
    before: dict[Path, int] = {}
    for how, at in ((signal.SIGINT, size // 3), (signal.SIGKILL, 2 * size // 3), (None, size)):
        hears = [sys.executable, "-c", HEARS_CTRL_C, *command]
        run = subprocess.Popen(hears, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while how is not None and run.poll() is None and len(_written(place)) < at:
            time.sleep(0.2)
        if how is not None:
            run.send_signal(how)
        _, said = run.communicate()
        wanted = {signal.SIGINT: BROKEN, signal.SIGKILL: -signal.SIGKILL, None: LOST}[how]
        if run.returncode != wanted:
            yield f"the run that got {how} ended with {run.returncode}, but should with {wanted}: {said[-500:]}"
        now = _written(place)
        print(f"{len(now)} of {size} reports after {how.name if how else 'the end'}", flush=True)
        yield from (f"{file.parent.name} was graded again" for file, when in before.items() if now.get(file) != when)
        before = now
    if len(before) != size:
        yield f"there are {len(before)} reports, but should be {size}"
    told = subprocess.run(
        [sys.executable, "-m", "grading", "diff", str(place / "grades"), str(place / "grades")],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(told.stdout.strip(), flush=True)
    if told.returncode != PAID:
        yield f"the reports differ from themselves: {told.stdout[-500:]}"


def _written(place: Path) -> dict[Path, int]:
    """The reports that there are, and when they were written."""
    found = {}
    for file in place.glob("grades/*/report.json"):
        with contextlib.suppress(FileNotFoundError):
            found[file] = file.stat().st_mtime_ns
    return found


def _check(grades: Path, made: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What is wrong with the points."""
    for name, should in made.items():
        file = grades / name / "report.json"
        if not file.exists():
            continue
        report = json.loads(file.read_text(encoding="utf-8"))
        if "total" in should:
            yield from (f"{name}: {line}" for line in differences(should, report))
        else:
            points = sum(step["points"] for step in report["steps"] if step["step"] in should["steps"])
            if points > should["most"]:
                yield f"{name} has {points} points, but its honest part is worth {should['most']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
