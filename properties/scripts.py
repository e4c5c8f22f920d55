"""Scripts: the calls that a case makes on a hand-in's objects, as lines of Python (properties.interpreter.script).

Each function takes a case and returns its lines. Every object is used for one thing and made anew, because
handed-out code keeps state from one use to the next.
"""

from collections.abc import Iterator

from properties.cases import (
    DELTA_SCALES,
    GRU_WEIGHTS,
    RNN_WEIGHTS,
    Classification,
    GRUSequence,
    GRUStep,
    Prediction,
    RNNSequence,
    RNNStep,
)

Lines = tuple[str, ...]

RNN_GRADIENTS = ("dW_ih", "dW_hh", "db_ih", "db_hh")
GRU_GRADIENTS = ("dWzh", "dWrh", "dWh", "dWzx", "dWrx", "dWx")
DIFFERENCES = ("_plus", "_minus", "_plus32", "_minus32")


# The Elman cell


def _cell(case: RNNStep | RNNSequence, name: str = "cell", **instead: str) -> Lines:
    weights = ", ".join(instead.get(weight, weight) for weight in RNN_WEIGHTS)
    return (f"{name} = RNN_Cell({case.D}, {case.H})", f"{name}.init_weights({weights})")


def rnn_forward(case: RNNStep) -> Lines:
    return (*_cell(case), "h_t = cell.forward(x, h)")


def rnn_call(case: RNNStep) -> Lines:
    return (*_cell(case), "h_t = cell.forward(x, h)", *_cell(case, "cell_2"), "h_t_called = cell_2(x, h)")


def rnn_strided(case: RNNStep) -> Lines:
    return (*_cell(case), "h_t = cell.forward(strided(x), strided(h))")


def rnn_frozen(case: RNNStep) -> Lines:
    return (*_cell(case), "h_t = cell.forward(frozen(x), frozen(h))")


def rnn_permuted(case: RNNStep) -> Lines:
    return (*rnn_forward(case), "h_t_permuted = cell.forward(x_permuted, h_permuted)")


def rnn_rows(case: RNNStep) -> Lines:
    return (
        *rnn_forward(case),
        "h_t_mixed = cell.forward(x_mixed, h_mixed)",
        "h_t_row = cell.forward(x_row, h_row)",
    )


def rnn_new_weights(case: RNNStep) -> Lines:
    second = ", ".join(f"{weight}_2" for weight in RNN_WEIGHTS)
    return (*rnn_forward(case), f"cell.init_weights({second})", "h_t_2 = cell.forward(x, h)")


def rnn_unrolled(case: RNNSequence) -> Lines:
    steps = (f"h_{t} = cell.forward(x_{t}, {'h' if t == 1 else f'h_{t - 1}'})" for t in range(1, case.T + 1))
    return (*_cell(case), *steps)


# A forward comes before each backward, as in use; but backward is told all that it needs, so a forward that
# fails must not stop it: its result is given a name of its own, and its fault goes there.
def _rnn_backward(
    delta: str = "delta", cell: str = "cell", suffix: str = "", given: str = "h_t, x, h"
) -> Iterator[str]:
    yield f"dx{suffix}, dh{suffix} = {cell}.backward({delta}, {given})"
    yield from (f"{gradient}{suffix} = {cell}.{gradient}" for gradient in RNN_GRADIENTS)


def rnn_backward(case: RNNStep) -> Lines:
    return (*_cell(case), "forwarded = cell.forward(x, h)", *_rnn_backward())


def rnn_backward_elsewhere(case: RNNStep) -> Lines:
    """backward after an unrelated forward of another batch."""
    return (*_cell(case), "forwarded = cell.forward(x, h)", "unrelated = cell.forward(x_2, h_2)", *_rnn_backward())


def rnn_backward_scaled(case: RNNStep) -> Lines:
    """backward of delta, of delta_2, of their sum, and of delta times each of DELTA_SCALES, each on a fresh cell."""
    lines: list[str] = []
    for delta in ("delta", "delta_2", "delta_sum", *DELTA_SCALES):
        cell = delta.replace("delta", "cell")
        lines += [
            *_cell(case, cell),
            f"forwarded = {cell}.forward(x, h)",
            *_rnn_backward(delta, cell, delta.removeprefix("delta")),
        ]
    return tuple(lines)


def rnn_backward_twice(case: RNNStep) -> Lines:
    """backward of delta, of delta_2, and of one after the other on one cell."""
    return (
        *_cell(case), "forwarded = cell.forward(x, h)", *_rnn_backward(),
        *_cell(case, "cell_2"), "forwarded = cell_2.forward(x, h)", *_rnn_backward("delta_2", "cell_2", "_2"),
        *_cell(case, "cell_3"), "forwarded = cell_3.forward(x, h)", *_rnn_backward("delta", "cell_3", "_first"),
        *_rnn_backward("delta_2", "cell_3", "_both"),
    )  # fmt: skip


