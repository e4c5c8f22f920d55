"""The terminal: what is told of a report, in which order, in 80 columns, in two languages, with and without colours."""

import ast
import copy
import io
import itertools
import re
import shlex
import sys

import pytest

from grading import figure, problems, quiz, rubric, terminal
from grading.layout import width_of
from properties.hand_in import MODEL_SOLUTION
from properties.registry import STEPS, all_properties

CODE = re.compile(r"\x1b\[[\d;]*m")
BACKWARD = "rnn_backward.gradient_equals_torch"
REPLAY = "python -m grading replay it"


@pytest.fixture(scope="module")
def right():
    """A report in which every step passed, of some property each."""
    points = rubric.load(rubric.DEFAULT, all_properties())
    steps = [
        {
            "step": step,
            "outcome": "passed",
            "points": sum(entries.values()),
            "max_points": sum(entries.values()),
            "entries": [
                {"entry": entry, "points": worth, "max_points": worth, "paid_by": "own"}
                for entry, worth in entries.items()
            ],
            "properties": [a_property("x", entry, outcome="passed") for entry in entries],
            "diagnosis": [],
        }
        for step, entries in points.items()
    ]
    suite = {"isolation": "sandbox", "why_not_better": "", "key_id": "practice", "steps": list(STEPS)}
    return {
        "submission": "it", "points": 80, "max_points": 80, "message": "", "printed": "", "suite": suite, "steps": steps
    }  # fmt: skip


def a_property(name, entry, outcome="failed", message="", example=None, claim="It is so.", tier="required"):
    """A property of a report, on this example if there is one."""
    replay = f'{REPLAY} "{name}" "{example["case"]}"' if example else ""
    return {
        "id": name, "claim": claim, "entry": entry, "tier": tier, "cells": "own", "outcome": outcome,
        "message": message, "counterexample": example, "replay": replay,
    }  # fmt: skip


def an_example(H=1, **figures):
    """An example of a cell of H units."""
    return {
        "case": f"RNNStep(N=1, D=1, H={H}, numbers='ones')",
        "at": f'N=1 D=1 H={H}, numbers "ones"',
        "script": [f"cell = RNN_Cell(1, {H})", "h_t = cell.forward(x, h)", "db_hh = cell.db_hh", "dW = cell.dW"],
        "arrays": {"x": [[1.0]], "h": [[1.0] * H]},
        **figures,
    }


def with_loss(report, step, *props, diagnosis=()):
    """The report with these failing properties in a step, and their entries unpaid."""
    report = copy.deepcopy(report)
    (part,) = (each for each in report["steps"] if each["step"] == step)
    lost = {prop["entry"] for prop in props}
    for entry in part["entries"]:
        if entry["entry"] in lost:
            entry |= {"points": 0, "paid_by": ""}
    part["properties"] += props
    part["diagnosis"] = list(diagnosis)
    part["outcome"] = props[0]["outcome"]
    part["points"] = sum(entry["points"] for entry in part["entries"])
    report["points"] = sum(each["points"] for each in report["steps"])
    return report


def after_the_points(report, language="en", path="it"):
    """The lines that follow the figure and the points."""
    lines = list(terminal.whole(report, path, language))
    end = next(number for number, line in enumerate(lines) if line.startswith(("(isolation", "（隔离方式")))
    return lines[end + 1 :]


def text_of(report, language="en", path="it"):
    return "\n".join(after_the_points(report, language, path))


# What is told, and in which order


def test_a_right_hand_in_is_told_so_in_few_lines(right):
    """After the figure and the points one line says that nothing is wrong."""
    assert after_the_points(right) == ["", "Nothing is wrong: every point is yours."]
    assert after_the_points(right, "zh") == ["", "没有错误，全部得分。"]


