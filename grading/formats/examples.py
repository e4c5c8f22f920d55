"""An example of each format, in examples/: python -m grading.formats.examples [--grade]

They are made from the reports examples/NAME/report.json, which --grade makes anew: of hand-ins in fixtures/handins,
graded with the practice exam, with one a step of the properties that hold. A test holds that the examples are what
these reports give today.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grading.formats import FORMATS, Options, reports_at, write

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples"
HAND_INS = ("loops", "summed", "two_layers")  # right, wrong, and crashing
NOT_HERE = ("html",)  # large, and its pictures differ a little with the libraries


def main(arguments: Sequence[str]) -> int:
    """Write the examples and return the exit status, 0."""
    parser = argparse.ArgumentParser(prog="python -m grading.formats.examples", description="Write the examples.")
    parser.add_argument("--grade", action="store_true", help="grade the hand-ins anew, too")
    if parser.parse_args(arguments).grade:
        grade(FOLDER)
    for file in make(FOLDER):
        print(file.relative_to(ROOT))
    return 0


def make(out: Path) -> list[Path]:
    """Write every format of the kept reports, but for those in NOT_HERE, and return the files."""
    reports, _ = reports_at(FOLDER)
    return write(reports, [name for name in FORMATS if name not in NOT_HERE], out, Options(title="Homework 3"))


def grade(out: Path) -> None:
    """Grade the hand-ins and keep their reports, without most of what holds."""
    from grading import entry, report, rubric
    from grading.run import Wanted, prepare
    from properties.registry import STEPS

    settings, _ = prepare(Wanted(None, "auto", rubric.DEFAULT, list(STEPS), None), sent=False)
    for name in HAND_INS:
        whole = entry.grade_entry(name, ROOT / "fixtures" / "handins" / name, settings)
        report.write(_shorter(whole), out)


def _shorter(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The report with one of the properties that hold a step, and with all that do not."""

    def kept(properties: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        held = [prop for prop in properties if prop["outcome"] == "passed"]
        return [prop for prop in properties if prop["outcome"] != "passed" or prop is held[0]]

    return {**whole, "steps": [{**step, "properties": kept(step["properties"])} for step in whole["steps"]]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
