"""An exam that was kept is the exam that was drawn: the same cases, arrays, answers and bounds; or it is refused."""

import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from grading import exam, grade
from grading.faults import Usage
from properties import expected
from properties.hand_in import MODEL_SOLUTION, arrays_of
from properties.registry import PRACTICE_KEY, all_properties

PROJECT = MODEL_SOLUTION.parent


@pytest.fixture(scope="module")
def families():
    return {prop.family.name: prop.family for prop in all_properties()}


@pytest.fixture(scope="module")
def drawn(small_run):
    """A small exam, its answers, and both as bytes."""
    answers = grade.answers(small_run)
    return small_run.exam, answers, exam.to_bytes(small_run.exam, answers)


@pytest.fixture(autouse=True)
def forgotten():
    """What a test made known is not known to the next."""
    yield
    expected.forget_answers()


def changed(data, **about):
    """The bytes with other things said about the exam."""
    with np.load(io.BytesIO(data)) as file:
        said, numbers = json.loads(str(file["about"])) | about, file["numbers"]
    stream = io.BytesIO()
    np.savez(stream, about=np.array(json.dumps(said)), numbers=numbers)
    return stream.getvalue()


def test_a_kept_exam_has_the_same_cases(drawn, families):
    """Cases, in their order, seeds and the key's digits come back."""
    before, _, data = drawn
    again = exam.from_bytes(data, "it", families)

    assert {name: tuple(cases) for name, cases in again.cases.items()} == {
        name: tuple(cases) for name, cases in before.cases.items()
    }
    assert (dict(again.seeds), again.key_id) == (before.seeds, before.key_id)


def test_a_kept_exam_gives_the_same_arrays(drawn, families):
    """Every array that a script mentions is the same, bit by bit, and is taken from the file."""
    before, _, data = drawn
    again = exam.from_bytes(data, "it", families)

    for prop in all_properties():
        if prop.tier == "required":
            ours, theirs = before.cases[prop.family.name][0], again.cases[prop.family.name][0]
            given = arrays_of(theirs, prop.script(theirs))
            assert ours.numbers == "stored" or given.keys() <= theirs.arrays().keys()
            for name, array in arrays_of(ours, prop.script(ours)).items():
                np.testing.assert_array_equal(given[name], array, strict=True)


def test_a_kept_exam_knows_the_same_answers(drawn, families, monkeypatch):
    """Values and the bounds of both dtypes are those that the oracles gave, and no oracle is asked again."""
    _, answers, data = drawn
    exam.from_bytes(data, "it", families)
    monkeypatch.setitem(sys.modules, "reference.rnn", None)  # importing them raises
    monkeypatch.setitem(sys.modules, "reference.gru", None)

    assert len(answers) > 100
    for (function, arguments), by_name in answers.items():
        known = getattr(expected, function)(*arguments)
        for name, answer in by_name.items():
            np.testing.assert_array_equal(known[name].value, answer.value, strict=True)
            for dtype in (np.float64, np.float32):
                assert known[name].allowed(np.dtype(dtype)) == answer.allowed(np.dtype(dtype))


