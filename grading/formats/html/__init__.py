"""Pages of HTML: one file a hand-in, and one for the class, with all in them that they need.

    page.py            a hand-in's page
    telling.py         what it says of a problem
    arrays.py          which arrays it pictures, and what it says of them
    heat_maps.py, charts.py, sheet.py      the pictures
    class_page.py      the class's page
    render.py          templates/ and style, filled in; whatever a hand-in wrote is shown, and never obeyed
    screenshots.py     `python -m grading.formats.html.screenshots`: the README's pictures

A page asks for nothing: no script, no font, no picture from elsewhere, and its Content-Security-Policy forbids them.
Jinja2 and matplotlib are needed to make one (the extra `html`), and are imported with page.py and class_page.py alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grading.faults import Usage
from grading.files import write_whole
from grading.formats import Options, Report

PAGE = "report.html"
CLASS_PAGE = "index.html"


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write out/NAME/report.html for each report and, for more than one, out/index.html; return the files written.

    Raises Usage where Jinja2 or matplotlib is missing, or a report was kept without its examples.
    """
    try:
        from grading.formats.html import class_page, page
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("jinja2", "markupsafe", "matplotlib"):
            raise
        raise Usage(
            f"HTML pages need {error.name}, which is not installed: python -m pip install jinja2 matplotlib"
        ) from None
    from grading.language import translator

    tr = translator(options.language)
    written, rows = [], []
    for report in reports:
        _check_complete(report)
        text = page.html(report, tr, options.language, options.for_students)
        written.append(write_whole(out / report["submission"] / PAGE, text))
        rows.append(class_page.row_of(report))
    if len(rows) > 1:
        written.append(write_whole(out / CLASS_PAGE, class_page.html(rows, tr, options.language)))
    return written


def _check_complete(report: Report) -> None:
    """Raise Usage for a report that was kept without what its properties found, as one may be to compare with."""
    for step in report["steps"]:
        _check(report, step, step["step"], ("diagnosis",))
        for prop in step["properties"]:
            _check(report, prop, prop["id"], ("claim", "entry", "message", "counterexample"))


def _check(report: Report, part: Mapping[str, Any], name: str, fields: Sequence[str]) -> None:
    for field in fields:
        if field not in part:
            raise Usage(f"the report of {report['submission']!r:.80} has no {field!r} of {name!r:.80}")
