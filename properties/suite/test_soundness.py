"""A slice of `tox -e sound`: no correct stored hand-in is ever accused, at any size and scale."""

import itertools

import pytest

from benchmarks import sound
from grading import exam
from grading.judge import check
from properties import expected
from properties.hand_in import MODEL_SOLUTION, InProcess, Remembering
from properties.registry import all_properties

CORRECT = (MODEL_SOLUTION, *(MODEL_SOLUTION.parent / "fixtures" / "handins" / name for name in sound.CORRECT))
KEYS = ("class3", "class5", "class9", "key 15", "key 18", "key 0", "key 1", "key 2", "key 3")


@pytest.mark.slow
def test_no_correct_hand_in_is_accused():
    """Ten thousand comparisons over the correct stored hand-ins give no false alarm."""
    tallies = sound.comparisons(seed=7, until=10_000)

    assert [alarm for tally in tallies.values() for alarm in tally.alarms] == []
    assert sum(tally.comparisons for tally in tallies.values()) >= 10_000


@pytest.mark.slow
def test_a_wrong_hand_in_is_accused(monkeypatch):
    """The same comparisons do accuse a hand-in that is wrong."""
    monkeypatch.setattr(sound, "CORRECT", ("summed",))

    tallies = sound.comparisons(seed=7, until=500)

    accused = {name for name, tally in tallies.items() if tally.alarms}
    assert "rnn_backward.gradient_equals_torch[dW_ih]" in accused
    assert "rnn_backward.gradient_equals_torch[dx]" not in accused


@pytest.mark.slow
@pytest.mark.parametrize(("key", "root"), list(zip(KEYS, itertools.cycle(CORRECT), strict=False)), ids=KEYS)
def test_every_key_gives_an_exam_that_right_hand_ins_pass(key, root):
    """Whatever an instructor's key is, the model solution and another right hand-in have every required property.

    The first five keys draw classifiers so sure of themselves that the delta which backward is told is all rounding: an
    oracle that differentiates its own softmax, and not that delta, fails the model solution there.
    """
    required = [prop for prop in all_properties() if prop.tier == "required"]
    drawn = exam.draw_exam(required, key)
    try:
        for folder in (MODEL_SOLUTION, root):
            hand_in = Remembering(InProcess(folder))
            hand_in.ask(prop.question(case) for prop in required for case in drawn.cases_of(prop))
            found = [check(prop, drawn.cases_of(prop), hand_in) for prop in required]

            assert [(each.prop.id, each.message, each.case) for each in found if not each.holds] == []
    finally:
        expected.forget_answers()
