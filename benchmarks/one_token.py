"""One-token mutants of the model solution: every way to get one operator, index, name or transpose wrong.

`mutants()` yields each with its file and a line that says what was changed; benchmarks.power asks that each loses
points or stands in survivors.toml with the reason why it is the same behaviour, or not required.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

IMPL = Path(__file__).resolve().parents[1] / "impl"
FILES = ("mytorch/rnn_cell.py", "mytorch/gru_cell.py", "hw3/rnn_classifier.py", "hw3/hw3.py")
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.MatMult),
    ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,),
}
NAMES = {
    "z": ("r",), "r": ("z",), "h": ("x",), "x": ("h",), "da_z": ("da_r",), "da_r": ("da_h",), "da_h": ("da_z",),
    "dz": ("delta",), "h_prev_l": ("h_prev_t",), "h_prev_t": ("h_prev_l",), "h_next": ("h",), "hnext": ("h",),
}  # fmt: skip
ATTRIBUTES = {
    "Wzh": ("Wrh", "Wh"), "Wrh": ("Wzh",), "Wh": ("Wrh",), "Wzx": ("Wrx",), "Wrx": ("Wx", "dWrx"), "Wx": ("Wzx",),
    "W_ih": ("W_hh",), "W_hh": ("W_ih",), "b_ih": ("b_hh",), "b_hh": ("b_ih",),
    "z_act": ("r_act",), "r_act": ("z_act",), "h_act": ("z_act",), "hidden": ("h_tilde",), "h_tilde": ("hidden",),
}  # fmt: skip


class Mutant(NamedTuple):
    """A file of the model solution with one token changed. id is stable as long as that line is."""

    id: str
    file: str
    text: str


def mutants() -> Iterator[Mutant]:
    """Every mutant of every file."""
    names: Counter[str] = Counter()
    for file in FILES:
        source = (IMPL / file).read_text(encoding="utf-8")
        tree = ast.parse(source)
        seen: set[str] = set()
        for number, node in enumerate(ast.walk(tree)):
            for what, changed in _changes(node):
                mutated = _replaced(tree, number, changed)
                text = ast.unparse(mutated)
                if text in seen or text == ast.unparse(tree):
                    continue
                seen.add(text)
                name = f"{file}: {_line(tree, node)}: {what}"
                names[name] += 1
                yield Mutant(name if names[name] == 1 else f"{name} ({names[name]})", file, text)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(what is changed, the new node) for each mutation of this very node."""
    if isinstance(node, ast.BinOp):
        for operator in OPERATORS.get(type(node.op), ()):
            yield f"{_sign(node.op)} to {_sign(operator())} in {_text(node)}", _with(node, op=operator())
        if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult):
            yield f"operands swapped in {_text(node)}", _with(node, left=node.right, right=node.left)
        yield f"only the left of {_text(node)}", node.left
        yield f"only the right of {_text(node)}", node.right
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield f"no .T in {_text(node)}", node.value
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        for name in ATTRIBUTES.get(node.attr, ()):
            yield f"{_text(node)} to {name}", _with(node, attr=name)
        if node.attr.startswith(("W", "dW")):
            yield f".T on {_text(node)}", ast.Attribute(node, "T", ast.Load())
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for name in NAMES.get(node.id, ()):
            yield f"{node.id} to {name}", _with(node, id=name)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        for value in (node.value + 1, node.value - 1):
            yield f"{node.value} to {value}", _with(node, value=value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"no minus in {_text(node)}", node.operand
    if isinstance(node, ast.AugAssign):
        yield f"= for += in {_text(node)}", ast.Assign([node.target], node.value, lineno=node.lineno)
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.Is):
        other = ast.NotEq() if isinstance(node.ops[0], ast.Eq) else ast.IsNot()
        yield f"the opposite of {_text(node)}", _with(node, ops=[other])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reversed":
        yield f"not reversed: {_text(node)}", node.args[0]
    if _has_an_effect(node):
        yield f"without {_text(node)}", ast.Pass()


def _has_an_effect(node: ast.AST) -> bool:
    """Whether it is a statement that changes something: a call, an addition to a name, or a part that is set."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)  # a docstring is none
    part = ast.Attribute | ast.Subscript
    return isinstance(node, ast.AugAssign) or (isinstance(node, ast.Assign) and isinstance(node.targets[0], part))


def _replaced(tree: ast.Module, number: int, new: ast.AST) -> ast.Module:
    """A copy of the tree with its node of this number, in ast.walk's order, replaced."""
    mutated = copy.deepcopy(tree)
    old = list(ast.walk(mutated))[number]
    new = copy.deepcopy(new)

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(node)

    Replace().visit(mutated)  # in place: the module itself is never what is replaced
    return ast.fix_missing_locations(mutated)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:70]


def _sign(operator: ast.operator) -> str:
    return ast.unparse(ast.BinOp(ast.Name("a"), operator, ast.Name("b"))).split()[1]


def _line(tree: ast.Module, node: ast.AST) -> str:
    """The class and function in which a node stands."""
    names = [
        scope.name
        for scope in ast.walk(tree)
        if isinstance(scope, ast.ClassDef | ast.FunctionDef)
        and scope.lineno <= getattr(node, "lineno", 0) <= (scope.end_lineno or 0)
    ]
    return ".".join(names)
