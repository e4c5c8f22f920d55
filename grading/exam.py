"""The exam: the cases that every hand-in of a run gets, what the oracles answered, and how far off an answer may be.

It is drawn by Hypothesis under the instructor's key and answered while the control, the model solution, is graded. As
bytes it is an .npz without pickles: `about`, a JSON text, names suite and libraries and lists cases, arrays and
answers; `numbers` are all their elements, one after the other. Whoever has it has the cases: it is as secret as the
key.
"""

import dataclasses
import hashlib
import io
import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from grading.faults import Broken, Usage
from grading.files import write_whole
from grading.replay import KINDS
from grading.versions import ASKING, suite_digest, versions
from properties import expected
from properties.cases import Case
from properties.compare import FLOATS, Expected
from properties.hand_in import Question
from properties.registry import PRACTICE_KEY, SELF_CONSISTENCY, Property, seed_of
from properties.strategies import Family
from reference.tolerance import unit_roundoff

FORMAT = 2
FEWER = {SELF_CONSISTENCY: 8, "advisory": 4}
"""How many of a family's cases a property takes, at the most, that is no agreement or decides no points."""
LIBRARIES = ("numpy", "torch", "hypothesis")


class Exam(NamedTuple):
    """The cases by family, the first of its ladder first; Hypothesis' seed of each family; which key they are of.

    key_id tells exams apart and does not give the key away. slow are the seconds that slow questions may take. kept are
    the cases of an exam that was kept, with their arrays, those of ladders too.
    """

    cases: Mapping[str, Sequence[Case]]
    seeds: Mapping[str, int]
    key_id: str
    slow: Mapping[Question, float] = MappingProxyType({})
    kept: Mapping[Case, Case] = MappingProxyType({})

    def ladder_of(self, prop: Property) -> Sequence[Case]:
        """The ladder of a property's family, with the arrays that were kept."""
        return [self.kept.get(case, case) for case in prop.family.ladder]

    @property
    def is_public(self) -> bool:
        return self.key_id == PRACTICE_KEY

    def shortest(self) -> "Exam":
        """The first case of each family: enough to see that everything works."""
        return self._replace(cases={name: cases[:1] for name, cases in self.cases.items()})

    def cases_of(self, prop: Property) -> Sequence[Case]:
        """The cases on which a property is checked."""
        cases = self.cases[prop.family.name]
        return cases if _is_stored(prop.family) else cases[: 1 + drawn_for(prop)]


def drawn_for(prop: Property) -> int:
    """On how many drawn cases a property is checked, after the first of the ladder."""
    return min(prop.family.in_exam, FEWER.get(prop.tier, FEWER.get(prop.kind, prop.family.in_exam)))


def draw_exam(properties: Iterable[Property], key: str) -> Exam:
    """Draw each family's cases under this key, after the first of its ladder; a stored family is all its cases."""
    families = {prop.family.name: prop.family for prop in properties}
    return Exam(
        {name: family_cases(family, key) for name, family in families.items()},
        {name: seed_of(key, family) for name, family in families.items()},
        key_id(key),
    )


def family_cases(family: Family, key: str) -> Sequence[Case]:
    if _is_stored(family):
        return family.ladder
    from properties.drawing import draw

    return [*family.ladder[:1], *draw(family, key, family.in_exam)]


def _is_stored(family: Family) -> bool:
    return family.name.startswith("stored_")


def key_id(key: str) -> str:
    """A few digits that differ between keys, slow to compute, so that a short key is not found by trying."""
    if key == PRACTICE_KEY:
        return PRACTICE_KEY
    return hashlib.pbkdf2_hmac("sha256", key.encode(), b"key id", 200_000).hex()[:8]


# As bytes


