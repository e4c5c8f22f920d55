"""Strategies: the cases that Hypothesis draws, and for each a ladder of small ones to be tried first.

Every strategy draws sizes, a scale and a seed, and shrinks to sizes of one, the numbers "ones" and seed 0. One
dimension is large at a time, so that a hand-in in plain Python finishes. Scales keep the homework's functions well
conditioned: pre-activations of one step stay below about 50, and over many steps weights are small enough not to be
chaotic (a spectral radius of W_hh around one or less, so a scale of 1 at the most).
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from properties.cases import Case, Classification, GRUSequence, GRUStep, Prediction, RNNSequence, RNNStep

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

AnyCase = TypeVar("AnyCase", bound=Case)
Item = TypeVar("Item")
LONGEST_SIMPLE_ROW = 8
NUMBERS = ("ones", "halves", "random", "random", "random", "random", "random", "random")


class Draw:
    """What a family draws: whole numbers, which shrink to the least, and choices, which shrink to the first."""

    def __init__(self, draw: Callable[["SearchStrategy[Any]"], Any]) -> None:
        from hypothesis import strategies  # not above: a run with a kept exam has nothing to draw

        self._draw, self._strategies = draw, strategies

    def integer(self, least: int, most: int) -> int:
        return int(self._draw(self._strategies.integers(least, most)))

    def choice(self, items: Sequence[Item]) -> Item:
        item: Item = self._draw(self._strategies.sampled_from(items))
        return item

    def size(self) -> int:
        return self.integer(1, 6)

    def seed(self) -> int:
        return self.integer(0, 2**20)


@dataclass(frozen=True, eq=False)
class Family:
    """How to draw a case, and a ladder: cases that one can do by hand, the simplest first, the same for everybody.

    in_exam is how many cases an exam draws, more where a known bug shows in few of them: `tox -e power` measures that
    every bug is missed with a probability below 1e-4.
    """

    name: str
    draw_case: Callable[[Draw], Case]
    ladder: tuple[Case, ...]
    in_exam: int = 10

    @functools.cached_property
    def strategy(self) -> "SearchStrategy[Any]":
        """The family as Hypothesis draws and shrinks it."""
        from hypothesis import strategies

        return strategies.composite(lambda draw: self.draw_case(Draw(draw)))()


def _family(name: str, ladder: Iterable[Case], in_exam: int = 10) -> Callable[[Callable[[Draw], Case]], Family]:
    def decorate(draw_case: Callable[[Draw], Case]) -> Family:
        def draw_simple(draw: Draw) -> Case:
            return _with_simple_numbers_only_if_small(draw_case(draw))

        simple = dict.fromkeys(map(_with_simple_numbers_only_if_small, ladder))
        return Family(name, draw_simple, tuple(simple), in_exam)

    return decorate


def _with_simple_numbers_only_if_small(case: Case) -> Case:
    """The case itself, or one of random numbers where weights of 1/2 in long rows would add up to too much."""
    long_rows = max(getattr(case, "D", 1), getattr(case, "H", 1)) > LONGEST_SIMPLE_ROW
    return replace(case, numbers="random") if long_rows and case.numbers in ("ones", "halves") else case


def _simple(make: Callable[..., AnyCase], *sizes: tuple[int, ...], **rest: Any) -> list[AnyCase]:
    """Each of the sizes with the numbers "ones", then with "halves" of two seeds, then "random"."""
    numbers = [("ones", 0), ("halves", 0), ("halves", 1), ("random", 0)]
    return [make(*size, numbers=kind, seed=seed, **rest) for size in sizes for kind, seed in numbers]


def _one_large(draw: Draw, names: str, limits: dict[str, int]) -> dict[str, Any]:
    """Small sizes for all names and, in half the cases, a large one for one of them."""
    sizes = {name: draw.size() for name in names}
    large = draw.choice((None, *names)) if draw.choice((False, True)) else None
    if large is not None:
        sizes[large] = draw.integer(1, limits[large])
    return sizes


def _random(draw: Draw, *scales: float) -> dict[str, Any]:
    numbers = draw.choice(NUMBERS)
    scale = draw.choice(scales) if numbers == "random" else 1.0
    seed = draw.seed() if numbers != "ones" else 0
    return {"numbers": numbers, "scale": scale, "seed": seed}


# The Elman cell

_RNN_STEPS = _simple(RNNStep, (1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 1, 2), (1, 2, 2), (2, 2, 2))


@_family("rnn_steps", _RNN_STEPS)
def rnn_steps(draw: Draw) -> RNNStep:
    """One step at any size."""
    sizes = _one_large(draw, "NDH", {"N": 64, "D": 512, "H": 128})
    return RNNStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family("flat_rnn_steps", _RNN_STEPS)
def flat_rnn_steps(draw: Draw) -> RNNStep:
    """One step with N, D or H of one."""
    sizes: dict[str, Any] = {name: draw.size() for name in "NDH"}
    sizes[draw.choice("NDH")] = 1
    return RNNStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family("batches", [case for case in _RNN_STEPS if case.N > 1])
def batches(draw: Draw) -> RNNStep:
    """One step of a batch of two or more."""
    return RNNStep(draw.integer(2, 12), draw.size(), draw.size(), **_random(draw, 1.0, 2.0))


@_family("saturated_rnn_steps", [RNNStep(1, 1, H, numbers="random", scale=6.0, seed=s) for H in (1, 2) for s in (0, 1)])
def saturated_rnn_steps(draw: Draw) -> RNNStep:
    """One step whose pre-activations go up to about 50 in absolute value."""
    sizes: dict[str, Any] = {name: draw.size() for name in "NDH"}
    return RNNStep(**sizes, scale=draw.choice((5.0, 7.5)), seed=draw.seed())


@_family("wide_rnn_steps", _simple(RNNStep, (9, 1, 1), (1, 257, 1), (1, 1, 33), (1, 1, 65)), in_exam=24)
def wide_rnn_steps(draw: Draw) -> RNNStep:
    """One step of a batch past 8, in most cases with H past 32 or past 64, or with D past 256."""
    D, H = _wide(draw, "-DDHWW")
    return RNNStep(draw.integer(9, 20), D, H, **_random(draw, 1.0))


def _wide(draw: Draw, which: str) -> tuple[int, int]:
    """D past 256 (D), H past 32 (H) or past 64 (W), or neither (-)."""
    large = draw.choice(which)
    D = draw.integer(257, 300) if large == "D" else draw.size()
    return D, draw.integer(*{"H": (33, 63), "W": (65, 95)}.get(large, (1, 6)))


@_family("first_rnn_steps", _simple(RNNStep, (1, 1, 1), (2, 1, 1), (2, 1, 2), state="zero"))
def first_rnn_steps(draw: Draw) -> RNNStep:
    """One step from a state of zeros."""
    return RNNStep(draw.size(), draw.size(), draw.size(), state="zero", **_random(draw, 1.0, 2.0))


@_family("rnn_sequences", _simple(RNNSequence, (1, 1, 1, 1), (1, 1, 1, 2), (1, 2, 1, 2), (2, 1, 2, 3)))
def rnn_sequences(draw: Draw) -> RNNSequence:
    """Several steps, one after the other."""
    sizes = _one_large(draw, "NDHT", {"N": 20, "D": 64, "H": 48, "T": 40})
    return RNNSequence(**sizes, **_random(draw, 1.0, 0.5))


@_family("rnn_points", [RNNStep(*sizes, scale=0.5) for sizes in ((1, 1, 1), (1, 1, 2), (2, 2, 1), (2, 1, 2))], 24)
def rnn_points(draw: Draw) -> RNNStep:
    """One small step of moderate size, where central differences are accurate."""
    return RNNStep(draw.size(), draw.size(), draw.size(), scale=0.5, seed=draw.seed())


# The classifier

_CLASSIFICATIONS = [
    case
    for sizes in (
        (1, 1, 1, 1, 2, 1), (1, 2, 1, 1, 2, 1), (1, 1, 1, 1, 2, 2), (1, 2, 1, 1, 2, 2),
        (2, 1, 1, 1, 2, 1), (1, 1, 2, 1, 2, 1), (1, 1, 1, 2, 2, 1), (2, 2, 1, 2, 2, 2),
        (1, 2, 2, 1, 2, 3), (1, 3, 1, 1, 2, 1), (2, 3, 2, 2, 2, 3), (1, 2, 1, 2, 2, 4),
    )
    for state in ("absent", "given")
    for case in _simple(Classification, sizes, state=state)
]  # fmt: skip
_STATES = ("given", "absent")


def _classification(draw: Draw, sizes: dict[str, Any], state: str, *scales: float) -> Classification:
    return Classification(**sizes, state=state, **_random(draw, *scales))


@_family("classifications", _CLASSIFICATIONS, in_exam=36)
def classifications(draw: Draw) -> Classification:
    """A sequence at any size, with one to six layers, mostly up to four, with and without an initial state."""
    sizes: dict[str, Any] = {name: draw.integer(1, 4) for name in "NTDH"} | {"C": draw.integer(2, 5)}
    sizes["L"] = draw.choice((1, 2, 3, 4, 1, 2, 3, 4, 5, 6))
    large = draw.choice(("", "N", "T", "D", "H", "T"))
    if large:
        sizes[large] = draw.integer(1, {"N": 24, "T": 24, "D": 40, "H": 40}[large])
    return _classification(draw, sizes, draw.choice(_STATES), 1.0, 0.5)


_LONG = [Classification(1, 51, 1, 1, 2, layers, seed=seed) for layers in (1, 2) for seed in (0, 1)]


@_family("long_classifications", _LONG, in_exam=8)
def long_classifications(draw: Draw) -> Classification:
    """A sequence of 51 to 64 steps through one or two small layers."""
    sizes: dict[str, Any] = {"N": draw.integer(1, 3), "T": draw.integer(51, 64), "D": draw.integer(1, 3)}
    sizes |= {"H": draw.integer(1, 4), "C": draw.integer(2, 4), "L": draw.integer(1, 2)}
    return _classification(draw, sizes, draw.choice(_STATES), 1.0, 0.8)


STEEP = 32.0  # how many times larger than usual the output layer's weights are
_STEEP = [
    Classification(*sizes, 2, layers, steepness=STEEP) for sizes in ((1, 1, 1, 1), (1, 2, 1, 1)) for layers in (1, 2)
]


@_family("steep_classifications", _STEEP, in_exam=24)
def steep_classifications(draw: Draw) -> Classification:
    """A short sequence whose output layer has large weights, so that what flows back is large."""
    sizes: dict[str, Any] = {"N": draw.integer(2, 4), "T": draw.integer(1, 4), "D": draw.integer(1, 4)}
    sizes |= {"H": draw.integer(1, 4), "C": draw.integer(3, 5), "L": draw.integer(1, 3)}
    return Classification(**sizes, state=draw.choice(_STATES), steepness=STEEP, seed=draw.seed())


@_family("two_layer_classifications", [case for case in _CLASSIFICATIONS if case.L == 2])
def two_layer_classifications(draw: Draw) -> Classification:
    """A short sequence through two layers."""
    small = (1, 4)
    sizes: dict[str, Any] = {
        "N": draw.integer(*small),
        "T": draw.integer(*small),
        "D": draw.integer(*small),
        "H": draw.integer(*small),
    }
    return _classification(draw, sizes | {"C": draw.integer(2, 4), "L": 2}, draw.choice(_STATES), 1.0)


@_family("cut_classifications", [case for case in _CLASSIFICATIONS if case.T > 1 and case.state == "given"])
def cut_classifications(draw: Draw) -> Classification:
    """A sequence of two steps or more, to be cut in two."""
    sizes: dict[str, Any] = {"N": draw.integer(1, 4), "T": draw.integer(2, 12), "D": draw.integer(1, 4)}
    sizes |= {"H": draw.integer(1, 6), "C": draw.integer(2, 5), "L": draw.integer(1, 4)}
    return _classification(draw, sizes, "given", 1.0, 0.5)


@_family(
    "classification_points",
    [
        Classification(*sizes, scale=0.5)
        for sizes in ((1, 1, 1, 1, 2, 1), (1, 2, 1, 1, 2, 1), (1, 1, 1, 1, 2, 2), (2, 2, 1, 2, 2, 2))
    ],
    in_exam=24,
)
def classification_points(draw: Draw) -> Classification:
    """A small sequence of moderate size, where central differences are accurate."""
    sizes: dict[str, Any] = {name: draw.integer(1, 3) for name in "NTDH"}
    sizes |= {"C": draw.integer(2, 3), "L": draw.integer(1, 3)}
    return Classification(**sizes, scale=0.5, seed=draw.seed())


# The gated recurrent unit

_GRU_SIZES = ((1, 1), (1, 2), (2, 1), (2, 2))
_GRU_STEPS = _simple(GRUStep, *_GRU_SIZES)


@_family("gru_steps", _GRU_STEPS)
def gru_steps(draw: Draw) -> GRUStep:
    """One step at any size."""
    sizes = _one_large(draw, "DH", {"D": 512, "H": 128})
    return GRUStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family("flat_gru_steps", [case for case in _GRU_STEPS if 1 in (case.D, case.H)])
def flat_gru_steps(draw: Draw) -> GRUStep:
    """One step with H or D of one."""
    sizes: dict[str, Any] = {"D": draw.integer(1, 20), "H": draw.integer(1, 20)}
    sizes[draw.choice("HD")] = 1
    return GRUStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family(
    "saturated_gru_steps",
    [GRUStep(1, H, numbers="random", scale=6.0, seed=s) for H in (1, 2) for s in (0, 1)],
    in_exam=24,
)
def saturated_gru_steps(draw: Draw) -> GRUStep:
    """One step whose pre-activations go up to about 50 in absolute value."""
    return GRUStep(draw.size(), draw.integer(2, 8), scale=draw.choice((6.0, 9.0, 12.0)), seed=draw.seed())


@_family("wide_gru_steps", _simple(GRUStep, (1, 33), (1, 65), (257, 1)), in_exam=24)
def wide_gru_steps(draw: Draw) -> GRUStep:
    """One step with H past 32 or past 64, or with D past 256."""
    return GRUStep(*_wide(draw, "DDHWW"), **_random(draw, 1.0))


@_family("first_gru_steps", _simple(GRUStep, *_GRU_SIZES, family="zero state"))
def first_gru_steps(draw: Draw) -> GRUStep:
    """One step from a state of zeros."""
    return GRUStep(draw.integer(1, 12), draw.integer(1, 12), family="zero state", **_random(draw, 1.0, 2.0))


_TORCH_LIKE = ("zero state", "diagonal", "equal rows")


@_family("torch_like_gru_steps", [case for f in _TORCH_LIKE for case in _simple(GRUStep, *_GRU_SIZES, family=f)])
def torch_like_gru_steps(draw: Draw) -> GRUStep:
    """One step where the homework's unit and torch.nn.GRUCell are the same function."""
    family = draw.choice((*_TORCH_LIKE, "general"))
    H = 1 if family == "general" else draw.integer(1, 24)
    return GRUStep(draw.integer(1, 24), H, family=family, **_random(draw, 1.0, 2.0))


