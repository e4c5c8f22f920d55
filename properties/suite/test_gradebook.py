"""gradebook.csv: a row a hand-in, whole or not at all, and nothing in it that a spreadsheet runs."""

import codecs
import copy
import csv
import json
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grading import gradebook
from grading.faults import Broken, Usage
from grading.gradebook import Row, Step, cell, text_of
from grading.report import write as write_report
from properties.registry import STEPS

FORMULAS = [
    "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://x/?\"&A1)", "@SUM(1)", "+1", "-1+1", "\t=1", "\r=1", "\n=1", "\tx",
    "\0=1", "＝1+1", "＋1", "－1", "＠SUM(1)", "  =1", "\u3000=1", "\ufeff=1", "\u200b=1", '"=1', "'=1",
]  # fmt: skip
HARMLESS = [
    "", "alice", "李雷", "a=1", "a+b", "x-2", "db_hh is summed, not averaged", "student@example", '"x', "0", "2023011"
]  # fmt: skip


def row(name="alice", **values):
    """A row of a right hand-in, but for what is said."""
    given = {
        "points": 80, "max_points": 80, "quiz": None, "report": None, "total": None,
        "outcome": "passed", "steps": (Step(10, "passed"),) * 6,
        "isolation": "sandbox", "key_id": "practice", "diagnoses": "", "message": "", "sha256": "", "program": "",
        "version": "1.2.3",
    }  # fmt: skip
    return Row(name, **(given | values))


@pytest.fixture
def written(tmp_path):
    """Write a gradebook and read it back with Python's csv, a dict a row; a reader's text as `text_of` gives it."""

    def write(*rows):
        path = gradebook.write(iter(rows), tmp_path)
        with open(path, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    return write


# --- Rows


def test_a_row_says_what_the_report_says(wrong):
    """Points, outcomes, isolation, exam, diagnoses and message are the report's."""
    report = copy.deepcopy(wrong)
    report.update(message="hello", sha256="ab", program="cd")
    report["steps"][4]["diagnosis"] = [{"bug": "gru.flat", "says": "dx has no first axis.", "look_at": "x"}]
    seen = gradebook.row_of(report)

    assert (seen.name, seen.points, seen.max_points, seen.outcome) == ("wrong_shapes", 75, 80, "failed")
    assert seen.steps == (
        Step(10, "passed"), Step(15, "passed"), Step(15, "passed"), Step(10, "passed"), Step(15, "failed"),
        Step(10, "passed"),
    )  # fmt: skip
    assert seen.diagnoses == "gru.flat (GRU Backward): dx has no first axis."
    assert (seen.message, seen.sha256, seen.program) == ("hello", "ab", "cd")
    assert (seen.isolation, seen.key_id, seen.version) == ("none", "practice", report["suite"]["version"])


def test_a_report_of_an_older_suite_has_no_hashes(wrong):
    """Without the fields sha256 and program, their cells are empty."""
    report = {key: value for key, value in wrong.items() if key not in ("sha256", "program")}

    assert (gradebook.row_of(report).sha256, gradebook.row_of(report).program) == ("", "")


def test_steps_that_were_not_asked_for_have_no_points(wrong):
    """They say so, and the overall outcome is that of the others."""
    report = copy.deepcopy(wrong)
    report["suite"]["steps"] = ["RNN Forward"]
    seen = gradebook.row_of(report)

    assert seen.outcome == "passed"
    assert seen.steps[0] == Step(10, "passed")
    assert set(seen.steps[1:]) == {Step(None, "not asked for")}


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        (["passed"] * 6, "passed"),
        (["passed", "not_run"], "not_run"),
        (["failed", "not_run", "passed"], "failed"),
        (["failed", "crashed"], "crashed"),
        (["crashed", "timed_out"], "timed_out"),
        (["timed_out", "broken"], "broken"),
        ([], "not_run"),
    ],
)
def test_the_overall_outcome_is_the_worst(outcomes, worst):
    """passed only where all passed; then broken, timed_out, crashed, failed, not_run, the first that there is."""
    assert gradebook.overall(outcomes) == worst