def test_what_where_example_and_replay_follow_each_other(right):
    """A known bug is told by its sentence, the place, how it shows, the example, the numbers, the command."""
    example = an_example(what="db_hh", actual=[2.0], expected=[1.0], allowed=1e-15)
    prop = a_property(f"{BACKWARD}[db_hh]", "db_hh", message="db_hh[0] is 2, but should be 1", example=example)
    said = {
        "bug": "b", "says": "db_hh is summed over the batch, not averaged.",
        "look_at": "mytorch/rnn_cell.py, RNN_Cell.backward", "entries": ["db_hh"],
    }  # fmt: skip

    assert after_the_points(with_loss(right, "RNN Backward", prop, diagnosis=[said])) == [
        "",
        "RNN Backward, db_hh: 0 of 2.5 points",
        "  db_hh is summed over the batch, not averaged.",
        "  Look at mytorch/rnn_cell.py, RNN_Cell.backward.",
        "  db_hh[0] is 2, but should be 1.",
        "",
        '  On this example, N=1 D=1 H=1, numbers "ones":',
        "    x = [[1]]   h = [[1]]",
        "",
        "    cell = RNN_Cell(1, 1)",
        "    h_t = cell.forward(x, h)",
        "    db_hh = cell.db_hh",
        "",
        "            came back   should be",
        "    db_hh   [2]         [1]",
        "  To see it again:",
        f'    python -m grading replay it "{BACKWARD}[db_hh]" \\',
        "      \"RNNStep(N=1, D=1, H=1, numbers='ones')\"",
    ]


def test_without_a_diagnosis_the_claim_is_told(right):
    """What should be, what is instead, and where such a thing is computed."""
    prop = a_property("rnn_forward.state", "h_t", message="h_t is 2, but should be 1", claim="h_t is right.")

    assert after_the_points(with_loss(right, "RNN Forward", prop)) == [
        "",
        "RNN Forward, h_t: 0 of 10 points",
        "  h_t is right.",
        "  But h_t is 2, but should be 1.",
        "  Look at mytorch/rnn_cell.py, RNN_Cell.forward.",
    ]


def test_the_smallest_example_is_told(right):
    """Of all properties that an entry fails, that on the smallest example."""
    props = [a_property(f"rnn_forward.p{H}", "h_t", message=f"wrong for {H}", example=an_example(H)) for H in (3, 1, 2)]

    assert "wrong for 1" in text_of(with_loss(right, "RNN Forward", *props))
    assert "wrong for 3" not in text_of(with_loss(right, "RNN Forward", *props))


def test_the_smallest_example_of_all_entries_is_told(right):
    """Where a bug costs several entries, that of the one which fails on the smallest; the other is only named."""
    props = [
        a_property(f"rnn_backward.p[{name}]", name, message=f"{name} is wrong", example=an_example(H, what=name))
        for name, H in (("dx", 3), ("dh", 1))
    ]
    said = {"bug": "b", "says": "Both are wrong.", "look_at": "a.py, f", "entries": ["dx", "dh"]}
    text = text_of(with_loss(right, "RNN Backward", *props, diagnosis=[said]))

    assert "RNN Backward, dx, dh: 0 of 5 points\n  Both are wrong.\n  Look at a.py, f.\n  dh is wrong.\n" in text
    assert "dx is wrong" not in text


def test_what_costs_nothing_is_no_reason_for_a_loss(right):
    """An advisory property that fails on a smaller example is not told of a lost entry."""
    advice = a_property("rnn_forward.a", "h_t", message="x is changed", example=an_example(1), tier="advisory")
    prop = a_property("rnn_forward.p", "h_t", message="h_t is wrong", example=an_example(2))

    assert "x is changed" not in text_of(with_loss(right, "RNN Forward", advice, prop))


def test_what_is_wrong_is_told_from_the_cell_up(right):
    """Steps are in their order, and within one the smaller example comes first."""
    report = with_loss(right, "RNN Classifier", a_property("rnn_classifier.p", "forward", message="third"))
    for name, H, message in (("dx", 2, "second"), ("dh", 1, "first")):
        prop = a_property(f"rnn_backward.p{name}", name, message=message, example=an_example(H))
        report = with_loss(report, "RNN Backward", prop, *report["steps"][1]["properties"][6:])
    text = text_of(report)

    assert text.index("first") < text.index("second") < text.index("third")


