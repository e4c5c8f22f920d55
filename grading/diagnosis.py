"""Which known bug a hand-in has: its behaviour beside that of every bug of the catalogue, on the same public cases.

A bug explains lost entries if it changes none but lost ones, and on every probe the hand-in's results for these are
the bug's. Results are compared and not programs, so the bug is known in any style of writing. Several bugs may explain
different entries. Where none does, the results are compared with the right ones for a pattern in plain words; where
there is no pattern either, nothing is said.
"""

import functools
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fixtures import catalogue
from properties.compare import unbatched
from properties.hand_in import MODEL_SOLUTION, InProcess, Question, Remembering, Seen
from properties.interpreter.reply import Fault, Value
from properties.registry import all_properties
from properties.transcript import Transcript

KEY = "diagnosis"  # of the drawn probes: public, and no exam's
DRAWN = 3  # of each family and script
SAME = {np.dtype("<f8"): 1e-9, np.dtype("<f4"): 1e-4}
"""How far two results may differ and be the same, relative to the largest element.

Two right ways of computing differ by some 1e-15 (1e-7 in float32) in ordinary cases; two bugs by far more.
"""
SLOPES = {"RNN Backward": 1e-13, "GRU Backward": 1e-13}
"""How far float64 results of these steps may differ besides, in absolute terms: a thousand roundoffs.

Where a gate or state is saturated, slopes such as 1 - h * h are differences of nearly equal numbers, and two right ways
of computing one share no digit. Over many steps small numbers are products, of which all digits count; and in float32
a thousand roundoffs would hide bugs.
"""
NO_ARRAYS = ("list", "tuple", "NoneType")  # the types of results that should be arrays; others are a hand-in's objects
ENTRIES: Mapping[str, Callable[[str], str]] = {
    "RNN Forward": lambda name: "h_t",
    "RNN Backward": lambda name: _longest(name, ("dx", "dh", "dW_ih", "dW_hh", "db_ih", "db_hh")),
    "RNN Classifier": lambda name: "forward" if name.startswith("logits") else "backward",
    "GRU Forward": lambda name: "h_t",
    "GRU Backward": lambda name: _longest(name, ("dx", "dh", "dWzh", "dWrh", "dWh", "dWzx", "dWrx", "dWx")),
    "GRU Inference": lambda name: "logits",
}


class Diagnosis(NamedTuple):
    """What is said: the bug's id, or "pattern", its sentence, where to look, and the entries that it explains."""

    bug: str
    says: str
    look_at: str
    entries: tuple[str, ...]


Results = dict[tuple[Question, str], Value | Fault]
"""What came back for each name of each probe; objects of the hand-in, which are no results, are left out."""


def diagnose(
    step: str, lost: Iterable[str], hand_in: Remembering, among: Sequence[catalogue.Bug] | None = None
) -> list[Diagnosis]:
    """What explains the lost entries of a step, the bug that explains most first."""
    left = set(lost)
    bugs = [bug for bug in (catalogue.load() if among is None else among) if bug.step == step]
    hand_in.ask(probes(step))
    shown = _by_entry(step, {question: hand_in.on(question) for question in probes(step)})
    said = []
    explaining = [(changed, bug) for bug in bugs if (changed := explained(step, bug, shown, left))]
    for changed, bug in sorted(explaining, key=lambda pair: -len(pair[0])):
        if changed <= left:
            said.append(Diagnosis(bug.id, bug.says, bug.look_at, tuple(sorted(changed))))
            left -= changed
    for pattern, entries in _patterns(step, shown, left).items():
        said.append(Diagnosis("pattern", f"{', '.join(entries)}: {pattern}", "", entries))
    return said


def explained(step: str, bug: catalogue.Bug, shown: Mapping[str, Results], lost: set[str]) -> frozenset[str]:
    """The entries that the bug changes, if they are lost and on all probes the hand-in's results are the bug's."""
    changed = changed_by(bug)
    is_the_bugs = changed <= lost and all(
        _same(step, shown.get(entry, {}).get((question, name)), value)
        for question in probes(step)
        for name, value in _answers(bug, question).items()
        if (entry := ENTRIES[step](name)) in changed
    )
    return changed if is_the_bugs else frozenset()


