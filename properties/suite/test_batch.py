"""A class: nothing that was graded is lost, whatever ends the run, and nothing is graded twice that need not be."""

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.everything import HEARS_CTRL_C
from grading import __main__ as command_line
from grading import batch, engine, gradebook, progress
from grading.__main__ import BROKEN, LOST, PAID, USAGE
from grading.entry import grade_entry
from grading.grade import with_control
from grading.report import suite_of, write
from grading.tally import Tally
from properties.hand_in import MODEL_SOLUTION
from properties.registry import STEPS

PROJECT = MODEL_SOLUTION.parent
HAND_INS = PROJECT / "fixtures" / "handins"
SOME = 30


@pytest.fixture
def a_class(tmp_path):
    """A class of three: right, wrong in one step, and no hand-in at all."""
    folder = tmp_path / "class"
    shutil.copytree(MODEL_SOLUTION, folder / "right", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HAND_INS / "wrong_shapes", folder / "wrong")
    (folder / "letter.txt").write_text("Dear grader,")
    return folder


@pytest.fixture
def small_exam(monkeypatch, small_run):
    """Has the command take a small exam, graded in this process, and returns the names that were graded."""
    graded = []

    def execute(entries, out, settings, parcel, jobs, tell):
        for name, place in entries:
            graded.append(name)
            write(grade_entry(name, batch.Path(place), settings), out)
            tell(name)
        return ""

    monkeypatch.setattr(batch, "prepare", lambda wanted, sent: (small_run._replace(steps=list(wanted.steps)), None))
    monkeypatch.setattr(engine, "execute", execute)
    return graded


def reports(out):
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*/report.json")}


def test_a_class_gets_reports_a_summary_and_a_gradebook(a_class, tmp_path, small_exam, capsys):
    """A line for each hand-in, how points are spread, which steps lost, what was said most, and a table."""
    assert command_line.main(["grade", str(a_class), "--out", str(tmp_path / "out")]) == LOST

    told = capsys.readouterr().out
    assert {name: report["points"] for name, report in reports(tmp_path / "out").items()} == {
        "right": 80, "wrong": 75, "letter.txt": 0,
    }  # fmt: skip
    assert "letter.txt                   0 / 80  'letter.txt' is neither a folder nor an archive" in told
    assert "3 hand-ins; points from 0 to 80, median 75" in told
    assert "  GRU Backward         2" in told
    assert "1 could not be graded at all." in told
    assert "1  GRU Backward: dx and dh have the shapes (D,) and (H,)" in told
    with open(tmp_path / "out" / gradebook.FILE, encoding="utf-8-sig", newline="") as file:
        assert [row["hand_in"] for row in csv.DictReader(file)] == ["letter.txt", "right", "wrong"]


def test_resume_grades_what_is_new_alone(a_class, tmp_path, small_exam, capsys):
    """What was graded with the same settings from the same bytes is left as it is, and counted."""
    arguments = ["grade", str(a_class), "--out", str(tmp_path / "out")]
    command_line.main(arguments)
    small_exam.clear()
    (a_class / "wrong/mytorch/gru_cell.py").write_bytes((MODEL_SOLUTION / "mytorch/gru_cell.py").read_bytes())
    shutil.copytree(a_class / "right", a_class / "late")
    capsys.readouterr()

    assert command_line.main([*arguments, "--resume"]) == LOST
    assert small_exam == ["late", "wrong"]
    told = capsys.readouterr().out
    assert "2 of 4 were graded before, as they would be now." in told
    assert "4 hand-ins; points from 0 to 80, median 80" in told


@pytest.mark.parametrize("what", ["steps", "sha256", "digest", "rubric", "key_id", "isolation", "numpy"])
def test_resume_grades_again_what_was_graded_otherwise(a_class, tmp_path, small_exam, what):
    """Another suite, key, rubric, isolation or library, or other bytes: graded again."""
    arguments = ["grade", str(a_class / "right"), "--out", str(tmp_path / "out")]
    command_line.main(arguments)
    small_exam.clear()
    report = reports(tmp_path / "out")["right"]
    part = report if what == "sha256" else report["suite"]
    part[what] = ["RNN Forward"] if what == "steps" else "0" * 64
    write(report, tmp_path / "out")

    assert command_line.main([*arguments, "--resume"]) == PAID
    assert small_exam == ["right"]


def test_a_report_that_is_cut_short_is_graded_again(a_class, tmp_path, small_exam):
    """A damaged report is none."""
    arguments = ["grade", str(a_class / "right"), "--out", str(tmp_path / "out")]
    command_line.main(arguments)
    file = tmp_path / "out/right/report.json"
    file.write_bytes(file.read_bytes()[:1000])
    small_exam.clear()

    assert command_line.main([*arguments, "--resume"]) == PAID
    assert small_exam == ["right"]


