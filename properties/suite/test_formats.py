"""The formats: a table, a command, files whole or not at all, and nothing of a student where it is not due."""

import argparse
import copy
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from grading import __main__ as command_line
from grading import files
from grading.faults import Usage
from grading.formats import FORMATS, Format, Options, Reports, command, examples, reports_at, told, write
from grading.gradebook import read
from grading.report import write as write_report
from properties.hand_in import MODEL_SOLUTION

ROOT = MODEL_SOLUTION.parent
EXAMPLES = ROOT / "examples"
TEXT_FORMATS = [name for name in FORMATS if name != "html"]


@pytest.fixture
def report():
    """A report with two problems, in which the hand-in crashes."""
    return read(EXAMPLES / "two_layers" / "report.json")


@pytest.fixture
def run():
    """Run `report ARGUMENTS` as the command line does, and return the exit status."""

    def run(*arguments):
        parser = argparse.ArgumentParser()
        command.add(parser.add_subparsers(required=True))
        options = parser.parse_args(["report", *map(str, arguments)])
        return options.command(options)

    return run


def contents(folder):
    """Every file below a folder with all its bytes, those of a .npz unpacked, and its name."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            if file.suffix == ".npz":
                with zipfile.ZipFile(io.BytesIO(data)) as packed:
                    data = b"".join(packed.read(name) for name in packed.namelist())
            yield file.relative_to(folder).as_posix(), data


# --- The table and the files


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_every_format_writes_files_where_it_should(name, report, tmp_path):
    """A class's files at the top and a hand-in's in its folder, each of them returned."""
    written = write([report], [name], tmp_path, Options())

    assert set(written) == {file for file in tmp_path.rglob("*") if file.is_file()}
    assert {file.parent for file in written} & {tmp_path, tmp_path / "two_layers"} or name == "evidence"


def test_every_format_has_a_name_and_a_line():
    """The table is by name, and says in a line what each is."""
    assert all(isinstance(each, Format) and each.name == name and each.what for name, each in FORMATS.items())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_formats_are_made_alike_each_time(name, language, report, tmp_path):
    """The same reports give the same bytes."""
    options = Options(language)
    write([report], [name], tmp_path / "one", options)
    write([report], [name], tmp_path / "other", options)

    assert [*contents(tmp_path / "one")] == [*contents(tmp_path / "other")]


def test_a_format_that_there_is_not_is_told(report, tmp_path):
    """With those that there are, and nothing is written."""
    with pytest.raises(Usage, match="--format xml: the formats are html, gradescope"):
        write([report], ["junit", "xml"], tmp_path / "out", Options())

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "/etc", "a/b", "a\\b", "c:d", "a\0b"])
def test_a_name_that_is_a_path_is_refused(name, report, tmp_path):
    """A report that calls its hand-in by one is not written anywhere."""
    with pytest.raises(Usage, match="cannot be the name of a folder"):
        write([{**report, "submission": name}], ["junit"], tmp_path / "out", Options())

    assert list(tmp_path.iterdir()) == []


def test_a_report_that_is_not_whole_is_refused(tmp_path):
    """Such as are kept to be compared with: there is nothing to tell of them."""
    reports, _ = reports_at(ROOT / "fixtures" / "grades")

    with pytest.raises(Usage, match="the report of 'assigned' has no 'diagnosis'; it was kept to be compared with"):
        write(reports, ["junit"], tmp_path, Options())


@pytest.mark.parametrize("field", ["claim", "message", "counterexample", "replay"])
def test_a_field_that_formats_read_is_asked_for(field, report, tmp_path):
    """In a sentence that names it."""
    odd = copy.deepcopy(report)
    del odd["steps"][2]["properties"][-1][field]

    with pytest.raises(Usage, match=f"has no '{field}'"):
        write([odd], ["junit"], tmp_path, Options())


def test_two_reports_of_one_name_are_refused(report, tmp_path):
    """Or one student's files would be written over another's, capital letters or not."""
    with pytest.raises(Usage, match="two reports call their hand-in 'TWO_LAYERS'"):
        write([report, {**report, "submission": "TWO_LAYERS"}], ["junit"], tmp_path, Options())


def test_a_file_that_cannot_be_written_is_not_there_in_part(tmp_path, monkeypatch):
    """What was there before stays, and nothing unfinished is left."""
    target = tmp_path / "a.txt"
    files.write_whole(target, "before")

    def full(*_):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_whole(target, "after")

    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_that_cannot_be_written_to_is_told(report, tmp_path):
    """In a sentence that names it."""
    (tmp_path / "file").write_text("")

    with pytest.raises(Usage, match="cannot be written: "):
        write([report], ["junit"], tmp_path / "file", Options())


# --- Reports in a folder


def test_reports_are_read_when_they_are_asked_for(report, tmp_path):
    """A class is never in memory at once; slices are read as late."""
    for name in ("a", "b", "c"):
        write_report({**report, "submission": name}, tmp_path)
    reports, folder = reports_at(tmp_path)
    (tmp_path / "c" / "report.json").write_text("damaged")

    assert folder == tmp_path
    assert len(reports) == 3
    assert [each["submission"] for each in reports[:2]] == ["a", "b"]
    assert isinstance(reports[1:], Reports)
    with pytest.raises(Usage, match="is not JSON"):
        reports[-1]


def test_the_folder_of_one_report_will_do(report, tmp_path):
    """Its files go beside it, whatever the folder is called."""
    write_report(report, tmp_path)
    reports, folder = reports_at(tmp_path / "two_layers")

    assert [each["submission"] for each in reports] == ["two_layers"]
    assert folder == tmp_path.resolve()


def test_a_folder_without_reports_is_told(tmp_path):
    """And so is one that is not there."""
    with pytest.raises(Usage, match="holds no reports"):
        reports_at(tmp_path)
    with pytest.raises(Usage, match="does not exist"):
        reports_at(tmp_path / "nowhere")


def test_a_report_in_a_folder_of_another_name_is_refused(report, tmp_path):
    """It would be written over another one's files."""
    for name in ("a", "b"):
        write_report({**report, "submission": name}, tmp_path)
    os.rename(tmp_path / "a", tmp_path / "c")
    reports, _ = reports_at(tmp_path)

    with pytest.raises(Usage, match="lies in a folder of another name"):
        list(reports)


