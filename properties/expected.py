"""What the oracles answer on a case, each answer with its tolerance, computed once for a case.

Every function takes a case and returns Expected values by the name that scripts give the result. torch and the
equations are imported when the first answer is needed that is not known from a kept exam, and not before.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from properties.cases import RNN_WEIGHTS, Classification, GRUSequence, GRUStep, Prediction, RNNSequence, RNNStep
from properties.compare import Expected
from reference import tolerance

Answers = Mapping[str, Expected]


def _with_bounds(values: Mapping[str, np.ndarray], run_twins: Callable[[float], Mapping[str, np.ndarray]]) -> Answers:
    """Give each value the bound of the twins of its name; all twins of one roundoff come from one run."""
    runs = functools.lru_cache(maxsize=None)(run_twins)

    def bound_of(name: str) -> Callable[[float], float]:
        return lambda u: tolerance.bound(runs(u)[name], u)

    return {name: Expected(value, bound_of(name)) for name, value in values.items()}


Asked = tuple[str, tuple[Any, ...]]
"""What was asked: the name of a function below and its arguments, of which the first is a case."""

Recorded = Mapping[Asked, Answers]

_forget: list[Callable[[], None]] = []
_known: dict[Asked, Answers] = {}
_recorded: dict[Asked, Answers] | None = None


def once(answer: Callable[..., Answers]) -> Callable[..., Answers]:
    """Keep the answers to the last few thousand cases, besides those that are known from an exam."""
    computed = functools.lru_cache(maxsize=4096)(answer)
    _forget.append(computed.cache_clear)
    name = answer.__name__

    @functools.wraps(answer)
    def answered(*arguments: Any) -> Answers:
        asked = (name, arguments)
        answers = _known.get(asked) or computed(*arguments)
        if _recorded is not None:
            _recorded[asked] = answers
        return answers

    return answered


def forget_answers() -> None:
    """Free the memory of all answers that are kept."""
    _known.clear()
    for clear in _forget:
        clear()


def know(answers: Recorded) -> None:
    """Take these answers for right, from now on."""
    _known.update(answers)


@contextlib.contextmanager
def recording() -> Iterator[Recorded]:
    """Collect every answer that is given meanwhile."""
    global _recorded
    collected: dict[Asked, Answers] = {}
    _recorded = collected
    try:
        yield collected
    finally:
        _recorded = None


@once
def rnn_forward(case: RNNStep) -> Answers:
    """h_t of torch.nn.RNNCell."""
    from reference import rnn, twins

    return _with_bounds(
        {"h_t": rnn.state(case["x"], case["h"], case.weights)},
        lambda u: twins.rnn_step(case["x"], case["h"], case.weights, u),
    )


@once
def rnn_second_weights(case: RNNStep) -> Answers:
    """h_t_2 of torch.nn.RNNCell with the case's second weights."""
    from reference import rnn, twins

    weights = rnn.RNNWeights(*(case[f"{name}_2"] for name in RNN_WEIGHTS))
    return _with_bounds(
        {"h_t_2": rnn.state(case["x"], case["h"], weights)},
        lambda u: {"h_t_2": twins.rnn_step(case["x"], case["h"], weights, u)["h_t"]},
    )


@once
def rnn_unrolled(case: RNNSequence) -> Answers:
    """h_1 .. h_T of torch.nn.RNN."""
    from reference import rnn, twins

    x = np.stack([case[f"x_{t}"] for t in range(1, case.T + 1)])
    states = rnn.states(x, case["h"], case.weights)
    return _with_bounds(
        {f"h_{t}": state for t, state in enumerate(states, 1)},
        lambda u: {
            f"h_{t}": state
            for t, state in enumerate(np.moveaxis(twins.rnn_states(x, case["h"], case.weights, u)["states"], 1, 0), 1)
        },
    )


@once
def rnn_backward(case: RNNStep) -> Answers:
    """The six gradients of torch.nn.RNNCell by autograd, those of weights as batch means."""
    from reference import rnn, twins

    gradients = rnn.step_gradients(case["delta"], case["x"], case["h"], case.weights)
    return _with_bounds(
        gradients._asdict(),
        lambda u: twins.rnn_step_gradients(case["delta"], case["x"], case["h"], case.weights, u, case["h_t"]),
    )


