"""Whether a hand-in has the properties, on the cases of an exam, and the smallest example where it has not."""

import contextlib
import hashlib
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import hypothesis
from hypothesis import Phase, given

from properties.cases import Case
from properties.hand_in import Remembering
from properties.outcomes import Unmet
from properties.registry import PRACTICE_KEY, Property, draw, seed_of
from properties.strategies import Family

CASES = 24  # drawn of each family
SHRINK_SECONDS = 3.0
SHRINK_EXAMPLES = 200
WITHOUT_VALUES = {"failed": "wrong", "crashed": "an exception", "timed_out": "no answer in time"}


class Exam(NamedTuple):
    """The cases that every hand-in gets, by family; key_id tells exams apart and does not give the key away."""

    cases: Mapping[str, Sequence[Case]]
    key: str
    key_id: str


class Finding(NamedTuple):
    """What became of a property. case is an example where it does not hold that a student may see, if there is one."""

    prop: Property
    cells: str
    outcome: str
    message: str = ""
    case: Case | None = None
    figures: Mapping[str, Any] = {}  # never written to

    @property
    def holds(self) -> bool:
        return self.outcome == "passed"


def draw_exam(properties: Iterable[Property], key: str) -> Exam:
    """Draw each family's cases under this key, after the first of its ladder; a stored family is all its cases."""
    families = {prop.family.name: prop.family for prop in properties}
    cases = {name: family_cases(family, key) for name, family in families.items()}
    return Exam(cases, key, key_id(key))


def family_cases(family: Family, key: str) -> Sequence[Case]:
    if family.name.startswith("stored_"):
        return family.ladder
    return [*family.ladder[:1], *draw(family, key, CASES)]


def key_id(key: str) -> str:
    """A few digits that differ between keys, slow to compute, so that a short key is not found by trying."""
    if key == PRACTICE_KEY:
        return PRACTICE_KEY
    return hashlib.pbkdf2_hmac("sha256", key.encode(), b"key id", 200_000).hex()[:8]


def ask(properties: Iterable[Property], exam: Exam, hand_in: Remembering) -> None:
    """Ask the hand-in all that these properties need, in one go."""
    hand_in.ask([prop.question(case) for prop in properties for case in exam.cases[prop.family.name]])


def judge(properties: Sequence[Property], exam: Exam, hand_in: Remembering, cells: str) -> list[Finding]:
    """Check every property on every case of its family; explain the first failure of each entry by an example."""
    ask(properties, exam, hand_in)
    findings = []
    shrunk: set[tuple[str, str, str]] = set()
    for prop in properties:
        finding = check(prop, exam.cases[prop.family.name], hand_in, cells)
        if not finding.holds:
            entry = (prop.step, prop.entry, prop.tier)
            finding = _with_example(finding, exam, hand_in, may_shrink=entry not in shrunk)
            shrunk.add(entry)
        findings.append(finding)
    return findings


def check(prop: Property, cases: Iterable[Case], hand_in: Remembering, cells: str = "own") -> Finding:
    """Check a property on these cases; the finding of the first on which it does not hold."""
    for case in cases:
        try:
            prop.check_on(case, hand_in)
        except Unmet as unmet:
            return Finding(prop, cells, unmet.outcome, str(unmet), case, unmet.figures)
        except Exception:  # a property that raises anything else is wrong itself
            return Finding(prop, cells, "broken", traceback.format_exc(limit=-3), case)
    return Finding(prop, cells, "passed")


def _with_example(finding: Finding, exam: Exam, hand_in: Remembering, may_shrink: bool) -> Finding:
    """The same failure on a case of the ladder, else shrunk; a drawn case only if the key is public."""
    prop = finding.prop
    if finding.outcome == "broken":
        return finding
    if finding.case in prop.family.ladder[:1]:
        return finding
    if not finding.figures.get("lost"):  # another case would cost another process
        on_ladder = check(prop, prop.family.ladder, hand_in, finding.cells)
        if on_ladder.outcome == finding.outcome:
            return on_ladder
        if may_shrink and prop.tier == "required":
            finding = _shrunk(finding, exam, hand_in)
    if exam.key == PRACTICE_KEY or finding.case not in exam.cases[prop.family.name]:
        return finding
    return finding._replace(case=None, figures={}, message=_without_values(finding))


def _without_values(finding: Finding) -> str:
    """What can be told of a failure on a private case, which a hand-in may have put into its message."""
    if finding.figures.get("lost") or finding.outcome == "not_run":
        return finding.message
    return f"{WITHOUT_VALUES[finding.outcome]} on a case that only the exam's key gives"


def _shrunk(finding: Finding, exam: Exam, hand_in: Remembering) -> Finding:
    """Let Hypothesis find the failure again, from the same seed, and shrink it, within some seconds."""
    prop, best = finding.prop, finding
    until = time.monotonic() + SHRINK_SECONDS

    @hypothesis.seed(seed_of(exam.key, prop.family))
    @hypothesis.settings(
        max_examples=SHRINK_EXAMPLES,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @given(case=prop.family.strategy)
    def holds(case: Case) -> None:
        nonlocal best
        if time.monotonic() > until:
            return
        found = check(prop, [case], hand_in, finding.cells)
        if found.outcome == finding.outcome:
            best = found  # Hypothesis goes from failure to smaller failure
            raise Unmet(found.message)

    with contextlib.suppress(Unmet, hypothesis.errors.Flaky, BaseExceptionGroup):
        holds()
    return best
