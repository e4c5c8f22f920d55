"""Strategies: the cases that Hypothesis draws, and for each a ladder of small ones to be tried first.

Every strategy draws sizes, a scale and a seed, and shrinks to sizes of one, the numbers "ones" and seed 0. One
dimension is large at a time, so that a hand-in in plain Python finishes. Scales keep the homework's functions well
conditioned: pre-activations of one step stay below about 50, and over many steps weights are small enough not to be
chaotic (a spectral radius of W_hh around one or less, so a scale of 1 at the most).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from properties.cases import Case, Classification, GRUSequence, GRUStep, Prediction, RNNSequence, RNNStep

AnyCase = TypeVar("AnyCase", bound=Case)
SIZES = st.integers(1, 6)
LONGEST_SIMPLE_ROW = 8
NUMBERS = st.sampled_from(("ones", "halves", "random", "random", "random", "random", "random", "random"))
SEEDS = st.integers(0, 2**20)
WIDTHS = st.one_of(SIZES, st.integers(33, 63), st.integers(65, 95), st.integers(65, 95))  # past 32, and past 64


@dataclass(frozen=True, eq=False)
class Family:
    """A strategy of cases and its ladder: cases that one can do by hand, the simplest first, the same for everybody."""

    name: str
    strategy: st.SearchStrategy[Any]
    ladder: tuple[Case, ...]


def _family(name: str, ladder: Iterable[Case]) -> Callable[[Callable[..., Any]], Family]:
    def decorate(draw_case: Callable[[st.DrawFn], Case]) -> Family:
        strategy = st.composite(draw_case)().map(_with_simple_numbers_only_if_small)
        return Family(name, strategy, tuple(dict.fromkeys(map(_with_simple_numbers_only_if_small, ladder))))

    return decorate


def _with_simple_numbers_only_if_small(case: Case) -> Case:
    """The case itself, or one of random numbers where weights of 1/2 in long rows would add up to too much."""
    long_rows = max(getattr(case, "D", 1), getattr(case, "H", 1)) > LONGEST_SIMPLE_ROW
    return replace(case, numbers="random") if long_rows and case.numbers in ("ones", "halves") else case


def _simple(make: Callable[..., AnyCase], *sizes: tuple[int, ...], **rest: Any) -> list[AnyCase]:
    """Each of the sizes with the numbers "ones", then with "halves" of two seeds, then "random"."""
    numbers = [("ones", 0), ("halves", 0), ("halves", 1), ("random", 0)]
    return [make(*size, numbers=kind, seed=seed, **rest) for size in sizes for kind, seed in numbers]


def _one_large(draw: st.DrawFn, names: str, limits: dict[str, int]) -> dict[str, Any]:
    """Small sizes for all names and, in half the cases, a large one for one of them."""
    sizes = {name: draw(SIZES) for name in names}
    large = draw(st.sampled_from((None, *names))) if draw(st.booleans()) else None
    if large is not None:
        sizes[large] = draw(st.integers(1, limits[large]))
    return sizes


def _random(draw: st.DrawFn, *scales: float) -> dict[str, Any]:
    numbers = draw(NUMBERS)
    scale = draw(st.sampled_from(scales)) if numbers == "random" else 1.0
    seed = draw(SEEDS) if numbers != "ones" else 0
    return {"numbers": numbers, "scale": scale, "seed": seed}


# The Elman cell

_RNN_STEPS = _simple(RNNStep, (1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 1, 2), (1, 2, 2), (2, 2, 2))


@_family("rnn_steps", _RNN_STEPS)
def rnn_steps(draw: st.DrawFn) -> RNNStep:
    """One step at any size."""
    sizes = _one_large(draw, "NDH", {"N": 64, "D": 512, "H": 128})
    return RNNStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family("flat_rnn_steps", _RNN_STEPS)
def flat_rnn_steps(draw: st.DrawFn) -> RNNStep:
    """One step with N, D or H of one."""
    sizes: dict[str, Any] = {name: draw(SIZES) for name in "NDH"}
    sizes[draw(st.sampled_from("NDH"))] = 1
    return RNNStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family("batches", [case for case in _RNN_STEPS if case.N > 1])
def batches(draw: st.DrawFn) -> RNNStep:
    """One step of a batch of two or more."""
    return RNNStep(draw(st.integers(2, 12)), draw(SIZES), draw(SIZES), **_random(draw, 1.0, 2.0))


@_family("saturated_rnn_steps", [RNNStep(1, 1, H, numbers="random", scale=6.0, seed=s) for H in (1, 2) for s in (0, 1)])
def saturated_rnn_steps(draw: st.DrawFn) -> RNNStep:
    """One step whose pre-activations go up to about 50 in absolute value."""
    sizes: dict[str, Any] = {name: draw(SIZES) for name in "NDH"}
    return RNNStep(**sizes, scale=draw(st.sampled_from((5.0, 7.5))), seed=draw(SEEDS))


@_family("wide_rnn_steps", _simple(RNNStep, (9, 1, 1), (1, 1, 33), (1, 1, 65)))
def wide_rnn_steps(draw: st.DrawFn) -> RNNStep:
    """One step of a batch past 8, in most cases with H past 32 or past 64."""
    return RNNStep(draw(st.integers(9, 20)), draw(SIZES), draw(WIDTHS), **_random(draw, 1.0))


@_family("first_rnn_steps", _simple(RNNStep, (1, 1, 1), (2, 1, 1), (2, 1, 2), state="zero"))
def first_rnn_steps(draw: st.DrawFn) -> RNNStep:
    """One step from a state of zeros."""
    return RNNStep(draw(SIZES), draw(SIZES), draw(SIZES), state="zero", **_random(draw, 1.0, 2.0))


@_family("rnn_sequences", _simple(RNNSequence, (1, 1, 1, 1), (1, 1, 1, 2), (1, 2, 1, 2), (2, 1, 2, 3)))
def rnn_sequences(draw: st.DrawFn) -> RNNSequence:
    """Several steps, one after the other."""
    sizes = _one_large(draw, "NDHT", {"N": 20, "D": 64, "H": 48, "T": 40})
    return RNNSequence(**sizes, **_random(draw, 1.0, 0.5))


@_family("rnn_points", [RNNStep(*sizes, scale=0.5) for sizes in ((1, 1, 1), (1, 1, 2), (2, 2, 1), (2, 1, 2))])
def rnn_points(draw: st.DrawFn) -> RNNStep:
    """One small step of moderate size, where central differences are accurate."""
    return RNNStep(draw(SIZES), draw(SIZES), draw(SIZES), scale=0.5, seed=draw(SEEDS))


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
_STATES = st.sampled_from(("given", "absent"))


def _classification(draw: st.DrawFn, sizes: dict[str, Any], state: str, *scales: float) -> Classification:
    return Classification(**sizes, state=state, **_random(draw, *scales))


@_family("classifications", _CLASSIFICATIONS)
def classifications(draw: st.DrawFn) -> Classification:
    """A sequence at any size, with one to six layers, mostly up to four, with and without an initial state."""
    small = st.integers(1, 4)
    sizes: dict[str, Any] = {
        "N": draw(small),
        "T": draw(small),
        "D": draw(small),
        "H": draw(small),
        "C": draw(st.integers(2, 5)),
    }
    sizes["L"] = draw(st.sampled_from((1, 2, 3, 4, 1, 2, 3, 4, 5, 6)))
    large = draw(st.sampled_from(("", "N", "T", "D", "H", "T")))
    if large:
        sizes[large] = draw(st.integers(1, {"N": 24, "T": 24, "D": 40, "H": 40}[large]))
    return _classification(draw, sizes, draw(_STATES), 1.0, 0.5)


_LONG = [Classification(1, 51, 1, 1, 2, layers, seed=seed) for layers in (1, 2) for seed in (0, 1)]


@_family("long_classifications", _LONG)
def long_classifications(draw: st.DrawFn) -> Classification:
    """A sequence of 51 to 64 steps through one or two small layers."""
    sizes: dict[str, Any] = {"N": draw(st.integers(1, 3)), "T": draw(st.integers(51, 64)), "D": draw(st.integers(1, 3))}
    sizes |= {"H": draw(st.integers(1, 4)), "C": draw(st.integers(2, 4)), "L": draw(st.integers(1, 2))}
    return _classification(draw, sizes, draw(_STATES), 1.0, 0.8)


STEEP = 32.0  # how many times larger than usual the output layer's weights are
_STEEP = [
    Classification(*sizes, 2, layers, steepness=STEEP) for sizes in ((1, 1, 1, 1), (1, 2, 1, 1)) for layers in (1, 2)
]


@_family("steep_classifications", _STEEP)
def steep_classifications(draw: st.DrawFn) -> Classification:
    """A short sequence whose output layer has large weights, so that what flows back is large."""
    sizes: dict[str, Any] = {"N": draw(st.integers(2, 4)), "T": draw(st.integers(1, 4)), "D": draw(st.integers(1, 4))}
    sizes |= {"H": draw(st.integers(1, 4)), "C": draw(st.integers(3, 5)), "L": draw(st.integers(1, 3))}
    return Classification(**sizes, state=draw(_STATES), steepness=STEEP, seed=draw(SEEDS))


@_family("two_layer_classifications", [case for case in _CLASSIFICATIONS if case.L == 2])
def two_layer_classifications(draw: st.DrawFn) -> Classification:
    """A short sequence through two layers."""
    small = st.integers(1, 4)
    sizes: dict[str, Any] = {"N": draw(small), "T": draw(small), "D": draw(small), "H": draw(small)}
    return _classification(draw, sizes | {"C": draw(st.integers(2, 4)), "L": 2}, draw(_STATES), 1.0)


@_family("cut_classifications", [case for case in _CLASSIFICATIONS if case.T > 1 and case.state == "given"])
def cut_classifications(draw: st.DrawFn) -> Classification:
    """A sequence of two steps or more, to be cut in two."""
    sizes: dict[str, Any] = {"N": draw(st.integers(1, 4)), "T": draw(st.integers(2, 12)), "D": draw(st.integers(1, 4))}
    sizes |= {"H": draw(st.integers(1, 6)), "C": draw(st.integers(2, 5)), "L": draw(st.integers(1, 4))}
    return _classification(draw, sizes, "given", 1.0, 0.5)


@_family(
    "classification_points",
    [
        Classification(*sizes, scale=0.5)
        for sizes in ((1, 1, 1, 1, 2, 1), (1, 2, 1, 1, 2, 1), (1, 1, 1, 1, 2, 2), (2, 2, 1, 2, 2, 2))
    ],
)
def classification_points(draw: st.DrawFn) -> Classification:
    """A small sequence of moderate size, where central differences are accurate."""
    sizes: dict[str, Any] = {name: draw(st.integers(1, 3)) for name in "NTDH"}
    sizes |= {"C": draw(st.integers(2, 3)), "L": draw(st.integers(1, 3))}
    return Classification(**sizes, scale=0.5, seed=draw(SEEDS))


# The gated recurrent unit

_GRU_SIZES = ((1, 1), (1, 2), (2, 1), (2, 2))
_GRU_STEPS = _simple(GRUStep, *_GRU_SIZES)


@_family("gru_steps", _GRU_STEPS)
def gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step at any size."""
    sizes = _one_large(draw, "DH", {"D": 512, "H": 200})
    return GRUStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family("flat_gru_steps", [case for case in _GRU_STEPS if 1 in (case.D, case.H)])
