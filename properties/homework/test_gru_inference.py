"""Step II, GRU Inference: the character predictor, a gated recurrent unit and a linear layer, input after input."""

from properties import expected, scripts
from properties.compare import assert_close, assert_plain_float64, assert_same, assert_unchanged, unbatched, well_formed
from properties.registry import SELF_CONSISTENCY, advisory, required
from properties.stored import stored_logits, stored_predictions
from properties.strategies import long_predictions, predictions

STEP = "GRU Inference"


@required(STEP, "logits", cases=stored_predictions, script=scripts.predictor_inference)
def test_logits_equal_the_stored_array(case, seen):
    """inference returns the stored logits."""
    assert_close(seen.logits, stored_logits(case), "logits")


@required(STEP, "logits", cases=predictions, script=scripts.predictor_forward)
def test_forward_returns_logits_and_state(case, seen):
    """forward returns the logits (C,) and the next state (H,)."""
    answers = expected.predictor_forward(case)
    assert_close(unbatched(seen.h_next), answers["h_next"], "h_next")
    assert_close(unbatched(seen.logits), answers["logits"], "logits")


@required(STEP, "logits", cases=predictions, script=scripts.predictor_inference)
def test_logits_equal_torch(case, seen):
    """inference returns the logits (T, C) of the equations and a linear layer in torch, not normalised."""
    assert_close(seen.logits, expected.predictor_inference(case)["logits"], "logits")


@required(STEP, "logits", cases=predictions, script=scripts.predictor_by_hand, kind=SELF_CONSISTENCY)
def test_inference_equals_stepping_by_hand(case, seen):
    """Row t of inference is what forward returns at step t, from a state of zeros."""
    answer = expected.predictor_inference(case)["logits"]
    logits = well_formed(seen.logits, answer, "logits")
    for t in range(1, case.T + 1):
        assert_same(unbatched(seen[f"logits_{t}"]), logits[t - 1], answer, f"logits of step {t}", (logits,))


@required(STEP, "logits", cases=predictions, script=scripts.predictor_twice, kind=SELF_CONSISTENCY)
def test_inference_twice_gives_the_same(case, seen):
    """A second inference on one net returns what the first did."""
    answer = expected.predictor_inference(case)["logits"]

    assert_same(seen.logits_again, well_formed(seen.logits, answer, "logits"), answer, "logits of a second inference")


@required(STEP, "logits", cases=predictions, script=scripts.predictor_prefix, kind=SELF_CONSISTENCY)
def test_prefix_of_the_inputs_gives_a_prefix_of_the_logits(case, seen):
    """The logits of the first half of the inputs are the first half of the logits."""
    answer = expected.predictor_inference(case)["logits"]
    logits = well_formed(seen.logits, answer, "logits")
    prefix = logits[: case["inputs_prefix"].shape[0]]

    assert_same(seen.logits_prefix, prefix, answer, "logits of the prefix", (logits,))


@required(STEP, "logits", cases=predictions, script=scripts.predictor_new_weights)
def test_inference_follows_the_weights_given_last(case, seen):
    """After new weights on the same net, inference returns the logits of the new weights."""
    assert_close(seen.logits_2, expected.predictor_inference(case, "_2")["logits"], "logits with the second weights")


@advisory(STEP, "logits", each=("logits", "h_next"), cases=predictions, script=scripts.predictor_forward)
def test_forward_returns_no_leading_one(case, seen, result):
    """forward's results have the shapes (C,) and (H,), without a leading 1."""
    well_formed(seen[result], expected.predictor_forward(case)[result], result)


@advisory(STEP, "logits", cases=predictions, script=scripts.predictor_inference)
def test_inference_leaves_its_arguments_alone(case, seen):
    """inference changes neither the inputs nor the weights."""
    assert_unchanged(seen)


@advisory(STEP, "logits", cases=predictions, script=scripts.predictor_inference)
def test_logits_are_a_plain_float64_array(case, seen):
    """logits is a plain ndarray of the dtype of the arguments, float64."""
    assert_plain_float64(seen, "logits")


@required(STEP, "logits", cases=long_predictions, script=scripts.predictor_inference)
def test_logits_of_a_long_sequence_equal_torch(case, seen):
    """The logits are right after up to 64 inputs."""
    assert_close(seen.logits, expected.predictor_inference(case)["logits"], "logits")
