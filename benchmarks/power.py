"""No bug gets through: `tox -e power` grades every bug of the catalogue and every one-token mutant of impl/.

For each bug: does it lose points in its own step and in no other, which properties catch it, is it named right, can its
example be done by hand, and how probable is it that an exam misses it. The kill matrix (bug by property) is written to
benchmarks/power.txt, which is committed; exit status 1 where a promise is broken or the committed file is stale.
"""

import argparse
import functools
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import tomllib

from benchmarks import mutants, one_token
from fixtures import catalogue
from grading import diagnosis, exam, grade, judge, problems, rubric
from grading.report import report_of
from grading.versions import versions
from properties.cases import Case
from properties.drawing import draw
from properties.hand_in import MODEL_SOLUTION, InProcess, Remembering
from properties.registry import PRACTICE_KEY, STEPS, Property, all_properties
from properties.strategies import Family

MATRIX = Path(__file__).with_name("power.txt")
SURVIVORS = Path(__file__).with_name("survivors.toml")
MOST_MISSED = 1e-4
NAMED_RIGHT = 0.95
BY_HAND = 0.90
MOST_SIZE = {"T": 3, "L": 3}  # and 2 for every other dimension; some bugs need a third layer
HEAD = "# Which required properties catch which known bug: written by python -m benchmarks.power"
LARGE_ONLY = r"[NDHT] <= \d"  # a bug that hides so shows in larger cases alone
TOUCHED = {  # the steps that a change of a file can touch
    "mytorch/rnn_cell.py": STEPS[:3],
    "hw3/rnn_classifier.py": ("RNN Classifier",),
    "mytorch/gru_cell.py": STEPS[3:],
    "hw3/hw3.py": ("GRU Inference",),
}


class Row(NamedTuple):
    """What became of one bug."""

    id: str
    step: str
    lost: dict[str, float]  # points by step
    caught_by: list[str]  # required properties of its own step
    named: list[str]  # bugs that the diagnosis names in its step
    by_hand: bool
    example: str
    missed: float  # probability that an exam's drawn cases miss it


@functools.cache
def _settings() -> grade.Settings:
    properties = all_properties()
    drawn = exam.draw_exam(properties, PRACTICE_KEY)
    points = rubric.load(rubric.DEFAULT, properties)
    return grade.Settings(properties, drawn, points, STEPS, InProcess, "none")


def examined(root: Path, steps: Sequence[str] = STEPS) -> tuple[grade.Examination, dict[str, Any]]:
    """The examination of a hand-in's steps, in this process, and its report."""
    settings = _settings()._replace(steps=steps)
    examination = grade.examine(root, settings)
    return examination, report_of(root.name, examination.findings, settings)


def touched(files: Iterable[str]) -> list[str]:
    """The steps that these files can touch."""
    steps = {step for file in files for step in TOUCHED.get(file, STEPS)}
    return [step for step in STEPS if step in steps]


def copy_of_model(
    make: Callable[[Path], object], original: Path = MODEL_SOLUTION
) -> "tempfile.TemporaryDirectory[str]":
    """A folder with `hand-in` in it, the model solution, or another original, as `make` changed it."""
    folder = tempfile.TemporaryDirectory(prefix="mutant-")
    root = Path(folder.name) / "hand-in"
    shutil.copytree(original, root, ignore=shutil.ignore_patterns("__pycache__"))
    make(root)
    return folder


def measured(bug: catalogue.Bug, quick: bool = False) -> Row:
    """Grade the model solution with this bug in it; quickly, without asking how probably an exam misses it."""
    with copy_of_model(lambda root: catalogue.apply(bug, root)) as folder:
        root = Path(folder) / "hand-in"
        steps = touched(edit.file for edit in bug.edits)
        examination, report = examined(root, steps)
        missed = 0.0 if quick or bug.tier == "advisory" else _missed(bug, root)
    caught_by = [
        finding.prop.id
        for finding in examination.findings
        if finding.prop.step == bug.step and finding.prop.tier == "required" and not finding.holds
    ]
    step = next(step for step in report["steps"] if step["step"] == bug.step)
    named = [said.bug for said in examination.diagnoses.get(bug.step, ()) if said.bug != "pattern"]
    by_hand, example = _by_hand(step)
    lost = {s["step"]: s["max_points"] - s["points"] for s in report["steps"] if s["step"] in steps}
    lost = {step: points for step, points in lost.items() if points}
    return Row(bug.id, bug.step, lost, caught_by, named, by_hand, example, missed)


