"""The practice exam: the cases under the public key, with what the oracles answer and how far off an answer may be.

With it the runner needs no oracle. torch and Hypothesis are needed here, where it is made.
"""

from collections.abc import Sequence

from grading import exam, rubric
from grading.grade import Settings, answers
from properties.cases import Case
from properties.hand_in import InProcess
from properties.registry import PRACTICE_KEY, STEPS, all_properties

TIERS = ("required", "advisory", "alternative", "condition")  # what is asked where a forward is wrong, too
LEAST, MOST_WEIGHTS = 5, 12_000  # cases of a family, and weights of a gate in them: wide ones would be megabytes


def practice_exam() -> bytes:
    """Draw the exam and have it answered; some ten seconds."""
    properties = all_properties()
    drawn = exam.draw_exam(properties, PRACTICE_KEY)
    drawn = drawn._replace(cases={name: _fewer(cases) for name, cases in drawn.cases.items()})
    settings = Settings(properties, drawn, rubric.load(rubric.DEFAULT, properties), STEPS, InProcess, "none")
    return exam.to_bytes(drawn, answers(settings, TIERS))


def _fewer(cases: Sequence[Case]) -> Sequence[Case]:
    """The first cases, as many as are not too large together."""
    weights, kept = 0, list[Case]()
    for case in cases:
        sizes = vars(case)
        weights += (sizes["D"] + sizes["H"]) * sizes["H"]
        if len(kept) >= LEAST and weights > MOST_WEIGHTS and case.numbers != "stored":
            break
        kept.append(case)
    return kept
