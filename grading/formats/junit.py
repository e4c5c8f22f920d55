"""junit.xml, as pytest's --junitxml writes it (junit_family=xunit2): a testcase for each entry of the rubric.

    a lost entry         <failure>: wrong, crashed, out of time, or not written. A missing answer is not a right one.
    our fault            <error>
    a step not asked for <skipped type="pytest.skip">
    advice               <skipped type="pytest.xfail">, an expected failure, as under pytest (properties.registry)

Elements and attributes are those of Jenkins' junit-10.xsd, by which pytest tests its own
(https://docs.pytest.org/en/stable/how-to/output.html#creating-junitxml-format-files), and <error> besides, which pytest
writes and the schema spells "errors". Times are 0: a report does not tell them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from grading import terminal
from grading.files import write_whole
from grading.formats import Options, Report, told
from grading.language import translator

FILE = "junit.xml"
NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write out/NAME/junit.xml for each report."""
    return [write_whole(out / report["submission"] / FILE, xml(report, options)) for report in reports]


def xml(report: Report, options: Options) -> bytes:
    """The report as JUnit XML."""
    cases = list(_cases(report, options))
    counts = {
        "errors": sum(case.find("error") is not None for case in cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
        "tests": len(cases),
    }
    suites = Element("testsuites", name="pytest tests")
    attributes = {name: str(count) for name, count in counts.items()}
    suite = SubElement(suites, "testsuite", {"name": _text(report["submission"]), **attributes, "time": "0.000"})
    properties = SubElement(suite, "properties")
    for name, value in _properties(report, options):
        SubElement(properties, "property", name=name, value=_text(value))
    suite.extend(cases)
    if report.get("printed"):
        SubElement(suite, "system-out").text = _text(report["printed"])
    indent(suites)
    return bytes(tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _properties(report: Report, options: Options) -> Iterator[tuple[str, str]]:
    yield "points", f"{told.points(report['points'])}"
    yield "max_points", f"{told.points(report['max_points'])}"
    if report["message"]:
        yield "message", report["message"]
    if not options.for_students:
        yield "for_instructors", told.isolation_text(report)


def _cases(report: Report, options: Options) -> Iterator[Element]:
    asked = told.asked(report)
    entries = {(entry.step, entry.name): entry for entry in told.entries(report)}
    for step in report["steps"]:
        for each in step["entries"]:
            case = _case(step["step"], each["entry"])
            if step["step"] not in asked:
                _add(case, "skipped", "not asked for", "", type="pytest.skip")
            else:
                _add_outcome(case, entries[step["step"], each["entry"]], report, options)
            yield case
    yield from _advice(report, options)


def _add_outcome(case: Element, entry: told.Entry, report: Report, options: Options) -> None:
    if entry.is_paid:
        return
    kind = "error" if entry.outcome == "broken" else "failure"
    worth = f"0 of {told.points(entry.max_points)} points"
    if entry.problem is None:
        _add(case, kind, f"{worth}: {report['message'] or entry.outcome}", "")
    else:
        summary = told.what_and_where(entry.problem, report, options).replace("\n", " ")
        _add(case, kind, f"{worth}: {summary}", told.problem_text(entry.problem, report, options))


def _advice(report: Report, options: Options) -> Iterator[Element]:
    """Advice on steps that passed; on others it would repeat what is wrong."""
    tr = translator(options.language)
    for step in report["steps"]:
        for prop in step["properties"]:
            if step["outcome"] == "passed" and prop["tier"] == "advisory" and prop["outcome"] != "passed":
                case = _case(step["step"], prop["id"].partition(".")[2])
                message = f"{tr(terminal.claim(prop))} {tr(prop['message'])}"
                _add(case, "skipped", message, "", type="pytest.xfail")
                yield case


def _case(step: str, name: str) -> Element:
    return Element("testcase", classname=step.replace(" ", ""), name=_text(name), time="0.000")


def _add(case: Element, kind: str, message: str, text: str, **attributes: str) -> None:
    SubElement(case, kind, attributes, message=_text(message)).text = _text(text)


def _text(text: str) -> str:
    """The text with #x1B for a character that XML cannot hold, as pytest writes it."""
    return NO_CHARACTER.sub(lambda match: f"#x{ord(match[0]):02X}", text)