def test_entries_that_one_bug_explains_are_told_once(right):
    """One title, one sentence, one example, and the results of all beside what they should be."""
    props = [
        a_property(
            f"{BACKWARD}[{name}]", name, message=f"{name} is wrong",
            example=an_example(what=name, actual=[[0.0]], expected=[[1.0]], allowed=0.0),
        )
        for name in ("dx", "dh")
    ]  # fmt: skip
    said = {"bug": "pattern", "says": "dx, dh: zero everywhere", "look_at": "", "entries": ["dx", "dh"]}
    text = text_of(with_loss(right, "RNN Backward", *props, diagnosis=[said]))

    assert text.startswith("\nRNN Backward, dx, dh: 0 of 5 points\n  It is zero everywhere.\n  Look at ")
    assert "    dx   [[0]]       [[1]]\n    dh   [[0]]       [[1]]" in text
    assert text.count("On this example") == text.count("To see it again") == 1


def test_a_step_that_is_lost_whole_is_told_by_its_name(right):
    """Of a step with several entries; six names would say no more."""
    props = [
        a_property(f"{BACKWARD}[{entry['entry']}]", entry["entry"], "crashed", "the process ended by itself (SIGSEGV)")
        for entry in right["steps"][1]["entries"]
    ]

    assert "\nRNN Backward: 0 of 15 points\n" in text_of(with_loss(right, "RNN Backward", *props))


def test_an_example_is_told_once(right):
    """Two problems on one example share it."""
    props = [
        a_property(f"rnn_backward.{name}", name, message=f"{name} is wrong", example=an_example(what=name))
        for name in ("dx", "dh")
    ]
    text = text_of(with_loss(right, "RNN Backward", *props))

    assert text.count("On this example") == 1
    assert text.count("On the same example:") == 1
    assert text.count("To see it again") == 2


def test_results_of_the_wrong_dtype_are_told_in_one_sentence(right):
    """What is wrong with several alike is told of the first, and the others are named."""
    props = [
        a_property(
            f"{BACKWARD}[{name}]", name, message=f"{name} is of dtype float16, but should be float64",
            example=an_example(what=name, actual=[[0.5]]),
        )
        for name in ("dx", "dh", "dW_ih")
    ]  # fmt: skip
    text = text_of(with_loss(right, "RNN Backward", *props))

    assert "  But dx is of dtype float16, but should be float64.\n  The same is true of dh, dW_ih.\n" in text
    assert "came back\n    dx      [[0.5]]" in text
    assert "should be\n" not in text


def test_of_large_results_the_wrong_part_is_shown(right):
    """With its index; results that are known by their shapes alone are in the message, and nowhere else."""
    results = {"actual": [[0.0]] * 40, "expected": [[0.0]] * 20 + [[1.0]] * 20, "allowed": 0.0}
    props = [
        a_property(f"{BACKWARD}[dx]", "dx", message="dx is wrong", example=an_example(what="dx", **results)),
        a_property(
            f"{BACKWARD}[dh]", "dh", message="dh is wrong",
            example=an_example(what="dh", actual="array of shape (40, 40)", expected="array of shape (40, 40)"),
        ),
    ]  # fmt: skip
    text = text_of(with_loss(right, "RNN Backward", *props))

    assert "    dx[18:24]   [[ 0],      [[0]," in text
    assert "array of shape" not in text


def test_a_wrong_forward_is_to_be_mended_first(right):
    """Where a gradient's forward is wrong as well, that is told in a sentence of its own."""
    message = "dx is wrong" + problems.FORWARD_TOO
    text = text_of(with_loss(right, "RNN Backward", a_property("rnn_backward.p", "dx", message=message)))

    assert "  But dx is wrong.\n" in text
    assert "  forward is wrong as well, and the likely cause: mend that first." in text


# Faults


