"""The forward passes that the formulas of the quiz are about, and their derivatives, found in two independent ways.

A network is a graph of values. A derivative is an intervention: one value is given other numbers, what comes after it
is computed again, and something else changes. One definition serves autograd and central differences.

    ∂L/∂a    everything after a is computed again
    ∂b/∂a    likewise, but all other states and gates keep their values: the direct term alone

N input size, H hidden size, B batch size, T time steps. A sample is a column, (N,) and (H,), but for `batch`.
"""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from reference import differences, rnn
from reference.weights import RNNWeights

Key = tuple[str, int | None, int | None]
"""A value's name, time step and layer; None where it has none."""

Values = Mapping[Key, Tensor]
Function = Callable[[Tensor], Tensor]
Derivative = Callable[[Function, Tensor], Tensor]
"""Of a function at a point: an array whose first axes are the function's and whose last are the point's."""

LOSS: Key = ("L", None, None)
ACTIVATIONS: Mapping[str, Function] = {"f(z) = z": lambda z: z, "f = tanh": torch.tanh, "f = sigmoid": torch.sigmoid}


class Stack(NamedTuple):
    """A network of Elman cells; without a seed every number is one. f is a key of ACTIVATIONS."""

    T: int
    layers: int
    N: int
    H: int
    f: str
    seed: int | None


class Step(NamedTuple):
    """A step of the gated unit; without a seed every number is one."""

    N: int
    H: int
    seed: int | None


class Batch(NamedTuple):
    """A step of an Elman cell on the rows of a batch; without a seed every number is one."""

    B: int
    N: int
    H: int
    seed: int | None


class Graph:
    """Values by name: some given, the others computed from them in the order of `equations`.

    held are the values that a direct derivative holds fixed; activation is what f in a formula means.
    """

    def __init__(
        self,
        given: Values,
        equations: Mapping[Key, Callable[[Values], Tensor]],
        held: set[Key],
        activation: Function = torch.tanh,
        T: int = 1,
        layers: int = 1,
    ) -> None:
        self.times, self.levels = range(1, T + 1), range(1, layers + 1)
        self.activation = activation
        self._given, self._equations, self._held = given, equations, held
        self.values = self._run({})

    def total(self, at: Key, derivative: Derivative) -> Tensor:
        """Return ∂L/∂(the value at this key), shaped as the value."""
        return derivative(lambda value: self._run({at: value})[LOSS], self.values[at])

    def direct(self, of: Key, at: Key, derivative: Derivative) -> Tensor:
        """Return the direct derivative of one value in another: the axes of the first, then those of the second."""
        fixed = {key: self.values[key] for key in self._held - {of, at}}
        return derivative(lambda value: self._run({**fixed, at: value})[of], self.values[at])

    def _run(self, replaced: Values) -> Values:
        values = {**self._given, **replaced}
        for key, equation in self._equations.items():
            if key not in replaced:
                values[key] = equation(values)
        return values


def by_autograd(f: Function, at: Tensor) -> Tensor:
    """The derivative of f, by torch."""
    result: Tensor = torch.autograd.functional.jacobian(f, at)
    return result


def by_differences(f: Function, at: Tensor) -> Tensor:
    """The derivative of f, by its values alone."""

    def values(point: differences.Point) -> np.ndarray:
        return f(torch.from_numpy(np.asarray(point["at"]))).numpy()

    axes = np.eye(at.numel()).reshape(-1, *at.shape)
    columns = [differences.directional(values, {"at": at.numpy()}, "at", axis) for axis in axes]
    return torch.from_numpy(np.stack(columns, axis=-1)).reshape((*columns[0].shape, *at.shape))


