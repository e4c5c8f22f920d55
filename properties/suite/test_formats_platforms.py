"""Gradescope and Autolab: what they are told, by their documented fields, and the archives that grade there."""

import copy
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from grading import exam
from grading.formats import VISIBILITIES, Options, autolab, build, gradescope, on_platform
from grading.gradebook import read
from properties.hand_in import MODEL_SOLUTION
from properties.registry import STEPS

ROOT = MODEL_SOLUTION.parent
HAND_INS = ROOT / "fixtures" / "handins"

TEST = {
    "type": "object",
    "required": ["name", "number", "status", "score", "max_score", "output", "output_format", "visibility"],
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number", "minimum": 0},
        "max_score": {"type": "number", "minimum": 0},
        "status": {"enum": ["passed", "failed"]},
        "name": {"type": "string"},
        "name_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "number": {"type": "string", "pattern": r"^\d+\.\d+$"},
        "output": {"type": "string"},
        "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "visibility": {"enum": list(VISIBILITIES)},
        "extra_data": {"type": "object"},
    },
}
RESULTS = {
    "type": "object",
    "required": ["tests"],
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "number"},
        "output": {"type": "string"},
        "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "test_output_format": {"type": "string"},
        "test_name_format": {"type": "string"},
        "visibility": {"enum": list(VISIBILITIES)},
        "stdout_visibility": {"enum": list(VISIBILITIES)},
        "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": TEST},
        "leaderboard": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "value"],
                "properties": {"order": {"enum": ["asc", "desc"]}},
            },
        },
    },
}
"""The fields of https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format."""


@pytest.fixture
def report():
    """A report in which six entries are lost, of two causes."""
    return read(ROOT / "examples" / "two_layers" / "report.json")


@pytest.fixture
def broken(report):
    """A report in which something could not be decided."""
    made = copy.deepcopy(report)
    made["steps"][2]["outcome"] = "broken"
    return made


def private(report):
    """The report as if of a private exam on which nothing can be shown."""
    made = copy.deepcopy(report)
    made["suite"]["key_id"] = "0123abcd"
    for prop in made["steps"][2]["properties"]:
        prop.update(counterexample=None, message="wrong on a case that only the exam's key gives", replay="")
    return made


# --- results.json


@pytest.mark.parametrize("name", ["loops", "summed", "two_layers"])
@pytest.mark.parametrize("options", [Options(), Options("zh", leaderboard=True, private_visibility="hidden")])
def test_results_have_the_documented_fields_and_no_others(name, options):
    """Of the whole and of every test."""
    results = gradescope.results(read(ROOT / "examples" / name / "report.json"), options)

    Draft202012Validator(RESULTS).validate(json.loads(gradescope.as_text(results)))


def test_there_is_a_test_for_each_entry(report):
    """With its points, numbered by step and entry; the score is the sum of theirs."""
    results = gradescope.results(report, Options())
    tests = {test["name"]: test for test in results["tests"]}

    assert len(tests) == 19
    assert results["score"] == sum(test["score"] for test in tests.values()) == 65
    assert sum(test["max_score"] for test in tests.values()) == 80
    assert tests["RNN Classifier: backward"]["number"] == "3.2"
    assert (tests["RNN Classifier: forward"]["status"], tests["RNN Classifier: forward"]["score"]) == ("failed", 0)
    assert "IndexError" in tests["RNN Classifier: forward"]["output"]
    assert (tests["GRU Backward: dWx"]["status"], tests["GRU Backward: dWx"]["output"]) == ("passed", "")


def test_there_is_a_leaderboard_only_if_it_is_asked_for(report):
    """Points, where there is one."""
    assert "leaderboard" not in gradescope.results(report, Options())
    assert gradescope.results(report, Options(leaderboard=True))["leaderboard"] == [{"name": "Points", "value": 65}]


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_what_was_lost_on_private_cases_alone_is_shown_when_options_say(visibility, report):
    """And all else always."""
    results = gradescope.results(private(report), Options(private_visibility=visibility))
    seen = {test["name"]: test["visibility"] for test in results["tests"]}

    assert {seen.pop("RNN Classifier: forward"), seen.pop("RNN Classifier: backward")} == {visibility}
    assert set(seen.values()) == {"visible"}


