"""What a person reads in the terminal: the figure, the points, and for each lost entry the smallest example."""

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grading import figure

WIDTH = 80
MOST_LINES = 24  # of a script
Report = Mapping[str, Any]
OUTCOMES = {
    "failed": "wrong",
    "crashed": "crashed",
    "timed_out": "did not answer in time",
    "not_run": "could not be run",
    "broken": "could not be decided",
}


def whole(report: Report, path: str) -> Iterator[str]:
    """Everything about one hand-in, line by line."""
    yield from figure.lines(report)
    yield ""
    yield from points(report)
    for step in report["steps"]:
        for text in losses(step):
            yield ""
            yield text.replace(f"grading replay {report['submission']} ", f"grading replay {_quoted(path)} ")
    advisory = list(_advisory(report))
    if advisory:
        yield ""
        yield "Advice, which costs no points:"
        yield from advisory


def points(report: Report) -> Iterator[str]:
    """A line a step, the total, and what else there is to say."""
    for step in report["steps"]:
        yield f"{step['step']:<16}{step['points']:>6} / {step['max_points']}"
    yield f"{'Total':<16}{report['points']:>6} / {report['max_points']}"
    suite = report["suite"]
    yield f"(isolation: {suite['isolation']}; exam: {suite['key_id']})"
    if report["message"]:
        yield from textwrap.wrap(f"Note: {report['message']}.", WIDTH)


def summary_line(report: Report) -> str:
    """One hand-in in one line."""
    lost = [step["step"] for step in report["steps"] if step["points"] < step["max_points"]]
    reason = report["message"] or ("" if not lost else f"lost: {', '.join(lost)}")
    return f"{report['submission']:<24} {report['points']:>5} / {report['max_points']}  {reason}".rstrip()


def losses(step: Mapping[str, Any]) -> Iterator[str]:
    """One text for each reason why entries of a step were lost."""
    lost = [entry for entry in step["entries"] if not entry["paid_by"]]
    blamed = [(entry, blame(step, entry["entry"])) for entry in lost]
    blamed = [(entry, prop) for entry, prop in blamed if prop is not None]

    def reason(item: tuple[Any, Any]) -> str:
        return str(item[1]["message"]) if item[1]["counterexample"] is None else str(item[1]["id"])

    for _, group in itertools.groupby(blamed, key=reason):
        items = list(group)
        names = ", ".join(entry["entry"] for entry, _ in items)
        worth = sum(entry["max_points"] for entry, _ in items)
        yield "\n".join(_loss(f"{step['step']}, {names}: 0 of {worth:g} points", items[0][1]))


def blame(step: Mapping[str, Any], entry: str) -> Mapping[str, Any] | None:
    """The property to tell about a lost entry: its smallest example, of the first such property."""
    failing = [
        prop
        for prop in step["properties"]
        if prop["entry"] == entry and prop["tier"] == "required" and prop["outcome"] != "passed"
    ]
    return min(failing, key=_size, default=None)


def _size(prop: Mapping[str, Any]) -> tuple[bool, int, int]:
    """Small examples first; those with simple numbers before random ones."""
    example = prop["counterexample"]
    if example is None:
        return True, 0, 0
    return False, "random" in example["at"], len(example["script"]) + len(str(example["arrays"]))


def _loss(title: str, prop: Mapping[str, Any]) -> Iterator[str]:
    yield title
    yield from _wrapped(f"{prop['claim']} This is {OUTCOMES[prop['outcome']]}:", "  ")
    yield from _wrapped(prop["message"], "    ")
    example = prop["counterexample"]
    if example is None:
        return
    yield f"  The smallest example found, at {example['at']}:"
    for name, array in example["arrays"].items():
        yield from _wrapped(f"{name} = {array}", "    ")
    script = example["script"]
    yield from (f"    {line}" for line in script[:MOST_LINES])
    if len(script) > MOST_LINES:
        yield f"    ... and {len(script) - MOST_LINES} lines more"
    if "actual" in example:
        yield from _wrapped(f"{example.get('what', 'result')} is        {example['actual']}", "    ")
    if "expected" in example:
        yield from _wrapped(f"{example.get('what', 'result')} should be {example['expected']}", "    ")
    yield "  Show this again:"
    yield f"    {prop['replay']}"


def _advisory(report: Report) -> Iterator[str]:
    for step in report["steps"]:
        unmet = [p for p in step["properties"] if p["tier"] == "advisory" and p["outcome"] != "passed"]
        for claim, group in itertools.groupby(unmet, key=lambda p: p["claim"].rpartition(": ")[2]):
            first = next(group)
            yield from _wrapped(f"{step['step']}: {claim} Here: {first['message']}.", "  ")


def _wrapped(text: str, indent: str) -> list[str]:
    parts = text.splitlines() or [""]
    return [
        line
        for part in parts
        for line in textwrap.wrap(part, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ") or [""]
    ]


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def class_summary(reports: Sequence[Report]) -> Iterator[str]:
    """How a class did: points, and the steps by how many lost points there."""
    totals = sorted(report["points"] for report in reports)
    yield ""
    yield f"{len(reports)} hand-ins; points from {totals[0]} to {totals[-1]}, median {totals[len(totals) // 2]}"
    for number, step in enumerate(reports[0]["steps"]):
        lost = sum(report["steps"][number]["points"] < step["max_points"] for report in reports)
        yield f"  {step['step']:<16} {lost} lost points"
