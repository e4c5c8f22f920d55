"""A hand-in is asked as little as possible, and what it is not asked is what it would have answered."""

import numpy as np
import pytest

from properties.cases import RNNStep
from properties.hand_in import MODEL_SOLUTION, InProcess, Question, Remembering, beginnings, results_in
from properties.outcomes import Crashed, TimedOut
from properties.registry import all_properties
from properties.transcript import Lost

CASE, OTHER = RNNStep(N=2, D=1, H=2), RNNStep(N=1, D=1, H=2)
CELL = ("cell = RNN_Cell(1, 2)", "cell.init_weights(W_ih, W_hh, b_ih, b_hh)")
SHORT = (*CELL, "h_t = cell.forward(x, h)")
LONG = (*SHORT, "dx, dh = cell.backward(delta, h_t, x, h)")


def asked(lines, case=CASE, step="RNN Forward"):
    return Question(step, case, lines)


class Counting:
    """A hand-in that counts scripts, and loses those with a word in them."""

    def __init__(self, root=MODEL_SOLUTION, loses="nothing"):
        self.hand_in, self.loses, self.scripts = InProcess(root), loses, []

    def transcripts(self, jobs):
        self.scripts += [tuple(job.lines) for job in jobs]
        answers = self.hand_in.transcripts(jobs)
        return [
            Lost(TimedOut("no")) if self.loses in job.lines[-1] else a for job, a in zip(jobs, answers, strict=True)
        ]

    def close(self):
        pass


def test_a_beginning_is_answered_by_the_whole():
    """One script runs, for both questions, and the beginning has its own names alone."""
    counting = Counting()
    hand_in = Remembering(counting)
    short, long = asked(SHORT), asked(LONG, step="RNN Backward")
    hand_in.ask([short, long])

    alone = Remembering(Counting()).on(short)
    np.testing.assert_array_equal(hand_in.on(short).h_t, alone.h_t)
    assert hand_in.on(short).values.keys() == alone.values.keys()
    assert counting.scripts == [LONG]
    assert set(hand_in.seconds()) == {short, long}


def test_the_longest_answers_and_other_cases_and_other_words_do_not():
    """A script that is no beginning, or is about another case, is asked for itself."""
    end = (*LONG, "dW_ih = cell.dW_ih")
    other = (*CELL, "h_t = cell(x, h)")

    assert beginnings([asked(SHORT), asked(LONG), asked(end), asked(other), asked(SHORT, OTHER)]) == {
        asked(SHORT): asked(end),
        asked(LONG): asked(end),
    }


@pytest.mark.parametrize("forward", ["forwarded = cell.forward(x, h)", "cell.forward(x, h)"])
def test_the_same_call_answers_whatever_its_result_is_called(forward):
    """A result that has another name in the whole, or none, is the same result."""
    counting = Counting()
    hand_in = Remembering(counting)
    long = (*CELL, forward, "dx, dh = cell.backward(delta, h_t, x, h)")
    hand_in.ask([asked(SHORT), asked(long)])

    alone = Remembering(Counting()).on(asked(SHORT))
    np.testing.assert_array_equal(hand_in.on(asked(SHORT)).h_t, alone.h_t)
    assert hand_in.on(asked(SHORT)).values.keys() == alone.values.keys()
    assert counting.scripts == [long]


@pytest.mark.parametrize("forward", ["forwarded = cell.forward(x, h)", "cell.forward(x, h)"])
def test_a_fault_is_told_by_the_script_that_names_it(edited_impl, forward):
    """Where forward crashes, the beginning is asked by itself, and crashes."""
    old = "        return self.activation(x @ self.W_ih.T"
    root = edited_impl("mytorch/rnn_cell.py", old, f"        raise ValueError\n{old}")
    counting = Counting(root)
    hand_in = Remembering(counting)
    long = (*CELL, forward, "dx, dh = cell.backward(delta, h_t, x, h)")
    hand_in.ask([asked(SHORT), asked(long)])

    with pytest.raises(Crashed):
        hand_in.on(asked(SHORT)).h_t  # noqa: B018  # reading it raises
    assert counting.scripts == [long, SHORT]


