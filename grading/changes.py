"""What changed between two gradings: of a student's two hand-ins, or of one class under two versions of the suite.

OLD and NEW are folders of reports, NAME/report.json, or hold one report.json themselves. Hand-ins are compared by their
names; where OLD and NEW are one hand-in each, these two are, whatever their names: a resubmission is `alice-2`.

A property is known by its id and the cells that it was judged on. What held and no longer does is *lost*:
- a required or advisory property that passed and does not; that its step was not run at all is no excuse;
- an entry that paid and does not, points that are fewer, a hand-in that is in OLD alone.
A property that only one of the two suites has is told, and lost nothing by itself. So is one that went from one failure
to another. Properties on the model solution's cells and those about the derivative of a wrong forward exist only where
points were lost: that they come or go says nothing. Steps that one of the two runs was not asked for are not compared.
"""

import dataclasses
import json
import textwrap
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from grading.faults import Usage
from grading.gradebook import asked_for, read, reports_in

WIDTH = 80
MOST_SHOWN = 6  # claims about a step in the terminal, of each kind; JSON has all
# Of a report's suite, what can change a grade.
MADE_WITH = ("version", "python", "numpy", "torch", "hypothesis", "isolation", "key_id")
Report = Mapping[str, Any]


@dataclass(frozen=True)
class Points:
    """Points before and after, of a step, an entry or a hand-in; None where OLD or NEW has none."""

    old: float | None
    old_max: float | None
    new: float | None
    new_max: float | None

    @property
    def fewer(self) -> bool:
        return (self.new or 0) < (self.old or 0)

    @property
    def more(self) -> bool:
        return (self.new or 0) > (self.old or 0)

    @property
    def differ(self) -> bool:
        return (self.old, self.old_max) != (self.new, self.new_max)


@dataclass(frozen=True)
class EntryChange:
    """An entry of the rubric that pays and did not, or the other way round, or is worth something else."""

    step: str
    entry: str
    points: Points
    paid_before: bool
    pays_now: bool

    @property
    def lost(self) -> bool:
        return self.paid_before and not self.pays_now


@dataclass(frozen=True)
class PropertyChange:
    """A property with the outcomes before and after, "" where it is not there.

    kind is "broke", "fixed", "changed" (from a failure to another, or of a tier that decides nothing by itself),
    "new" or "gone" (in one suite only).
    """

    kind: str
    step: str
    id: str
    cells: str
    entry: str
    tier: str
    before: str
    now: str


@dataclass(frozen=True)
class StepChange:
    """A step whose points or outcome are others than before."""

    step: str
    points: Points
    before: str
    now: str


@dataclass(frozen=True)
class MadeWith:
    """Something that decides about grades, as a library's version, and is another one than before."""

    what: str
    before: str
    now: str


@dataclass(frozen=True)
class Change:
    """A hand-in before and after; points are those of the steps that were compared."""

    name: str  # in NEW, where it is there
    old_name: str | None
    new_name: str | None
    points: Points
    steps: Sequence[StepChange] = ()
    entries: Sequence[EntryChange] = ()
    properties: Sequence[PropertyChange] = ()
    not_compared: Sequence[str] = ()  # steps that one of the two was not asked for
    suite: Sequence[MadeWith] = ()
    message: str = ""  # what NEW says of the whole hand-in where OLD said something else

    @property
    def lost(self) -> bool:
        """Whether something held that no longer does."""
        return (
            self.points.fewer
            or (self.old_name is not None and self.new_name is None)
            or any(entry.lost for entry in self.entries)
            or any(prop.kind == "broke" for prop in self.properties)
        )

    @property
    def differs(self) -> bool:
        """Whether anything did: a property that one of the suites does not have is no change of the hand-in."""
        alone = self.old_name is None or self.new_name is None
        asked = any(prop.kind not in ("new", "gone") for prop in self.properties)
        return alone or asked or bool(self.points.differ or self.steps or self.entries)


