"""A problem in words, as the page of a hand-in tells it: what, where, how it shows, and the smallest example."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from grading import problems
from grading.formats.html.arrays import array_of
from grading.language import Translate
from grading.layout import array, compared, named, rounded
from grading.problems import Problem
from properties.registry import CELL_STEPS

COLUMNS = 42  # of a telephone, in a type of one width
MOST_LINES = 60  # of a script
LARGEST_COMPARED = 64  # elements that are set out in numbers; a larger result has its picture
DIGITS = 6
Report = Mapping[str, Any]
Property = Mapping[str, Any]


class Result(NamedTuple):
    """What came back, and what should have, in lines; the latter is "" where the report does not say it."""

    what: str
    actual: str
    expected: str


class Example(NamedTuple):
    """The smallest example: in words, its numbers and calls as Python, its results, and the command to replay it."""

    at: str
    numbers: str
    script: str
    results: Sequence[Result]
    is_marked: bool  # with a * behind each wrong element
    is_rounded: bool
    replay: str


class Told(NamedTuple):
    """A problem. lost are the entries by step, of a step that is lost whole none; notes say what there is besides."""

    lost: Mapping[str, Sequence[str]]
    points: float
    what: str
    how: Sequence[str]
    place: problems.Place | None
    notes: Sequence[str]
    example: Example | None


class Advice(NamedTuple):
    """Something advisory."""

    step: str
    claim: str
    message: str


def told(problem: Problem, tr: Translate) -> Told:
    """The problem in words."""
    first = problem.first
    notes = []
    if first.get("cells") == "model":
        notes.append(tr("This was tried with a right cell in place of yours."))
    if any(prop["message"].endswith(problems.FORWARD_TOO) for prop in problem.properties):
        notes.append(tr("forward is wrong as well, and the likely cause: mend that first."))
    return Told(
        problem.lost,
        problem.points,
        _what(problem, tr),
        [_how(prop, tr) for prop in problem.properties if prop is first or _is_untold(prop)],
        problem.place,
        notes,
        None if problem.outcome == "not_run" or problem.at_import else _example(problem, tr),
    )


def _what(problem: Problem, tr: Translate) -> str:
    """What is wrong, or else what should be so."""
    if problem.says:
        says = tr(problem.says)
        return says if says.endswith((".", "。")) else tr("It is {pattern}.").format(pattern=says)
    if problem.outcome == "failed":
        return tr("This does not hold: {claim}").format(claim=tr(claim(problem.first)))
    return ""


def _is_untold(prop: Property) -> bool:
    """Whether a further property says what neither the first does nor the results of the example show."""
    return prop["outcome"] == "failed" and "expected" not in prop["counterexample"]


def _how(prop: Property, tr: Translate) -> str:
    """How it shows, without what is told elsewhere."""
    message = tr(problems.without_place(prop["message"].removesuffix(problems.FORWARD_TOO))).rstrip(".")
    said = {
        "crashed": tr("It crashes: {message}."),
        "timed_out": tr("It does not end in time: {message}."),
        "broken": tr("It cannot be decided: {message}."),
    }.get(prop["outcome"], tr("{message}."))
    return said.format(message=message)


def claim(prop: Property) -> str:
    """The claim, without the name of the part that it is about."""
    part = prop["id"].partition("[")[2].rstrip("]")
    return str(prop["claim"]).removeprefix(f"{part}: ") if part else str(prop["claim"])


def _example(problem: Problem, tr: Translate) -> Example | None:
    example = problem.first["counterexample"]
    if not example:
        return None
    arrays = {name: tr(value) if isinstance(value, str) else value for name, value in example["arrays"].items()}
    results = [result for prop in problem.properties for result in _results(prop["counterexample"], tr)]
    return Example(
        tr(example.get("at", example["case"])),
        "\n".join(line for name, value in arrays.items() for line in named(name, value, COLUMNS)),
        "\n".join(_script(problem, tr)),
        results,
        any("*" in result.actual for result in results),
        any(map(rounded, example["arrays"].values())),
        problem.first.get("replay", ""),
    )


def _script(problem: Problem, tr: Translate) -> Iterator[str]:
    """The script, without the lines that only read an attribute that is not wanted."""
    wanted = [prop["counterexample"].get("what", "") for prop in problem.properties]
    everything = problem.outcome == "failed" and not wanted[0]
    script = [
        line
        for line in problem.first["counterexample"]["script"]
        if everything or "(" in line or line.partition(" = ")[0] in wanted
    ]
    if any("projection(" in line for line in script):
        yield f"# {tr('projection(net, C, H): the Linear of net whose W is (C, H)')}"
    yield from script[:MOST_LINES]
    if len(script) > MOST_LINES:
        yield f"# {tr('and {count} lines more').format(count=len(script) - MOST_LINES)}"


def _results(example: Mapping[str, Any], tr: Translate) -> Iterator[Result]:
    what = tr(example["what"]) if "what" in example else tr("the result")
    actual, expected = example.get("actual"), example.get("expected")
    sizes = [values.size for values in map(array_of, (actual, expected)) if values is not None]
    if actual is None or max(sizes, default=1) > LARGEST_COMPARED:
        return
    if expected is None:
        yield Result(what, "\n".join(array(actual, DIGITS, COLUMNS)), "")
    else:
        ours, theirs = compared(actual, expected, example.get("allowed"), COLUMNS)
        yield Result(what, "\n".join(ours), "\n".join(theirs))


def advice(report: Report, tr: Translate) -> list[Advice]:
    """Advice about steps that passed, on cells that passed: elsewhere it would repeat what is wrong."""
    passed = {step["step"] for step in report["steps"] if step["outcome"] == "passed"}
    said: dict[tuple[str, str], str] = {}
    for step in report["steps"]:
        if passed.issuperset({step["step"], *CELL_STEPS.get(step["step"], ())}):
            for prop in step["properties"]:
                if prop["tier"] == "advisory" and prop["outcome"] != "passed":
                    said.setdefault((step["step"], claim(prop)), prop["message"])
    return [Advice(step, tr(should), tr(message).rstrip(".")) for (step, should), message in said.items()]