def flat_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step with H or D of one."""
    sizes: dict[str, Any] = {"D": draw(st.integers(1, 20)), "H": draw(st.integers(1, 20))}
    sizes[draw(st.sampled_from("HD"))] = 1
    return GRUStep(**sizes, **_random(draw, 1.0, 0.5, 2.0))


@_family("saturated_gru_steps", [GRUStep(1, H, numbers="random", scale=6.0, seed=s) for H in (1, 2) for s in (0, 1)])
def saturated_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step whose pre-activations go up to about 50 in absolute value."""
    return GRUStep(
        draw(SIZES), draw(st.integers(2, 8)), scale=draw(st.sampled_from((6.0, 9.0, 12.0))), seed=draw(SEEDS)
    )


@_family("wide_gru_steps", _simple(GRUStep, (1, 33), (1, 65), (257, 1)))
def wide_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step with H past 32 or past 64, or with D past 256."""
    large = draw(st.sampled_from("DDHWW"))
    D = draw(st.integers(257, 300) if large == "D" else SIZES)
    H = draw({"D": SIZES, "H": st.integers(33, 63), "W": st.integers(65, 95)}[large])
    return GRUStep(D, H, **_random(draw, 1.0))


@_family("first_gru_steps", _simple(GRUStep, *_GRU_SIZES, family="zero state"))
def first_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step from a state of zeros."""
    return GRUStep(draw(st.integers(1, 12)), draw(st.integers(1, 12)), family="zero state", **_random(draw, 1.0, 2.0))


