"""A formula as it stands in the quiz, read and evaluated: what students see is what is computed.

    ∂L/∂W_hh^(l) = Σ_{t=1..T} ∂L/∂z_t^(l) · h_{t-1}^(l)

The reading is the quiz's own (`notation` in fixtures/quiz.toml):
- ⊗ is the element-wise product, and binds tighter than ·.
- · before a derivative of the forward pass (∂h_t/∂z_t, tanh') is the chain-rule product; before a plain vector it is
  the outer or the matrix product. These are two readings of a formula, and it is true if it is true in one of them.
- Two arrays side by side are their matrix product, `@` in Python; ^T is the transpose.
- ∂L/∂a is the whole derivative, ∂a/∂b the direct one alone: networks.Graph says what is held fixed.

t and l are indices. On the left of an equation an index means each of its values, as far as all that is named exists;
one on the right alone may be chosen; Σ binds its own t.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import cast

import torch
from lark import Lark, Token, Tree
from lark.visitors import Interpreter
from torch import Tensor

from properties.suite.quiz.networks import LOSS, Derivative, Graph, Key

READINGS = ("outer", "matrix")

GRAMMAR = r"""
equation: sum "=" sum
?sum: term | sum "+" term -> plus | sum "-" term -> minus
?term: product | "Σ_{t=1..T}" product -> over_time
?product: elementwise | product "·" elementwise -> dot
?elementwise: matrix | elementwise "⊗" matrix -> elementwise
?matrix: atom | matrix atom -> matmul
?atom: symbol
    | symbol "^T" -> transposed
    | "∂" symbol "/" "∂" symbol -> derivative
    | "tanh'" -> slope
    | FUNCTION "(" sum ")" -> call
    | "(" sum ")"
    | "1" -> one
