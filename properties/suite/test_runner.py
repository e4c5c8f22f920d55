"""The hand-out as a new student has it: unpacked elsewhere, with no library but those of its requirements.txt."""

import ast
import os
import re
import shutil
import subprocess
import sys

import pytest

from grading import archives, runner
from grading.entry import grade_entry
from grading.pack import zipped
from handout.contents import EXERCISES, IMPL
from handout.practice import practice_exam
from handout.program import RUNNER, program
from handout.skeleton import STYLES
from properties.registry import STEPS as STEP_NAMES
from training.kept import curves
from training.phonemes import Phonemes

STEPS = len(STEP_NAMES)
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
    exam, learned = practice_exam(), curves([Phonemes()])
    return {style: zipped(program(style, exam, learned)) for style in STYLES}


@pytest.fixture(params=STYLES)
def homework(request, built, tmp_path):
    """The folder program/ of a student, below one whose name has a space and Chinese."""
    archive = tmp_path / "program.zip"
    archive.write_bytes(built[request.param])
    archives.unpack(archive, tmp_path / "作业 3")
    return tmp_path / "作业 3" / "program"


def run(homework, *arguments, program="runner.py"):
    command = [sys.executable, "-c", WITHOUT_LIBRARIES, f"./{RUNNER}/{program}", *arguments]
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LANG", "LC_"))}
    return subprocess.run(command, cwd=homework, env=alone, capture_output=True, text=True, timeout=120, check=False)


def shown_again(ran):
    """The property and the case of each command that shows an example again."""
    text = ran.stdout.replace(" \\\n", "")
    return re.findall(rf'{re.escape(runner.COMMAND)} replay +"([^"]+)" +"([^"]+)"', text)


def words_of(ran):
    return " ".join(ran.stdout.split())


def fill_in(homework):
    """Paste the model solution's functions over those that are to fill in, and nothing else."""
    for exercise in EXERCISES:
        file, model = homework / exercise.file, (IMPL / exercise.file).read_text(encoding="utf-8")
        lines, solved = file.read_text(encoding="utf-8").split("\n"), functions(model)
        for name, (first, last) in reversed(functions("\n".join(lines)).items()):
            if name in [task.name for task in exercise.tasks]:
                begin, end = solved[name]
                lines[first - 1 : last] = model.split("\n")[begin - 1 : end]
        file.write_text("\n".join(lines), encoding="utf-8")


def functions(text):
    """The first and the last line of each function and method, by name and in their order."""
    found = {}
    for node in ast.parse(text).body:
        for member in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(member, ast.FunctionDef):
                name = f"{node.name}.{member.name}" if member is not node else member.name
                found[name] = (member.lineno, member.end_lineno)
    return found


def files_of(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def test_an_untouched_hand_out_is_not_written_yet(homework):
    """Every step says FAIL and which function is not written yet, without a traceback; nothing is left; status 1."""
    before = files_of(homework)
    ran = run(homework)

    assert (ran.returncode, ran.stderr) == (1, "")
    told = words_of(ran).partition("Not written yet")[2]
    assert told.count(" is not written yet. Look at ") == STEPS - 1  # both of the GRU need its forward
    assert all(f" {step}" in told for step in STEP_NAMES)
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
    words = shown_again(ran)[0]

    assert ran.returncode == 1
    assert "RNN Classifier: PASS" in ran.stdout
    assert "GRU Forward: *** FAIL ***" in ran.stdout
    shown = run(homework, "replay", *words)
    assert shown.returncode == 1
    assert "failed: h_t" in shown.stdout
    file.write_text(right)
    assert "It holds." in run(homework, "replay", *words).stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mytorch/rnn_cell.py", "dz_mean = dz / N", "dz_mean = dz"),
        ("mytorch/rnn_cell.py", "return self.activation(x", "return 2 * self.activation(x"),
        ("hw3/rnn_classifier.py", "self.hiddens[-1]", "self.hiddens[0]"),
        ("hw3/hw3.py", "return", "return 2 *"),
        ("mytorch/gru_cell.py", "dx = da_z @ self.Wzx", "dx = da_z @ self.Wrx"),
    ],
    ids=["RNN Backward", "RNN Forward", "RNN Classifier", "GRU Inference", "GRU Backward"],
)
def test_every_command_that_is_shown_shows_its_example(homework, file, old, new):
    """Whatever step is wrong, the commands of all its examples can be typed in, and say what is wrong."""
    fill_in(homework)
    text = (homework / file).read_text()
    assert old in text
    (homework / file).write_text(text.replace(old, new, 1))
    commands = shown_again(run(homework))

    assert commands
    for words in commands:
        again = run(homework, "replay", *words)
        assert (again.returncode, again.stderr) == (1, ""), words
        assert "Traceback" not in again.stdout


def test_another_example_is_not_shown(homework):
    """A case that did not come along has no answers here, and the sentence says so."""
    fill_in(homework)
    ran = run(homework, "replay", "rnn_backward.gradient_equals_torch[dx]", "RNNStep(N=3, D=3, H=3, seed=77)")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "is none of the examples that this runner shows" in ran.stderr


def test_an_outline_that_is_half_filled_in_is_told(homework):
    """A ??? that is left is the reason why a file does not parse."""
    file = homework / "mytorch/rnn_cell.py"
    file.write_text(file.read_text().replace("        raise NotImplementedError", "        h = ???", 1))

    assert "does not parse: a ??? is left there" in words_of(run(homework))


def test_a_network_is_seen_to_learn(homework):
    """The classifier of a right homework learns, with a curve, beside PyTorch's losses, which came along."""
    fill_in(homework)
    ran = run(homework, "phonemes", program="train.py")

    assert ran.returncode == 0
    assert "PyTorch's loss is the same in each of" in ran.stdout
    assert "loss, nats" in ran.stdout


def test_a_wrong_network_is_seen_to_go_astray(homework):
    """With gradients that are summed it leaves PyTorch's curve, and the runner is named."""
    fill_in(homework)
    file = homework / "mytorch/rnn_cell.py"
    file.write_text(file.read_text().replace("dz_mean = dz / N", "dz_mean = dz"))
    ran = run(homework, "phonemes", "--epochs", "2", program="train.py")

    assert ran.returncode == 1
    assert "forward began right, and a gradient is not" in ran.stdout
    assert f"says: {runner.COMMAND}\n" in ran.stdout


def test_training_elsewhere_is_not_compared(homework):
    """Another seed has no curve here, and that is said; a folder that is not written yet is told."""
    fill_in(homework)
    ran = run(homework, "phonemes", "--seed", "3", "--epochs", "1", program="train.py")

    assert "The losses are not compared: PyTorch's came along for seed 0" in ran.stdout


@pytest.mark.parametrize("damage", ["suite/fixtures", "suite/pyproject.toml", "suite/grading/judge.py"])
def test_a_damaged_suite_is_a_sentence(homework, damage):
    """Where a part is gone or is not Python nothing is judged; status 3, one line, and what to do."""
    place = homework / RUNNER / damage
    if place.is_dir():
        shutil.rmtree(place)
    elif place.suffix == ".py":
        place.write_text("def")
    else:
        place.unlink()
    ran = run(homework)

    assert (ran.returncode, ran.stdout) == (3, "")
    assert "unpack the homework's archive again" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


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