def test_an_answer_that_was_changed_is_the_answer(drawn, families):
    """What the file says is what a hand-in is held against: another number there is another verdict."""
    _, answers, data = drawn
    with np.load(io.BytesIO(data)) as file:
        numbers = file["numbers"] + 1.0
        said = json.loads(str(file["about"]))
    stream = io.BytesIO()
    np.savez(stream, about=np.array(json.dumps(said)), numbers=numbers)
    exam.from_bytes(stream.getvalue(), "it", families)

    function, arguments = next(iter(answers))
    name, answer = next(iter(answers[function, arguments].items()))
    np.testing.assert_array_equal(getattr(expected, function)(*arguments)[name].value, answer.value + 1.0)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"suite": "0" * 16}, "an exam of another version of this suite; draw it again"),
        ({"format": exam.FORMAT + 1}, "an exam of another version of this suite"),
        ({"families": {}}, "an exam of another version of this suite"),
        ({"versions": {"numpy": "1.0", "torch": "2.13.0"}}, "was made with numpy 1.0, but here is"),
        ({"cases": [["Path", {}]]}, "is not an exam that was kept"),
        ({"arrays": [[0, "x", [1 << 40], "<f8"]]}, "is not an exam that was kept"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_an_exam_that_does_not_fit_is_refused(drawn, families, about, said):
    """Another suite, another library, another format: refused in a sentence that says what to do."""
    with pytest.raises(Usage, match=said):
        exam.from_bytes(changed(drawn[2], **about), "it", families)


def test_an_exam_may_be_used_with_other_libraries_where_that_is_asked_for(drawn, families):
    """A hand-out's practice exam goes with whatever NumPy a student has: arrays and answers are in the file."""
    other = changed(drawn[2], versions={"numpy": "1.0"})

    assert exam.from_bytes(other, "it", families, shipped=True).key_id == PRACTICE_KEY


@pytest.mark.parametrize("data", [b"", b"not an archive", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_exam_is_refused(data, families):
    """Any other file is refused, and nothing in it is unpickled."""
    with pytest.raises(Usage, match="it is not an exam that was kept"):
        exam.from_bytes(data, "it", families)


def test_pickles_in_an_exam_are_refused(families):
    """An array of objects would be a pickle."""
    stream = io.BytesIO()
    np.savez(stream, about=np.array([{}], dtype=object), numbers=np.zeros(1))
    with pytest.raises(Usage, match="it is not an exam that was kept"):
        exam.from_bytes(stream.getvalue(), "it", families)


def test_key_ids_tell_keys_apart_and_do_not_give_them_away():
    """The practice key is named; another one is eight digits that are not the key's."""
    assert exam.key_id(PRACTICE_KEY) == PRACTICE_KEY
    assert exam.key_id("one") != exam.key_id("two")
    assert "one" not in exam.key_id("one")


@pytest.mark.slow
def test_a_run_with_a_kept_exam_imports_neither_torch_nor_hypothesis(tmp_path):
    """Where nothing fails, a kept exam is all that there is to know."""
    command = [sys.executable, "-c", WITH_KEPT_EXAM, str(MODEL_SOLUTION), str(tmp_path / "exam.npz"), str(tmp_path)]
    first, second = (
        subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=True).stdout.split()[
            -2:
        ]
        for _ in range(2)
    )

    assert (first, second) == (["80", "torch,hypothesis"], ["80", "none"])


WITH_KEPT_EXAM = """
import json, sys
from pathlib import Path
from grading.__main__ import main

hand_in, exam, out = sys.argv[1:]
assert main(["grade", hand_in, "--exam", exam, "--out", out, "--key", "kept", "--isolation", "process"]) == 0
points = json.loads((Path(out) / "impl/report.json").read_text())["points"]
print(points, ",".join(name for name in ("torch", "hypothesis") if name in sys.modules) or "none")
"""


def test_a_kept_exam_knows_how_long_slow_scripts_may_take(small_run, families):
    """The seconds that the control made of them come back, for the same questions."""
    prop = small_run.properties[0]
    slow = {prop.question(small_run.exam.cases_of(prop)[0]): 7.5}
    again = exam.from_bytes(exam.to_bytes(small_run.exam._replace(slow=slow), {}), "it", families)

    assert dict(again.slow) == slow


def test_a_machine_on_which_the_control_fails_gets_no_grades_from_a_kept_exam(drawn, tmp_path, monkeypatch):
    """The short control loses points, and that is broken."""
    from grading import isolation, rubric, run
    from grading.faults import Broken
    from properties.hand_in import InProcess

    file = tmp_path / "exam.npz"
    file.write_bytes(drawn[2])
    broken = isolation.Rung("process", lambda root, cells: InProcess(tmp_path, cells))
    monkeypatch.setattr(isolation, "choose", lambda wanted: broken)

    with pytest.raises(Broken, match="the model solution loses points here"):
        run.prepare(run.Wanted(None, "process", rubric.DEFAULT, ["RNN Forward"], file), sent=False)


def test_an_exam_holds_all_arrays_whatever_was_asked_before(small_run, families):
    """Cases that are equal to some that were asked about before in the same process are kept with all arrays."""
    grade.answers(small_run)
    fresh = {name: [replace(case) for case in cases] for name, cases in small_run.exam.cases.items()}
    again = small_run._replace(exam=small_run.exam._replace(cases=fresh))
    restored = exam.from_bytes(exam.to_bytes(again.exam, grade.answers(again)), "it", families)

    for prop in all_properties():
        if prop.tier in ("required", "advisory"):
            for case in restored.cases_of(prop):
                given = set(case.arrays())
                assert case.numbers == "stored" or arrays_of(case, prop.script(case)).keys() <= given, prop.id
