"""Whether a hand-in has the properties, on the cases of an exam, and the smallest example where it has not."""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from grading.exam import Exam
from properties.cases import Case
from properties.hand_in import Remembering
from properties.outcomes import Unmet
from properties.registry import Property

SHRINK_SECONDS = 3.0
SHRINK_EXAMPLES = 200
WITHOUT_VALUES = {
    "failed": "wrong",
    "crashed": "an exception",
    "timed_out": "no answer in time",
    "not_run": "cannot be run",
}


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


def ask(properties: Iterable[Property], exam: Exam, hand_in: Remembering) -> None:
    """Ask the hand-in all that these properties need, in one go."""
    hand_in.ask([prop.question(case) for prop in properties for case in exam.cases_of(prop)])


def judge(
    properties: Sequence[Property],
    exam: Exam,
    hand_in: Remembering,
    untold: Callable[[], Remembering],
    cells: str,
    may_shrink: bool = True,
) -> list[Finding]:
    """Check every property on every case of its family; explain the first failure of each entry by an example.

    untold is the same hand-in in a process that was asked nothing private: what it says there on a public case cannot
    be of a private one, which it could have kept.
    """
    ask(properties, exam, hand_in)
    findings = []
    shrunk: set[tuple[str, str, str]] = set()
    for prop in properties:
        finding = check(prop, exam.cases_of(prop), hand_in, cells)
        if not finding.holds:
            entry = (prop.step, prop.entry, prop.tier)
            finding = _with_example(finding, exam, hand_in, untold, may_shrink and entry not in shrunk)
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


def _with_example(
    finding: Finding, exam: Exam, hand_in: Remembering, untold: Callable[[], Remembering], may_shrink: bool
) -> Finding:
    """The same failure on a case of the ladder, else shrunk; a drawn case only if the key is public.

    With a private key an example is one that fails in the process that was told nothing private, and is told as there.
    """
    prop = finding.prop
    if finding.outcome == "broken" or (exam.is_public and finding.case in prop.family.ladder[:1]):
        return finding
    if not finding.figures.get("lost"):  # another case would cost another process
        explaining = hand_in if exam.is_public else untold()
        on_ladder = check(prop, exam.ladder_of(prop), explaining, finding.cells)
        if on_ladder.outcome == finding.outcome:
            return on_ladder
        if may_shrink and prop.tier == "required":
            shrunk = _shrunk(finding, exam, hand_in)
            if exam.is_public:
                return shrunk
            if shrunk.case is not None and shrunk.case not in exam.cases[prop.family.name]:
                again = check(prop, [shrunk.case], explaining, finding.cells)
                if again.outcome == finding.outcome:
                    return again
    elif finding.case in prop.family.ladder:
        return finding  # the words are ours
    return finding if exam.is_public else finding._replace(case=None, figures={}, message=_without_values(finding))


def _without_values(finding: Finding) -> str:
    """What can be told of a failure on a private case, which a hand-in may have put into its message."""
    if finding.figures.get("lost"):
        return finding.message
    return f"{WITHOUT_VALUES[finding.outcome]} on a case that only the exam's key gives"


def _shrunk(finding: Finding, exam: Exam, hand_in: Remembering) -> Finding:
    """Let Hypothesis find the failure again, from the same seed, and shrink it, within some seconds."""
    from properties.drawing import smallest  # Hypothesis and the oracles, for a hand-in that is wrong

    prop, best = finding.prop, finding

    def fails(case: Case) -> bool:
        nonlocal best
        found = check(prop, [case], hand_in, finding.cells)
        if found.outcome == finding.outcome:
            best = found  # Hypothesis goes from failure to smaller failure
        return found.outcome == finding.outcome

    smallest(prop.family, exam.seeds[prop.family.name], fails, SHRINK_EXAMPLES, SHRINK_SECONDS)
    return best
