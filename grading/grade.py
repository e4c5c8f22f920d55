"""Grade one hand-in: own cells first, the model's where these lost points, then points and a report."""

import ast
import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from grading import rubric as rubrics
from grading.exam import Exam
from grading.faults import Broken
from grading.judge import Finding, check, judge
from grading.quiz import Quiz
from grading.report import report_of
from grading.rubric import Rubric
from properties import expected
from properties.cases import Case
from properties.hand_in import MODEL_SOLUTION, HandIn, InProcess, Job, Question, Remembering, arrays_of, job_of
from properties.registry import CELL_STEPS, STEPS, Property
from properties.transcript import Transcript

if TYPE_CHECKING:
    from grading.diagnosis import Diagnosis

LEAST_SECONDS = 2.0  # for one script, whatever the control needed
TIMES_CONTROL = 50.0
STUDENTS_FILES = ("mytorch/rnn_cell.py", "mytorch/gru_cell.py", "hw3/rnn_classifier.py", "hw3/hw3.py")
GIVEN_FILES = ("mytorch/activation.py", "mytorch/linear.py", "mytorch/loss.py")
OpenHandIn = Callable[[Path, str], HandIn]
"""Opens the hand-in at a root with its "own" or the "model" solution's cells."""


class Settings(NamedTuple):
    """What is the same for every hand-in of a run."""

    properties: Sequence[Property]
    exam: Exam
    rubric: Rubric
    steps: Sequence[str]
    open_hand_in: OpenHandIn
    isolation: str
    why_not_better: str = ""
    rubric_digest: str = ""
    job_of: Callable[[Question], Job] = job_of
    """Makes a question a job, with the seconds that it may take; kept from one hand-in to the next."""
    quiz: Quiz | None = None
    reveal: bool = False
    """Whether a report shows the quiz's key, and why."""
    quiz_digest: str = ""
    has_solution: bool = True
    """Whether the model solution and the catalogue are here. In the hand-out they are not: there is no transplant and
    no diagnosis then, and examples are those of the exam."""


class Examination(NamedTuple):
    """All that became of a hand-in: findings, how long each script took, diagnoses by step, and what else to tell."""

    findings: list[Finding]
    seconds: Mapping[Question, float]
    diagnoses: "Mapping[str, list[Diagnosis]]"
    notes: list[str]
    printed: str


def with_control(settings: Settings) -> Settings:
    """Grade the model solution as any hand-in; its times set the deadlines, kept in the exam where not the least.

    Raises Broken if it loses a point.
    """
    allowed = {question: TIMES_CONTROL * seconds for question, seconds in control(settings).items()}
    slow = {question: seconds for question, seconds in allowed.items() if seconds > LEAST_SECONDS}
    return settings._replace(job_of=jobs(slow), exam=settings.exam._replace(slow=slow))


def control(settings: Settings) -> Mapping[Question, float]:
    """Grade the model solution as any hand-in: the seconds of each answer. Raises Broken if it loses a point."""
    examination = examine(MODEL_SOLUTION, settings)
    if _lost(settings.steps, examination.findings, settings):
        unmet = next((f for f in examination.findings if not f.holds and f.prop.tier == "required"), None)
        where = f"{unmet.prop.id}: {unmet.message}" if unmet else "an entry of the rubric has no property"
        raise Broken(f"the model solution loses points here: {where}")
    return examination.seconds


def jobs(allowed: Mapping[Question, float]) -> Callable[[Question], Job]:
    """What makes a question a job that may take what is allowed, or the least; and keeps it."""
    return functools.lru_cache(maxsize=8192)(lambda question: job_of(question, allowed.get(question, LEAST_SECONDS)))


def answers(settings: Settings, tiers: Sequence[str] = ("required", "advisory")) -> expected.Recorded:
    """What the oracles answer on every case of the exam and of the ladders, by which failures are explained."""
    hand_in = Remembering(InProcess(MODEL_SOLUTION))
    asked = [
        (prop, [*settings.exam.cases_of(prop), *prop.family.ladder])
        for prop in settings.properties
        if prop.tier in tiers
    ]
    hand_in.ask(prop.question(case) for prop, cases in asked for case in cases)
    with expected.recording() as recorded:
        for prop, cases in asked:
            check(prop, cases, hand_in)
    _share_arrays(asked)
    return recorded


def _share_arrays(asked: Sequence[tuple[Property, Sequence[Case]]]) -> None:
    """Give every case all arrays that its scripts and checks mention, and those that an equal case has.

    Questions and answers are kept by cases that are equal, so a case may have been asked about by its twin.
    """
    arrays: dict[Case, dict[str, np.ndarray]] = {}
    for prop, cases in asked:
        for case in cases:
            given = arrays_of(case, prop.question(case).lines)
            arrays.setdefault(case, {}).update({**given, **case.arrays()})
    for _, cases in asked:
        for case in cases:
            for name, array in arrays[case].items():
                case.keep(name, array)


