"""The command line: what it takes, what it prints, and its exit status."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from grading import __main__ as command_line
from grading import batch, engine, report, terminal
from grading.faults import Broken
from grading.grade import grade, with_control
from grading.report import write
from properties.hand_in import MODEL_SOLUTION
from properties.outcomes import Wrong
from properties.registry import STEPS

PROJECT = MODEL_SOLUTION.parent
HAND_INS = PROJECT / "fixtures" / "handins"
PAID, LOST, USAGE, BROKEN = 0, 1, 2, 3
SIMPLE = "RNNStep(N=1, D=1, H=2, numbers='ones')"
FIGURE = """\
Step I - RNN Forward
RNN Forward: PASS
-----
Step I - RNN Backward
RNN backward: PASS
-----
Step I - RNN Classifier
Testing RNN Classifier Forward...
RNN Classifier Forward: PASS
Testing RNN Classifier Backward...
RNN Classifier Backward: PASS
RNN Classifier: PASS
-----
Step II - GRU Forward
Passed GRU Forward Test: 1 / 2
Passed GRU Forward Test: 2 / 2
GRU Forward: PASS
-----
Step II - GRU Backward
Passed GRU Backward Test: 1 / 2
Passed GRU Backward Test: 2 / 2
GRU Backward: PASS
-----
Step II - GRU Inference
GRU Inference: PASS
"""


def run(*arguments, **environment):
    """Run the command in a process of its own, from the project's folder."""
    return subprocess.run(
        [sys.executable, "-m", "grading", *map(str, arguments)],
        cwd=PROJECT, env=os.environ | environment, capture_output=True, timeout=300, check=False,
    )  # fmt: skip


def text_of(written):
    return "\n".join(terminal.whole(written, written["submission"])) + "\n"


@pytest.fixture
def engine_that_tells(monkeypatch, small_run):
    """Has the command find these reports instead of grading, and returns the runs that it asked for."""

    def tell_these(*reports, broken=""):
        runs = []

        def execute(entries, out, settings, parcel, jobs, tell):
            runs.append((entries, settings, jobs))
            for each in reports:
                write(each, out)
                tell(each["submission"])
            return broken

        def prepare(wanted, sent):
            return small_run._replace(steps=wanted.steps), None

        monkeypatch.setattr(engine, "execute", execute)
        monkeypatch.setattr(batch, "prepare", prepare)
        return runs

    return tell_these


@pytest.fixture(scope="session")
def right(small_run):
    return grade("impl", MODEL_SOLUTION, small_run)


# What is refused before anything is graded


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grade", "nowhere"], "nowhere does not exist"),
        (["grade", "impl", "nowhere"], "nowhere does not exist"),
        (["grade", "impl", "--only", "RNN"], "--only RNN: the steps are RNN Forward, RNN Backward"),
        (["grade", "impl", "--rubric", "nowhere.toml"], "the rubric nowhere.toml cannot be read"),
        (["grade", "impl", "--rubric", "pyproject.toml"], "has a step 'project'"),
        (["replay", "nowhere", "rnn_forward.state_equals_torch", SIMPLE], "nowhere is neither a folder nor an archive"),
        (
            ["replay", "grading", "rnn_forward.state_equals_torch", SIMPLE],
            "grading is neither a folder nor an archive that holds",
        ),
        (["replay", "impl", "rnn_forward.state", SIMPLE], "there is no property 'rnn_forward.state'"),
        (["replay", "impl", "rnn_forward.state_equals_torch", "open('x')"], "is not a case"),
    ],
)
def test_a_usage_error_is_told_before_anything_is_graded(
    arguments, said, tmp_path, monkeypatch, capsys, engine_that_tells
):
    """A path, step, rubric, property or case that cannot be used gives exit status 2 and one sentence."""
    monkeypatch.chdir(PROJECT)
    asked = engine_that_tells()
    out = ["--out", str(tmp_path / "out")] if arguments[0] == "grade" else []

    assert command_line.main([*arguments, *out]) == USAGE
    captured = capsys.readouterr()
    assert captured.err.startswith("grading: ")
    assert said in captured.err
    assert (captured.out, asked, (tmp_path / "out").exists()) == ("", [], False)


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["grade"], ["grade", "impl", "--jobs", "0"], ["grade", "impl", "--jobs", "two"],
        ["grade", "impl", "--jobs", "-1"], ["grade", "impl", "--isolation", "container"],
        ["grade", "impl", "--lang", "de"], ["mark", "impl"], ["replay", "impl"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_an_option_that_cannot_be_is_a_usage_error(arguments, capsys):
    """Options are refused with exit status 2 and the usage."""
    with pytest.raises(SystemExit) as left:
        command_line.main(arguments)

    assert left.value.code == USAGE
    assert "usage: python -m grading" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("prop", "case"),
    [
        ("state_equals_torch", "RNNStep(N=-1, D=1, H=1)"),
        ("state_equals_torch", "RNNStep(N=[1], D=1, H=1)"),
        ("state_equals_torch", "GRUStep(D=1, H=1)"),
        ("state_equals_the_stored_array", "RNNStep(N=1, D=1, H=1)"),
    ],
)
def test_a_case_that_does_not_fit_is_a_usage_error(prop, case):
    """A case of impossible sizes, or one that the property is not about, is refused without a traceback."""
    arguments = ["replay", str(MODEL_SOLUTION), f"rnn_forward.{prop}", case, "--isolation", "none"]

    assert command_line.main(arguments) == USAGE