@pytest.mark.parametrize(
    ("message", "told", "chinese"),
    [
        (
            "mytorch/rnn_cell.py:51 does not parse: expected ':'",
            "mytorch/rnn_cell.py:51 does not parse: expected ':'",
            "mytorch/rnn_cell.py:51 有语法错误：expected ':'",
        ),
        (
            "RNN_Cell raises NameError: name 'numpy' is not defined (mytorch/rnn_cell.py:51 in <module>)",
            "RNN_Cell raises NameError: name 'numpy' is not defined",
            "RNN_Cell 抛出 NameError: name 'numpy' is not defined",
        ),
    ],
    ids=["it does not parse", "it fails when it is imported"],
)
def test_a_file_that_cannot_be_imported_is_told_once(right, message, told, chinese):
    """For all steps together, with the line, and without an example, which would show no more."""
    report = right
    for step, entry in (("RNN Forward", "h_t"), ("RNN Backward", "dx")):
        prop = a_property(f"{step.lower().replace(' ', '_')}.p", entry, "crashed", message, an_example())
        report = with_loss(report, step, prop)

    assert after_the_points(report)[:5] == [
        "",
        "RNN Forward, h_t; RNN Backward, dx: 0 of 12.5 points",
        f"  It crashes: {told}.",
        "  Look at mytorch/rnn_cell.py, line 51.",
        "  To see it again:",
    ]
    assert "On this example" not in text_of(report)
    assert f"  程序崩溃：{chinese}。" in after_the_points(report, "zh")


def test_an_exception_is_told_with_file_line_and_function(right):
    """The place is taken out of the sentence; the example shows the calls that lead to it."""
    message = "RNN_Cell.forward raises ValueError: bad (x) (mytorch/rnn_cell.py:17 in RNN_Cell.forward)"
    prop = a_property("rnn_forward.p", "h_t", "crashed", message, an_example(what="h_t"))
    lines = after_the_points(with_loss(right, "RNN Forward", prop))

    assert lines[2:4] == [
        "  It crashes: RNN_Cell.forward raises ValueError: bad (x).",
        "  Look at mytorch/rnn_cell.py, line 17, RNN_Cell.forward.",
    ]
    assert "    h_t = cell.forward(x, h)" in lines
    assert "    dW = cell.dW" not in lines


@pytest.mark.parametrize("message", ["no answer within 2 s", "the process ended by itself (exit status 0)"])
def test_what_never_answers_has_a_place_too(right, message):
    """Where nothing is known of the place, it is where the step is computed."""
    outcome = "timed_out" if "within" in message else "crashed"
    text = text_of(with_loss(right, "GRU Backward", a_property("gru_backward.p", "dx", outcome, message)))

    assert "  Look at mytorch/gru_cell.py, GRU_Cell.backward." in text
    assert ("It does not end in time: " if outcome == "timed_out" else "It crashes: ") + message in text


def test_what_is_not_written_yet_comes_last(right):
    """As a list of what there is to do, each with its place and what it is worth."""
    unwritten = "RNN_Cell.forward is not written yet (mytorch/rnn_cell.py:36 in RNN_Cell.forward)"
    report = with_loss(right, "RNN Forward", a_property("rnn_forward.p", "h_t", "not_run", unwritten))
    report = with_loss(report, "GRU Forward", a_property("gru_forward.p", "h_t", message="h_t is wrong"))
    missing = a_property("gru_inference.p", "logits", "not_run", "hw3/hw3.py is missing")
    lines = after_the_points(with_loss(report, "GRU Inference", missing))

    assert lines[1] == "GRU Forward, h_t: 0 of 10 points"
    assert lines[-6:] == [
        "Not written yet, or missing:",
        "  RNN_Cell.forward is not written yet.",
        "    Look at mytorch/rnn_cell.py, line 36, RNN_Cell.forward.",
        "    RNN Forward, h_t: 0 of 10 points",
        "  hw3/hw3.py is missing.",
        "    GRU Inference, logits: 0 of 10 points",
    ]


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", ["", "It could not be graded: 'x.zip' is not unpacked: it is empty (0 bytes)."]),
        ("zh", ["", "无法评分：'x.zip' 没有解包：文件是空的（0 字节）。"]),
    ],
)
def test_of_a_refused_hand_in_the_reason_is_told(right, language, lines):
    """And nothing else: no step was run. The quiz, which says the same, does not repeat it."""
    refused = copy.deepcopy(right) | {"message": "'x.zip' is not unpacked: it is empty (0 bytes)", "points": 0}
    for step in refused["steps"]:
        step |= {"properties": [], "outcome": "not_run", "points": 0}
        for entry in step["entries"]:
            entry |= {"points": 0, "paid_by": ""}
    refused["quiz"] = quiz.section(quiz.load(), quiz.unread(refused["message"]))

    assert after_the_points(refused, language) == lines


