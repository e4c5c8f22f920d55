"""The page of a class, for its instructor: points, steps, diagnoses, and hand-ins by entry and by property."""

import statistics
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from grading.formats.html import PAGE, charts
from grading.formats.html.arrays import Shown
from grading.formats.html.charts import KINDS
from grading.formats.html.render import filled
from grading.formats.html.telling import claim
from grading.gradebook import asked_for
from grading.language import Translate
from grading.problems import pays
from grading.rubric import SEVEREST_FIRST
from properties.registry import STEPS

MOST_BARS = 12
MOST_COMMON = 8  # diagnoses, and properties
MOST_ROWS = 1000  # hand-ins in the table and the matrices: those with the fewest points
SIGNS = {"passed": "·", "failed": "✗", "crashed": "!", "timed_out": "…", "not_run": "–", "broken": "?", "": " "}
Report = Mapping[str, Any]


class Row(NamedTuple):
    """What the page needs of a hand-in: outcomes are indices in KINDS, of entries and properties by step and name."""

    name: str
    points: float
    max_points: float
    message: str
    could_run: bool
    lost: Mapping[str, bool]  # by step, of those that were asked for
    entries: Mapping[tuple[str, str], int]
    properties: Mapping[tuple[str, str], int]
    failed: Collection[tuple[str, str]]  # step and claim, without its part, of the properties that fail
    diagnoses: Sequence[tuple[str, str]]  # step, what was said


class Common(NamedTuple):
    """Something that was said of, or failed in, so many hand-ins."""

    hand_ins: int
    step: str
    text: str


class Line(NamedTuple):
    """A hand-in in the table; cells are the outcomes of its entries, as classes of style and as signs."""

    name: str
    link: str
    points: float
    cells: Sequence[tuple[str, str]]


def row_of(report: Report) -> Row:
    """The row of a report."""
    asked = asked_for(report)
    entries: dict[tuple[str, str], int] = {}
    properties: dict[tuple[str, str], int] = {}
    failed: set[tuple[str, str]] = set()
    for step in report["steps"]:
        name = step["step"]
        required = [prop for prop in step["properties"] if prop["tier"] == "required"]
        for prop in required:  # on cells of its own or the model solution's: the better one counts, as in points
            place = KINDS.index(prop["outcome"])
            properties[name, prop["id"]] = min(place, properties.get((name, prop["id"]), place))
        failed |= {
            (name, sys.intern(claim(prop)))
            for prop in required
            if KINDS[properties[name, prop["id"]]] not in ("passed", "not_run")
        }
        for entry in step["entries"]:
            outcomes = {prop["outcome"] for prop in required if prop["entry"] == entry["entry"]}
            worst = next((outcome for outcome in SEVEREST_FIRST if outcome in outcomes), "not_run")
            kind = "" if name not in asked else "passed" if pays(entry) else worst
            entries[name, entry["entry"]] = KINDS.index(kind)
    return Row(
        report["submission"],
        report["points"],
        report["max_points"],
        report.get("message", ""),
        bool(properties),
        {step["step"]: step["points"] < step["max_points"] for step in report["steps"] if step["step"] in asked},
        entries,
        properties,
        failed,
        sorted({(step["step"], said["says"]) for step in report["steps"] for said in step.get("diagnosis", ())}),
    )


def html(rows: Sequence[Row], tr: Translate, language: str) -> str:
    """The page. tr translates a text to this language."""
    points = [row.points for row in rows]
    shown = sorted(rows, key=lambda row: (row.points, row.name))[:MOST_ROWS]
    entries = _named(row.entries for row in rows)
    steps = [step for step in STEPS if any(where == step for where, _ in entries)]
    return filled(
        "class.html.j2",
        language,
        tr,
        count=len(rows),
        lowest=min(points),
        highest=max(points),
        median=statistics.median(points),
        refused=sum(not row.could_run for row in rows),
        charts=[_histogram(rows, tr), _lost(rows, tr)],
        diagnoses=_commonest((said for row in rows for said in row.diagnoses), tr),
        failed=_commonest((claim for row in rows for claim in row.failed), tr),
        groups=[(step, [entry for where, entry in entries if where == step]) for step in steps],
        lines=[_line(row, entries) for row in sorted(shown, key=lambda row: row.name)],
        notes=_notes(sorted(shown, key=lambda row: row.name), tr),
        left_out=len(rows) - len(shown),
        matrices=[matrix for step in steps if (matrix := _matrix(step, shown[::-1], tr)) is not None],
        kinds=[(kind, SIGNS[kind]) for kind in KINDS if kind],
    )  # fmt: skip