# What is printed


def test_the_figure_of_a_right_hand_in(right):
    """A right hand-in gets the statement's figure, exactly, and then its points."""
    text = text_of(right)

    assert text.startswith(FIGURE + "\nRNN Forward         10 / 10\n")
    assert "Total               80 / 80\n" in text
    assert "FAIL" not in text


def test_the_figure_of_a_wrong_hand_in_says_fail(wrong):
    """Where something fails, the steps that follow are there, and FAIL stands in place of PASS."""
    expected = FIGURE.replace("GRU Backward: PASS", "GRU Backward: *** FAIL ***").replace(
        "Passed GRU Backward", "Failed GRU Backward"
    )

    assert text_of(wrong).startswith(expected + "\n")


def test_the_figure_tells_entries_and_tests_apart(small_run):
    """Each half of the classifier, and each of the two tests of the GRU, has a verdict of its own."""
    written = grade("x", MODEL_SOLUTION, small_run)
    for number, stored in ((3, True), (4, False)):
        step = written["steps"][number]
        step["outcome"] = "failed"
        for prop in step["properties"]:
            if ("stored_array" in prop["id"]) is stored:
                prop["outcome"] = "failed"
    written["steps"][2]["outcome"] = "failed"
    written["steps"][2]["entries"][1]["paid_by"] = ""
    expected = FIGURE
    for name in ("RNN Classifier Backward", "RNN Classifier", "GRU Forward", "GRU Backward"):
        expected = expected.replace(f"{name}: PASS", f"{name}: *** FAIL ***")
    expected = expected.replace("Passed GRU Forward Test: 1", "Failed GRU Forward Test: 1")
    expected = expected.replace("Passed GRU Backward Test: 2", "Failed GRU Backward Test: 2")

    assert text_of(written).startswith(expected)


def test_a_loss_is_told_with_example_and_replay(wrong):
    """Each lost entry is told once: what should be, what is, the smallest example, and how to see it again."""
    text = text_of(wrong)

    assert "GRU Backward, dx, dh: 0 of 5 points\n" in text
    assert "dx has shape (1,), but should have (1, 1)" in text
    assert "On this example, D=1 H=1, numbers" in text
    assert 'python -m grading replay wrong_shapes "gru_backward.' in text.replace(" \\\n     ", "")
    assert text.count("0 of ") == 1


def test_several_hand_ins_get_a_line_each(right, wrong, tmp_path, capsys, engine_that_tells):
    """A class gets a line for each hand-in, and a summary of points and steps."""
    engine_that_tells(right, wrong)
    paths = [str(MODEL_SOLUTION), str(HAND_INS / "wrong_shapes")]

    assert command_line.main(["grade", *paths, "--out", str(tmp_path)]) == LOST
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("impl                        80 / 80")
    assert lines[1] == "wrong_shapes                75 / 80  lost: GRU Backward"
    assert "2 hand-ins; points from 75 to 80, median 77.5" in lines
    assert "  GRU Backward         1" in lines


