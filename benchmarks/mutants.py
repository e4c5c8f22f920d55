"""A second opinion on the properties: `tox -e mutants` has mutmut change impl/ and asks that each mutant loses points.

mutmut mutates modules of one package, so it gets a flat copy of impl/ in a temporary folder, and beside it a hand-in
whose files pass on what the copy defines. Its test suite is the exam of a grading run: each required property on each
case of its family, in this process, case by case, until the first that fails. The loss, which no step of the homework
calls, has its own test in properties/suite.

Survivors stand in mutmut_survivors.toml, each with the reason why it is the same behaviour, or not required. Exit
status 1 where one does not, or where one that stands there is killed.
"""

import argparse
import functools
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMPL = ROOT / "impl"
LISTED = Path(__file__).with_name("mutmut_survivors.toml")
KILLED = ("killed", "timeout")
CONFIGURATION = """\
[tool.mutmut]
source_paths = ["model"]
pytest_add_cli_args_test_selection = ["test_exam.py"]
track_dependencies = false
use_git_change_detection = false

[tool.pytest.ini_options]
pythonpath = ["{root}"]
addopts = ["-p", "no:cacheprovider"]
"""
TESTS = '''\
"""The exam, a test for each step, on the hand-in made of the mutated modules."""

import pytest
from benchmarks.mutants import sit_exam
from model.loss import SoftmaxCrossEntropy
from properties.registry import STEPS
from properties.suite.test_impl import test_the_loss_is_torchs_in_nats


@pytest.fixture
def impl():
    return {"SoftmaxCrossEntropy": SoftmaxCrossEntropy}.get


@pytest.mark.parametrize("step", STEPS)
def test_step(step):
    sit_exam(step, "../hand_in")
'''


def sit_exam(step: str, root: str) -> None:
    """Raise AssertionError if the hand-in at this root fails a required property of the step on a case of the exam.

    A hand-in that fails none, of no step, loses no point, and any other loses some (grading.rubric). A property that
    cannot decide is not one that fails.
    """
    from grading import judge
    from properties.hand_in import InProcess, Remembering
    from properties.registry import all_properties

    properties = [prop for prop in all_properties() if prop.tier == "required" and prop.step == step]
    hand_in = Remembering(InProcess(Path(root).resolve()))
    pairs = [[(prop, case) for case in _exam().cases_of(prop)] for prop in properties]
    for pair in chain.from_iterable(zip_longest(*pairs)):  # every property's first case, then the second of each
        if pair is not None:
            prop, case = pair
            finding = judge.check(prop, [case], hand_in)
            assert finding.outcome in ("passed", "broken"), finding.message


@functools.cache
def _exam() -> Any:
    """Drawn once: mutmut forks the process of each mutant from one that has sat the exam, and so knows all answers."""
    from grading import exam
    from properties.registry import PRACTICE_KEY, all_properties

    return exam.draw_exam([prop for prop in all_properties() if prop.tier == "required"], PRACTICE_KEY)


def lay_out(folder: Path) -> None:
    """Write what mutmut needs: the flat copy, the hand-in made of it, the tests and the configuration."""
    files = sorted(IMPL.glob("*/*.py"))
    bare_import = re.compile(rf"^from ({'|'.join(file.stem for file in files)}) import", re.MULTILINE)
    (folder / "model").mkdir()
    (folder / "model" / "__init__.py").touch()
    for file in files:
        text = file.read_text("utf-8").replace('sys.path.append("mytorch")\n', "")
        (folder / "model" / file.name).write_text(bare_import.sub(r"from model.\1 import", text), "utf-8")
        passed_on = folder / "hand_in" / file.relative_to(IMPL)
        passed_on.parent.mkdir(parents=True, exist_ok=True)
        passed_on.write_text(f"from model.{file.stem} import *\n", "utf-8")
    (folder / "test_exam.py").write_text(TESTS, "utf-8")
    (folder / "pyproject.toml").write_text(CONFIGURATION.format(root=ROOT.as_posix()), "utf-8")


def mutmut(folder: Path, *arguments: str) -> str:
    """What the command prints. Raises SystemExit with all that it printed if it fails."""
    command = [str(Path(sysconfig.get_path("scripts")) / "mutmut"), *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(f"mutmut {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def results(folder: Path) -> dict[str, str]:
    """What became of each mutant, by mutmut's name for it."""
    lines = re.findall(r"^ +(\S+): (.+)$", mutmut(folder, "results", "--all", "true"), re.MULTILINE)
    return dict(lines)


def described(folder: Path, names: list[str]) -> Iterator[str]:
    """An id for each of these mutants: file, function, and the lines that differ. It is stable as long as these are."""
    homes = {file.stem: file.relative_to(IMPL).as_posix() for file in IMPL.glob("*/*.py")}
    seen: Counter[str] = Counter()
    for name in names:
        _, module, function = name.split(".")
        where = re.sub("^x[_ǁ]", "", function.rpartition("__mutmut")[0]).replace("ǁ", ".")
        lines = mutmut(folder, "show", name).splitlines()
        old, new = (
            " ".join(_code(line[1:]) for line in lines if line[:1] == sign and line[:3] != 3 * sign) for sign in "-+"
        )
        id = f"{homes[module]}: {where}: {f'{old} to {new}' if new else f'without {old}'}"
        seen[id] += 1
        yield id if seen[id] == 1 else f"{id} ({seen[id]})"


def _code(line: str) -> str:
    return line.partition("  # ")[0].strip()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name).resolve()
        lay_out(folder)
        mutmut(folder, "run", "--max-children", str(options.jobs))
        found = results(folder)
        survivors = list(described(folder, [name for name, status in found.items() if status not in KILLED]))
    faults = list(_faults(survivors, tomllib.loads(LISTED.read_text("utf-8"))))
    for fault in faults:
        print(f"fault: {fault}")
    statuses = ", ".join(f"{count} {status}" for status, count in Counter(found.values()).most_common())
    print(f"{len(found)} mutants in {time.monotonic() - began:.0f} s: {statuses}")
    print(f"{len(survivors)} survivors, {len(survivors) - sum('survives' in f for f in faults)} listed with a reason")
    return 1 if faults else 0


def _faults(survivors: list[str], listed: Mapping[str, str]) -> Iterator[str]:
    """Mutants that lose no point and are not listed, and listed ones that do."""
    yield from (f"mutant survives: {id}" for id in survivors if id not in listed)
    yield from (f"listed, but does not survive: {id}" for id in listed if id not in survivors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
