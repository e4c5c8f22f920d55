"""The interpreter of scripts: the one place where objects of a hand-in are made, called and read.

A script is a list of lines of Python, each an assignment or a call:

    cell = RNN_Cell(2, 3)
    cell.init_weights(W_ih, W_hh, b_ih, b_hh)
    dx, dh = cell.backward(delta, h, x, h_prev_t)
    dW_ih = cell.dW_ih

A name is a result of an earlier line, an array of the case (every mention is a fresh, owned and writable copy), one of
the helpers below, or what the hand-in calls so. A line that fails leaves its fault in place of what it should have
given, and every later line that mentions that name shares it; the others go on.
"""

import ast
import contextlib
import functools
import io
import marshal
import os
import random
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any, NamedTuple, TextIO

import numpy as np

from properties.interpreter.loader import HandInModules, Missing
from properties.interpreter.reply import Fault, Reply, Value, as_value

MOST_PRINTED = 4000  # characters of output kept from one script
MOST_IN_TABLE = 1000  # lines; an exam has some 600
MOST_TEXT = 500  # characters kept of an error or a warning
NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*\b(?!=)")  # no attribute, and no name of an argument
SEEDED = random.Random(0).getstate()
NO_BUILTINS: dict[str, Any] = {"__builtins__": {}}


def run(lines: Sequence[str], arrays: Mapping[str, np.ndarray], hand_in: HandInModules) -> Reply:
    """Run a script on a hand-in whose modules are in place."""
    random.setstate(SEEDED)
    np.random.seed(0)
    printed = _Printed()
    names = _Names(hand_in, arrays)
    values: dict[str, Value | Fault] = {}
    returned: dict[str, Value] = {}
    with np.errstate(), warnings.catch_warnings(record=True) as warned, _output_to(printed):
        warnings.simplefilter("always")
        for line in lines:
            _run_line(_parse(line), names, values, returned, hand_in)
    return Reply(
        values,
        tuple(names.changed()),
        tuple(_sharing(names.results)),
        tuple(dict.fromkeys(_cut(_message(w.message)) for w in warned[:4])),
        printed.text(),
        returned,
    )


class Line(NamedTuple):
    """A parsed line. `targets` are the names that it gives, or the object it works on if it assigns nothing."""

    text: str
    code: CodeType
    mentions: tuple[str, ...]
    targets: tuple[str, ...]
    assigns: bool
    attribute: tuple[str, str] | None  # (object, attribute) of the outermost attribute access
    calls: bool


_first: dict[str, Line] = {}


def table() -> bytes:
    """The lines that were parsed first in this process, which are the exam's, for `know` in another."""
    return _table(len(_first))


@functools.lru_cache(maxsize=1)
def _table(_: int) -> bytes:
    return marshal.dumps([tuple(line) for line in _first.values()])


def know(lines: bytes) -> None:
    """Take over what another process of the same Python has parsed."""
    _first.update((line[0], Line(*line)) for line in marshal.loads(lines))


@functools.lru_cache(maxsize=4096)
def _parse(line: str) -> Line:
    if line in _first:
        return _first[line]
    parsed = _parsed(line)
    if len(_first) < MOST_IN_TABLE:
        _first[line] = parsed
    return parsed


def _parsed(line: str) -> Line:
    statement = ast.parse(line).body[0]
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        targets = tuple(_source(name) for name in names)
    else:
        targets = (line.partition(".")[0],)
    value: ast.expr = statement.value  # type: ignore[attr-defined]  # a script has assignments and calls alone
    calls = isinstance(value, ast.Call)
    outer = value.func if isinstance(value, ast.Call) else value
    attribute = (_source(outer.value), outer.attr) if isinstance(outer, ast.Attribute) else None
    code = compile(ast.Expression(value), "<script>", "eval")
    mentions = tuple(dict.fromkeys(NAME.findall(line, value.col_offset)))
    return Line(line, code, mentions, targets, isinstance(statement, ast.Assign), attribute, calls)