@functools.cache
def changed_by(bug: catalogue.Bug) -> frozenset[str]:
    """The entries of its step in which the bug gives other results than the right ones on some probe."""
    return frozenset(
        entry
        for question in probes(bug.step)
        for name, value in _answers(bug, question).items()
        if (entry := ENTRIES[bug.step](name)) and name in (right := _answers(MODEL, question))
        if not _same(bug.step, value, right[name])
    )


def behave_alike(one: catalogue.Bug, other: catalogue.Bug) -> bool:
    """Whether two bugs give the same on every probe of their step."""
    return one.step == other.step and alike_on(probes(one.step), one, other)


def alike_on(
    questions: Iterable[Question], one: catalogue.Bug, other: catalogue.Bug, entries: Iterable[str] | None = None
) -> bool:
    """Whether two bugs of a step answer these questions alike, where `entries` are given as to these."""
    for question in questions:
        ours, theirs = _answers(one, question), _answers(other, question)
        names = {name for name in ours.keys() | theirs.keys() if entries is None or ENTRIES[one.step](name) in entries}
        if not all(name in theirs and _same(one.step, ours.get(name), theirs[name]) for name in names):
            return False
    return True


@functools.cache
def probes(step: str) -> tuple[Question, ...]:
    """The questions of a step that tell bugs apart: each script on small cases of its ladder and on some drawn ones."""
    return questions_of(step, KEY, DRAWN)


def questions_of(step: str, key: str, drawn: int) -> tuple[Question, ...]:
    """Each script of the step's required properties on a case of its ladder and on cases drawn under the key."""
    from properties.drawing import draw  # Hypothesis, for a hand-in that is wrong

    questions: dict[Question, None] = {}
    for prop in all_properties():
        if prop.step == step and prop.tier == "required" and not prop.family.name.startswith("stored_"):
            ladder = [case for case in prop.family.ladder if case.numbers == "random"][-1:]
            questions |= dict.fromkeys(prop.question(case) for case in [*draw(prop.family, key, drawn), *ladder])
    return tuple(sorted(questions, key=lambda question: len(question.lines)))


MODEL = "the model solution"


@functools.lru_cache(maxsize=1 << 16)
def _answers(bug: catalogue.Bug | str, question: Question) -> Mapping[str, Value | Fault]:
    """What the model solution, with the bug edited in, answers to a probe."""
    return dict(_results(question, with_bug(bug).on(question)))


@functools.cache
def with_bug(bug: catalogue.Bug | str) -> Remembering:
    """The model solution, in this process, with the bug edited in; or as it is, for MODEL."""
    if isinstance(bug, str):
        return Remembering(InProcess(MODEL_SOLUTION))
    folder = Path(tempfile.mkdtemp(prefix="bug-", dir=_scratch().name)) / "hand-in"
    shutil.copytree(MODEL_SOLUTION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    catalogue.apply(bug, folder)
    return Remembering(InProcess(folder))


@functools.cache
def _scratch() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="catalogue-")


def _by_entry(step: str, seen: Mapping[Question, Seen]) -> dict[str, Results]:
    """The hand-in's results, sorted by the entry that they belong to."""
    shown: dict[str, Results] = {}
    for question, transcript in seen.items():
        for name, value in _results(question, transcript):
            shown.setdefault(ENTRIES[step](name), {})[question, name] = value
    return shown


def _results(question: Question, seen: Seen) -> Iterator[tuple[str, Value | Fault]]:
    if isinstance(seen, Transcript):
        free = _free_to_lead_with_one(question)
        for name, value in seen.values.items():
            if isinstance(value, Fault):
                yield name, value
            elif value.array is not None:
                yield name, value._replace(array=unbatched(value.array)) if name in free else value
            elif value.type in NO_ARRAYS:
                yield name, value


@functools.lru_cache(maxsize=1024)
def _free_to_lead_with_one(question: Question) -> frozenset[str]:
    """The results of the predictor's forward: without a leading one is advisory."""
    if question.step != "GRU Inference":
        return frozenset()
    calls = (line.partition(" = ") for line in question.lines if ".forward(" in line)
    return frozenset(name for targets, _, _ in calls for name in targets.split(", "))


