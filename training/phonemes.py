"""Which of six diphthongs was spoken, from noisy frames: a task that has no answer for whoever ignores order.

A sequence goes from one vowel of /a i u/ to another: ai, ia, au, ua, iu or ui. Its two formants glide from the first
vowel's to the second's, around a turn anywhere in its middle half, slowly or quickly, in a high or a low voice. Each of
its frames is the energy in D bands, as a filter bank on the Bark scale would have it, plus noise.

Reversed in time, a sequence of "ai" is one of "ia", exactly as likely, with the very same frames. So whatever looks at
the frames as a bag is right half of the time at best, in the long run, and so is whatever looks at the last alone.

N batch, T time steps, D bands, H hidden size, L layers, C classes.

Sources: formants of the three vowels, in hertz, are men's averages of G. E. Peterson and H. L. Barney, "Control methods
used in a study of the vowels", J. Acoust. Soc. Am. 24 (1952), table II; the Bark scale is that of H. Traunmüller,
"Analytical expressions for the tonotopic sensory scale", J. Acoust. Soc. Am. 88 (1990).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from training.hand_in import HandIn, Unusable
from training.sgd import Array, Batch, Step, Weights
from training.task import Score, onehot, uniform

FORMANTS = {"a": (730.0, 1090.0), "i": (270.0, 2290.0), "u": (300.0, 870.0)}
CLASSES = ("ai", "ia", "au", "ua", "iu", "ui")
SEQUENCES = 600  # to learn from, and as many again that are held out
N, T, D, H, L, C = 20, 10, 8, 24, 2, len(CLASSES)
BANDS = np.linspace(2.0, 15.0, D)  # their centres, in Bark
BANDWIDTH = 1.2  # the width of a formant's bump, in Bark
NOISE = 0.5  # standard deviation of the noise on each energy; energies lie between -1 and some 1
VOICES = 0.1  # standard deviation of the logarithm of a voice's factor on all formants
CELL = ("W_ih", "W_hh", "b_ih", "b_hh")


@dataclass(frozen=True)
class Phonemes:
    """The task of this seed; see training.task.Task."""

    seed: int = 0
    name: ClassVar[str] = "phonemes"
    stated: ClassVar[float] = 0.95
    about: ClassVar[str] = (
        f"Which of {C} diphthongs ({' '.join(CLASSES)}) is a sequence of {T} noisy frames of {D} energies?\n"
        f"RNN_Phoneme_Classifier({D}, {H}, {C}, {L}) learns it from {SEQUENCES} sequences, {N} in a batch;\n"
        f"a right one then recognises {stated:.0%} and more of as many that were held out."
    )
    rate: ClassVar[float] = 0.02
    epochs: ClassVar[int] = 20

    @cached_property
    def learned_from(self) -> Batch:
        """The sequences to learn from."""
        return sequences(SEQUENCES, self._random("learned from"))

    @cached_property
    def held_out(self) -> Batch:
        """As many that are never learned from."""
        return sequences(SEQUENCES, self._random("held out"))

    def weights(self) -> Weights:
        """W_ih.0 (H, D), W_hh.0 (H, H), b_ih.0, b_hh.0 (H,), then those of the next layers; W (C, H), b (C,)."""
        random = self._random("weights")
        weights: Weights = {}
        for layer in range(L):
            shapes = (H, H if layer else D), (H, H), (H,), (H,)
            weights |= {f"{name}.{layer}": uniform(random, H, shape) for name, shape in zip(CELL, shapes, strict=True)}
        return weights | {"W": uniform(random, H, (C, H)), "b": uniform(random, H, (C,))}

    def batches(self, epochs: int) -> list[Batch]:
        random = self._random("order")
        x, labels = self.learned_from
        orders = (random.permutation(SEQUENCES).reshape(-1, N) for _ in range(epochs))
        return [Batch(x[rows], labels[rows]) for order in orders for rows in order]

    def step(self, hand_in: HandIn, weights: Weights, batch: Batch) -> Step:
        with hand_in.running():
            net, criterion = classifier(hand_in, weights), hand_in.loss()
            logits = hand_in.array(
                net.forward(batch.x.copy()), (len(batch.x), C), "RNN_Phoneme_Classifier.forward's result"
            )
            losses = hand_in.array(criterion(logits, onehot(batch.labels, C)), batch.labels.shape, "the loss")
            net.backward(criterion.derivative())
            if len(net.rnn) != L:
                raise Unusable(f"RNN_Phoneme_Classifier.rnn holds {len(net.rnn)} cells, but should hold {L}")
            gradients = {}
            for layer, cell in enumerate(net.rnn):
                for name in CELL:
                    key = f"{name}.{layer}"
                    gradients[key] = hand_in.gradient(cell, name, weights[key].shape)
            for name in ("W", "b"):
                gradients[name] = hand_in.gradient(net.output_layer, name, weights[name].shape)
        return Step(float(losses.mean()), gradients)

    def score(self, hand_in: HandIn, weights: Weights) -> Score:
        """How often the hand-in is right on the sequences held out."""
        x, labels = self.held_out
        with hand_in.running():
            net = classifier(hand_in, weights)
            logits = hand_in.array(net.forward(x.copy()), (len(x), C), "RNN_Phoneme_Classifier.forward's result")
        accuracy = float(np.mean(logits.argmax(axis=1) == labels))
        return Score(
            accuracy,
            f"Of {len(x)} sequences held out, {accuracy:.1%} are recognised. Chance is {1 / C:.1%}; "
            f"the mean of the frames, whatever their order, gets {self.bag_of_frames():.1%}.",
        )

    def bag_of_frames(self) -> float:
        """The accuracy, on what is held out, of the class whose mean frame is the nearest to the sequence's."""
        x, labels = self.learned_from
        centres = np.stack([x[labels == label].mean(axis=(0, 1)) for label in range(C)])  # (C, D)
        means = self.held_out.x.mean(axis=1)  # (M, D)
        nearest = ((means[:, None] - centres) ** 2).sum(axis=-1).argmin(axis=1)
        return float(np.mean(nearest == self.held_out.labels))

    def _random(self, what: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that a longer training has the same data."""
        return np.random.default_rng([self.seed, *what.encode()])


def classifier(hand_in: HandIn, weights: Weights) -> Any:
    """A new classifier of the hand-in's, with these weights; only while the hand-in is running."""
    net = hand_in.find("RNN_Phoneme_Classifier")(D, H, C, L)
    layers = [[weights[f"{name}.{layer}"].copy() for name in CELL] for layer in range(L)]
    net.init_weights(layers, [weights["W"].copy(), weights["b"].copy()])
    return net


def sequences(count: int, random: np.random.Generator) -> Batch:
    """So many sequences x (M, T, D) of classes drawn at random, with their labels (M,)."""
    labels = random.integers(C, size=count)
    first, second = (np.array([FORMANTS[CLASSES[label][place]] for label in labels]) for place in (0, 1))
    turn = random.uniform(0.25, 0.75, count) * T
    duration = random.uniform(0.5, 2.0, count)
    voice = np.exp(random.normal(0, VOICES, count))
    clean = energies(voice[:, None] * first, voice[:, None] * second, turn, duration)
    return Batch(clean + random.normal(0, NOISE, clean.shape), labels)


def energies(first: Array, second: Array, turn: Array, duration: Array) -> Array:
    """Energies (M, T, D) without noise, for formants in hertz (M, 2) at either end of a glide.

    turn (M,) is the glide's middle and duration (M,) its length, both in frames.
    """
    frames = np.arange(T) + 0.5
    share = 1 / (1 + np.exp(-(frames - turn[:, None]) / duration[:, None]))  # (M, T), of the second vowel
    formants = (1 - share)[:, :, None] * first[:, None] + share[:, :, None] * second[:, None]  # (M, T, 2)
    distance = BANDS[:, None] - bark(formants)[:, :, None]  # (M, T, D, 2)
    bumps: Array = np.exp(-((distance / BANDWIDTH) ** 2) / 2).sum(axis=-1)
    return 2 * bumps - 1


def bark(hertz: Array) -> Array:
    """Frequencies on the Bark scale."""
    return 26.81 * hertz / (1960 + hertz) - 0.53
