"""report.json: every report is what the schema says, whatever became of the hand-in."""

import copy
import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from grading import isolation, report
from grading.entry import grade_entry
from grading.grade import grade
from grading.judge import Finding
from properties.hand_in import MODEL_SOLUTION
from properties.registry import STEPS

SCHEMA = json.loads(Path(report.__file__).with_name("report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HAND_INS = MODEL_SOLUTION.parent / "fixtures" / "handins"


def problems(written):
    """What the schema has against a report, after its way through JSON, which must know no NaN."""
    text = json.dumps(written, allow_nan=False)
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(json.loads(text))]


def test_the_schema_is_a_schema():
    """The schema is valid by its own, and every part of it has a title and a description."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def parts(schema, place):
        if "$ref" not in schema and not set(schema) <= {"const", "type", "enum", "minimum", "items"}:
            yield place, schema
        for keyword in ("properties", "$defs"):
            for name, inner in schema.get(keyword, {}).items():
                yield from parts(inner, f"{place}/{name}")
        if isinstance(schema.get("items"), dict):
            yield from parts(schema["items"], f"{place}[]")

    assert [place for place, part in parts(SCHEMA, "") if not part.get("title") or not part.get("description")] == []


def test_a_graded_report_is_what_the_schema_says(wrong):
    """A report with passed and failed properties, counterexamples among them, is valid."""
    outcomes = {prop["outcome"] for step in wrong["steps"] for prop in step["properties"]}

    assert outcomes >= {"passed", "failed"}
    assert problems(wrong) == []


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("impl", {"passed"}),
        pytest.param("no_hw3", {"passed", "not_run"}, marks=pytest.mark.slow),
        pytest.param("syntax_error", {"crashed", "passed"}, marks=pytest.mark.slow),
        pytest.param("untouched", {"not_run"}, marks=[pytest.mark.slow]),
        pytest.param("float16", {"failed"}, marks=pytest.mark.slow),
    ],
)
def test_a_report_of_any_outcome_is_what_the_schema_says(small_run, name, outcomes):
    """Reports of right, unfinished, unparsable and incomplete hand-ins are valid."""
    written = grade(name, MODEL_SOLUTION if name == "impl" else HAND_INS / name, small_run)

    assert problems(written) == []
    assert {step["outcome"] for step in written["steps"]} == outcomes


@pytest.mark.parametrize("path", ["nothing.txt", "empty"])
def test_a_refused_report_is_what_the_schema_says(small_run, tmp_path, path):
    """What is no hand-in gets a report with 0 points, no step run and the reason."""
    (tmp_path / "nothing.txt").touch()
    (tmp_path / "empty").mkdir()
    written = grade_entry("it", tmp_path / path, small_run)

    assert problems(written) == []
    assert (written["points"], written["max_points"]) == (0, 80)
    assert {step["outcome"] for step in written["steps"]} == {"not_run"}
    assert path in written["message"]


def test_there_are_six_steps_in_order_with_numeric_points(wrong):
    """Steps are in the homework's order, and points add up from entries to steps to the whole."""
    assert [step["step"] for step in wrong["steps"]] == list(STEPS)
    assert wrong["points"] == sum(step["points"] for step in wrong["steps"]) == 75
    for step in wrong["steps"]:
        assert step["points"] == sum(entry["points"] for entry in step["entries"])


SPOILED = {
    "no points": lambda r: r.pop("points"),
    "points in words": lambda r: r.update(points="80"),
    "another version": lambda r: r.update(schema=2),
    "five steps": lambda r: r["steps"].pop(),
    "seven steps": lambda r: r["steps"].append(r["steps"][0]),
    "another order": lambda r: r["steps"].reverse(),
    "an unknown outcome": lambda r: r["steps"][0].update(outcome="skipped"),
    "an unknown tier": lambda r: r["steps"][0]["properties"][0].update(tier="optional"),
    "no counterexample": lambda r: r["steps"][0]["properties"][0].pop("counterexample"),
    "a counterexample in words": lambda r: r["steps"][0]["properties"][0].update(counterexample="x"),
    "no message": lambda r: r.pop("message"),
    "no isolation": lambda r: r["suite"].pop("isolation"),
    "no diagnosis": lambda r: r["steps"][0].pop("diagnosis"),
    "an entry without points": lambda r: r["steps"][0]["entries"][0].pop("points"),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_the_schema_refuses_what_is_no_report(wrong, spoil):
    """A report that lacks a field, or has another value than it may, is not valid."""
    written = copy.deepcopy(wrong)
    spoil(written)

    assert problems(written)


def test_the_schema_is_open_to_more_fields(wrong):
    """Added fields are no fault, on any level."""
    more = copy.deepcopy(wrong)
    for part in (
        more,
        more["suite"],
        more["steps"][0],
        more["steps"][0]["entries"][0],
        more["steps"][0]["properties"][0],
    ):
        part["added"] = {"anything": None}

    assert problems(more) == []


def test_nan_and_infinities_are_strings(small_run, edited_impl):
    """A result of nan is "nan" in the report, and an infinite error "inf"; the report is valid JSON."""
    root = edited_impl(
        "mytorch/gru_cell.py", "return (1 - self.z) * h + self.z * self.h_tilde", "return h * np.array(np.nan)"
    )
    written = grade("nan", root, small_run._replace(steps=["GRU Forward"]))
    examples = [prop["counterexample"] for prop in written["steps"][3]["properties"] if prop["outcome"] == "failed"]

    assert problems(written) == []
    assert any(example.get("actual") == ["nan"] for example in examples)
    assert report.plain([float("inf"), -np.inf, np.float32("nan"), np.array(1.5)[()], 1 + 2j, (1, None)]) == [
        "inf", "-inf", "nan", 1.5, "(1+2j)", [1, None],
    ]  # fmt: skip


def test_a_counterexample_shows_what_is_needed_to_understand_it(wrong):
    """It has the case as replay takes it, the script, the arrays, what came back and what should have."""
    failed = [prop for prop in wrong["steps"][4]["properties"] if prop["outcome"] == "failed"]
    example = failed[0]["counterexample"]

    assert {"case", "at", "script", "arrays", "what", "actual"} <= set(example)
    assert {"x", "h", "delta", "Wzh"} <= set(example["arrays"])
    assert failed[0]["replay"] == f'python -m grading replay wrong_shapes "{failed[0]["id"]}" "{example["case"]}"'


def test_a_report_is_written_whole_or_not_at_all(wrong, tmp_path, monkeypatch):
    """Where writing fails, the report that was there before is whole, and reports have their hand-in's folder."""
    target = report.write(wrong, tmp_path)
    assert target == tmp_path / "wrong_shapes" / "report.json"
    assert json.loads(target.read_text(encoding="utf-8")) == wrong

    def full(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        report.write({**wrong, "points": 0}, tmp_path)

    assert json.loads(target.read_text(encoding="utf-8")) == wrong


def test_a_report_keeps_other_scripts(wrong, tmp_path):
    """What a hand-in writes in Chinese is in the report as it is."""
    target = report.write({**wrong, "message": "循环神经网络"}, tmp_path)

    assert "循环神经网络" in target.read_text(encoding="utf-8")


def raising(small_run, edited_impl, text):
    """The report of a hand-in, in a child process, whose RNN_Cell raises a ValueError of this text."""
    raises = f'        raise ValueError({text!a})\n        """'
    root = edited_impl("mytorch/rnn_cell.py", '        """Return h_t (N, H), given', raises)
    open_hand_in = isolation.choose("process").open_hand_in
    return grade("raising", root, small_run._replace(steps=["RNN Forward"], open_hand_in=open_hand_in))


def test_half_a_character_does_not_break_the_report(small_run, edited_impl, tmp_path):
    """A hand-in's message with a lone surrogate, which UTF-8 cannot hold, is written in some way."""
    target = report.write(raising(small_run, edited_impl, "\ud800"), tmp_path)

    assert json.loads(target.read_text(encoding="utf-8"))["points"] == 0


def test_a_hand_in_cannot_steer_the_terminal(small_run, edited_impl):
    """Control characters in what a hand-in raises are not passed on."""
    messages = [
        prop["message"]
        for step in raising(small_run, edited_impl, "\x1b[2J\x1b[1;1H80 / 80\r")["steps"]
        for prop in step["properties"]
    ]

    assert any("80 / 80" in message for message in messages)
    assert not any("\x1b" in message or "\r" in message for message in messages)


def test_private_cases_are_not_shown(small_run):
    """Under a private key a failing drawn case that could not be shrunk is not in the report, and the message is."""
    prop = small_run.properties[0]
    written = report.report_of("x", [Finding(prop, "own", "failed", "h_t is wrong")], small_run)
    shown = written["steps"][0]["properties"][0]

    assert (shown["counterexample"], shown["replay"], shown["message"]) == (None, "", "h_t is wrong")


def test_replay_names_the_cells(small_run):
    """The command for an example on the model solution's cells asks for these."""
    prop = next(prop for prop in small_run.properties if prop.step == "RNN Classifier")
    finding = Finding(prop, "model", "failed", "logits are wrong", prop.family.ladder[0])
    shown = report.report_of("x", [finding], small_run)["steps"][2]["properties"][0]

    assert "--cells model" in shown["replay"]
