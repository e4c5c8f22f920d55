"""Quiz, code and report stand beside each other, and make 100 points together."""

import csv
import re

import pytest

from grading import __main__ as command_line
from grading import batch, engine, gradebook, quiz, totals
from grading.__main__ import LOST, USAGE
from grading.entry import grade_entry
from grading.faults import Usage
from grading.report import write
from properties.hand_in import MODEL_SOLUTION

QUIZ = quiz.load()
KEY = "".join(f'{each.question} = "{"".join(sorted(each.key))}"\n' for each in QUIZ.questions)


@pytest.fixture
def marks(tmp_path):
    """Write a table of marks, and return its file."""

    def written(text, encoding="utf-8"):
        file = tmp_path / "marks.csv"
        file.write_bytes(text.encode(encoding))
        return file

    return written


# --- The table of marks


@pytest.mark.parametrize(
    "text",
    [
        "alice,8.5\n李雷,10\n",
        "\ufeffname,points\nalice,8.5\n李雷,10\n",
        "alice;8,5\r\n李雷;10\r\n",
        "name\tpoints\tremark\nalice\t8.5\tgood\n\n李雷\t10\n",
        '"alice","8.5"\n" 李雷 "," 10"\ncarol,\n,\n',
        "name,points,remark\nalice,8.5,good; very\n李雷,10,\n",
        "name;points\nalice;8,5\n李雷;10,0\n",
    ],
    ids=["plain", "heading and mark", "semicolons", "tabs", "quotes, spaces, blanks", "remarks", "commas for points"],
)
def test_marks_are_read_as_spreadsheets_write_them(marks, text):
    """With or without a heading, whatever separates the columns; a name without a mark has none."""
    assert totals.read_scores(marks(text)) == {"alice": 8.5, "李雷": 10}


def test_a_name_may_come_from_the_gradebook(marks):
    """There a ' keeps it from being a formula."""
    assert totals.read_scores(marks("'=alice,1\n'007,2\n")) == {"=alice": 1, "007": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alice,8\nbob,x\n", "line 2: 'x' is no number of points, 0 to 10"),
        ("alice,8\nbob,10.5\n", "line 2: 10.5 points are not possible, but 0 to 10 are"),
        ("alice,-1\n", "line 1: -1 points are not possible"),
        ("alice,nan\n", "line 1: nan points are not possible"),
        ("alice,8\nbob,2\nalice,8\n", "line 3: 'alice' is there twice"),
        ("alice 8\n", "line 1: 'alice 8' is one column, but should be two"),
        ("name,points\nname,points\n", "line 2: 'points' is no number"),
        ("alice,8/10\nbob,8\n", "line 1: '8/10' is no number of points"),
    ],
)
def test_marks_that_cannot_be_are_told_by_their_line(marks, text, said):
    """A usage error names file, line, value and rule."""
    with pytest.raises(Usage, match=rf"marks\.csv, {re.escape(said)}"):
        totals.read_scores(marks(text))


def test_a_table_that_cannot_be_read_is_told(marks, tmp_path):
    """Another encoding, and a file that is not there."""
    with pytest.raises(Usage, match="are not in UTF-8; save them again"):
        totals.read_scores(marks("李雷,1\n", "gbk"))
    with pytest.raises(Usage, match=r"nowhere\.csv cannot be read"):
        totals.read_scores(tmp_path / "nowhere.csv")


# --- The total


@pytest.fixture(scope="module")
def graded(small_run, tmp_path_factory):
    """The report of the model solution with these answers, in a run with the quiz."""
    import shutil

    def grade(answers, reveal=False):
        root = tmp_path_factory.mktemp("class") / "alice"
        shutil.copytree(MODEL_SOLUTION, root, ignore=shutil.ignore_patterns("__pycache__"))
        if answers is not None:
            (root / "answers.toml").write_text(answers)
        return grade_entry("alice", root, small_run._replace(quiz=QUIZ, reveal=reveal))

    return grade


def test_the_quiz_stands_beside_the_code(graded):
    """Its points are its own, and the code's are what they are without it."""
    report = graded(KEY)

    assert (report["points"], report["max_points"]) == (80, 80)
    assert (report["quiz"]["points"], report["quiz"]["max_points"]) == (10, 10)
    assert "key" not in report["quiz"]["questions"][0]


def test_a_hand_in_without_answers_is_told_so(graded):
    """No points, and why; a report that reveals shows the key and the reasons."""
    report = graded(None)

    assert report["quiz"]["points"] == 0
    assert report["quiz"]["message"] == "there is no answers.toml, so the quiz earns nothing"
    revealed = graded('q1 = "A"', reveal=True)["quiz"]["questions"][0]
    assert revealed["key"] == "D"
    assert revealed["explanation"]