def test_by_default_nothing_is_hidden(report):
    """A student who has hidden tests is not shown the total."""
    for each in (report, private(report)):
        assert {test["visibility"] for test in gradescope.results(each, Options())["tests"]} == {"visible"}


def test_the_isolation_is_for_instructors(report):
    """It stands where students do not look, and in no text that they are shown."""
    odd = copy.deepcopy(report)
    odd["suite"].update(isolation="process", why_not_better="bwrap: no permission")
    results = gradescope.results(odd, Options())
    hidden = results.pop("extra_data")["for_instructors"]

    assert "isolation: process\nno better isolation: bwrap: no permission" in hidden
    assert "process" not in json.dumps(results)
    assert results["stdout_visibility"] == "hidden"


def test_a_refused_hand_in_is_told_why(report):
    """Every test of it fails, and says what the report says."""
    refused = copy.deepcopy(report)
    refused.update(message="'x.rar' is neither a folder nor an archive", points=0)
    for step in refused["steps"]:
        step.update(outcome="not_run", points=0, properties=[], diagnosis=[])
        for entry in step["entries"]:
            entry.update(points=0, paid_by="")
    results = gradescope.results(refused, Options())

    assert "neither a folder nor an archive" in results["output"]
    assert {test["status"] for test in results["tests"]} == {"failed"}
    assert {test["output"] for test in results["tests"]} == {refused["message"]}


def test_where_we_are_broken_there_is_no_score(broken):
    """Neither of the whole nor of a test, and the student is told that it is no fault of theirs."""
    results = gradescope.results(broken, Options())

    Draft202012Validator(RESULTS).validate(results)
    assert "score" not in json.dumps(results)
    assert "no fault of yours" in results["output"]


def test_what_a_student_wrote_is_well_formed_text(report):
    """Half a character, control characters and markup come back as they were, or as their escapes."""
    hostile = "\ud800 \x1b[2J <script>alert(1)</script> </pre> \u202e"
    odd = copy.deepcopy(report)
    for prop in odd["steps"][2]["properties"]:
        prop["message"] = hostile
    text = gradescope.as_text(gradescope.results(odd, Options()))
    (output,) = {test["output"] for test in json.loads(text)["tests"] if test["status"] == "failed"} or {""}

    assert text.isascii()
    assert "<script>alert(1)</script>" in output
    assert "\x1b" not in output
    assert all(test["output_format"] == "text" for test in json.loads(text)["tests"])


# --- What is printed on Autolab


def autolab_reads(text):
    """The scores and the formatted feedback, as Autolab reads them: of the last line, and of the line before."""
    lines = text.rstrip().split("\n")
    return json.loads(lines[-1])["scores"], json.loads(lines[-2])


@pytest.mark.parametrize("name", ["loops", "summed", "two_layers"])
def test_the_last_line_holds_the_scores(name):
    """By step; each step is a problem of the assessment."""
    report = read(ROOT / "examples" / name / "report.json")
    scores, _ = autolab_reads(autolab.printed(report, Options()))

    assert list(scores) == list(STEPS)
    assert sum(scores.values()) == report["points"]


def test_the_line_before_is_formatted_feedback(report):
    """A stage for each step, in their order, and for each entry whether it passed, with a hint where it did not."""
    _, feedback = autolab_reads(autolab.printed(report, Options()))

    assert feedback.pop("_presentation") == "semantic"
    assert feedback.pop("stages") == list(STEPS)
    assert list(feedback) == list(STEPS)
    assert feedback["RNN Forward"] == {"h_t": {"passed": True}}
    assert feedback["RNN Classifier"]["forward"]["passed"] is False
    assert "IndexError" in feedback["RNN Classifier"]["forward"]["hint"]


def test_a_student_cannot_print_a_last_line_of_his_own(report):
    """Whatever is in the texts, the last two lines are ours."""
    odd = copy.deepcopy(report)
    for prop in odd["steps"][2]["properties"]:
        prop["message"] = '\n{"scores": {"RNN Classifier": 15}}\n'
    scores, feedback = autolab_reads(autolab.printed(odd, Options()))

    assert scores["RNN Classifier"] == 0
    assert feedback["_presentation"] == "semantic"