def compare(old: Report | None, new: Report | None) -> Change:
    """What changed between two reports as `read` returns them; None where OLD or NEW has none of this hand-in.

    Raises ValueError where both are None.
    """
    if old is None or new is None:
        return _alone(old, new)
    asked_old, asked_new = asked_for(old), asked_for(new)
    both = [step for step in asked_new if step in asked_old]
    old_steps = {step["step"]: step for step in old["steps"]}
    new_steps = {step["step"]: step for step in new["steps"]}
    pairs = [(old_steps[step], new_steps[step]) for step in both]
    message = new.get("message", "")
    return Change(
        new["submission"],
        old["submission"],
        new["submission"],
        _points([before for before, _ in pairs], [now for _, now in pairs]),
        tuple(change for before, now in pairs for change in _step(before, now)),
        tuple(change for before, now in pairs for change in _entries(before, now)),
        tuple(change for before, now in pairs for change in _properties(before, now)),
        tuple(step for step in {**old_steps, **new_steps} if (step in asked_old) != (step in asked_new)),
        tuple(_suites(old.get("suite", {}), new.get("suite", {}))),
        "" if message == old.get("message", "") else message,
    )


def _alone(old: Report | None, new: Report | None) -> Change:
    report = old if new is None else new
    if report is None:
        raise ValueError("old and new are both None, but one of them should be a report")
    return Change(
        report["submission"],
        report["submission"] if old else None,
        report["submission"] if new else None,
        Points(
            *((old["points"], old["max_points"]) if old else (None, None)),
            *((new["points"], new["max_points"]) if new else (None, None)),
        ),
    )


def _points(old: Collection[Report], new: Collection[Report]) -> Points:
    """The sums over parts of two reports; None over no part."""

    def total(parts: Collection[Report], key: str) -> float | None:
        return round(sum(part[key] for part in parts), 6) if parts else None

    return Points(total(old, "points"), total(old, "max_points"), total(new, "points"), total(new, "max_points"))


def _step(old: Report, new: Report) -> Iterator[StepChange]:
    points = _points([old], [new])
    if points.differ or old["outcome"] != new["outcome"]:
        yield StepChange(new["step"], points, old["outcome"], new["outcome"])


def _entries(old: Report, new: Report) -> Iterator[EntryChange]:
    before = {entry["entry"]: entry for entry in old["entries"]}
    now = {entry["entry"]: entry for entry in new["entries"]}
    for name in {**before, **now}:
        one, other = before.get(name), now.get(name)
        points = _points([one] if one else [], [other] if other else [])
        paid, pays = bool(one and _pays(one)), bool(other and _pays(other))
        if points.differ or paid != pays:
            yield EntryChange(new["step"], name, points, paid, pays)


def _pays(entry: Report) -> bool:
    return bool(entry["paid_by"]) if "paid_by" in entry else bool(entry["points"] >= entry["max_points"])


def _properties(old: Report, new: Report) -> Iterator[PropertyChange]:
    before = {(prop["id"], prop.get("cells", "own")): prop for prop in old["properties"]}
    now = {(prop["id"], prop.get("cells", "own")): prop for prop in new["properties"]}
    for key in {**before, **now}:
        one, other = before.get(key), now.get(key)
        prop = other or one
        assert prop is not None
        always = prop["tier"] in ("required", "advisory") and key[1] == "own"
        if not always and not (one and other):
            continue
        # A step of a refused hand-in has no properties at all: they were not run, and the suite has them all the same.
        was = one["outcome"] if one else ("" if before else "not_run")
        is_ = other["outcome"] if other else ("" if now else "not_run")
        if kind := _kind(was, is_, prop["tier"]):
            yield PropertyChange(kind, new["step"], *key, prop.get("entry", ""), prop["tier"], was, is_)


def _kind(before: str, now: str, tier: str) -> str:
    """The kind of change between two outcomes of a property, "" where there is none."""
    if before == now:
        return ""
    if not before:
        return "new"
    if not now:
        return "gone"
    decides = tier in ("required", "advisory")
    if decides and before == "passed":
        return "broke"
    return "fixed" if decides and now == "passed" else "changed"


def _suites(old: Report, new: Report) -> Iterator[MadeWith]:
    """What both say and say otherwise: kept reports may leave out what they were made with."""
    for what in MADE_WITH:
        if what in old and what in new and old[what] != new[what]:
            yield MadeWith(what, str(old[what]), str(new[what]))


# --- Folders


