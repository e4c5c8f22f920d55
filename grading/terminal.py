"""What a person reads in the terminal: the figure, the points, and for each problem what, where, example and replay.

Plain text of 80 columns, or, for a terminal that has them, in colours. The figure is never coloured or translated, as
programs read its lines. Whatever a student wrote is shown with the escape of each character that a terminal would obey.
"""

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

from rich.console import Console

from grading import figure, problems
from grading.gradebook import NOT_ASKED, Row, asked_for
from grading.language import Translate, translator
from grading.layout import (
    DIGITS,
    WIDTH,
    array,
    beside,
    compared,
    named,
    padded,
    painted,
    plain,
    rounded,
    table,
    table_width,
    width_of,
    wrapped,
    wrong_part,
)
from grading.problems import Problem
from properties.registry import CELL_STEPS, STEPS

MOST_LINES = 24  # of a script, and of what was printed
NAMES = 16  # columns for the name of a step
REPLAY = "python -m grading replay"  # and the hand-in's name; what follows is as grading.replay writes it
SIDES = ("red", "green")  # what came back, and what should have
WORDS = re.compile(r'"[^"]*"|[^\s"]+')  # of a command
Report = Mapping[str, Any]
Property = Mapping[str, Any]


class Manner(NamedTuple):
    """How it is told: language and translation, whether in colours, and the path to the hand-in."""

    language: str
    tr: Translate
    colour: bool
    path: str

    def paint(self, text: str, style: str) -> str:
        return painted(text, style, self.colour)


def whole(report: Report, path: str, language: str = "en", colour: bool = False) -> Iterator[str]:
    """Everything about one hand-in, line by line; path is what to call it in commands."""
    manner = Manner(language, translator(language), colour, path)
    yield from figure.lines(report)
    yield ""
    yield from points(report, manner)
    found = problems.of_report(report)
    yield from verdict(report, found, manner)
    yield from problem_lines([problem for problem in found if problem.outcome != "not_run"], report, manner)
    yield from to_do([problem for problem in found if problem.outcome == "not_run"], manner)
    yield from quiz_lines(report, manner)
    yield from _printed(report, manner)
    yield from advice(report, manner)


def in_colour(stream: TextIO) -> bool:
    """Whether what reads the stream shows colours and wants them: a terminal, but not with NO_COLOR or TERM=dumb."""
    console = Console(file=stream)
    return console.color_system is not None and not console.no_color and not console.legacy_windows


def summary_line(row: Row) -> str:
    """One hand-in in one line."""
    lost = [name for name, step in zip(STEPS, row.steps, strict=True) if step.outcome not in ("passed", NOT_ASKED)]
    refused = row.message and row.outcome == "not_run"  # and then the message says why
    reason = "; ".join(filter(None, [f"lost: {', '.join(lost)}" if lost and not refused else "", row.message]))
    quiz = "" if row.quiz is None else f", quiz {row.quiz:g}"
    return plain(f"{row.name:<24} {row.points:>5g} / {row.max_points:g}{quiz}  {reason}".rstrip())


# Points


def points(report: Report, manner: Manner) -> Iterator[str]:
    """A line a step, the total, and what it was made with."""
    tr = manner.tr
    for step in report["steps"]:
        line = f"{step['step']:<{NAMES}}{_of(step)}"
        if step["step"] in asked_for(report):
            yield manner.paint(line, _shade(step)) + _how_paid(step, manner)
        else:
            yield f"{line}  {tr('(not asked for)')}"
    yield manner.paint(f"{padded(tr('Total'), NAMES)}{_of(report)}", "bold")
    if quiz := report.get("quiz"):
        yield manner.paint(f"{padded(tr('Quiz'), NAMES)}{_of(quiz)}", _shade(quiz))
    if total := report.get("total"):
        graded = tr("not graded yet") if total["report"] is None else f"{total['report']:>6g}"
        yield f"{padded(tr('Written report'), NAMES)}{graded}"
        yield manner.paint(f"{padded(tr('All together'), NAMES)}{_of(total)}", "bold")
    suite = report["suite"]
    made = tr("(isolation: {isolation}; exam: {exam})").format(isolation=suite["isolation"], exam=suite["key_id"])
    yield from wrapped(made, "", "")
    if suite.get("why_not_better"):
        yield from wrapped(tr("No better isolation: {why}.").format(why=tr(suite["why_not_better"])), "")


