"""The same two networks in PyTorch, float64, trained from the same weights by torch.optim.SGD.

    phonemes      torch.nn.RNN (tanh), torch.nn.Linear on the last layer's last state, torch.nn.CrossEntropyLoss
    characters    the homework's GRU equations under autograd, torch.nn.Linear, torch.nn.CrossEntropyLoss

torch.nn.GRU is another network: it applies r after the product (see reference.torch_gru). CrossEntropyLoss is the mean
over the M labels of a batch, in nats, as everywhere here.

Sources: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html, torch.optim.SGD.html; the equations are those
of reference.gru.
"""

from collections.abc import Iterable, Iterator

import torch

from training.sgd import Batch, Weights

NAMES = {"W_ih": "weight_ih", "W_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}


class Classifier(torch.nn.Module):
    """Logits (N, C) of x (N, T, D)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        layers = sum(name.startswith("W_ih.") for name in weights)
        hidden_size, input_size = weights["W_ih.0"].shape
        self.rnn = torch.nn.RNN(input_size, hidden_size, layers, batch_first=True, dtype=torch.float64)
        self.rnn.load_state_dict(
            {
                f"{NAMES[name]}_l{layer}": _tensor(weights, f"{name}.{layer}")
                for name in NAMES
                for layer in range(layers)
            }
        )
        self.output_layer = _linear(weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.rnn(x)
        logits: torch.Tensor = self.output_layer(states[:, -1])
        return logits


class Predictor(torch.nn.Module):
    """Logits (T, C) of x (T, D), from a zero state."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.Wzh, self.Wrh, self.Wh, self.Wzx, self.Wrx, self.Wx = (
            torch.nn.Parameter(_tensor(weights, name)) for name in ("Wzh", "Wrh", "Wh", "Wzx", "Wrx", "Wx")
        )
        self.projection = _linear(weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.Wh.new_zeros(len(self.Wh))
        states = []
        for x_t in x:
            z = torch.sigmoid(self.Wzh @ h + self.Wzx @ x_t)
            r = torch.sigmoid(self.Wrh @ h + self.Wrx @ x_t)
            candidate = torch.tanh(self.Wh @ (r * h) + self.Wx @ x_t)
            h = (1 - z) * h + z * candidate
            states.append(h)
        logits: torch.Tensor = self.projection(torch.stack(states))
        return logits


NETWORKS: dict[str, type[Classifier] | type[Predictor]] = {"phonemes": Classifier, "characters": Predictor}
"""The network of each task."""


def losses(network: torch.nn.Module, batches: Iterable[Batch], rate: float) -> Iterator[float]:
    """Yield each batch's loss, before the update of the network that follows it."""
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    criterion = torch.nn.CrossEntropyLoss()
    for x, labels in batches:
        optimizer.zero_grad()
        loss = criterion(network(torch.from_numpy(x)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        yield loss.item()


def _linear(weights: Weights) -> torch.nn.Linear:
    classes, hidden_size = weights["W"].shape
    layer = torch.nn.Linear(hidden_size, classes, dtype=torch.float64)
    layer.load_state_dict({"weight": _tensor(weights, "W"), "bias": _tensor(weights, "b")})
    return layer


def _tensor(weights: Weights, name: str) -> torch.Tensor:
    return torch.tensor(weights[name], dtype=torch.float64)
