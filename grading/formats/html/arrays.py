"""Which arrays of a report are pictured, and what is said of each picture, in words and numbers.

The smallest example of a lost entry is often one number, which needs no picture. So an entry's picture is of that one
of its failing properties whose array shows most: two axes rather than one, some dozen elements rather than hundreds.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from grading.formats.html import charts, heat_maps
from grading.formats.html.heat_maps import short
from grading.formats.html.sheet import Picture
from grading.language import Translate

BEST_SIZE = 12  # elements
LARGEST = 400  # elements; a report holds no more (grading.report)
FEWEST_STEPS = 3  # of a sequence that is drawn against time
Property = Mapping[str, Any]


class Shown(NamedTuple):
    """A picture, what stands above it, and what it shows for those who do not see it."""

    picture: Picture
    title: str
    alt: str


class Compared(NamedTuple):
    """An array as it came back, as it should have, and the difference, where the report has them; on which example.

    notes say how many elements are wrong, and of colours what is to be said; low and high are the ends of the scale.
    """

    what: str
    at: str
    panels: Sequence[Shown]
    notes: Sequence[str]
    low: str
    high: str


class Chart(NamedTuple):
    """A chart of errors: of what, on which example, and how to read it."""

    what: str
    at: str
    picture: Picture
    alt: str
    notes: Sequence[str]


def array_of(value: Any) -> np.ndarray | None:
    """The array that a report has, nan and infinities as such; None for what is no array of real numbers."""
    if not isinstance(value, list):
        return None
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return array if array.size else None


# --- Heat maps


def compared(failing: Sequence[Property], tr: Translate) -> Compared | None:
    """The heat maps of the failing property whose array shows most, or None where each is one number or no array."""
    told = [(prop, pair) for prop in failing if (pair := _pair(prop)) is not None]
    if not told:
        return None
    prop, (actual, expected) = min(told, key=lambda each: _use(each[1]))
    example = prop["counterexample"]
    difference = None
    if expected is not None and expected.shape == actual.shape:
        with np.errstate(over="ignore", invalid="ignore"):
            difference = actual - expected
    scale = heat_maps.scale_of(actual, expected, difference)
    what = example.get("what", prop["entry"])
    panels = [
        Shown(heat_maps.array(actual, scale), tr("came back"), _alt(tr("{what} as it came back"), what, actual, tr))
    ]
    if expected is not None:
        shown = heat_maps.array(expected, scale)
        panels.append(Shown(shown, tr("should be"), _alt(tr("{what} as it should be"), what, expected, tr)))
    notes = []
    if difference is not None:
        wrong = ~(np.abs(difference) <= _allowed(example, expected))
        marked = wrong if 0 < wrong.sum() < wrong.size else None
        shown = heat_maps.array(np.where(wrong, difference, 0), scale, marked)  # without the rounding in right ones
        panels.append(Shown(shown, tr("difference"), _alt(tr("{what}, the difference"), what, difference, tr)))
        notes.append(tr("Wrong elements: {wrong} of {all}.").format(wrong=wrong.sum(), all=wrong.size))
        if marked is not None:
            notes.append(tr("They are framed in the difference."))
        if np.isfinite(difference).any():
            largest = np.abs(difference[np.isfinite(difference)]).max()
            notes.append(tr("Largest difference: {value}.").format(value=short(largest)))
    elif expected is not None:
        shapes = {"actual": actual.shape, "expected": expected.shape}
        notes.append(tr("The shape is {actual}, but should be {expected}.").format(**shapes))
    if not all(np.isfinite(array).all() for array in (actual, expected) if array is not None):
        notes.append(tr("Grey: not a finite number."))
    return Compared(what, example.get("at", ""), panels, notes, short(-scale), short(scale))


def _pair(prop: Property) -> tuple[np.ndarray, np.ndarray | None] | None:
    """What came back and what should have; the latter None where the report does not have it."""
    example = prop["counterexample"] or {}
    actual, expected = array_of(example.get("actual")), array_of(example.get("expected"))
    if actual is None or max(actual.size, 0 if expected is None else expected.size) < 2:
        return None
    if max(actual.size, 0 if expected is None else expected.size) > LARGEST:
        return None
    return actual, expected


def _use(pair: tuple[np.ndarray, np.ndarray | None]) -> tuple[bool, bool, float]:
    """The smaller, the more a picture of the two shows."""
    actual, expected = pair
    flat = sum(size > 1 for size in actual.shape) < 2
    return expected is None, flat, abs(math.log(actual.size / BEST_SIZE))


def _allowed(example: Mapping[str, Any], expected: np.ndarray | None) -> float:
    """How far an element may be off; where the report does not say, by rounding."""
    try:
        allowed = float(example["allowed"])
    except (KeyError, TypeError, ValueError):
        allowed = math.nan
    if math.isfinite(allowed) or expected is None:
        return allowed
    return 1e-9 * float(np.abs(expected[np.isfinite(expected)]).max(initial=0))


def _alt(title: str, what: str, array: np.ndarray, tr: Translate) -> str:
    """What a heat map shows, in words."""
    finite = array[np.isfinite(array)]
    parts = [title.format(what=what), tr("shape {shape}").format(shape=array.shape)]
    if finite.size:
        low, high = finite.min(), finite.max()
        same = tr("all {value}").format(value=short(low))
        between = tr("from {low} to {high}").format(low=short(low), high=short(high))
        parts.append(same if low == high else between)
    if finite.size < array.size:
        parts.append(tr("not finite: {count}").format(count=array.size - finite.size))
    return ", ".join(parts)


# --- Errors


def over_time(failing: Sequence[Property], tr: Translate) -> Chart | None:
    """The error of logits (T, C) at each time step, on the longest sequence; None where there is none."""
    told = [(prop, errors) for prop in failing if (errors := _errors(prop)) is not None]
    if not told:
        return None
    prop, errors = max(told, key=lambda each: each[1].size)
    example = prop["counterexample"]
    allowed = _allowed(example, array_of(example["expected"]))
    wrong = np.flatnonzero(~(errors <= allowed))
    notes = [tr("Error at each time step t, the largest of a row; dashed: what is allowed.")]
    if wrong.size:
        notes.append(tr("The first wrong step is t = {step}.").format(step=wrong[0]))
    what = example.get("what", prop["entry"])
    alt = tr("Error of {what} at {count} time steps").format(what=what, count=errors.size)
    listed = ", ".join(f"{t}: {short(errors[t])}" for t in _some(errors.size))
    return Chart(what, example.get("at", ""), charts.over_time(errors, allowed), f"{alt}: {listed}", notes)


def _errors(prop: Property) -> np.ndarray | None:
    """The largest error in each row of logits that have a row a time step; None for other results."""
    example = prop["counterexample"] or {}
    steps = re.search(r"\bT=(\d+)", example.get("case", ""))
    actual, expected = array_of(example.get("actual")), array_of(example.get("expected"))
    if steps is None or actual is None or expected is None or actual.shape != expected.shape or actual.ndim != 2:
        return None
    if not str(example["case"]).startswith("Prediction") or len(actual) != int(steps[1]) or len(actual) < FEWEST_STEPS:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.abs(actual - expected).max(axis=1))


def _some(count: int, most: int = 6) -> list[int]:
    """Up to `most` of so many places, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