def rnn_backward_cleared(case: RNNStep) -> Lines:
    """backward of delta_2, zero_grad, backward of delta; and backward of delta alone."""
    return (
        *_cell(case), "forwarded = cell.forward(x, h)", *_rnn_backward(),
        *_cell(case, "cell_2"), "forwarded = cell_2.forward(x, h)", *_rnn_backward("delta_2", "cell_2", "_before"),
        "cell_2.zero_grad()", *_rnn_backward("delta", "cell_2", "_cleared"),
    )  # fmt: skip


def rnn_differences(case: RNNStep) -> Lines:
    """backward at the cell's own state, and forward a small step to either side in each input and weight."""
    lines = [*_cell(case), "own = cell.forward(x, h)", *_rnn_backward(given="own, x, h")]
    for name in ("x", "h", *RNN_WEIGHTS):
        for side in DIFFERENCES:
            moved, cell = f"{name}{side}", f"cell_{name}{side}"
            given = ", ".join(moved if name == argument else argument for argument in ("x", "h"))
            lines += [*_cell(case, cell, **{name: moved}), f"f_{moved} = {cell}.forward({given})"]
    return tuple(lines)


# The classifier


def _classifier(case: Classification, name: str = "net", instead: str = "", by: str = "") -> Lines:
    def named(weight: str) -> str:
        return by if weight == instead else weight

    layers = ", ".join(
        f"[{', '.join(named(f'{weight}_{layer}') for weight in RNN_WEIGHTS)}]" for layer in range(case.L)
    )
    return (
        f"{name} = RNN_Phoneme_Classifier({case.D}, {case.H}, {case.C}, {case.L})",
        f"{name}.init_weights([{layers}], [{named('W')}, {named('b')}])",
    )


def _state(case: Classification) -> str:
    return ", h_0" if case.state == "given" else ""


def classifier_forward(case: Classification) -> Lines:
    return (*_classifier(case), f"logits = net.forward(x{_state(case)})")


def classifier_by_default(case: Classification) -> Lines:
    """A classifier that is not told how many layers it has."""
    make, *rest = classifier_forward(case)
    return (make.replace(f", {case.L})", ")"), *rest)


def classifier_second_half(case: Classification) -> Lines:
    return (*_classifier(case), "logits = net.forward(x_second, h_middle)")


def classifier_backward(case: Classification) -> Lines:
    gradients = (
        f"{gradient}_{layer} = net.rnn[{layer}].{gradient}" for layer in range(case.L) for gradient in RNN_GRADIENTS
    )
    return (
        *classifier_forward(case),
        "dh_0 = net.backward(delta)",
        *gradients,
        "dW = net.output_layer.dW",
        "db = net.output_layer.db",
    )


def classifier_twice(case: Classification) -> Lines:
    """A second use of one classifier, after a sequence of another length and a zero_grad of each cell."""
    clear = (f"net.rnn[{layer}].zero_grad()" for layer in range(case.L))
    return (
        *_classifier(case),
        "logits_before = net.forward(x_second, h_middle)",
        "dh_0_before = net.backward(delta)",
        *clear,
        *classifier_backward(case)[2:],
    )


def classifier_differences(case: Classification) -> Lines:
    """backward, and forward a small step to either side in h_0 and in each weight."""
    lines = list(classifier_backward(case))
    weights = [f"{weight}_{layer}" for layer in range(case.L) for weight in RNN_WEIGHTS]
    for name in ("h_0", *weights, "W", "b"):
        for side in DIFFERENCES:
            moved, net = f"{name}{side}", f"net_{name}{side}"
            state = moved if name == "h_0" else "h_0"
            lines += [*_classifier(case, net, name, moved), f"f_{moved} = {net}.forward(x, {state})"]
    return tuple(lines)


# The gated recurrent unit


def _gru(case: GRUStep | GRUSequence, name: str = "cell", **instead: str) -> Lines:
    weights = ", ".join(instead.get(weight, weight) for weight in GRU_WEIGHTS)
    return (f"{name} = GRU_Cell({case.D}, {case.H})", f"{name}.init_weights({weights})")


def gru_forward(case: GRUStep) -> Lines:
    return (*_gru(case), "h_t = cell.forward(x, h)")


def gru_frozen(case: GRUStep) -> Lines:
    return (*_gru(case), "h_t = cell.forward(frozen(x), frozen(h))")