def _of(part: Mapping[str, Any]) -> str:
    return f"{part['points']:>6g} / {part['max_points']:g}"


def _shade(part: Mapping[str, Any]) -> str:
    if part["points"] >= part["max_points"]:
        return "green"
    return "yellow" if part["points"] else "red"


def _how_paid(step: Mapping[str, Any], manner: Manner) -> str:
    """Why a step pays although something that it rests on is wrong."""
    ways = {entry.get("paid_by") for entry in step["entries"]}
    if "model" in ways:
        return f"  {manner.tr('(tried with a right cell in place of yours)')}"
    return f"  {manner.tr('(right for your own forward)')}" if "derivative" in ways else ""


def verdict(report: Report, found: Sequence[Problem], manner: Manner) -> Iterator[str]:
    """That nothing is wrong, why nothing could be graded, or what else there is to say of the whole."""
    tr = manner.tr
    asked = [step for step in report["steps"] if step["step"] in asked_for(report)]
    said = tr(report["message"])
    if not any(step["properties"] for step in asked):
        yield ""
        reason = said or tr("there was nothing to run")
        text = tr("It could not be graded: {reason}.").format(reason=reason)
        yield from (manner.paint(line, "bold red") for line in wrapped(text, ""))
        return
    if said:
        yield from wrapped(tr("Note: {note}.").format(note=said), "")
    if not found and all(step["outcome"] == "passed" for step in asked):
        yield ""
        yield manner.paint(tr("Nothing is wrong: every point is yours."), "bold green")


# What is wrong


def problem_lines(found: Sequence[Problem], report: Report, manner: Manner) -> Iterator[str]:
    told: Property | None = None
    if len(found) > 1:
        text = manner.tr("Problems: {count}. The most basic comes first.").format(count=len(found))
        yield from ("", manner.paint(text, "bold"))
    for problem in found:
        yield ""
        yield from _title(problem, "", manner)
        yield from what_and_where(problem, manner)
        if problem.first["counterexample"]:
            if not problem.at_import:
                yield from _example(problem, told, manner)
                told = problem.first
            yield from _again(problem.first, report["submission"], manner)


def _title(problem: Problem, indent: str, manner: Manner) -> Iterator[str]:
    names = "; ".join(", ".join([step, *entries]) for step, entries in problem.lost.items())
    text = manner.tr("{names}: 0 of {points} points").format(names=names, points=f"{problem.points:g}")
    yield from (manner.paint(line, "bold") for line in wrapped(text, indent))


def what_and_where(problem: Problem, manner: Manner) -> Iterator[str]:
    """What is wrong in a sentence, where to look, and how it shows."""
    tr, first = manner.tr, problem.first
    if problem.says:
        says = tr(problem.says)
        yield from _red(says if says.endswith((".", "。")) else tr("It is {pattern}.").format(pattern=says), manner)
        yield from _where(problem, manner)
        yield from (line for text in _how(problem, tr) for line in wrapped(text, "  "))
    else:
        if problem.outcome == "failed":
            yield from wrapped(tr(claim(first)), "  ")
        yield from (line for text in _how(problem, tr) for line in _red(text, manner))
        yield from _where(problem, manner)
    if first.get("cells") == "model":
        yield from wrapped(tr("This was tried with a right cell in place of yours."), "  ")
    if first["message"].endswith(problems.FORWARD_TOO):
        yield from wrapped(tr("forward is wrong as well, and the likely cause: mend that first."), "  ")


def _red(text: str, manner: Manner) -> Iterator[str]:
    return (manner.paint(line, "red") for line in wrapped(text, "  "))


def _where(problem: Problem, manner: Manner) -> Iterator[str]:
    place, tr = problem.place, manner.tr
    if place is None:
        return
    if place.line and place.function not in ("", problems.MODULE):
        text = tr("Look at {file}, line {line}, {function}.")
    elif place.line:
        text = tr("Look at {file}, line {line}.")
    else:
        text = tr("Look at {file}, {function}.")
    for line in wrapped(text.format(**place._asdict()), "  "):
        yield manner.paint(line, "cyan")


def claim(prop: Property) -> str:
    """The claim, without the name of the part that it is about."""
    part = prop["id"].partition("[")[2].rstrip("]")
    return str(prop["claim"]).removeprefix(f"{part}: ") if part else str(prop["claim"])


