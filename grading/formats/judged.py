"""Which results of a script a property judges, what they should be, and how far off they may be.

Nothing but the property itself knows. So it is asked: the model solution's results are right, and when one of them is
moved the property says, in the figures of its complaint, what it holds against what. Needs the oracles, and so torch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from grading.faults import Broken
from properties.cases import Case
from properties.hand_in import MODEL_SOLUTION, InProcess, Job, Remembering, job_of
from properties.interpreter.reply import Reply, Value
from properties.outcomes import Unmet
from properties.registry import AGREEMENT, Property
from properties.transcript import Transcript

DTYPES = ("float64", "float32")
RELATIVE_MOVES, MOVES = (1e-2, 1.0, 1e3), (1e-30, 1e-6, 1.0, 1e6)
"""By how much a result is moved, first of its largest element and then at all, until the property complains."""


class Judged(NamedTuple):
    """A result that a property judges.

    name is the script's, what the complaint's; allowed is the absolute error that is allowed, by dtype. With may_lead a
    leading axis of one is no mistake.
    """

    name: str
    what: str
    right: np.ndarray
    allowed: Mapping[str, float]
    may_lead: bool = False


def to_check(prop: Property, case: Case, what: str, actual: object) -> list[Judged]:
    """The results by which it is seen that the property fails on this case, with this actual value of `what`.

    One result if it is known to be wrong. Otherwise all that the property reads: results that do not fit together do
    not say which of them is wrong; none if it judges none by its value. Raises Broken where the model solution does not
    have the property.
    """
    asked = _Asked(prop, case)
    found = {name: asked.about(name) for name in asked.read}
    results = [each for each in found.values() if each is not None]
    if not results:
        return []
    about = [each for each in results if what in (each.name, each.what)]
    if about and (prop.kind == AGREEMENT or all(_is_off(each, actual) for each in about)):
        return about
    relative = {dtype: max(each.allowed[dtype] / _largest(each.right) for each in results) for dtype in DTYPES}
    return [each or _as_near(name, asked.right(name), relative) for name, each in found.items()]


def _as_near(name: str, right: np.ndarray, relative: Mapping[str, float]) -> Judged:
    """A result that the property compares another one with: it may be off by as much, relative to its largest."""
    return Judged(name, name, right, {dtype: relative[dtype] * _largest(right) for dtype in DTYPES})


def _is_off(result: Judged, actual: object) -> bool:
    """Whether a value, as a report has it, is known not to be this result."""
    try:
        array = np.array(actual, dtype=np.float64)  # nan and inf are strings in a report; anything else is no number
    except (TypeError, ValueError):
        return False
    if array.shape != result.right.shape:
        return True
    return not np.abs(array - result.right).max(initial=0.0) <= result.allowed["float64"]


class _Asked:
    """A property on a case, with the model solution's results, which can be moved."""

    def __init__(self, prop: Property, case: Case) -> None:
        self.prop, self.case = prop, case
        job = job_of(prop.question(case))
        (seen,) = InProcess(MODEL_SOLUTION).transcripts([job])
        assert isinstance(seen, Transcript)  # a script in this very process always has one
        self.reply = Reply(dict(seen.values), seen.changed, seen.shared, seen.warned, seen.printed)
        reading = _Reading(self.reply)
        complaint = self._complaint(reading)
        if complaint is not None:
            raise Broken(f"the model solution does not have {prop.id} on {case}: {complaint}")
        self.read = [name for name in reading.read if self._array(name) is not None]

    def right(self, name: str) -> np.ndarray:
        array = self._array(name)
        assert array is not None  # for self.read has those alone
        return array

    def about(self, name: str) -> Judged | None:
        """What the property says of a result when it is moved; None if it complains of another one, or not at all."""
        bounds: dict[str, float] = {}
        right, what = self.right(name), name
        for dtype in DTYPES:
            complaint = self._moved(name, dtype)
            if complaint is None:
                return None
            what = str(complaint.figures["what"])
            bounds[dtype], expected = float(complaint.figures["allowed"]), complaint.figures["expected"]
            if np.shape(expected) != right.shape or not np.abs(expected - right).max(initial=0.0) <= bounds[dtype]:
                bounds[dtype] *= 2  # it only says how near is near enough; the model solution's may be as far off
            elif dtype == "float64":
                right = np.asarray(expected)
        return Judged(name, what, right, bounds, right.ndim == 1 and self._holds_with(name, right[np.newaxis]))

    def _moved(self, name: str, dtype: str) -> Unmet | None:
        """The complaint when this result is moved by so much that there is one, if it is about this result."""
        right = self.right(name)
        for move in (*(move * _largest(right) for move in RELATIVE_MOVES), *MOVES):
            moved = (right + move).astype(dtype)
            complaint = self._complaint(self._with(name, moved))
            if complaint is not None:
                actual = complaint.figures.get("actual")
                return complaint if actual is not None and np.array_equal(actual, moved) else None
        return None

    def _holds_with(self, name: str, array: np.ndarray) -> bool:
        return self._complaint(self._with(name, array)) is None

    def _with(self, name: str, array: np.ndarray) -> Transcript:
        return Transcript(self.reply._replace(values={**self.reply.values, name: Value(array, "ndarray")}))

    def _array(self, name: str) -> np.ndarray | None:
        value = self.reply.values.get(name)
        return value.array if isinstance(value, Value) else None

    def _complaint(self, transcript: Transcript) -> Unmet | None:
        try:
            self.prop.check_on(self.case, Remembering(_Answering(transcript)))
        except Unmet as unmet:
            return unmet
        return None


class _Reading(Transcript):
    """A transcript that knows which of its results were read, in what order."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.read: dict[str, None] = {}

    def value(self, name: str) -> Value:
        self.read[name] = None
        return super().value(name)


class _Answering:
    """A hand-in that answers every script with this transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    def transcripts(self, jobs: Sequence[Job]) -> Iterable[Transcript]:
        return self._answers(len(jobs))

    def _answers(self, count: int) -> Iterator[Transcript]:
        yield from [self._transcript] * count

    def close(self) -> None:
        pass


def _largest(array: np.ndarray) -> float:
    """The largest element, or 1 where all are 0."""
    return float(np.abs(array).max(initial=0.0)) or 1.0