def test_a_baseline_says_what_changed(a_class, tmp_path, small_exam, capsys):
    """After grading, what broke and what was fixed since the reports of another folder, of those graded now."""
    command_line.main(["grade", str(a_class), "--out", str(tmp_path / "old")])
    shutil.rmtree(a_class / "right")
    shutil.copytree(HAND_INS / "wrong_shapes", a_class / "right")
    capsys.readouterr()
    arguments = ["grade", str(a_class / "right"), "--out", str(tmp_path / "new"), "--baseline", str(tmp_path / "old")]
    command_line.main(arguments)

    told = capsys.readouterr().out
    assert f"Since {tmp_path / 'old'}:" in told
    assert "right: 75 / 80, before 80 / 80" in told
    assert "1 hand-in lost something that held." in told
    assert "letter" not in told


def test_diff_tells_nothing_of_a_folder_against_itself(a_class, tmp_path, small_exam, capsys):
    """A class against itself: exit status 0 and one line."""
    command_line.main(["grade", str(a_class), "--out", str(tmp_path / "out")])
    capsys.readouterr()

    assert command_line.main(["diff", str(tmp_path / "out"), str(tmp_path / "out")]) == PAID
    assert capsys.readouterr().out == "Nothing changed: 3 hand-ins compared.\n"


def test_diff_has_exit_status_1_where_something_broke(a_class, tmp_path, small_exam, capsys):
    """Something that held no longer does: exit status 1; the other way round: 0."""
    for name, hand_in in (("old", "right"), ("new", "wrong")):
        command_line.main(["grade", str(a_class / hand_in), "--out", str(tmp_path / name)])

    assert command_line.main(["diff", str(tmp_path / "old"), str(tmp_path / "new")]) == LOST
    assert command_line.main(["diff", str(tmp_path / "new"), str(tmp_path / "old")]) == PAID


def test_a_damaged_baseline_is_told_before_anything_is_graded(a_class, tmp_path, capsys):
    """It is a usage error that names the file, and there is no report."""
    (tmp_path / "old/right").mkdir(parents=True)
    (tmp_path / "old/right/report.json").write_text("{")
    arguments = ["grade", str(a_class / "right"), "--out", str(tmp_path / "new"), "--baseline", str(tmp_path / "old")]

    assert command_line.main(arguments) == USAGE
    assert "report.json is not JSON" in capsys.readouterr().err
    assert not (tmp_path / "new/right").exists()


def test_a_package_that_is_not_installed_is_no_fault_of_a_hand_in(a_class, monkeypatch, capsys):
    """The run is broken, and says which package is missing."""

    def imports(_):
        raise ModuleNotFoundError(name="rich")

    monkeypatch.setattr(command_line.locate, "entries", imports)

    assert command_line.main(["grade", str(a_class)]) == BROKEN
    assert capsys.readouterr().err.endswith("no grade is given: the package rich is not installed\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--baseline", "nowhere"], "nowhere does not exist"),
        (["--out", "here", "--baseline", "here"], "--baseline here is --out itself, whose reports would be written"),
    ],
)
def test_a_baseline_that_cannot_be_compared_with_is_a_usage_error(arguments, said, tmp_path, monkeypatch, capsys):
    """It is told before anything is graded."""
    monkeypatch.chdir(tmp_path)

    assert command_line.main(["grade", str(MODEL_SOLUTION), *arguments]) == USAGE
    assert said in capsys.readouterr().err


def test_a_full_disk_leaves_whole_reports(a_class, tmp_path, small_run, monkeypatch):
    """Where a report cannot be written nothing is left of it, and what was written before is whole."""
    full = OSError(errno.ENOSPC, "No space left on device")
    fsync, calls = os.fsync, []

    def failing(descriptor):
        calls.append(descriptor)
        if len(calls) > 1:
            raise full
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    for_all = small_run._replace(properties=small_run.properties[:1])
    write(grade_entry("right", a_class / "right", for_all), tmp_path)
    wrong = grade_entry("wrong", a_class / "wrong", for_all)
    with pytest.raises(OSError, match="No space left"):
        write(wrong, tmp_path)

    assert list(reports(tmp_path)) == ["right"]
    assert list(tmp_path.rglob("*.unfinished")) == []


def test_a_broken_run_says_what_is_kept(a_class, tmp_path, small_exam, capsys, monkeypatch):
    """A fault of ours on the way: exit status 3, how many reports are whole, how to go on; the gradebook has them."""

    def execute(entries, out, settings, parcel, jobs, tell):
        write(grade_entry("right", a_class / "right", settings), out)
        tell("right")
        return "the report of wrong cannot be written: No space left on device"

    monkeypatch.setattr(engine, "execute", execute)
    assert command_line.main(["grade", str(a_class), "--out", str(tmp_path / "out")]) == BROKEN

    assert capsys.readouterr().err.endswith(
        "the report of wrong cannot be written: No space left on device; "
        "1 of 3 reports are written and whole; --resume goes on from there\n"
    )
    assert "right" in (tmp_path / "out" / gradebook.FILE).read_text(encoding="utf-8-sig")