_TORCH_LIKE = ("zero state", "diagonal", "equal rows")


@_family("torch_like_gru_steps", [case for f in _TORCH_LIKE for case in _simple(GRUStep, *_GRU_SIZES, family=f)])
def torch_like_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step where the homework's unit and torch.nn.GRUCell are the same function."""
    family = draw(st.sampled_from((*_TORCH_LIKE, "general")))
    H = 1 if family == "general" else draw(st.integers(1, 24))
    return GRUStep(draw(st.integers(1, 24)), H, family=family, **_random(draw, 1.0, 2.0))


@_family("closed_gru_steps", _simple(GRUStep, *_GRU_SIZES, family="closed"))
def closed_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step with an update gate of zero."""
    return GRUStep(draw(st.integers(1, 12)), draw(st.integers(1, 12)), family="closed", **_random(draw, 1.0, 2.0))


@_family("open_gru_steps", _simple(GRUStep, *_GRU_SIZES, family="open"))
def open_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step with an update gate of one."""
    return GRUStep(draw(st.integers(1, 12)), draw(st.integers(1, 12)), family="open", **_random(draw, 1.0, 2.0))


@_family("gru_sequences", _simple(GRUSequence, (1, 1, 1), (1, 1, 2), (2, 1, 2), (1, 2, 3)))
def gru_sequences(draw: st.DrawFn) -> GRUSequence:
    """Several steps, one after the other."""
    sizes = _one_large(draw, "DHT", {"D": 64, "H": 40, "T": 40})
    return GRUSequence(**sizes, **_random(draw, 1.0, 0.5))


