"""pytest's options for this project, and the one fixture through which a hand-in reaches the properties."""

import functools
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from properties.hand_in import MODEL_SOLUTION, InProcess, Remembering
from properties.registry import PRACTICE_KEY

ALWAYS = {
    "database": None,  # seeds come from --key, so a failing case is found again without being remembered
    "deadline": None,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
    "print_blob": False,
}
hypothesis.settings.register_profile("dev", max_examples=20, **ALWAYS)
hypothesis.settings.register_profile("ci", max_examples=60, **ALWAYS)
hypothesis.settings.register_profile("thorough", max_examples=500, **ALWAYS)
hypothesis.settings.load_profile("dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hand-in")
    group.addoption("--submission", metavar="PATH", help="the hand-in to check (default: impl/)")
    group.addoption(
        "--isolation",
        choices=("process", "none"),
        help="where the hand-in runs: in a child process (default with --submission), or in this one (default without)",
    )
    group.addoption("--key", default=PRACTICE_KEY, help="what all drawn cases follow from (default: %(default)s)")


def pytest_report_header(config: pytest.Config) -> str:
    return f"hand-in: {config.getoption('--submission') or 'impl/'}, key: {_key_name(config)}"


def _key_name(config: pytest.Config) -> str:
    return PRACTICE_KEY if config.getoption("--key") == PRACTICE_KEY else "private"


@pytest.fixture(scope="session")
def exam_key(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--key"))


@pytest.fixture(scope="session")
def hand_in(pytestconfig: pytest.Config) -> Callable[[str], Remembering]:
    """The hand-in under test, with its "own" cells or the "model" solution's."""
    path = pytestconfig.getoption("--submission")
    isolation = pytestconfig.getoption("--isolation") or ("process" if path else "none")
    root = Path(path).resolve() if path else MODEL_SOLUTION

    @functools.cache
    def with_cells(cells: str) -> Remembering:
        assert isolation == "none"
        return Remembering(InProcess(root, cells))

    return with_cells
