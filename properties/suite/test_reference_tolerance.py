"""The tolerance keeps both of its promises: right code of any kind is inside, one element slightly off is outside."""

import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import gru, rnn, tolerance, twins
from reference.gru import GRUWeights
from reference.rnn import RNNWeights

U = tolerance.unit_roundoff(np.float64)
U_FLOAT32 = tolerance.unit_roundoff(np.float32)
UNUSED = 0.5  # of the bound, at least this much stays unused by right computations
VISIBLE = 1e-8  # an error of this share of an array's largest value is seen in ordinary cases


class Case(NamedTuple):
    """One set of arrays for all that the oracles compute; delta (N, H) for a step, labels (N,) for the classifier."""

    x: np.ndarray
    h_0: np.ndarray
    delta: np.ndarray
    layers: tuple
    W: np.ndarray
    b: np.ndarray
    labels: np.ndarray
    gates: GRUWeights


def case_of(N, T, D, H, L, C, scale, seed):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return scale * rng.standard_normal(shape)

    layers = tuple(RNNWeights(draw(H, H if level else D), draw(H, H), draw(H), draw(H)) for level in range(L))
    gates = GRUWeights(*(draw(H, columns) for columns in (H, H, H, D, D, D)))
    x, h_0 = rng.standard_normal((N, T, D)), np.tanh(rng.standard_normal((L, N, H)))
    delta, labels = rng.standard_normal((N, H)), rng.integers(0, C, N)
    return Case(x, h_0, delta, layers, draw(C, H), draw(C), labels, gates)


sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([0.1, 0.3, 0.6])
classes = st.integers(2, 5)  # a single class has delta = 0, and nothing to be off by
ordinary_cases = st.builds(case_of, sizes, sizes, sizes, sizes, st.integers(1, 3), classes, scales, seeds)
saturated_cases = st.builds(case_of, sizes, st.integers(1, 3), sizes, sizes, st.just(1), classes, st.just(4.0), seeds)


def expected(case):
    """Every quantity that torch computes, by name."""
    first, h = case.layers[0], case.h_0[0]
    step = rnn.step_gradients(case.delta, case.x[:, 0], h, first)
    batch = rnn.classify(case.x, case.h_0, case.layers, case.W, case.b, case.labels)
    return {
        "h_t": rnn.state(case.x[:, 0], h, first),
        "states": rnn.states(case.x.swapaxes(0, 1), h, first),
        "last_states": rnn.last_states(case.x, case.h_0, case.layers),
        **named("step", step._asdict()),
        **named("classify", flat(batch)),
        "gru_states": gru.states(case.x[0], h[0], case.gates),
        "gru_logits": gru.logits(case.x[0], case.gates, case.W, case.b),
        **named("gru", gru.gradients(case.delta[:1], case.x[0, 0], h[0], case.gates)._asdict()),
    }


def perturbed(case, u):
    """The twins of every quantity, under the names of `expected`."""
    first, h = case.layers[0], case.h_0[0]
    batch = rnn.classify(case.x, case.h_0, case.layers, case.W, case.b, case.labels)
    return {
        **twins.rnn_step(case.x[:, 0], h, first, u),
        **twins.rnn_states(case.x.swapaxes(0, 1), h, first, u),
        **twins.last_states(case.x, case.h_0, case.layers, u),
        **named("step", twins.rnn_step_gradients(case.delta, case.x[:, 0], h, first, u)),
        **named("classify", twins.classify(case.x, case.h_0, case.layers, case.W, case.b, batch.delta, u)),
        "gru_states": twins.gru_states(case.x[0], h[0], case.gates, u)["states"],
        "gru_logits": twins.gru_logits(case.x[0], case.gates, case.W, case.b, u)["logits"],
        **named("gru", twins.gru_gradients(case.delta[:1], case.x[0, 0], h[0], case.gates, u)),
    }


def named(prefix, arrays):
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def flat(batch):
    """A Classification's arrays under the names of twins.classify, but for delta, which backward is handed."""
    arrays = batch._asdict()
    del arrays["delta"]
    layers = {f"{name}.{level}": a for name, v in arrays.items() if isinstance(v, tuple) for level, a in enumerate(v)}
    return layers | {name: value for name, value in arrays.items() if not isinstance(value, tuple)}


class Style(NamedTuple):
    """One right way of computing: a product of matrices, two derivatives of activations, a sigmoid and a blend."""

    product: Callable = np.matmul
    tanh_slope: Callable = lambda h: 1 - h * h
    sigmoid_slope: Callable = lambda z: z * (1 - z)
    sigmoid: Callable = lambda a: 1 / (1 + np.exp(-a))
    blend: Callable = lambda z, h, c: (1 - z) * h + z * c


