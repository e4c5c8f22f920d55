"""Grade one hand-in: own cells first, the model's where these lost points, then points and a report."""

import ast
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from grading import rubric as rubrics
from grading.faults import Broken
from grading.judge import Exam, Finding, judge
from grading.report import report_of
from grading.rubric import Rubric
from properties.hand_in import MODEL_SOLUTION, HandIn, Question, Remembering
from properties.registry import CELL_STEPS, STEPS, Property
from properties.transcript import Transcript

LEAST_SECONDS = 2.0  # for one script, whatever the control needed
TIMES_CONTROL = 50.0
STUDENTS_FILES = ("mytorch/rnn_cell.py", "mytorch/gru_cell.py", "hw3/rnn_classifier.py", "hw3/hw3.py")
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
    control_seconds: Mapping[Question, float] = {}  # never written to


def with_control(settings: Settings) -> Settings:
    """Grade the model solution as any hand-in; its times set the deadlines. Raises Broken if it loses a point."""
    findings, seconds, _ = _examine(MODEL_SOLUTION, settings)
    report = report_of("impl", findings, settings)
    if report["points"] < report["max_points"]:
        unmet = next(f for f in findings if not f.holds and f.prop.tier == "required")
        raise Broken(f"the model solution loses points here: {unmet.prop.id}: {unmet.message}")
    return settings._replace(control_seconds=seconds)


def grade(name: str, root: Path, settings: Settings) -> dict[str, Any]:
    """The report of the hand-in at this root. Raises Broken for a fault of ours."""
    missing = [folder for folder in ("mytorch", "hw3") if not (root / folder).is_dir()]
    findings, _, notes = _examine(root, settings)
    broken = next((finding for finding in findings if finding.outcome == "broken"), None)
    if broken is not None:
        raise Broken(f"{name}: {broken.prop.id} on {broken.case} cannot be decided: {broken.message}")
    messages = [f"{folder}/ is missing" for folder in missing] + notes
    if is_model_solution(root):
        messages.append("the same program as the model solution")
    return report_of(name, findings, settings, "; ".join(messages))


def _examine(root: Path, settings: Settings) -> tuple[list[Finding], dict[Question, float], list[str]]:
    """The findings of all steps, how long each script took, and what else is worth telling."""

    def allowed(question: Question) -> float:
        return max(LEAST_SECONDS, TIMES_CONTROL * settings.control_seconds.get(question, 0.0))

    def chosen(*tiers: str, steps: Sequence[str]) -> list[Property]:
        return [prop for prop in settings.properties if prop.tier in tiers and prop.step in steps]

    def examine(cells: str, steps: Sequence[str], among: list[Finding]) -> list[Finding]:
        hand_in = Remembering(settings.open_hand_in(root, cells), allowed)
        try:
            found = judge(chosen("required", "advisory", steps=steps), settings.exam, hand_in, cells)
            wrong = [
                step
                for step in steps
                if any(rubrics.forward_is_wrong(step, entry, among + found) for entry in settings.rubric[step])
            ]
            found += judge(chosen("alternative", "condition", steps=wrong), settings.exam, hand_in, cells)
            seconds.update(hand_in.seconds())
            if cells == "own":
                notes.extend(_notes(root, hand_in))
        finally:
            hand_in.close()
        return found

    seconds: dict[Question, float] = {}
    notes: list[str] = []
    cell_steps = {cell for step in settings.steps for cell in CELL_STEPS.get(step, ())}
    steps = [step for step in STEPS if step in settings.steps or step in cell_steps]
    findings = examine("own", steps, [])
    lost = {
        step
        for step in steps
        if any(not rubrics.paid_by(step, entry, findings) for entry in settings.rubric[step])
    }  # fmt: skip
    again = [step for step, cells in CELL_STEPS.items() if step in lost and lost.intersection(cells)]
    if again:
        findings += examine("model", again, findings)
    return findings, seconds, notes


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
    """Whether the four files to be written are those of the model solution, syntax tree for syntax tree."""
    return all(_same_program(root / file, MODEL_SOLUTION / file) for file in STUDENTS_FILES)


def _same_program(file: Path, model: Path) -> bool:
    try:
        if file.stat().st_size > 4 * model.stat().st_size:
            return False
        text, wanted = file.read_bytes(), model.read_bytes()
        return text == wanted or ast.dump(ast.parse(text)) == ast.dump(ast.parse(wanted))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
