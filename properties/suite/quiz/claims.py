"""A claim for every option of the quiz: its truth on drawn cases, and the smallest counterexample of a false one.

The claim of an option is what stands in `backticks` in its text, word for word. Formulas are read and evaluated
(`formulas`), sizes are compared with those of the program in the question (`programs`), so nobody has to believe that
code and text say the same. `facts` are the numbers of a case that an explanation may and must give.
"""

import functools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from torch import Tensor

from grading import quiz
from properties.suite.quiz import networks, programs
from properties.suite.quiz.formulas import READINGS, Equation, Misfit, hold, instances
from properties.suite.quiz.networks import Batch, Derivative, Graph, Stack, Step
from properties.suite.quiz.programs import AS_WRITTEN, Sizes

Case = Sizes | Stack | Step | Batch

EXAMPLES = 40
WAYS: Mapping[str, tuple[Derivative, float]] = {
    "autograd": (networks.by_autograd, 1e-13),
    "differences": (networks.by_differences, 1e-8),
}
"""How a derivative is found, and how far two equal sides may differ, relative to the left's largest element, or to one.

Autograd leaves roundings: 2e-16 was measured in 150 cases of every kind. Central differences err by 1e-10 in a step of
unit scale (reference.differences), and where states grow over three steps and layers by 7e-10.
properties/suite/test_quiz_key.py holds both to a third of what is allowed.
"""


@dataclass(frozen=True, eq=False)
class Claim:
    """What an option says.

    spans are the texts that it stands in; verdicts says for each way of finding out whether it holds in a case; special
    whether a case is one where a false option may be right by accident; facts what there is to tell about a case. A
    claim about a program has the case in which this runs as it stands.
    """

    spans: tuple[str, ...]
    cases: st.SearchStrategy[Any]
    verdicts: Callable[[Any], Iterator[bool]]
    special: Callable[[Any], bool]
    facts: Callable[[Any], tuple[str, ...]]
    as_it_stands: Sizes | None = None


def told(claim: Claim) -> tuple[str, ...]:
    """The facts for the explanation of an option: of the counterexample, or of the program as it stands."""
    case = counterexample(claim) or claim.as_it_stands
    return claim.facts(case) if case else ()