def one_after_the_other(A, B):
    return np.cumsum(A[:, :, None] * B, axis=1)[:, -1]


def last_to_first(A, B):
    return one_after_the_other(A[:, ::-1], B[::-1])


STYLES = {
    "plain": Style(),
    "einsum": Style(product=lambda A, B: np.einsum("mk,kp->mp", A, B), tanh_slope=lambda h: (1 + h) * (1 - h)),
    "loops": Style(one_after_the_other, lambda h: 1 - h**2, lambda z: z - z * z, blend=lambda z, h, c: h + z * (c - h)),
    "reversed": Style(
        last_to_first,
        lambda h: (1 - h) * (1 + h),
        sigmoid=lambda a: np.exp(np.minimum(a, 0)) / (1 + np.exp(-abs(a))),
        blend=lambda z, h, c: z * c + (h - z * h),
    ),
}


def computed(case, style, dtype=np.float64):
    """Every quantity in this style and dtype, from the equations and sample by sample means."""
    delta = rnn.classify(case.x, case.h_0, case.layers, case.W, case.b, case.labels).delta.astype(dtype)
    case = Case(*(as_dtype(value, dtype) for value in case))
    h, N, T = case.h_0[0], len(case.x), case.x.shape[1]
    every_state = rnn_stack(case, style)
    last = every_state[-1][-1]
    result = {
        "h_t": every_state[0][1],
        "states": np.stack(every_state[0][1:]),
        "last_states": np.stack([states[-1] for states in every_state]),
        **named("step", rnn_backward(case.delta, case.x[:, 0], h, every_state[0][1], case.layers[0], style)),
        "classify.logits": style.product(last, case.W.T) + case.b,
        "classify.dW": style.product(delta.T, last) / dtype(N),
        "classify.db": delta.mean(axis=0),
    }
    above = [np.zeros_like(last) for _ in range(T)]
    above[-1] = style.product(delta, case.W)
    dh_0 = np.empty_like(case.h_0)
    for level in reversed(range(len(case.layers))):
        states, dh = every_state[level], np.zeros_like(last)
        total = {}
        for t in reversed(range(T)):
            x = every_state[level - 1][t + 1] if level else case.x[:, t]
            step = rnn_backward(above[t] + dh, x, states[t], states[t + 1], case.layers[level], style)
            above[t], dh = step.pop("dx"), step.pop("dh")
            total = {name: total.get(name, 0) + value for name, value in step.items()}
        dh_0[level] = dh / dtype(N)
        result |= {f"classify.{name}.{level}": value for name, value in total.items()}
    result["classify.dh_0"] = dh_0
    result["gru_states"] = gru_sequence(case.x[0], h[:1], case.gates, style)
    from_zero = gru_sequence(case.x[0], np.zeros_like(h[:1]), case.gates, style)
    result["gru_logits"] = style.product(from_zero, case.W.T) + case.b
    return result | named("gru", gru_backward(case.delta[:1], case.x[:1, 0], h[:1], case.gates, style))


