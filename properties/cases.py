"""Cases: what a hand-in is tried on, each a few small integers from which all its arrays follow.

`case["x"]` is the array x of the case. A name ending in _2 is another array of the same shape, drawn anew. For central
differences x_direction is a direction of norm 1 in x, near to the gradient's, and x_plus and x_minus lie a small step
along it (x_plus32 and x_minus32 the step for float32). Arrays are made when they are first asked for, from the seed and
their name alone; the equations behind some of them (reference.twins) are imported when they are needed, as a kept exam
holds what they give, and a hand-out does not carry them.

N: batch, D: input size, H: hidden size, T: time steps, L: layers, C: classes.

numbers is "stored" (properties.stored), "ones" (inputs 1, weights 1/2), "halves" (each of -1, -1/2, 1/2, 1) or
"random": inputs and deltas are standard normal, states lie in (-1, 1), and weights are normal with standard deviation
scale / sqrt(columns), so that pre-activations have about the size of `scale` whatever the shapes.
"""

import dataclasses
import functools
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reference import differences
from reference.weights import GRUWeights, RNNWeights

Shape = tuple[int, ...]
RNN_WEIGHTS = ("W_ih", "W_hh", "b_ih", "b_hh")
GRU_WEIGHTS = ("Wzh", "Wrh", "Wh", "Wzx", "Wrx", "Wx")
HALVES = np.array([-1.0, -0.5, 0.5, 1.0])


@dataclass(frozen=True)
class Case:
    """What all cases share. A subclass adds its sizes before these and says what shape an array has."""

    numbers: str = dataclasses.field(default="random", kw_only=True)
    scale: float = dataclasses.field(default=1.0, kw_only=True)
    seed: int = dataclasses.field(default=0, kw_only=True)

    def shape(self, name: str) -> Shape:
        """The shape of the array with this name; raises KeyError for a name that the case does not have."""
        raise NotImplementedError

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            self.keep(name, self._make(name))
        return self._arrays[name]

    def keep(self, name: str, array: np.ndarray) -> None:
        """Give a case one of its arrays, of a file rather than of its seed."""
        array.flags.writeable = False
        self._arrays[name] = array

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The arrays that were asked for so far, by name."""
        return self._arrays

    def __contains__(self, name: str) -> bool:
        try:
            self[name]
        except KeyError:
            return False
        return True

    def __str__(self) -> str:
        sizes = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if field.name not in ("numbers", "scale", "seed") and getattr(self, field.name) != field.default
        ]
        scale = f", scale {self.scale:g}" if self.numbers == "random" else ""
        seed = f", seed {self.seed}" if self.numbers != "ones" else ""
        return f'{" ".join(sizes)}, numbers "{self.numbers}"{scale}{seed}'

    @functools.cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return {}

    def _make(self, name: str) -> np.ndarray:
        """Make the array `name`: a direction, a step along one, or an array of its own."""
        if match := re.fullmatch(r"(\w+)_(plus|minus)(32)?", name):
            base, sign, single = match.groups()
            step = differences.STEP_FLOAT32 if single else differences.STEP
            return self[base] + (step if sign == "plus" else -step) * self[f"{base}_direction"]
        if name.endswith("_direction"):
            base = name.removesuffix("_direction")
            direction = 0.5 * _unit(self._random(name).standard_normal(self.shape(base)))
            return _unit(direction + _unit(self._gradients[base]))
        return self._draw(name, self.shape(re.sub(r"_[2-9]$", "", name)))

    @property
    def _gradients(self) -> Mapping[str, np.ndarray]:
        """The gradient of sum(delta * forward) in each array in which central differences are taken."""
        raise NotImplementedError

    def _draw(self, name: str, shape: Shape) -> np.ndarray:
        is_weight = name[0] in "Wb"
        if self.numbers == "ones":
            return np.full(shape, 0.5 if is_weight else 1.0)
        random = self._random(name)
        if self.numbers == "halves":
            return random.choice(HALVES, shape)
        if is_weight:
            return random.normal(scale=self.scale / np.sqrt(shape[-1] if len(shape) > 1 else 1), size=shape)
        if name[0] == "h":
            return random.uniform(-1, 1, shape)
        return random.standard_normal(shape)

    def _random(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


def _unit(array: np.ndarray) -> np.ndarray:
    """The array divided by its Euclidean norm; zeros stay zeros."""
    norm = np.linalg.norm(array)
    return array / norm if norm else array


@dataclass(frozen=True)
class RNNStep(Case):
    """One step of an Elman cell.

    x (N, D), h (N, H), delta (N, H), W_ih (H, D), W_hh (H, H), b_ih, b_hh (H,); h_t (N, H) is the state that follows.
    Of a batch: `order` is a permutation of it, x_permuted and h_permuted are so ordered; `row` is one row's number,
    x_row and h_row (1, .) that row, x_mixed and h_mixed a batch that has only this row in common.
    """

    N: int
    D: int
    H: int
    state: str = "given"

    def shape(self, name: str) -> Shape:
        N, D, H = self.N, self.D, self.H
        return {
            "x": (N, D), "h": (N, H), "delta": (N, H), "W_ih": (H, D), "W_hh": (H, H), "b_ih": (H,), "b_hh": (H,),
        }[name]  # fmt: skip

    @property
    def weights(self) -> RNNWeights:
        return RNNWeights(*(self[name] for name in RNN_WEIGHTS))

    @functools.cached_property
    def _gradients(self) -> Mapping[str, np.ndarray]:
        from reference import twins

        runs = twins.rnn_step_gradients(self["delta"], self["x"], self["h"], self.weights, 0.0)
        return {name.removeprefix("d"): run[0] for name, run in runs.items()}

    @property
    def order(self) -> np.ndarray:
        return self._random("order").permutation(self.N)

    @property
    def row(self) -> int:
        return int(self._random("row").integers(self.N))

    def _make(self, name: str) -> np.ndarray:
        base, _, part = name.partition("_")
        if name == "h" and self.state == "zero":
            return np.zeros(self.shape("h"))
        if name == "h_t":
            from reference import twins

            return twins.rnn_step(self["x"], self["h"], self.weights, 0.0)["h_t"][0]
        if part == "permuted":
            return self[base][self.order]
        if part == "row":
            return self[base][[self.row]]
        if part == "mixed":
            mixed = np.array(self[f"{base}_2"])
            mixed[self.row] = self[base][self.row]
            return mixed
        if name == "delta_sum":
            return self["delta"] + self["delta_2"]
        if name in DELTA_SCALES:
            return self["delta"] * DELTA_SCALES[name]
        return super()._make(name)


DELTA_SCALES: Mapping[str, float] = {"delta_tiny": 1e-8, "delta_small": 1e-4, "delta_large": 1e4}


@dataclass(frozen=True)
class RNNSequence(Case):
    """T steps of an Elman cell: x_1 .. x_T (N, D), h (N, H), and the cell's weights."""

    N: int
    D: int
    H: int
    T: int

    def shape(self, name: str) -> Shape:
        return RNNStep(self.N, self.D, self.H).shape(name)

    @property
    def weights(self) -> RNNWeights:
        return RNNWeights(*(self[name] for name in RNN_WEIGHTS))

    def _make(self, name: str) -> np.ndarray:
        if re.fullmatch(r"x_\d+", name):
            return self._draw(name, self.shape("x"))
        return super()._make(name)


