"""A script's lines as a program of their own, which needs NumPy alone and a file with the arrays.

A script (properties.scripts) tries many things. Of the calls on an object all are kept up to the last that matters,
because objects of a hand-in remember; results that nobody asks for are not read. Names mean what they mean in the
interpreter of scripts (properties.interpreter): the hand-in's classes in all their spellings, copies of all arrays.
"""

import ast
import inspect
from collections.abc import Collection, Iterator, Sequence
from textwrap import indent
from typing import NamedTuple

from grading.formats.judged import Judged
from properties.interpreter.loader import HOMES, SPELLINGS
from properties.interpreter.script import HELPERS, frozen, mentions, strided

ALIASING = "projection"  # the helper that returns a part of its argument
USE = "python show.py PATH/TO/HAND-IN: its exit status is 1 while it fails, and 0 once it is mended"
START = """\
import os
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
arrays = np.load(f"{here}/case.npz", allow_pickle=False)
case = arrays.f  # case.x reads the array x anew, each time
os.chdir(*sys.argv[1:2] or ["."])
sys.path[:0] = [os.getcwd(), os.path.abspath("mytorch")]
sys.path += [f"{here}/../given", f"{here}/../given/mytorch"]  # given files, if the hand-in leaves them out
sys.dont_write_bytecode = True
"""
HW3 = """\
import hw3  # the folder, before hw3/hw3.py hides it
sys.path.insert(2, os.path.abspath("hw3"))
"""
GRU = """\
if os.path.isfile("mytorch/gru_cell.py"):
    import mytorch.gru_cell as file
else:
    import hw3.gru_cell as file
"""
STUCK = """\
import faulthandler
faulthandler.dump_traceback_later(20, exit=True)  # where it is after 20 s; exit status 1
"""
LEAVING = """\
except SystemExit:
    sys.exit("the hand-in ends Python")  # exit status 1
"""
END = """\
    print(name, "is", result, "and should be", right, sep="\\n")
    off = np.abs(result - right).max() if np.shape(result) == right.shape else np.inf
    failed |= not off <= allowed.get(getattr(result, "dtype", np.dtype(object)).name, -1)
sys.exit(failed)
"""
SUPPRESS = """\
from contextlib import suppress
"""
PROJECTION = """\
def projection(net, C, H):
    return next(v for v in vars(net).values() if type(v).__name__ == "Linear" and np.shape(v.W) == (C, H))
"""


class Line(NamedTuple):
    """A line of a script. `optional`: what it returns is needed nowhere, so that it may fail."""

    text: str
    optional: bool


def needed_for(lines: Sequence[str], results: Collection[str]) -> list[Line]:
    """The lines without which these results would not be what they are.

    A call is not optional whose result is needed, or after which an attribute is read that is.
    """
    owner = _owners(lines)
    needed = set(results)
    objects: set[str] = set()  # those with something to remember
    read: set[str] = set()  # those of which an attribute is read next
    kept: list[Line] = []
    for line in reversed(lines):
        mentioned, targets = mentions(line)
        on = {owner[name] for name in mentioned if name in owner}
        wanted = not needed.isdisjoint(targets) or any(owner.get(name) in objects for name in targets)
        if not wanted and ("(" not in line or objects.isdisjoint(on)):
            continue
        kept.append(Line(line, optional=bool(targets) and not wanted and read.isdisjoint(on)))
        read = read | on if "(" not in line else read - on
        objects |= on
        needed |= {name for name in mentioned if name not in HELPERS}
    return kept[::-1]


def _owners(lines: Sequence[str]) -> dict[str, str]:
    """For each name of an object the name of the one that it is, or is a part of."""
    owner: dict[str, str] = {}
    for line in lines:
        if _makes_object(line):
            (target,) = mentions(line)[1]
            owner[target] = owner.get(mentions(line)[0][1], "") if ALIASING in mentions(line)[0] else target
    return owner


def _makes_object(line: str) -> bool:
    """Whether a line makes an object of the hand-in, or names a part of one, and computes nothing."""
    called = line.partition(" = ")[2].partition("(")[0]
    return called == ALIASING or (called in SPELLINGS and called[0].isupper())