def _source(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ast.unparse(node)  # which takes its time


def mentions(line: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that a line mentions, from left to right, and those that it assigns."""
    parsed = _parse(line)
    return parsed.mentions, parsed.targets if parsed.assigns else ()


def _run_line(
    line: Line,
    names: "_Names",
    values: dict[str, Value | Fault],
    returned: dict[str, Value],
    hand_in: HandInModules,
) -> None:
    """Give each target of the line its value or its fault; nothing for a call that went well."""
    owner = line.mentions[0] if line.mentions else ""
    if names.faulty and (cause := _cause(line, owner, names, values)) is not None:
        values.update(dict.fromkeys(line.targets, cause))
        return
    try:
        result = eval(line.code, NO_BUILTINS, names)
        if line.assigns:
            for target, part in zip(line.targets, _unpacked(result, line), strict=True):
                values[target] = as_value(part)
                names.results[target] = part
        elif isinstance(result, np.ndarray) and line.text not in returned:
            value = as_value(result)
            if value.array is not None:
                returned[line.text] = value
                names.results[line.text] = result  # which is no name, but may share memory with what has one
    except BaseException as error:  # SystemExit and KeyboardInterrupt of a hand-in are its own as well
        fault = _as_fault(error, line, names, hand_in)
        names.faulty = True
        if line.attribute and line.calls:
            names.last_fault[owner] = fault
        values.update(dict.fromkeys(line.targets, fault))
        return
    if names.faulty and line.attribute and line.calls:
        names.last_fault.pop(owner, None)


def _cause(line: Line, owner: str, names: "_Names", values: Mapping[str, Value | Fault]) -> Fault | None:
    """The fault that this line shares, of what it mentions or of the last call on the object that it reads."""
    causes = [values.get(name) for name in line.mentions]
    if line.attribute and not line.calls:  # what a call that failed should have set is not there to be read
        causes.append(names.last_fault.get(owner))
    return next((cause for cause in causes if isinstance(cause, Fault)), None)


@contextlib.contextmanager
def _output_to(stream: TextIO) -> Iterator[None]:
    """Standard output and error go there meanwhile."""
    output, error = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = stream
    try:
        yield
    finally:
        sys.stdout, sys.stderr = output, error


def _unpacked(result: Any, line: Line) -> Sequence[Any]:
    if len(line.targets) == 1:
        return (result,)
    if not isinstance(result, tuple | list) or len(result) != len(line.targets):
        given = f"{len(result)} values" if isinstance(result, tuple | list) else f"one {type(result).__name__}"
        raise Missing(f"{_called(line)} returns {given}, but should return {', '.join(line.targets)}")
    return result


class _Names(dict[str, Any]):
    """What the names in a line mean. Looking up an array of the case makes a fresh copy of it."""

    def __init__(self, hand_in: HandInModules, arrays: Mapping[str, np.ndarray]) -> None:
        self.hand_in = hand_in
        self.arrays = arrays
        self.results: dict[str, Any] = {}
        self.last_fault: dict[str, Fault] = {}  # of each object whose last call failed
        self.lent: list[tuple[str, np.ndarray]] = []
        self.faulty = False  # whether any line failed

    def __getitem__(self, name: str) -> Any:
        if name in self.results:
            result = self.results[name]
            return result.copy() if type(result) is np.ndarray else result
        if name in self.arrays:
            copy = np.array(self.arrays[name])
            self.lent.append((name, copy))
            return copy
        if name in HELPERS:
            return HELPERS[name]
        return self.hand_in.find(name)

    def changed(self) -> dict[str, None]:
        """The arguments that are no longer what they were."""
        return dict.fromkeys(name for name, copy in self.lent if not _same_bytes(copy, self.arrays[name]))


def _same_bytes(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def strided(array: np.ndarray) -> np.ndarray:
    """The same array, as every second column of one twice as wide, in Fortran order."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), order="F")
    wide[..., ::2] = array
    return wide[..., ::2]


def frozen(array: np.ndarray) -> np.ndarray:
    """The same array, read-only."""
    array.flags.writeable = False
    return array


def projection(net: Any, C: int, H: int) -> Any:
    """The attribute of `net` that is a Linear whose W is (C, H). Raises Missing."""
    for layer in vars(net).values():
        named = any(kind.__name__ == "Linear" for kind in type(layer).__mro__)
        if named and np.shape(getattr(layer, "W", ())) == (C, H):
            return layer
    raise Missing(f"{type(net).__name__} has no attribute that is a Linear with W of shape (num_classes, hidden_dim)")


HELPERS: dict[str, Callable[..., Any]] = {"strided": strided, "frozen": frozen, "projection": projection}


def _as_fault(error: BaseException, line: Line, names: _Names, hand_in: HandInModules) -> Fault:
    """Say what went wrong in the student's words, with the last of the hand-in's own lines that was running."""
    if isinstance(error, Missing):
        return Fault("missing", str(error), "")
    if isinstance(error, SyntaxError) and (file := _relative(error.filename, hand_in)) is not None:
        where = f"{file}:{error.lineno}"
        if "???" in str(error.text):  # of the hand-out's outline
            return Fault("unparsed", f"{where} does not parse: a ??? is left there", where)
        return Fault("unparsed", _cut(f"{where} does not parse: {error.msg}"), where)
    frames = [
        (f"{file}:{number}", frame.f_code.co_qualname)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if (file := _relative(frame.f_code.co_filename, hand_in)) is not None
    ]
    where = _cut(" in ".join(frames[-1])) if frames else ""
    if isinstance(error, NotImplementedError):
        return Fault("unwritten", f"{frames[-1][1] if frames else _called(line, names)} is not written yet", where)
    text = _without_our_paths(_text(error), hand_in)
    if not frames and isinstance(error, AttributeError) and line.attribute:
        kind = "method" if line.calls else "attribute"
        return Fault("missing", f"{_owner(line, names)} has no {kind} {line.attribute[1]}", "")
    if not frames and isinstance(error, TypeError) and line.calls:
        return Fault("raised", _cut(f"{_called(line, names)} cannot be called as {_call(line)}: {text}"), "")
    return Fault("raised", _cut(f"{_called(line, names)} raises {text}"), where)


def _called(line: Line, names: _Names | None = None) -> str:
    """What the line calls or reads, in the student's names: RNN_Cell.backward."""
    if line.attribute:
        return f"{_owner(line, names)}.{line.attribute[1]}"
    return line.text.partition("=")[2].partition("(")[0].strip()


def _owner(line: Line, names: _Names | None) -> str:
    owner = line.attribute[0] if line.attribute else ""
    result = names.results.get(owner) if names is not None else None
    return type(result).__name__ if result is not None else owner


def _call(line: Line) -> str:
    return line.text.partition("=")[2].strip() or line.text


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {_message(error)}".rstrip(": ")


def _message(error: object) -> str:
    try:
        return str(error)
    except BaseException:  # its own __str__ may fail, too
        return ""


def _without_our_paths(text: str, hand_in: HandInModules) -> str:
    """The text with the hand-in's files as the student knows them, wherever they lie here."""
    for name, file in {**hand_in.given, **hand_in.overlay}.items():
        text = text.replace(str(file), f"mytorch/{name}.py")
    return text.replace(f"{hand_in.root}{os.sep}", "")


def _relative(filename: object, hand_in: HandInModules) -> str | None:
    """A file of the hand-in relative to its root, or None for anything else."""
    root = str(hand_in.root)
    if not isinstance(filename, str) or not filename.startswith(root):
        return None
    return filename[len(root) :].lstrip("/\\").replace("\\", "/")


def _cut(text: str) -> str:
    return re.sub(r"[^\S\n]+", " ", text)[:MOST_TEXT]


class _Printed(io.TextIOWrapper):
    """Standard output and error of a script, kept up to a bound; a text stream like any other."""

    def __init__(self) -> None:
        self._bytes = _Bounded()
        super().__init__(io.BufferedWriter(self._bytes), "utf-8", errors="replace", write_through=True)

    def text(self) -> str:
        """What was written, up to the bound, by whatever way."""
        with contextlib.suppress(ValueError):  # a hand-in may have closed or detached it
            self.flush()
        return self._bytes.kept.decode("utf-8", "replace")[:MOST_PRINTED]


class _Bounded(io.RawIOBase):
    """Keeps the first bytes written and forgets the others."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.kept += bytes(data[: max(0, 4 * MOST_PRINTED - len(self.kept))])
        return len(data)


def _sharing(results: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Pairs of results, named in the order of the script, that lie in the same memory."""
    arrays = [(name, result) for name, result in results.items() if isinstance(result, np.ndarray)][:16]
    if len({id(array) for _, array in arrays if type(array) is np.ndarray and array.base is None}) == len(arrays):
        return  # each owns its memory
    for i, (name, array) in enumerate(arrays):
        for other_name, other in arrays[i + 1 :]:
            apart = type(array) is type(other) is np.ndarray and array.base is None and other.base is None
            if array is other or (not apart and np.may_share_memory(np.asarray(array), np.asarray(other))):
                yield name, other_name