def test_a_long_message_is_cut(wrong):
    """A row is small, whatever the report says."""
    seen = gradebook.row_of({**wrong, "message": "x" * 10**6})

    assert seen.message == "x" * 1996 + " ..."


# --- The file


def test_the_file_begins_with_a_byte_order_mark(tmp_path):
    """A spreadsheet then takes it for UTF-8, and shows Chinese names."""
    data = gradebook.write([row("李雷")], tmp_path).read_bytes()

    assert data.startswith(codecs.BOM_UTF8)
    assert "李雷".encode() in data


def test_there_is_a_row_a_hand_in_in_the_order_of_names(written):
    """Rows come in any order and are written in one, small and capital letters alike."""
    assert [each["hand_in"] for each in written(row("b"), row("C"), row("a"))] == ["a", "b", "C"]


def test_there_is_a_column_a_step_and_one_for_its_outcome(written):
    """Each step has its points and its outcome under its name; without points the cell is empty."""
    steps = [Step(2.5, "failed"), Step(None, "not asked for"), *[Step(0, "crashed")] * 4]
    (seen,) = written(row(points=2.5, outcome="crashed", steps=steps))

    assert [seen[step] for step in STEPS] == ["2.5", "", "0", "0", "0", "0"]
    assert [seen[f"{step} outcome"] for step in STEPS] == ["failed", "not asked for", *["crashed"] * 4]
    assert (seen["points"], seen["max_points"], seen["outcome"]) == ("2.5", "80", "crashed")


def test_all_else_has_its_column(written):
    """Isolation, exam, diagnoses, message, hashes and the suite's version are under their names."""
    (seen,) = written(row(isolation="process", key_id="ab12", diagnoses="a: b", message="c", sha256="d1", program="f"))

    assert {name: seen[name] for name in gradebook.HEAD[19:]} == {
        "isolation": "process", "key_id": "ab12", "diagnoses": "a: b", "message": "c", "sha256": "d1", "program": "f",
        "same_program_as": "", "suite": "rnn-grading-suite 1.2.3", "quiz_message": "",
    }  # fmt: skip


def test_text_is_in_quotes_and_numbers_are_not(tmp_path):
    """Every text cell is in double quotes, lines end as RFC 4180 says, and numbers are numbers."""
    text = gradebook.write([row("a")], tmp_path).read_bytes().decode("utf-8-sig")

    assert text.splitlines()[1].startswith('"a",80,80,"","","","passed",10,10,10,10,10,10,"passed",')
    assert text.count("\r\n") == text.count("\n") == 2


def test_a_class_of_nobody_has_a_head(tmp_path):
    """Without hand-ins there is a head and no row."""
    text = gradebook.write([], tmp_path).read_text(encoding="utf-8-sig")

    assert text.splitlines() == [",".join(f'"{name}"' for name in gradebook.HEAD)]


