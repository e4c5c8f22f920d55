"""Write properties/README.md: every property with its claim, law, tier, points and what it catches.

    python -m benchmarks.properties_table

What it catches is counted in benchmarks/power.txt; a test holds the file against the registered properties.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

from grading import rubric
from properties.registry import SELF_CONSISTENCY, STEPS, Property, all_properties

TABLE = Path(__file__).resolve().parents[1] / "properties" / "README.md"
MATRIX = Path(__file__).with_name("power.txt")
EQUATIONS = {
    "RNN Forward": (
        "h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)",
        "J. L. Elman, Finding Structure in Time, Cognitive Science 14, 1990; documentation of torch.nn.RNNCell",
    ),
    "RNN Backward": (
        "dz = delta * (1 - h_t^2); dx = dz W_ih; dh = dz W_hh; dW_ih = dz^T x / N; dW_hh = dz^T h_{t-1} / N; "
        "db_ih = db_hh = the mean of dz over the batch",
        "reverse-mode differentiation of the step; documentation of torch.autograd",
    ),
    "RNN Classifier": (
        "logits = h_T^(L) W^T + b after T steps of L cells; L = the mean of -log softmax; gradients by BPTT",
        "P. J. Werbos, Backpropagation through time, Proc. IEEE 78, 1990; documentation of torch.nn.RNN",
    ),
    "GRU Forward": (
        "z = sigmoid(Wzh h + Wzx x); r = sigmoid(Wrh h + Wrx x); h~ = tanh(Wh (r * h) + Wx x); "
        "h_t = (1 - z) * h + z * h~",
        "K. Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014; the homework",
    ),
    "GRU Backward": ("the derivative of the step above", "as above; documentation of torch.autograd"),
    "GRU Inference": ("logits_t = h_t W^T + b, h_t by the step above from h_0 = 0", "the homework's statement"),
}
LAWS = {
    "linear_in_delta": "B(a d + b e) = a B(d) + b B(e): backward is a vector-Jacobian product",
    "adds_over_calls": "dW after two calls is the sum of both",
    "does_not_add_over_calls": "dx and dh are functions of the arguments",
    "zero_grad_clears": "dW = 0 after zero_grad",
    "own_row_alone": "f(X)_i depends on X_i",
    "permuting": "f(PX) = P f(X)",
    "calling": "cell(x, h) = cell.forward(x, h)",
    "twice": "f = f: a function of its arguments",
    "prefix": "causality: row t depends on inputs 1 to t",
    "stepping_by_hand": "inference is the iteration of forward",
    "second_half": "the flow property: the state carries all of the past",
    "lies_between": "h_t is a convex combination of h_{t-1} and h~",
    "closed_update_gate": "z = 0",
    "open_update_gate": "z = 1",
    "derivative_of_forward": "central differences of the hand-in's own forward (reference.differences)",
    "forward_responds": "central differences of the hand-in's own forward are not zero",
    "stored_array": "fixtures/arrays, made by torch, confirmed in NumPy",
}


def table() -> str:
    """The text of properties/README.md."""
    caught = _caught()
    points = rubric.load(rubric.DEFAULT, all_properties())
    lines = [_HEAD]
    for step in STEPS:
        equation, source = EQUATIONS[step]
        lines += [f"\n## {step}\n", f"{equation}\n", f"Source: {source}.\n"]
        lines += ["| property | claim | law | tier | for | catches |", "|---|---|---|---|---|---|"]
        groups: dict[str, list[Property]] = defaultdict(list)
        for prop in all_properties():
            if prop.step == step:
                groups[prop.id.partition(".")[2].partition("[")[0]].append(prop)
        for name, props in groups.items():
            first = props[0]
            claim = first.claim.removeprefix(f"{first.part}: ")
            entries = ", ".join(dict.fromkeys(p.entry for p in props))
            worth = {p.entry: points[step].get(p.entry, 0) for p in props}
            value = f"{entries} ({sum(worth.values()):g})" if first.tier == "required" else entries
            count = len(caught[step, name]) if first.tier == "required" else ""
            lines.append(f"| {name} | {claim} | {_law(name, first)} | {first.tier} | {value} | {count} |")
    return "\n".join(lines) + "\n"


def _law(name: str, prop: Property) -> str:
    for part, law in LAWS.items():
        if part in name:
            return law
    if prop.tier == "advisory":
        return "advice"
    return "self-consistency" if prop.kind == SELF_CONSISTENCY else "agreement with the oracle"


def _caught() -> dict[tuple[str, str], set[str]]:
    """The bugs of the catalogue that each property catches, by step and name, from the kill matrix."""
    caught: dict[tuple[str, str], set[str]] = defaultdict(set)
    step = bug = ""
    for line in MATRIX.read_text("utf-8").splitlines() if MATRIX.exists() else []:
        if match := re.fullmatch(r" {4}(\w+)(\[.*\])?", line):
            caught[step, match[1]].add(bug)
        elif line.startswith("  "):
            bug = line.strip()
        else:
            step = line.strip()
    return caught


_HEAD = """# What must hold

Every property of a hand-in, by step: written by `python -m benchmarks.properties_table` from the properties themselves.

*required* properties decide points: an entry (with its points in brackets) pays when all of its own hold. *advisory*
ones are reported and cost nothing. *alternative* ones stand in for agreement with an oracle where the hand-in's own
forward is wrong, if each *condition* holds. "catches" counts bugs of the catalogue (`benchmarks/power.txt`). Laws
marked "agreement with the oracle" compare with the equation above the table, computed by PyTorch (`reference/`).

`homework/` has a file a step; `suite/` is about this project itself. `strategies.py` draws cases, `scripts.py` says
what is called on them, `expected.py` what the oracles answer, `compare.py` compares; `interpreter/` alone touches a
hand-in.
"""


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    sys.exit(0)