# Exit status and what is asked for


def test_all_points_give_exit_status_0(right, tmp_path, engine_that_tells, capsys):
    """A hand-in without a loss gives 0, and says where reports are."""
    engine_that_tells(right)

    assert command_line.main(["grade", str(MODEL_SOLUTION), "--out", str(tmp_path)]) == PAID
    assert capsys.readouterr().out.endswith(f"Reports: {tmp_path}\n")


def test_lost_points_give_exit_status_1(wrong, tmp_path, engine_that_tells):
    """A hand-in with a loss gives 1."""
    engine_that_tells(wrong)

    assert command_line.main(["grade", str(HAND_INS / "wrong_shapes"), "--out", str(tmp_path)]) == LOST


def test_a_loss_in_another_step_than_asked_for_gives_exit_status_0(wrong, tmp_path, engine_that_tells):
    """With --only the other steps do not count, and are not run."""
    asked = engine_that_tells(wrong | {"suite": wrong["suite"] | {"steps": ["GRU Forward"]}})
    arguments = ["grade", str(HAND_INS / "wrong_shapes"), "--out", str(tmp_path), "--only", "GRU Forward"]

    assert command_line.main(arguments) == PAID
    assert asked[0][1].steps == ["GRU Forward"]


def test_what_is_broken_gives_exit_status_3(right, tmp_path, capsys, engine_that_tells):
    """A fault of ours gives 3 and says so, whatever was graded before."""
    engine_that_tells(right, broken="the model solution loses points here")

    assert command_line.main(["grade", str(MODEL_SOLUTION), "--out", str(tmp_path)]) == BROKEN
    assert "grading is broken, and no grade is given: the model solution loses" in capsys.readouterr().err


def test_no_more_jobs_than_hand_ins_are_started(right, tmp_path, engine_that_tells):
    """--jobs is how many processes at the most."""
    asked = engine_that_tells(right)
    command_line.main(["grade", str(MODEL_SOLUTION), "--out", str(tmp_path), "--jobs", "8"])

    assert asked[0][2] == 1


@pytest.mark.parametrize("step", STEPS)
def test_one_step_can_be_graded_alone(small_run, step):
    """With --only the control earns that step's points, the hand-in its own, and the other steps are not run."""
    settings = with_control(small_run._replace(steps=[step]))
    outcomes = {s["step"]: s["outcome"] for s in grade("impl", MODEL_SOLUTION, settings)["steps"]}

    assert outcomes == dict.fromkeys(STEPS, "not_run") | {step: "passed"}


def test_a_control_that_loses_points_is_broken(small_run):
    """Where the model solution does not get all points, nothing is graded."""
    first, *rest = small_run.properties

    def never(case, seen):
        raise Wrong("h_t is never right")

    settings = small_run._replace(properties=(dataclasses.replace(first, check=never), *rest))
    with pytest.raises(Broken, match=f"the model solution loses points here: {first.id}: h_t is never right"):
        with_control(settings)


# Replay


@pytest.mark.parametrize(
    ("hand_in", "status", "said"),
    [("einsum", PAID, "It holds."), ("zeros", LOST, "failed: h_t[0, 0] is 0, but should be ")],
)
def test_replay_shows_the_example(hand_in, status, said, capsys):
    """replay prints arrays, script, results and verdict; its exit status is 0 where the property holds, and else 1."""
    arguments = ["replay", str(HAND_INS / hand_in), "rnn_forward.state_equals_torch", SIMPLE, "--isolation", "none"]

    assert command_line.main(arguments) == status
    text = capsys.readouterr().out
    assert 'N=1 D=1 H=2, numbers "ones"' in text
    assert "  W_hh = [[0.5, 0.5], [0.5, 0.5]]\n" in text
    assert "  h_t = cell.forward(x, h)\n" in text
    assert "  h_t == [[" in text
    assert said in text


def test_replay_shows_the_example_of_a_report(wrong, capsys):
    """The command in a report shows the same message again."""
    prop = next(prop for prop in wrong["steps"][4]["properties"] if prop["outcome"] == "failed")
    arguments = [
        "replay",
        str(HAND_INS / "wrong_shapes"),
        prop["id"],
        prop["counterexample"]["case"],
        "--isolation",
        "none",
    ]

    assert command_line.main(arguments) == LOST
    assert f"failed: {prop['message']}" in capsys.readouterr().out


