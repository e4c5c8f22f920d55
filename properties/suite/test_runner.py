"""The hand-out as a new student has it: unpacked elsewhere, with no library but those of its requirements.txt."""

import os
import shutil
import subprocess
import sys

import pytest

from grading import archives, runner
from grading.entry import grade_entry
from handout.contents import EXERCISES, IMPL
from handout.pack import zipped
from handout.practice import practice_exam
from handout.program import RUNNER, program
from handout.skeleton import STYLES

STEPS = 6
pytestmark = pytest.mark.slow

WITHOUT_LIBRARIES = """
import sys
for name in ("torch", "hypothesis", "xdist", "libcst"):
    sys.modules[name] = None
sys.argv.pop(0)
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def built():
    """The hand-out in both styles, as archives."""
    exam = practice_exam()
    return {style: zipped(program(style, exam)) for style in STYLES}


@pytest.fixture(params=STYLES)
def homework(request, built, tmp_path):
    """The folder program/ of a student, below one whose name has a space and Chinese."""
    archive = tmp_path / "program.zip"
    archive.write_bytes(built[request.param])
    archives.unpack(archive, tmp_path / "作业 3")
    return tmp_path / "作业 3" / "program"


def run(homework, *arguments):
    command = [sys.executable, "-c", WITHOUT_LIBRARIES, f"./{RUNNER}/runner.py", *arguments]
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LANG", "LC_"))}
    return subprocess.run(command, cwd=homework, env=alone, capture_output=True, text=True, timeout=120, check=False)


def words_of(ran):
    return " ".join(ran.stdout.split())


def fill_in(homework, *files):
    for exercise in EXERCISES:
        if exercise.file in files or not files:
            shutil.copy(IMPL / exercise.file, homework / exercise.file)


def files_of(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def test_an_untouched_hand_out_is_not_written_yet(homework):
    """Every step says FAIL and what is not written yet, without a traceback; nothing is left behind; status 1."""
    before = files_of(homework)
    ran = run(homework)

    assert (ran.returncode, ran.stderr) == (1, "")
    assert words_of(ran).count(" is not written yet (") == STEPS
    assert "PASS" not in ran.stdout
    assert "Traceback" not in ran.stdout
    assert "there is no answers.toml" in words_of(ran)
    assert words_of(ran).count("off here") == 1
    assert files_of(homework) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
def test_a_new_student_gets_all_points(homework, small_run):
    """With impl/'s files pasted in all steps PASS; what create_tarball.sh packs is graded and gets all points."""
    fill_in(homework)
    (homework / "answers.toml").write_text('q1 = "d"\nq2 = "\\u001b"\n')
    ran = run(homework)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count(": PASS") == STEPS + 2  # forward and backward of the classifier have a line each
    assert "FAIL" not in ran.stdout
    assert "answers.toml holds q1 D, q2 '\\x1b'." in words_of(ran)
    subprocess.run(["sh", "create_tarball.sh"], cwd=homework, capture_output=True, check=True)
    report = grade_entry("student", homework / "handin.tar", small_run)
    assert (report["points"], report["max_points"]) == (80, 80)


def test_a_wrong_line_is_told_and_shown_again(homework):
    """One step fails, with an example; its command, typed in, shows the example; once mended it says that it holds."""
    fill_in(homework)
    file = homework / "mytorch/gru_cell.py"
    right = file.read_text()
    file.write_text(right.replace("(1 - self.z) * h", "(1 + self.z) * h", 1))
    assert file.read_text() != right
    ran = run(homework)
    words = ran.stdout.split(f"    {runner.COMMAND} replay ")[1].splitlines()[0].split('"')[1::2]

    assert ran.returncode == 1
    assert "RNN Classifier: PASS" in ran.stdout
    assert "GRU Forward: *** FAIL ***" in ran.stdout
    shown = run(homework, "replay", *words)
    assert shown.returncode == 1
    assert "failed: h_t" in shown.stdout
    file.write_text(right)
    assert "It holds." in run(homework, "replay", *words).stdout


def test_what_hangs_ends(homework):
    """An endless loop costs its step, within a minute, and is told."""
    fill_in(homework)
    file = homework / "mytorch/rnn_cell.py"
    text = file.read_text()
    file.write_text(
        text.replace(
            "    def backward(", "    def backward(self, *arguments):\n        while True: pass\n\n    def was(", 1
        )
    )
    ran = run(homework)

    assert ran.returncode == 1
    assert "It does not end in time" in ran.stdout
    assert "GRU Inference: PASS" in ran.stdout


def test_one_that_wants_more_than_a_replay_is_told(homework):
    """Other words are a usage error, in a sentence."""
    ran = run(homework, "--help")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"runner.py: it takes nothing, or an example to show again: {runner.HOW}\n"


@pytest.mark.parametrize("exam", [b"", b"PK\x03\x04 and no more", None])
def test_a_damaged_exam_is_told(homework, exam):
    """Where data/ is not as it was handed out nothing is judged, and the sentence says what to do."""
    file = homework / RUNNER / "data/exam.npz"
    file.unlink() if exam is None else file.write_bytes(exam)
    ran = run(homework)

    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.endswith("unpack the homework's archive again\n")
    assert len(ran.stderr.splitlines()) == 1