def grade(name: str, root: Path, settings: Settings) -> dict[str, Any]:
    """The report of the hand-in at this root. Raises Broken for a fault of ours."""
    missing = [folder for folder in ("mytorch", "hw3") if not (root / folder).is_dir()]
    examination = examine(root, settings)
    broken = next((finding for finding in examination.findings if finding.outcome == "broken"), None)
    if broken is not None:
        raise Broken(f"{name}: {broken.prop.id} on {broken.case} cannot be decided: {broken.message}")
    messages = [f"{folder}/ is missing" for folder in missing] + examination.notes
    messages += [
        f"{file} is not the one that was handed out"
        for file in GIVEN_FILES
        if (root / file).exists() and not _same_program(root / file, MODEL_SOLUTION / file)
    ]
    if settings.has_solution and is_model_solution(root):
        messages.append("the same program as the model solution")
    return report_of(
        name, examination.findings, settings, "; ".join(messages), examination.diagnoses, examination.printed
    )


def examine(root: Path, settings: Settings) -> Examination:
    """Judge all steps on own cells, and again on the model's those whose cell lost points; diagnose what is lost."""

    with contextlib.ExitStack() as stack:

        def opened(cells: str) -> Remembering:
            hand_in = Remembering(settings.open_hand_in(root, cells), settings.job_of)
            stack.callback(hand_in.close)
            return hand_in

        untold = functools.cache(opened)  # for examples, where the exam is private
        hand_ins = {"own": opened("own")}
        rest_on = {other for step in settings.steps for other in CELL_STEPS.get(step, ())}
        rest_on |= {rubrics.FORWARD_OF[step][0] for step in settings.steps if step in rubrics.FORWARD_OF}
        steps = [step for step in STEPS if step in settings.steps or step in rest_on]
        findings = _judge_steps(steps, hand_ins["own"], untold, "own", [], settings)
        lost = _lost(steps, findings, settings)
        wrong_cells = {f.prop.step for f in findings if f.prop.tier == "required" and not f.holds}
        again = [step for step, cells in CELL_STEPS.items() if step in lost and not wrong_cells.isdisjoint(cells)]
        if not settings.has_solution:
            again = []
        if again:
            hand_ins["model"] = opened("model")
            findings += _judge_steps(again, hand_ins["model"], untold, "model", findings, settings)
        diagnoses = _diagnoses(again, hand_ins, findings, settings) if settings.has_solution else {}
        seconds = hand_ins["own"].seconds()
        notes, printed = _notes(root, hand_ins["own"]), hand_ins["own"].printed()
        return Examination(findings, seconds, diagnoses, notes, printed if settings.exam.is_public else "")


def _diagnoses(
    again: Sequence[str], hand_ins: Mapping[str, Remembering], findings: Sequence[Finding], settings: Settings
) -> "dict[str, list[Diagnosis]]":
    """What explains the entries that were lost, by step."""
    from grading.diagnosis import diagnose  # which reads the catalogue of bugs

    return {
        step: diagnose(step, entries, hand_ins["model" if step in again else "own"])
        for step, entries in _lost(settings.steps, findings, settings).items()
    }


def _judge_steps(
    steps: Sequence[str],
    hand_in: Remembering,
    untold: Callable[[str], Remembering],
    cells: str,
    before: list[Finding],
    settings: Settings,
) -> list[Finding]:
    """The findings of these steps; those about the own forward's derivative only where a forward lost points."""

    def chosen(tiers: Sequence[str], steps: Sequence[str]) -> list[Property]:
        return [prop for prop in settings.properties if prop.tier in tiers and prop.step in steps]

    def judged(properties: list[Property]) -> list[Finding]:
        again = functools.partial(untold, cells)
        return judge(properties, settings.exam, hand_in, again, cells, may_shrink=settings.has_solution)

    findings = judged(chosen(("required", "advisory"), steps))
    wrong = [
        step
        for step in steps
        if any(rubrics.forward_is_wrong(step, entry, before + findings) for entry in settings.rubric[step])
    ]
    return findings + judged(chosen(("alternative", "condition"), wrong))


def _lost(steps: Sequence[str], findings: Sequence[Finding], settings: Settings) -> dict[str, list[str]]:
    """The entries that do not pay, by step; steps that lose none are left out."""
    lost = {
        step: [entry for entry in settings.rubric[step] if not rubrics.paid_by(step, entry, findings)] for step in steps
    }
    return {step: entries for step, entries in lost.items() if entries}


def _notes(root: Path, hand_in: Remembering) -> list[str]:
    """Which of two gru_cell.py counted."""
    if not all((root / folder / "gru_cell.py").is_file() for folder in ("mytorch", "hw3")):
        return []
    question = Question("GRU Forward", next(iter(hand_in.seconds())).case, ("found = GRU_Cell",))
    seen = hand_in.on(question)
    kind = seen.values["found"] if isinstance(seen, Transcript) else None
    name = getattr(kind, "type", "")
    return [f"of two gru_cell.py, that in {'hw3' if 'hw3.' in name else 'mytorch'}/ counts"] if name else []


def is_model_solution(root: Path) -> bool:
    """Whether the files are those of the model solution, syntax tree for syntax tree; given ones may be absent."""
    files = [*STUDENTS_FILES, *(file for file in GIVEN_FILES if (root / file).exists())]
    return all(_same_program(root / file, MODEL_SOLUTION / file) for file in files)


def _same_program(file: Path, model: Path) -> bool:
    try:
        if file.stat().st_size > 4 * model.stat().st_size:
            return False
        text, wanted = file.read_bytes(), model.read_bytes()
        return text == wanted or ast.dump(ast.parse(text)) == ast.dump(ast.parse(wanted))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
