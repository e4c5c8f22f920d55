"""The statement's figure: the lines that the homework's own autograder printed, from a report."""

from collections.abc import Iterator, Mapping
from typing import Any

from grading.gradebook import asked_for
from grading.problems import pays

GRU_TESTS = 2  # 1: the stored arrays, 2: the drawn cases


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the figure."""
    steps = {step["step"]: step for step in report["steps"] if step["step"] in asked_for(report)}
    for number, (name, step) in enumerate(steps.items()):
        if number:
            yield "-----"
        yield f"{'Step I' if name.startswith('RNN') else 'Step II'} - {name}"
        yield from _step(name, step)


def _step(name: str, step: Mapping[str, Any]) -> Iterator[str]:
    if name == "RNN Classifier":
        for entry in step["entries"]:
            title = f"{name} {entry['entry'].title()}"
            yield f"Testing {title}..."
            yield f"{title}: {_verdict(pays(entry))}"
    if name in ("GRU Forward", "GRU Backward"):
        for test in range(1, GRU_TESTS + 1):
            verdict = "Passed" if _passes_test(step, stored=test == 1) else "Failed"
            yield f"{verdict} {name} Test: {test} / {GRU_TESTS}"
    yield f"{'RNN backward' if name == 'RNN Backward' else name}: {_verdict(step['outcome'] == 'passed')}"


def _passes_test(step: Mapping[str, Any], stored: bool) -> bool:
    """Whether the step passes, or at least its required properties on stored arrays, or those on drawn cases, hold."""
    if step["outcome"] == "passed":
        return True
    required = [prop for prop in step["properties"] if prop["tier"] == "required"]
    these = [prop for prop in required if ("stored_array" in prop["id"]) == stored]
    return bool(these) and all(prop["outcome"] == "passed" for prop in these)


def _verdict(passed: bool) -> str:
    return "PASS" if passed else "*** FAIL ***"
