"""What reports are made into: a table of formats, each written from report.json alone, also long after the run.

A format writes a class's files at the top of the folder `out` and a hand-in's in out/NAME/. Nothing here decides
anything. What a student wrote is hostile: each format escapes it as its readers need.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, overload

from grading import gradebook
from grading.faults import Usage

Report = Mapping[str, Any]
EXAMPLE = ("case", "script", "arrays")
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")


@dataclass(frozen=True)
class Options:
    """How reports are told.

    language is "en" or "zh". With for_students a format holds what a student may see and no more. private_visibility is
    when Gradescope shows to students what was lost on private cases alone, and leaderboard whether it has one. title is
    what learning platforms call the homework; names a table of what they call the students. hand_ins is where the
    hand-ins lie, as graded, for those who want to be pointed to a line of them.
    """

    language: str = "en"
    for_students: bool = True
    private_visibility: str = "visible"
    leaderboard: bool = False
    title: str = "Homework"
    names: Path | None = None
    hand_ins: Path | None = None


Make = Callable[[Sequence[Report], Path, Options], list[Path]]


class Format(NamedTuple):
    """A format: its name on the command line, what it is in a line, and the module whose `make` writes it."""

    name: str
    what: str
    module: str

    def make(self, reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
        """Write the files of these reports under `out`, each whole or not at all, and return them."""
        make: Make = importlib.import_module(self.module).make
        return make(reports, out, options)


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("html", "a page for each hand-in, and one for the class", "grading.formats.html"),
        Format("gradescope", "results.json of each hand-in", "grading.formats.gradescope"),
        Format("autolab", "autolab.txt of each hand-in: what an autograder prints there", "grading.formats.autolab"),
        Format("junit", "junit.xml of each hand-in, as pytest writes it", "grading.formats.junit"),
        Format("github", "summary.md and annotations.txt of each hand-in", "grading.formats.github"),
        Format("moodle", "moodle.csv of the class, to import grades", "grading.formats.moodle"),
        Format("canvas", "canvas.csv of the class, to import grades", "grading.formats.canvas"),
        Format("evidence", "a script for each lost entry that shows it with NumPy alone", "grading.formats.evidence"),
    )
}


def write(reports: Sequence[Report], formats: Iterable[str], out: Path, options: Options) -> list[Path]:
    """Write the reports in these formats under `out`, and return the files.

    Raises Usage for a format that there is not, for names that cannot be folders, and where nothing can be written.
    """
    wanted = list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            raise Usage(f"--format {name}: the formats are {', '.join(FORMATS)}")
    if not isinstance(reports, Reports):
        _check_all(reports)
    try:
        out.mkdir(parents=True, exist_ok=True)
        return [file for name in wanted for file in FORMATS[name].make(reports, out, options)]
    except OSError as error:
        raise Usage(f"{error.filename or out} cannot be written: {error.strerror}") from error


def _check_all(reports: Iterable[Report]) -> None:
    """Raise Usage unless each report is whole, and has a name of its own that is a folder's."""
    seen: set[str] = set()
    for report in reports:
        name = report["submission"]
        _check(report)
        if name.casefold() in seen:
            raise Usage(f"two reports call their hand-in {name!r:.80}, and one would be written over the other")
        seen.add(name.casefold())


class Reports(Sequence[Report]):
    """The reports in these files, each read when it is asked for: a class may be large, and is never in memory at once.

    Raises Usage for a file that is no report, and for one that calls its hand-in by a name that is no folder's.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    @overload
    def __getitem__(self, index: int) -> Report: ...
    @overload
    def __getitem__(self, index: slice) -> "Reports": ...
    def __getitem__(self, index: int | slice) -> "Report | Reports":
        return Reports(self._files[index]) if isinstance(index, slice) else self._read(self._files[index])

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, file: Path) -> Report:
        report = gradebook.read(file)
        name = report["submission"]
        if len(self._files) > 1 and name != file.parent.name:  # or it might be written over another one's
            raise Usage(f"{file} calls its hand-in {name!r:.80}, but lies in a folder of another name")
        _check(report)
        return report


def reports_at(folder: Path) -> tuple[Reports, Path]:
    """The reports folder/NAME/report.json, or the one folder/report.json; and the folder that holds these NAMEs.

    Raises Usage where there are none.
    """
    if (folder / "report.json").is_file():
        return Reports([folder / "report.json"]), folder.resolve().parent
    names = gradebook.reports_in(folder)
    if not names:
        raise Usage(f"{folder} holds no reports: neither report.json nor NAME/report.json")
    return Reports([folder / name / "report.json" for name in names]), folder


def _check(report: Report) -> None:
    """Raise Usage unless the report has all that formats tell of, and its name is a folder's and no path."""
    name = report["submission"]
    if name in ("", ".", "..") or any(character in name for character in "/\\:\0"):
        raise Usage(f"a report calls its hand-in {name!r:.80}, which cannot be the name of a folder")
    for part, needed in _parts(report):
        if missing := [field for field in needed if field not in part]:
            raise Usage(
                f"the report of {name!r:.80} has no {missing[0]!r}; it was kept to be compared with, and no more"
            )


def _parts(report: Report) -> Iterator[tuple[Mapping[str, Any], Sequence[str]]]:
    """The parts of a report, with the fields that its schema requires of each and that formats read."""
    yield report, ("message", "suite")
    for step in report["steps"]:
        yield step, ("diagnosis",)
        for prop in step["properties"]:
            yield prop, ("claim", "message", "counterexample", "replay")
            yield prop["counterexample"] or dict.fromkeys(EXAMPLE), EXAMPLE