@functools.cache
def counterexample(claim: Claim) -> Any:
    """The smallest case that is not special and in which the claim is false in every way, or None if none is found."""
    settings = hypothesis.settings(
        database=None,
        deadline=None,
        max_examples=EXAMPLES,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    try:
        return hypothesis.find(
            claim.cases, functools.partial(refutes, claim), settings=settings, random=random.Random(0)
        )
    except NoSuchExample:
        return None


def refutes(claim: Claim, case: Case) -> bool:
    """Whether the case is a counterexample to be shown."""
    return not claim.special(case) and not any(claim.verdicts(case))


# Questions 1 and 2: what the sizes in a program mean

sizes = st.builds(Sizes, *[st.integers(1, 4)] * 4, st.integers(0, 2**20))
PROGRAMS = {question.question: question.code for question in quiz.load().questions}


@functools.cache
def _run(question: str, case: Sizes) -> programs.Run:
    return programs.run(PROGRAMS[question], case)


def _sizes(question: str, *spans: str) -> Claim:
    """T=6, B=3 and so on: each number stands for its place in the program, and True and False for themselves."""
    stated = dict(part.split("=") for span in spans for part in span.split(", "))

    def said(case: Sizes) -> dict[str, str]:
        here = dict(zip(map(str, AS_WRITTEN[:4]), map(str, case[:4]), strict=True))
        return {name: here.get(value, value) for name, value in stated.items()}

    def found(case: Sizes) -> dict[str, str]:
        return {name: str(getattr(_run(question, case), name)) for name in stated}

    def wrong(case: Sizes) -> set[str]:
        return {name for name, value in said(case).items() if value != found(case)[name]}

    def facts(case: Sizes) -> tuple[str, ...]:
        told = [found(case), said(case)] if wrong(case) else [found(case)]
        program = _run(question, case)
        return program.construction, str(program.input_shape), *map(_assignments, told)

    return Claim(
        spans,
        sizes,
        verdicts=lambda case: iter([not wrong(case)]),
        special=lambda case: wrong(case) != wrong(AS_WRITTEN),  # equal sizes hide an exchange
        facts=facts,
        as_it_stands=AS_WRITTEN,
    )


def _assignments(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _layers(in_question_1: str, here: str) -> Claim:
    """How many hidden layers the networks of questions 1 and 2 have."""

    def found(case: Sizes) -> tuple[str, ...]:
        return tuple(str(_run(question, case).layers) for question in ("q1", "q2"))

    def facts(case: Sizes) -> tuple[str, ...]:
        before, after = (_run(question, case) for question in ("q1", "q2"))
        return before.construction, str(before.layers), after.construction, str(after.layers), str(after.last_shape)

    return Claim(
        (in_question_1, here),
        sizes,
        verdicts=lambda case: iter([found(case) == (in_question_1, here)]),
        special=lambda case: False,
        facts=facts,
        as_it_stands=AS_WRITTEN,
    )


# Questions 3 to 5: formulas

seeds = st.none() | st.integers(0, 2**20)
stacks = st.builds(Stack, *[st.integers(1, 3)] * 4, st.sampled_from(list(networks.ACTIVATIONS)), seeds)
steps = st.builds(Step, st.integers(1, 4), st.integers(1, 4), seeds)
batches = st.builds(Batch, *[st.integers(1, 4)] * 3, seeds)


def _formulas(
    network: Callable[[Any], Graph],
    cases: st.SearchStrategy[Any],
    *spans: str,
    special: Callable[[Any], bool] = lambda case: False,
) -> Claim:
    equations = [Equation(span) for span in spans]

    def verdicts(case: Any) -> Iterator[bool]:
        graph = network(case)
        return (hold(equations, graph, *way) for way in WAYS.values())

    def facts(case: Any) -> tuple[str, ...]:
        return _mistake(equations, case, network(case))

    return Claim(spans, cases, verdicts, special, facts)


stacked = functools.partial(_formulas, networks.stack, stacks)
gated = functools.partial(_formulas, networks.gated, steps)
batched = functools.partial(_formulas, networks.batch, batches)


def _is_square(case: Batch) -> bool:
    """W_ih and W_hh have one shape, and may fit in each other's place."""
    return case.N == case.H


def _mistake(equations: Sequence[Equation], case: Any, graph: Graph) -> tuple[str, ...]:
    """The sizes of a counterexample, and what is wrong: shapes that do not fit, the sides' shapes, or their values."""
    derivative, accuracy = WAYS["autograd"]
    equation = next(each for each in equations if not hold([each], graph, derivative, accuracy))
    choices = next(instances([equation], graph))
    at_sizes = [f"{name}={value}" for name, value in case._asdict().items() if name in ("T", "layers", "B", "N", "H")]
    try:
        sides = [equation.sides(graph, derivative, choices[0], reading) for reading in READINGS]
    except Misfit as misfit:
        return (*at_sizes, *(word for text, shape in misfit.operands for word in (text, str(list(shape)))))

    left, *rights = sides[0][0], *(right for _, right in sides)
    if all(right.squeeze().shape != left.squeeze().shape for right in rights):
        return (*at_sizes, *(str(list(side.shape)) for side in (left, *rights)))

    name = equation.text.partition(" = ")[0].replace("(l)", f"({choices[0]['l']})")
    terms = [(f"t={at['t']}", _shown(equation.sides(graph, derivative, at, READINGS[0])[1])) for at in choices]
    numbers = "1" if case.seed is None else f"seed {case.seed}"
    return (*at_sizes, case.f, numbers, f"{name} = {_shown(left)}", *(word for term in terms for word in term))


def _shown(value: Tensor) -> str:
    return f"{value.item():g}" if value.numel() == 1 else str(value.tolist())


FORMULAS: Mapping[str, Callable[..., Claim]] = {"q3": stacked, "q4": batched, "q5": gated}
"""A claim of these questions, made of its equations."""

CLAIMS: Mapping[str, Mapping[str, Claim]] = {
    "q1": {
        "A": _sizes("q1", "T=3, B=6, N=20, H=10"),
        "B": _sizes("q1", "T=3, B=6, N=10, H=20"),
        "C": _sizes("q1", "T=6, B=3, N=20, H=10"),
        "D": _sizes("q1", "T=6, B=3, N=10, H=20"),
    },
    "q2": {
        "A": _sizes("q2", "batch_first=False", "T=6, B=3, N=10"),
        "B": _sizes("q2", "batch_first=True", "T=3, B=6, N=10"),
        "C": _layers("1", "3"),
        "D": _layers("1", "2"),
    },
    "q3": {
        "A": stacked(
            "∂L/∂h_t^(l) = ∂L/∂h_t^(l+1) · ∂h_t^(l+1)/∂h_t^(l) + ∂L/∂h_{t+1}^(l) · ∂h_{t+1}^(l)/∂h_t^(l)",
        ),
        "B": stacked("∂L/∂z_t^(l) = ∂L/∂h_t^(l) · ∂h_t^(l)/∂z_t^(l)"),
        "C": stacked(
            "∂L/∂W_ih^(l) = ∂L/∂z_t^(l) · h_t^(l-1)",
            "∂L/∂W_hh^(l) = ∂L/∂z_t^(l) · h_{t-1}^(l)",
            special=lambda case: case.T == 1,  # one term is the sum
        ),
        "D": stacked(
            "∂L/∂W_ih^(l) = Σ_{t=1..T} ∂L/∂z_t^(l) · h_t^(l-1)",
            "∂L/∂W_hh^(l) = Σ_{t=1..T} ∂L/∂z_t^(l) · h_{t-1}^(l)",
        ),
    },
    "q4": {
        "A": batched("h_t = tanh(W_hh x_t + b_ih + W_ih h_{t-1} + b_hh)", special=_is_square),
        "B": batched("h_t = tanh(x_t W_hh^T + b_ih + h_{t-1} W_ih^T + b_hh)", special=_is_square),
        "C": batched("h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)", special=_is_square),
        "D": batched("h_t = tanh(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh)"),
    },
    "q5": {
        "A": gated("∂L/∂z_t = ∂L/∂h_t ⊗ (h~_t - h_{t-1})"),
        "B": gated(
            "∂L/∂h~_t = ∂L/∂h_t · z_t",
            special=lambda case: case.H == 1,  # all products of two numbers are the same
        ),
        "C": gated("∂L/∂Wh = ∂L/∂h~_t · tanh' · r_t ⊗ h_{t-1}"),
        "D": gated(
            "∂L/∂h_{t-1} = ∂L/∂h_t · ∂h_t/∂h_{t-1} + ∂L/∂h~_t · ∂h~_t/∂h_{t-1}"
            " + ∂L/∂r_t · ∂r_t/∂h_{t-1} + ∂L/∂z_t · ∂z_t/∂h_{t-1}"
        ),
        "E": gated("∂L/∂x_t = ∂L/∂h~_t · ∂h~_t/∂x_t + ∂L/∂r_t · ∂r_t/∂x_t + ∂L/∂z_t · ∂z_t/∂x_t"),
    },
}