@_family("gru_points", [GRUStep(*sizes, scale=0.5) for sizes in _GRU_SIZES])
def gru_points(draw: st.DrawFn) -> GRUStep:
    """One small step of moderate size, where central differences are accurate; a lone unit may hardly use its gates."""
    return GRUStep(draw(st.integers(2, 6)), draw(st.integers(2, 6)), scale=0.5, seed=draw(SEEDS))


@_family("overflowing_gru_steps", [GRUStep(1, H, scale=scale) for H in (1, 2) for scale in (600.0, 1500.0)])
def overflowing_gru_steps(draw: st.DrawFn) -> GRUStep:
    """One step whose pre-activations go up to some thousands."""
    return GRUStep(draw(SIZES), draw(SIZES), scale=draw(st.sampled_from((600.0, 1500.0))), seed=draw(SEEDS))


# The character predictor

_PREDICTIONS = _simple(Prediction, (1, 1, 1, 1), (1, 1, 2, 1), (1, 1, 1, 2), (2, 1, 2, 2), (1, 2, 2, 2), (2, 2, 1, 3))


@_family("predictions", _PREDICTIONS)
def predictions(draw: st.DrawFn) -> Prediction:
    """A sequence of one to forty inputs."""
    small = st.integers(1, 5)
    sizes: dict[str, Any] = {"D": draw(small), "H": draw(small), "C": draw(small), "T": draw(small)}
    large = draw(st.sampled_from(("", "D", "H", "C", "T", "T")))
    if large:
        sizes[large] = draw(st.integers(1, {"D": 64, "H": 48, "C": 40, "T": 40}[large]))
    return Prediction(**sizes, **_random(draw, 1.0, 0.5))


@_family("long_predictions", [Prediction(1, 1, 1, 33, seed=seed) for seed in (0, 1)])
def long_predictions(draw: st.DrawFn) -> Prediction:
    """A sequence of 33 to 64 inputs."""
    small = st.integers(1, 4)
    return Prediction(draw(small), draw(small), draw(small), draw(st.integers(33, 64)), **_random(draw, 1.0, 0.5))
