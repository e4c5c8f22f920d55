"""The next character of a short poem, learned by heart: CharacterPredictor, and BPTT by way of GRU_Cell.backward.

A sequence is a line of the poem, from a zero state: the inputs are a line end and the characters, the labels the
characters and a line end, one step ahead. What a table of bigrams can know, the state is not needed for; the table made
from this very text is therefore what the network is measured by. The first character of a line follows on nothing, so
that some of the eight cannot be guessed.

How the predictor is trained by its interface. GRU_Cell.backward takes one step back, from the last forward. So
- forward runs through the line and keeps every state;
- the output layer, given all T states as a batch, gives its gradients as means over time, which are those of the mean
  loss, and what reaches each state from its own logits;
- then, from the last step to the first, a new cell with the same weights repeats forward from the state that was
  kept, and takes its step back with what reaches that state from above and from the step after it. Its gradients are
  added up here: on a new cell assigned and accumulated ones are the same.

D = C different characters, each handed over as a one-hot vector; T time steps, H hidden size.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from properties.compare import unbatched
from properties.interpreter.script import projection
from training.hand_in import HandIn
from training.sgd import Array, Batch, Step, Weights
from training.task import Score, onehot, uniform

POEM = """\
keep what was said
let go what is old
the gates decide
what the cell will hold
one opens to the new
one shuts out the past
what was learned slowly
is what will last
"""
ALPHABET = "".join(sorted(set(POEM)))
H, C = 48, len(ALPHABET)
GRU = ("Wzh", "Wrh", "Wh", "Wzx", "Wrx", "Wx")


@dataclass(frozen=True)
class Characters:
    """The task of this seed; see training.task.Task."""

    seed: int = 0
    name: ClassVar[str] = "characters"
    stated: ClassVar[float] = 0.8
    about: ClassVar[str] = (
        f"Which character comes next in a poem of {len(POEM)} characters, {C} different ones?\n"
        f"CharacterPredictor({C}, {H}, {C}) learns it by heart, a line at a time;\n"
        f"a right one then foretells {stated:.0%} and more of it."
    )
    rate: ClassVar[float] = 1.0
    epochs: ClassVar[int] = 45

    @cached_property
    def lines(self) -> list[Batch]:
        """The lines of the poem: x (T, C) of one-hot rows, and labels (T,)."""
        return [encoded(line) for line in POEM.splitlines()]

    def weights(self) -> Weights:
        """Wzh, Wrh, Wh (H, H), Wzx, Wrx, Wx (H, C) of the cell; W (C, H) and b (C,) of the output layer."""
        random = self._random("weights")
        shapes = {name: (H, C if name.endswith("x") else H) for name in GRU}
        return {name: uniform(random, H, shape) for name, shape in {**shapes, "W": (C, H), "b": (C,)}.items()}

    def batches(self, epochs: int) -> list[Batch]:
        random = self._random("order")
        return [self.lines[line] for _ in range(epochs) for line in random.permutation(len(self.lines))]

    def step(self, hand_in: HandIn, weights: Weights, batch: Batch) -> Step:
        with hand_in.running():
            states, logits = forward(hand_in, weights, batch.x)
            criterion = hand_in.loss()
            losses = hand_in.array(criterion(logits, onehot(batch.labels, C)), batch.labels.shape, "the loss")
            delta = hand_in.array(criterion.derivative(), logits.shape, "the loss's derivative")
            d_states, gradients = back_through_output(hand_in, weights, states[1:], delta)
            gradients |= back_through_time(hand_in, weights, batch.x, states, d_states)
        return Step(float(losses.mean()), gradients)

    def score(self, hand_in: HandIn, weights: Weights) -> Score:
        """How often the hand-in's inference has the right character on top, line by line, and its perplexity."""
        right, nats = 0, 0.0
        for x, labels in self.lines:
            with hand_in.running():
                result = hand_in.find("inference")(predictor(hand_in, weights), x.copy())
                logits = hand_in.array(result, (len(x), C), "inference's result")
            right += int((logits.argmax(axis=1) == labels).sum())
            nats -= log_softmax(logits)[np.arange(len(x)), labels].sum()
        count = sum(len(labels) for _, labels in self.lines)
        accuracy, perplexity = right / count, float(np.exp(nats / count))
        table_accuracy, table_perplexity = self.bigrams()
        return Score(
            accuracy,
            f"Of {count} characters, {accuracy:.1%} are foretold; the perplexity is {perplexity:.2f}. "
            f"Chance is {1 / C:.1%} and {C}; the bigrams of this very text get {table_accuracy:.1%} and "
            f"{table_perplexity:.2f}.",
        )

    def bigrams(self) -> tuple[float, float]:
        """Accuracy and perplexity of the best table of bigrams that there is for this text: its own counts."""
        counts = np.zeros((C, C))
        for x, labels in self.lines:
            np.add.at(counts, (x.argmax(axis=1), labels), 1)
        seen = counts > 0
        share = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))[seen]
        nats = -(counts[seen] * np.log(share)).sum() / counts.sum()
        return float(counts.max(axis=1).sum() / counts.sum()), float(np.exp(nats))

    def _random(self, what: str) -> np.random.Generator:
        """A generator of its own for each purpose."""
        return np.random.default_rng([self.seed, *what.encode()])