def test_what_there_is_to_say_of_the_whole_is_a_note(right):
    """Below the points, in the language that was asked for."""
    message = (
        "hw3/ is missing; of two gru_cell.py, that in hw3/ counts; mytorch/loss.py is not the one that was handed out"
    )
    noted = right | {"message": message}

    assert text_of(noted).startswith("Note: hw3/ is missing; of two gru_cell.py, that in hw3/ counts;")
    assert text_of(noted, "zh").startswith("注意：缺少 hw3/；有两个 gru_cell.py，以 hw3/ 中的为准；")


# Points


def test_points_say_how_they_were_earned(right):
    """Where a step pays with another cell, or for its own forward, and where it was not asked for."""
    report = copy.deepcopy(right)
    report["steps"][1]["entries"][0]["paid_by"] = "derivative"
    report["steps"][2]["entries"][0]["paid_by"] = "model"
    report["suite"]["steps"] = list(STEPS[:5])
    lines = list(terminal.whole(report, "it"))

    assert "RNN Forward         10 / 10" in lines
    assert "RNN Backward        15 / 15  (right for your own forward)" in lines
    assert "RNN Classifier      15 / 15  (tried with a right cell in place of yours)" in lines
    assert "GRU Inference       10 / 10  (not asked for)" in lines
    assert "Total               80 / 80" in lines


@pytest.mark.parametrize(
    ("language", "total"),
    [
        ("en", ["Total               80 / 80", "Quiz                 2 / 10", "Written report       9"]),
        ("zh", ["总分                80 / 80", "选择题               2 / 10", "书面报告             9"]),
    ],
)
def test_quiz_and_total_are_told_in_few_lines(right, language, total):
    """The quiz beside the 80, a line a question in its own words, and all together where a mark is known."""
    answered = quiz.section(quiz.load(), quiz.read_answers('q1 = "Z"\n'))
    answered["points"] = 2
    sums = {"quiz": 2, "code": 80, "report": 9, "points": 91.0, "max_points": 100}
    lines = list(terminal.whole(right | {"quiz": answered, "total": sums}, "it", language))

    assert [line for line in lines if line in total] == total
    assert {"en": "All together        91 / 100", "zh": "合计                91 / 100"}[language] in lines
    (line,) = (line for line in lines if line.startswith("  q1"))
    assert answered["questions"][0]["zh" if language == "zh" else "message"] is not None
    assert ("no option is called 'Z'" if language == "en" else "没有选项 'Z'") in line
    assert len([line for line in lines if line.startswith("  q")]) == len(answered["questions"])


def test_a_report_that_nobody_marked_yet_is_told_so(right):
    """And an answers.toml that is missing is told once, not question by question."""
    total = {"quiz": 0, "code": 80, "report": None, "points": 80, "max_points": 100}
    unanswered = quiz.section(quiz.load(), quiz.answers_of(MODEL_SOLUTION))
    lines = list(terminal.whole(right | {"total": total, "quiz": unanswered}, "it"))

    assert "Written report  not graded yet" in lines
    assert lines[-2:] == ["Quiz", "  there is no answers.toml, so the quiz earns nothing."]


# Advice and output


def test_advice_comes_last_and_costs_nothing(right):
    """After all else, of steps that passed on cells that passed, each advice once."""
    report = copy.deepcopy(right) | {"printed": "hello\r\n" * 30}
    for step in ("RNN Forward", "RNN Classifier"):
        (part,) = (each for each in report["steps"] if each["step"] == step)
        part["properties"] += [
            a_property(f"p[{name}]", "h_t", message="x is changed", claim=f"{name}: Keep x.", tier="advisory")
            for name in "ab"
        ]
    report["steps"][3]["properties"].append(a_property("gru_forward.p", "h_t", message="wrong with the own cell"))
    report = with_loss(report, "RNN Backward", a_property("rnn_backward.p", "dx", message="dx is wrong"))
    lines = after_the_points(report)

    assert lines[-2:] == ["Advice, which costs no points:", "  RNN Forward: Keep x. Here: x is changed."]
    assert lines.count("  hello") == terminal.MOST_LINES
    assert "  ... and 6 lines more" in lines


