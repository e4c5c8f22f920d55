"""`python -m grading report DIR --format ...`: the reports of a run, in other formats."""

import argparse
from pathlib import Path
from typing import Any

from grading.faults import Usage
from grading.formats import FORMATS, VISIBILITIES, Options, reports_at, write
from grading.language import LANGUAGES, choose

MOST_LISTED = 20  # files


def add(commands: Any) -> None:
    """Add the subcommand to the command line's."""
    what = "\n".join(f"  {each.name:<12}{each.what}" for each in FORMATS.values())
    parser = commands.add_parser(
        "report",
        help="write reports in other formats",
        description="Write reports in other formats.",
        epilog=f"formats:\n{what}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="a folder of reports, DIR/NAME/report.json, or of one report")
    parser.add_argument(
        "--format", required=True, metavar="NAMES", help="one or more of the formats, with commas, or all"
    )
    parser.add_argument("--out", metavar="DIR", help="where files go (default: beside the reports)")
    parser.add_argument("--lang", choices=LANGUAGES, help="the language (default: the environment's)")
    parser.add_argument(
        "--for", dest="readers", choices=("students", "instructors"), default="students", help="who reads it"
    )
    parser.add_argument(
        "--title", default=Options.title, metavar="TEXT", help="what moodle and canvas call the homework"
    )
    parser.add_argument("--names", metavar="FILE", help="a CSV: hand_in, and what moodle or canvas call the student")
    parser.add_argument("--hand-ins", metavar="PATH", help="the hand-ins as graded, for annotations at their lines")
    parser.add_argument(
        "--private-visibility", choices=VISIBILITIES, default=Options.private_visibility,
        help="when gradescope shows what was lost on private cases alone (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--leaderboard", action="store_true", help="gradescope gets a leaderboard of points")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Write the formats and say which files there are; the exit status is 0. Raises Usage."""
    from grading.progress import say

    folder = Path(options.folder)
    reports, beside = reports_at(folder)
    formats = [name.strip() for name in options.format.split(",") if name.strip()]
    if not formats:
        raise Usage(f"--format {options.format!r}: the formats are {', '.join(FORMATS)}")
    if options.hand_ins is not None and not Path(options.hand_ins).exists():
        raise Usage(f"--hand-ins {options.hand_ins} does not exist")
    chosen = Options(
        choose(options.lang),
        options.readers == "students",
        options.private_visibility,
        options.leaderboard,
        options.title,
        None if options.names is None else Path(options.names),
        None if options.hand_ins is None else Path(options.hand_ins),
    )
    out = beside if options.out is None else Path(options.out)
    written = write(reports, FORMATS if formats == ["all"] else formats, out, chosen)
    for file in written[:MOST_LISTED]:
        say(str(file))
    if len(written) > MOST_LISTED:
        say(f"and {len(written) - MOST_LISTED} more files under {out}")
    return 0