def compare_folders(old: Path, new: Path, only: Collection[str] | None = None) -> Iterator[Change]:
    """What changed, hand-in by hand-in: those in both, by name, then those in one alone; two reports in memory at most.

    With `only`, the names of reports in NEW, these alone are compared, and what else is in OLD is not missed. A report
    itself against a folder of them is compared with the one of its name. Raises Usage, at once for a folder without a
    report, and on the way for a report that cannot be read.
    """
    before, now = _files(old), _files(new, only)
    pairs: list[tuple[str | None, str | None]]
    if len(before) == len(now) == 1:
        pairs = [(next(iter(before)), next(iter(now)))]
    else:
        wanted = {**before, **now}
        if only is not None:
            wanted = now
        elif _is_report(old) or _is_report(new):
            wanted, others, place = (before, now, new) if _is_report(old) else (now, before, old)
            if not others.keys() >= wanted.keys():
                raise Usage(f"{place} has no report of {', '.join(wanted)}")
        pairs = [(name if name in before else None, name if name in now else None) for name in sorted(wanted)]
        pairs.sort(key=lambda pair: (pair[0] is None, pair[1] is None))
    return (compare(_named(before, one), _named(now, other)) for one, other in pairs)


def _files(place: Path, only: Collection[str] | None = None) -> dict[str, Path]:
    """The reports of OLD or NEW by name. Raises Usage where there is none."""
    if only is None and _is_report(place):
        return {read(place / "report.json")["submission"]: place / "report.json"}
    files = {name: place / name / "report.json" for name in (reports_in(place) if only is None else only)}
    if not files:
        raise Usage(f"{place} holds no report, neither report.json nor NAME/report.json")
    return files


def _is_report(place: Path) -> bool:
    return (place / "report.json").is_file()


def _named(files: Mapping[str, Path], name: str | None) -> Report | None:
    """The report of this name, which is its folder's, as somebody may have renamed that."""
    return None if name is None else {**read(files[name]), "submission": name}


# --- For a person, and for a program


