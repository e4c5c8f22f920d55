"""The items of a grading run: a hand-in each (grading.engine)."""

from pathlib import Path

import pytest

from grading.engine import Work
from grading.entry import grade_entry
from grading.faults import Broken
from grading.report import write


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    work: Work = metafunc.config.grading_work  # type: ignore[attr-defined]  # set by grading.engine
    metafunc.parametrize("number", range(len(work.entries)))


def test_hand_in(number: int, pytestconfig: pytest.Config, record_property) -> None:  # type: ignore[no-untyped-def]  # pytest's
    """Grade a hand-in and write its report; what is broken fails the item, what a hand-in does wrong does not."""
    work: Work = pytestconfig.grading_work  # type: ignore[attr-defined]  # set by grading.engine
    name, place = work.entries[number]
    try:
        report = grade_entry(name, Path(place), work.settings())
        try:
            write(report, work.out)
        except OSError as error:
            where = error.filename or work.out / name
            raise Broken(f"the report of {name} cannot be written: {where}: {error.strerror}") from error
    except Broken as broken:
        record_property("broken", str(broken))
        pytest.fail(str(broken), pytrace=False)
    record_property("graded", name)