def _by_hand(step: dict[str, Any]) -> tuple[bool, str]:
    """Whether the first example that the student sees is small and of simple numbers, and what it is."""
    for entry in step["entries"]:
        prop = None if entry["paid_by"] else problems.blame(step, entry["entry"])
        if prop is not None and prop["counterexample"] is not None:
            from grading.replay import from_words

            case = from_words(prop["counterexample"]["case"])
            sizes = {name: getattr(case, name) for name in "NTDHCL" if hasattr(case, name)}
            small = all(size <= MOST_SIZE.get(name, 2) for name, size in sizes.items())
            return small and case.numbers in ("ones", "halves"), str(case)
    return False, ""


def _missed(bug: catalogue.Bug, root: Path) -> float:
    """The probability that an exam's drawn cases all miss the bug: the product over families of (1 - p) ** cases.

    p, the probability of one case, is estimated from cases of other keys, more of them the rarer the bug. It is that
    of all properties on a family's first cases, and that of those which take them all on the others.
    """
    hand_in = Remembering(InProcess(root))
    by_family: dict[Family, list[Property]] = {}
    for prop in all_properties():
        if prop.step == bug.step and prop.tier == "required" and not prop.family.name.startswith("stored_"):
            by_family.setdefault(prop.family, []).append(prop)
    missed = 1.0
    for count in (30, 120, 480):
        missed = 1.0
        for family, props in by_family.items():
            cases, before = _drawn(family, count), 0
            failing = [{prop for prop in props if not judge.check(prop, [case], hand_in).holds} for case in cases]
            for most in sorted({exam.drawn_for(prop) for prop in props}):
                caught = sum(any(exam.drawn_for(prop) >= most for prop in found) for found in failing)
                missed *= (1 - caught / len(cases)) ** (most - before)
                before = most
        if missed < MOST_MISSED:
            break
    return missed


@functools.cache
def _drawn(family: Family, count: int) -> list[Case]:
    return draw(family, "power", count)


def mutant_survives(mutant: one_token.Mutant) -> str | None:
    """The mutant's id if it loses no point: no required property of a step that it touches fails."""
    with copy_of_model(lambda root: (root / mutant.file).write_text(mutant.text, "utf-8")) as folder:
        for step in touched([mutant.file]):
            try:
                mutants.sit_exam(step, str(Path(folder) / "hand-in"))
            except AssertionError:
                return None
    return mutant.id


def twins(one: str, other: str) -> bool:
    """Whether two bugs of the catalogue behave the same on every probe of their step."""
    bugs = {bug.id: bug for bug in catalogue.load()}
    return diagnosis.behave_alike(bugs[one], bugs[other])


def _matrix(rows: Sequence[Row]) -> str:
    """Bug by property, as text: under each step its bugs and the properties that catch each."""
    lines = [HEAD, _versions()]
    for step in STEPS:
        lines += ["", step]
        for row in (row for row in rows if row.step == step):
            names = dict.fromkeys(name.partition(".")[2] for name in row.caught_by)
            lines += [f"  {row.id}", *(f"    {name}" for name in _by_name(names))]
    return "\n".join(lines) + "\n"


def _versions() -> str:
    """The libraries from which the drawn cases follow: another Hypothesis draws others."""
    return "# " + ", ".join(f"{name} {version}" for name, version in versions().items() if name != "python")


def _stale(matrix: str) -> list[str]:
    """Whether the committed file is another than today's, as far as that can be told with these libraries."""
    committed = MATRIX.read_text("utf-8") if MATRIX.exists() else ""
    if _versions() not in committed and HEAD in committed:
        print(f"benchmarks/power.txt was made with other libraries than these ({_versions()[2:]}), and is not compared")
        return []
    return [] if committed == matrix else ["benchmarks/power.txt is stale: python -m benchmarks.power --write"]


