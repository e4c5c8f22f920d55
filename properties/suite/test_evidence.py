"""Evidence: a script and arrays that show a failure on the student's own files, with NumPy alone, wherever they lie."""

import ast
import copy
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fixtures import catalogue
from grading.faults import Broken
from grading.formats import Options, evidence, judged, standalone, told
from grading.formats.judged import to_check
from grading.grade import grade
from grading.gradebook import read
from grading.language import translator
from grading.replay import from_words
from properties import expected
from properties.compare import Expected
from properties.hand_in import MODEL_SOLUTION
from properties.registry import all_properties

ROOT = MODEL_SOLUTION.parent
HAND_INS = ROOT / "fixtures" / "handins"
PROPERTIES = {prop.id: prop for prop in all_properties()}
CASES = {"rnn": "RNNStep(N=2, D=1, H=3, seed=5)", "gru": "GRUStep(D=2, H=3, seed=5)"}


@pytest.fixture
def summed():
    """The report of a hand-in whose four weight gradients are summed over the batch."""
    return read(ROOT / "examples" / "summed" / "report.json")


@pytest.fixture
def bundles(tmp_path):
    """Write the evidence of a report, far from this project, and return its scripts by entry."""

    def write(report, language="en"):
        evidence.make([report], tmp_path / "elsewhere", Options(language))
        scripts = (tmp_path / "elsewhere").glob("*/evidence/*/show.py")
        return {script.parent.name: script for script in sorted(scripts)}

    return write


def run(script, hand_in, *options, cwd="/"):
    """Run a bundle's script on a hand-in, with NumPy and nothing of this project to be found."""
    command = [sys.executable, "-I", *options, str(script), str(hand_in)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)


# --- A bundle


def test_it_fails_on_the_hand_in_and_holds_on_a_right_one(bundles, summed):
    """The exit status is 1 while it fails and 0 once it is mended, and both numbers are told."""
    scripts = bundles(summed)
    script = scripts["RNN_Backward.db_hh"]
    seen = run(script, HAND_INS / "summed")

    assert list(scripts) == [f"RNN_Backward.{name}" for name in ("dW_hh", "dW_ih", "db_hh", "db_ih")]
    assert (seen.returncode, run(script, MODEL_SOLUTION).returncode) == (1, 0)
    assert seen.stdout.split("\n")[:5] == ["db_hh", "is", "[0.14130165]", "and should be", "[0.07065082]"]


def test_what_is_within_its_bound_holds(bundles, summed, edited_impl):
    """A result that is off by rounding holds; one that is off by a relative 1e-8 does not, nor does nan."""
    script = bundles(summed)["RNN_Backward.dW_ih"]
    line = "self.dW_ih += dz_mean.T @ h_prev_l"
    near = edited_impl("mytorch/rnn_cell.py", line, f"{line} * (1 + 1e-15)", "near")
    off = edited_impl("mytorch/rnn_cell.py", line, f"{line} * (1 + 1e-8)", "off")
    nan = edited_impl("mytorch/rnn_cell.py", line, f"{line} * np.nan", "nan")

    assert [run(script, root).returncode for root in (near, off, nan)] == [0, 1, 1]


def test_float32_has_the_bound_of_float32(bundles, summed):
    """A right hand-in that works in float32 is not accused; one in float16 is."""
    script = bundles(summed)["RNN_Backward.dW_hh"]

    assert run(script, HAND_INS / "float32").returncode == 0
    assert run(script, HAND_INS / "float16").returncode == 1


def test_the_hand_in_is_left_as_it_is(bundles, summed, edited_impl):
    """Nothing is written into its folders, no bytecode either."""
    root = edited_impl()
    before = sorted(root.rglob("*"))
    run(bundles(summed)["RNN_Backward.db_hh"], root)

    assert sorted(root.rglob("*")) == before


def test_without_a_path_the_folder_it_is_run_in_counts(bundles, summed):
    """python .../show.py in the folder of the hand-in."""
    script = bundles(summed)["RNN_Backward.db_hh"]
    command = [sys.executable, "-I", str(script)]

    assert subprocess.run(command, cwd=HAND_INS / "summed", capture_output=True, check=False).returncode == 1
    assert subprocess.run(command, cwd=MODEL_SOLUTION, capture_output=True, check=False).returncode == 0