@pytest.mark.parametrize("cells", ["own", "model"])
def test_replay_takes_either_cells(cells, capsys):
    """With --cells model a property holds that does not on the hand-in's own."""
    prop = "rnn_classifier.logits_equal_torch"
    case = "Classification(N=1, T=1, D=1, H=1, C=2, L=1, numbers='ones')"
    arguments = ["replay", str(HAND_INS / "crash_n1"), prop, case, "--isolation", "none", "--cells", cells]

    assert command_line.main(arguments) == {"own": LOST, "model": PAID}[cells]


# Consoles


@pytest.mark.slow
def test_a_console_that_cannot_show_a_character(edited_impl):
    """With ASCII alone, what a hand-in says in Chinese is shown with stand-ins, and nothing breaks."""
    root = edited_impl(
        "mytorch/rnn_cell.py", '        """Return h_t (N, H), given', '        print("你好")\n        """', name="作业"
    )
    done = run(
        "replay", root, "rnn_forward.state_equals_torch", SIMPLE, "--isolation", "none", PYTHONIOENCODING="ascii"
    )

    assert done.returncode == PAID, done.stderr
    assert b"??" in done.stdout
    assert done.stderr == b""


def test_a_usage_error_on_a_console_that_cannot_show_it(tmp_path):
    """The name of a path that is not there is shown as well as may be."""
    done = run("grade", tmp_path / "作业", PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stdout) == (USAGE, b"")
    assert done.stderr.startswith(b"grading: ")
    assert b"does not exist" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a pipe that is closed is another error there")
def test_a_reader_that_went_away_is_no_error():
    """Into a closed pipe the command ends as always, without a traceback."""
    command = [sys.executable, "-m", "grading", "replay", MODEL_SOLUTION, "rnn_forward.state_equals_torch", SIMPLE]
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        done = subprocess.run(
            [*command, "--isolation", "none"],
            cwd=PROJECT,
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=100,
            check=False,
        )

    assert (done.returncode, done.stderr) == (PAID, b"")


# From end to end


@pytest.mark.slow
def test_grading_the_model_solution(tmp_path):
    """The command grades impl/ in a process of its own: the figure, 80 points, exit status 0, a valid report."""
    done = run("grade", "impl", "--out", tmp_path, "--isolation", "process")
    written = json.loads((tmp_path / "impl/report.json").read_text(encoding="utf-8"))
    schema = Path(report.__file__).with_name("report.schema.json").read_text(encoding="utf-8")

    assert done.returncode == PAID, done.stderr
    assert done.stdout.decode().startswith(FIGURE)
    jsonschema.validate(written, json.loads(schema), jsonschema.Draft202012Validator)
    assert (written["points"], written["suite"]["isolation"]) == (80, "process")


@pytest.mark.slow
def test_grading_several_at_a_time(tmp_path):
    """With two processes each of several hand-ins gets its report, and the class its summary."""
    paths = [HAND_INS / name for name in ("einsum", "zeros", "syntax_error")]
    done = run("grade", *paths, "--out", tmp_path, "--jobs", 2, "--isolation", "process", "--key", "some key")
    reports = {
        name: json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8"))
        for name in ("einsum", "zeros", "syntax_error")
    }

    assert done.returncode == LOST, done.stderr
    assert "3 hand-ins; points from 0 to 80" in done.stdout.decode()
    assert (reports["einsum"]["points"], reports["zeros"]["points"]) == (80, 0)
    assert "some key" not in json.dumps(reports)


@pytest.mark.slow
def test_a_place_for_reports_that_cannot_be_is_a_usage_error(tmp_path):
    """A file as --out is refused before anything is graded."""
    (tmp_path / "out").touch()
    done = run("grade", "impl", "--out", tmp_path / "out", "--isolation", "process")

    assert done.returncode == USAGE
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_options_for_pytest_do_not_reach_the_grading(tmp_path):
    """What PYTEST_ADDOPTS says is for the tests alone."""
    done = run("grade", "impl", "--out", tmp_path, "--isolation", "process", PYTEST_ADDOPTS="-k nothing")

    assert done.returncode == PAID