# Commands


@pytest.mark.parametrize("path", ["it", "/tmp/a b/it", "it's", "-x", "作业/it.zip"])
@pytest.mark.skipif(sys.platform == "win32", reason="another shell, other quotes")
def test_the_command_can_be_pasted(right, path):
    """Over its lines the shell reads what replay takes: this path, the property, the case, the cells."""
    prop = a_property(f"{BACKWARD}[dx]", "dx", message="dx is wrong", example=an_example())
    prop["replay"] += " --cells model"
    lines = after_the_points(with_loss(right, "RNN Backward", prop), path=path)
    command = "\n".join(lines[lines.index("  To see it again:") + 1 :])

    words = ["python", "-m", "grading", "replay", path, prop["id"], an_example()["case"], "--cells", "model"]
    assert shlex.split(command.replace("\\\n", " ")) == words


def test_another_command_is_told_as_it_is(right):
    """The hand-out's runner replays by itself, and needs no path."""
    prop = a_property(f"{BACKWARD}[dx]", "dx", message="dx is wrong", example=an_example())
    prop["replay"] = f"python ./runner.py replay {prop['replay'].removeprefix(REPLAY).strip()}"

    assert f'    python ./runner.py replay "{BACKWARD}[dx]" ' in text_of(with_loss(right, "RNN Backward", prop))


# Form


HOSTILE = "\x1b[2J\x1b]0;80 / 80\x07\r\u202e\ud800 RNN Forward: PASS"


def hostile(right):
    """A report in which every text that may be a student's steers a terminal, and arrays of many kinds are shown."""
    example = an_example(what=HOSTILE, actual="array of shape (9, 9)", expected=[[0.1234567] * 9] * 9, allowed="nan")
    example["arrays"] |= {"W": [[-1e-300, 1 / 3]] * 3, "empty": [], "big": [list(map(float, range(20)))] * 20}
    example["script"] += [f"net.init_weights({', '.join(['W_ih_0'] * 30)})", "linear = projection(net, 1, 1)"] * 20
    message = f"RNN_Cell.forward raises ValueError: {HOSTILE * 20}\nRNN Forward: PASS (mytorch/rnn_cell.py:1 in f)"
    report = with_loss(right, "RNN Forward", a_property("rnn_forward.p", "h_t", "crashed", message, example))
    said = {"bug": "b", "says": f"{HOSTILE}.", "look_at": f"{HOSTILE}.py, f", "entries": ["dx"]}
    wrong = a_property(f"{BACKWARD}[dx]", "dx", message=HOSTILE, example=example)
    report = with_loss(report, "RNN Backward", wrong, diagnosis=[said])
    todo = a_property("gru_inference.p", "logits", "not_run", f"{HOSTILE} is missing")
    report = with_loss(report, "GRU Inference", todo)
    report["suite"]["why_not_better"] = "bubblewrap does not work here: " + HOSTILE
    report["quiz"] = quiz.section(quiz.load(), quiz.read_answers('q1 = "A"'))
    report["quiz"]["questions"][0]["message"] = HOSTILE
    return report | {"message": HOSTILE, "printed": HOSTILE * 99}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_steers_the_terminal(right, language):
    """No control character of a student's comes through, and no line of theirs looks like one of the figure's."""
    lines = list(terminal.whole(hostile(right), HOSTILE, language))

    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines[len(list(figure.lines(hostile(right)))) :] if line.startswith("RNN Forward: ")]


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_line_is_wider_than_80_columns(right, wrong, language, colour):
    """In either language, in colours too, whatever is told; a single word of a command is not broken."""
    for report in (right, wrong, hostile(right)):
        for line in terminal.whole(report, "it", language, colour):
            plain = CODE.sub("", line)
            assert width_of(plain) <= 80 or " " not in plain.strip().rstrip("\\").strip()


