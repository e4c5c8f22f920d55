"""What a person reads in the terminal: the figure, the points, and for each lost entry the smallest example."""

import os
import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grading import figure
from grading.gradebook import NOT_ASKED, Row
from properties.registry import CELL_STEPS, STEPS

WIDTH = 80
MOST_LINES = 24  # of a script
Report = Mapping[str, Any]
BUT = {
    "failed": "But",
    "crashed": "It crashes",
    "timed_out": "It does not end in time",
    "not_run": "It cannot be run",
    "broken": "It cannot be decided",
}


def whole(report: Report, path: str) -> Iterator[str]:
    """Everything about one hand-in, line by line."""
    yield from figure.lines(report)
    yield ""
    yield from points(report)
    for step in report["steps"]:
        for text in losses(step):
            yield ""
            yield text.replace(
                f"grading replay {shlex.quote(report['submission'])} ", f"grading replay {_quoted(path)} "
            )
    if report["printed"]:
        yield ""
        yield "It printed:"
        yield from (f"  {line}" for line in report["printed"].splitlines()[:MOST_LINES])
    advisory = list(_advisory(report))
    if advisory:
        yield ""
        yield "Advice, which costs no points:"
        yield from advisory


def points(report: Report) -> Iterator[str]:
    """A line a step, the total, and what else there is to say."""
    for step in report["steps"]:
        asked = "" if step["step"] in report["suite"]["steps"] else "  (not asked for)"
        yield f"{step['step']:<16}{step['points']:>6} / {step['max_points']}{asked}"
    yield f"{'Total':<16}{report['points']:>6} / {report['max_points']}"
    suite = report["suite"]
    yield f"(isolation: {suite['isolation']}; exam: {suite['key_id']})"
    if suite["why_not_better"]:
        yield from textwrap.wrap(f"No better isolation: {suite['why_not_better']}.", WIDTH)
    if report["message"]:
        yield from textwrap.wrap(f"Note: {report['message']}.", WIDTH)


def summary_line(row: Row) -> str:
    """One hand-in in one line."""
    lost = [name for name, step in zip(STEPS, row.steps, strict=True) if step.outcome not in ("passed", NOT_ASKED)]
    refused = row.message and row.outcome == "not_run"  # and then the message says why
    reason = "; ".join(filter(None, [f"lost: {', '.join(lost)}" if lost and not refused else "", row.message]))
    return f"{row.name:<24} {row.points:>5g} / {row.max_points:g}  {reason}".rstrip()


def losses(step: Mapping[str, Any]) -> Iterator[str]:
    """One text for each reason why entries of a step were lost; those that fail alike on one case share it."""
    lost = [(entry, blame(step, entry["entry"])) for entry in step["entries"] if not entry["paid_by"]]
    reasons: dict[Any, list[tuple[Any, Mapping[str, Any]]]] = {}
    for entry, prop in lost:
        if prop is not None:
            reasons.setdefault(_reason(prop), []).append((entry, prop))
    for said in step["diagnosis"]:
        where = f" Look at {said['look_at']}." if said["look_at"] else ""
        yield "\n".join(wrapped(f"{step['step']}: {said['says'].rstrip('.')}.{where}", ""))
    for items in reasons.values():
        names = ", ".join(entry["entry"] for entry, _ in items)
        worth = sum(entry["max_points"] for entry, _ in items)
        title = f"{step['step']}, {names}: 0 of {worth:g} points"
        yield "\n".join(_loss(title, [prop for _, prop in items]))


def _reason(prop: Mapping[str, Any]) -> tuple[str, ...]:
    if prop["outcome"] != "failed":
        return (prop["outcome"], prop["message"])
    return (prop["outcome"], prop["id"].partition("[")[0], (prop["counterexample"] or {}).get("case", ""))