def against_step(failing: Sequence[Property], tr: Translate) -> Chart | None:
    """The error of central differences against the step, of the first property that has it; None where none has."""
    for prop in failing:
        example: Mapping[str, Any] = prop["counterexample"] or {}
        found = example.get("differences")
        if not isinstance(found, Mapping):
            continue
        steps, theirs, ours = (array_of(found.get(name)) for name in ("steps", "theirs", "ours"))
        if (
            steps is None
            or theirs is None
            or ours is None
            or not steps.shape == theirs.shape == ours.shape == (steps.size,)
        ):
            continue
        usable = np.isfinite(steps) & (steps > 0)
        if usable.sum() < 2:
            continue
        steps, theirs, ours = steps[usable], theirs[usable], ours[usable]
        alt = tr("Error against step size; smallest of your gradient: {theirs}, of the right one: {ours}")
        note = tr("Error of central differences of the right forward in {along}, against their step size.")
        return Chart(
            example.get("what", prop["entry"]),
            example.get("at", ""),
            charts.against_step(steps, theirs, ours),
            alt.format(theirs=_least(theirs), ours=_least(ours)),
            [note.format(along=found.get("along", ""))],
        )
    return None


def _least(errors: np.ndarray) -> str:
    finite = errors[np.isfinite(errors)]
    return short(float(finite.min())) if finite.size else "nan"