def test_given_files_may_be_missing(bundles, summed, edited_impl):
    """They come with the evidence, whether they are imported by bare name or from mytorch."""
    script = bundles(summed)["RNN_Backward.db_hh"]
    bare = edited_impl(name="bare")
    packaged = edited_impl(
        "mytorch/rnn_cell.py", "from activation import", "from mytorch.activation import", "packaged"
    )
    for root in (bare, packaged):
        for name in ("activation", "linear", "loss"):
            (root / "mytorch" / f"{name}.py").unlink()

    assert [run(script, root).returncode for root in (bare, packaged)] == [0, 0]


def test_the_arrays_need_no_pickles_and_are_the_same_each_time(summed):
    """case.npz loads without them, holds the case's arrays and what is right, and has the same bytes each time."""
    entry = next(entry for entry in told.entries(summed) if entry.name == "db_hh")
    one, other = (evidence.bundle(summed, entry, str)["case.npz"] for _ in range(2))
    arrays = np.load(io.BytesIO(one), allow_pickle=False)

    assert one == other
    assert set(arrays.files) == {"W_ih", "W_hh", "b_ih", "b_hh", "x", "h", "h_t", "delta", "right_db_hh"}
    assert arrays["right_db_hh"] == pytest.approx([0.07065082485316443], rel=1e-14)


def test_the_script_needs_numpy_alone_and_evaluates_nothing(bundles, summed):
    """It imports os, sys, contextlib, NumPy and the hand-in, and calls neither eval nor exec."""
    tree = ast.parse(bundles(summed)["RNN_Backward.db_hh"].read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}

    assert imported == {"os", "sys", "numpy", "contextlib", "mytorch.rnn_cell"}
    assert not {node.id for node in nodes if isinstance(node, ast.Name)} & {"eval", "exec", "compile", "__import__"}


@pytest.mark.parametrize(
    "end", ["\n", "\r", "\r\n", "\x0c", "\x0b", "\x85", "\u2028", "\\\n", "\0", '"""\n', "# coding: utf-7\n"]
)
def test_what_a_student_wrote_stays_in_a_comment(end, bundles, summed, tmp_path):
    """A message that would end a line or the comment, or choose the encoding, does not."""
    report = copy.deepcopy(summed)
    for prop in report["steps"][1]["properties"]:
        prop["message"] = f'x{end}import os; os.mkdir("owned") \ud800'
    script = bundles(report)["RNN_Backward.db_hh"]
    (tmp_path / "here").mkdir()

    assert run(script, HAND_INS / "summed", cwd=tmp_path / "here").stdout.startswith("db_hh\nis\n")
    assert not list((tmp_path / "here").iterdir())
    assert "owned" in script.read_text(encoding="utf-8")


def test_the_model_solutions_cells_are_in_no_bundle(summed):
    """What fails on them alone cannot be shown on the student's files."""
    report = copy.deepcopy(summed)
    for prop in report["steps"][1]["properties"]:
        prop["cells"] = "model"
    entry = next(entry for entry in told.entries(summed) if entry.name == "db_hh")

    assert evidence.bundle(report, entry, str) == {}


def test_chinese_comments_do_no_harm(bundles, summed):
    """The script in Chinese runs as the English one."""
    script = bundles(summed, "zh")["RNN_Backward.db_hh"]

    assert not script.read_text(encoding="utf-8").isascii()
    assert run(script, HAND_INS / "summed").returncode == 1


def test_the_readme_names_every_lost_entry(bundles, summed, tmp_path):
    """Those with a bundle, and those without: of a private exam, say."""
    report = copy.deepcopy(summed)
    for prop in report["steps"][1]["properties"]:
        if prop["entry"] == "db_hh":
            prop["counterexample"] = None
    scripts = bundles(report)
    text = (tmp_path / "elsewhere" / "summed" / "evidence" / "README.txt").read_text(encoding="utf-8")

    assert "RNN_Backward.db_hh" not in scripts
    assert "  RNN_Backward.db_ih/\n  RNN_Backward.db_hh: no example that can be shown\n" in text


def test_bundles_of_entries_that_pay_by_now_are_removed(bundles, summed, tmp_path):
    """Of a resubmission's report only what it lost is left; what else lies there stays."""
    bundles(summed)
    folder = tmp_path / "elsewhere" / "summed" / "evidence"
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").write_text("mine")
    better = copy.deepcopy(summed)
    for entry in better["steps"][1]["entries"]:
        if entry["entry"] != "dW_ih":
            entry.update(points=2.5, paid_by="own")

    assert list(bundles(better)) == ["RNN_Backward.dW_ih"]
    assert (folder / "mine" / "notes.txt").exists()


