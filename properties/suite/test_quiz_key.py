"""The quiz's key is proved: true options hold in all drawn cases, false ones have the counterexample that is told."""

import itertools
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import UnexpectedInput

from grading import quiz
from properties.suite.quiz import claims, networks, programs
from properties.suite.quiz.claims import CLAIMS, FORMULAS, PROGRAMS, WAYS, counterexample, gated, stacked, told
from properties.suite.quiz.formulas import Equation, Misfit, hold, instances
from properties.suite.quiz.networks import Batch, Graph, Stack, Step
from properties.suite.quiz.programs import Sizes
from reference import gru, rnn
from reference.gru import GRUWeights
from reference.rnn import RNNWeights

QUIZ = quiz.load()
QUESTIONS = {question.question: question for question in QUIZ.questions}
OPTIONS = {
    f"{question.question}-{option.letter}": (question, option)
    for question in QUIZ.questions
    for option in question.options
}
TRUE = {name: CLAIMS[q.question][o.letter] for name, (q, o) in OPTIONS.items() if o.letter in q.key}
FALSE = {name: CLAIMS[q.question][o.letter] for name, (q, o) in OPTIONS.items() if o.letter not in q.key}
NETWORKS = {"q3": networks.stack, "q4": networks.batch, "q5": networks.gated}
KEPT = 1 / 3  # of the accuracy of WAYS, at most this share is used
ROUNDED = 1e-13  # a few hundred roundings of values of unit size

options = pytest.mark.parametrize(("question", "option"), OPTIONS.values(), ids=OPTIONS)


def spans(text):
    """What stands in `backticks`."""
    return tuple(re.findall(r"`([^`]*)`", text))


def numbers(text):
    """The numbers of a text, without those of indices: t-1, l+1."""
    return re.findall(r"\d+(?:\.\d+)?", re.sub(r"\b[tl][+-]1\b", "", text))


def each(table):
    return pytest.mark.parametrize("claim", table.values(), ids=table)


# The key


def test_every_option_has_a_claim_and_every_claim_an_option():
    """The options of the quiz and the claims are the same."""
    assert {q.question: [o.letter for o in q.options] for q in QUIZ.questions} == {
        q: list(c) for q, c in CLAIMS.items()
    }


@options
def test_an_option_says_its_claim(question, option):
    """What stands in backticks in an option is what is computed, word for word, in both languages."""
    claim = CLAIMS[question.question][option.letter]

    assert spans(option.text.en) == claim.spans
    assert spans(option.text.zh) == claim.spans
    assert numbers(re.sub("`[^`]*`|question 1", "", option.text.en)) == []
    assert numbers(re.sub("`[^`]*`|第 1 题", "", option.text.zh)) == []


@pytest.mark.parametrize("question", QUIZ.questions, ids=QUESTIONS)
def test_the_key_holds_the_options_that_nothing_refutes(question):
    """The key is the set of the options of which no counterexample is found."""
    proved = {letter for letter, claim in CLAIMS[question.question].items() if counterexample(claim) is None}

    assert proved == question.key


@each(TRUE)
@given(data=st.data())
@settings(deadline=None)
def test_a_true_option_holds(claim, data):
    """A true option holds at all sizes and numbers, by autograd and by central differences."""
    assert all(claim.verdicts(data.draw(claim.cases)))


@each(FALSE)
@given(data=st.data())
@settings(deadline=None)
def test_a_false_option_holds_in_special_cases_alone(claim, data):
    """Outside the special cases a false option does not hold, by autograd nor by central differences."""
    case = data.draw(claim.cases.filter(lambda case: not claim.special(case)))

    assert not any(claim.verdicts(case))


ACCIDENTS = [
    ("q1-A", Sizes(2, 2, 3, 3, 0)),
    ("q1-B", Sizes(2, 2, 1, 3, 0)),
    ("q1-C", Sizes(1, 2, 3, 3, 0)),
    ("q3-C", Stack(1, 3, 2, 3, "f = tanh", 0)),
    ("q4-C", Batch(1, 1, 1, 0)),
    ("q5-B", Step(3, 1, 0)),
]


@pytest.mark.parametrize(("name", "case"), ACCIDENTS)
def test_an_accident_is_passed_over(name, case):
    """A false option may hold in a special case; that one is not shown as a counterexample."""
    assert all(FALSE[name].verdicts(case))
    assert FALSE[name].special(case)
    assert counterexample(FALSE[name]) != case


