"""Evidence: for each lost entry a script that shows the failure on the student's own files, with NumPy alone.

    out/NAME/evidence/README.txt                   which bundles there are, and why one is missing
    out/NAME/evidence/RNN_Backward.db_hh/show.py   python show.py PATH/TO/HAND-IN: exit status 1 while it fails
    out/NAME/evidence/RNN_Backward.db_hh/case.npz  the arrays of the smallest example, and what is right; no pickles
    out/NAME/evidence/given/mytorch/               the given files, which a hand-in may leave out

A report holds the example in words; its arrays follow from these, whatever their size, and what is right from the
property itself (`grading.formats.judged`). Nothing that a student wrote is in a script but in comments, where
it stays.
"""

import functools
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grading import problems
from grading.faults import Usage
from grading.files import write_whole
from grading.formats import Options, Report, judged, standalone, told
from grading.language import Translate, translator
from grading.layout import plain
from grading.replay import check_kind, from_words
from properties.cases import Case
from properties.hand_in import GIVEN_FILES, MODEL_SOLUTION, arrays_of
from properties.registry import AGREEMENT, Property, all_properties

FOLDER, SCRIPT, CASE, README = "evidence", "show.py", "case.npz", "README.txt"
Failing = Mapping[str, Any]
"""A property as a report has it, with an example on the hand-in's own cells."""


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write the bundles of each report that lost entries. Raises Usage where torch is missing."""
    written: list[Path] = []
    for report in reports:
        folder = out / report["submission"] / FOLDER
        lost = {_folder_of(entry): entry for entry in told.entries(report) if not entry.is_paid}
        if folder.is_dir():
            _remove_old(folder, lost)
        if lost:
            written += _of_report(report, lost, folder, options)
    return written


def _folder_of(entry: told.Entry) -> str:
    return f"{entry.step.replace(' ', '_')}.{entry.name}"


def _remove_old(folder: Path, lost: Collection[str]) -> None:
    """Remove what an earlier report had to show: bundles of entries that are no longer lost."""
    for old in folder.iterdir():
        if old.name not in lost and old.is_dir() and {file.name for file in old.iterdir()} <= {SCRIPT, CASE}:
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
    if not lost:
        (folder / README).unlink(missing_ok=True)


def _of_report(report: Report, lost: Mapping[str, told.Entry], folder: Path, options: Options) -> list[Path]:
    tr = translator(options.language)
    lines = [*_heading(tr), ""]
    written: list[Path] = []
    for name, entry in lost.items():
        files = bundle(report, entry, tr)
        written += [write_whole(folder / name / file, content) for file, content in files.items()]
        lines.append(f"  {name}/" if files else f"  {name}: {tr('no example that can be shown')}")
    if written:
        given = {f"{module}.py" for module in GIVEN_FILES}
        sources = {file: (MODEL_SOLUTION / "mytorch" / file).read_bytes() for file in sorted(given)}
        written += [write_whole(folder / "given" / "mytorch" / file, source) for file, source in sources.items()]
    return [*written, write_whole(folder / README, "\n".join(lines) + "\n")]


def _heading(tr: Translate) -> list[str]:
    return [
        tr("What is wrong, shown on your own files, with NumPy alone. In the folder of an entry:"),
        "",
        "    python show.py PATH/TO/HAND-IN",
        "",
        tr("The exit status is 1 while it fails, and 0 once it is mended. In mytorch/ and hw3/ nothing is written."),
    ]


def bundle(report: Report, entry: told.Entry, tr: Translate) -> dict[str, bytes | str]:
    """The files that show how an entry is lost; none where no example may be shown, or another suite made it."""
    properties = _properties()
    failing = _to_show(report, entry, properties)
    if failing is None:
        return {}
    example = failing["counterexample"]
    prop = properties[failing["id"]]
    try:
        case = from_words(example["case"])
        check_kind(prop, case)
    except Usage:
        return {}
    results = _results(prop, case, example)
    if not results:
        return {}
    lines = standalone.needed_for(prop.question(case).lines, [result.name for result in results])
    arrays = arrays_of(case, [line.text for line in lines])
    comments = [f"{entry.step}, {entry.name}", *_said(failing, entry, tr)]
    script = standalone.program(lines, list(arrays), results, comments, failing["outcome"], _home(report))
    return {SCRIPT: script, CASE: _npz({**arrays, **{standalone.right(r.name): r.right for r in results}})}


@functools.cache
def _properties() -> Mapping[str, Property]:
    return {prop.id: prop for prop in all_properties()}


def _to_show(report: Report, entry: told.Entry, properties: Mapping[str, Property]) -> Failing | None:
    """What fails on the smallest example on the hand-in's own cells, rather against an oracle than against itself."""
    step = next(step for step in report["steps"] if step["step"] == entry.step)
    shown = [
        prop
        for prop in step["properties"]
        if prop["counterexample"] and prop.get("cells", "own") == "own" and prop["id"] in properties
    ]
    agreement = [prop for prop in shown if properties[prop["id"]].kind == AGREEMENT]
    return problems.blame({**step, "properties": agreement}, entry.name) or problems.blame(
        {**step, "properties": shown}, entry.name
    )


def _results(prop: Property, case: Case, example: Failing) -> list[judged.Judged]:
    try:
        return judged.to_check(prop, case, example.get("what", ""), example.get("actual"))
    except ModuleNotFoundError as error:
        raise Usage(f"--format evidence needs {error.name}, which is not installed") from None


def _said(failing: Failing, entry: told.Entry, tr: Translate) -> list[str]:
    """The claim and the message, without what could end a comment."""
    worth = tr("{points} of {max} points").format(points=0, max=told.points(entry.max_points))
    return [worth, *plain(tr(failing["claim"])).split("\n"), *plain(tr(failing["message"])).split("\n")]


def _home(report: Report) -> str:
    """The folder of the gru_cell.py that counts, where the report says which of two it is; else ""."""
    return "hw3" if "of two gru_cell.py, that in hw3/ counts" in report["message"] else ""


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as a .npz without pickles, with the same bytes each time."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
    return file.getvalue()