@dataclass(frozen=True)
class Classification(Case):
    """A sequence for the classifier.

    x (N, T, D), h_0 (L, N, H), labels (N,), W (C, H), b (C,), and W_ih_0, W_hh_0, b_ih_0, b_hh_0 up to layer L - 1;
    delta (N, C) is softmax - onehot. With `state` "absent" the hand-in is given no h_0, which means zeros.
    The sequence cut in two: x_first, x_second, and h_middle (L, N, H), the state between them.
    """

    N: int
    T: int
    D: int
    H: int
    C: int
    L: int
    state: str = "given"
    steepness: float = 1.0

    def shape(self, name: str) -> Shape:
        N, T, D, H, C, L = self.N, self.T, self.D, self.H, self.C, self.L
        if match := re.fullmatch(r"(W_ih|W_hh|b_ih|b_hh)_(\d+)", name):
            kind, layer = match.groups()
            return {"W_ih": (H, D if layer == "0" else H), "W_hh": (H, H), "b_ih": (H,), "b_hh": (H,)}[kind]
        return {"x": (N, T, D), "h_0": (L, N, H), "W": (C, H), "b": (C,), "delta": (N, C)}[name]

    @property
    def layers(self) -> list[RNNWeights]:
        return [RNNWeights(*(self[f"{name}_{layer}"] for name in RNN_WEIGHTS)) for layer in range(self.L)]

    @functools.cached_property
    def _gradients(self) -> Mapping[str, np.ndarray]:
        from reference import twins

        runs = twins.classify(self["x"], self["h_0"], self.layers, self["W"], self["b"], self["delta"], 0.0)
        return {name.removeprefix("d").replace(".", "_"): run[0] for name, run in runs.items() if name != "logits"}

    @property
    def labels(self) -> np.ndarray:
        return self["labels"]

    def _make(self, name: str) -> np.ndarray:
        cut = self.T // 2
        if name == "labels":
            return self._random("labels").integers(self.C, size=self.N)
        if name == "h_0" and self.state == "absent":
            return np.zeros(self.shape("h_0"))
        if name == "W":
            return self.steepness * self._draw("W", self.shape("W"))
        if name == "delta":
            from reference import twins

            onehot = np.eye(self.C)[self.labels]
            logits = twins.classify(self["x"], self["h_0"], self.layers, self["W"], self["b"], onehot, 0.0)["logits"][0]
            exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
            return exponentials / exponentials.sum(axis=1, keepdims=True) - onehot
        if name in ("x_first", "x_second"):
            return np.array(self["x"][:, :cut] if name == "x_first" else self["x"][:, cut:])
        if name == "h_middle":
            from reference import twins

            return twins.last_states(self["x_first"], self["h_0"], self.layers, 0.0)["last_states"][0]
        if re.fullmatch(r"(W_ih|W_hh|b_ih|b_hh)_\d+", name):
            return self._draw(name, self.shape(name))
        return super()._make(name)


