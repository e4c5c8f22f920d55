"""For GitHub Actions: a summary of the job in Markdown, and annotations at the lines of a hand-in.

summary.md is what a workflow appends to the file $GITHUB_STEP_SUMMARY, which takes 1 MiB a step. annotations.txt holds
workflow commands, ::error file=...,line=...::message, which take effect when they are printed; GitHub shows ten of a
step, so the most basic causes come first. Escapes are those of the runner (actions/runner,
src/Runner.Common/ActionCommand.cs): % CR LF in messages, and : , besides in properties. Both as in
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.

A runner obeys such commands in any output, that of `grading grade` with what a hand-in printed too: see the example
workflow, examples/github/grade.yml, for how to print that.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from grading import locate, problems
from grading.files import write_whole
from grading.formats import Options, Report, told
from grading.language import translator
from grading.problems import Problem
from properties.interpreter.loader import SPELLINGS

SUMMARY, ANNOTATIONS = "summary.md", "annotations.txt"
MOST_BYTES = 1_000_000  # of a summary
MOST_ANNOTATIONS = 10
LARGEST_SOURCE = 1 << 20  # bytes of a file that is looked through for a function
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write out/NAME/summary.md and out/NAME/annotations.txt for each report."""
    roots = _roots(options.hand_ins)
    written = []
    for report in reports:
        folder, root = out / report["submission"], roots.get(report["submission"])
        written.append(write_whole(folder / SUMMARY, summary(report, options)))
        written.append(write_whole(folder / ANNOTATIONS, "\n".join(annotations(report, options, root)) + "\n"))
    return written


def _roots(hand_ins: Path | None) -> Mapping[str, Path]:
    """Where the files of each hand-in lie; nothing for archives."""
    if hand_ins is None:
        return {}
    entries, _ = locate.entries([hand_ins])
    roots = {entry.name: locate.root_of(entry.path) for entry in entries if entry.path.is_dir()}
    return {name: root for name, root in roots.items() if root is not None}


# The summary


def summary(report: Report, options: Options) -> str:
    """The report in Markdown: points by step, then each problem, as many as there is room for."""
    name = escaped(report["submission"])
    if told.is_broken(report):
        return f"# {name}\n\n{escaped(told.broken_text(options.language))}\n"
    text = f"# {name}: {told.points_text(report, options.language)}\n\n{_table(report, options)}\n"
    ends = [told.verdict_text(report, options), "" if options.for_students else told.isolation_text(report)]
    end = "".join(f"\n{fenced(part)}\n" for part in ends if part)
    sections = [fenced(told.problem_text(problem, report, options)) for problem in problems.of_report(report)]
    for number, section in enumerate(sections):
        if len((text + section + end).encode("utf-8", "replace")) > MOST_BYTES:
            tr = translator(options.language)
            return f"{text}\n{tr('and {count} more').format(count=len(sections) - number)}\n{end}"
        text += f"\n{section}\n"
    return text + end


def _table(report: Report, options: Options) -> str:
    tr = translator(options.language)
    asked = told.asked(report)
    rows = [f"| {tr('Step')} | {tr('Points')} | |", "|---|---:|---|"]
    for step in report["steps"]:
        outcome = step["outcome"] if step["step"] in asked else "not asked for"
        mark = "✅" if outcome == "passed" else "❌" if step["step"] in asked else "➖"
        points = f"{told.points(step['points'])} / {told.points(step['max_points'])}"
        rows.append(f"| {step['step']} | {points} | {mark} {tr(outcome)} |")
    return "\n".join(rows)


def fenced(text: str) -> str:
    """The text as a block that is shown as it is, whatever is in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def escaped(text: str) -> str:
    """The text as Markdown that shows it, on one line: a backslash before all that could mean something."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


# Annotations


def annotations(report: Report, options: Options, root: Path | None = None) -> Iterator[str]:
    """A workflow command for each problem, or that there is none. Files are named below root, as it was given."""
    tr = translator(options.language)
    if told.is_broken(report):
        yield command("error", told.broken_text(options.language), title=report["submission"])
        return
    found = problems.of_report(report)
    for problem in found[:MOST_ANNOTATIONS]:
        message = told.what_and_where(problem, report, options)
        yield command("error", message, **_place(problem, root), title=told.names(problem))
    said = filter(None, [told.points_text(report, options.language), tr(report["message"])])
    yield command("notice", "; ".join(said), title=report["submission"])


def command(kind: str, message: str, **properties: str) -> str:
    """A workflow command on one line."""
    given = ",".join(f"{name}={_of_property(value)}" for name, value in properties.items() if value)
    return f"::{kind} {given}::{_of_message(message)}"


def _of_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _of_property(text: str) -> str:
    return _of_message(text).replace(":", "%3A").replace(",", "%2C")


def _place(problem: Problem, root: Path | None) -> Mapping[str, str]:
    """The file and line to look at, if there is such a file: a message may name any."""
    place = problem.place
    if place is None or ".." in Path(place.file).parts:
        return {}
    if root is None:
        return {"file": place.file, "line": place.line}
    file = root / place.file
    if not file.is_file():
        return {}
    here = Path.cwd()  # where the workflow's repository lies, from whose root files are named
    shown = file.resolve().relative_to(here).as_posix() if file.resolve().is_relative_to(here) else place.file
    return {"file": shown, "line": place.line or _line_of(file, place.function)}


def _line_of(file: Path, function: str) -> str:
    """The line in which a class's method, or a function, begins; "" where it is not there."""
    try:
        if file.stat().st_size > LARGEST_SOURCE:
            return ""
        body: Iterable[ast.stmt] = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    line = ""
    for name in function.split("."):
        wanted = SPELLINGS.get(name, (name,))
        found = [
            node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in wanted
        ]  # fmt: skip
        if not found:
            break
        line, body = str(found[0].lineno), found[0].body
    return line
