"""The items of a grading run: a hand-in each (grading.engine)."""

import json
from pathlib import Path

import pytest

from grading.engine import Run, grade_entry, settings_of
from grading.faults import Broken
from grading.report import write


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    run = Run(**json.loads(metafunc.config.grading_run))  # type: ignore[attr-defined]  # set by grading.engine
    metafunc.parametrize("number", range(len(run.entries)))


def test_hand_in(number: int, pytestconfig: pytest.Config, record_property) -> None:  # type: ignore[no-untyped-def]  # pytest's
    """Grade a hand-in and write its report; what is broken fails the item, what a hand-in does wrong does not."""
    text: str = pytestconfig.grading_run  # type: ignore[attr-defined]  # set by grading.engine
    run = Run(**json.loads(text))
    name, path = run.entries[number]
    try:
        report = grade_entry(name, path, settings_of(text))
        try:
            write(report, Path(run.out))
        except OSError as error:
            raise Broken(f"the report of {name} cannot be written: {error.strerror}") from error
    except Broken as broken:
        record_property("broken", str(broken))
        pytest.fail(str(broken), pytrace=False)
    record_property("report", report)
