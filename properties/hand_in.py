"""A hand-in as the properties see it: something that answers a script with a transcript."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from properties.cases import Case
from properties.interpreter.loader import HandInModules
from properties.interpreter.script import HELPERS, mentions, run
from properties.transcript import Lost, Transcript

GIVEN_FILES = ("activation", "linear", "loss")
CELL_FILES = ("rnn_cell", "gru_cell")
MODEL_SOLUTION = Path(__file__).resolve().parents[1] / "impl"

Seen = Transcript | Lost


class HandIn(Protocol):
    """Answers scripts, in this process or in another."""

    def transcript(self, lines: Sequence[str], arrays: Mapping[str, np.ndarray]) -> Seen: ...


class InProcess:
    """A hand-in in this very process, for the model solution and for debugging: a debugger and coverage see it."""

    def __init__(self, root: Path, cells: str = "own") -> None:
        self._modules = HandInModules(root, missing_given_files(root), model_cells(cells))

    def transcript(self, lines: Sequence[str], arrays: Mapping[str, np.ndarray]) -> Seen:
        with self._modules:
            return Transcript(run(lines, arrays, self._modules))


class Remembering:
    """A hand-in that is asked each script on each case once; the last `most` answers are kept."""

    def __init__(self, hand_in: HandIn, most: int = 4096) -> None:
        self._hand_in = hand_in
        self._seen: OrderedDict[tuple[Sequence[str], Case], Seen] = OrderedDict()
        self._most = most

    def on(self, case: Case, lines: Sequence[str]) -> Seen:
        """The transcript of the script with the arrays of the case."""
        key = (tuple(lines), case)
        if key not in self._seen:
            self._seen[key] = self._hand_in.transcript(lines, arrays_of(case, lines))
            if len(self._seen) > self._most:
                self._seen.popitem(last=False)
        return self._seen[key]


def arrays_of(case: Case, lines: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of the case that a script mentions."""
    given, names = set(HELPERS), {}
    for line in lines:
        mentioned, targets = mentions(line)
        for name in mentioned:
            if name not in given and name not in names and name in case:
                names[name] = case[name]
        given |= targets
    return names


def missing_given_files(root: Path) -> dict[str, Path]:
    """The given files that the hand-in does not have, from the model solution, by bare name."""
    files = {name: MODEL_SOLUTION / "mytorch" / f"{name}.py" for name in GIVEN_FILES}
    return {name: file for name, file in files.items() if not (root / "mytorch" / f"{name}.py").is_file()}


def model_cells(cells: str) -> dict[str, Path]:
    """The files that replace the hand-in's: none for its "own" cells, the model solution's two for "model"."""
    if cells == "own":
        return {}
    return {name: MODEL_SOLUTION / "mytorch" / f"{name}.py" for name in CELL_FILES}