def test_a_gradebook_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    """Where writing fails the one that was there stays, and nothing unfinished is left."""
    before = gradebook.write([row()], tmp_path).read_bytes()

    def full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        gradebook.write([row("bob")], tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["gradebook.csv"]
    assert (tmp_path / "gradebook.csv").read_bytes() == before


def test_rows_that_cannot_be_had_leave_the_gradebook_as_it_was(tmp_path):
    """An error on the way to a row is passed on, and nothing is written."""

    def rows():
        yield row()
        raise Broken("no more")

    with pytest.raises(Broken, match="no more"):
        gradebook.write(rows(), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_bytes_are_on_disk_before_the_name_is(tmp_path, monkeypatch):
    """The file is synchronised before it takes the place of the old one."""
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: calls.append(name) or real(*args))
    gradebook.write([row()], tmp_path)

    assert calls == ["fsync", "replace"]


def test_half_a_character_is_written_in_some_way(written):
    """A lone surrogate, which UTF-8 cannot hold, becomes its escape."""
    assert written(row("a\ud800"))[0]["hand_in"] == "a\\ud800"


# --- The same program


def same(*rows):
    others = gradebook._Same(rows)
    return {each.name: others.told(each) for each in rows}


def test_hand_ins_of_the_same_program_name_each_other():
    """Those with the same digest are told, and which of them are the same bytes, these first."""
    values = {"a": "p1", "b": "q2", "c": "p3", "d": "p1", "e": " 4", "f": " 4"}
    rows = [row(name, program=it[0].strip(), sha256=it[1]) for name, it in values.items()]

    assert same(*rows) == {
        "a": "d (same bytes), c", "b": "", "c": "a, d", "d": "a (same bytes), c", "e": "f (same bytes)",
        "f": "e (same bytes)",
    }  # fmt: skip


def test_what_is_not_known_is_not_the_same():
    """Hand-ins without a program and without a hash are not told to be one."""
    assert set(same(row("a"), row("b")).values()) == {""}


def test_a_refused_archive_and_a_program_are_not_mixed_up():
    """One with the same bytes but without a program, of another suite, is told with the bytes."""
    told = same(row("a", program="p", sha256="1"), row("b", sha256="1"))

    assert told["a"] == "b (same bytes)"


def test_of_many_the_first_are_named():
    """A class of copies does not make a table that grows with its square."""
    told = same(*(row(f"s{number:03}", program="p", sha256=str(number)) for number in range(100)))

    assert told["s000"] == ", ".join(f"s{number:03}" for number in range(1, 21)) + ", and 79 more"
    assert told["s050"].startswith("s000, ")
    assert all(name not in names.split(", ") for name, names in told.items())


def test_the_file_names_the_others(written):
    """The column same_program_as has the names."""
    seen = written(row("b", program="p"), row("a", program="p"), row("c", program="q"))

    assert [each["same_program_as"] for each in seen] == ["b", "a", ""]


# --- No formula


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_starts_with_a_formula(written, text):
    """A name that a spreadsheet would run starts with a ' in the file, and a reader gets it back."""
    (seen,) = written(row(text))

    assert seen["hand_in"].startswith(f"'{text[0]}")
    assert text_of(seen["hand_in"]) == text


@pytest.mark.parametrize("column", ["diagnoses", "message", "isolation", "key_id", "sha256", "program", "version"])
def test_all_text_goes_the_same_way(written, column):
    """It is not names alone that a student, or a report of unknown origin, can have chosen."""
    (seen,) = written(row(**{column: "x,=1"}))

    assert "x,'=1" in seen["suite" if column == "version" else column]


@pytest.mark.parametrize("column", ["outcome", "name of another"])
def test_outcomes_and_the_names_of_others_go_the_same_way(written, column):
    """An outcome of a report that we did not write, and the name of a hand-in with the same program."""
    seen = written(
        row("a", program="p", outcome="=1", steps=[Step(0, "=1")] * 6), row("=b", program="p"), row("c", program="p")
    )
    (seen,) = [each for each in seen if each["hand_in"] == "a"]

    found = {"outcome": [seen["outcome"], seen["RNN Forward outcome"]], "name of another": [seen["same_program_as"]]}
    assert all(text.startswith("'=") for text in found[column])


@pytest.mark.parametrize("separator", [",", ";", "|", "\t", "\n", "\r", "\r\n", "\x0b", "\u2028"])
@pytest.mark.parametrize("between", ["", " ", '"', " \u200b'"])
def test_no_formula_starts_in_the_middle(separator, between):
    """Where another list separator is in force, or lines are split within quotes, a cell starts after it."""
    guarded = cell(f"a{separator}{between}=1+1")

    assert guarded.endswith(f"{separator[-1]}'{between}=1+1")


@pytest.mark.parametrize("text", HARMLESS)
def test_plain_text_is_left_alone(text):
    """What no spreadsheet would run or change is written as it is."""
    assert cell(text) == text


@pytest.mark.parametrize(
    "text", ["007", "12345e67", "1.5E+3", "20230000012345678", "1-2", "3/4", "1.2.3", "1:30", "2.10"]
)
def test_what_a_spreadsheet_would_change_is_marked_as_text(text):
    """A student's number with leading zeros or 17 digits, and a hash that looks like a float, are kept as text."""
    assert cell(text) == f"'{text}"
    assert text_of(cell(text)) == text


@given(st.text(st.sampled_from("=+-@＝,;|\t\n\r\"' \u200b\0\x85a0" + "'" * 3)) | st.text())
@example("'a")
@example(",',")
@example("''=")
def test_a_reader_gets_every_text_back(text):
    """Whatever the text, `text_of` undoes `cell`."""
    assert text_of(cell(text)) == text


@given(st.text(st.sampled_from("=+-@,;|\t\n\r\"' \u200b\0a0")))
def test_no_part_of_a_cell_starts_with_a_formula(text):
    """However a cell is split at separators, no piece of it starts with a formula but for white space and quotes."""
    guarded = cell(text)
    for separator in ",;|\t\n\r":
        for piece in guarded.split(separator):
            shown = piece.lstrip(' "\u200b\0,;|\t\n\r')
            assert not shown.startswith(tuple("=+-@")), piece


def test_names_are_safe_as_a_european_spreadsheet_reads_them(tmp_path):
    """Read with ; as separator, as Excel does in much of Europe, no cell of the file starts with a formula."""
    names = ["a;=1+1", 'b";=1+1', "c\n=1+1", "d\t=1", "=e"]
    path = gradebook.write([row(name, message=name) for name in names], tmp_path)

    for delimiter in ";\t,|":
        with open(path, encoding="utf-8-sig", newline="") as file:
            cells = [each.strip(' "') for line in csv.reader(file, delimiter=delimiter) for each in line]
        assert not [each for each in cells if each.startswith(("=", "+", "-", "@"))]


# --- Reports on disk


@pytest.fixture
def reports(tmp_path, wrong):
    """A folder of reports by these names, beside what else may lie there."""

    def make(*names):
        for name in names:
            write_report({**wrong, "submission": name}, tmp_path)
        (tmp_path / "unfinished").mkdir()
        (tmp_path / "unfinished" / "report.json.unfinished").write_text("{", encoding="utf-8")
        (tmp_path / "gradebook.csv").touch()
        return tmp_path

    return make


def test_rows_are_read_from_a_folder(reports):
    """Each NAME/report.json is a row, in the order of names; what has none is no hand-in."""
    folder = reports("b", "a")

    assert [each.name for each in gradebook.rows_in(folder)] == ["a", "b"]
    assert [each.name for each in gradebook.rows_in(folder, ["b"])] == ["b"]


def test_one_report_is_in_memory_at_a_time(reports, monkeypatch):
    """Reading stops with the row that was asked for."""
    folder = reports("a", "b")
    seen = []
    real = gradebook.read
    monkeypatch.setattr(gradebook, "read", lambda file: seen.append(file.parent.name) or real(file))
    rows = gradebook.rows_in(folder)

    next(rows)
    assert seen == ["a"]


def test_a_report_that_we_have_just_written_must_be_there(reports):
    """With names, a missing or damaged report is a fault of ours; in somebody's folder it is a usage error."""
    folder = reports("a")
    (folder / "a" / "report.json").write_text("{", encoding="utf-8")

    with pytest.raises(Broken, match=r"nobody.report\.json cannot be read"):
        list(gradebook.rows_in(folder, ["nobody"]))
    with pytest.raises(Broken, match=r"a.report\.json is not JSON"):
        list(gradebook.rows_in(folder, ["a"]))
    with pytest.raises(Usage, match=r"a.report\.json is not JSON"):
        list(gradebook.rows_in(folder))


def test_a_folder_that_is_none_is_a_usage_error(tmp_path):
    """It is named."""
    (tmp_path / "file").touch()

    with pytest.raises(Usage, match="nowhere does not exist"):
        list(gradebook.rows_in(tmp_path / "nowhere"))
    with pytest.raises(Usage, match="file cannot be read"):
        list(gradebook.rows_in(tmp_path / "file"))


def test_a_report_is_read_as_it_was_written(reports, wrong):
    """What `read` returns is what grading wrote."""
    assert gradebook.read(reports("a") / "a" / "report.json") == {**wrong, "submission": "a"}


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b"[" * 100_000, b'{"schema": 1' + b"0" * 10_000 + b"}"],
    ids=["empty", "cut short", "not UTF-8", "deep", "a long number"],
)
def test_what_is_not_json_is_a_usage_error(tmp_path, text):
    """The file is named, whatever the JSON reader says."""
    (tmp_path / "report.json").write_bytes(text)

    with pytest.raises(Usage, match=r"report\.json is not JSON: it is damaged or cut short"):
        gradebook.read(tmp_path / "report.json")