def program(
    lines: Sequence[Line],
    arrays: Collection[str],
    results: Sequence[Judged],
    comments: Sequence[str],
    outcome: str,
    home: str = "",
) -> str:
    """The lines as a program that is given the hand-in's folder, and says by its exit status whether the results hold.

    arrays are those of the case. Comments come first, a line each, with nothing in them that ends a line. outcome is
    how it fails. home is the folder of the gru_cell.py that counts, or "" where there is no doubt.
    """
    names = {name for line in lines for name in mentions(line.text)[0]}
    body = "\n".join([*_imports(names, home), "", *_helpers(names), *_calls(lines, arrays, results)])
    if outcome == "crashed":  # which may be that it ends Python, with whatever status
        body = f"os._exit = sys.exit\ntry:\n{indent(body, '    ')}\n{LEAVING}"
    heading = "".join(f"# {line}\n" for line in (USE, *comments))
    extra = STUCK * (outcome == "timed_out") + SUPPRESS * any(line.optional for line in lines)
    return f"{heading}{START}{extra}{body}\n\n{_results(results)}{END}"


def right(name: str) -> str:
    """What the right result of this name is called among the arrays."""
    return f"right_{name}"


def _imports(names: Collection[str], home: str) -> Iterator[str]:
    """Every class and function of the hand-in that is mentioned, in whichever spelling it has."""
    wanted = [name for name in SPELLINGS if name in names]
    if any(HOMES[name].startswith("hw3/") for name in wanted):
        yield HW3.rstrip("\n")
    for name in wanted:
        module = HOMES[name].removesuffix(".py").replace("/", ".")
        if len(SPELLINGS[name]) == 1:
            yield f"from {module} import {name}"
            continue
        if name == "GRU_Cell" and home == "hw3":
            yield "import hw3.gru_cell as file"
        elif name == "GRU_Cell":
            yield GRU.rstrip("\n")
        else:
            yield f"import {module} as file"
        first, second = SPELLINGS[name]
        yield f'{name} = file.{first} if hasattr(file, "{first}") else file.{second}'


def _helpers(names: Collection[str]) -> Iterator[str]:
    for helper in (strided, frozen):
        if helper.__name__ in names:
            yield inspect.getsource(helper)
    if "projection" in names:
        yield PROJECTION


def _calls(lines: Sequence[Line], arrays: Collection[str], results: Sequence[Judged]) -> Iterator[str]:
    given: set[str] = set()
    for line in lines:
        text = with_copies(line.text, arrays, given, "case")
        yield f"with suppress(Exception): {text}  # as in use; another entry's" if line.optional else text
        given.update(name for name in mentions(line.text)[1] if "(" in line.text and not _makes_object(line.text))
    for result in results:
        if result.may_lead:
            name = result.name
            yield f"{name} = {name}[0] if np.ndim({name}) == 2 and len({name}) == 1 else {name}  # that is allowed"


def _results(results: Sequence[Judged]) -> str:
    """A loop over the results, with what is right and how far off each may be, by its dtype."""
    items = [
        f"    ({result.name!r}, {result.name}, case.{right(result.name)}, {dict(result.allowed)!r}),\n"
        for result in results
    ]
    return f"failed = False\nfor name, result, right, allowed in [\n{''.join(items)}]:\n"


def with_copies(line: str, arrays: Collection[str], results: Collection[str], case: str) -> str:
    """The line with `case.NAME` for each array of the case, and a copy of each earlier result that it hands on.

    A hand-in may change its arguments; each mention of an array is another one, as where it was graded.
    """
    tree = ast.parse(line)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.args = [_copied(argument, arrays, results, case) for argument in node.args]
    return ast.unparse(tree)


def _copied(node: ast.expr, arrays: Collection[str], results: Collection[str], case: str) -> ast.expr:
    if isinstance(node, ast.List):
        return ast.List([_copied(item, arrays, results, case) for item in node.elts], ast.Load())
    if isinstance(node, ast.Name) and node.id in arrays:
        return ast.Attribute(ast.Name(case, ast.Load()), node.id, ast.Load())
    if isinstance(node, ast.Name) and node.id in results:
        return ast.Call(ast.Attribute(node, "copy", ast.Load()), [], [])
    return node
