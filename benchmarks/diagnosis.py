"""No bug gets a wrong name: `tox -e power` plants bugs of the catalogue elsewhere, and takes bugs out of the catalogue.

Planted: each bug of fixtures/catalogue/elsewhere in the code of its hand-in, which is then examined. Is it named, by
its id or a twin's? Left out: each required bug in the model solution, diagnosed by a catalogue without it and its
twins. What is said then must be true on other cases: the same results in all entries that it claims to explain.
Exit status 1 where a promise is broken.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import power
from fixtures import catalogue
from grading import diagnosis, rubric
from properties.registry import STEPS

HAND_INS = Path(catalogue.__file__).resolve().parents[1] / "handins"
NAMED_RIGHT = 0.90
LEAST_BUGS = 40  # that are planted in two hand-ins or more
FRESH_KEY = "left out"  # of the cases on which a sentence must be true
FRESH = 40  # of each family and script


class Named(NamedTuple):
    """What was said of a planted bug: whether a sentence names it, which others do not, and all of it."""

    planted: catalogue.Planted
    right: bool
    wrong: list[str]
    said: list[str]


def named(planted: catalogue.Planted) -> Named:
    """Examine the hand-in with this bug in it, as to the bug's step."""
    step = _bugs()[planted.id].step
    forward, _ = rubric.FORWARD_OF.get(step, (step, ""))  # which backward is judged by
    steps = [name for name in STEPS if name in (forward, step)]
    original = HAND_INS / planted.hand_in
    with power.copy_of_model(lambda root: catalogue.apply(planted, root), original) as folder:
        examination, _ = power.examined(Path(folder) / "hand-in", steps)
    said = examination.diagnoses.get(step, [])
    names = [one.bug for one in said if one.bug != "pattern"]
    wrong = [name for name in names if name != planted.id and not power.twins(planted.id, name)]
    return Named(planted, len(wrong) < len(names), wrong, [one.says for one in said])


class Said(NamedTuple):
    """A sentence about a bug that was left out: the bug whose sentence it is, and whether it is true of fresh cases."""

    about: str
    bug: str
    true: bool


def said_without(bug: catalogue.Bug) -> list[Said]:
    """What a catalogue without this bug and its twins says about it."""
    others = [other for other in catalogue.load() if other.step == bug.step and not diagnosis.behave_alike(bug, other)]
    said = diagnosis.diagnose(bug.step, diagnosis.changed_by(bug), diagnosis.with_bug(bug), others)
    claims = [(_bugs()[one.bug], one.entries) for one in said if one.bug != "pattern"]
    fresh = diagnosis.questions_of(bug.step, FRESH_KEY, FRESH) if claims else ()
    return [Said(bug.id, other.id, diagnosis.alike_on(fresh, bug, other, entries)) for other, entries in claims]


def _bugs() -> dict[str, catalogue.Bug]:
    return {bug.id: bug for bug in catalogue.load()}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=str(__doc__).splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT", help="only bugs whose id has this text")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    planted = sorted(  # a worker has the answers of a step's bugs only once
        (planted for planted in catalogue.elsewhere() if options.only in planted.id),
        key=lambda planted: STEPS.index(_bugs()[planted.id].step),
    )
    left_out = [bug for bug in catalogue.load() if bug.tier == "required" and options.only in bug.id]
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        names = pool.map(named, planted, chunksize=8)
        said = [one for some in pool.map(said_without, left_out, chunksize=8) for one in some]
    faults = [*_naming_faults(names, options.only), *_left_out_faults(said, len(left_out))]
    for fault in faults:
        print(f"fault: {fault}")
    print(f"{len(planted)} planted and {len(left_out)} left out in {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


def _naming_faults(names: Sequence[Named], only: str) -> list[str]:
    """What does not hold about the planted bugs; prints the figures on the way."""
    right = [name for name in names if name.right and not name.wrong]
    wrong = [name for name in names if name.wrong]
    bugs = Counter(name.planted.id for name in names)
    twice = [bug for bug, hand_ins in bugs.items() if hand_ins >= 2]
    print(f"planted: {len(names)} times {len(bugs)} bugs, {len(twice)} of them in two hand-ins or more")
    print(f"named right: {len(right)}; wrong: {len(wrong)}; unnamed: {len(names) - len(right) - len(wrong)}")
    for name in names:
        if name not in right:
            called = f"called {', '.join(name.wrong)}" if name.wrong else f"told {' '.join(name.said) or 'nothing'}"
            print(f"  {name.planted.id} in {name.planted.hand_in}: {called}")
    faults = [f"{name.planted.id} in {name.planted.hand_in} is called {', '.join(name.wrong)}" for name in wrong]
    if len(right) < NAMED_RIGHT * len(names):
        faults.append(f"{len(right)} of {len(names)} planted bugs are named right, fewer than {NAMED_RIGHT:.0%}")
    if len(twice) < LEAST_BUGS and not only:
        faults.append(f"{len(twice)} bugs are planted in two hand-ins, fewer than {LEAST_BUGS}")
    return faults


def _left_out_faults(said: Sequence[Said], count: int) -> list[str]:
    """The sentences that are not true; prints all on the way."""
    untrue = [one for one in said if not one.true]
    print(f"left out: {count} bugs, {len(said)} sentences about them, {len(untrue)} wrong")
    for one in said:
        print(f"  {one.about} is called {one.bug}: {'true' if one.true else 'wrong'} in the entries that it explains")
    return [f"left out, {one.about} is called {one.bug}" for one in untrue]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
