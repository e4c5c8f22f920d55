"""Training: the tasks ask what they say; a right hand-in learns them step for step as PyTorch does; no wrong one does.

Figures that are not derived are measured with seeds 0 to 9; `python -m training` prints them for a seed.
"""

import io
import itertools
import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from fixtures import catalogue
from properties.hand_in import MODEL_SOLUTION
from reference import gru, rnn
from reference.tolerance import unit_roundoff
from reference.weights import GRUWeights, RNNWeights
from training import characters, command_line, drift, in_torch, kept, phonemes, sgd, show
from training.characters import Characters
from training.comparison import Comparison, compared
from training.hand_in import HandIn, Unusable
from training.phonemes import Phonemes

PROJECT = MODEL_SOLUTION.parent
HAND_INS = PROJECT / "fixtures" / "handins"
TASKS = (Phonemes, Characters)
LEARNED, NOT_LEARNED, USAGE, INTERRUPTED = 0, 1, 2, 130

EXACT = 1e-12  # a few hundred roundings of values of unit size
FLOAT64, FLOAT32 = unit_roundoff(np.float64), unit_roundoff(np.float32)
SHARP = 1e-9  # the bound, relative to the loss, is less in every step: measured 5e-11 (phonemes), 2e-10 (characters)
FEW = {Phonemes: 4, Characters: 3}  # steps in which wrong gradients have long shown


def right_hand_ins():
    """The stored hand-ins that earn 80 points, and the model solution."""
    expected = tomllib.loads((HAND_INS / "expected.toml").read_text(encoding="utf-8"))
    return [MODEL_SOLUTION, *(HAND_INS / name for name, table in expected.items() if table["total"] == 80)]


def train(task, root, batches):
    """The losses of the hand-in at root on these batches, the weights after them, and the hand-in."""
    hand_in, weights = HandIn(root), task.weights()
    losses = sgd.descend(weights, batches, lambda weights, batch: task.step(hand_in, weights, batch), task.rate)
    return list(losses), weights, hand_in


def compare(task, root, batches):
    losses, _, hand_in = train(task, root, batches)
    return compared(task, batches, losses, hand_in.roundoff, unwatched)


def unwatched(losses, total, what):
    return losses


# The tasks


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(phonemes.FORMANTS, 2)))
def test_a_glide_reversed_is_the_other_glide(first, second):
    """Of "ai" and "ia" each is the other in reverse, frame by frame: the frames as a bag do not tell which it was."""
    ends = [np.array([phonemes.FORMANTS[vowel]]) for vowel in (first, second)]
    turn, duration = np.array([3.7]), np.array([1.1])

    there = phonemes.energies(*ends, turn, duration)
    back = phonemes.energies(*reversed(ends), phonemes.T - turn, duration)

    np.testing.assert_allclose(there[:, ::-1], back, atol=EXACT)
    assert np.abs(there - back).max() > 0.1


def test_a_glide_goes_from_the_first_vowel_to_the_second():
    """ "ai" begins with the energies of /a/ and ends with those of /i/."""
    ends = [np.array([phonemes.FORMANTS[vowel]]) for vowel in "ai"]
    steady = [phonemes.energies(end, end, np.array([5.0]), np.array([1.0]))[0, 0] for end in ends]

    frames = phonemes.energies(*ends, np.array([5.0]), np.array([0.5]))[0]

    np.testing.assert_allclose(frames[[0, -1]], steady, atol=0.01)


def test_what_is_held_out_is_never_learned_from():
    """No sequence of the one set is in the other."""
    task = Phonemes()

    assert not np.isin(task.held_out.x, task.learned_from.x).any()


def test_what_is_drawn_is_the_same_in_reverse():
    """Turns are drawn from the middle half, and classes equally: reversing time maps the task onto itself."""
    x, labels = phonemes.sequences(20_000, np.random.default_rng(0))
    mirrored = np.array([phonemes.CLASSES.index(name[::-1]) for name in phonemes.CLASSES])
    means = [x[labels == label].mean(axis=0) for label in range(phonemes.C)]
    noise = 5 * (x.std() / np.sqrt(20_000 / phonemes.C))

    for label, mean in enumerate(means):
        assert np.abs(mean[::-1] - means[mirrored[label]]).max() < noise