def to_bytes(exam: Exam, answers: expected.Recorded) -> bytes:
    """The exam with these answers; those on the cases of ladders belong to it, as they explain what fails."""
    parts: list[np.ndarray] = []
    cases: dict[Case, int] = {}
    for case in [case for family in exam.cases.values() for case in family] + [asked[1][0] for asked in answers]:
        cases.setdefault(case, len(cases))

    def number(array: np.ndarray) -> list[Any]:
        parts.append(np.asarray(array, np.float64).ravel())
        return [list(array.shape), array.dtype.str]

    about = {
        "format": FORMAT,
        "suite": suite_digest(ASKING),
        "versions": {name: versions()[name] for name in LIBRARIES},
        "key_id": exam.key_id,
        "seeds": dict(exam.seeds),
        "cases": [[type(case).__name__, dataclasses.asdict(case)] for case in cases],
        "families": {name: [cases[case] for case in family] for name, family in exam.cases.items()},
        "slow": [
            [question.step, cases[question.case], list(question.lines), seconds]
            for question, seconds in exam.slow.items()
        ],
        "arrays": [
            [place, name, *number(array)]
            for case, place in cases.items()
            if case.numbers != "stored"
            for name, array in case.arrays().items()
        ],
        "answers": [
            [function, cases[case], rest, name, *number(answer.value), [answer.allowed(dtype) for dtype in FLOATS]]
            for (function, (case, *rest)), by_name in answers.items()
            for name, answer in by_name.items()
        ],
    }
    numbers = np.concatenate([np.zeros(0), *parts])
    file = io.BytesIO()
    np.savez(file, about=np.array(json.dumps(about)), numbers=numbers)
    return file.getvalue()


def from_bytes(data: bytes, what: str, families: Mapping[str, Family], shipped: bool = False) -> Exam:
    """The exam in these bytes; its answers are known from now on. `what` is what to call it.

    One that was `shipped` with this very suite, of which a part may be left out, is made for it; its libraries may be
    others. Raises Usage where it is no exam, or else one of another suite, or made with other versions of libraries.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            about, numbers = json.loads(str(file["about"])), file["numbers"]
        _check_fits(about, what, families, shipped)
        return _restored(about, numbers, families)
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        zipfile.BadZipFile,
    ) as error:
        raise Usage(f"{what} is not an exam that was kept: {type(error).__name__}: {error}") from error


def _check_fits(about: Mapping[str, Any], what: str, families: Iterable[str], shipped: bool) -> None:
    ours = {"format": FORMAT, "suite": about["suite"] if shipped else suite_digest(ASKING)}
    if {name: about[name] for name in ours} != ours or set(about["families"]) != set(families):
        raise Usage(f"{what} is an exam of another version of this suite; draw it again, with the key")
    for name, version in about["versions"].items():
        if not shipped and versions()[name] != version:
            raise Usage(f"{what} was made with {name} {version}, but here is {versions()[name]}; draw it again")


def _restored(about: Mapping[str, Any], numbers: np.ndarray, families: Mapping[str, Family]) -> Exam:
    stored = {case: case for family in families.values() if _is_stored(family) for case in family.ladder}
    made: list[Case] = [KINDS[kind](**fields) for kind, fields in about["cases"]]
    cases = [stored.get(case, case) for case in made]
    taken = _Taken(numbers)
    for place, name, shape, dtype in about["arrays"]:
        cases[place].keep(name, taken.array(shape, dtype))
    answers: dict[expected.Asked, dict[str, Expected]] = {}
    roundoffs = [unit_roundoff(dtype) for dtype in FLOATS]
    for function, place, rest, name, shape, dtype, bounds in about["answers"]:
        allowed = dict(zip(roundoffs, bounds, strict=True))
        known = answers.setdefault((function, (cases[place], *rest)), {})
        known[name] = Expected(taken.array(shape, dtype), allowed.__getitem__)
    expected.know(answers)
    in_families = {name: [cases[place] for place in places] for name, places in about["families"].items()}
    slow = {Question(step, cases[place], tuple(lines)): seconds for step, place, lines, seconds in about["slow"]}
    return Exam(in_families, about["seeds"], about["key_id"], slow, {case: case for case in cases})


class _Taken:
    """All numbers of a file, taken from the front."""

    def __init__(self, numbers: np.ndarray) -> None:
        self._numbers, self._at = numbers, 0

    def array(self, shape: Sequence[int], dtype: str) -> np.ndarray:
        size = math.prod(shape)
        array = self._numbers[self._at : self._at + size]
        self._at += size
        return array.reshape(shape).astype(np.dtype(dtype), copy=False)


def read(file: Path) -> bytes:
    """The bytes of an exam that was kept. Raises Usage."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Usage(f"--exam {file} cannot be read: {error.strerror}") from None


def save(data: bytes, file: Path) -> None:
    """Keep an exam, whole or not at all, for its owner's eyes alone. Raises Broken."""
    try:
        write_whole(file, data, private=True)
    except OSError as error:
        raise Broken(f"the exam cannot be kept in {file}: {error.strerror}") from error