def _by_name(names: Iterable[str]) -> list[str]:
    """name[a], name[b] as name[a b]."""
    parts: dict[str, list[str]] = {}
    for name in names:
        base, _, part = name.partition("[")
        parts.setdefault(base, []).append(part.rstrip("]"))
    return [f"{base}[{' '.join(some)}]" if some[0] else base for base, some in parts.items()]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power", description=str(__doc__).splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT", help="only bugs whose id has this text; writes no file")
    parser.add_argument("--quick", action="store_true", help="no mutants, and no probability of missing a bug")
    parser.add_argument("--write", action="store_true", help="write benchmarks/power.txt anew")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    bugs = [bug for bug in catalogue.load() if options.only in bug.id]
    changed = [] if options.only or options.quick else list(one_token.mutants())
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        rows = pool.starmap(measured, [(bug, options.quick) for bug in bugs], chunksize=4)
        surviving = [survivor for survivor in pool.map(mutant_survives, changed, chunksize=8) if survivor]
    faults = [*_bug_faults(bugs, rows), *(_survivor_faults(surviving, len(changed)) if changed else [])]
    matrix = _matrix(rows)
    if options.write:
        MATRIX.write_text(matrix, encoding="utf-8")
    elif not options.only:
        faults += _stale(matrix)
    print(matrix if options.only else "", end="")
    for fault in faults:
        print(f"fault: {fault}")
    print(f"{len(rows)} bugs and {len(changed)} mutants in {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


def _bug_faults(bugs: Sequence[catalogue.Bug], rows: Sequence[Row]) -> list[str]:
    """What does not hold about the bugs; prints the figures on the way."""
    faults = []
    required = [(bug, row) for bug, row in zip(bugs, rows, strict=True) if bug.tier == "required"]
    for bug, row in required:
        others = set(row.lost) - {bug.step, *bug.also}
        if not row.lost.get(bug.step):
            faults.append(f"{bug.id} gets through")
        if others:
            faults.append(f"{bug.id} loses points in {', '.join(sorted(others))} as well")
        if row.missed > MOST_MISSED:
            faults.append(f"{bug.id} is missed with probability {row.missed:.2g}")
    faults += [f"{row.id} is advisory, but loses points" for bug, row in zip(bugs, rows, strict=True)
               if bug.tier == "advisory" and set(row.lost) - set(bug.also)]  # fmt: skip
    right = [row for _, row in required if any(row.id == name or twins(row.id, name) for name in row.named)]
    wrong = [
        f"{row.id} is called {name}"
        for _, row in required
        for name in row.named
        if name != row.id and not twins(row.id, name)
    ]
    unnamed = [row.id for _, row in required if row not in right]
    shown_small = [row for bug, row in required if not re.match(LARGE_ONLY, bug.hides)]
    by_hand = [row for row in shown_small if row.by_hand]
    print(f"caught: {sum(bool(row.lost.get(bug.step)) for bug, row in required)} of {len(required)}")
    print(f"named right: {len(right)} of {len(required)}; not: {', '.join(unnamed) or 'none'}")
    print(f"named wrong: {'; '.join(wrong) or 'none'}")
    print(f"example by hand: {len(by_hand)} of {len(shown_small)} that a small one can show; "
          f"not: {'; '.join(f'{row.id} ({row.example})' for row in shown_small if not row.by_hand)}")  # fmt: skip
    if len(right) < NAMED_RIGHT * len(required):
        faults.append(f"{len(right)} of {len(required)} bugs are named right, fewer than {NAMED_RIGHT:.0%}")
    if len(by_hand) < BY_HAND * len(shown_small):
        faults.append(f"{len(by_hand)} of {len(shown_small)} examples can be done by hand, fewer than {BY_HAND:.0%}")
    caught = {name for row in rows for name in row.caught_by}
    idle = [p.id for p in all_properties() if p.tier == "required" and p.id not in caught]
    print(f"required properties that catch no bug: {', '.join(idle) or 'none'}")
    return faults


def _survivor_faults(surviving: Sequence[str], count: int) -> list[str]:
    """Mutants that lose no point and are not listed, and listed ones that do."""
    listed: dict[str, str] = tomllib.loads(SURVIVORS.read_text("utf-8")) if SURVIVORS.exists() else {}
    print(f"one-token mutants: {count - len(surviving)} of {count} killed, {len(surviving)} listed with a reason")
    return [
        *(f"mutant survives: {name}" for name in surviving if name not in listed),
        *(f"listed, but does not survive: {name}" for name in listed if name not in surviving),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
