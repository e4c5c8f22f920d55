"""The model solution: what it promises beyond the homework's properties."""

import inspect
import warnings

import numpy as np
import pytest
import torch

from properties.cases import Classification, GRUStep, RNNStep
from properties.hand_in import MODEL_SOLUTION
from properties.interpreter.loader import HandInModules

EXACT = 1e-14  # a few roundings of values of unit size
HUGE = np.array([0.0, 1.0, -1.0, 37.0, -37.0, 710.0, -710.0, 746.0, -746.0, 1e8, -1e8, 1e308, -1e308, 5e-324])


@pytest.fixture(scope="module")
def impl():
    """Gives the model solution's class or module attribute, and has warnings raise."""
    with HandInModules(MODEL_SOLUTION, {}, {}) as modules, warnings.catch_warnings():
        warnings.simplefilter("error")

        def find(name):
            if name in ("Sigmoid", "Tanh", "Linear", "SoftmaxCrossEntropy"):
                module = {"Linear": "linear", "SoftmaxCrossEntropy": "loss"}.get(name, "activation")
                return getattr(__import__(module), name)
            return modules.find(name)

        yield find


def rnn_cell(impl, case):
    cell = impl("RNN_Cell")(case.D, case.H)
    cell.init_weights(*(np.array(array) for array in case.weights))
    return cell


def gru_cell(impl, case):
    cell = impl("GRU_Cell")(case.D, case.H)
    cell.init_weights(*(np.array(array) for array in case.weights))
    return cell


def classifier(impl, case):
    net = impl("RNN_Phoneme_Classifier")(case.D, case.H, case.C, case.L)
    net.init_weights(case.layers, [case["W"], case["b"]])
    return net


def gradients(thing):
    """A copy of every gradient that an object holds, and those of its cells and its output layer."""
    parts = [*getattr(thing, "rnn", [thing]), *([thing.output_layer] if hasattr(thing, "output_layer") else [])]
    return [np.array(value) for part in parts for name, value in vars(part).items() if name[:2] in ("dW", "db")]


RNN = RNNStep(3, 2, 4, seed=1)
GRU = GRUStep(3, 4, seed=1)
NET = Classification(2, 3, 4, 5, 3, 3, seed=1)


def test_the_sigmoid_neither_overflows_nor_warns(impl):
    """sigmoid and its derivative are right for any finite input, to the last bits."""
    sigmoid = impl("Sigmoid")()
    expected = torch.sigmoid(torch.tensor(HUGE)).numpy()

    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(sigmoid(HUGE), expected, rtol=EXACT, atol=np.finfo(float).tiny)
        np.testing.assert_allclose(sigmoid.derivative(), expected * (1 - expected), rtol=EXACT, atol=EXACT)


def test_the_tanh_and_its_derivative(impl):
    """tanh's derivative is that at the stored output, or at the output that is given."""
    tanh = impl("Tanh")()
    state = tanh(np.array([0.0, 0.5, -30.0]))

    np.testing.assert_allclose(tanh.derivative(), 1 - np.tanh([0.0, 0.5, -30.0]) ** 2, atol=EXACT)
    np.testing.assert_array_equal(tanh.derivative(state=np.array([0.5])), [0.75])
    np.testing.assert_array_equal(tanh.state, state)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e300])
def test_the_loss_is_torchs_in_nats(impl, scale):
    """Loss and derivative are torch's cross-entropy, one for each sample, and neither overflow nor warn."""
    random = np.random.default_rng(0)
    logits, labels = scale * random.standard_normal((4, 3)), random.integers(3, size=4)
    loss = impl("SoftmaxCrossEntropy")()
    leaf = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(leaf, torch.tensor(labels), reduction="none")
    expected.sum().backward()

    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(loss(logits, np.eye(3)[labels]), expected.detach(), rtol=EXACT, atol=EXACT)
        np.testing.assert_allclose(loss.derivative(), leaf.grad, rtol=0, atol=EXACT)


def test_the_linear_layer_is_torchs_with_batch_means(impl):
    """Linear is torch.nn.Linear; dW and db are means over the batch, and what comes back is not averaged."""
    random = np.random.default_rng(0)
    x, W, b, delta = (random.standard_normal(shape) for shape in ((5, 3), (2, 3), (2,), (5, 2)))
    layer = impl("Linear")(3, 2)
    layer.init_weights(W, b)
    theirs = torch.nn.Linear(3, 2, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(W))
        theirs.bias.copy_(torch.tensor(b))
    leaf = torch.tensor(x, requires_grad=True)
    y = theirs(leaf)
    y.backward(torch.tensor(delta))

    np.testing.assert_allclose(layer(x), y.detach(), atol=EXACT)
    np.testing.assert_allclose(layer.backward(delta), leaf.grad, atol=EXACT)
    np.testing.assert_allclose(layer.dW, theirs.weight.grad / 5, atol=EXACT)
    np.testing.assert_allclose(layer.db, theirs.bias.grad / 5, atol=EXACT)


def test_gradients_of_the_cells_accumulate_until_cleared(impl):
    """Two backward calls give twice the gradients of one, and zero_grad gives zeros."""
    rnn, gru = rnn_cell(impl, RNN), gru_cell(impl, GRU)
    steps = {
        rnn: lambda: rnn.backward(RNN["delta"], RNN["h_t"], RNN["x"], RNN["h"]),
        gru: lambda: (gru.forward(GRU["x"], GRU["h"]), gru.backward(GRU["delta"])),
    }
    for cell, step in steps.items():
        step()
        once = gradients(cell)
        step()
        for first, both in zip(once, gradients(cell), strict=True):
            assert np.abs(first).max() > 0
            np.testing.assert_allclose(both, 2 * first, rtol=EXACT)
        cell.zero_grad()

        assert not any(gradient.any() for gradient in gradients(cell))


