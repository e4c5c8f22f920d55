"""GitHub Actions: a summary that shows text as text, annotations that a runner reads as ours, and a workflow."""

import copy
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from grading.formats import Options, github
from grading.gradebook import read
from properties.hand_in import MODEL_SOLUTION

ROOT = MODEL_SOLUTION.parent
HAND_INS = ROOT / "fixtures" / "handins"
HOSTILE = "```\n# big\n::error::no\r%0A <img src=x onerror=alert(1)> [a](javascript:b) | a | @all ~~~ \n::add-mask::e"


@pytest.fixture
def report():
    """A report with two problems, of which lines are known."""
    return read(ROOT / "examples" / "two_layers" / "report.json")


@pytest.fixture
def hostile(report):
    """The same with a hostile text wherever a student's can be."""
    made = copy.deepcopy(report)
    made.update(submission="x`|<b>*_", message=HOSTILE, printed=HOSTILE)
    for prop in made["steps"][2]["properties"]:
        prop["message"] = HOSTILE
    return made


def obeyed(line):
    """The command that a runner reads in a line: name, properties, message (src/Runner.Common/ActionCommand.cs)."""
    match = re.match(r"::([^ :]+)(?: (.*?))?::(.*)$", line.lstrip(), re.DOTALL)
    if match is None:
        return None
    kind, given, message = match.groups()
    properties = dict(each.split("=", 1) for each in (given or "").split(",") if "=" in each)

    def plain(text, *escapes):
        for escape, character in (*escapes, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            text = text.replace(escape, character)
        return text

    in_properties = (("%3A", ":"), ("%2C", ","))
    return kind, {name: plain(text, *in_properties) for name, text in properties.items()}, plain(message)


# --- Annotations


def test_there_is_an_error_for_each_problem_and_a_notice_of_the_points(report):
    """With the file and the line, if they are known, and what is wrong."""
    first, second, last = map(obeyed, github.annotations(report, Options()))

    assert first[0] == second[0] == "error"
    assert first[1] == {"file": "hw3/rnn_classifier.py", "line": "42", "title": "RNN Classifier: forward"}
    assert "IndexError" in first[2]
    assert last == ("notice", {"title": "two_layers"}, "65 of 80 points")


@given(st.text(), st.text())
@example("a: b, c=d%3A\r\n::error::e", "a: b, c=d%2C\r\n::error::e")
def test_a_runner_reads_what_was_written(message, title):
    """Whatever is in it, a command is one line and comes back as it was."""
    line = github.command("error", message, title=title)

    assert "\n" not in line
    assert "\r" not in line
    assert obeyed(line) == ("error", {"title": title} if title else {}, message)


def test_whatever_a_student_wrote_is_no_command(hostile):
    """Every line is one of ours."""
    text = "\n".join(github.annotations(hostile, Options()))
    commands = [obeyed(line) for line in re.split(r"[\r\n]", text)]

    assert {command[0] for command in commands} == {"error", "notice"}
    assert len(commands) == len(list(github.annotations(hostile, Options())))


def test_files_are_named_where_the_hand_in_lies(report, tmp_path, monkeypatch):
    """Below the path that was given; and the line of the function is looked up."""
    (tmp_path / "handins").mkdir()
    shutil.copytree(HAND_INS / "two_layers", tmp_path / "handins" / "two_layers")
    shutil.copytree(HAND_INS / "summed", tmp_path / "handins" / "summed")
    monkeypatch.chdir(tmp_path)
    summed = read(ROOT / "examples" / "summed" / "report.json")
    github.make([report, summed], tmp_path / "out", Options(hand_ins=Path("handins")))
    first = obeyed((tmp_path / "out" / "two_layers" / "annotations.txt").read_text().split("\n")[0])
    other = obeyed((tmp_path / "out" / "summed" / "annotations.txt").read_text().split("\n")[0])
    lines = (HAND_INS / "summed" / "mytorch" / "rnn_cell.py").read_text(encoding="utf-8").split("\n")

    assert first[1]["file"] == "handins/two_layers/hw3/rnn_classifier.py"
    assert other[1]["file"] == "handins/summed/mytorch/rnn_cell.py"
    assert "def backward" in lines[int(other[1]["line"]) - 1]


@pytest.mark.parametrize("place", ["../summed/mytorch/rnn_cell.py:1", "/etc/passwd.py:1", "mytorch/nowhere.py:3"])
def test_a_place_that_is_not_in_the_hand_in_is_not_named(place, report):
    """A message may name any."""
    odd = copy.deepcopy(report)
    for prop in odd["steps"][2]["properties"]:
        prop["message"] = f"it raises ValueError ({place} in x)"
    named = [obeyed(line)[1] for line in github.annotations(odd, Options(), HAND_INS / "two_layers")]

    assert all("file" not in properties for properties in named)


@pytest.mark.parametrize("source", ["def backward(", "\0", "x = " + "(" * 5000, "class Other: pass"])
def test_a_file_that_cannot_be_read_has_no_line(source, tmp_path):
    """The annotation is at the file."""
    (tmp_path / "mytorch").mkdir()
    (tmp_path / "mytorch" / "rnn_cell.py").write_text(source)
    summed = read(ROOT / "examples" / "summed" / "report.json")
    (first, *_) = github.annotations(summed, Options(), tmp_path)

    assert obeyed(first)[1].keys() == {"file", "title"}


def test_at_most_ten_are_shown(report):
    """GitHub shows no more of a step; the most basic causes come first."""
    many = copy.deepcopy(report)
    for step in many["steps"]:
        step.update(outcome="failed", points=0)
        for entry in step["entries"]:
            entry.update(points=0, paid_by="")
            lost = {"id": "gone", "entry": entry["entry"], "tier": "required", "outcome": "crashed", "claim": "It is."}
            lost |= {
                "message": f"{step['step']} {entry['entry']}",
                "counterexample": None,
                "replay": "",
                "cells": "own",
            }
            step["properties"].append(lost)
    seen = [obeyed(line) for line in github.annotations(many, Options())]

    assert [command[0] for command in seen] == ["error"] * 10 + ["notice"]
    assert seen[0][1]["title"] == "RNN Forward: h_t"


def test_a_right_hand_in_is_noticed():
    """The file is never empty."""
    right = read(ROOT / "examples" / "loops" / "report.json")

    assert list(github.annotations(right, Options())) == ["::notice title=loops::80 of 80 points"]


# --- The summary


def test_the_summary_is_a_table_and_the_problems(report):
    """Points and outcome by step; and what is wrong, as text."""
    text = github.summary(report, Options())
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    cells = [token.content for token in tokens if token.type == "inline"]

    assert text.startswith("# two\\_layers: 65 of 80 points\n")
    assert cells[0] == "two\\_layers: 65 of 80 points"
    assert cells[cells.index("RNN Classifier") :][:3] == ["RNN Classifier", "0 / 15", "❌ crashed"]
    assert sum(token.type == "fence" for token in tokens) == 3
    assert "isolation" not in text
    assert "isolation" in github.summary(report, Options(for_students=False))


def test_whatever_a_student_wrote_is_shown_as_it_is(hostile):
    """In fences that it cannot close, and a name that is no markup: no heading, link, picture or HTML of theirs."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(github.summary(hostile, Options()))
    inline = [child for token in tokens for child in token.children or ()]
    fences = [token.content for token in tokens if token.type == "fence"]

    assert sum(token.type == "heading_open" for token in tokens) == 1
    assert not {token.type for token in (*tokens, *inline)} & {"html_block", "html_inline", "link_open", "image"}
    assert "".join(t.content for t in tokens[1].children if t.type in ("text", "text_special")).startswith("x`|<b>*_: ")
    assert any("<img src=x onerror=alert(1)>" in fence for fence in fences)


@given(st.text())
def test_a_fence_holds_any_text(text):
    """It is one block, with that text in it."""
    line = " ".join(text.split())
    (token,) = MarkdownIt("commonmark").parse(github.fenced(f"{line}\n```\n````` x\n~~~"))

    assert token.type == "fence"


@pytest.mark.parametrize(("room", "left_out"), [(600, 2), (1500, 1), (github.MOST_BYTES, 0)])
def test_a_summary_has_no_more_than_there_is_room_for(room, left_out, report, monkeypatch):
    """GitHub takes 1 MiB a step, and of more nothing at all; problems that are left out are counted."""
    monkeypatch.setattr(github, "MOST_BYTES", room)
    text = github.summary(report, Options())

    assert text.count("0 of ") == 2 - left_out
    assert (f"and {left_out} more" in text) is bool(left_out)
    assert github.MOST_BYTES < 2**20


def test_where_we_are_broken_no_points_are_told(report):
    """Neither in the summary nor in annotations."""
    broken = copy.deepcopy(report)
    broken["steps"][2]["outcome"] = "broken"
    (only,) = github.annotations(broken, Options())

    assert obeyed(only)[0] == "error"
    assert "no fault of yours" in only
    assert "65" not in github.summary(broken, Options()) + only


# --- The workflow


def test_the_example_workflow_is_one():
    """It is YAML with jobs of steps that run something; what it runs is there."""
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "examples" / "github" / "grade.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    steps = workflow["jobs"]["grade"]["steps"]

    assert workflow[True]["push"] == {"paths": ["handins/**"]}  # YAML reads "on" as true
    assert workflow["permissions"] == {"contents": "read"}
    assert all(("uses" in step) != ("run" in step) for step in steps)
    environments = set(re.findall(r"^\[testenv:(\w+)\]", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"tox -e (\w+)", text)) <= environments | {"report"}


def test_the_workflow_lets_no_hand_in_command_the_runner():
    """What grading prints stands between stop-commands and its token, which no hand-in knows."""
    text = (ROOT / "examples" / "github" / "grade.yml").read_text(encoding="utf-8")
    order = [
        text.index(part) for part in ("token=$(uuidgen)", "::stop-commands::$token", "tox -e grade", '"::$token::"')
    ]

    assert order == sorted(order)
    assert os.linesep != "\r\n" or "\r" not in text