# --- The command


def test_files_go_beside_the_reports(run, report, tmp_path, capsys):
    """Without --out; and they are listed."""
    write_report(report, tmp_path)

    assert run(tmp_path, "--format", "junit,gradescope,junit") == 0
    assert sorted(os.listdir(tmp_path / "two_layers")) == ["junit.xml", "report.json", "results.json"]
    assert capsys.readouterr().out.count("junit.xml") == 1


def test_options_reach_the_formats(run, report, tmp_path):
    """--lang, --for, --title, --leaderboard, --private-visibility."""
    write_report(report, tmp_path)
    out = tmp_path / "out"
    options = [
        "--lang",
        "zh",
        "--for",
        "instructors",
        "--title",
        "HW3",
        "--leaderboard",
        "--private-visibility",
        "hidden",
    ]

    assert run(tmp_path, "--format", "gradescope,junit,canvas", "--out", out, *options) == 0
    assert "leaderboard" in json.loads((out / "two_layers" / "results.json").read_text())
    assert "for_instructors" in (out / "two_layers" / "junit.xml").read_text(encoding="utf-8")
    assert "Section,HW3" in (out / "canvas.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "nothing"], "--format nothing: the formats are"),
        (["--format", ","], "--format ',': the formats are"),
        (["--format", "github", "--hand-ins", "nowhere"], "--hand-ins nowhere does not exist"),
        (["--format", "canvas", "--names", "nowhere.csv"], "--names nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told(arguments, said, run, report, tmp_path):
    """In a sentence that names the option and the value."""
    write_report(report, tmp_path)

    with pytest.raises(Usage, match=said.replace(".", r"\.")):
        run(tmp_path, *arguments)


# --- What is told


def test_a_student_is_not_told_what_only_instructors_can_use(report):
    """How to replay an example takes this suite."""
    (first, *_) = (entry.problem for entry in told.entries(report) if entry.problem)

    assert "grading replay" not in told.problem_text(first, report, Options())
    assert "grading replay" in told.problem_text(first, report, Options(for_students=False))


def test_what_is_wrong_is_told_a_line_each(report):
    """Not in 80 columns: where a line ended there is a space between words, and none between Chinese signs."""
    (first, *_) = (entry.problem for entry in told.entries(report) if entry.problem)

    assert told.what_and_where(first, report, Options()) == (
        "It crashes: RNN_Phoneme_Classifier.forward raises IndexError: index 1 is out of bounds for axis 0 with size "
        "1.\n"
        "Look at hw3/rnn_classifier.py, line 42, RNN_Phoneme_Classifier.forward."
    )
    assert " ，" not in told.what_and_where(first, report, Options("zh"))


@pytest.mark.parametrize(("step", "entry"), [("RNN Classifier", "forward"), ("RNN Classifier", "backward")])
def test_an_entry_of_a_step_that_one_problem_cost_knows_it(step, entry, report):
    """Also where the problem names the step alone, as it cost all of it."""
    alike = copy.deepcopy(report)
    for prop in alike["steps"][2]["properties"]:
        prop["message"] = "it raises ValueError"
    found = {(each.step, each.name): each.problem for each in told.entries(alike)}

    assert found[step, entry] is not None
    assert told.names(found[step, entry]) == "RNN Classifier"


def test_steps_that_were_not_asked_for_have_no_entries(report):
    """Of a run with --only there are the entries of that step."""
    one = {**report, "suite": {**report["suite"], "steps": ["GRU Forward"]}}

    assert [(entry.step, entry.name) for entry in told.entries(one)] == [("GRU Forward", "h_t")]


@pytest.mark.parametrize(
    ("key_id", "example", "alone"), [("ab12", None, True), ("ab12", {}, False), ("practice", None, False)]
)
def test_what_was_lost_on_private_cases_alone_is_known(key_id, example, alone, report):
    """Of a private exam, and without an example."""
    private = copy.deepcopy(report)
    private["suite"]["key_id"] = key_id
    for prop in private["steps"][2]["properties"]:
        prop["counterexample"] = prop["counterexample"] if example is not None else None
    entry = next(entry for entry in told.entries(private) if entry.name == "forward")

    assert told.on_private_case_alone(private, entry) is alone


# --- The examples


def test_the_examples_are_current(tmp_path):
    """What lies in examples/ is what its reports give today; arrays of evidence within rounding."""
    examples.make(tmp_path)
    seen, kept = dict(contents(tmp_path)), dict(contents(EXAMPLES))
    by_hand = {"README.md", "github/grade.yml", *(f"{name}/report.json" for name in examples.HAND_INS)}

    assert seen.keys() == kept.keys() - by_hand
    assert [name for name in seen if not name.endswith(("case.npz", "show.py")) and seen[name] != kept[name]] == []


def test_the_examples_hold_a_right_a_wrong_and_a_crashing_hand_in():
    """With the points of fixtures/handins/expected.toml."""
    points = {name: read(EXAMPLES / name / "report.json")["points"] for name in examples.HAND_INS}

    assert points == {"loops": 80, "summed": 70, "two_layers": 65}


# --- Nothing leaks


SECRETS = {"alice": "SECRET-OF-ALICE", "bob": "SECRET-OF-BOB"}


@pytest.fixture
def two_students(report):
    """Two reports with what each student wrote wherever a student's text can be."""
    made = []
    for name, secret in SECRETS.items():
        each = json.loads(json.dumps(report).replace("index 1 is out of bounds", f"{secret} raised"))
        each.update(submission=name, message=f"{secret} said", printed=f"{secret} printed")
        each["sha256"] = each["program"] = ""
        made.append(each)
    return made


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_no_students_data_is_in_anothers_files(name, two_students, tmp_path):
    """Neither text nor name; and what is for the whole class holds names and points, and no student's text."""
    write(two_students, [name], tmp_path, Options())
    written = dict(contents(tmp_path))

    for student, other in (("alice", "bob"), ("bob", "alice")):
        own = b"".join(data for file, data in written.items() if file.startswith(f"{student}/"))
        assert SECRETS[other].encode() not in own
        assert other.encode() not in own
    for file, data in written.items():
        if "/" not in file:
            assert not any(secret.encode() in data for secret in SECRETS.values())


def test_what_a_student_wrote_is_in_his_own_files(two_students, tmp_path):
    """Or the test above would say nothing."""
    write(two_students, ["gradescope", "autolab", "junit", "github", "evidence"], tmp_path, Options())
    own = b"".join(data for file, data in contents(tmp_path / "alice"))

    assert own.count(SECRETS["alice"].encode()) > 10


@pytest.mark.slow
def test_a_class_in_all_formats_at_once(run, tmp_path):
    """Right, wrong, unfinished and hostile hand-ins, under a private key: neither it nor our paths are told."""
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    key = "correct horse battery staple"
    hand_ins = [ROOT / "fixtures" / "handins" / name for name in ("loops", "summed", "syntax_error", "untouched")]
    hand_ins += [ROOT / "fixtures" / "attacks" / name for name in ("terminal_escapes", "odd_strings", "raises_by_name")]
    (tmp_path / "no_hand_in.txt").write_text("I could not finish.")
    paths = [str(path) for path in (*hand_ins, tmp_path / "no_hand_in.txt")]
    status = command_line.main(["grade", *paths, "--out", str(tmp_path / "grades"), "--jobs", "1", "--key", key])
    out = tmp_path / "all"

    assert status == 1
    assert run(tmp_path / "grades", "--format", "all", "--out", out) == 0
    written = dict(contents(out))
    assert {file.partition("/")[2] or file for file in written} >= {
        "results.json", "autolab.txt", "junit.xml", "summary.md", "annotations.txt", "moodle.csv", "canvas.csv",
        "report.html", "index.html", "evidence/README.txt",
    }  # fmt: skip
    ours = [key, *map(str, (ROOT, tmp_path, Path(sys.prefix), Path(sys.base_prefix), Path.home()))]
    found = [(file, text) for file, data in written.items() for text in ours if text != "/" and text.encode() in data]
    assert found == []