SPOILED = {
    "another version": (lambda r: r.update(schema=2), '"schema" is 2, but should be 1'),
    "no version": (lambda r: r.pop("schema"), '"schema" is None, but should be 1'),
    "no points": (lambda r: r.pop("points"), "points is missing"),
    "points in words": (lambda r: r.update(points="80"), "points is '80', but should be a number, 0 or more"),
    "points that are none": (lambda r: r.update(points=float("nan")), "points is nan"),
    "points without end": (lambda r: r.update(points=10**400), "points is 1000"),
    "points that are true": (lambda r: r.update(points=True), "points is True"),
    "points below zero": (lambda r: r.update(points=-1), "points is -1"),
    "a name that is none": (lambda r: r.update(submission=3), "submission is 3, but should be text"),
    "steps that are none": (lambda r: r.update(steps={}), "steps is not a list"),
    "a step that is none": (lambda r: r.update(steps=[3]), r"steps\[0\] is not an object"),
    "a suite that is none": (lambda r: r.update(suite=[]), r"suite is \[\], but should be an object"),
    "no outcome": (lambda r: r["steps"][1].pop("outcome"), r"steps\[1\]\.outcome is missing"),
    "an entry without points": (
        lambda r: r["steps"][0]["entries"][0].pop("points"), r"steps\[0\]\.entries\[0\]\.points is missing"
    ),
    "a property without an id": (
        lambda r: r["steps"][0]["properties"][2].update(id=None), r"steps\[0\]\.properties\[2\]\.id is None"
    ),
    "a diagnosis without a sentence": (
        lambda r: r["steps"][0].update(diagnosis=[{"bug": "x"}]), r"steps\[0\]\.diagnosis\[0\]\.says is missing"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
def test_what_is_no_report_is_a_usage_error(tmp_path, wrong, spoil, said):
    """The file, the field, its value and the rule are named."""
    report = copy.deepcopy(wrong)
    spoil(report)
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")

    with pytest.raises(Usage, match=rf"report\.json is no report: .*{said}"):
        gradebook.read(tmp_path / "report.json")


def test_a_list_is_no_report(tmp_path):
    """JSON that is something else is refused as well."""
    (tmp_path / "report.json").write_text("[]", encoding="utf-8")

    with pytest.raises(Usage, match=r'"schema" is None'):
        gradebook.read(tmp_path / "report.json")


def test_what_a_report_need_not_have_may_be_missing(tmp_path, wrong):
    """A report of an older suite, or one without its examples, is read."""
    report = copy.deepcopy(wrong)
    for name in ("message", "suite"):
        del report[name]
    for step in report["steps"]:
        del step["diagnosis"]
        for entry in step["entries"]:
            del entry["paid_by"]
        for prop in step["properties"]:
            for name in ("cells", "message", "counterexample", "replay", "claim"):
                del prop[name]
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    seen = gradebook.row_of(gradebook.read(tmp_path / "report.json"))

    assert (seen.points, seen.isolation, seen.version) == (75, "", "")
    assert seen.steps[4] == Step(15, "failed")