@pytest.mark.parametrize("seed", range(5))
def test_a_bag_of_frames_is_right_half_of_the_time_at_best(seed):
    """The mean frame tells which two vowels there were, well above chance, and not in which order."""
    spread = 0.5 / np.sqrt(phonemes.SEQUENCES)

    assert 2 / phonemes.C < Phonemes(seed).bag_of_frames() < 0.5 + 4 * spread


def test_labels_are_the_inputs_one_step_ahead():
    """Every line's inputs begin with a line end and its labels end with one; together they are the poem."""
    text = ""
    for x, labels in Characters().lines:
        np.testing.assert_array_equal(x[1:].argmax(axis=1), labels[:-1])
        np.testing.assert_array_equal(x.sum(axis=1), 1)
        assert characters.ALPHABET[x[0].argmax()] == characters.ALPHABET[labels[-1]] == "\n"
        text += "".join(characters.ALPHABET[label] for label in labels)

    assert text == characters.POEM


def test_bigrams_are_counted_right():
    """The table's accuracy and perplexity are those of the pairs of neighbours in the text."""
    pairs = Counter(itertools.pairwise("\n" + characters.POEM))
    before = Counter("\n" + characters.POEM[:-1])
    best = {first: max(n for (one, _), n in pairs.items() if one == first) for first in before}
    nats = -sum(n * np.log(n / before[first]) for (first, _), n in pairs.items()) / len(characters.POEM)

    accuracy, perplexity = Characters().bigrams()

    assert accuracy == pytest.approx(sum(best.values()) / len(characters.POEM))
    assert perplexity == pytest.approx(np.exp(nats))


@pytest.mark.parametrize("kind", TASKS)
def test_a_seed_makes_everything_and_another_seed_something_else(kind):
    """Weights and batches follow from the seed, and a longer training begins as a shorter one does."""
    task, again, other = kind(1), kind(1), kind(2)

    for name, weight in task.weights().items():
        np.testing.assert_array_equal(weight, again.weights()[name])
        assert not np.array_equal(weight, other.weights()[name])
    for batch, same in zip(task.batches(1), again.batches(2), strict=False):
        np.testing.assert_array_equal(batch.x, same.x)
        np.testing.assert_array_equal(batch.labels, same.labels)
    assert any(
        not np.array_equal(batch.labels, another.labels)
        for batch, another in zip(task.batches(1), other.batches(1), strict=True)
    )


# The oracle and the bound


def test_the_classifier_in_torch_is_the_oracles():
    """Its logits are those of reference.rnn, which has the same layers by other code."""
    task = Phonemes()
    weights, (x, labels) = task.weights(), task.batches(1)[0]
    layers = [RNNWeights(*(weights[f"{name}.{layer}"] for name in phonemes.CELL)) for layer in range(phonemes.L)]
    h_0 = np.zeros((phonemes.L, phonemes.N, phonemes.H))

    logits = in_torch.Classifier(weights)(torch.from_numpy(x)).detach().numpy()

    expected = rnn.classify(x, h_0, layers, weights["W"], weights["b"], labels).logits
    np.testing.assert_allclose(logits, expected, atol=EXACT)


def test_the_predictor_in_torch_is_the_oracles():
    """Its logits are those of reference.gru."""
    task = Characters()
    weights, (x, _) = task.weights(), task.lines[0]

    logits = in_torch.Predictor(weights)(torch.from_numpy(x)).detach().numpy()

    expected = gru.logits(x, GRUWeights(*(weights[name] for name in characters.GRU)), weights["W"], weights["b"])
    np.testing.assert_allclose(logits, expected, atol=EXACT)


