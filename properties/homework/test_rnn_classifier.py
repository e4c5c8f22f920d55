"""Step I, RNN Classifier: L Elman layers over T steps and a linear layer on the last state; gradients by BPTT."""

from properties import expected, scripts
from properties.compare import assert_close, assert_derivative, assert_plain_float64, assert_responds, assert_unchanged
from properties.registry import advisory, alternative, condition, required
from properties.stored import stored_classification, stored_classifications
from properties.strategies import (
    classification_points,
    classifications,
    cut_classifications,
    long_classifications,
    steep_classifications,
    two_layer_classifications,
)

STEP = "RNN Classifier"
CELL_GRADIENTS = {"dW_ih": "W_ih", "dW_hh": "W_hh", "db_ih": "b_ih", "db_hh": "b_hh"}
GRADIENTS = ("dh_0", *CELL_GRADIENTS, "dW", "db")
WEIGHTS = {"dh_0": "h_0", **CELL_GRADIENTS, "dW": "W", "db": "b"}


@required(STEP, "forward", cases=stored_classifications, script=scripts.classifier_forward)
def test_logits_equal_the_stored_array(case, seen):
    """The logits are the stored array."""
    assert_close(seen.logits, stored_classification(case)["logits"], "logits")


@required(STEP, "forward", cases=classifications, script=scripts.classifier_forward)
def test_logits_equal_torch(case, seen):
    """The logits are those of torch.nn.RNN and torch.nn.Linear, for one to four layers, with and without h_0."""
    assert_close(seen.logits, expected.classify(case)["logits"], "logits")


@required(STEP, "forward", cases=long_classifications, script=scripts.classifier_forward)
def test_logits_of_a_long_sequence_equal_torch(case, seen):
    """The logits are right after up to 64 steps."""
    assert_close(seen.logits, expected.classify(case)["logits"], "logits")


@required(STEP, "forward", cases=two_layer_classifications, script=scripts.classifier_by_default)
def test_classifier_has_two_layers_by_default(case, seen):
    """A classifier that is not told its num_layers has two."""
    assert_close(seen.logits, expected.classify(case)["logits"], "logits")


@required(STEP, "forward", cases=cut_classifications, script=scripts.classifier_second_half)
def test_second_half_gives_the_logits_of_the_whole(case, seen):
    """The second half of a sequence, started from the state after the first, gives the logits of the whole."""
    assert_close(seen.logits, expected.classify(case)["logits"], "logits of the second half")


@required(STEP, "backward", each=GRADIENTS, cases=stored_classifications, script=scripts.classifier_backward)
def test_gradient_equals_the_stored_array(case, seen, gradient):
    """The gradient is the stored array, in every layer."""
    _assert_gradients_close(case, seen, stored_classification(case), gradient)


@required(STEP, "backward", each=GRADIENTS, cases=classifications, script=scripts.classifier_backward)
def test_gradient_equals_torch(case, seen, gradient):
    """The gradient of the mean loss is that of torch by autograd, in each of one to four layers, h_0 given or not."""
    _assert_gradients_close(case, seen, expected.classify(case), gradient)


@required(STEP, "backward", each=GRADIENTS, cases=long_classifications, script=scripts.classifier_backward)
def test_gradient_of_a_long_sequence_equals_torch(case, seen, gradient):
    """The gradient is right after up to 64 steps."""
    _assert_gradients_close(case, seen, expected.classify(case), gradient)


@alternative(STEP, "backward", each=GRADIENTS, cases=classification_points, script=scripts.classifier_differences)
def test_gradient_is_the_derivative_of_forward(case, seen, gradient):
    """The gradient is the derivative of the classifier's own forward, by central differences."""
    for name in _in_layers(case, gradient):
        weight = name.replace(gradient, WEIGHTS[gradient])
        assert_derivative(seen, case, weight, case.N * seen[name], case["delta"], name)


@condition(STEP, "forward", each=WEIGHTS.values(), cases=classification_points, script=scripts.classifier_differences)
def test_forward_responds(case, seen, name):
    """The classifier's own forward changes with the initial state and each weight."""
    for array in _in_layers(case, name):
        assert_responds(seen, array)


@advisory(STEP, "backward", each=("logits", *GRADIENTS), cases=cut_classifications, script=scripts.classifier_twice)
def test_classifier_can_be_used_again(case, seen, result):
    """A second forward and backward of one classifier, its cells cleared, give what a fresh one gives."""
    _assert_gradients_close(case, seen, expected.classify(case), result)


@advisory(STEP, "forward", cases=classifications, script=scripts.classifier_backward)
def test_classifier_leaves_its_arguments_alone(case, seen):
    """forward and backward change neither x nor h_0 nor delta."""
    assert_unchanged(seen)


@advisory(STEP, "backward", cases=classifications, script=scripts.classifier_backward)
def test_results_are_plain_float64_arrays(case, seen):
    """logits and dh_0 are plain ndarrays of the dtype of the arguments, float64."""
    for name in ("logits", "dh_0"):
        assert_plain_float64(seen, name)


def _assert_gradients_close(case, seen, answers, gradient: str) -> None:
    for name in _in_layers(case, gradient):
        assert_close(seen[name], answers[name], name)


def _in_layers(case, name: str) -> list[str]:
    """The names of an array: one for each layer if it is a cell's, or the name itself."""
    if name in CELL_GRADIENTS or name in CELL_GRADIENTS.values():
        return [f"{name}_{layer}" for layer in range(case.L)]
    return [name]


@required(STEP, "backward", each=GRADIENTS, cases=steep_classifications, script=scripts.classifier_backward)
def test_large_gradient_equals_torch(case, seen, gradient):
    """The gradient is right where it is large, for the output layer's weights are."""
    _assert_gradients_close(case, seen, expected.classify(case), gradient)
