"""Reports in which this or that is lost, made of a right one, so that each is graded in no time."""

import copy

HOSTILE = (
    "</pre><script>document.title='run'</script><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}{% raw %}'\"\u202e\x1b[2J\0"
)


def losing(report, lost):
    """The report with these entries lost, each by one property: {(step, entry): (outcome, message, example)}."""
    changed = copy.deepcopy(report)
    for step in changed["steps"]:
        for entry in step["entries"]:
            if (step["step"], entry["entry"]) in lost:
                outcome, message, example = lost[step["step"], entry["entry"]]
                step["outcome"] = outcome
                step["points"] -= entry["points"]
                changed["points"] -= entry["points"]
                entry.update(points=0, paid_by="")
                prop = next(p for p in step["properties"] if p["entry"] == entry["entry"] and p["tier"] == "required")
                prop.update(outcome=outcome, message=message, counterexample=example, replay="python -m grading replay")
    return changed


def example_of(what="dW_ih", **figures):
    return {
        "case": "RNNStep(N=1, D=1, H=1, numbers='ones')", "at": 'N=1 D=1 H=1, numbers "ones"',
        "script": ["cell = RNN_Cell(1, 1)", f"{what} = cell.{what}"], "arrays": {"x": [[0.25]]},
        "what": what, **figures,
    }  # fmt: skip


def hopeless(right):
    """A report in which every entry is lost, to a pattern that was recognised."""
    entries = [(step["step"], entry["entry"]) for step in right["steps"] for entry in step["entries"]]
    figures = {"actual": [[0.0, 0.0, 0.0]] * 2, "expected": [[1.0, 2.0, 3.0]] * 2, "allowed": 1e-9}
    report = losing(right, {
        (step, entry): ("failed", f"{entry}[0, 0] is 0, but should be 1", example_of(entry, **figures))
        for step, entry in entries
    })  # fmt: skip
    for step in report["steps"]:
        names = [entry["entry"] for entry in step["entries"]]
        says = f"{', '.join(names)}: zero everywhere"
        step["diagnosis"] = [{"bug": "pattern", "says": says, "look_at": "", "entries": names}]
    return {**report, "submission": "hopeless", "message": ""}


def hostile(right):
    """The hopeless report, with `HOSTILE` in every place where a student's text could be."""
    return {**_everywhere({**hopeless(right), "printed": "hello"}), "submission": HOSTILE}


KEPT = {"step", "outcome", "tier", "id", "entry", "case", "paid_by", "cells", "suite", "bug", "entries"}


def _everywhere(part):
    if isinstance(part, dict):
        return {key: value if key in KEPT else _everywhere(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_everywhere(item) for item in part]
    return f"{part}{HOSTILE}" if isinstance(part, str) else part