def test_a_folder_for_reports_that_cannot_be_written_is_a_usage_error(tmp_path, capsys):
    """--out that is a file is told before anything is graded."""
    (tmp_path / "file").touch()

    assert command_line.main(["grade", str(MODEL_SOLUTION), "--out", str(tmp_path / "file")]) == USAGE
    assert "reports cannot be written there" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_run_that_is_ended_goes_on_where_it_stopped(how, tmp_path):
    """Reports that were finished are whole, no process is left, and --resume grades the others alone."""
    for number in range(SOME):  # pytest-xdist gives its workers ten seconds to end, in which they go on
        root = tmp_path / f"class/{number:02}"
        shutil.copytree(MODEL_SOLUTION, root, ignore=shutil.ignore_patterns("__pycache__"))
        with open(root / "mytorch/rnn_cell.py", "a") as file:
            file.write("import time\ntime.sleep(1)\n")
    command = [sys.executable, "-m", "grading", "grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")]
    command += ["--exam", str(tmp_path / "exam.npz"), "--isolation", "process", "--jobs", "2"]
    hears = [sys.executable, "-c", HEARS_CTRL_C, *command]
    run = subprocess.Popen(hears, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout
    run.stdout.readline()  # one is done
    run.send_signal(how)
    _, said = run.communicate(timeout=60)
    done = {name: report["points"] for name, report in reports(tmp_path / "out").items()}

    assert 1 <= len(done) < SOME
    assert set(done.values()) == {80}
    if how == signal.SIGINT:
        assert run.returncode == BROKEN
        assert "grading: interrupted; " in said
        assert "Traceback" not in said
    again = subprocess.run([*command, "--resume"], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=True)
    assert f" of {SOME} were graded before" in again.stdout
    assert len(reports(tmp_path / "out")) == SOME
    time.sleep(0.5)
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False).stdout
    assert left == ""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_shards_grade_everything_once(jobs, tmp_path, monkeypatch, small_run):
    """A class of more than a shard is graded in several sessions, each hand-in once."""
    from grading import rubric
    from grading.run import Wanted, prepare

    monkeypatch.setattr(engine, "SHARD", 3)
    entries = []
    for number in range(7):
        root = tmp_path / f"class/{number}"
        shutil.copytree(MODEL_SOLUTION, root, ignore=shutil.ignore_patterns("__pycache__"))
        entries.append((root.name, str(root)))
    settings, parcel = prepare(Wanted(None, "process", rubric.DEFAULT, ["RNN Forward"], None), sent=jobs > 1)
    told = []

    assert engine.execute(entries, tmp_path / "out", settings, parcel, jobs, told.append) == ""
    assert sorted(told) == [str(number) for number in range(7)]
    assert {report["points"] for report in reports(tmp_path / "out").values()} == {10}


def test_a_worker_grades_as_the_command_does(small_run, tmp_path, a_class):
    """What is sent to another process, unpacked there, gives the same report."""
    from grading import exam, grade, rubric
    from grading.run import Parcel, as_data, unpack

    settings = with_control(small_run)
    text = rubric.read(rubric.DEFAULT)
    settings = settings._replace(rubric_digest=rubric.digest(text))
    data = exam.to_bytes(settings.exam, grade.answers(settings))
    sent = as_data(Parcel(data, text, STEPS, "none", ""))

    for name in ("right", "wrong"):
        assert grade_entry(name, a_class / name, unpack(sent)) == grade_entry(name, a_class / name, settings)


def test_what_decides_is_in_every_report(small_run):
    """A report names suite, libraries, isolation, steps, key and rubric: what a later run is held against."""
    suite = suite_of(small_run)

    assert {
        "version",
        "digest",
        "python",
        "numpy",
        "torch",
        "hypothesis",
        "isolation",
        "steps",
        "key_id",
        "rubric",
    } <= set(suite)


def test_a_summary_counts_points_by_tens(right_and_wrong):
    """Full points have a row of their own, then come tens, and a bar is as long as its share."""
    tally = Tally()
    for report in right_and_wrong:
        tally.add(report)
    lines = list(tally.lines())

    assert "2 hand-ins; points from 75 to 80, median 77.5" in lines
    assert f"  80             1 {'#' * 40}" in lines
    assert f"  70 - 80        1 {'#' * 40}" in lines
    assert "  0 - 10         0" in lines


@pytest.fixture
def right_and_wrong(a_class, small_run):
    return [grade_entry(name, a_class / name, small_run) for name in ("right", "wrong")]


def test_no_bar_is_drawn_where_there_is_no_terminal(capsys):
    """Output that goes to a file is lines alone."""
    with progress.shown(3) as tell:
        tell("one")

    assert capsys.readouterr().out == "one\n"


def test_a_bar_says_how_much_is_done_on_a_terminal(monkeypatch, capsys):
    """On a terminal the lines stand above a bar with how many are done of how many, and the time left."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.shown(3, 1) as tell:
        tell("[one] = 80 / 80")

    told = capsys.readouterr().out
    assert "[one] = 80 / 80" in told
    assert "2/3" in told