def _named(tables: Iterable[Mapping[tuple[str, str], int]]) -> list[tuple[str, str]]:
    """All names of these tables, in the order of the steps and of their first mention."""
    names = {name: None for table in tables for name in table}
    return sorted(names, key=lambda name: STEPS.index(name[0]))


def _histogram(rows: Sequence[Row], tr: Translate) -> Shown:
    """How many got how many points: bars of equal width, and one for those that got all."""
    most = max(row.max_points for row in rows)
    width = next(
        size for size in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 10**9) if most <= size * (MOST_BARS - 1)
    )
    bars = Counter(most if row.points >= row.max_points else row.points // width * width for row in rows)
    edges = [*np.arange(0, most, width).tolist(), most]
    counts = [bars[edge] for edge in edges]
    told = ", ".join(f"{edge:g}: {count}" for edge, count in zip(edges, counts, strict=True))
    return Shown(
        charts.bars_upright(counts, [f"{edge:g}" for edge in edges]),
        tr("Hand-ins by points: each bar from its number on, the last all points."),
        tr("Hand-ins by points") + ": " + told,
    )


def _lost(rows: Sequence[Row], tr: Translate) -> Shown:
    """How many lost points in each step."""
    steps = [step for step in STEPS if any(step in row.lost for row in rows)]
    counts = [sum(row.lost.get(step, False) for row in rows) for step in steps]
    told = ", ".join(f"{step}: {count}" for step, count in zip(steps, counts, strict=True))
    return Shown(
        charts.bars_across(counts, steps, len(rows)),
        tr("Hand-ins that lost points in each step."),
        tr("Hand-ins that lost points") + ": " + told,
    )


def _commonest(said: Iterable[tuple[str, str]], tr: Translate) -> list[Common]:
    """What was said, by step, of most hand-ins."""
    counted = sorted(Counter(said).items(), key=lambda item: (-item[1], STEPS.index(item[0][0]), item[0][1]))
    return [Common(count, step, tr(text)) for (step, text), count in counted[:MOST_COMMON]]


def _line(row: Row, entries: Sequence[tuple[str, str]]) -> Line:
    kinds = [KINDS[row.entries.get(entry, -1)] for entry in entries]
    return Line(
        row.name,
        _link(row),
        row.points,
        [(kind or "absent", SIGNS[kind]) for kind in kinds],
    )


def _link(row: Row) -> str:
    return f"{quote(row.name)}/{PAGE}"


def _notes(rows: Sequence[Row], tr: Translate) -> list[tuple[str, list[tuple[str, str]]]]:
    """What there is to say about hand-ins, each with the names and links of those to which it was said."""
    notes: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        for message in filter(None, row.message.split("; ")):
            notes.setdefault(message, []).append((row.name, _link(row)))
    return [(tr(message), names) for message, names in notes.items()]


def _matrix(step: str, rows: Sequence[Row], tr: Translate) -> tuple[str, Shown] | None:
    """Hand-ins by the properties of a step."""
    columns = [name for where, name in _named(row.properties for row in rows) if where == step]
    if not columns:
        return None
    kinds = np.array([[row.properties.get((step, column), len(KINDS) - 1) for column in columns] for row in rows])
    failed = int(((kinds != KINDS.index("passed")) & (kinds != KINDS.index(""))).sum())
    alt = tr("{hand_ins} hand-ins by {properties} properties of {step}; {failed} of {all} do not hold")
    return step, Shown(
        charts.matrix(kinds),
        step,
        alt.format(hand_ins=len(rows), properties=len(columns), step=step, failed=failed, all=kinds.size),
    )