def test_the_quiz_pays_no_code(small_run, write_hand_in):
    """A hand-in that is wrong has its quiz's points, and of the code none."""
    root = write_hand_in({"mytorch/rnn_cell.py": "", "hw3/hw3.py": "", "answers.toml": KEY})
    report = grade_entry("wrong", root, small_run._replace(quiz=QUIZ))

    assert (report["points"], report["quiz"]["points"]) == (0, 10)


def test_a_refused_hand_in_has_no_points_in_the_quiz_either(small_run, tmp_path):
    """The quiz's part is there, and says why nothing was read."""
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04")
    report = grade_entry("damaged", tmp_path / "damaged.zip", small_run._replace(quiz=QUIZ))

    assert report["quiz"]["points"] == 0
    assert report["quiz"]["message"].startswith("answers.toml was not read: ")
    assert len(report["quiz"]["questions"]) == len(QUIZ.questions)


def test_three_parts_make_a_hundred(graded):
    """Quiz, code and report add up; without a mark the report is None, and the points are those of the others."""
    report = graded(KEY)

    assert totals.with_total(report, {"alice": 9.5})["total"] == {
        "quiz": 10, "code": 80, "report": 9.5, "points": 99.5, "max_points": 100
    }  # fmt: skip
    assert totals.with_total(report, {"bob": 1})["total"] == {
        "quiz": 10, "code": 80, "report": None, "points": 90, "max_points": 100
    }  # fmt: skip


def test_the_gradebook_has_a_total_where_all_parts_are_there(graded, tmp_path):
    """And its parts where they are."""
    report = graded(KEY)
    with_mark, without = (gradebook.row_of(totals.with_total(report, marks)) for marks in ({"alice": 9}, {}))

    assert (with_mark.points, with_mark.quiz, with_mark.report, with_mark.total) == (80, 10, 9, 99)
    assert (without.points, without.quiz, without.report, without.total) == (80, 10, None, None)


def test_a_run_without_a_quiz_has_a_total_and_one_of_a_step_has_none(graded):
    """Of 90 points, and of what was not asked for nothing is known."""
    report = graded(KEY)
    no_quiz = {name: value for name, value in report.items() if name != "quiz"}
    one_step = {**report, "suite": {**report["suite"], "steps": ["RNN Forward"]}}

    assert totals.with_total(no_quiz, {"alice": 9})["total"]["max_points"] == 90
    assert gradebook.row_of(totals.with_total(no_quiz, {"alice": 9})).total == 89
    assert gradebook.row_of(totals.with_total(one_step, {"alice": 9})).total is None


# --- The command


@pytest.fixture
def run(monkeypatch, small_run, tmp_path):
    """Run the command on a class, in this process and with a small exam; return its status and Alice's row."""
    place = tmp_path / "class"
    (place / "alice").mkdir(parents=True)
    for folder in ("mytorch", "hw3"):
        (place / "alice" / folder).symlink_to(MODEL_SOLUTION / folder)
    (place / "alice" / "answers.toml").write_text(KEY)
    (place / "letter.txt").write_text("Dear grader,")

    def prepare(wanted, sent):
        questions = None if wanted.quiz is None else quiz.load(wanted.quiz)
        return small_run._replace(quiz=questions, reveal=wanted.reveal), None

    def execute(entries, out, settings, parcel, jobs, tell):
        for name, place in entries:
            write(grade_entry(name, batch.Path(place), settings), out)
            tell(name)
        return ""

    monkeypatch.setattr(batch, "prepare", prepare)
    monkeypatch.setattr(engine, "execute", execute)

    def ran(*arguments):
        out = tmp_path / "out"
        status = command_line.main(["grade", str(place), "--out", str(out), *map(str, arguments)])
        if status == USAGE:
            return status, None
        with open(out / gradebook.FILE, encoding="utf-8-sig", newline="") as file:
            return status, next(row for row in csv.DictReader(file) if row["hand_in"] == "alice")

    return ran


def test_the_command_merges_marks(run, marks, capsys):
    """The gradebook shows quiz, code, report and total of 100, and marks without a hand-in are named."""
    status, row = run("--report-scores", marks("alice,7\nalcie,9\n"))

    assert status == LOST
    assert [row[name] for name in ("quiz", "points", "report", "total")] == ["10", "80", "7.0", "97.0"]
    said = capsys.readouterr().out
    assert "without a hand-in: 'alcie'" in said
    assert "without a mark in" in said


def test_the_command_grades_without_a_quiz(run):
    """--quiz none leaves the quiz out."""
    status, row = run("--quiz", "none")

    assert (status, row["quiz"], row["points"]) == (LOST, "", "80")


@pytest.mark.parametrize("option", ["--quiz", "--report-scores"])
def test_a_file_that_is_not_there_is_a_usage_error(run, option, capsys):
    """Before anything is graded."""
    assert run(option, "nowhere") == (USAGE, None)
    assert "nowhere cannot be read" in capsys.readouterr().err