def stack(case: Stack) -> Graph:
    """z_t^(l) = W_ih h_t^(l-1) + b_ih + W_hh h_{t-1}^(l) + b_hh, h_t^(l) = f(z_t^(l)); L is linear in the top h_t."""
    array = _arrays(case.seed)
    times, levels, f = range(1, case.T + 1), range(1, case.layers + 1), ACTIVATIONS[case.f]
    given: dict[Key, Tensor] = {}
    for level in levels:
        below = case.N if level == 1 else case.H
        shapes = {"W_ih": (case.H, below), "W_hh": (case.H, case.H), "b_ih": (case.H,), "b_hh": (case.H,)}
        given |= {(name, None, level): array(*shape) for name, shape in shapes.items()}
        given["h", 0, level] = array(case.H)
    for t in times:
        given["x", t, None] = given["h", t, 0] = array(case.N)
    delta = {t: array(case.H) for t in times}

    def pre_activation(v: Values, t: int, level: int) -> Tensor:
        W_ih, W_hh, b_ih, b_hh = (v[name, None, level] for name in ("W_ih", "W_hh", "b_ih", "b_hh"))
        return W_ih @ v["h", t, level - 1] + b_ih + W_hh @ v["h", t - 1, level] + b_hh

    def state(v: Values, t: int, level: int) -> Tensor:
        return f(v["z", t, level])

    equations: dict[Key, Callable[[Values], Tensor]] = {}
    for t in times:
        for level in levels:
            for name, value in {"z": pre_activation, "h": state}.items():
                equations[name, t, level] = functools.partial(value, t=t, level=level)
    held = {key for key in equations if key[0] == "h"}
    equations[LOSS] = lambda v: torch.stack([delta[t] @ v["h", t, case.layers] for t in times]).sum()
    return Graph(given, equations, held, f, case.T, case.layers)


def gated(case: Step) -> Graph:
    """The homework's gated unit, one step from t = 0 to t = 1; L is linear in its new state."""
    array = _arrays(case.seed)
    given: dict[Key, Tensor] = {("x", 1, None): array(case.N), ("h", 0, None): array(case.H)}
    given |= {(name, None, None): array(case.H, case.H) for name in ("Wzh", "Wrh", "Wh")}
    given |= {(name, None, None): array(case.H, case.N) for name in ("Wzx", "Wrx", "Wx")}
    delta = array(case.H)
    x, h, Wzh, Wrh, Wh, Wzx, Wrx, Wx = given
    z, r, candidate, h_t = gates = [(name, 1, None) for name in ("z", "r", "h~", "h")]
    a = ("a", 1, None)  # what tanh is applied to
    equations: dict[Key, Callable[[Values], Tensor]] = {
        z: lambda v: torch.sigmoid(v[Wzh] @ v[h] + v[Wzx] @ v[x]),
        r: lambda v: torch.sigmoid(v[Wrh] @ v[h] + v[Wrx] @ v[x]),
        a: lambda v: v[Wh] @ (v[r] * v[h]) + v[Wx] @ v[x],
        candidate: lambda v: torch.tanh(v[a]),
        h_t: lambda v: (1 - v[z]) * v[h] + v[z] * v[candidate],
        LOSS: lambda v: delta @ v[h_t],
    }
    return Graph(given, equations, set(gates))


def batch(case: Batch) -> Graph:
    """x_t (B, N), h_{t-1} (B, H), an Elman cell's weights, and the h_t (B, H) that torch.nn.RNNCell makes of them."""
    array = _arrays(case.seed)
    x, h = array(case.B, case.N), array(case.B, case.H)
    shapes = {"W_ih": (case.H, case.N), "W_hh": (case.H, case.H), "b_ih": (case.H,), "b_hh": (case.H,)}
    weights = {name: array(*shape) for name, shape in shapes.items()}
    h_t = rnn.state(x, h, RNNWeights(**{name: value.numpy() for name, value in weights.items()}))
    named: dict[Key, Tensor] = {(name, None, None): value for name, value in weights.items()}
    named |= {("x", 1, None): x, ("h", 0, None): h, ("h", 1, None): torch.from_numpy(h_t)}
    return Graph(named, {}, set())


def _arrays(seed: int | None) -> Callable[..., Tensor]:
    """A function that makes an array of a shape: of ones, or of the seed's next numbers between -1 and 1."""
    if seed is None:
        return lambda *shape: torch.ones(shape, dtype=torch.float64)
    rng = np.random.default_rng(seed)
    return lambda *shape: torch.from_numpy(rng.uniform(-1, 1, shape))
