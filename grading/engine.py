"""The pytest plugin that grades: an item is a hand-in, so that pytest-xdist spreads a class over the cores.

Every worker draws the exam and grades the model solution, the control, before its first hand-in. Settings reach the
workers through xdist's own channel and never through a file or a command line, because the key is among them.
"""

import functools
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grading import archives, isolation, report, rubric
from grading.faults import Broken
from grading.grade import Settings, grade, with_control
from grading.judge import draw_exam
from grading.locate import of_interest, root_of
from properties.registry import all_properties

ITEMS = Path(__file__).with_name("hand_ins.py")


class Run(NamedTuple):
    """What a run is told to do, as plain data that can be sent to a worker."""

    entries: list[tuple[str, str]]  # name, path
    out: str
    key: str
    isolation: str
    rubric: str
    steps: list[str]


@functools.lru_cache(maxsize=1)
def settings_of(run_as_json: str) -> Settings:
    """Draw the exam and grade the control: once a process."""
    run = Run(**json.loads(run_as_json))
    properties = all_properties()
    ladder = isolation.choose(run.isolation)
    settings = Settings(
        properties,
        draw_exam(properties, run.key),
        rubric.load(Path(run.rubric), properties),
        run.steps,
        ladder.open_hand_in,
        ladder.name,
        ladder.why,
    )
    return with_control(settings)


def grade_entry(name: str, path: str, settings: Settings) -> report.Report:
    """The report of one entry of a run, whatever is wrong with it. Raises Broken for a fault of ours."""
    place = Path(path)
    if place.is_dir() and (inner := _lone_archive(place)) is not None:
        place = inner  # as learning platforms deliver it: a folder a student, with the archive in it
    if place.is_dir():
        return _grade_folder(name, place, place.name, settings)
    if not archives.is_archive(place):
        message = f"{place.name!r} is neither a folder nor an archive ({', '.join(archives.SUFFIXES)})"
        return report.refused(name, message, settings)
    with tempfile.TemporaryDirectory(prefix="hand-in-") as folder:
        try:
            archives.unpack(place, Path(folder))
        except archives.Refused as refused:
            return report.refused(name, str(refused), settings)
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
        return report.refused(name, f"{shown!r} cannot be read: {error.strerror}", settings)
    if root is None:
        return report.refused(name, f"{shown!r} holds neither mytorch/ nor hw3/", settings)
    return grade(name, root.resolve(), settings)


def execute(run: Run, jobs: int, tell: Callable[[report.Report], None]) -> str:
    """Grade all entries; `tell` gets each report as it is done. Return "" or, where something is broken, why."""
    listener = _Listener(run, tell)
    arguments = ["-c", str(ITEMS.with_name("pytest.ini")), "--rootdir", str(ITEMS.parent), "--noconftest"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:terminal", "--import-mode=importlib", str(ITEMS)]
    arguments += ["-p", "no:logging", "-p", "no:faulthandler", "-p", "no:hypothesispytest", "-p", "no:capture"]
    if jobs > 1:
        arguments += ["-n", str(jobs), "-p", "xdist", "-p", "grading.engine"]
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)  # meant for somebody's tests, not for this
    status = pytest.main(arguments, plugins=[listener])
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if listener.broken:
        return listener.broken[0]
    if len(listener.done) < len(run.entries):
        return f"pytest ended with status {int(status)} after {len(listener.done)} of {len(run.entries)} hand-ins"
    return ""


class _Listener:
    """In the process of the command: hands the run to workers, and passes on what comes back."""

    def __init__(self, run: Run, tell: Callable[[report.Report], None]) -> None:
        self.run = json.dumps(run._asdict())
        self.tell = tell
        self.done: set[str] = set()
        self.broken: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.grading_run = self.run  # type: ignore[attr-defined]  # the items read it from here

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["grading_run"] = self.run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told: dict[str, Any] = dict(report.user_properties)
        if report.when == "call" and "report" in told:
            self.done.add(told["report"]["submission"])
            self.tell(told["report"])
        elif report.failed:
            self.broken.append(str(told.get("broken") or report.longreprtext))


def pytest_configure(config: pytest.Config) -> None:
    """In a worker: take the run that the controller sent."""
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        config.grading_run = workerinput["grading_run"]  # type: ignore[attr-defined]  # the items read it from here