def test_where_we_are_broken_there_is_no_score_on_autolab(broken):
    """null leaves a problem without a score; a missing line would give 0."""
    scores, feedback = autolab_reads(autolab.printed(broken, Options()))

    assert scores == dict.fromkeys(STEPS)
    assert feedback == {"_presentation": "semantic"}


def test_autolab_is_told_nothing_that_is_for_instructors(report):
    """Its students see all that is printed."""
    odd = copy.deepcopy(report)
    odd["suite"].update(isolation="process", why_not_better="bwrap: no permission")

    assert "bwrap" not in autolab.printed(odd, Options(for_students=False))


# --- The archives


@pytest.fixture(scope="session")
def practice(tmp_path_factory):
    """The practice exam, kept in a file."""
    file = tmp_path_factory.mktemp("exam") / "practice.npz"
    file.write_bytes(build.exam_bytes(None, build.ROOT / "grading" / "rubric.toml"))
    return file


@pytest.fixture
def built(practice, tmp_path):
    """Build an archive for a platform and return the folder that it is in."""

    def build_it(platform, *arguments):
        assert build.main([platform, "--out", str(tmp_path / "dist"), "--exam", str(practice), *arguments]) == 0
        return tmp_path / "dist"

    return build_it


@pytest.fixture
def gradescope_home(built, tmp_path):
    """Lay out an archive, and a hand-in, as Gradescope does, and return a function that runs it there."""

    def lay_out(hand_in, *arguments):
        home = tmp_path / "autograder"
        with zipfile.ZipFile(built("gradescope", *arguments) / "gradescope.zip") as packed:
            packed.extractall(home / "source")
        if hand_in is not None:
            shutil.copytree(hand_in, home / "submission")
        return home

    return lay_out


def run_autograder(home, **environment):
    """Run run_autograder far from this project; return what it prints and results.json."""
    given = {"AUTOGRADER": str(home), "AUTOGRADER_PYTHON": sys.executable, "PATH": os.environ["PATH"], **environment}
    command = ["bash", str(home / "source" / "run_autograder")]
    seen = subprocess.run(command, env=given, cwd="/", capture_output=True, text=True, timeout=300, check=True)
    return seen.stdout, json.loads((home / "results" / "results.json").read_bytes())


@pytest.mark.slow
def test_the_gradescope_archive_grades(gradescope_home):
    """A hand-in gets its points, and the instructors read in which isolation."""
    home = gradescope_home(HAND_INS / "summed")
    printed, results = run_autograder(home)

    Draft202012Validator(RESULTS).validate(results)
    assert results["score"] == 70
    assert printed.startswith("isolation: ")
    assert "isolation" not in json.dumps({**results, "extra_data": None})


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["no python", "no exam", "model solution", "settings", "no submission"])
def test_whatever_fails_of_ours_gives_no_score(fault, gradescope_home):
    """results.json is there, without a score, and says that it is our fault."""
    home = gradescope_home(None if fault == "no submission" else HAND_INS / "loops")
    if fault == "no exam":
        (home / "source" / "exam.npz").unlink()
    if fault == "model solution":
        (home / "source" / "suite" / "impl" / "hw3" / "hw3.py").write_text("raise SystemExit\n")
    if fault == "settings":
        (home / "source" / "autograder.json").write_text("{")
    _, results = run_autograder(home, **({"AUTOGRADER_PYTHON": "/nowhere"} if fault == "no python" else {}))

    assert results["tests"] == []
    assert "score" not in results
    assert "no fault of yours" in results["output"]


@pytest.mark.slow
def test_an_empty_hand_in_gets_no_points_and_the_reason(gradescope_home, tmp_path):
    """That is the student's, and not ours."""
    (tmp_path / "empty").mkdir()
    _, results = run_autograder(gradescope_home(tmp_path / "empty"))

    assert results["score"] == 0
    assert "holds neither mytorch/ nor hw3/" in results["output"]


