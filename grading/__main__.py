"""The command line: python -m grading grade PATH... | replay PATH PROPERTY CASE | report DIR | diff OLD NEW

Exit status: 0 every entry paid, 1 some hand-in lost points, 2 usage, 3 broken (a fault of ours; no grade). Of diff: 0
all that held still does, 1 something does not.
"""

import argparse
import gc
import getpass
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

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
    except ModuleNotFoundError as error:
        print(f"grading is broken, and no grade is given: the package {error.name} is not installed", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt as error:
        print("; ".join(filter(None, ["grading: interrupted", str(error)])), file=sys.stderr)
        return BROKEN
    return status


def grade(options: argparse.Namespace) -> int:
    """Grade one hand-in, or several."""
    gc.disable()  # what is imported stays; grading.run.prepare looks for garbage again when all is there
    try:
        return _grade(options)
    finally:
        gc.enable()


def _grade(options: argparse.Namespace) -> int:
    entries, is_class = locate.entries([Path(path) for path in options.paths])
    from grading import batch, language, terminal, totals
    from grading.progress import say
    from grading.run import Wanted
    from properties.registry import STEPS

    if options.only and options.only not in STEPS:
        raise Usage(f"--only {options.only}: the steps are {', '.join(STEPS)}")
    is_class = is_class or len(entries) > 1
    todo = batch.Batch(
        entries,
        is_class,
        Path(options.out),
        min(options.jobs or _cores(), len(entries)),
        options.resume,
        None if options.baseline is None else Path(options.baseline),
        options.cluster,
        None if options.report_scores is None else totals.read_scores(Path(options.report_scores)),
    )
    wanted = Wanted(
        _key(options.key),
        options.isolation,
        Path(options.rubric),
        [options.only] if options.only else list(STEPS),
        None if options.exam is None else Path(options.exam),
        None if options.quiz == "none" else Path(options.quiz),
        options.reveal,
    )
    batch.check(todo, wanted)
    _make_folder(todo.out)
    spoken, in_colour = language.choose(options.lang), terminal.in_colour(sys.stdout)

    def show(report: dict[str, Any]) -> None:
        say("\n".join(terminal.whole(report, options.paths[0], spoken, in_colour)))

    tally = batch.grade_all(todo, wanted, show)
    if is_class:
        say("\n".join(tally.lines()))
    if todo.scores is not None:
        names = [entry.name for entry in entries]
        if nobody := totals.unknown(todo.scores, names):
            say(f"Marks in {options.report_scores} without a hand-in: {', '.join(map(repr, nobody))}")
        if unmarked := totals.without_mark(todo.scores, names):
            say(f"Hand-ins without a mark in {options.report_scores}: {', '.join(map(repr, unmarked))}")
    if todo.baseline is not None:
        batch.compare(todo)
    say(f"Reports: {options.out}")
    return PAID if tally.paid else LOST


def diff(options: argparse.Namespace) -> int:
    """Compare two folders of reports."""
    from grading import changes
    from grading.progress import say

    summary = changes.Summary()
    compared = changes.compare_folders(Path(options.old), Path(options.new))
    for line in (changes.as_json if options.json else changes.told)(compared, summary):
        say(line)
    return LOST if summary.lost else PAID


def replay(options: argparse.Namespace) -> int:
    """Show one property on one case again."""
    from grading import isolation, language
    from grading import replay as replaying
    from grading.progress import say
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
            text, holds = replaying.show(prop, case, hand_in, language.translator(language.choose(options.lang)))
        finally:
            hand_in.close()
    say(text)
    return PAID if holds else LOST


def _parser() -> argparse.ArgumentParser:
    from grading import language, quiz
    from grading.formats import command
    from grading.isolation import CHOICES
    from grading.rubric import DEFAULT

    parser = argparse.ArgumentParser(prog="python -m grading", description="Grade hand-ins of the homework.")
    commands = parser.add_subparsers(required=True)

    grading = commands.add_parser("grade", help="grade hand-ins: folders, or folders of them")
    grading.add_argument("paths", nargs="+", metavar="PATH")
    grading.add_argument("--out", default="grades", metavar="DIR", help="where reports go (default: grades/)")
    grading.add_argument("--jobs", type=_jobs, metavar="N", help="how many hand-ins at a time (default: all cores)")
    grading.add_argument("--isolation", choices=CHOICES, default="auto", help="where hand-ins run (default: auto)")
    grading.add_argument(
        "--key",
        metavar="TEXT",
        help="the exam's secret, or - to be asked for it (default: that of --exam, or public)",
    )
    grading.add_argument("--exam", metavar="FILE", help="keep the exam there, or use the one that was kept there")
    grading.add_argument("--only", metavar="STEP", help="grade this step alone")
    grading.add_argument("--rubric", default=str(DEFAULT), metavar="FILE", help="points by step and entry")
    grading.add_argument("--quiz", default=str(quiz.DEFAULT), metavar="FILE", help="the quiz with its key, or none")
    grading.add_argument("--reveal", action="store_true", help="show the quiz's key, and why, in the reports")
    grading.add_argument("--report-scores", metavar="FILE", help="a person's marks (CSV: name, points of 10)")
    grading.add_argument(
        "--lang", choices=language.LANGUAGES, help="the language of the terminal (default: the environment's)"
    )
    grading.add_argument("--resume", action="store_true", help="leave what was graded already, alike, as it is")
    grading.add_argument("--baseline", metavar="OLD", help="a folder of reports; say what changed since")
    grading.add_argument("--cluster", metavar="ADDRESS", help="grade on the workers of this Dask scheduler")
    grading.set_defaults(command=grade)

    replaying = commands.add_parser("replay", help="show an example of a report again")
    replaying.add_argument("path", metavar="PATH", help="the hand-in")
    replaying.add_argument("property", metavar="PROPERTY", help="the property's id, as in the report")
    replaying.add_argument("case", metavar="CASE", help="the case, as in the report")
    replaying.add_argument("--cells", choices=("own", "model"), default="own", help="whose cells (default: own)")
    replaying.add_argument("--isolation", choices=CHOICES, default="auto", help="where it runs (default: auto)")
    replaying.add_argument("--lang", choices=language.LANGUAGES, help="its language (default: the environment's)")
    replaying.set_defaults(command=replay)

    command.add(commands)

    comparing = commands.add_parser("diff", help="say what changed between two folders of reports")
    comparing.add_argument("old", metavar="OLD", help="the folder of the earlier reports, or of one report")
    comparing.add_argument("new", metavar="NEW", help="the folder of the later ones")
    comparing.add_argument("--json", action="store_true", help="for a program to read: a list, an object a hand-in")
    comparing.set_defaults(command=diff)
    return parser


def _make_folder(folder: Path) -> None:
    """Make the folder for reports. Raises Usage where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise Usage(f"--out {folder}: reports cannot be written there: {error.strerror}") from None


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _key(text: str | None) -> str | None:
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


def _show_any_character(stream: TextIO) -> None:
    """A console that cannot show a character shows a stand-in for it."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