@_family("closed_gru_steps", _simple(GRUStep, *_GRU_SIZES, family="closed"))
def closed_gru_steps(draw: Draw) -> GRUStep:
    """One step with an update gate of zero."""
    return GRUStep(draw.integer(1, 12), draw.integer(1, 12), family="closed", **_random(draw, 1.0, 2.0))


@_family("open_gru_steps", _simple(GRUStep, *_GRU_SIZES, family="open"))
def open_gru_steps(draw: Draw) -> GRUStep:
    """One step with an update gate of one."""
    return GRUStep(draw.integer(1, 12), draw.integer(1, 12), family="open", **_random(draw, 1.0, 2.0))


@_family("gru_sequences", _simple(GRUSequence, (1, 1, 1), (1, 1, 2), (2, 1, 2), (1, 2, 3)))
def gru_sequences(draw: Draw) -> GRUSequence:
    """Several steps, one after the other."""
    sizes = _one_large(draw, "DHT", {"D": 64, "H": 40, "T": 40})
    return GRUSequence(**sizes, **_random(draw, 1.0, 0.5))


@_family("gru_points", [GRUStep(*sizes, scale=0.5) for sizes in _GRU_SIZES], in_exam=24)
def gru_points(draw: Draw) -> GRUStep:
    """One small step of moderate size, where central differences are accurate; a lone unit may hardly use its gates."""
    return GRUStep(draw.integer(2, 6), draw.integer(2, 6), scale=0.5, seed=draw.seed())