@pytest.mark.parametrize("letter", "ABC")
def test_shapes_may_fit_by_accident(letter):
    """The false formulas of question 4 can be computed where B = N = H; that is no example to be shown."""
    claim = CLAIMS["q4"][letter]
    (equation,) = map(Equation, claim.spans)
    square = Batch(3, 3, 3, seed=0)

    assert claim.special(square)
    left, right = equation.sides(networks.batch(square), networks.by_autograd, {"t": 1}, "matrix")
    assert left.shape == right.shape
    with pytest.raises(Misfit):
        equation.sides(networks.batch(counterexample(claim)), networks.by_autograd, {"t": 1}, "matrix")


@each(FALSE)
def test_the_counterexample_is_the_smallest(claim):
    """Nothing of smaller sizes, with all numbers one, refutes the option."""
    found = counterexample(claim)
    sizes = {name: value for name, value in found._asdict().items() if isinstance(value, int) and name != "seed"}
    smaller = [
        found._replace(**dict(zip(sizes, values, strict=True)))
        for values in itertools.product(*(range(1, size + 1) for size in sizes.values()))
    ]

    assert [case for case in smaller if claims.refutes(claim, case)] == [found]
    assert not found.seed


# The explanations


@options
def test_an_explanation_tells_what_was_computed(question, option):
    """The facts of the smallest counterexample, or of the program, stand in the explanation in their order.

    What else stands in backticks is an equation that holds, or has no numbers; and there are no numbers elsewhere.
    """
    facts = told(CLAIMS[question.question][option.letter])
    for text in option.why:
        left = list(facts)
        others = [span for span in spans(text) if not (left[:1] == [span] and left.pop(0))]
        equations = [span for span in others if " = " in span]

        assert left == [], "facts that are not told, or not in this order"
        assert [span for span in equations if counterexample(FORMULAS[question.question](span)) is not None] == []
        assert numbers(" ".join(set(others) - set(equations)) + re.sub("`[^`]*`", "", text)) == []


@pytest.mark.parametrize("name", FALSE)
def test_a_false_option_has_numbers_in_its_explanation(name):
    """No false option is explained by words alone."""
    _, option = OPTIONS[name]

    assert len(told(FALSE[name])) >= 3
    assert numbers(option.why.en) == numbers(option.why.zh) != []


# What the formulas are about


@pytest.mark.parametrize("question", ["q3", "q5"])
def test_the_formulas_of_a_question_are_its_networks(question):
    """Each line of forward formulas that a question begins with holds for the network that its options are about."""
    lines = QUESTIONS[question].code.splitlines()

    assert len(lines) >= 3
    for line in lines:
        assert counterexample(FORMULAS[question](line)) is None, line


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**20))
@settings(deadline=None)
def test_the_formula_of_question_4_is_the_cells(N, H, seed):
    """With columns the formula that question 4 begins with is torch's cell."""
    rows = networks.batch(Batch(1, N, H, seed)).values
    columns = {key: value[0] if key[1] is not None else value for key, value in rows.items()}

    assert hold([Equation(QUESTIONS["q4"].code.strip())], Graph(columns, {}, set()), *WAYS["autograd"])


@given(claims.stacks)
@settings(deadline=None)
def test_the_network_of_question_3_is_torchs(case):
    """With tanh the states are those of torch.nn.RNN."""
    values = networks.stack(case._replace(f="f = tanh")).values
    levels, times = range(1, case.layers + 1), range(1, case.T + 1)
    layers = [RNNWeights(*(values[name, None, level].numpy() for name in RNNWeights._fields)) for level in levels]
    x = np.array([[values["x", t, None].numpy() for t in times]])
    h_0 = np.array([[values["h", 0, level].numpy()] for level in levels])

    last = np.array([values["h", case.T, level].numpy() for level in levels])

    assert np.abs(last - rnn.last_states(x, h_0, layers)[:, 0]).max() <= ROUNDED