def test_a_report_of_another_suite_has_no_bundle_where_it_does_not_fit(summed):
    """A property or a case that there is no longer is no example, and no error."""
    entry = next(entry for entry in told.entries(summed) if entry.name == "db_hh")
    unknown, odd = copy.deepcopy(summed), copy.deepcopy(summed)
    for prop in unknown["steps"][1]["properties"]:
        prop["id"] = "rnn_backward.gone"
    for prop in odd["steps"][1]["properties"]:
        if prop["counterexample"]:
            prop["counterexample"]["case"] = "__import__('os').mkdir('owned')"

    assert evidence.bundle(unknown, entry, str) == {}
    assert evidence.bundle(odd, entry, str) == {}


# --- Ways to fail, each planted in the model solution or a stored hand-in


def graded(root, small_run, name="hand_in"):
    return json.loads(json.dumps(grade(name, root, small_run)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "bug",
    [
        "rnn-backward-all-assigned",  # seen after two calls alone
        "rnn-backward-zero_grad-keeps-dW",  # seen after zero_grad alone
        "rnn-classifier-upper-fed-one-step-late",
        "gru-inference-one-row-late",
    ],
)
def test_known_bugs_are_shown(bug, bundles, small_run, edited_impl):
    """Every lost entry has a bundle, which fails on the bug and holds on the model solution."""
    root = edited_impl()
    catalogue.apply(next(each for each in catalogue.load() if each.id == bug), root)
    report = graded(root, small_run)
    scripts = bundles(report)

    assert len(scripts) == sum(not entry.is_paid for entry in told.entries(report)) > 0
    assert {run(script, root).returncode for script in scripts.values()} == {1}
    assert {run(script, MODEL_SOLUTION).returncode for script in scripts.values()} == {0}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["untouched", "syntax_error", "crash_n1", "wrong_shapes", "only_rnn", "float16"])
def test_whatever_is_wrong_is_shown(name, bundles, small_run):
    """What is not written, does not parse, crashes, has another shape or dtype, or is not there: exit status 1."""
    scripts = bundles(graded(HAND_INS / name, small_run, name))

    assert scripts
    assert {run(script, HAND_INS / name).returncode for script in scripts.values()} == {1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "leaving", ["raise SystemExit(0)", "import os; os._exit(0)", "exit()", "import sys; sys.exit(0)"]
)
def test_a_hand_in_that_leaves_with_0_has_not_passed(leaving, bundles, small_run, edited_impl):
    """Whatever ends Python ends the script with 1."""
    marker = "        return self.activation("
    wrong = edited_impl("mytorch/rnn_cell.py", marker, f"        raise SystemExit(0)\n{marker}", "wrong")
    root = edited_impl("mytorch/rnn_cell.py", marker, f"        {leaving}\n{marker}", "leaving")
    script = bundles(graded(wrong, small_run))["RNN_Forward.h_t"]

    assert run(script, root).returncode == 1


def test_a_hand_in_that_does_not_end_is_shown_where_it_is(bundles, summed, tmp_path):
    """After some seconds the script says where it is, and ends with 1."""
    entry = next(entry for entry in told.entries(summed) if entry.name == "db_hh")
    report = copy.deepcopy(summed)
    for prop in report["steps"][1]["properties"]:
        prop["outcome"] = "timed_out"
    (tmp_path / "script").mkdir()
    for name, content in evidence.bundle(report, entry, str).items():
        data = content.replace("(20, ", "(1, ") if isinstance(content, str) else content
        (tmp_path / "script" / name).write_bytes(data.encode() if isinstance(data, str) else data)
    shutil.copytree(MODEL_SOLUTION, tmp_path / "hangs")
    with open(tmp_path / "hangs" / "mytorch" / "rnn_cell.py", "a", encoding="utf-8") as file:
        file.write("\n\ndef _hang(*_):\n    while True:\n        pass\n\n\nRNN_Cell.backward = _hang\n")
    seen = run(tmp_path / "script" / "show.py", tmp_path / "hangs")

    assert seen.returncode == 1
    assert "in _hang" in seen.stderr