@_family("overflowing_gru_steps", [GRUStep(1, H, scale=scale) for H in (1, 2) for scale in (600.0, 1500.0)])
def overflowing_gru_steps(draw: Draw) -> GRUStep:
    """One step whose pre-activations go up to some thousands."""
    return GRUStep(draw.size(), draw.size(), scale=draw.choice((600.0, 1500.0)), seed=draw.seed())


# The character predictor

_PREDICTIONS = _simple(Prediction, (1, 1, 1, 1), (1, 1, 2, 1), (1, 1, 1, 2), (2, 1, 2, 2), (1, 2, 2, 2), (2, 2, 1, 3))


@_family("predictions", _PREDICTIONS)
def predictions(draw: Draw) -> Prediction:
    """A sequence of one to forty inputs."""
    sizes: dict[str, Any] = {name: draw.integer(1, 5) for name in "DHCT"}
    large = draw.choice(("", "D", "H", "C", "T", "T"))
    if large:
        sizes[large] = draw.integer(1, {"D": 64, "H": 48, "C": 40, "T": 40}[large])
    return Prediction(**sizes, **_random(draw, 1.0, 0.5))


@_family("long_predictions", [Prediction(1, 1, 1, 33, seed=seed) for seed in (0, 1)], in_exam=8)
def long_predictions(draw: Draw) -> Prediction:
    """A sequence of 33 to 64 inputs."""
    small = (1, 4)
    return Prediction(
        draw.integer(*small),
        draw.integer(*small),
        draw.integer(*small),
        draw.integer(33, 64),
        **_random(draw, 1.0, 0.5),
    )
