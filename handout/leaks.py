"""Searches a built hand-out for traces of the solution: in code, comments, strings, documents and data.

Looked for is every expression of more than trivial size in what is to fill in and in its helpers, and every `+=`,
unless the homework's statement or the code that is given says it too. It is found in two ways:

- word for word: the same names, numbers and signs in the same order, whatever the spaces, line ends, quotes and comment
  signs between them, with `self.` or without;
- as a formula of OPERATORS operators or more in other names, in all that parses as Python: a file, a string, a line or
  a block of comments.

This reads impl/ with `ast` and shares no code with what makes the skeleton.
"""

import ast
import copy
import io
import re
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from handout.contents import EXERCISES, IMPL, WHOLE, DoesNotFit

OPERATORS = 3
"""Formulas with fewer of + - * / @ ** look alike by chance: delta * (plus - minus) is in grading code, too."""

STATED = """
    h_t = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh)
    z = sigmoid(Wzh h + Wzx x), r = sigmoid(Wrh h + Wrx x), h~ = tanh(Wh (r * h) + Wx x), h_t = (1 - z) * h + z * h~
"""
"""The equations that the homework's statement gives: any part of one may stand anywhere, word for word."""

WORD = re.compile(r"[^\W\d]\w*|\d+(?:\.\d*)?|[^\w\s#'\"\\]")

SELF = re.compile(r"\bself\s*\.\s*")

PLAIN = (ast.Name, ast.Attribute, ast.Constant, ast.Tuple, ast.List, ast.Starred, ast.Slice)
"""Expressions that say no more than their parts."""

LONGEST = 200_000
"""Characters of a text that is parsed: more is data."""


class Leak(NamedTuple):
    """A piece of the solution, as impl/ has it, and the file in which it was found."""

    file: str
    piece: str
    how: str

    def __str__(self) -> str:
        return f"{self.file} holds a piece of the solution, {self.how}: {self.piece}"


class Solution(NamedTuple):
    """What is looked for: words, and formulas without their names, each with the piece of impl/ that it stands for."""

    words: Mapping[str, str]
    formulas: Mapping[str, str]


def solution(impl: Path = IMPL) -> Solution:
    """What no hand-out of this model solution may hold."""
    secret: list[ast.AST] = []
    given: list[ast.AST] = [_parse(impl / file) for file in WHOLE]
    for exercise in EXERCISES:
        for name, function in _functions(_parse(impl / exercise.file)):
            (given if name in exercise.given else secret).extend(_without_docstring(function))

    allowed = _words(STATED) + "".join(_words(ast.unparse(node)) for node in given)
    harmless = {_formula(node) for tree in given for node in ast.walk(tree) if isinstance(node, ast.expr)}
    pieces = [node for statement in secret for node in ast.walk(statement) if _is_telling(node)]
    return Solution(
        {words: ast.unparse(node) for node in pieces if (words := _words(ast.unparse(node))) not in allowed},
        {
            formula: ast.unparse(node)
            for node in pieces
            if isinstance(node, ast.expr)
            if _operators(node) >= OPERATORS and (formula := _formula(node)) not in harmless
        },
    )


def find(files: Mapping[str, bytes], solution: Solution) -> list[Leak]:
    """Every piece of the solution in these files, by name and content; each once a file."""
    leaks = []
    for name, content in files.items():
        for text in _texts(name, content):
            words = _words(text)
            found = {piece: "word for word" for wanted, piece in solution.words.items() if wanted in words}
            for formula in _formulas(text):
                if formula in solution.formulas:
                    found.setdefault(solution.formulas[formula], "in other names")
            leaks += [Leak(name, piece, how) for piece, how in found.items()]
    return list(dict.fromkeys(leaks))


# The pieces


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """All that a file defines, methods by CLASS.NAME; imports and docstrings are no solution."""
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            for member in statement.body:
                yield f"{statement.name}.{getattr(member, 'name', '')}", member
        elif not isinstance(statement, ast.Import | ast.ImportFrom | ast.Expr):
            yield getattr(statement, "name", ""), statement


def _without_docstring(node: ast.stmt) -> list[ast.stmt]:
    if not isinstance(node, ast.FunctionDef):
        return [] if isinstance(node, ast.Expr) else [node]
    return node.body[ast.get_docstring(node) is not None :]


def _is_telling(node: ast.AST) -> bool:
    """Whether a node is more than names, a count such as t + 1, or a plain use of one name such as range(T), x[t]."""
    if isinstance(node, ast.AugAssign):
        return True
    if not isinstance(node, ast.expr) or isinstance(node, PLAIN):
        return False
    if isinstance(node, ast.BinOp | ast.Compare):
        return not any(isinstance(part, ast.Constant) for part in ast.iter_child_nodes(node)) or _operators(node) > 1
    return len(_words(ast.unparse(node)).split()) > 4


def _words(text: str) -> str:
    """The words of a text, with a space before, between and after them."""
    return " " + " ".join(WORD.findall(SELF.sub("", text))) + " "


# Formulas


def _operators(node: ast.AST) -> int:
    return sum(isinstance(part, ast.BinOp) for part in ast.walk(node))


def _formula(node: ast.expr) -> str:
    """The expression with its names, self.NAME among them, replaced by numbers in their order."""
    return ast.dump(_Numbered().visit(copy.deepcopy(node)))


class _Numbered(ast.NodeTransformer):
    def __init__(self) -> None:
        self.numbers: dict[str, str] = {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return self.visit_Name(ast.Name(node.attr, ast.Load()))
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.numbers.setdefault(node.id, str(len(self.numbers))), ast.Load())


def _formulas(text: str) -> Iterator[str]:
    """Every formula that is long enough, in the text and in what of it parses: lines, and blocks of comments."""
    for snippet in _snippets(text):
        if len(snippet) > LONGEST:
            continue
        try:
            tree = ast.parse(snippet)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and _operators(node) >= OPERATORS:
                yield _formula(node)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value:
                yield from _formulas(node.value)


def _snippets(text: str) -> Iterator[str]:
    yield textwrap.dedent(text)
    lines = [line.strip() for line in text.splitlines()]
    for is_comment, block in groupby(lines, key=lambda line: line.startswith("#")):
        bare = [line.lstrip("# ") for line in block]
        yield from (line for line in bare if sum(map(line.count, "@*+-/")) >= OPERATORS)
        if is_comment:
            yield "\n".join(bare)


# The files


def _texts(name: str, content: bytes) -> Iterator[str]:
    """What can be read in a file: its text, or the texts in an archive of arrays."""
    if not name.endswith(".npz"):
        yield content.decode("utf-8", "replace")
        return
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for key, array in arrays.items():
                yield "\n".join([key, *(map(str, array.ravel()) if array.dtype.kind in "US" else ())])
    except (OSError, EOFError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise DoesNotFit(f"{name} is no .npz without pickles, and cannot be searched") from error