@pytest.mark.slow
def test_the_gru_cell_that_counts_is_shown(edited_impl, bundles, small_run):
    """Of two gru_cell.py it is the one in hw3/ where the import of hw3.py finds that."""
    wrong = edited_impl("hw3/hw3.py", "from gru_cell import", "from hw3.gru_cell import", "wrong")
    right = edited_impl("hw3/hw3.py", "from gru_cell import", "from hw3.gru_cell import", "right")
    source = (MODEL_SOLUTION / "mytorch" / "gru_cell.py").read_text(encoding="utf-8")
    spoiled = f"{source}\n\nGRU_Cell.forward = lambda self, x, h: 0 * h\n"
    (right / "hw3" / "gru_cell.py").write_text(source, encoding="utf-8")
    (wrong / "hw3" / "gru_cell.py").write_text(spoiled, encoding="utf-8")
    (right / "mytorch" / "gru_cell.py").write_text(spoiled, encoding="utf-8")
    report = graded(wrong, small_run)
    script = bundles(report)["GRU_Forward.h_t"]

    assert "in hw3/ counts" in report["message"]
    assert (run(script, wrong).returncode, run(script, right).returncode) == (1, 0)


@pytest.mark.slow
def test_a_gru_cell_in_hw3_alone_is_found(edited_impl, bundles, small_run):
    """The statement lists it under hw3/, too."""
    root = edited_impl()
    shutil.move(root / "mytorch" / "gru_cell.py", root / "hw3" / "gru_cell.py")
    scripts = bundles(graded(HAND_INS / "reset_gate", small_run))

    assert {run(script, HAND_INS / "reset_gate").returncode for script in scripts.values()} == {1}
    assert {run(script, root).returncode for script in scripts.values()} == {0}


def test_classes_may_be_spelled_without_underscores(bundles, summed):
    """RNNCell counts as RNN_Cell."""
    script = bundles(summed)["RNN_Backward.db_hh"]

    assert "class RNNCell" in (HAND_INS / "assigned" / "mytorch" / "rnn_cell.py").read_text(encoding="utf-8")
    assert run(script, HAND_INS / "assigned").returncode == 0


# --- What a property judges


@pytest.mark.parametrize("prop", [p for p in PROPERTIES.values() if p.tier == "required"], ids=lambda prop: prop.id)
def test_every_required_property_says_what_it_judges(prop):
    """Of each there is a result with a right value, and a positive bound for each dtype."""
    results = to_check(prop, prop.family.ladder[0], "something else", None)

    assert results
    assert all(np.isfinite(each.right).all() for each in results)
    assert all(0 < each.allowed["float64"] < each.allowed["float32"] for each in results)


def test_the_right_value_and_the_bound_are_the_oracles():
    """For agreement with an oracle they are what the report says: its expected value and what is allowed."""
    case = from_words("RNNStep(N=2, D=1, H=1, numbers='ones')")
    (result,) = to_check(PROPERTIES["rnn_backward.gradient_equals_torch[db_hh]"], case, "db_hh", [0.14])

    assert (result.name, result.what) == ("db_hh", "db_hh")
    assert result.right == pytest.approx([0.07065082485316443], rel=1e-14)
    assert result.allowed["float64"] == pytest.approx(7.4e-15, rel=0.1)


def test_a_property_that_allows_a_range_is_shown_by_the_right_value():
    """A state between two others is held against the right state, from which two right ones may be as far apart."""
    case = from_words(CASES["gru"])
    (result,) = to_check(PROPERTIES["gru_forward.state_lies_between_the_last_and_the_candidate"], case, "h_t", None)
    answers = expected.gru_forward(case)

    assert result.right == pytest.approx(answers["h_t"].value, rel=1e-12)
    assert result.allowed["float64"] == 2 * answers["candidate"].allowed(np.float64)


def test_of_results_that_do_not_fit_together_the_wrong_one_is_checked():
    """The one complained of if it is known to be wrong, and otherwise all that were compared."""
    prop = PROPERTIES["rnn_backward.gradient_adds_over_calls[db_ih]"]
    case = from_words(CASES["rnn"])
    all_three = to_check(prop, case, "db_ih after two calls", "array of shape (3,)")
    right = next(each.right for each in all_three if each.name == "db_ih_both")

    assert [each.name for each in all_three] == ["db_ih", "db_ih_2", "db_ih_both"]
    assert [each.name for each in to_check(prop, case, "db_ih after two calls", (2 * right).tolist())] == ["db_ih_both"]
    assert len(to_check(prop, case, "db_ih after two calls", right.tolist())) == 3


def test_a_result_may_lead_with_one_where_the_property_says_so():
    """logits of (1, C) are right where they are advisory, and a state of (1, H) is not."""
    case = from_words("Prediction(D=1, H=2, C=3, T=1, seed=1)")
    logits = to_check(PROPERTIES["gru_inference.forward_returns_logits_and_state"], case, "logits", None)
    state = to_check(PROPERTIES["gru_forward.state_equals_the_equations"], from_words(CASES["gru"]), "h_t", None)

    assert [each.may_lead for each in (*logits, *state)] == [True, False]


