"""The PyTorch programs of questions 1 and 2, run as they stand in the quiz, and what their sizes turn out to mean.

A size's meaning is not read off a name or a document. The outputs of a run are differentiated by its input: the axis
along which an output depends on its own place alone is the batch's, and the one along which it depends on earlier
places too is time's. Hidden layers are counted by their recurrent weights.

The sizes in a program (6, 3, 10 and 20) can be exchanged for others, as all that is asked about them is which is which.
"""

import ast
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Sizes(NamedTuple):
    """The sizes in a program: input is (first, second, third), and a result's last axis is the fourth."""

    first: int
    second: int
    third: int
    fourth: int
    seed: int


AS_WRITTEN = Sizes(6, 3, 10, 20, seed=0)


class Run(NamedTuple):
    """What a run shows. T, B, N and H are the quiz's; construction is the expression that makes the network."""

    T: int
    B: int
    N: int
    H: int
    layers: int
    batch_first: bool
    construction: str
    input_shape: list[int]
    last_shape: list[int]  # of the last state: hx of question 1, hn of question 2


def run(code: str, sizes: Sizes) -> Run:
    """Run the program with these sizes. Raises ValueError unless its first axes are time and batch."""
    program = _Resized(dict(zip(AS_WRITTEN[:4], sizes[:4], strict=True))).visit(ast.parse(code))
    with torch.random.fork_rng():
        torch.manual_seed(sizes.seed)
        names, outputs, construction = _executed(program.body)
        steps = outputs[0] if outputs[0].ndim == 3 else torch.stack(outputs)  # a network's of all steps, or a cell's
        time = _axis_of_time(steps, names["input"])
    network, last = (names["rnn"], names["hn"]) if "rnn" in names else (names["rnncell"], names["hx"])
    return Run(
        T=steps.shape[time],
        B=steps.shape[1 - time],
        N=names["input"].shape[2],
        H=steps.shape[2],
        layers=sum(name.startswith("weight_hh") for name, _ in network.named_parameters()),
        batch_first=getattr(network, "batch_first", False),
        construction=construction,
        input_shape=list(names["input"].shape),
        last_shape=list(last.shape),
    )


def _executed(program: list[ast.stmt]) -> tuple[dict[str, Any], list[Tensor], str]:
    """The program's variables, what its network returned at each call, and the expression that made it."""
    names: dict[str, Any] = {"torch": torch, "nn": torch.nn}
    outputs: list[Tensor] = []
    construction = ""

    def remember(_network: object, _arguments: object, result: Any) -> None:
        outputs.append(result[0] if isinstance(result, tuple) else result)

    for statement in program:
        exec(compile(ast.Module([statement], []), "quiz", "exec"), names)  # the quiz's own code
        if not isinstance(statement, ast.Assign):
            continue
        match ast.unparse(statement.targets[0]):
            case "rnn" | "rnncell" as network:
                names[network].register_forward_hook(remember)
                construction = ast.unparse(statement.value)
            case "input":
                names["input"].requires_grad_()
    return names, outputs, construction


def _axis_of_time(steps: Tensor, given: Tensor) -> int:
    """0 or 1: which of the first two axes, which outputs and input share, is time's. Of two of length one, it is 0."""
    places = [(i, j) for i in range(steps.shape[0]) for j in range(steps.shape[1])]
    weights = torch.randn(steps.shape[2])
    changes = [torch.autograd.grad(steps[place] @ weights, given, retain_graph=True)[0] for place in places]
    depends = torch.stack([(change != 0).any(dim=2) for change in changes]).reshape(*steps.shape[:2], *given.shape[:2])
    along = [depends.any(dim=3).any(dim=1), depends.any(dim=2).any(dim=0)]  # an output's place, an input's place
    alone = [bool((each == torch.eye(len(each), dtype=torch.bool)).all()) for each in along]
    causal = [bool((each == torch.ones_like(each).tril()).all()) for each in along]
    for time in (0, 1):
        if causal[time] and alone[1 - time]:
            return time
    raise ValueError(f"outputs of shape {list(steps.shape)} depend on the input along both axes, or on later places")


class _Resized(ast.NodeTransformer):
    """Exchanges the numbers of a program."""

    def __init__(self, instead: dict[Any, int]) -> None:
        self._instead = instead

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.copy_location(ast.Constant(self._instead.get(node.value, node.value)), node)