def blame(step: Mapping[str, Any], entry: str) -> Mapping[str, Any] | None:
    """The property to tell about a lost entry: the one that fails on the smallest example, simple numbers first."""
    failing = [
        prop
        for prop in step["properties"]
        if prop["entry"] == entry and prop["tier"] == "required" and prop["outcome"] != "passed"
    ]
    return min(failing, key=_size, default=None)


def _size(prop: Mapping[str, Any]) -> tuple[bool, bool, bool, int]:
    example = prop["counterexample"]
    if example is None:
        return True, True, True, 0
    arrays = example["arrays"].values()
    too_large = any(isinstance(array, str) for array in arrays)  # told by its shape alone
    simple = "random" not in example["at"] and "stored" not in example["at"]
    sizes = sum(int(size) for size in re.findall(r"\b[NTDHCL]=(\d+)", example["at"]))
    return False, too_large, not simple, sizes


def _loss(title: str, props: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong, on what example, with what numbers, and how to see it again."""
    first = props[0]
    yield title
    if first["outcome"] in ("not_run", "timed_out", "crashed"):
        yield from wrapped(f"{BUT[first['outcome']]}: {first['message']}", "  ")
    else:
        yield from wrapped(_claim(first), "  ")
        for prop in props:
            yield from wrapped(f"{BUT[prop['outcome']]} {prop['message']}", "  ")
    example = first["counterexample"]
    if example is None or first["outcome"] == "not_run":
        return
    yield f"  On this example, {example['at']}:"
    for name, array in example["arrays"].items():
        yield from wrapped(f"{name} = {array}", "    ")
    if any("projection(" in line for line in example["script"]):
        yield "    # projection(net, C, H) is the Linear among net's attributes whose W is (C, H)"
    script = _relevant(example["script"], [prop["counterexample"].get("what", "") for prop in props])
    yield from (f"    {line}" for line in script[:MOST_LINES])
    if len(script) > MOST_LINES:
        yield f"    ... and {len(script) - MOST_LINES} lines more"
    for prop in props:
        yield from _figures(prop["counterexample"])
    yield f"  To see it again:\n    {first['replay']}"


def _claim(prop: Mapping[str, Any]) -> str:
    """The claim, without the name of the part that it is about."""
    part = prop["id"].partition("[")[2].rstrip("]")
    return str(prop["claim"]).removeprefix(f"{part}: ") if part else str(prop["claim"])


def _relevant(script: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The script without the lines that only read an attribute that is not wanted."""
    return [line for line in script if "(" in line or not wanted[0] or line.partition(" = ")[0] in wanted]


def _figures(example: Mapping[str, Any]) -> Iterator[str]:
    what = example.get("what", "the result")
    if "actual" in example:
        yield from wrapped(f"{what} is        {example['actual']}", "    ")
    if "expected" in example:
        yield from wrapped(f"{what} should be {example['expected']}", "    ")


def _advisory(report: Report) -> Iterator[str]:
    """Advice about steps that passed, on cells that passed: elsewhere it would repeat what is wrong."""
    passed = {step["step"] for step in report["steps"] if step["outcome"] == "passed"}
    for step in report["steps"]:
        if not passed.issuperset({step["step"], *CELL_STEPS.get(step["step"], ())}):
            continue
        told: set[str] = set()
        for prop in step["properties"]:
            claim = _claim(prop)
            if prop["tier"] == "advisory" and prop["outcome"] != "passed" and claim not in told:
                told.add(claim)
                yield from wrapped(f"{step['step']}: {claim} Here: {prop['message']}.", "  ")


def wrapped(text: str, indent: str, hanging: str | None = None) -> list[str]:
    """Lines of 80 columns at most, the first of each paragraph with this indent, the others with the hanging one."""
    parts = text.splitlines() or [""]
    return [
        line
        for part in parts
        for line in textwrap.wrap(part, WIDTH, initial_indent=indent, subsequent_indent=hanging or indent + "  ")
        or [""]
    ]


def _quoted(path: str) -> str:
    return f'"{path}"' if os.name == "nt" else shlex.quote(path)
