"""What the hand-out's runner.py runs: a student's own folder, checked with the practice exam that came along.

It is the suite that grades, less what would give the solution away: no control run, no transplant of the model
solution's cells, no catalogue of bugs; and it draws nothing, so neither torch nor Hypothesis is needed.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grading import exam, isolation, language, locate, quiz, replay, report, rubric, terminal
from grading.faults import Broken, Usage
from grading.grade import Settings, grade
from grading.layout import wrapped
from properties.hand_in import Remembering
from properties.registry import STEPS, Property, all_properties

PAID, LOST, USAGE, BROKEN = 0, 1, 2, 3
ISOLATION = "process"  # the student's own program, and the same on every system
COMMAND = "python ./autograder/hw3_autograder/runner.py"
HOW = f"{COMMAND} [replay PROPERTY CASE]"


def main(program: Path, exam_file: Path, arguments: Sequence[str] = ()) -> int:
    """Check the hand-in in this folder, or show an example again; print what is found and return the exit status.

    0 all is right, 1 something is not, 2 the command was wrong, 3 nothing could be checked.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot show a character shows a stand-in
    try:
        root = locate.root_of(program)
        if root is None:
            raise Usage(f"{program} holds neither mytorch/ nor hw3/")
        properties = all_properties()
        practice = _exam(exam_file, properties)
        if arguments:
            return _again(arguments, root, properties, practice)
        return _check(root, properties, practice)
    except Usage as error:
        print(f"runner.py: {error}", file=sys.stderr)
        return USAGE
    except Broken as error:
        print(f"runner.py cannot check this: {error}", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        print("runner.py: interrupted", file=sys.stderr)
        return BROKEN


def _exam(file: Path, properties: Sequence[Property]) -> exam.Exam:
    """The practice exam. Raises Broken where it is not as it was handed out."""
    families = {prop.family.name: prop.family for prop in properties}
    try:
        return exam.from_bytes(file.read_bytes(), str(file), families, shipped=True)
    except (OSError, Usage) as error:
        raise Broken(f"{error}; unpack the homework's archive again") from None


def _check(root: Path, properties: Sequence[Property], practice: exam.Exam) -> int:
    points = rubric.load(rubric.DEFAULT, properties)
    open_hand_in = isolation.rung(ISOLATION).open_hand_in
    settings = Settings(properties, practice, points, STEPS, open_hand_in, ISOLATION, has_solution=False)
    found = _with_replay(grade(root.name, root, settings))
    spoken = language.choose(None)
    for line in terminal.whole(found, str(root), spoken, terminal.in_colour(sys.stdout)):
        print(line)
    print()
    for line in _notes(root, spoken):
        print(line)
    return PAID if found["points"] == found["max_points"] else LOST


def _notes(root: Path, spoken: str) -> list[str]:
    """What is read of the quiz, and what this run leaves out."""
    tr = language.translator(spoken)
    answers = getattr(quiz.as_read(quiz.answers_of(root)), spoken)
    read = tr("Quiz (right or wrong is not told here): {answers}.").format(answers=answers)
    off = tr(
        "These are the checks that grade, on practice numbers. What needs the model solution is off here: the name of "
        "a known bug, the check of the grader itself, and the second try: in grading, a step that fails only because "
        "your cell is wrong is tried again with a right cell, and can still earn its points."
    )
    return [*wrapped(read, "", ""), *wrapped(off, "", "")]


def _with_replay(found: report.Report) -> report.Report:
    """The report with the command that shows an example again here."""

    def here(prop: Mapping[str, Any]) -> dict[str, Any]:
        _, _, example = prop["replay"].partition(f' "{prop["id"]}" ')
        return {**prop, "replay": f'{COMMAND} replay "{prop["id"]}" {example}' if example else ""}

    steps = [{**step, "properties": [here(prop) for prop in step["properties"]]} for step in found["steps"]]
    return {**found, "steps": steps}


def _again(arguments: Sequence[str], root: Path, properties: Sequence[Property], practice: exam.Exam) -> int:
    """Show an example again: one of those that came along with their answers. Raises Usage."""
    if len(arguments) != 3 or arguments[0] != "replay":
        raise Usage(f"it takes nothing, or an example to show again: {HOW}")
    prop, wanted = replay.find(list(properties), arguments[1]), replay.from_words(arguments[2])
    replay.check_kind(prop, wanted)
    case = practice.kept.get(wanted)
    if case is None or case not in (*practice.cases[prop.family.name], *prop.family.ladder):
        raise Usage(f"{arguments[2]!r} is none of the examples that this runner shows for {prop.id}")
    hand_in = Remembering(isolation.rung(ISOLATION).open_hand_in(root.resolve(), "own"))
    try:
        text, holds = replay.show(prop, case, hand_in, language.translator(language.choose(None)))
    finally:
        hand_in.close()
    print(text)
    return PAID if holds else LOST
