"""report.json, the source of truth (report.schema.json): built from findings, written whole or not at all."""

import functools
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grading import rubric as rubrics
from grading.files import write_whole
from grading.judge import Finding
from grading.replay import command, in_words
from grading.versions import SUITE, SUITE_VERSION, suite_digest, versions
from properties.registry import STEPS

if TYPE_CHECKING:
    from grading.diagnosis import Diagnosis
    from grading.grade import Settings

MOST_SHOWN = 64  # elements of an array of a script in a report
MOST_PICTURED = 400  # of a result, of which there may be a picture
Report = dict[str, Any]


def report_of(
    name: str,
    findings: Sequence[Finding],
    settings: "Settings",
    message: str = "",
    diagnoses: "Mapping[str, Sequence[Diagnosis]] | None" = None,
    printed: str = "",
) -> Report:
    """The report of a graded hand-in."""
    steps = []
    for step in STEPS:
        entries = rubrics.entries_of(step, settings.rubric, findings)
        if step in settings.steps:
            outcome = rubrics.outcome_of(step, entries, findings)
        else:
            outcome, entries = "not_run", [entry._replace(points=0, by="") for entry in entries]
        steps.append(
            {
                "step": step,
                "outcome": outcome,
                "points": _number(sum(entry.points for entry in entries)),
                "max_points": _number(sum(entry.max_points for entry in entries)),
                "entries": [
                    {
                        "entry": entry.entry,
                        "points": _number(entry.points),
                        "max_points": _number(entry.max_points),
                        "paid_by": entry.by,
                    }
                    for entry in entries
                ],
                "properties": _properties(
                    name,
                    [finding for finding in findings if finding.prop.step == step and step in settings.steps],
                    findings,
                    settings.has_solution,
                ),
                "diagnosis": [
                    {"bug": said.bug, "says": said.says, "look_at": said.look_at, "entries": list(said.entries)}
                    for said in (diagnoses or {}).get(step, ())
                ],
            }
        )
    return _report(name, steps, settings, message, printed)


def refused(name: str, message: str, settings: "Settings") -> Report:
    """The report of a hand-in that could not be graded at all: 0 points, no step run."""
    steps = [
        {
            "step": step,
            "outcome": "not_run",
            "points": 0,
            "max_points": _number(sum(settings.rubric[step].values())),
            "entries": [
                {"entry": entry, "points": 0, "max_points": _number(points), "paid_by": ""}
                for entry, points in settings.rubric[step].items()
            ],
            "properties": [],
            "diagnosis": [],
        }
        for step in STEPS
    ]
    return _report(name, steps, settings, message)


def _report(name: str, steps: list[dict[str, Any]], settings: "Settings", message: str, printed: str = "") -> Report:
    return {
        "schema": 1,
        "submission": name,
        "points": _number(sum(step["points"] for step in steps)),
        "max_points": _number(sum(step["max_points"] for step in steps)),
        "message": message,
        "printed": without_places(printed),
        "suite": suite_of(settings),
        "steps": steps,
    }


def suite_of(settings: "Settings") -> dict[str, Any]:
    """What decides, besides the hand-in: two reports with the same were graded alike."""
    return {
        "version": SUITE_VERSION,
        **versions(),
        "isolation": settings.isolation,
        "why_not_better": settings.why_not_better,
        "steps": list(settings.steps),
        "key_id": settings.exam.key_id,
        "digest": suite_digest(),
        "rubric": settings.rubric_digest,
        "quiz": settings.quiz_digest,
    }


def write(report: Report, folder: Path) -> Path:
    """Write folder/NAME/report.json, whole or not at all."""
    text = json.dumps(report, ensure_ascii=False, allow_nan=False)  # indented, it takes ten times as long
    return write_whole(folder / report["submission"] / "report.json", text)


def _properties(
    name: str, of_step: Sequence[Finding], findings: Sequence[Finding], has_solution: bool
) -> list[dict[str, Any]]:
    """The properties of a step; the first example of each entry beside central differences, where it is a gradient."""
    told = [_property(name, finding, findings) for finding in of_step]
    if has_solution:
        from grading.slopes import against_differences

        pictured: set[str] = set()
        for finding, prop in zip(of_step, told, strict=True):
            figures, entry = finding.figures, finding.prop.entry
            if (
                finding.prop.tier != "required"
                or finding.case is None
                or entry in pictured
                or "expected" not in figures
            ):
                continue
            differences = against_differences(finding.case, figures["what"], figures["actual"], figures["expected"])
            if differences is not None:
                pictured.add(entry)
                prop["counterexample"]["differences"] = plain(differences)
    return told


def _property(name: str, finding: Finding, findings: Sequence[Finding]) -> dict[str, Any]:
    prop = finding.prop
    message = finding.message
    if (
        finding.outcome == "failed"
        and prop.tier == "required"
        and rubrics.forward_is_wrong(prop.step, prop.entry, findings)
        and not rubrics.paid_by(prop.step, prop.entry, findings)
    ):
        message += "; forward is wrong as well, and the likely cause"
    return {
        "id": prop.id,
        "claim": prop.claim,
        "entry": prop.entry,
        "tier": prop.tier,
        "cells": finding.cells,
        "outcome": finding.outcome,
        "message": without_places(message),
        "counterexample": None if finding.case is None else _counterexample(finding),
        "replay": "" if finding.case is None else command(name, prop, finding.case, finding.cells),
    }


def without_places(text: str) -> str:
    """The text without the folders of this machine, which an exception's text may name: `...` in their place."""
    for place in _places():
        text = text.replace(place, "...")
    return text


@functools.cache
def _places() -> tuple[str, ...]:
    """Where Python, its packages, this suite and its user live, the longest first."""
    found = {sys.prefix, sys.base_prefix, str(Path(np.__file__).parents[1]), str(SUITE), str(Path.home())}
    found |= {os.path.realpath(place) for place in found}
    return tuple(sorted((place for place in found if len(place) > 3), key=len, reverse=True))


def _counterexample(finding: Finding) -> dict[str, Any]:
    """The case by name, its script and its arrays, what came back, and what should have."""
    case, prop = finding.case, finding.prop
    assert case is not None
    question = prop.question(case)
    from properties.hand_in import arrays_of

    figures = finding.figures
    result = {
        "case": in_words(case),
        "at": str(case),
        "script": list(question.lines),
        "arrays": {name: shown(array) for name, array in arrays_of(case, question.lines).items()},
    }
    for key in ("what", "index", "actual", "expected", "error", "allowed"):
        if key in figures:
            value = figures[key]
            result[key] = shown(value, MOST_PICTURED) if isinstance(value, np.ndarray) else plain(value)
    return result


def shown(array: np.ndarray, most: int = MOST_SHOWN) -> Any:
    """An array as nested lists, or its shape where it has more elements."""
    return plain(array.tolist()) if array.size <= most else f"array of shape {array.shape}"


def plain(value: Any) -> Any:
    """The value as JSON can hold it: nan and inf as strings, complex numbers too."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, complex):
        return str(value)
    return value


def _number(points: float) -> float | int:
    """Points as a JSON number, 10 rather than 10.0."""
    rounded = round(points, 6)
    return int(rounded) if rounded == int(rounded) else rounded
