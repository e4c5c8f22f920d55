"""junit.xml: read by junitparser, made of what pytest itself writes, and a failure wherever points were lost."""

import copy
import subprocess
import sys
from xml.etree import ElementTree

import junitparser
import pytest

from grading.formats import Options, junit
from grading.gradebook import read
from properties.hand_in import MODEL_SOLUTION

EXAMPLES = MODEL_SOLUTION.parent / "examples"
ALLOWED = {  # junit-10.xsd of Jenkins' xUnit plugin, by which pytest tests its own; children, and attributes
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"name", "value"}),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},  # the schema has "errors", pytest writes "error"
        {"name", "time", "classname", "group"},
    ),
    **dict.fromkeys(("failure", "error", "skipped"), (set(), {"type", "message"})),
    "system-out": (set(), set()),
}
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}, "property": {"name", "value"}}
TESTS = """
import pytest

@pytest.fixture
def faulty():
    raise ValueError

def test_passes(): pass
def test_fails(): assert 1 == 2
def test_errs(faulty): pass
@pytest.mark.skip(reason="not asked for")
def test_skipped(): pass
@pytest.mark.xfail(reason="advice")
def test_expected(): assert 1 == 2
def test_records(record_testsuite_property): record_testsuite_property("points", 1)
"""


@pytest.fixture
def report():
    """A report with two lost entries, and with advice."""
    return read(EXAMPLES / "two_layers" / "report.json")


def cases_of(report, **options):
    """The test cases by class and name, as junitparser reads them."""
    suite = parsed(junit.xml(report, Options(**options)))
    return {(case.classname, case.name): case for case in suite}


def parsed(text):
    """The one test suite in the file."""
    (suite,) = junitparser.JUnitXml.fromstring(text)
    return suite


def problems_in(element):
    """What is not as ALLOWED and REQUIRED say, in an element and all below it."""
    children, attributes = ALLOWED.get(element.tag, (set(), set()))
    yield from (f"<{element.tag}> has a {name}" for name in set(element.keys()) - attributes)
    yield from (f"<{element.tag}> has no {name}" for name in REQUIRED.get(element.tag, set()) - set(element.keys()))
    for child in element:
        if child.tag not in children:
            yield f"<{child.tag}> in <{element.tag}>"
        yield from problems_in(child)


@pytest.mark.parametrize("name", ["loops", "summed", "two_layers"])
@pytest.mark.parametrize("readers", [True, False])
def test_elements_and_attributes_are_those_of_the_schema(name, readers):
    """All that are there are allowed, and all that are required are there."""
    text = junit.xml(read(EXAMPLES / name / "report.json"), Options(for_students=readers))

    assert list(problems_in(ElementTree.fromstring(text))) == []


def test_the_check_itself_finds_what_is_wrong():
    """An element, an attribute, and one that is missing."""
    wrong = ElementTree.fromstring('<testsuite name="a" tests="1" errors="0" odd=""><case/></testsuite>')

    assert sorted(problems_in(wrong)) == [
        "<case> in <testsuite>", "<testsuite> has a odd", "<testsuite> has no failures",
    ]  # fmt: skip