def test_a_model_solution_that_fails_is_our_fault(monkeypatch, edited_impl):
    """Then nothing is shown, for nobody knows what is right."""
    wrong = edited_impl("mytorch/rnn_cell.py", "h @ self.W_hh.T", "h @ self.W_hh")
    monkeypatch.setattr(judged, "MODEL_SOLUTION", wrong)

    with pytest.raises(Broken, match=r"the model solution does not have rnn_forward\.state_equals_torch"):
        to_check(PROPERTIES["rnn_forward.state_equals_torch"], from_words(CASES["rnn"]), "h_t", None)


def test_the_bound_is_not_looser_than_the_propertys(monkeypatch):
    """A bound that a planted oracle gives is the one that comes out."""
    monkeypatch.setattr(Expected, "allowed", lambda self, dtype: 0.125)
    (result,) = to_check(
        PROPERTIES["rnn_forward.state_equals_torch"], from_words("RNNStep(N=1, D=1, H=1, seed=9)"), "h_t", None
    )

    assert result.allowed == {"float64": 0.125, "float32": 0.125}


# --- The lines of a script


def test_lines_that_a_result_does_not_need_are_left_out():
    """Other objects, other attributes, and calls after the last that matters."""
    lines = [
        "cell = RNN_Cell(1, 1)", "cell.init_weights(W_ih)", "forwarded = cell.forward(x, h)",
        "dx, dh = cell.backward(delta)", "dW_ih = cell.dW_ih", "db_ih = cell.db_ih",
        "cell_2 = RNN_Cell(1, 1)", "dx_2 = cell_2.backward(delta)", "cell.zero_grad()",
    ]  # fmt: skip
    kept = standalone.needed_for(lines, ["db_ih"])

    assert [line.text for line in kept] == [*lines[:4], lines[5]]
    assert [line.text for line in kept if line.optional] == ["forwarded = cell.forward(x, h)"]


def test_a_part_of_an_object_is_the_object():
    """What is done to a net's Linear is done to the net; both calls of inference are kept for the second."""
    lines = [
        "net = CharacterPredictor(1, 1, 1)", "linear = projection(net, 1, 1)", "linear.init_weights(W, b)",
        "logits = inference(net, inputs)", "logits_again = inference(net, inputs)",
    ]  # fmt: skip

    assert [line.text for line in standalone.needed_for(lines, ["logits_again"])] == lines
    assert [line.text for line in standalone.needed_for(lines, ["logits"])] == lines[:4]


def test_arrays_and_results_are_handed_on_as_copies():
    """A hand-in that changes an argument changes nothing else."""
    line = "h_2 = cell.forward(strided(x_2), h_1)"

    seen = standalone.with_copies(line, ["x_2"], ["h_1"], "case")
    assert seen == "h_2 = cell.forward(strided(case.x_2), h_1.copy())"
    assert standalone.with_copies("net.init_weights([[W_0]], [b])", ["W_0", "b"], [], "case") == (
        "net.init_weights([[case.W_0]], [case.b])"
    )


def test_a_hand_in_that_changes_its_arguments_is_not_accused(bundles, summed, edited_impl):
    """Each mention of an array is another one."""
    script = bundles(summed)["RNN_Backward.db_hh"]
    root = edited_impl()
    with open(root / "mytorch" / "rnn_cell.py", "a", encoding="utf-8") as file:
        file.write("\n\ndef _spoil(self, x, h):\n    x *= 0\n    h *= 0\n\n\nRNN_Cell.forward = _spoil\n")

    assert run(script, root).returncode == 0


def test_the_comments_are_in_the_language():
    """What is wrong, in Chinese."""
    report = read(ROOT / "examples" / "summed" / "report.json")
    entry = next(entry for entry in told.entries(report) if entry.name == "db_hh")

    assert "应" in evidence.bundle(report, entry, translator("zh"))["show.py"]


def test_paths_of_this_machine_are_in_no_bundle(summed):
    """Neither this project's folder nor Python's."""
    entry = next(entry for entry in told.entries(summed) if entry.name == "db_hh")
    files = evidence.bundle(summed, entry, str)
    data = files["show.py"].encode() + files["case.npz"]

    assert not any(str(path).encode() in data for path in (ROOT, Path(sys.prefix), Path.home()))