@pytest.mark.parametrize("kind", TASKS)
def test_gradients_of_the_twins_are_autograds(kind):
    """Unmoved, every run's losses and gradients are those of the network in PyTorch."""
    task = kind()
    weights, (x, labels) = task.weights(), task.batches(1)[0]
    network = in_torch.NETWORKS[task.name](weights)
    loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(x)), torch.from_numpy(labels))
    loss.backward()
    expected = [parameter.grad.numpy() for parameter in network.parameters()]

    runs = [{name: np.repeat(weight[None], drift.RUNS, axis=0) for name, weight in weights.items()}]
    runs.append(np.repeat(x[None], drift.RUNS, axis=0))
    losses, gradients = drift.GRADIENTS[task.name](*runs, labels, drift.Moves(u=0.0))

    np.testing.assert_allclose(losses, loss.item(), rtol=EXACT)
    assert [gradient.shape[1:] for gradient in gradients.values()].count(()) == 0
    for run in range(drift.RUNS):
        ours = sorted((gradient[run] for gradient in gradients.values()), key=signature)
        for gradient, theirs in zip(ours, sorted(expected, key=signature), strict=True):
            np.testing.assert_allclose(gradient, theirs, atol=EXACT)


def signature(array):
    """Something to sort arrays of all shapes by, so that equal ones meet without being named."""
    return array.shape, round(float(np.abs(array).sum()), 9)


@pytest.mark.parametrize("kind", TASKS)
def test_run_0_is_plain_and_the_others_are_moved(kind):
    """The first run is PyTorch's curve; each other is another one, and no two are the same."""
    task = kind()
    batches = task.batches(1)[:8]
    curves = np.array(list(drift.curves(task.weights(), batches, drift.GRADIENTS[task.name], task.rate, FLOAT64)))
    theirs = list(in_torch.losses(in_torch.NETWORKS[task.name](task.weights()), batches, task.rate))

    np.testing.assert_allclose(curves[:, 0], theirs, rtol=EXACT)
    assert len(np.unique(curves, axis=1).T) == drift.RUNS


@pytest.mark.parametrize("kind", TASKS)
def test_the_bound_holds_for_float32_and_is_sharp(kind):
    """PyTorch's training in float32 stays within the bound for float32, and leaves that for float64 in every step."""
    task = kind()
    batches = task.batches(1)[:8]
    network = in_torch.NETWORKS[task.name](task.weights()).float()
    rounded = [sgd.Batch(x.astype(np.float32), labels) for x, labels in batches]
    losses = list(in_torch.losses(network, rounded, task.rate))

    coarse, fine = (compared(task, batches, losses, u, unwatched) for u in (FLOAT32, FLOAT64))

    assert coarse.first_wrong is None
    assert coarse.ratio > 0.02  # measured 0.13 and 0.14: the bound is not fifty times too wide
    assert fine.first_wrong == 0


def test_what_is_allowed_never_shrinks_and_is_nan_with_the_twins():
    """A step's bound is the largest so far, and once a twin is nan nothing is within it any more."""
    plain = np.ones(drift.RUNS)
    moved = plain + np.linspace(0, 1e-9, drift.RUNS)
    lost = plain * np.nan

    first, second, third, fourth = drift.allowed([moved, plain, lost, plain], FLOAT64)

    assert first == second
    assert 0 < first < 1e-7
    assert np.isnan([third, fourth]).all()


# Right hand-ins


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("root", right_hand_ins(), ids=lambda root: root.name)
def test_a_right_hand_in_has_pytorchs_losses(kind, root):
    """The first losses are PyTorch's to rounding, however the hand-in computes, keeps and returns things."""
    task = kind()

    comparison = compare(task, root, task.batches(1)[: FEW[kind]])

    assert comparison.first_wrong is None, comparison.says()


def test_the_classifier_learns():
    """The model solution reaches the stated accuracy on what it never saw, where a bag of frames gets half of it."""
    task = Phonemes()

    _, weights, hand_in = train(task, MODEL_SOLUTION, task.batches(task.epochs))

    assert task.score(hand_in, weights).accuracy >= task.stated


