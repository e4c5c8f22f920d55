"""What is the same for every hand-in of a run: made once, and sent to the processes that grade.

The exam is drawn, or taken from where it was kept, and answered; the control, the model solution, is graded as any
hand-in would be. What is sent is plain data: the exam as bytes, and how to grade.
"""

import contextlib
import dataclasses
import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading import exam, isolation, quiz, rubric
from grading.faults import Usage
from grading.grade import Settings, answers, control, jobs, with_control
from properties.registry import PRACTICE_KEY, all_properties


@dataclass(frozen=True)
class Wanted:
    """What was asked for.

    key is None where the exam's own counts, or the practice key; exam is where it is kept; quiz is None for none.
    """

    key: str | None
    isolation: str
    rubric: Path
    steps: Sequence[str]
    exam: Path | None
    quiz: Path | None = quiz.DEFAULT
    reveal: bool = False


@dataclass(frozen=True)
class Parcel:
    """What another process needs to grade as this one does, as plain data: the exam's key is not in it."""

    exam: bytes
    rubric: str
    steps: Sequence[str]
    isolation: str
    why_not_better: str
    quiz: str = ""  # its text
    reveal: bool = False


@contextlib.contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """What is made meanwhile stays for the run: garbage is not looked for, and afterwards not among it."""
    gc.unfreeze()  # what an earlier run in this process has left
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@_nothing_is_garbage()
def prepare(wanted: Wanted, sent: bool) -> tuple[Settings, Parcel]:
    """Draw the exam or take the kept one, and grade the control. The parcel is empty unless it is to be `sent`.

    A kept exam was answered by the whole control, so a short one is enough to see that all works on this machine.
    Raises Usage for an exam or a rubric that does not fit, and Broken for a fault of ours.
    """
    properties = all_properties()
    families = {prop.family.name: prop.family for prop in properties}
    points = rubric.read(wanted.rubric)
    scheme = rubric.parse(points, f"the rubric {wanted.rubric}", properties)
    kept = wanted.exam is not None and wanted.exam.exists()
    data = b""
    if wanted.exam is not None and kept:
        data = exam.read(wanted.exam)
        drawn = exam.from_bytes(data, f"--exam {wanted.exam}", families)
        if wanted.key is not None and exam.key_id(wanted.key) != drawn.key_id:
            raise Usage(f"--exam {wanted.exam} was drawn under another key than the one given")
    else:
        drawn = exam.draw_exam(properties, PRACTICE_KEY if wanted.key is None else wanted.key)
    questions = "" if wanted.quiz is None else quiz.read(wanted.quiz)
    rung = isolation.choose(wanted.isolation)
    settings = Settings(
        properties, drawn, scheme, wanted.steps, rung.open_hand_in, rung.name, rung.why, rubric.digest(points)
    )
    settings = _with_quiz(settings, questions, f"the quiz {wanted.quiz}", wanted.reveal)
    if kept:
        control(settings._replace(exam=drawn.shortest()))
        settings = settings._replace(job_of=jobs(drawn.slow))
    else:
        recorded = answers(settings) if sent or wanted.exam is not None else None
        settings = with_control(settings)
        data = b"" if recorded is None else exam.to_bytes(settings.exam, recorded)
        if wanted.exam is not None:
            exam.save(data, wanted.exam)
    parcel = Parcel(data, points, list(wanted.steps), rung.name, rung.why, questions, wanted.reveal)
    return settings, parcel


@_nothing_is_garbage()
def unpack(parcel: Mapping[str, Any]) -> Settings:
    """The settings in a parcel that was sent, as a dictionary, by the same suite."""
    sent = Parcel(**parcel)
    properties = all_properties()
    families = {prop.family.name: prop.family for prop in properties}
    drawn = exam.from_bytes(sent.exam, "the exam that was sent", families)
    settings = Settings(
        properties,
        drawn,
        rubric.parse(sent.rubric, "the rubric that was sent", properties),
        sent.steps,
        isolation.rung(sent.isolation).open_hand_in,
        sent.isolation,
        sent.why_not_better,
        rubric.digest(sent.rubric),
        jobs(drawn.slow),
    )
    return _with_quiz(settings, sent.quiz, "the quiz that was sent", sent.reveal)


def _with_quiz(settings: Settings, text: str, what: str, reveal: bool) -> Settings:
    """The settings with the quiz of this text, which is "" for none. Raises Usage."""
    if not text:
        return settings
    digest = rubric.digest(f"{text} {reveal}")
    return settings._replace(quiz=quiz.parse(text, what), reveal=reveal, quiz_digest=digest)


def as_data(parcel: Parcel) -> dict[str, Any]:
    """The parcel as built-in types."""
    return dataclasses.asdict(parcel)