@dataclass(frozen=True)
class GRUStep(Case):
    """One step of a gated recurrent unit: x (D,), h (H,), delta (1, H), Wzh, Wrh, Wh (H, H), Wzx, Wrx, Wx (H, D).

    `family` says what is special about the weights or the state: nothing ("general"); "diagonal" Wh; "equal rows" in
    Wrh and in Wrx; "zero state"; the update gate "closed" (z below 1e-17) or "open" (1 - z below 1e-17).
    """

    D: int
    H: int
    family: str = "general"

    FAMILIES: ClassVar = ("general", "diagonal", "equal rows", "zero state", "closed", "open")
    SHUT: ClassVar = 40.0  # sigmoid(-40) = 4.2e-18, below the unit roundoff

    def shape(self, name: str) -> Shape:
        D, H = self.D, self.H
        return {
            "x": (D,), "h": (H,), "delta": (1, H),
            "Wzh": (H, H), "Wrh": (H, H), "Wh": (H, H), "Wzx": (H, D), "Wrx": (H, D), "Wx": (H, D),
        }[name]  # fmt: skip

    @property
    def weights(self) -> GRUWeights:
        return GRUWeights(*(self[name] for name in GRU_WEIGHTS))

    @functools.cached_property
    def _gradients(self) -> Mapping[str, np.ndarray]:
        from reference import twins

        runs = twins.gru_gradients(self["delta"], self["x"], self["h"], self.weights, 0.0)
        return {
            name.removeprefix("d"): run[0].reshape(self.shape(name.removeprefix("d"))) for name, run in runs.items()
        }

    def _make(self, name: str) -> np.ndarray:
        if name == "delta_sum":
            return self["delta"] + self["delta_2"]
        if name in DELTA_SCALES:
            return self["delta"] * DELTA_SCALES[name]
        if name == "delta_flat":
            return np.array(self["delta"][0])
        if name == "h" and self.family == "zero state":
            return np.zeros(self.H)
        if name == "Wzh" and self.family in ("closed", "open"):
            return np.zeros((self.H, self.H))
        if name == "Wzx" and self.family in ("closed", "open"):
            sign = -1 if self.family == "closed" else 1
            x = self["x"]
            return np.tile(sign * self.SHUT * x / (x @ x), (self.H, 1))  # Wzx x is -40 or 40 in every unit
        array = super()._make(name)
        if name == "Wh" and self.family == "diagonal":
            return np.diag(np.diag(array))
        if name in ("Wrh", "Wrx") and self.family == "equal rows":
            return np.tile(array[0], (self.H, 1))
        return array


@dataclass(frozen=True)
class GRUSequence(Case):
    """T steps of a gated recurrent unit: x_1 .. x_T (D,), h (H,), and the cell's weights."""

    D: int
    H: int
    T: int

    def shape(self, name: str) -> Shape:
        return GRUStep(self.D, self.H).shape(name)

    @property
    def weights(self) -> GRUWeights:
        return GRUWeights(*(self[name] for name in GRU_WEIGHTS))

    def _make(self, name: str) -> np.ndarray:
        if re.fullmatch(r"x_\d+", name):
            return self._draw(name, self.shape("x"))
        return super()._make(name)


@dataclass(frozen=True)
class Prediction(Case):
    """A sequence for the character predictor: inputs (T, D), the cell's six weights, W (C, H), b (C,), h (H,).

    x_1 .. x_T (D,) are the rows of inputs, inputs_prefix its first half, h_zero (H,) the state of zeros.
    """

    D: int
    H: int
    C: int
    T: int

    def shape(self, name: str) -> Shape:
        if name in ("inputs", "W", "b"):
            return {"inputs": (self.T, self.D), "W": (self.C, self.H), "b": (self.C,)}[name]
        return GRUStep(self.D, self.H).shape(name)

    @property
    def weights(self) -> GRUWeights:
        return GRUWeights(*(self[name] for name in GRU_WEIGHTS))

    def _make(self, name: str) -> np.ndarray:
        if name == "inputs_prefix":
            return np.array(self["inputs"][: (self.T + 1) // 2])
        if name == "h_zero":
            return np.zeros(self.H)
        if match := re.fullmatch(r"x_(\d+)", name):
            return np.array(self["inputs"][int(match[1]) - 1])
        return super()._make(name)
