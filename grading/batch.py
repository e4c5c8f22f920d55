"""A run: every entry graded, its report written, and what was graded before left as it is where that is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading import changes, engine, gradebook, program, progress, quiz, rubric, terminal, totals
from grading.faults import Broken, Usage
from grading.locate import Entry
from grading.report import suite_of
from grading.run import Wanted, prepare
from grading.tally import Tally
from properties.registry import all_properties


@dataclass(frozen=True)
class Batch:
    """What is graded, where reports go, on how many cores or on which cluster, and what it is held against."""

    entries: Sequence[Entry]
    is_class: bool
    out: Path
    jobs: int
    resume: bool
    baseline: Path | None
    cluster: str | None
    scores: Mapping[str, float] | None = None  # marks of a person, by name


def check(batch: Batch, wanted: Wanted) -> None:
    """Raise Usage for what cannot be: a rubric or quiz that does not fit, a baseline that cannot be compared with."""
    rubric.load(wanted.rubric, all_properties())
    if wanted.quiz is not None:
        quiz.load(wanted.quiz)
    if batch.baseline is not None:
        if batch.baseline.resolve() == batch.out.resolve():
            raise Usage(f"--baseline {batch.baseline} is --out itself, whose reports would be written over")
        before = set(gradebook.reports_in(batch.baseline))
        for entry in batch.entries:  # one that is damaged is told now, and not when all is graded
            if entry.name in before:
                gradebook.read(batch.baseline / entry.name / "report.json")


def grade_all(batch: Batch, wanted: Wanted, show: Callable[[dict[str, Any]], None]) -> Tally:
    """Grade all entries; `show` gets the report of a lone one. Raises Usage and Broken."""
    settings, parcel = prepare(wanted, sent=batch.jobs > 1 or batch.cluster is not None)
    tally = Tally()
    before = [entry for entry in batch.entries if batch.resume and _is_graded(entry, batch.out, suite_of(settings))]
    for entry in before:
        tally.add(_read(batch, entry.name))
    left = [entry for entry in batch.entries if entry not in before]
    if before:
        progress.say(f"{len(before)} of {len(batch.entries)} were graded before, as they would be now.")
    try:
        with progress.shown(len(batch.entries), len(before)) as tell:

            def graded(name: str) -> None:
                report = _read(batch, name)
                tally.add(report)
                if batch.is_class:
                    tell(terminal.summary_line(tally.rows[-1]))
                else:
                    show(report)

            entries = [(entry.name, str(entry.path.absolute())) for entry in left]
            if batch.cluster is None:
                broken = engine.execute(entries, batch.out, settings, parcel, batch.jobs, graded)
            else:
                from grading import cluster  # and with it Dask, which is an optional extra

                broken = cluster.execute(entries, batch.out, parcel, batch.cluster, graded)
        if broken:
            raise Broken(broken)
    except (Broken, KeyboardInterrupt) as error:
        raise type(error)(_after(error, len(tally.rows), len(batch.entries))) from error
    finally:
        if batch.is_class and tally.rows:
            _write_gradebook(tally, batch.out)
    return tally


def compare(batch: Batch) -> None:
    """Print what changed since the baseline, of what was graded."""
    assert batch.baseline is not None
    progress.say("")
    progress.say(f"Since {batch.baseline}:")
    names = [entry.name for entry in batch.entries]
    for line in changes.told(changes.compare_folders(batch.baseline, batch.out, names), changes.Summary()):
        progress.say(line)


def _is_graded(entry: Entry, out: Path, suite: dict[str, Any]) -> bool:
    """Whether there is a report of these very bytes, made by this suite with these settings."""
    try:
        report = gradebook.read(out / entry.name / "report.json")
    except Usage:
        return False
    return bool(report.get("suite") == suite and report.get("sha256") == program.bytes_of(entry.path))


def _read(batch: Batch, name: str) -> dict[str, Any]:
    try:
        report = gradebook.read(batch.out / name / "report.json")
    except Usage as error:
        raise Broken(str(error)) from error
    return report if batch.scores is None else totals.with_total(report, batch.scores)


def _after(error: BaseException, done: int, total: int) -> str:
    """What to say of a run that ended early."""
    kept = f"{done} of {total} reports are written and whole; --resume goes on from there" if total > 1 else ""
    return "; ".join(filter(None, [str(error), kept]))


def _write_gradebook(tally: Tally, out: Path) -> None:
    try:
        gradebook.write(tally.rows, out)
    except OSError as error:
        raise Broken(f"{gradebook.FILE} cannot be written: {error.strerror}") from error