def _how(problem: Problem, tr: Translate) -> Iterator[str]:
    """How it went wrong, of the first property and of those that the table of results does not tell all about."""
    first, *others = problem.properties
    said = {
        "failed": tr("{message}.") if problem.says else tr("But {message}."),
        "crashed": tr("It crashes: {message}."),
        "timed_out": tr("It does not end in time: {message}."),
        "not_run": tr("{message}."),
        "broken": tr("It cannot be decided: {message}."),
    }[problem.outcome]
    yield said.format(message=_message(first, tr))
    untold = [prop for prop in others if problem.outcome == "failed" and "expected" not in prop["counterexample"]]
    alike = [prop for prop in untold if _nameless(prop) == _nameless(first)]
    if alike:
        names = ", ".join(prop["counterexample"]["what"] for prop in alike)
        yield tr("The same is true of {names}.").format(names=names)
    yield from (said.format(message=_message(prop, tr)) for prop in untold if prop not in alike)


def _nameless(prop: Property) -> str:
    """The message without the result's name."""
    return str(prop["message"]).removeprefix(prop["counterexample"].get("what", ""))


def _message(prop: Property, tr: Translate) -> str:
    """The message without what is told elsewhere: the place, and that forward is wrong."""
    message = prop["message"].removesuffix(problems.FORWARD_TOO)
    return tr(problems.without_place(message)).rstrip(".")


# The example


def _example(problem: Problem, told: Property | None, manner: Manner) -> Iterator[str]:
    """The arrays and the script, if they are not those that were told last, and what came back."""
    tr, example = manner.tr, problem.first["counterexample"]
    yield ""
    before = told["counterexample"] if told else {}
    if before.get("case") == example["case"] and before.get("script") == example["script"]:
        yield f"  {tr('On the same example:')}"
    else:
        words = {"example": tr(example.get("at", example["case"]))}
        if any(map(rounded, example["arrays"].values())):
            yield from wrapped(tr("On this example, {example} (rounded here):").format(**words), "  ")
        else:
            yield from wrapped(tr("On this example, {example}:").format(**words), "  ")
        arrays = {name: tr(array) if isinstance(array, str) else array for name, array in example["arrays"].items()}
        yield from beside([named(name, array, WIDTH - 4) for name, array in arrays.items()], "    ")
        yield ""
        yield from _script(_relevant(problem), manner)
    yield from _results(problem.properties, manner)


def _script(lines: Sequence[str], manner: Manner) -> Iterator[str]:
    if any("projection(" in line for line in lines):
        comment = manner.tr("projection(net, C, H): the Linear of net whose W is (C, H)")
        yield from wrapped(f"# {comment}", "    ", "    # ")
    for line in lines[:MOST_LINES]:
        yield from wrapped(line, "    ", "        ")
    if len(lines) > MOST_LINES:
        more = manner.tr("and {count} lines more").format(count=len(lines) - MOST_LINES)
        yield f"    # {more}"


def _relevant(problem: Problem) -> list[str]:
    """The script without the lines that only read an attribute that is not wanted."""
    wanted = [prop["counterexample"].get("what", "") for prop in problem.properties]
    script = problem.first["counterexample"]["script"]
    if problem.outcome == "failed" and not wanted[0]:
        return list(script)
    return [line for line in script if "(" in line or line.partition(" = ")[0] in wanted]


def _results(props: Sequence[Property], manner: Manner) -> Iterator[str]:
    """What came back beside what should have, or below each other where there is no room."""
    tr, room = manner.tr, WIDTH - 8
    heads, rows = [[tr("came back")], [tr("should be")]], []
    for prop in props:
        example = prop["counterexample"]
        what = plain(tr(example["what"]) if "what" in example else tr("the result"))
        actual, expected, allowed = (example.get(name) for name in ("actual", "expected", "allowed"))
        if actual is not None and expected is not None and not isinstance(expected, str):
            index, actual, expected = wrong_part(actual, expected, allowed)
            rows.append([[f"{what}{index}"], *compared(actual, expected, allowed, room)])
        elif actual is not None and expected is None:
            rows.append([[what], array(actual, DIGITS, room), []])
    if not rows:
        return
    if not any(expected for _, _, expected in rows):
        heads, rows = heads[:1], [row[:2] for row in rows]
    yield ""
    cells = [[[""], *heads], *rows]
    if table_width(cells) <= WIDTH - 4:
        yield from table(cells, "    ", ("", *SIDES), manner.colour)
    else:
        for (name,), *results in rows:
            for (head,), result, style in zip(heads, results, SIDES, strict=False):
                if result:
                    yield f"    {name} {head}"
                yield from (manner.paint(f"      {line}", style) for line in result)
    if any("*" in line for row in rows for line in row[1]):
        yield f"    {tr('(* is wrong)')}"