@given(claims.steps)
@settings(deadline=None)
def test_the_network_of_question_5_is_the_homeworks(case):
    """Gates, state and gradients are those of the reference."""
    graph = networks.gated(case)
    x, h, *weights = (value.numpy() for value in list(graph.values.values())[:8])
    keys = [("x", 1, None), ("h", 0, None), *((name, None, None) for name in GRUWeights._fields)]
    delta = graph.total(("h", 1, None), networks.by_autograd).numpy()

    expected = gru.gradients(delta[None], x, h, GRUWeights(*weights))

    gates = [graph.values[name, 1, None].numpy() for name in ("z", "r", "h~", "h")]
    assert np.abs(np.subtract(gates, gru.gates(x, h, GRUWeights(*weights)))).max() <= ROUNDED
    for key, gradient in zip(keys, expected, strict=True):
        assert np.abs(graph.total(key, networks.by_autograd).numpy() - gradient).max() <= ROUNDED


@given(claims.stacks)
@settings(deadline=None, max_examples=10)
def test_autograd_and_differences_agree(case):
    """The derivatives of the loss in every value are the same in both ways, up to a third of what is allowed."""
    graph, allowed = networks.stack(case), KEPT * WAYS["differences"][1]
    for key in graph.values:
        exact, near = (graph.total(key, way) for way in (networks.by_autograd, networks.by_differences))
        assert (exact - near).abs().max() <= allowed * max(1, exact.abs().max())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [name for name in TRUE if name[:2] in NETWORKS])
@given(data=st.data())
@settings(deadline=None, max_examples=10)
def test_accuracies_are_not_used_up(name, way, data):
    """The sides of a true formula differ by a third of what is allowed, at the most."""
    claim, (derivative, accuracy) = TRUE[name], WAYS[way]
    graph = NETWORKS[name[:2]](data.draw(claim.cases))

    assert hold([Equation(span) for span in claim.spans], graph, derivative, KEPT * accuracy)


# Nothing passes that should not

WRONG = {
    "no second way": (stacked, "∂L/∂h_t^(l) = ∂L/∂h_t^(l+1) · ∂h_t^(l+1)/∂h_t^(l)"),
    "no first way": (stacked, "∂L/∂h_t^(l) = ∂L/∂h_{t+1}^(l) · ∂h_{t+1}^(l)/∂h_t^(l)"),
    "a sign": (
        stacked,
        "∂L/∂h_t^(l) = ∂L/∂h_t^(l+1) · ∂h_t^(l+1)/∂h_t^(l) - ∂L/∂h_{t+1}^(l) · ∂h_{t+1}^(l)/∂h_t^(l)",
    ),
    "a whole derivative": (stacked, "∂L/∂z_t^(l) = ∂L/∂h_t^(l)"),
    "another step's state": (stacked, "∂L/∂W_hh^(l) = Σ_{t=1..T} ∂L/∂z_t^(l) · h_t^(l)"),
    "another layer's state": (stacked, "∂L/∂W_ih^(l) = Σ_{t=1..T} ∂L/∂z_t^(l) · h_t^(l)"),
    "the state's gradient": (stacked, "∂L/∂W_ih^(l) = Σ_{t=1..T} ∂L/∂h_t^(l) · h_t^(l-1)"),
    "the other order": (stacked, "∂L/∂W_ih^(l) = Σ_{t=1..T} h_t^(l-1) · ∂L/∂z_t^(l)"),
    "the other way round": (gated, "∂L/∂z_t = ∂L/∂h_t ⊗ (h_{t-1} - h~_t)"),
    "a dot for a product": (gated, "∂L/∂z_t = ∂L/∂h_t · (h~_t - h_{t-1})"),
    "no slope": (gated, "∂L/∂Wh = ∂L/∂h~_t · r_t ⊗ h_{t-1}"),
    "no reset gate": (gated, "∂L/∂Wh = ∂L/∂h~_t · tanh' · h_{t-1}"),
    "one way less": (
        gated,
        "∂L/∂h_{t-1} = ∂L/∂h_t · ∂h_t/∂h_{t-1} + ∂L/∂h~_t · ∂h~_t/∂h_{t-1} + ∂L/∂z_t · ∂z_t/∂h_{t-1}",
    ),
    "no direct way": (
        gated,
        "∂L/∂h_{t-1} = ∂L/∂h~_t · ∂h~_t/∂h_{t-1} + ∂L/∂r_t · ∂r_t/∂h_{t-1} + ∂L/∂z_t · ∂z_t/∂h_{t-1}",
    ),
    "one gate": (gated, "∂L/∂x_t = ∂L/∂h~_t · ∂h~_t/∂x_t + ∂L/∂z_t · ∂z_t/∂x_t"),
    "no transpose": (FORMULAS["q4"], "h_t = tanh(x_t W_ih^T + b_ih + h_{t-1} W_hh + b_hh)"),
    "one bias": (FORMULAS["q4"], "h_t = tanh(x_t W_ih^T + b_ih + h_{t-1} W_hh^T)"),
    "no tanh": (FORMULAS["q4"], "h_t = x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh"),
    "another gate": (gated, "z_t = sigmoid(Wrh h_{t-1} + Wrx x_t)"),
    "the gates exchanged": (gated, "h_t = z_t ⊗ h_{t-1} + (1 - z_t) ⊗ h~_t"),
}