def test_the_predictor_learns():
    """A short training already foretells more than any table of bigrams can."""
    task = Characters()
    before = task.score(HandIn(MODEL_SOLUTION), task.weights()).accuracy

    _, weights, hand_in = train(task, MODEL_SOLUTION, task.batches(20))

    assert before < 0.2
    assert task.score(hand_in, weights).accuracy > task.bigrams()[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("seed", range(3))
def test_a_whole_training_is_pytorchs_and_learns(kind, seed):
    """From any seed the stated accuracy is reached, every loss is PyTorch's, and the bound stays sharp to the end."""
    task = kind(seed)
    batches = task.batches(task.epochs)
    losses, weights, hand_in = train(task, MODEL_SOLUTION, batches)

    comparison = compared(task, batches, losses, hand_in.roundoff, unwatched)

    assert comparison.first_wrong is None, comparison.says()
    assert (comparison.allowed / comparison.theirs).max() < SHARP
    assert task.score(hand_in, weights).accuracy >= task.stated


@pytest.mark.slow
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", ["float32", "numerics", "column"])
def test_a_whole_training_of_another_right_hand_in_is_pytorchs(kind, name):
    """Other orders of summation, and float32, stay within the bound to the end, and learn as well."""
    task = kind()
    batches = task.batches(task.epochs)
    losses, weights, hand_in = train(task, HAND_INS / name, batches)

    assert compared(task, batches, losses, hand_in.roundoff, unwatched).first_wrong is None
    assert task.score(hand_in, weights).accuracy >= task.stated


# Wrong ones

GRADIENTS_WRONG = {
    Phonemes: (
        "rnn-backward-all-summed",
        "rnn-backward-db_hh-forgotten",
        "rnn-backward-tanh-of-a-tanh",
        "rnn-backward-dW_hh-transposed",
        "rnn-backward-rounded",
        "rnn-classifier-dx-dropped",
        "rnn-classifier-output-gradient-summed",
        "rnn-classifier-first-step-not-gone-back",
    ),
    Characters: (
        "gru-backward-r-sigmoid-of-z",
        "gru-backward-z-without-h",
        "gru-backward-dh-without-old-state",
        "gru-backward-dWzh-dWrh-swapped",
        "gru-backward-dWx-forgotten",
        "gru-backward-rounded",
    ),
}
FORWARD_WRONG = {
    Phonemes: ("rnn-classifier-mean-over-time", "rnn-classifier-upper-fed-one-step-late"),
    Characters: ("gru-inference-one-row-late", "gru-inference-gates-swapped"),
}


def pairs_of(bugs):
    return [pytest.param(kind, id, id=id) for kind, ids in bugs.items() for id in ids]


@pytest.fixture
def with_bug(edited_impl):
    """The model solution with the bug of this id."""

    def plant(id):
        root = edited_impl()
        catalogue.apply(next(bug for bug in catalogue.load() if bug.id == id), root)
        return root

    return plant


@pytest.mark.parametrize(("kind", "bug"), pairs_of(GRADIENTS_WRONG))
def test_a_wrong_gradient_shows_in_the_step_after_it(kind, bug, with_bug):
    """The first loss is right, as forward is; the second or third is not, and the sentence says whose fault that is."""
    task = kind()

    comparison = compare(task, with_bug(bug), task.batches(1)[: FEW[kind]])

    assert comparison.first_wrong in (1, 2)
    assert "a gradient is not" in comparison.says()


@pytest.mark.parametrize(("kind", "bug"), pairs_of(FORWARD_WRONG))
def test_a_wrong_forward_shows_in_the_first_step(kind, bug, with_bug):
    """The very first loss is another one."""
    task = kind()

    comparison = compare(task, with_bug(bug), task.batches(1)[:1])

    assert comparison.first_wrong == 0
    assert "forward, or the loss, is not right" in comparison.says()


def test_a_gradient_off_by_a_billionth_is_seen(edited_impl):
    """dW_hh off by a relative 1e-9 is no rounding."""
    line = "self.dW_hh += dz_mean.T @ h_prev_t"
    root = edited_impl("mytorch/rnn_cell.py", line, f"{line} * (1 + 1e-9)")
    task = Phonemes()

    assert compare(task, root, task.batches(1)).first_wrong is not None


def test_a_comparison_names_step_losses_and_bound():
    """Steps are counted from 1, and a nan, in either curve or in the bound, is wrong."""
    right = Comparison(np.array([1.0, 0.5]), np.array([1.0, 0.5]), np.array([1e-15, 1e-15]))
    wrong = right._replace(losses=np.array([1.0, 0.75]))

    assert right.first_wrong is None
    assert wrong.says() == (
        "The loss of step 2 is 0.75, but PyTorch's is 0.5 (off by 0.25, allowed 1e-15): "
        "forward began right, and a gradient is not."
    )
    for name in Comparison._fields:
        assert right._replace(**{name: np.array([1.0, np.nan])}).first_wrong == 1


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        (Phonemes, "untouched", r"RNN_Phoneme_Classifier\.forward is not written yet \(hw3/rnn_classifier\.py:\d+\)"),
        (Characters, "untouched", r"CharacterPredictor\.__init__ is not written yet \(hw3/hw3\.py:\d+\)"),
        (Phonemes, "quits", r"RNN_Phoneme_Classifier\.forward raises SystemExit: 0 \(hw3/rnn_classifier\.py:\d+\)"),
        (Phonemes, "syntax_error", r"mytorch/rnn_cell\.py:\d+ does not parse: .+"),
        (Phonemes, "no_hw3", r"hw3/rnn_classifier\.py is missing"),
        (
            Phonemes,
            "float16",
            r"RNN_Phoneme_Classifier\.forward's result is of dtype float16, but should be float64, .*",
        ),
        (Characters, "wrong_shapes", r"GRU_Cell\.backward's dh has shape \(48,\), but should have \(1, 48\)"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(kind, name, says):
    """The message is the student's: what, where, what was allowed."""
    task = kind()

    with pytest.raises(Unusable, match=f"^{says}$"):
        train(task, HAND_INS / name, task.batches(1)[:1])


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "hw3/rnn_classifier.py",
            "return self.output_layer(self.hiddens[-1][-1])",
            "return None",
            r"RNN_Phoneme_Classifier\.forward's result is None, but should be an array of shape \(20, 6\)",
        ),
        (
            "hw3/rnn_classifier.py",
            "return self.output_layer(self.hiddens[-1][-1])",
            "return self.output_layer(self.hiddens[-1][-1]) / [[np.nan]]",
            r"RNN_Phoneme_Classifier\.forward's result\[0, 0\] is nan, but should be finite",
        ),
        (
            "hw3/rnn_classifier.py",
            "return self.output_layer(self.hiddens[-1][-1])",
            "return [[1.0, 2.0], [3.0]]",
            r"RNN_Phoneme_Classifier\.forward's result is a list of which no array can be made",
        ),
        ("mytorch/rnn_cell.py", "self.dW_hh", "self.dWhh", r"RNN_Cell has no attribute dW_hh"),
        (
            "hw3/rnn_classifier.py",
            "def backward(self, delta)",
            "def backward(self)",
            r"net\.backward\(criterion\.derivative\(\)\) fails with TypeError: .*",
        ),
        (
            "hw3/rnn_classifier.py",
            "sizes = [input_size] + [hidden_size] * (num_layers - 1)",
            "sizes = [input_size, hidden_size, hidden_size]",
            r"RNN_Phoneme_Classifier\.init_weights raises ValueError: .* \(hw3/rnn_classifier\.py:\d+\)",
        ),
        (
            "mytorch/loss.py",
            "class SoftmaxCrossEntropy",
            "class CrossEntropy",
            r"mytorch/loss\.py has no SoftmaxCrossEntropy",
        ),
    ],
)
def test_nonsense_is_told_in_a_sentence(file, old, new, says, edited_impl):
    """Results that are none, signatures and names that are not the homework's are named."""
    task = Phonemes()

    with pytest.raises(Unusable, match=f"^{says}$"):
        train(task, edited_impl(file, old, new), task.batches(1)[:1])