@once
def classify(case: Classification) -> Answers:
    """logits, dh_0, dW_ih_0 .. db_hh_(L-1), dW and db of torch.nn.RNN and Linear, for the delta of the case.

    That is softmax - onehot, of CrossEntropyLoss, as the case rounds it.
    """
    from reference import rnn, twins

    answer = rnn.classify(case["x"], case["h_0"], case.layers, case["W"], case["b"], case.labels, case["delta"])
    values = {"logits": answer.logits, "dh_0": answer.dh_0, "dW": answer.dW, "db": answer.db}
    for gradient in ("dW_ih", "dW_hh", "db_ih", "db_hh"):
        values |= {f"{gradient}_{layer}": array for layer, array in enumerate(getattr(answer, gradient))}

    def run_twins(u: float) -> Mapping[str, np.ndarray]:
        runs = twins.classify(case["x"], case["h_0"], case.layers, case["W"], case["b"], case["delta"], u)
        return {name.replace(".", "_"): run for name, run in runs.items()}

    return _with_bounds(values, run_twins)


@once
def gru_forward(case: GRUStep) -> Answers:
    """h_t, and the candidate h~, of the equations in torch."""
    from reference import gru, twins

    gates = gru.gates(case["x"], case["h"], case.weights)
    inputs = case["x"][np.newaxis]
    return _with_bounds(
        {"h_t": gates.h_t, "candidate": gates.candidate},
        lambda u: dict.fromkeys(
            ("h_t", "candidate"), twins.gru_states(inputs, case["h"], case.weights, u)["states"][:, 0]
        ),
    )


@once
def gru_forward_by_torch(case: GRUStep) -> Answers:
    """h_t of torch.nn.GRUCell, for cases where that is the same function."""
    from reference import torch_gru, twins

    inputs = case["x"][np.newaxis]
    return _with_bounds(
        {"h_t": torch_gru.state(case["x"], case["h"], case.weights)},
        lambda u: {"h_t": twins.gru_states(inputs, case["h"], case.weights, u)["states"][:, 0]},
    )


@once
def gru_second_weights(case: GRUStep) -> Answers:
    """h_t_2 of the equations with the case's second weights."""
    from reference import gru, twins

    weights = gru.GRUWeights(*(case[f"{name}_2"] for name in gru.GRUWeights._fields))
    return _with_bounds(
        {"h_t_2": gru.state(case["x"], case["h"], weights)},
        lambda u: {"h_t_2": twins.gru_states(case["x"][np.newaxis], case["h"], weights, u)["states"][:, 0]},
    )


@once
def gru_unrolled(case: GRUSequence) -> Answers:
    """h_1 .. h_T of the equations."""
    from reference import gru, twins

    inputs = np.stack([case[f"x_{t}"] for t in range(1, case.T + 1)])
    return _with_bounds(
        {f"h_{t}": state for t, state in enumerate(gru.states(inputs, case["h"], case.weights), 1)},
        lambda u: {
            f"h_{t}": state
            for t, state in enumerate(
                np.moveaxis(twins.gru_states(inputs, case["h"], case.weights, u)["states"], 1, 0), 1
            )
        },
    )


@once
def gru_backward(case: GRUStep) -> Answers:
    """The eight gradients of the equations by autograd."""
    from reference import gru, twins

    return _with_bounds(
        gru.gradients(case["delta"], case["x"], case["h"], case.weights)._asdict(),
        lambda u: twins.gru_gradients(case["delta"], case["x"], case["h"], case.weights, u),
    )


@once
def predictor_forward(case: Prediction) -> Answers:
    """logits (C,) and h_next (H,) after the first input, from the state h of the case."""
    from reference import gru, twins

    h_next = gru.state(case["x_1"], case["h"], case.weights)

    def run_twins(u: float) -> Mapping[str, np.ndarray]:
        states = twins.gru_states(case["x_1"][np.newaxis], case["h"], case.weights, u)["states"][:, 0]
        return {"h_next": states, "logits": states @ case["W"].T + case["b"]}

    return _with_bounds({"h_next": h_next, "logits": case["W"] @ h_next + case["b"]}, run_twins)


@once
def predictor_inference(case: Prediction, suffix: str = "") -> Answers:
    """logits (T, C) of the equations and a Linear, from a state of zeros, with the case's weights of this suffix."""
    from reference import gru, twins

    weights = gru.GRUWeights(*(case[f"{name}{suffix}"] for name in gru.GRUWeights._fields))
    W, b = case[f"W{suffix}"], case[f"b{suffix}"]
    return _with_bounds(
        {"logits": gru.logits(case["inputs"], weights, W, b)},
        lambda u: twins.gru_logits(case["inputs"], weights, W, b, u),
    )