def test_a_classifier_can_be_used_again(impl):
    """After another sequence and zero_grad of the cells a classifier gives what a fresh one gives."""
    fresh, used = classifier(impl, NET), classifier(impl, NET)
    other = Classification(3, 5, 4, 5, 3, 3, seed=2)
    used.forward(other["x"], other["h_0"])
    used.backward(other["delta"])
    for cell in used.rnn:
        cell.zero_grad()
    results = [
        [net.forward(NET["x"], NET["h_0"]), net.backward(NET["delta"]), *gradients(net)] for net in (fresh, used)
    ]

    for one, again in zip(*results, strict=True):
        np.testing.assert_array_equal(one, again)


def test_arguments_are_left_alone(impl):
    """Everything works on read-only arguments, weights among them, and with one array given twice."""
    net, rnn, gru = classifier(impl, NET), rnn_cell(impl, RNN), gru_cell(impl, GRU)
    assert not NET["x"].flags.writeable

    net.forward(NET["x"], NET["h_0"])
    net.backward(NET["delta"])
    rnn.forward(RNN["x"], RNN["h"])
    rnn.backward(RNN["delta"], RNN["h_t"], RNN["x"], RNN["h"])
    gru.forward(GRU["x"], GRU["h"])
    gru.backward(GRU["delta"])


def test_results_are_arrays_of_their_own(impl):
    """No result and no gradient shares memory with an argument or with another."""
    net = classifier(impl, NET)
    h_0, delta = np.array(NET["h_0"]), np.array(NET["delta"])
    logits, dh_0 = net.forward(NET["x"], h_0), net.backward(delta)
    held = [value for cell in net.rnn for name, value in vars(cell).items() if name[:2] in ("dW", "db")]
    arrays = [h_0, delta, logits, dh_0, *held, net.output_layer.dW, net.output_layer.db]

    pairs = [(i, j) for i in range(len(arrays)) for j in range(i) if np.shares_memory(arrays[i], arrays[j])]
    assert pairs == []


@pytest.mark.parametrize("scale", [1e3, 1e150])
def test_cells_neither_overflow_nor_warn_where_they_saturate(impl, scale):
    """Pre-activations of any finite size give finite states and gradients without a warning."""
    rnn, gru = rnn_cell(impl, RNN), gru_cell(impl, GRU)
    x = np.full(2, scale)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        state = rnn.forward(np.tile(x, (3, 1)), RNN["h"])
        results = [state, *rnn.backward(RNN["delta"], state, np.tile(x, (3, 1)), RNN["h"])]
        results += [gru.forward(np.full(3, scale), GRU["h"]), *gru.backward(GRU["delta"])]

    assert all(np.isfinite(result).all() for result in results)


def test_a_classifier_has_two_layers_unless_told(impl):
    """num_layers is 2 by default, and forward needs no h_0, which then is zeros."""
    net = impl("RNN_Phoneme_Classifier")(4, 5, 3)
    x = np.array(NET["x"])

    assert (len(net.rnn), net.num_layers) == (2, 2)
    np.testing.assert_array_equal(net.forward(x), net.forward(x, np.zeros((2, 2, 5))))


@pytest.mark.parametrize(
    ("name", "method", "parameters"),
    [
        ("RNN_Cell", "__init__", "input_size hidden_size"),
        ("RNN_Cell", "init_weights", "W_ih W_hh b_ih b_hh"),
        ("RNN_Cell", "forward", "x h"),
        ("RNN_Cell", "backward", "delta h h_prev_l h_prev_t"),
        ("RNN_Cell", "zero_grad", ""),
        ("GRU_Cell", "__init__", "in_dim hidden_dim"),
        ("GRU_Cell", "init_weights", "Wzh Wrh Wh Wzx Wrx Wx"),
        ("GRU_Cell", "forward", "x h"),
        ("GRU_Cell", "backward", "delta"),
        ("RNN_Phoneme_Classifier", "__init__", "input_size hidden_size output_size num_layers"),
        ("RNN_Phoneme_Classifier", "forward", "x h_0"),
        ("RNN_Phoneme_Classifier", "backward", "delta"),
        ("CharacterPredictor", "__init__", "input_dim hidden_dim num_classes"),
        ("CharacterPredictor", "init_rnn_weights", "w_hi w_hr w_hn w_ii w_ir w_in"),
        ("CharacterPredictor", "forward", "x h"),
    ],
)
def test_signatures_are_the_homeworks(impl, name, method, parameters):
    """Methods take the homework's arguments, under the homework's names."""
    found = list(inspect.signature(getattr(impl(name), method)).parameters)[1:]

    assert found == parameters.split()


def test_the_model_solution_imports_numpy_and_itself_alone():
    """impl/ can be handed in as it is."""
    own = {file.stem for file in MODEL_SOLUTION.rglob("*.py")}
    lines = [line for file in MODEL_SOLUTION.rglob("*.py") for line in file.read_text(encoding="utf-8").splitlines()]
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}

    assert imported <= own | {"numpy", "sys"}
    assert {"numpy", "linear"} <= imported
