"""The page of one hand-in: points, and for each problem what is wrong, where, on which example, in pictures."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from grading import problems
from grading.formats.html import arrays, telling
from grading.formats.html.heat_maps import colour_strip
from grading.formats.html.render import filled
from grading.gradebook import asked_for
from grading.language import Translate

MOST_PRINTED, LONGEST_PRINTED = 40, 400  # lines, and characters of one
UNFOLDED = 4  # problems whose example is open from the start
MOST_MAPS = 3  # of a problem that are shown from the start
MOST_CHARTS = 2  # of a problem; those of its other gradients look alike
UNKNOWN = {"isolation": "?", "key_id": "?", "why_not_better": ""}  # of the suite, where a report does not say it
Report = Mapping[str, Any]
Property = Mapping[str, Any]
Drawn = TypeVar("Drawn")


class Shown(NamedTuple):
    """A problem in words and pictures: arrays as heat maps, errors against time, and against the step size."""

    told: telling.Told
    heat_maps: Sequence[arrays.Compared]
    over_time: Sequence[arrays.Chart]
    against_step: Sequence[arrays.Chart]
    is_unfolded: bool

    @property
    def has_pictures(self) -> bool:
        return bool(self.heat_maps or self.over_time or self.against_step)


def html(report: Report, tr: Translate, language: str, for_students: bool = True) -> str:
    """The page. tr translates a text to this language; not for students, it says why isolation was no better."""
    report = {"message": "", "sha256": "", **report, "suite": {**UNKNOWN, **report.get("suite", {})}}
    found = problems.of_report(report)
    wrong = [problem for problem in found if problem.outcome != "not_run"]
    asked = asked_for(report)
    printed = report.get("printed", "").splitlines()
    return filled(
        "hand_in.html.j2",
        language,
        tr,
        report=report,
        asked=asked,
        could_run=any(step["properties"] for step in report["steps"]),
        is_right=not found and all(step["outcome"] == "passed" for step in report["steps"] if step["step"] in asked),
        problems=[_shown(report, problem, number < UNFOLDED, tr) for number, problem in enumerate(wrong)],
        to_do=[telling.told(problem, tr) for problem in found if problem.outcome == "not_run"],
        advice=telling.advice(report, tr),
        quiz=_quiz(report.get("quiz"), language),
        total=report.get("total"),
        printed="\n".join(_cut(line) for line in printed[:MOST_PRINTED]),
        printed_more=max(len(printed) - MOST_PRINTED, 0),
        strip=colour_strip(),
        most_maps=MOST_MAPS,
        for_students=for_students,
    )


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_PRINTED else line[:LONGEST_PRINTED] + "…"


def _shown(report: Report, problem: problems.Problem, is_unfolded: bool, tr: Translate) -> Shown:
    failing = _failing(report, problem)

    def drawn(draw: Callable[[Sequence[Property], Translate], Drawn | None], most: int | None = None) -> list[Drawn]:
        pictures = (picture for props in failing if (picture := draw(props, tr)) is not None)
        return list(itertools.islice(pictures, most))

    return Shown(
        telling.told(problem, tr),
        drawn(arrays.compared),
        drawn(arrays.over_time),
        drawn(arrays.against_step, MOST_CHARTS),
        is_unfolded,
    )


def _failing(report: Report, problem: problems.Problem) -> list[list[Property]]:
    """For each entry that the problem lost, the required properties that fail; first those that the problem tells."""
    each = [
        [
            prop
            for prop in step["properties"]
            if prop["entry"] == entry["entry"] and prop["tier"] == "required" and prop["outcome"] == "failed"
        ]
        for step in report["steps"]
        for entry in step["entries"]
        if step["step"] in problem.lost and entry["entry"] in (problem.lost[step["step"]] or [entry["entry"]])
    ]
    return [sorted(props, key=lambda prop: prop not in problem.properties) for props in each]


def _quiz(quiz: Mapping[str, Any] | None, language: str) -> dict[str, Any] | None:
    """The quiz in this language: the texts that it brings in it, in the place of the English ones beside them."""
    if not quiz:
        return None

    def spoken(part: Mapping[str, Any]) -> dict[str, Any]:
        return {**part, **part.get(language, {})}

    return {**spoken(quiz), "questions": [spoken(question) for question in quiz["questions"]]}