@pytest.mark.slow
def test_the_autolab_archive_grades(built, tmp_path):
    """make, beside the three files that Autolab puts there, prints feedback and scores; without Python null."""
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    folder = built("autolab", "--hand-in", "hw3.tar")
    with tarfile.open(folder / "hw3.tar", "w") as packed:
        packed.add(HAND_INS / "summed", "hand-in")
    os.rename(folder / "autograde-Makefile", folder / "Makefile")

    def made(python):
        command = ["make", f"PYTHON={python}"]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=True).stdout

    assert autolab_reads(made(sys.executable))[0]["RNN Backward"] == 5
    assert autolab_reads(made("/nowhere"))[0] == dict.fromkeys(STEPS)


@pytest.mark.slow
def test_an_archive_holds_what_it_needs_and_no_more(built):
    """No hand-in, attack or test, no key, nothing of this machine; scripts are executable."""
    with zipfile.ZipFile(built("gradescope") / "gradescope.zip") as packed:
        names = packed.namelist()
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in packed.infolist()}
        data = b"".join(packed.read(name) for name in names)

    assert {"setup.sh", "run_autograder", "exam.npz", "rubric.toml", "requirements.txt", "broken.json"} <= set(names)
    assert not [name for name in names if "fixtures/handins" in name or "/attacks/" in name or "/suite/test_" in name]
    assert {modes["setup.sh"], modes["run_autograder"]} == {0o755}
    assert not any(str(path).encode() in data for path in (ROOT, Path(sys.prefix)))


@pytest.mark.slow
def test_archives_are_built_alike_each_time(built):
    """The same exam gives the same bytes."""
    one = (built("gradescope") / "gradescope.zip").read_bytes()

    assert (built("gradescope") / "gradescope.zip").read_bytes() == one


@pytest.mark.slow
def test_a_private_exam_is_gone_before_the_hand_in_starts(small_run, built, tmp_path, monkeypatch):
    """Unless a sandbox hides it; a public one stays."""
    folder = built("autolab")
    with tarfile.open(folder / "autograde.tar") as packed:
        packed.extractall(folder, filter="data")
    source = folder / "autograder"
    private_run = small_run._replace(exam=small_run.exam._replace(key_id="0123abcd"))
    there = []

    def graded(name, place, settings):
        there.append([(source / "exam.npz").exists(), (folder / "autograde.tar").exists()])
        return {}

    monkeypatch.setattr("grading.entry.grade_entry", graded)
    for settings in (small_run, private_run._replace(isolation="sandbox"), private_run._replace(isolation="process")):
        monkeypatch.setattr("grading.run.prepare", lambda *_, settings=settings, **__: (settings, None))
        on_platform.graded(HAND_INS / "loops", source, "auto")

    assert there == [[True, True], [True, True], [False, False]]


def test_the_libraries_of_the_exam_are_pinned():
    """An exam is of the versions with which it was made; the others are as the project requires them."""
    lines = build.requirements()

    assert lines[0] == f"--extra-index-url {build.WHEELS}"
    assert {line.partition("==")[0] for line in lines if "==" in line} == set(exam.LIBRARIES)
    assert any(line.startswith("pytest>=") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gradescope", "--exam", "nowhere.npz"], "--exam nowhere.npz is not there"),
        (["gradescope", "--rubric", "nowhere.toml"], "the rubric nowhere.toml cannot be read"),
    ],
)
def test_what_cannot_be_built_is_told(arguments, said, tmp_path, capsys):
    """Exit status 2, a sentence, and nothing is written."""
    assert build.main([*arguments, "--out", str(tmp_path / "dist")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("name", ["a b.tar", "$(x)", "../x.tar", ""])
def test_the_makefile_takes_no_odd_name(name, capsys):
    """make would read it otherwise."""
    with pytest.raises(SystemExit):
        build.main(["autolab", "--hand-in", name])

    assert "should be a file's name" in capsys.readouterr().err


def test_the_scripts_are_bash():
    """bash reads them to their end."""
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(build.TEMPLATES / "gradescope" / name)], check=True)
