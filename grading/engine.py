"""The pytest plugin that grades: an item is a hand-in, so that pytest-xdist spreads a class over the cores.

Settings reach the workers through xdist's own channel and never through a file or a command line, because the exam is
among them. A large class is graded in shards, each a session of pytest, so that no process knows more than a shard.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grading import sandbox
from grading.grade import Settings
from grading.run import Parcel, as_data, unpack

ITEMS = Path(__file__).with_name("hand_ins.py")
SHARD = 400  # hand-ins
NO_PLUGINS = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"


class Work(NamedTuple):
    """What the items of a session share: names and places of the hand-ins, the folder for reports, the settings."""

    entries: Sequence[tuple[str, str]]
    out: Path
    settings: Callable[[], Settings]


def execute(
    entries: Sequence[tuple[str, str]],
    out: Path,
    settings: Settings,
    parcel: Parcel,
    jobs: int,
    tell: Callable[[str], None],
) -> str:
    """Grade all entries, each a name and a place; `tell` gets the name as soon as the report is written.

    Return "" or, where something is broken, why.
    """
    with _environment():
        return _in_shards(entries, out, settings, parcel, jobs, tell)


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """What is set for somebody's tests, and what plugins are installed besides, has no say here; nor costs time."""
    kept = {name: os.environ.pop(name, None) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", NO_PLUGINS)}
    os.environ[NO_PLUGINS] = "1"
    try:
        yield
    finally:
        del os.environ[NO_PLUGINS]
        os.environ.update({name: text for name, text in kept.items() if text is not None})


def _in_shards(
    entries: Sequence[tuple[str, str]],
    out: Path,
    settings: Settings,
    parcel: Parcel,
    jobs: int,
    tell: Callable[[str], None],
) -> str:
    for start in range(0, len(entries), SHARD):
        shard = entries[start : start + SHARD]
        listener = _Listener(Work(shard, out, lambda: settings), parcel, tell)
        status = pytest.main(_arguments(min(jobs, len(shard))), plugins=[listener])
        if status == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if listener.broken:
            return listener.broken[0]
        if listener.done < len(shard):
            return f"pytest ended with status {int(status)} after {start + listener.done} of {len(entries)} hand-ins"
    return ""


def _arguments(jobs: int) -> list[str]:
    arguments = ["-c", str(ITEMS.with_name("pytest.ini")), "--rootdir", str(ITEMS.parent), "--noconftest"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:terminal", "--import-mode=importlib", str(ITEMS)]
    arguments += ["-p", "no:logging", "-p", "no:faulthandler", "-p", "no:capture"]
    if jobs > 1:
        arguments += ["-n", str(jobs), "--dist", "worksteal", "-p", "xdist", "-p", "grading.engine"]
    return arguments


class _Listener:
    """In the process of the command: hands the work to workers, and passes on what comes back."""

    def __init__(self, work: Work, parcel: Parcel, tell: Callable[[str], None]) -> None:
        self.work, self.parcel, self.tell = work, parcel, tell
        self.done = 0
        self.broken: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.grading_work = self.work  # type: ignore[attr-defined]  # the items read it from here

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        entries = [list(entry) for entry in self.work.entries]
        found = list(sandbox.interpreter()) if self.parcel.isolation == "sandbox" else None
        node.workerinput["grading"] = (entries, str(self.work.out), as_data(self.parcel), found)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told: dict[str, Any] = dict(report.user_properties)
        if report.when == "call" and "graded" in told:
            self.done += 1
            self.tell(told["graded"])
        elif report.failed:
            self.broken.append(str(told.get("broken") or report.longreprtext))


def pytest_configure(config: pytest.Config) -> None:
    """In a worker: take the work that the controller sent."""
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        entries, out, parcel, found = workerinput["grading"]
        if found is not None:
            sandbox.know(found)
        settings = functools.cache(functools.partial(unpack, parcel))
        config.grading_work = Work(entries, Path(out), settings)  # type: ignore[attr-defined]  # likewise