def test_pytest_writes_the_same(report, tmp_path):
    """Whatever ours is made of is in a file that pytest wrote: elements, attributes, and types of what is skipped."""
    (tmp_path / "test_all.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=junit.xml", "test_all.py"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    theirs = ElementTree.parse(tmp_path / "junit.xml").getroot()
    odd = copy.deepcopy(report)
    odd["printed"] = ""  # pytest has it in each case
    odd["suite"]["steps"] = [step["step"] for step in odd["steps"][1:]]
    ours = ElementTree.fromstring(junit.xml(odd, Options()))

    def parts(root):
        return {(each.tag, name) for each in root.iter() for name in ("", *each.keys())}

    def skipped(root):
        return {each.get("type") for each in root.iter("skipped")}

    assert parts(ours) <= parts(theirs)
    assert skipped(ours) == skipped(theirs) == {"pytest.skip", "pytest.xfail"}


def test_a_lost_entry_is_a_failure_and_a_paid_one_passes(report):
    """With what is wrong as its message, and the example as its text."""
    cases = cases_of(report)
    (lost,) = cases["RNNClassifier", "forward"].result

    assert isinstance(lost, junitparser.Failure)
    assert lost.message.startswith("0 of 7 points: It crashes: RNN_Phoneme_Classifier.forward raises IndexError")
    assert "net = RNN_Phoneme_Classifier(1, 1, 2, 1)" in lost.text
    assert cases["RNNForward", "h_t"].is_passed


@pytest.mark.parametrize("outcome", ["failed", "crashed", "timed_out", "not_run"])
def test_whatever_lost_points_is_a_failure(outcome, report):
    """What is missing, too: a skipped test would look as if nothing were wrong."""
    odd = copy.deepcopy(report)
    for prop in odd["steps"][2]["properties"]:
        if prop["outcome"] != "passed":
            prop["outcome"] = outcome
    (lost,) = cases_of(odd)["RNNClassifier", "backward"].result

    assert isinstance(lost, junitparser.Failure)


def test_our_fault_is_an_error(report):
    """And no failure."""
    odd = copy.deepcopy(report)
    odd["steps"][2]["outcome"] = "broken"
    for prop in odd["steps"][2]["properties"]:
        if prop["tier"] == "required":
            prop["outcome"] = "broken"
    suite = parsed(junit.xml(odd, Options()))

    assert (suite.errors, suite.failures) == (2, 0)
    assert all(isinstance(case.result[0], junitparser.Error) for case in suite if case.classname == "RNNClassifier")


def test_an_entry_that_pays_on_the_models_cells_passes():
    """Although its properties fail on the hand-in's own cells."""
    report = read(EXAMPLES / "summed" / "report.json")

    assert report["steps"][2]["entries"][1]["paid_by"] == "model"
    assert cases_of(report)["RNNClassifier", "backward"].is_passed


def test_counts_are_what_there_is(report):
    """tests, failures, errors and skipped, of the suite; its properties hold the points."""
    suite = parsed(junit.xml(report, Options()))
    results = [case.result[0] for case in suite if case.result]

    assert suite.name == "two_layers"
    assert suite.tests == len(list(suite)) == 19 + suite.skipped
    assert suite.failures == sum(isinstance(each, junitparser.Failure) for each in results) == 2
    assert (suite.errors, suite.skipped) == (0, sum(isinstance(each, junitparser.Skipped) for each in results))
    assert {prop.name: prop.value for prop in suite.properties()} == {"points": "65", "max_points": "80"}


def test_advice_is_an_expected_failure(report):
    """Once for each claim, on steps that passed."""
    advice = {key: case for key, case in cases_of(report).items() if case.is_skipped}

    assert ("RNNBackward", "gradients_are_arrays_of_their_own") in advice
    assert all(case.result[0].type == "pytest.xfail" for case in advice.values())


def test_steps_that_were_not_asked_for_are_skipped(report):
    """With --only."""
    one = copy.deepcopy(report)
    one["suite"]["steps"] = ["GRU Forward"]
    cases = cases_of(one)

    assert cases["RNNForward", "h_t"].result[0].type == "pytest.skip"
    assert cases["GRUForward", "h_t"].is_passed


def test_a_refused_hand_in_fails_everywhere_and_says_why(report):
    """Its message is that of every failure."""
    refused = copy.deepcopy(report)
    refused.update(message="holds neither mytorch/ nor hw3/", points=0)
    for step in refused["steps"]:
        step.update(outcome="not_run", points=0, properties=[], diagnosis=[])
        for entry in step["entries"]:
            entry.update(points=0, paid_by="")
    suite = parsed(junit.xml(refused, Options()))

    assert suite.failures == suite.tests == 19
    assert all("holds neither" in case.result[0].message for case in suite)


def test_whatever_a_student_wrote_is_text(report):
    """Markup, the end of a CDATA section, and characters that XML cannot hold."""
    hostile = "</failure>]]><testcase name='x'/>&lt; \x00\x1b\x0b\ufffe\ud800 \U0001f600"
    odd = copy.deepcopy(report)
    odd.update(submission=hostile.replace("/", ""), printed=hostile, message=hostile)
    for prop in odd["steps"][2]["properties"]:
        prop["message"] = hostile
    root = ElementTree.fromstring(junit.xml(odd, Options()))

    assert list(problems_in(root)) == []
    assert root.findtext("testsuite/system-out") == hostile.translate(
        {0: "#x00", 0x1B: "#x1B", 0xB: "#x0B", 0xFFFE: "#xFFFE", 0xD800: "#xD800"}
    )
    assert len(root.findall("testsuite/testcase")) == len(cases_of(report))


def test_the_isolation_is_for_instructors(report):
    """It is no property of a suite that a student gets."""

    def names(readers):
        return {prop.name for prop in parsed(junit.xml(report, Options(for_students=readers))).properties()}

    assert names(False) - names(True) == {"for_instructors"}