def test_a_hand_in_that_draws_its_own_weights_is_wrong_repeatably(edited_impl):
    """Random numbers of the hand-in's are the same in every run, so that what is wrong can be looked at again."""
    root = edited_impl("hw3/rnn_classifier.py", "cell.init_weights(*weights)", "pass")
    task = Phonemes()
    runs = []
    for seed in (1, 2):
        np.random.seed(seed)
        runs.append(train(task, root, task.batches(1)[:2])[0])

    assert runs[0] == runs[1]


def test_a_hand_in_is_used_without_a_trace(tmp_path, monkeypatch, capsys):
    """Its prints are caught and the beginning of them is kept; folder, modules and NumPy's settings are as before."""
    monkeypatch.chdir(tmp_path)
    task, before, settings = Phonemes(), set(sys.modules), np.geterr()

    _, _, hand_in = train(task, HAND_INS / "packaged", task.batches(1)[:1])

    assert hand_in.printed.startswith("[mytorch] a cell of 8 by 24")
    assert len(hand_in.printed) <= 200
    assert capsys.readouterr().out == ""
    assert Path.cwd() == tmp_path
    assert not {name for name in set(sys.modules) - before if name.partition(".")[0] in ("mytorch", "hw3", "linear")}
    assert np.geterr() == settings


