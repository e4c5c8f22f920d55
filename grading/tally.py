"""How a class did, counted while it is graded: points, steps that lost points, and what was commonest."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from grading.gradebook import Row, row_of
from grading.layout import wrapped
from properties.registry import STEPS

BIN = 10  # points
WIDEST = 40  # of a bar
MOST_DIAGNOSES = 8
Report = Mapping[str, Any]


@dataclass
class Tally:
    """What is kept of each report: a row, and counts."""

    rows: list[Row] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)  # hand-ins that lost points in a step
    said: Counter[tuple[str, str]] = field(default_factory=Counter)  # hand-ins to which it was said, by step
    refused: int = 0  # hand-ins in which nothing could be run
    paid: bool = True  # whether every entry of every step that was asked for paid

    def add(self, report: Report) -> None:
        self.rows.append(row_of(report))
        self.refused += not any(step["properties"] for step in report["steps"])
        for step in report["steps"]:
            if step["step"] in report["suite"]["steps"]:
                self.lost[step["step"]] += step["points"] < step["max_points"]
                self.paid &= step["outcome"] == "passed"
            self.said.update({(step["step"], said["says"].rstrip(".")) for said in step["diagnosis"]})

    def lines(self) -> Iterator[str]:
        """The summary of a class, for a terminal."""
        points = sorted(row.points for row in self.rows)
        median = (points[(len(points) - 1) // 2] + points[len(points) // 2]) / 2
        yield ""
        yield f"{len(points)} hand-ins; points from {points[0]:g} to {points[-1]:g}, median {median:g}"
        yield from self._histogram()
        yield ""
        yield "Lost points in:"
        for step in STEPS:
            yield f"  {step:<16}{self.lost[step]:>6}"
        if self.refused:
            yield f"{self.refused} could not be graded at all."
        if self.said:
            yield ""
            yield "Commonest diagnoses:"
            for (step, says), count in self.said.most_common(MOST_DIAGNOSES):
                yield from wrapped(f"{count:>6}  {step}: {says}.", "  ", "          ")

    def _histogram(self) -> Iterator[str]:
        """How many got how many points: all of them, and then by tens."""
        most = max(row.max_points for row in self.rows)
        bins = Counter("all" if row.points >= most else int(row.points // BIN) for row in self.rows)
        tallest = max(bins.values())
        for key in ("all", *range(int((most - 1) // BIN), -1, -1)):
            title = f"{most:g}" if key == "all" else f"{key * BIN} - {min((key + 1) * BIN, most):g}"
            bar = "#" * -(-bins[key] * WIDEST // tallest)
            yield f"  {title:<10}{bins[key]:>6} {bar}".rstrip()
