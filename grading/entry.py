"""One entry of a run, a folder or an archive, whatever is wrong with it, to its report."""

import tempfile
from pathlib import Path

from grading import archives, program, quiz, report
from grading.faults import Broken
from grading.grade import Settings, grade
from grading.locate import of_interest, root_of


def grade_entry(name: str, place: Path, settings: Settings) -> report.Report:
    """The report of what lies at this place. Raises Broken for a fault of ours."""
    try:
        graded = _grade_place(name, place, settings)
    except archives.Refused as refused:
        graded = report.refused(name, str(refused), settings) | _quiz(quiz.unread(str(refused)), settings)
    return {**graded, "sha256": program.bytes_of(place)}


def _grade_place(name: str, place: Path, settings: Settings) -> report.Report:
    if place.is_dir() and (inner := _lone_archive(place)) is not None:
        place = inner  # as learning platforms deliver it: a folder a student, with the archive in it
    if place.is_dir():
        return _grade_folder(name, place, place.name, settings)
    if not archives.is_archive(place):
        suffixes = ", ".join(archives.SUFFIXES)
        raise archives.Refused(f"{place.name!r} is neither a folder nor an archive ({suffixes})")
    with tempfile.TemporaryDirectory(prefix="hand-in-") as folder:
        try:
            archives.unpack(place, Path(folder))
        except OSError as error:
            raise Broken(f"{place.name} could not be unpacked: {error.strerror or error}") from error
        return _grade_folder(name, Path(folder), place.name, settings)


def _lone_archive(folder: Path) -> Path | None:
    """The archive that is all that a folder holds."""
    try:
        inside = of_interest(folder)
    except OSError:
        return None
    return inside[0] if len(inside) == 1 and inside[0].is_file() and archives.is_archive(inside[0]) else None


def _grade_folder(name: str, folder: Path, shown: str, settings: Settings) -> report.Report:
    try:
        root = root_of(folder)
    except OSError as error:
        raise archives.Refused(f"{shown!r} cannot be read: {error.strerror}") from error
    if root is None:
        raise archives.Refused(f"{shown!r} holds neither mytorch/ nor hw3/")
    return {
        **grade(name, root.resolve(), settings),
        **_quiz(quiz.answers_of(root), settings),
        "program": program.digest(root),
    }


def _quiz(answers: quiz.Answers, settings: Settings) -> report.Report:
    """The quiz's part of a report, which is beside the hand-in's points and never among them."""
    return {} if settings.quiz is None else {"quiz": quiz.section(settings.quiz, answers, reveal=settings.reveal)}