# The command line


def run(capsys, *arguments):
    """The exit status and what was printed."""
    status = command_line.main([str(argument) for argument in arguments])
    return status, capsys.readouterr().out


@pytest.mark.parametrize("task", command_line.TASKS)
def test_a_short_run_shows_curve_score_and_comparison(task, capsys):
    """One epoch of the model solution: no accuracy is asked of it, and its losses are PyTorch's."""
    status, out = run(capsys, task, "--epochs", 1)

    assert status == LEARNED
    for text in ("loss, nats", "* the hand-in and PyTorch", "Chance is", "PyTorch's loss is the same in each of"):
        assert text in out


def test_a_run_can_be_repeated(capsys):
    """The same seed prints the same, to the last digit; another seed does not."""
    runs = [run(capsys, "characters", "--epochs", 1, "--seed", seed) for seed in (3, 3, 4)]

    assert runs[0] == runs[1] != runs[2]


def test_a_wrong_hand_in_is_sent_to_the_grader(with_bug, capsys):
    """Its exit status is 1, both curves are drawn, and the next step is named."""
    root = with_bug("rnn-backward-all-summed")

    status, out = run(capsys, "phonemes", "--epochs", 1, "--hand-in", root)

    assert status == NOT_LEARNED
    assert "* the hand-in, o PyTorch" in out
    assert f"python -m grading grade {root}" in out


def test_a_hand_in_that_does_not_learn_is_told_what_others_reach(monkeypatch, capsys):
    """A whole training that ends below the stated accuracy has not learned, whatever its losses."""
    monkeypatch.setattr(Characters, "stated", 0.9)
    monkeypatch.setattr(Characters, "epochs", 1)

    status, out = run(capsys, "characters")

    assert status == NOT_LEARNED
    assert "A right hand-in reaches 90%." in out


def test_a_hand_in_that_stops_midway_is_compared_up_to_there(edited_impl, capsys):
    """What it has done is compared, and the step in which it stopped is named."""
    ready = "return self.output_layer(self.hiddens[-1][-1])"
    late = "global calls; calls += 1\n        if calls == 4: raise RuntimeError('tired')\n        "
    root = edited_impl("hw3/rnn_classifier.py", ready, late + ready)
    with (root / "hw3/rnn_classifier.py").open("a", encoding="utf-8") as file:
        file.write("\n\ncalls = 0\n")

    status, out = run(capsys, "phonemes", "--epochs", 1, "--hand-in", root)

    assert status == NOT_LEARNED
    assert "In step 4 of 30: RNN_Phoneme_Classifier.forward raises RuntimeError: tired (hw3/rnn_classifier.py:" in out
    assert "PyTorch's loss is the same in each of 3 steps" in out