def encoded(line: str) -> Batch:
    """A line as inputs and labels: a line end before it, a line end after it."""
    places = np.array([ALPHABET.index(character) for character in f"\n{line}\n"])
    return Batch(onehot(places[:-1], C), places[1:])


def predictor(hand_in: HandIn, weights: Weights) -> Any:
    """A new predictor of the hand-in's, with these weights; only while the hand-in is running."""
    net = hand_in.find("CharacterPredictor")(C, H, C)
    net.init_rnn_weights(*(weights[name].copy() for name in GRU))
    projection(net, C, H).init_weights(weights["W"].copy(), weights["b"].copy())
    return net


def forward(hand_in: HandIn, weights: Weights, x: Array) -> tuple[Array, Array]:
    """The states (T + 1, H), that of zeros first, and the logits (T, C), for x (T, C)."""
    net = predictor(hand_in, weights)
    states, logits = [np.zeros(H)], []
    for x_t in x:
        y, h = net.forward(x_t.copy(), states[-1].copy())
        logits.append(hand_in.array(unbatched(np.asarray(y)), (C,), "CharacterPredictor.forward's first result"))
        states.append(hand_in.array(unbatched(np.asarray(h)), (H,), "CharacterPredictor.forward's second result"))
    return np.array(states), np.array(logits)


def back_through_output(hand_in: HandIn, weights: Weights, states: Array, delta: Array) -> tuple[Array, Weights]:
    """What reaches each state (T, H) from its logits, and the gradients of W and b, all of the mean loss.

    delta (T, C) is softmax - onehot, not averaged.
    """
    layer = projection(predictor(hand_in, weights), C, H)
    layer.forward(states.copy())
    d_states = hand_in.array(layer.backward(delta.copy()), states.shape, "Linear.backward's result")
    return d_states / len(delta), {name: hand_in.gradient(layer, name, weights[name].shape) for name in ("W", "b")}


def back_through_time(hand_in: HandIn, weights: Weights, x: Array, states: Array, d_states: Array) -> Weights:
    """The gradients of the cell's weights, for x (T, C), states (T + 1, H) and what reaches them d_states (T, H)."""
    gradients = {name: np.zeros_like(weights[name]) for name in GRU}
    dh = np.zeros((1, H))
    for t in reversed(range(len(x))):
        cell = predictor(hand_in, weights).rnn
        cell.forward(x[t].copy(), states[t].copy())
        _, dh = cell.backward(dh + d_states[t])
        dh = hand_in.array(dh, (1, H), "GRU_Cell.backward's dh")
        for name in GRU:
            gradients[name] += hand_in.gradient(cell, name, weights[name].shape)
    return gradients


def log_softmax(logits: Array) -> Array:
    """log softmax (M, C) of logits (M, C)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