@dataclass
class Summary:
    """What became of all the hand-ins that were compared."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    suites: dict[str, set[str]] = dataclasses.field(default_factory=lambda: {"new": set(), "gone": set()})

    @property
    def lost(self) -> bool:
        """Whether anything held that no longer does: exit status 1."""
        return self.counts["lost"] > 0

    def add(self, change: Change) -> None:
        self.counts["hand-ins"] += 1
        self.counts["old alone"] += change.new_name is None
        self.counts["new alone"] += change.old_name is None
        self.counts["differ"] += change.differs
        self.counts["lost"] += change.lost
        if change.old_name is not None and change.new_name is not None:
            self.counts["fewer"] += change.points.fewer
            self.counts["more"] += change.points.more
        for entry in change.entries:
            self.counts["entries lost"] += entry.lost
            self.counts["entries won"] += entry.pays_now and not entry.paid_before
        for prop in change.properties:
            self.counts[prop.kind] += 1
            if prop.kind in self.suites:
                self.suites[prop.kind].add(prop.id)

    def lines(self) -> Iterator[str]:
        """One line where nothing changed, and what did otherwise."""
        count = self.counts
        if not count["differ"]:
            yield f"Nothing changed: {_many(count['hand-ins'], 'hand-in')} compared."
        else:
            compared = count["hand-ins"] - count["old alone"] - count["new alone"]
            changed = count["differ"] - count["old alone"] - count["new alone"]
            yield ""
            points = f"{count['fewer']} with fewer points, {count['more']} with more"
            yield f"{_many(compared, 'hand-in')} compared, {changed} changed: {points}"
            if compared < count["hand-ins"]:
                yield f"In OLD alone: {count['old alone']}; in NEW alone: {count['new alone']}"
            yield f"Properties: {count['broke']} broke, {count['fixed']} fixed, {count['changed']} fail in another way"
            yield f"Entries: {count['entries lost']} lost, {count['entries won']} won"
            if self.lost:
                yield f"{_many(count['lost'], 'hand-in')} lost something that held."
            else:
                yield "What held still does."
        for kind, suite in (("gone", "OLD"), ("new", "NEW")):
            if self.suites[kind]:
                names = ", ".join(sorted(self.suites[kind]))
                yield from _wrapped(f"Of {suite}'s suite alone: {names}", "")


def told(changes: Iterable[Change], summary: Summary) -> Iterator[str]:
    """Lines for the terminal: what the grades were made with, the hand-ins that changed, the summary (filled here)."""
    last: Change | None = None
    for change in changes:
        summary.add(change)
        if change.old_name is not None and change.new_name is not None:
            yield from _headings(change, last)
            last = change
        if change.differs:
            yield from lines(change)
    yield from summary.lines()


def _headings(change: Change, last: Change | None) -> Iterator[str]:
    """What this hand-in was graded with and not compared on, where that is not as with the last one."""
    start = f"From {change.name} on: " if last else ""
    if change.suite != (last.suite if last else ()):
        differ = "; ".join(f"{item.what} {item.before}, now {item.now}" for item in change.suite)
        yield from _wrapped(
            start + (f"Graded with something else: {differ}." if differ else "Graded with the same."), ""
        )
    if change.not_compared != (last.not_compared if last else ()):
        steps = ", ".join(change.not_compared) or "none"
        yield from _wrapped(f"{start}Not compared, as OLD or NEW was not asked for them: {steps}.", "")


def lines(change: Change) -> Iterator[str]:
    """What changed for one hand-in, at 80 columns."""
    if change.new_name is None:
        yield from _wrapped(f"{change.name}: in OLD alone, {_of(change.points.old, change.points.old_max)}", "")
        return
    if change.old_name is None:
        yield from _wrapped(f"{change.name}: in NEW alone, {_of(change.points.new, change.points.new_max)}", "")
        return
    before = f" (before: {change.old_name})" if change.old_name != change.new_name else ""
    yield from _wrapped(f"{change.name}{before}: {_before_and_now(change.points)}", "")
    if change.message:
        yield from _wrapped(f"Note: {change.message}", "  ")
    steps = {step.step: step for step in change.steps}
    told = [prop for prop in change.properties if prop.kind not in ("new", "gone")]
    names = [*steps, *(entry.step for entry in change.entries), *(prop.step for prop in told)]
    for name in dict.fromkeys(names):
        step = steps.get(name)
        outcomes = f"; {step.now}, before {step.before}" if step and step.now != step.before else ""
        points = f": {_before_and_now(step.points)}" if step else ""
        yield from _wrapped(f"{name}{points}{outcomes}", "  ")
        yield from _entry_lines([entry for entry in change.entries if entry.step == name])
        yield from _property_lines([prop for prop in told if prop.step == name])


def _entry_lines(entries: Sequence[EntryChange]) -> Iterator[str]:
    def named(title: str, chosen: Callable[[EntryChange], bool]) -> Iterator[str]:
        if names := [entry.entry for entry in entries if chosen(entry)]:
            yield from _wrapped(f"{title}: {', '.join(names)}", "    ")

    yield from named("lost points", lambda entry: entry.lost)
    yield from named("won points", lambda entry: entry.pays_now and not entry.paid_before)
    yield from named("worth something else", lambda entry: entry.pays_now == entry.paid_before)


def _property_lines(properties: Iterable[PropertyChange]) -> Iterator[str]:
    def title(prop: PropertyChange) -> str:
        advice = ", advice" if prop.tier == "advisory" else ""
        if prop.kind == "changed":
            return f"{prop.now}, before {prop.before}{advice}"
        return f"{prop.kind} ({prop.now if prop.kind == 'broke' else prop.before}){advice}"

    for heading, group in groupby(sorted(properties, key=title), key=title):
        claims: dict[tuple[str, str], list[str]] = {}  # one claim about several results is told once
        for prop in group:
            claim, _, result = prop.id.partition("[")
            claims.setdefault((claim, prop.cells), []).append(result.removesuffix("]"))
        yield from _wrapped(f"{heading}:", "    ")
        for (claim, cells), results in islice(claims.items(), MOST_SHOWN):
            about = f"[{', '.join(results)}]" if any(results) else ""
            yield from _wrapped(f"{claim}{about}{' on the model cells' if cells != 'own' else ''}", "      ")
        if len(claims) > MOST_SHOWN:
            yield f"      and {len(claims) - MOST_SHOWN} more"


def as_json(changes: Iterable[Change], summary: Summary) -> Iterator[str]:
    """The lines of a JSON list with an object for each hand-in, changed or not; only ASCII, so nothing to obey."""
    start = "["
    for change in changes:
        summary.add(change)
        item = {**dataclasses.asdict(change), "differs": change.differs, "lost": change.lost}
        yield start + json.dumps(item, allow_nan=False)
        start = ","
    yield "]" if start == "," else "[]"


def _before_and_now(points: Points) -> str:
    now, before = _of(points.new, points.new_max), _of(points.old, points.old_max)
    return f"{now}, before {before}" if points.differ else f"{now} as before"


def _of(points: float | None, most: float | None) -> str:
    return "no step that both were asked for" if points is None else f"{_number(points)} / {_number(most or 0)}"


def _number(points: float) -> str:
    return f"{round(points, 6):f}".rstrip("0").rstrip(".")


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of at most 80 columns, without what a terminal would obey rather than show: \\x1b for an escape."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return textwrap.wrap(plain, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
