"""From findings to points: which entries pay, by a rubric file and the rules that make a bug cost its own step only.

An entry pays when all its required properties hold, on the hand-in's own cells or, where these lost points, on the
model solution's. Besides, where a hand-in's forward lost points, a gradient pays if it is the derivative of *that*
forward: all properties of the forward's response hold (it depends on every input and weight), the gradient is its
derivative by central differences, and it is consistent with itself (linear, adds, clears).
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from grading.faults import Usage
from grading.judge import Finding
from properties.registry import SELF_CONSISTENCY, STEPS, Property

DEFAULT = Path(__file__).parent / "rubric.toml"
FORWARD_OF = {  # the entry whose forward an entry of this step differentiates
    "RNN Backward": ("RNN Forward", "h_t"),
    "RNN Classifier": ("RNN Classifier", "forward"),
    "GRU Backward": ("GRU Forward", "h_t"),
}
Rubric = Mapping[str, Mapping[str, float]]
SEVEREST_FIRST = ("broken", "timed_out", "crashed", "failed", "not_run")


class Entry(NamedTuple):
    """What an entry earned. by is how: "own" or "model" cells, "derivative" of the own forward, or "" where it lost."""

    entry: str
    points: float
    max_points: float
    by: str


def load(file: Path, properties: Iterable[Property]) -> Rubric:
    """Read a rubric: points by step and entry. Raises Usage for one that does not fit the properties."""
    return parse(read(file), f"the rubric {file}", properties)


def read(file: Path) -> str:
    """The text of a rubric. Raises Usage."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Usage(f"the rubric {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Usage(f"the rubric {file} is not TOML: {error}") from None


def digest(text: str) -> str:
    """A few digits that tell rubrics apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse(text: str, what: str, properties: Iterable[Property]) -> Rubric:
    """Points by step and entry. Raises Usage for a rubric that does not fit; `what` is what to call it."""
    try:
        rubric = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Usage(f"{what} is not TOML: {error}") from None
    known = {(prop.step, prop.entry) for prop in properties if prop.tier == "required"}
    for step, entries in rubric.items():
        if step not in STEPS:
            raise Usage(f"{what} has a step {step!r}, but the steps are {', '.join(STEPS)}")
        if not isinstance(entries, dict):
            raise Usage(f"{what} gives {step} as {entries!r}, but should give a table of entries and points")
        for entry, points in entries.items():
            if (step, entry) not in known:
                names = ", ".join(sorted(name for where, name in known if where == step))
                raise Usage(f"{what} has {step} / {entry!r}, but the entries of this step are {names}")
            if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points <= 1000:
                raise Usage(f"{what} gives {step} / {entry} {points!r} points, but 0 to 1000 are possible")
    return {step: dict(rubric.get(step, {})) for step in STEPS}


def entries_of(step: str, rubric: Rubric, findings: Sequence[Finding]) -> list[Entry]:
    """What each entry of the step earns."""
    return [
        Entry(entry, points if (by := paid_by(step, entry, findings)) else 0, points, by)
        for entry, points in rubric[step].items()
    ]


def paid_by(step: str, entry: str, findings: Sequence[Finding]) -> str:
    """How the entry pays: "own", "model", "derivative", or "" where it does not."""
    for cells in ("own", "model"):
        required = [
            finding
            for finding in _about(findings, step, "required", cells)
            if finding.prop.entry == entry
        ]  # fmt: skip
        if required and all(finding.holds for finding in required):
            return cells
    if forward_is_wrong(step, entry, findings):
        for cells in ("own", "model"):
            if _is_derivative(step, entry, cells, findings):
                return "derivative"
    return ""


def forward_is_wrong(step: str, entry: str, findings: Sequence[Finding]) -> bool:
    """Whether the entry is a gradient of a forward of the hand-in that lost points."""
    forward = FORWARD_OF.get(step)
    if forward is None or forward == (step, entry):
        return False
    judged = any((finding.prop.step, finding.prop.entry) == forward for finding in findings)
    return judged and not paid_by(*forward, findings)


def _is_derivative(step: str, entry: str, cells: str, findings: Sequence[Finding]) -> bool:
    conditions = list(_about(findings, step, "condition", cells))
    alternatives = [f for f in _about(findings, step, "alternative", cells) if f.prop.entry == entry]
    itself = [
        f
        for f in _about(findings, step, "required", cells)
        if f.prop.entry == entry and f.prop.kind == SELF_CONSISTENCY
    ]
    return bool(conditions and alternatives) and all(f.holds for f in (*conditions, *alternatives, *itself))


def _about(findings: Iterable[Finding], step: str, tier: str, cells: str) -> Iterable[Finding]:
    return (f for f in findings if f.prop.step == step and f.prop.tier == tier and f.cells == cells)


def outcome_of(step: str, entries: Sequence[Entry], findings: Sequence[Finding]) -> str:
    """passed when all entries pay; otherwise the severest outcome of a required property of one that does not."""
    lost = {entry.entry for entry in entries if not entry.by}
    outcomes = {
        finding.outcome
        for finding in findings
        if finding.prop.step == step and finding.prop.tier == "required" and finding.prop.entry in lost
    }
    if not lost:
        return "passed"
    return next((outcome for outcome in SEVEREST_FIRST if outcome in outcomes), "not_run")