symbol: NAME [TIME] [LAYER]
FUNCTION: /(tanh|sigmoid|f)(?=\()/
NAME: /W_ih|W_hh|b_ih|b_hh|Wzh|Wrh|Wh|Wzx|Wrx|Wx|h~|[hxzrL]/
TIME: /_t|_\{t[+-]1\}/
LAYER: /\^\((0|l([+-]1)?)\)/
%ignore " "
"""
PARSER = Lark(GRAMMAR, start="equation", parser="lalr", propagate_positions=True, maybe_placeholders=True)

Indices = Mapping[str, int]


class Misfit(Exception):
    """Two operands of a formula whose shapes do not fit: the text and the shape of each."""

    def __init__(self, *operands: tuple[str, tuple[int, ...]]) -> None:
        super().__init__(" does not fit ".join(f"{text} {list(shape)}" for text, shape in operands))
        self.operands = operands


class Equation:
    """An equation of the quiz. Raises lark.UnexpectedInput for a text that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left, self.right = _branches(PARSER.parse(text))

    def sides(self, graph: Graph, derivative: Derivative, indices: Indices, reading: str) -> tuple[Tensor, Tensor]:
        """Return what the left and the right are at these indices. Raises Misfit where shapes do not fit."""
        evaluate = _Evaluator(self.text, graph, derivative, indices, reading)
        left, right = evaluate.visit(self.left), evaluate.visit(self.right)
        return left, right

    def agrees(self, graph: Graph, derivative: Derivative, indices: Indices, reading: str, accuracy: float) -> bool:
        """Whether the two sides are equal; axes of length one do not count."""
        try:
            left, right = (side.squeeze() for side in self.sides(graph, derivative, indices, reading))
        except Misfit:
            return False
        if left.shape != right.shape:
            return False
        scale = max(1.0, float(left.abs().max()))
        return bool((left - right).abs().max() <= accuracy * scale)


def hold(equations: Sequence[Equation], graph: Graph, derivative: Derivative, accuracy: float) -> bool:
    """Whether the equations hold together, in one of the readings."""
    return any(
        all(
            any(
                all(equation.agrees(graph, derivative, indices, reading, accuracy) for equation in equations)
                for indices in choices
            )
            for choices in instances(equations, graph)
        )
        for reading in READINGS
    )


def instances(equations: Sequence[Equation], graph: Graph) -> Iterator[list[Indices]]:
    """For each value of the indices on the left, the choices for the others at which all that is named exists."""
    on_the_left = set[str]().union(*(_free(equation.left) for equation in equations))
    on_the_right = set[str]().union(*(_free(equation.right) for equation in equations)) - on_the_left
    for fixed in _values(on_the_left, graph):
        choices: list[Indices] = [{**fixed, **chosen} for chosen in _values(on_the_right, graph)]
        if existing := [indices for indices in choices if _all_exists(equations, indices, graph)]:
            yield existing


def _all_exists(equations: Sequence[Equation], indices: Indices, graph: Graph) -> bool:
    sides = [side for equation in equations for side in (equation.left, equation.right)]
    return all(key in graph.values for side in sides for key in _named(side, indices, graph))


def _branches(tree: Tree) -> list[Tree]:
    """What a part of an equation is made of, without the tokens."""
    return [child for child in tree.children if isinstance(child, Tree)]


def _free(tree: Tree) -> set[str]:
    """The indices that a side of an equation has, without those that Σ binds."""
    if tree.data == "symbol":
        tokens = "".join(str(token) for token in tree.children[1:] if token)
        return {index for index in ("t", "l") if index in tokens}
    indices = set[str]().union(*map(_free, _branches(tree)))
    return indices - {"t"} if tree.data == "over_time" else indices


def _named(tree: Tree, indices: Indices, graph: Graph) -> Iterator[Key]:
    """The values of which a side of an equation speaks at these indices."""
    if tree.data == "symbol":
        yield _key(tree, indices)
    for each in [{**indices, "t": t} for t in graph.times] if tree.data == "over_time" else [indices]:
        for branch in _branches(tree):
            yield from _named(branch, each, graph)


def _key(symbol: Tree, indices: Indices) -> Key:
    """The value of a symbol at these indices."""
    name, time, layer = cast(list[Token | None], symbol.children)
    return str(name), _number(time, "t", indices), _number(layer, "l", indices)


def _number(token: Token | None, index: str, indices: Indices) -> int | None:
    """_{t-1} at t = 3 is 2, ^(0) is 0, and a symbol that has no index has None."""
    if token is None:
        return None
    if index not in token:
        return 0
    return indices[index] + (1 if "+" in token else -1 if "-" in token else 0)


def _values(names: Iterable[str], graph: Graph) -> Iterator[Indices]:
    """Every combination of the values of these indices."""
    ranges = {"t": graph.times, "l": graph.levels}
    ordered = sorted(names)
    for values in itertools.product(*(ranges[name] for name in ordered)):
        yield dict(zip(ordered, values, strict=True))


class _Evaluator(Interpreter[Token, Tensor]):
    """The value of a side of an equation."""

    def __init__(self, text: str, graph: Graph, derivative: Derivative, indices: Indices, reading: str) -> None:
        self._text, self._graph, self._derivative, self._reading = text, graph, derivative, reading
        self._indices = indices

    def symbol(self, tree: Tree) -> Tensor:
        return self._graph.values[_key(tree, self._indices)]

    def one(self, tree: Tree) -> Tensor:
        return torch.ones((), dtype=torch.float64)

    def transposed(self, tree: Tree) -> Tensor:
        return self.visit(tree.children[0]).mT

    def call(self, tree: Tree) -> Tensor:
        name, argument = tree.children
        functions = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "f": self._graph.activation}
        return functions[str(name)](self.visit(argument))

    def derivative(self, tree: Tree) -> Tensor:
        of, at = (_key(symbol, self._indices) for symbol in tree.children)
        if of == LOSS:
            return self._graph.total(at, self._derivative)
        return self._graph.direct(of, at, self._derivative)

    def slope(self, tree: Tree) -> Tensor:
        t = self._indices.get("t", 1)
        return self._graph.direct(("h~", t, None), ("a", t, None), self._derivative)

    def plus(self, tree: Tree) -> Tensor:
        return self._join(tree, torch.add)

    def minus(self, tree: Tree) -> Tensor:
        return self._join(tree, torch.sub)

    def matmul(self, tree: Tree) -> Tensor:
        return self._join(tree, torch.matmul)

    def elementwise(self, tree: Tree) -> Tensor:
        return self._join(tree, torch.mul)

    def dot(self, tree: Tree) -> Tensor:
        if tree.children[1].data in ("derivative", "slope"):
            return self._join(tree, lambda left, right: torch.tensordot(left, right, left.ndim))
        return self._join(tree, torch.outer if self._reading == "outer" else torch.matmul)

    def over_time(self, tree: Tree) -> Tensor:
        outside, terms = self._indices, []
        for t in self._graph.times:
            self._indices = {**outside, "t": t}
            terms.append(self.visit(tree.children[0]))
        self._indices = outside
        return torch.stack(terms).sum(dim=0)

    def _join(self, tree: Tree, operation: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        left, right = (self.visit(child) for child in tree.children)
        try:
            return operation(left, right)
        except RuntimeError:  # torch's word for shapes that do not fit
            texts = (self._text[child.meta.start_pos : child.meta.end_pos] for child in tree.children)
            raise Misfit(*zip(texts, (tuple(left.shape), tuple(right.shape)), strict=True)) from None
