"""The practice exam: the cases under the public key, with what the oracles answer and how far off an answer may be.

With it the runner needs no oracle. torch and Hypothesis are needed here, where it is made.
"""

from grading import exam, rubric
from grading.grade import Settings, answers
from properties.hand_in import InProcess
from properties.registry import PRACTICE_KEY, STEPS, all_properties


def practice_exam() -> bytes:
    """Draw the exam and have it answered; some ten seconds."""
    properties = all_properties()
    drawn = exam.draw_exam(properties, PRACTICE_KEY)
    settings = Settings(properties, drawn, rubric.load(rubric.DEFAULT, properties), STEPS, InProcess, "none")
    return exam.to_bytes(drawn, answers(settings))