def as_dtype(value, dtype):
    if isinstance(value, tuple):
        items = [as_dtype(item, dtype) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value.astype(dtype)


def rnn_stack(case, style):
    every_state, below = [], list(case.x.swapaxes(0, 1))
    for h, weights in zip(case.h_0, case.layers, strict=True):
        states = [h]
        for x in below:
            from_x = style.product(x, weights.W_ih.T) + weights.b_ih
            states.append(np.tanh(style.product(states[-1], weights.W_hh.T) + weights.b_hh + from_x))
        every_state.append(states)
        below = states[1:]
    return every_state


def rnn_backward(delta, x, h, h_t, weights, style):
    da, N = delta * style.tanh_slope(h_t), delta.dtype.type(len(x))
    return {
        "dx": style.product(da, weights.W_ih),
        "dh": style.product(da, weights.W_hh),
        "dW_ih": style.product(da.T, x) / N,
        "dW_hh": style.product(da.T, h) / N,
        "db_ih": da.sum(axis=0) / N,
        "db_hh": (da / N).sum(axis=0),
    }


def gru_gates(x, h, weights, style):
    z = style.sigmoid(style.product(h, weights.Wzh.T) + style.product(x, weights.Wzx.T))
    r = style.sigmoid(style.product(h, weights.Wrh.T) + style.product(x, weights.Wrx.T))
    return z, r, np.tanh(style.product(x, weights.Wx.T) + style.product(r * h, weights.Wh.T))


def gru_sequence(inputs, h, weights, style):
    states = []
    for x in inputs:
        z, _, candidate = gru_gates(x[None], h, weights, style)
        h = style.blend(z, h, candidate)
        states.append(h[0])
    return np.stack(states)


def gru_backward(delta, x, h, weights, style):
    z, r, candidate = gru_gates(x, h, weights, style)
    dac = z * delta * style.tanh_slope(candidate)
    daz = (delta * candidate - delta * h) * style.sigmoid_slope(z)
    d_reset = style.product(dac, weights.Wh)
    dar = style.sigmoid_slope(r) * (d_reset * h)
    products = {name: style.product(da, getattr(weights, f"W{name}")) for name, da in gate_inputs(daz, dar, dac)}
    return {
        "dx": products["zx"] + products["rx"] + products["x"],
        "dh": products["zh"] + products["rh"] + d_reset * r + (delta - delta * z),
        "dWzh": style.product(daz.T, h),
        "dWrh": style.product(dar.T, h),
        "dWh": style.product(dac.T, r * h),
        "dWzx": style.product(daz.T, x),
        "dWrx": style.product(dar.T, x),
        "dWx": style.product(dac.T, x),
    }


def gate_inputs(daz, dar, dac):
    return ("zx", daz), ("rx", dar), ("x", dac), ("zh", daz), ("rh", dar)


def shares(results, case, u):
    """The largest error of every quantity, in units of its bound."""
    oracle, runs = expected(case), perturbed(case, u)
    assert results.keys() == oracle.keys() == runs.keys()
    return {
        name: np.abs(results[name].astype(np.float64) - value).max() / tolerance.bound(runs[name], u)
        for name, value in oracle.items()
    }


def assert_half_unused(results, case, u):
    for name, share in shares(results, case, u).items():
        assert share <= UNUSED, f"{name} is off by {share:.3g} of its bound"


@given(ordinary_cases | saturated_cases)
@settings(deadline=None, max_examples=40)
def test_the_unmoved_twin_is_what_torch_computes(case):
    """Equations and derivatives written by hand agree with torch and autograd, for every quantity and in its shape."""
    runs = perturbed(case, U)

    assert {name: run.shape[1:] for name, run in runs.items()} == {n: v.shape for n, v in expected(case).items()}
    assert_half_unused({name: run[0] for name, run in runs.items()}, case, U)


@pytest.mark.parametrize("style", STYLES)
@given(case=ordinary_cases | saturated_cases)
@settings(deadline=None, max_examples=15)
def test_right_code_is_inside(style, case):
    """Another order of summation, another form of a derivative, sigmoid or blend stays below half of the bound."""
    assert_half_unused(computed(case, STYLES[style]), case, U)


@pytest.mark.parametrize("style", STYLES)
@given(case=ordinary_cases | saturated_cases)
@settings(deadline=None, max_examples=15)
def test_right_code_in_float32_is_inside_by_its_own_roundoff(style, case):
    """A float32 computation, judged with float32's u, stays below half of the bound."""
    assert_half_unused(computed(case, STYLES[style], np.float32), case, U_FLOAT32)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "case",
    [
        case_of(N=1, T=1, D=3, H=256, L=1, C=3, scale=0.1, seed=0),
        case_of(N=1, T=64, D=3, H=5, L=1, C=3, scale=0.3, seed=0),
        case_of(N=2, T=4, D=3, H=5, L=6, C=3, scale=0.5, seed=0),
        case_of(N=64, T=2, D=3, H=5, L=2, C=3, scale=0.5, seed=0),
        case_of(N=2, T=2, D=256, H=5, L=1, C=3, scale=0.2, seed=0),
    ],
    ids=["many units", "many steps", "many layers", "many samples", "many inputs"],
)
def test_right_code_of_any_size_is_inside(case, style, dtype):
    """With one dimension large, in either precision, right code stays below half of the bound."""
    assert_half_unused(computed(case, STYLES[style], dtype), case, tolerance.unit_roundoff(dtype))


@given(ordinary_cases, seeds)
@settings(deadline=None, max_examples=40)
def test_one_element_slightly_off_is_outside(case, seed):
    """One element off by 1e-8 of its array's largest is wrong in double precision."""
    oracle, runs, rng = expected(case), perturbed(case, U), np.random.default_rng(seed)
    for name, value in oracle.items():
        result = runs[name][0].copy()
        result.flat[rng.integers(result.size)] += VISIBLE * np.abs(value).max()
        assert not (np.abs(result - value).max() <= tolerance.bound(runs[name], U)), name


def test_float32_work_handed_back_as_float64_is_outside():
    """The dtype of the result decides: what float32 lost is not excused by a cast."""
    case = case_of(N=3, T=4, D=2, H=5, L=2, C=3, scale=0.3, seed=0)

    assert min(shares(computed(case, STYLES["plain"], np.float32), case, U).values()) > 1


