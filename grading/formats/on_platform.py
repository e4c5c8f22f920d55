"""What the archives for Gradescope and Autolab run: one hand-in, graded there, and told as the platform wants it.

    python -m grading.formats.on_platform gradescope HOME          HOME/source, HOME/submission, HOME/results
    python -m grading.formats.on_platform autolab SOURCE HAND_IN   to standard output

The source is an unpacked archive of `grading.formats.build`: exam.npz, rubric.toml, autograder.json. Exit status 0 as
soon as there is a result, be it that we are broken; the platforms do not look at it.
"""

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grading.faults import Broken
from grading.files import write_whole
from grading.formats import Options, Report, autolab, gradescope, told

NAME = "submission"
EXAM, RUBRIC, SETTINGS, ARCHIVE = "exam.npz", "rubric.toml", "autograder.json", "autograde.tar"


def main(arguments: Sequence[str]) -> int:
    platform, *paths = arguments
    if platform == "gradescope":
        on_gradescope(Path(paths[0]))
    else:
        on_autolab(Path(paths[0]), Path(paths[1]))
    return 0


def on_gradescope(home: Path) -> None:
    """Write HOME/results/results.json. What is printed is for instructors."""
    source = home / "source"
    settings = _settings(source)
    options = Options(
        settings["language"], private_visibility=settings["private_visibility"], leaderboard=settings["leaderboard"]
    )
    try:
        report = graded(home / "submission", source, settings["isolation"])
        results = gradescope.results(report, options)
        print(told.isolation_text(report))
    except Exception:  # whatever it is, it is ours: the hand-in's own faults are in its report
        traceback.print_exc(file=sys.stdout)
        results = gradescope.broken(options.language)
    write_whole(home / "results" / gradescope.FILE, gradescope.as_text(results))


def on_autolab(source: Path, hand_in: Path) -> None:
    """Print what Autolab shows. Its students see all of it, so that nothing more is said of a fault of ours."""
    settings = _settings(source)
    options = Options(settings["language"])
    try:
        report = graded(hand_in, source, settings["isolation"])
        text = autolab.printed(report, options)
    except Exception:  # likewise
        text = autolab.broken(options.language)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))


def graded(hand_in: Path, source: Path, isolation: str) -> Report:
    """The report of this hand-in. Raises Broken, or Usage for an archive that does not fit, or anything else of ours.

    An exam of a private key is gone from the disk before the hand-in starts, unless a sandbox hides it.
    """
    from grading.entry import grade_entry
    from grading.run import Wanted, prepare
    from properties.registry import STEPS

    source = source.resolve()  # the Makefile says `..`, of which the parent is not the folder above
    for needed in (source / EXAM, hand_in):  # without its exam a run would draw the public one
        if not needed.exists():
            raise Broken(f"{needed} is not there")
    settings, _ = prepare(Wanted(None, isolation, source / RUBRIC, list(STEPS), source / EXAM), sent=False)
    if settings.isolation != "sandbox" and not settings.exam.is_public:
        for secret in (source / EXAM, source.parent / ARCHIVE):
            secret.unlink(missing_ok=True)
    return grade_entry(NAME, hand_in, settings)


def _settings(source: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((source / SETTINGS).read_text(encoding="utf-8"))
    return settings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