def test_a_report_is_told_of_its_real_grading(wrong):
    """Every array, message and claim of a graded hand-in has a place, and Chinese has no English sentence in it."""
    text = text_of(wrong, "zh")

    assert "dx 和 dh 的形状是 (D,) 和 (H,)，应为 (1, D) 和 (1, H)。" in text
    assert "dx 的形状是 (1,)，但应当是 (1, 1)。" in text
    assert not re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", text.replace("python -m grading", ""))


def test_the_figure_is_the_same_in_every_manner(right, wrong):
    """Its lines are read by others: no colour, no translation."""
    for report, language, colour in itertools.product((right, wrong), ("en", "zh"), (False, True)):
        lines = list(terminal.whole(report, "it", language, colour))
        expected = list(figure.lines(report))
        assert lines[: len(expected) + 1] == [*expected, ""]


def test_colours_change_nothing_else(right):
    """Without its codes a coloured text is the plain one, and the plain one has no codes."""
    report = hostile(right)
    plain = list(terminal.whole(report, "it"))
    coloured = list(terminal.whole(report, "it", colour=True))

    assert [CODE.sub("", line).rstrip() for line in coloured] == [line.rstrip() for line in plain]
    assert any(CODE.search(line) for line in coloured)
    assert not any("\x1b" in line for line in plain)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "stream", "expected"),
    [
        ({"TERM": "xterm-256color"}, Terminal(), True),
        ({"TERM": "xterm"}, Terminal(), True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Terminal(), False),
        ({"TERM": "dumb"}, Terminal(), False),
        ({"TERM": "xterm"}, io.StringIO(), False),
    ],
    ids=["256 colours", "colours", "NO_COLOR", "dumb", "a file"],
)
def test_colours_are_for_terminals_that_want_them(monkeypatch, environment, stream, expected):
    """Not for files and pipes, nor with NO_COLOR, nor for a terminal that has none."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert terminal.in_colour(stream) is expected


# Where to look


def test_every_place_is_in_the_model_solution():
    """The functions that are named where nothing else is known exist; so do the properties that have other places."""
    defined = set()
    for file in MODEL_SOLUTION.rglob("*.py"):
        name = file.relative_to(MODEL_SOLUTION).as_posix()
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                methods = [each.name for each in node.body if isinstance(each, ast.FunctionDef)]
                defined |= {f"{name}, {node.name}.{method}" for method in methods}
            elif isinstance(node, ast.FunctionDef):
                defined.add(f"{name}, {node.name}")

    assert {*problems.PLACES.values(), *problems.PLACES_OF.values()} <= defined
    assert set(problems.PLACES_OF) <= {prop.id.partition("[")[0] for prop in all_properties()}
    assert {step for step, _ in problems.PLACES} == set(STEPS)


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ("x raises y (mytorch/rnn_cell.py:17 in RNN_Cell.forward)", ("mytorch/rnn_cell.py", "17", "RNN_Cell.forward")),
        ("hw3/hw3.py:3 does not parse: invalid syntax", ("hw3/hw3.py", "3", "")),
        ("x raises y (hw3/hw3.py:3 in <module>)", ("hw3/hw3.py", "3", "<module>")),
        ("see a.py:1 (b.py:2 in f)", ("b.py", "2", "f")),
        ("no answer within 2 s", None),
    ],
)
def test_a_place_is_found_in_a_message(message, place):
    """The file, the line and the function, the last where there are several."""
    assert problems.place_in(message) == place


def test_a_report_without_optional_fields_is_told(right):
    """The schema does not ask for paid_by, cells, at, and the steps that were asked for."""
    prop = a_property("rnn_forward.p", "h_t", message="h_t is wrong", example=an_example())
    report = with_loss(right, "RNN Forward", prop)
    del report["suite"]["steps"], report["steps"][0]["properties"][-1]["counterexample"]["at"]
    for step in report["steps"]:
        for part in (*step["entries"], *step["properties"]):
            part.pop("paid_by", part.pop("cells", ""))
    lines = list(terminal.whole(report, "it"))

    assert lines[1] == "RNN Forward: *** FAIL ***"
    assert "  On this example, RNNStep(N=1, D=1, H=1, numbers='ones'):" in lines