def test_twins_are_a_function_of_their_arguments():
    """Two calls move alike, and the arguments keep their values."""
    case, fresh = (case_of(N=2, T=3, D=2, H=3, L=2, C=3, scale=0.5, seed=0) for _ in range(2))
    first, second = perturbed(case, U), perturbed(case, U)

    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert np.array_equal(case.x, fresh.x)
    assert np.array_equal(case.layers[1].W_hh, fresh.layers[1].W_hh)


def test_states_move_by_their_full_size():
    """With weights of zero a state is nothing but its move, + or - MOVE * u, and all eight twins have their own."""
    weights = RNNWeights(np.zeros((40, 2)), np.zeros((40, 40)), np.zeros(40), np.zeros(40))

    h_t = twins.rnn_step(np.ones((1, 2)), np.ones((1, 40)), weights, U)["h_t"]

    assert h_t.shape == (1 + tolerance.TWINS, 1, 40)
    assert np.array_equal(h_t[0], np.zeros((1, 40)))
    assert np.array_equal(np.unique(h_t[1:]), [-tolerance.MOVE * U, tolerance.MOVE * U])
    assert len(np.unique(h_t[1:, 0], axis=0)) == tolerance.TWINS


def test_moves_go_on_past_the_end_of_the_table():
    """An array longer than the table of signs is moved everywhere, and no two of its twins alike."""
    wide = 1_100_003 // tolerance.TWINS
    weights = RNNWeights(np.zeros((wide, 1)), np.zeros((wide, 0)), np.zeros(wide), np.zeros(wide))

    h_t = twins.rnn_step(np.zeros((1, 1)), np.zeros((1, 0)), weights, U)["h_t"]

    assert np.all(np.abs(h_t[1:]) == tolerance.MOVE * U)
    assert len(np.unique(h_t[1:, 0, :64], axis=0)) == tolerance.TWINS


def test_a_state_that_backward_is_told_counts():
    """rnn_step_gradients uses the h_t it is given; the slope at a state of one is zero but for its move."""
    case = case_of(N=2, T=1, D=2, H=3, L=1, C=2, scale=0.5, seed=0)
    told = twins.rnn_step_gradients(case.delta, case.x[:, 0], case.h_0[0], case.layers[0], U, np.ones((2, 3)))

    assert all(np.all(value[0] == 0) for value in told.values())
    assert all(0 < np.abs(value[1:]).max() < 1e-12 for value in told.values())


def test_the_bound_is_the_spread_and_the_floor():
    """MARGIN times the largest move away from run 0 plus FLOOR u times its largest value."""
    runs = np.zeros((1 + tolerance.TWINS, 2))
    runs[:, 1] = -3.0
    runs[5, 0] = 2.0**-40

    assert tolerance.bound(runs, U) == tolerance.MARGIN * 2.0**-40 + tolerance.FLOOR * U * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_a_dtype_cannot_hold_is_not_asked_of_it(dtype):
    """Results so small that they underflow may be zero; anything larger may not."""
    tiny, u = float(np.finfo(dtype).tiny), tolerance.unit_roundoff(dtype)

    assert tolerance.bound(np.full((1 + tolerance.TWINS, 1), tiny), u) > tiny
    assert tolerance.bound(np.full((1 + tolerance.TWINS, 1), 100 * tiny), u) < 100 * tiny


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("run", [0, 3])
def test_no_error_is_within_a_bound_that_is_not_finite(value, run):
    """A twin that is nan or infinite makes the bound nan, and an infinite bound would excuse everything."""
    runs = np.ones((1 + tolerance.TWINS, 2))
    runs[run, 1] = value

    assert np.isnan(tolerance.bound(runs, U))


@pytest.mark.parametrize("shape", [(), (8, 3), (3,)])
def test_a_bound_needs_all_runs(shape):
    """An array without the axis of runs is refused, with its shape."""
    with pytest.raises(ValueError, match="twins has shape"):
        tolerance.bound(np.ones(shape), U)


def test_unit_roundoff_is_half_of_epsilon():
    """u is half the distance from 1 to the next number, by dtype or name."""
    assert tolerance.unit_roundoff("float64") == np.finfo(np.float64).eps / 2
    assert tolerance.unit_roundoff(np.dtype(np.float32)) == np.finfo(np.float32).eps / 2


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.complex128, np.bool_, object])
def test_other_dtypes_have_no_tolerance(dtype):
    """Results that are neither float64 nor float32 are refused by name."""
    with pytest.raises(TypeError, match=f"dtype is {np.dtype(dtype)}, but a result must be float64 or float32"):
        tolerance.unit_roundoff(dtype)


@pytest.mark.parametrize("module", ["differences", "tolerance", "twins", "weights"])
def test_what_needs_numpy_alone_loads_without_torch(module):
    """These modules load in a fraction of the time that torch takes."""
    code = f"import sys, reference.{module}; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