def test_a_hand_in_that_cannot_be_put_to_use_is_told(edited_impl, capsys):
    """inference is used after training alone, and is named where it fails."""
    root = edited_impl("hw3/hw3.py", "return np.stack(logits)", "return logits[-1]")

    status, out = run(capsys, "characters", "--epochs", 1, "--hand-in", root)

    assert status == NOT_LEARNED
    assert "Trained, but put to use: inference's result has shape (20,), but should have" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: task"),
        (["vowels"], "invalid choice: 'vowels'"),
        (["phonemes", "--epochs", "0"], "'0' is not a number of epochs, 1 or more"),
        (["phonemes", "--seed", "-1"], "'-1' is not a seed, 0 or more"),
        (["phonemes", "--hand-in", "nowhere"], "--hand-in nowhere is not a folder"),
        (["phonemes", "--hand-in", "fixtures/arrays"], "--hand-in fixtures/arrays holds neither mytorch/ nor hw3/"),
        (["phonemes", "--plot", "curve.txt"], "'curve.txt' should end in .png, .svg, .pdf"),
        (["phonemes", "--plot", "nowhere/curve.png"], "there is no folder nowhere"),
    ],
)
def test_a_wrong_command_is_told_before_anything_is_trained(arguments, says, monkeypatch, capsys):
    """One sentence that names the option and the value; exit status 2."""
    monkeypatch.chdir(PROJECT)

    with pytest.raises(SystemExit) as left:
        command_line.main(arguments)

    assert left.value.code == USAGE
    assert says in capsys.readouterr().err


def test_an_interrupt_ends_it_without_a_traceback(monkeypatch, capsys):
    """Ctrl-C is a reason to stop, and is said."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Phonemes, "step", interrupt)

    assert command_line.main(["phonemes"]) == INTERRUPTED
    assert "training: interrupted" in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_as_a_module():
    """python -m training is the command, and its progress goes to standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "training", "phonemes", "--epochs", "1"],
        cwd=PROJECT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == LEARNED, done.stderr.decode()
    assert b"30" in done.stderr
    assert b"Traceback" not in done.stderr


# What is shown

FALLING = Comparison(np.array([4.0, 2.0, 1.0]), np.array([4.0, 2.0, 1.0]), np.full(3, 1e-15))


def test_the_curve_falls_as_the_losses_do(monkeypatch):
    """The largest loss is at the top, zero at the bottom; the marks are where the losses are."""
    monkeypatch.setattr(show, "HEIGHT", 5)

    lines = show.curve(FALLING).splitlines()

    assert lines[1:6] == ["  4.00 |*", "       |", "       | *", "       |  *", "  0.00 |"]


def test_the_curve_shows_pytorchs_where_they_part():
    """PyTorch's marks are seen where they lie elsewhere, and a run that diverges does not hide them."""
    apart = FALLING._replace(losses=np.array([4.0, 50.0, 1e9]))

    assert show.curve(apart).count("o") > 2  # the legend's own, and two marks at least
    assert "  8.00 |" in show.curve(apart)


def test_without_rich_there_is_no_bar_and_it_is_said(monkeypatch, capsys):
    """The losses pass through, and the message says how to get one."""
    monkeypatch.setitem(sys.modules, "rich.console", None)

    assert list(show.progress(iter([2.0, 1.0]), 2, "phonemes")) == [2.0, 1.0]
    assert capsys.readouterr().err == "phonemes: 2 steps (pip install rich for a bar)\n"


def test_without_matplotlib_there_is_no_picture_and_it_is_said(monkeypatch, tmp_path):
    """A sentence says what is missing and how to get it."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    file = tmp_path / "curve.png"

    says = show.picture(FALLING, "title", file)

    assert says == f"{file} is not written: matplotlib is not installed (pip install matplotlib)."
    assert not file.exists()


@pytest.mark.parametrize("suffix", show.SUFFIXES)
def test_the_picture_is_written(suffix, tmp_path, capsys):
    """--plot writes a picture of the kind that its suffix says."""
    pytest.importorskip("matplotlib")
    file = tmp_path / f"curve{suffix}"

    status, out = run(capsys, "characters", "--epochs", 1, "--plot", file)

    assert status == LEARNED
    assert f"{file} is written." in out
    assert file.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


def test_kept_curves_are_those_that_are_computed():
    """A comparison with the kept losses is the comparison with PyTorch, in both precisions, and of fewer steps too."""
    task = Phonemes(0)
    file = io.BytesIO(kept.curves([task]))
    batches = task.batches(2)
    losses = [1.0] * len(batches)

    for dtype in kept.DTYPES:
        file.seek(0)
        roundoff = unit_roundoff(dtype)
        ours = kept.compared_with(file, task, losses, roundoff)
        theirs = compared(task, batches, losses, roundoff, lambda losses, total, what: losses)
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