@pytest.mark.parametrize(("claim", "formula"), WRONG.values(), ids=WRONG)
def test_a_wrong_formula_is_refuted(claim, formula):
    """A true formula in which one thing was changed has a counterexample."""
    assert counterexample(claim(formula)) is not None


MENDED = {
    "q4-C": (FORMULAS["q4"], "h_t = tanh(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh)"),
    "q5-B": (gated, "∂L/∂h~_t = ∂L/∂h_t ⊗ z_t"),
    "by the chain rule": (gated, "∂L/∂h~_t = ∂L/∂h_t · ∂h_t/∂h~_t"),
}


@pytest.mark.parametrize(("claim", "formula"), MENDED.values(), ids=MENDED)
def test_a_mended_formula_is_not_refuted(claim, formula):
    """A false formula in which the mistake is mended has no counterexample."""
    assert counterexample(claim(formula)) is None


@pytest.mark.parametrize(
    ("question", "graph"),
    [
        ("q3", networks.stack(Stack(2, 2, 1, 1, "f = tanh", 0))),
        ("q4", networks.batch(Batch(1, 1, 1, 0))),
        ("q5", networks.gated(Step(1, 1, 0))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_formula_is_empty(question, graph):
    """Every formula speaks of something that exists in a network of two steps and two layers, or one of its kind."""
    for letter, claim in CLAIMS[question].items():
        assert list(instances([Equation(span) for span in claim.spans], graph)), letter


@pytest.mark.parametrize("text", ["∂L/∂q_t = h_t", "h_t = ", "h_t", "∂L/∂z_t = ∂L/∂h_t × z_t", "h_{t-2} = h_t", ""])
def test_what_is_no_formula_is_refused(text):
    """A name, a sign or an index that formulas do not have is not passed over."""
    with pytest.raises(UnexpectedInput):
        Equation(text)


def test_the_elementwise_product_binds_tighter():
    """a · b ⊗ c is a · (b ⊗ c)."""
    graph, derivative = networks.gated(Step(1, 2, 0)), networks.by_autograd
    plain, grouped = (
        Equation(f"∂L/∂Wh = ∂L/∂z_t · {text}").sides(graph, derivative, {"t": 1}, "matrix")
        for text in ("r_t ⊗ h_t", "(r_t ⊗ h_t)")
    )

    assert plain[1].equal(grouped[1])
    assert plain[1].shape == ()


# What the programs show


def test_time_is_found_where_it_is():
    """With batch_first the same program has its time along the second axis, and the run shows it."""
    code = PROGRAMS["q2"].replace("2)", "2, batch_first=True)", 1).replace("2, 3, 20", "2, 6, 20")

    found = programs.run(code, programs.AS_WRITTEN)

    assert (found.T, found.B, found.N, found.H, found.batch_first) == (3, 6, 10, 20, True)


def test_what_depends_on_later_steps_is_no_time():
    """A network that runs in both directions is told and not misread."""
    code = PROGRAMS["q2"].replace("2)", "2, bidirectional=True)", 1).replace("2, 3, 20", "4, 3, 20")

    with pytest.raises(ValueError, match="or on later places"):
        programs.run(code, programs.AS_WRITTEN)


def test_runs_leave_the_global_generator_alone():
    """Running a program draws nothing from torch's own state."""
    before = torch.random.get_rng_state()
    programs.run(PROGRAMS["q1"], programs.AS_WRITTEN)

    assert torch.random.get_rng_state().equal(before)
