"""A hand-in's code in this very process, without a sandbox, and what goes wrong in it, in a sentence.

Objects of the hand-in are made anew for every use. The homework specifies no more than one: handed-out code never
clears a classifier's `hiddens`, and gradients of a GRU_Cell may be assigned or accumulated. On a fresh object all right
ways give the same.
"""

import contextlib
import importlib
import io
import random
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from properties.hand_in import missing_given_files
from properties.interpreter.loader import HandInModules, Missing
from reference.tolerance import UNIT_ROUNDOFF, unit_roundoff
from training.sgd import Array

FLOAT64 = UNIT_ROUNDOFF[np.dtype(np.float64)]
MOST_PRINTED = 200  # characters kept of what the hand-in prints
MOST_TEXT = 300  # characters kept of an error's message


class Unusable(Exception):
    """The hand-in cannot be trained any further; the message says why, in a sentence for the student."""


class HandIn:
    """The hand-in at `root`, the folder that holds mytorch/ and hw3/.

    roundoff is the unit roundoff of the coarsest dtype that came back so far; printed is how what it prints begins.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.roundoff = FLOAT64
        self._modules = HandInModules(self.root, missing_given_files(self.root), {})
        self._sink = _Beginning()

    @property
    def printed(self) -> str:
        return self._sink.kept

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Within it the hand-in's modules are in place and quiet, and whatever is raised becomes Unusable."""
        random.seed(0)  # a constructor may draw weights, and a wrong hand-in may keep them: it is wrong repeatably
        np.random.seed(0)
        try:
            with (
                self._modules,
                np.errstate(),
                warnings.catch_warnings(),
                contextlib.redirect_stdout(self._sink),
                contextlib.redirect_stderr(self._sink),
            ):
                warnings.simplefilter("ignore")
                yield
        except (Unusable, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit too
            raise Unusable(self._sentence(error)) from error

    def find(self, name: str) -> Any:
        """The hand-in's class or function of this name; only while it is running."""
        return self._modules.find(name)

    def loss(self) -> Any:
        """A new SoftmaxCrossEntropy, the hand-in's or the one that was handed out; only while it is running."""
        module = importlib.import_module("mytorch.loss")
        if not hasattr(module, "SoftmaxCrossEntropy"):
            raise Missing("mytorch/loss.py has no SoftmaxCrossEntropy")
        return module.SoftmaxCrossEntropy()

    def array(self, value: object, shape: tuple[int, ...], what: str) -> Array:
        """A copy of a result in float64. Raises Unusable unless it is finite floats of this shape."""
        if value is None:
            raise Unusable(f"{what} is None, but should be an array of shape {shape}")
        try:
            result = np.asarray(value)
        except ValueError:
            raise Unusable(f"{what} is a {type(value).__name__} of which no array can be made") from None
        if result.shape != shape:
            raise Unusable(f"{what} has shape {result.shape}, but should have {shape}")
        try:
            self.roundoff = max(self.roundoff, unit_roundoff(result.dtype))
        except TypeError:
            raise Unusable(f"{what} is of dtype {result.dtype}, but should be float64, or float32 at least") from None
        finite = np.isfinite(result)
        if not finite.all():
            index = tuple(int(i) for i in np.argwhere(~finite)[0])
            raise Unusable(f"{what}[{', '.join(map(str, index))}] is {result[index]}, but should be finite")
        return result.astype(np.float64)

    def gradient(self, owner: Any, weight: str, shape: tuple[int, ...]) -> Array:
        """A copy of the owner's gradient of this weight: of its attribute dW for W. Raises Unusable."""
        kind = type(owner).__name__
        if not hasattr(owner, f"d{weight}"):
            raise Unusable(f"{kind} has no attribute d{weight}")
        return self.array(getattr(owner, f"d{weight}"), shape, f"{kind}.d{weight}")

    def _sentence(self, error: BaseException) -> str:
        if isinstance(error, Missing):
            return str(error)
        if isinstance(error, SyntaxError) and (file := self._relative(error.filename)):
            return f"{file}:{error.lineno} does not parse: {error.msg}"
        text = _cut(f"{type(error).__name__}: {error}".rstrip(": "))
        own = [
            (frame.f_code.co_qualname, f"{file}:{line}")
            for frame, line in traceback.walk_tb(error.__traceback__)
            if (file := self._relative(frame.f_code.co_filename))
        ]
        if not own:
            ours = traceback.extract_tb(error.__traceback__)[-1]
            return f"{ours.line} fails with {text}"
        name, place = own[-1]
        if isinstance(error, NotImplementedError):
            return f"{name} is not written yet ({place})"
        return f"{name} raises {text} ({place})"

    def _relative(self, filename: str | None) -> str:
        """A file of the hand-in relative to its root, or "" for anything else."""
        if filename is None or not Path(filename).is_relative_to(self.root):
            return ""
        return Path(filename).relative_to(self.root).as_posix()


class _Beginning(io.TextIOBase):
    """A text stream that keeps how it begins and forgets the rest."""

    def __init__(self) -> None:
        self.kept = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.kept += text[: max(0, MOST_PRINTED - len(self.kept))]
        return len(text)


def _cut(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]} ..."