@pytest.mark.parametrize(
    ("lines", "longer"),
    [
        (("a = f(x)", "b = f(a)"), ("b = f(x)", "c = f(a)", "d = f(c)")),  # a is of the case there
        (("b = f(x)", "c = f(a)"), ("a = f(x)", "c = f(a)", "d = f(c)")),  # a is of the case here
        (("a = f(x)", "b = f(a)"), ("f(x)", "b = f(a)", "c = f(b)")),
        (("a, b = f(x)",), ("f(x)", "c = f(x)")),
        (("a = f(x)", "b = f(x)"), ("a = f(x)",)),
        (("a = f(x)",), ("b = f(x)", "b = f(y)")),  # which tells the last b
        (("a = f(x)", "b = f(x)"), ("f(x)", "f(x)")),  # which tells the first
    ],
)
def test_a_name_that_means_something_else_there_is_no_beginning(lines, longer):
    """The words of the calls alone do not make a script another's beginning."""
    assert results_in(lines, longer) is None


def test_what_got_no_answer_tells_nothing_of_its_beginning():
    """Where the whole hangs, the beginning is asked by itself, and answered."""
    counting = Counting(loses="backward")
    hand_in = Remembering(counting)
    hand_in.ask([asked(SHORT), asked(LONG)])

    with pytest.raises(TimedOut):
        hand_in.on(asked(LONG)).dx  # noqa: B018  # reading it raises
    assert hand_in.on(asked(SHORT)).h_t.shape == (2, 2)
    assert counting.scripts == [LONG, SHORT]


def test_a_crash_after_the_beginning_is_not_the_beginnings(edited_impl):
    """forward is right though backward crashes."""
    root = edited_impl("mytorch/rnn_cell.py", "        N = delta.shape[0]\n", "        raise ValueError\n")
    hand_in = Remembering(InProcess(root))
    hand_in.ask([asked(SHORT), asked(LONG)])

    with pytest.raises(Crashed):
        hand_in.on(asked(LONG)).dx  # noqa: B018  # reading it raises
    assert hand_in.on(asked(SHORT)).h_t.shape == (2, 2)


def test_an_argument_changed_later_is_not_changed_by_the_beginning(edited_impl):
    """The beginning is asked by itself where the whole changed an argument."""
    root = edited_impl(
        "mytorch/rnn_cell.py", "        N = delta.shape[0]\n", "        N = delta.shape[0]\n        delta *= 1.5\n"
    )
    counting = Counting(root)
    hand_in = Remembering(counting)
    hand_in.ask([asked(SHORT), asked(LONG)])

    assert hand_in.on(asked(LONG)).changed == ("delta",)
    assert hand_in.on(asked(SHORT)).changed == ()
    assert counting.scripts == [LONG, SHORT]


def test_on_every_property_both_ways_give_the_same():
    """For each property and the first case of its family, a beginning's answer is the one that it gets alone."""
    questions = [prop.question(case) for prop in all_properties() for case in prop.family.ladder[:1]]
    together, alone = Remembering(InProcess(MODEL_SOLUTION)), InProcess(MODEL_SOLUTION)
    together.ask(questions)
    short = beginnings(dict.fromkeys(questions))
    assert len(short) > 5

    for question in short:
        seen, (own,) = together.on(question), alone.transcripts([together._job_of(question)])
        assert seen.values.keys() == own.values.keys()
        assert (seen.changed, seen.shared) == (own.changed, own.shared)
        for name, value in own.values.items():
            assert seen.values[name].type == value.type
            if value.array is not None:
                np.testing.assert_array_equal(seen.values[name].array, value.array)
