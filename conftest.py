"""pytest's options for this project, and the one fixture through which a hand-in reaches the properties."""

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy and torch come: arrays are small, and cores are for xdist

import hypothesis
import pytest

from properties.hand_in import MODEL_SOLUTION, Remembering
from properties.registry import PRACTICE_KEY

ALWAYS: Any = {
    "database": None,  # seeds come from --key, so a failing case is found again without being remembered
    "derandomize": True,  # and those of the suite's own tests from the test, so that no commit passes by luck
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
        choices=("auto", "sandbox", "process", "none"),
        help="where the hand-in runs (default: auto with --submission, none, which is in this very process, without)",
    )
    group.addoption("--key", default=PRACTICE_KEY, help="what all drawn cases follow from (default: %(default)s)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The suite's own tests are about this project and not about a hand-in."""
    return True if config.getoption("--submission") and collection_path.name == "suite" else None


def pytest_report_header(config: pytest.Config) -> str:
    return f"hand-in: {config.getoption('--submission') or 'impl/'}, key: {_key_name(config)}"


def _key_name(config: pytest.Config) -> str:
    return PRACTICE_KEY if config.getoption("--key") == PRACTICE_KEY else "private"


@pytest.fixture(scope="session")
def exam_key(pytestconfig: pytest.Config) -> str:
    return str(pytestconfig.getoption("--key"))


@pytest.fixture(scope="session")
def hand_in(pytestconfig: pytest.Config) -> Iterator[Callable[[str], Remembering]]:
    """The hand-in under test, with its "own" cells or the "model" solution's."""
    from grading import isolation, locate

    path = pytestconfig.getoption("--submission")
    root = locate.root_of(Path(path).resolve()) if path else MODEL_SOLUTION
    if root is None:
        raise pytest.UsageError(f"--submission {path} holds neither mytorch/ nor hw3/")
    open_hand_in = isolation.choose(pytestconfig.getoption("--isolation") or ("auto" if path else "none")).open_hand_in
    opened: list[Remembering] = []

    @functools.cache
    def with_cells(cells: str) -> Remembering:
        opened.append(Remembering(open_hand_in(root, cells)))
        return opened[-1]

    yield with_cells
    for each in opened:
        each.close()