def _again(prop: Property, name: str, manner: Manner) -> Iterator[str]:
    """The command that shows the example again, for this hand-in, over several lines where a shell can read that."""
    if not prop["replay"]:
        return
    yield f"  {manner.tr('To see it again:')}"
    command, start = prop["replay"], f"{REPLAY} {shlex.quote(name)} "
    words = WORDS.findall(command.removeprefix(start))
    if command.startswith(start):
        words = [*REPLAY.split(), _quoted(manner.path), *words]
    line = "   "
    for word in map(plain, words):
        if os.name != "nt" and line.strip() and width_of(f"{line} {word} \\") > WIDTH:
            yield manner.paint(f"{line} \\", "cyan")
            line = "     "
        line += f" {word}"
    yield manner.paint(line, "cyan")


def _quoted(path: str) -> str:
    return f'"{path}"' if os.name == "nt" else shlex.quote(path)


# What is not there yet, the quiz, what was printed, and advice


def to_do(found: Sequence[Problem], manner: Manner) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield manner.paint(manner.tr("Not written yet, or missing:"), "bold")
    for problem in found:
        yield from (line for text in _how(problem, manner.tr) for line in wrapped(text, "  "))
        yield from (f"  {line}" for line in _where(problem, manner))
        yield from _title(problem, "    ", manner)


def quiz_lines(report: Report, manner: Manner) -> Iterator[str]:
    """A line a question, or why there is none. The quiz brings its own Chinese."""
    quiz = report.get("quiz")
    if not quiz or (report["message"] and report["message"] in quiz["message"]):  # refused as a whole, and told so
        return
    yield ""
    yield manner.paint(manner.tr("Quiz"), "bold")

    def said(part: Mapping[str, Any], name: str) -> str:
        return str(part.get(manner.language, {}).get(name) or part.get(name, ""))

    message = said(quiz, "message")
    if message:
        yield from wrapped(manner.tr("{message}.").format(message=message), "  ")
    if message and all(question["outcome"] == "not_run" for question in quiz["questions"]):
        return
    for question in quiz["questions"]:
        text = f"{question['question']:<6}{_of(question)}  {said(question, 'message')}"
        yield from (manner.paint(line, _shade(question)) for line in wrapped(text, "  ", "    "))
        if explanation := said(question, "explanation"):
            yield from wrapped(explanation, "    ")


def _printed(report: Report, manner: Manner) -> Iterator[str]:
    if not report.get("printed"):
        return
    yield ""
    yield manner.paint(manner.tr("It printed:"), "bold")
    lines = wrapped(report["printed"].replace("\r\n", "\n").rstrip("\n"), "  ", "  ")
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"  ... {manner.tr('and {count} lines more').format(count=len(lines) - MOST_LINES)}"


def advice(report: Report, manner: Manner) -> Iterator[str]:
    """Advice about steps that passed, on cells that passed: elsewhere it would repeat what is wrong."""
    tr = manner.tr
    passed = {step["step"] for step in report["steps"] if step["outcome"] == "passed"}
    told: dict[tuple[str, str], str] = {}
    for step in report["steps"]:
        if not passed.issuperset({step["step"], *CELL_STEPS.get(step["step"], ())}):
            continue
        for prop in step["properties"]:
            if prop["tier"] == "advisory" and prop["outcome"] != "passed":
                told.setdefault((step["step"], claim(prop)), prop["message"])
    if not told:
        return
    yield ""
    yield manner.paint(tr("Advice, which costs no points:"), "bold")
    for (name, should), message in told.items():
        text = tr("{step}: {claim} Here: {message}.")
        yield from wrapped(text.format(step=name, claim=tr(should), message=tr(message).rstrip(".")), "  ")
