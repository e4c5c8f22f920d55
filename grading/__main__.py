"""The command line: python -m grading grade PATH... | replay PATH PROPERTY CASE

Exit status: 0 every entry paid, 1 some hand-in lost points, 2 usage, 3 broken (a fault of ours; no grade).
"""

import argparse
import getpass
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from grading import archives, locate
from grading.faults import Broken, Usage

PAID, LOST, USAGE, BROKEN = 0, 1, 2, 3

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(
        _name, "1"
    )  # before torch and NumPy are imported: arrays are small and cores are for hand-ins


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    _show_any_character(sys.stdout)
    _show_any_character(sys.stderr)
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except Usage as error:
        print(f"grading: {error}", file=sys.stderr)
        return USAGE
    except Broken as error:
        print(f"grading is broken, and no grade is given: {error}", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        print("grading: interrupted; the reports that were finished are whole", file=sys.stderr)
        return BROKEN
    return status


def grade(options: argparse.Namespace) -> int:
    """Grade one hand-in, or several."""
    entries, is_class = locate.entries([Path(path) for path in options.paths])
    from grading import engine, rubric, terminal
    from grading.report import Report
    from properties.registry import STEPS, all_properties

    if options.only and options.only not in STEPS:
        raise Usage(f"--only {options.only}: the steps are {', '.join(STEPS)}")
    rubric.load(Path(options.rubric), all_properties())
    _make_folder(Path(options.out))
    several = is_class or len(entries) > 1
    run = engine.Run(
        [(entry.name, str(entry.path.resolve())) for entry in entries],
        str(Path(options.out).resolve()),
        _key(options.key),
        options.isolation,
        str(Path(options.rubric).resolve()),
        [options.only] if options.only else list(STEPS),
    )
    reports = []

    def tell(report: Report) -> None:
        reports.append(report)
        _print(terminal.summary_line(report) if several else "\n".join(terminal.whole(report, options.paths[0])))

    broken = engine.execute(run, min(options.jobs, len(entries)), tell)
    if broken:
        raise Broken(broken)
    if several:
        _print("\n".join(terminal.class_summary(reports)))
    _print(f"Reports: {options.out}")
    chosen = [step for report in reports for step in report["steps"] if step["step"] in run.steps]
    return PAID if all(step["outcome"] == "passed" for step in chosen) else LOST


def replay(options: argparse.Namespace) -> int:
    """Show one property on one case again."""
    from grading import isolation
    from grading import replay as replaying
    from properties.hand_in import Remembering
    from properties.registry import all_properties

    prop = replaying.find(list(all_properties()), options.property)
    case = replaying.from_words(options.case)
    replaying.check_kind(prop, case)
    with tempfile.TemporaryDirectory(prefix="hand-in-") as scratch:
        folder = Path(options.path)
        if folder.is_file() and archives.is_archive(folder):
            try:
                archives.unpack(folder, Path(scratch))
            except archives.Refused as refused:
                raise Usage(str(refused)) from None
            folder = Path(scratch)
        root = locate.root_of(folder) if folder.is_dir() else None
        if root is None:
            raise Usage(f"{options.path} is neither a folder nor an archive that holds mytorch/ or hw3/")
        hand_in = Remembering(isolation.choose(options.isolation).open_hand_in(root.resolve(), options.cells))
        try:
            text, holds = replaying.show(prop, case, hand_in)
        finally:
            hand_in.close()
    _print(text)
    return PAID if holds else LOST


def _parser() -> argparse.ArgumentParser:
    from grading.isolation import CHOICES
    from grading.rubric import DEFAULT
    from properties.registry import PRACTICE_KEY

    parser = argparse.ArgumentParser(prog="python -m grading", description="Grade hand-ins of the homework.")
    commands = parser.add_subparsers(required=True)

    grading = commands.add_parser("grade", help="grade hand-ins: folders, or folders of them")
    grading.add_argument("paths", nargs="+", metavar="PATH")
    grading.add_argument("--out", default="grades", metavar="DIR", help="where reports go (default: grades/)")
    grading.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="how many hand-ins at a time (default: 1)")
    grading.add_argument("--isolation", choices=CHOICES, default="auto", help="where hand-ins run (default: auto)")
    grading.add_argument(
        "--key",
        default=PRACTICE_KEY,
        metavar="TEXT",
        help="the exam's secret, or - to be asked for it (default: public)",
    )
    grading.add_argument("--only", metavar="STEP", help="grade this step alone")
    grading.add_argument("--rubric", default=str(DEFAULT), metavar="FILE", help="points by step and entry")
    grading.add_argument("--lang", choices=("en", "zh"), default="en", help="the language of the terminal (so far: en)")
    grading.set_defaults(command=grade)

    replaying = commands.add_parser("replay", help="show an example of a report again")
    replaying.add_argument("path", metavar="PATH", help="the hand-in")
    replaying.add_argument("property", metavar="PROPERTY", help="the property's id, as in the report")
    replaying.add_argument("case", metavar="CASE", help="the case, as in the report")
    replaying.add_argument("--cells", choices=("own", "model"), default="own", help="whose cells (default: own)")
    replaying.add_argument("--isolation", choices=CHOICES, default="auto", help="where it runs (default: auto)")
    replaying.set_defaults(command=replay)
    return parser


def _make_folder(folder: Path) -> None:
    """Make the folder for reports. Raises Usage where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise Usage(f"--out {folder}: reports cannot be written there: {error.strerror}") from None


def _key(text: str) -> str:
    """The key; for "-" one line of standard input, so that it stands in no list of processes and no history."""
    if text != "-":
        return text
    key = getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not key:
        raise Usage("--key -: the key is empty, but should be a line of text")
    return key


def _jobs(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, 1 or more")
    return int(text)


def _print(text: str) -> None:
    """Print at once; a reader who went away (`| head`) does not end the grading."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the process ends


def _show_any_character(stream: TextIO) -> None:
    """A console that cannot show a character shows a stand-in for it."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