def _same(step: str, one: Value | Fault | None, other: Value | Fault) -> bool:
    """Whether two results are the same but for rounding; two faults, if they are of one kind and exception."""
    if isinstance(one, Fault) or isinstance(other, Fault):
        return isinstance(one, Fault) and isinstance(other, Fault) and _kind(one) == _kind(other)
    if one is None or one.array is None or other.array is None:
        return one is not None and one.array is other.array and one.type == other.type
    if one.array.shape != other.array.shape or one.array.dtype.kind != other.array.dtype.kind:
        return False
    tolerance = max(SAME.get(one.array.dtype, 0.0), SAME.get(other.array.dtype, 0.0))
    with np.errstate(all="ignore"):
        largest = max(np.abs(one.array).max(initial=0), np.abs(other.array).max(initial=0))
        in_float64 = one.array.dtype == other.array.dtype == np.float64
        allowed = tolerance * largest + (SLOPES.get(step, 0.0) if in_float64 else 0.0)
        return bool(np.allclose(one.array, other.array, rtol=0, atol=allowed, equal_nan=True))


def _kind(fault: Fault) -> tuple[str, str]:
    """missing or raised, and the exception's name, which the text gives after "raises"."""
    return fault.kind, fault.text.partition(" raises ")[2].partition(":")[0]


def _longest(name: str, entries: Sequence[str]) -> str:
    """The entry that a result's name begins with: dx_sum is of dx, and no result of forward is of any."""
    return max((entry for entry in entries if name == entry or name.startswith(f"{entry}_")), key=len, default="")


# Patterns


def _patterns(step: str, shown: Mapping[str, Results], lost: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The entries of each pattern that holds on every probe where the hand-in is wrong."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in sorted(lost):
        pairs = [
            (value.array, right.array)
            for (question, name), value in shown.get(entry, {}).items()
            if isinstance(value, Value) and value.array is not None
            if isinstance(right := _answers(MODEL, question).get(name), Value) and right.array is not None
            if value.array.dtype in SAME and not _same(step, value, right)
        ]
        pattern = pattern_of(pairs)
        if pattern:
            found[pattern] = (*found.get(pattern, ()), entry)
    return found


def pattern_of(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    """In plain words how all these wrong results differ from the right ones, or ""."""
    if len(pairs) < 2:
        return ""
    for says, holds in PATTERNS.items():
        if all(holds(actual, right) for actual, right in pairs):
            return says
    factors = [_factor(actual, right) for actual, right in pairs]
    known = [factor for factor in factors if factor is not None]
    if len(known) == len(factors) and np.ptp(known) <= 1e-6 * abs(known[0]):
        return f"{known[0]:.6g} times what it should be"
    return ""


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.abs(one - other).max() <= 1e-6 * np.abs(other).max(initial=1e-300))


def _factor(actual: np.ndarray, right: np.ndarray) -> float | None:
    if actual.shape != right.shape or not np.any(right):
        return None
    factor = float((actual * right).sum() / (right * right).sum())
    return factor if factor and _close(actual, factor * right) else None


def _only(wrong: np.ndarray, part: Any) -> bool:
    """Whether there are wrong elements, all within this part, an index into the array."""
    inside = np.zeros_like(wrong)
    inside[part] = True
    return bool(wrong.any() and not (wrong & ~inside).any() and (~inside).any())


def _wrong(actual: np.ndarray, right: np.ndarray) -> np.ndarray:
    wrong: np.ndarray = ~(np.abs(actual - right) <= 1e-9 * max(np.abs(right).max(initial=0), 1e-300))
    return wrong


PATTERNS: Mapping[str, Callable[[np.ndarray, np.ndarray], bool]] = {
    "zero everywhere": lambda a, r: not a.any(),
    "of the opposite sign": lambda a, r: _close(a, -r),
    "transposed": lambda a, r: a.ndim == 2 and _close(a, r.T),
    "of the wrong shape, with the right numbers": lambda a, r: a.shape != r.shape and _close(a.ravel(), r.ravel()),
    "one row late": lambda a, r: a.shape == r.shape and len(r) > 1 and a.ndim > 1 and _close(a[1:], r[:-1]),
    "wrong only in rows past the first": lambda a, r: a.shape == r.shape and _only(_wrong(a, r), (slice(1, None),)),
    "wrong only in the first unit": lambda a, r: a.shape == r.shape and _only(_wrong(a, r), (..., slice(0, 1))),
    "wrong only in the first row": lambda a, r: a.shape == r.shape != (a.size,) and _only(_wrong(a, r), slice(0, 1)),
}  # fmt: skip