def gru_new_weights(case: GRUStep) -> Lines:
    second = ", ".join(f"{weight}_2" for weight in GRU_WEIGHTS)
    return (*gru_forward(case), f"cell.init_weights({second})", "h_t_2 = cell.forward(x, h)")


def gru_unrolled(case: GRUSequence) -> Lines:
    steps = (f"h_{t} = cell.forward(x_{t}, {'h' if t == 1 else f'h_{t - 1}'})" for t in range(1, case.T + 1))
    return (*_gru(case), *steps)


def _gru_backward(delta: str = "delta", cell: str = "cell", suffix: str = "") -> Iterator[str]:
    yield f"dx{suffix}, dh{suffix} = {cell}.backward({delta})"
    yield from (f"{gradient}{suffix} = {cell}.{gradient}" for gradient in GRU_GRADIENTS)


def gru_backward(case: GRUStep) -> Lines:
    return (*_gru(case), "cell.forward(x, h)", *_gru_backward())


def gru_backward_flat(case: GRUStep) -> Lines:
    return (*_gru(case), "cell.forward(x, h)", *_gru_backward("delta_flat"))


def gru_backward_scaled(case: GRUStep) -> Lines:
    """backward of delta, of delta_2, of their sum, and of delta times each of DELTA_SCALES, each on a fresh cell."""
    lines: list[str] = []
    for delta in ("delta", "delta_2", "delta_sum", *DELTA_SCALES):
        cell = delta.replace("delta", "cell")
        lines += [*_gru(case, cell), f"{cell}.forward(x, h)", *_gru_backward(delta, cell, delta.removeprefix("delta"))]
    return tuple(lines)


def gru_backward_twice(case: GRUStep) -> Lines:
    """Two steps on one cell: forward and backward, then forward and backward of another delta."""
    return (
        *_gru(case), "cell.forward(x, h)", *_gru_backward(),
        *_gru(case, "cell_2"), "cell_2.forward(x, h)", *_gru_backward("delta_2", "cell_2", "_2"),
        *_gru(case, "cell_3"), "cell_3.forward(x, h)", *_gru_backward("delta", "cell_3", "_first"),
        "cell_3.forward(x, h)", *_gru_backward("delta_2", "cell_3", "_both"),
    )  # fmt: skip


def gru_differences(case: GRUStep) -> Lines:
    """backward, and forward a small step to either side in each input and weight."""
    lines = list(gru_backward(case))
    for name in ("x", "h", *GRU_WEIGHTS):
        for side in DIFFERENCES:
            moved, cell = f"{name}{side}", f"cell_{name}{side}"
            given = ", ".join(moved if name == argument else argument for argument in ("x", "h"))
            lines += [*_gru(case, cell, **{name: moved}), f"f_{moved} = {cell}.forward({given})"]
    return tuple(lines)


# The character predictor


def _predictor(case: Prediction, name: str = "net", suffix: str = "") -> Lines:
    weights = ", ".join(f"{weight}{suffix}" for weight in GRU_WEIGHTS)
    return (
        f"{name} = CharacterPredictor({case.D}, {case.H}, {case.C})",
        f"{name}.init_rnn_weights({weights})",
        f"linear = projection({name}, {case.C}, {case.H})",
        f"linear.init_weights(W{suffix}, b{suffix})",
    )


def predictor_forward(case: Prediction) -> Lines:
    return (*_predictor(case), "logits, h_next = net.forward(x_1, h)")


def predictor_inference(case: Prediction) -> Lines:
    return (*_predictor(case), "logits = inference(net, inputs)")


def predictor_by_hand(case: Prediction) -> Lines:
    """inference, and the same steps with forward, each from the state that the one before returned."""
    steps = (
        f"logits_{t}, h_{t} = net_2.forward(x_{t}, {'h_zero' if t == 1 else f'h_{t - 1}'})"
        for t in range(1, case.T + 1)
    )
    return (*predictor_inference(case), *_predictor(case, "net_2"), *steps)


def predictor_twice(case: Prediction) -> Lines:
    return (*predictor_inference(case), "logits_again = inference(net, inputs)")


def predictor_prefix(case: Prediction) -> Lines:
    return (*predictor_inference(case), *_predictor(case, "net_2"), "logits_prefix = inference(net_2, inputs_prefix)")


def predictor_new_weights(case: Prediction) -> Lines:
    weights = ", ".join(f"{weight}_2" for weight in GRU_WEIGHTS)
    return (
        *predictor_inference(case),
        f"net.init_rnn_weights({weights})",
        "linear.init_weights(W_2, b_2)",
        "logits_2 = inference(net, inputs)",
    )
