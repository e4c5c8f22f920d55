"""What is told of a failure is told of public cases, whatever a hand-in remembers of private ones."""

import json

import pytest

from grading.entry import grade_entry
from grading.exam import Exam, family_cases, key_id
from properties.cases import RNNStep

REMEMBERS = """
import numpy as np

SEEN = []

class RNN_Cell:
    def __init__(self, D, H):
        pass

    def init_weights(self, *weights):
        pass

    def forward(self, x, h):
        SEEN.append(float(x[0, 0]))
        {does}
"""
DOES = {
    "raises": "raise ValueError(repr(SEEN))",
    "is not written": "raise NotImplementedError(repr(SEEN))",
    "returns": "return np.array(SEEN)",
    "only once it knows much": "if len(SEEN) > 3: raise ValueError(repr(SEEN))\n        return np.zeros_like(h)",
    "names its function": (
        "f = (lambda: 1 / 0)\n"
        "        f.__code__ = f.__code__.replace(co_name=repr(SEEN), co_qualname=repr(SEEN))\n"
        "        f()"
    ),
}


@pytest.fixture(scope="module")
def private_run(small_run):
    """A run under a private key: the first of each ladder, and eight drawn cases."""
    cases = {name: list(cases) for name, cases in small_run.exam.cases.items()}
    for prop in small_run.properties:
        family = prop.family
        if type(family.ladder[0]) is RNNStep and not family.name.startswith("stored_"):
            cases[family.name] = family_cases(family, "private")[:9]
    return small_run._replace(exam=Exam(cases, small_run.exam.seeds, key_id("private")), steps=["RNN Forward"])


@pytest.mark.parametrize("does", DOES.values(), ids=DOES)
def test_nothing_of_a_private_case_is_told(does, private_run, write_hand_in):
    """No first number of a private x stands in the report, by whatever way a hand-in would tell it."""
    root = write_hand_in({"mytorch/rnn_cell.py": REMEMBERS.format(does=does), "hw3/hw3.py": ""})
    report = grade_entry("remembers", root, private_run)
    told = json.dumps(report)

    public = {
        float(case["x"].flat[0])
        for prop in private_run.properties
        for case in prop.family.ladder
        if type(case) is RNNStep
    }
    private = {
        float(case["x"].flat[0])
        for cases in private_run.exam.cases.values()
        for case in cases
        if type(case) is RNNStep and case.numbers == "random"
    } - public
    assert len(private) > 10
    assert report["points"] == 0
    assert [number for number in private if repr(number) in told] == []


def test_a_failure_on_a_private_case_is_still_told_by_a_public_one(private_run, edited_impl):
    """What is wrong for everything is shown on the ladder, with its values."""
    root = edited_impl("mytorch/rnn_cell.py", "return self.activation(", "return 2 * self.activation(")
    report = grade_entry("wrong", root, private_run)
    (failed, *_) = [prop for prop in report["steps"][0]["properties"] if prop["outcome"] == "failed"]

    assert failed["counterexample"]["case"] in ("RNNStep(N=1, D=1, H=1, numbers='stored')", "RNNStep(N=1, D=1, H=1)")
    assert "but should be" in failed["message"]


def test_no_folder_of_this_machine_is_told(small_run, write_hand_in):
    """An import that fails names the library's file; a report names it from `...` on."""
    root = write_hand_in({"mytorch/rnn_cell.py": "from numpy import no_such_thing\n", "hw3/hw3.py": ""})
    told = json.dumps(grade_entry("innocent", root, small_run))

    assert "cannot import name 'no_such_thing' from 'numpy' (.../numpy/__init__.py)" in told
