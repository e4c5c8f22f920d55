"""A hand-in as the properties see it: something that answers a script with a transcript."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from properties.cases import Case
from properties.interpreter.loader import HandInModules
from properties.interpreter.script import HELPERS, mentions, run
from properties.transcript import Lost, Transcript

GIVEN_FILES = ("activation", "linear", "loss")
CELL_FILES = ("rnn_cell", "gru_cell")
MODEL_SOLUTION = Path(__file__).resolve().parents[1] / "impl"

Seen = Transcript | Lost


class Job(NamedTuple):
    """A script to be run, its arrays, the step in whose time it runs, and how many seconds it may take."""

    step: str
    lines: Sequence[str]
    arrays: Mapping[str, np.ndarray]
    seconds: float


class HandIn(Protocol):
    """Answers scripts, in this process or in another."""

    def transcripts(self, jobs: Sequence[Job]) -> Iterable[Seen]:
        """The answers in the order of the jobs; each may come when it is asked for, and all before the next call."""
        ...

    def close(self) -> None: ...


class InProcess:
    """A hand-in in this very process, for the model solution and for debugging: a debugger and coverage see it."""

    def __init__(self, root: Path, cells: str = "own") -> None:
        self._modules = HandInModules(root, missing_given_files(root), model_cells(cells))

    def transcripts(self, jobs: Sequence[Job]) -> list[Seen]:
        seen: list[Seen] = []
        with self._modules:
            for job in jobs:
                began = time.perf_counter()
                reply = run(job.lines, job.arrays, self._modules)
                seen.append(Transcript(reply, time.perf_counter() - began))
        return seen

    def close(self) -> None:
        pass


class Question(NamedTuple):
    """A script of a step on a case."""

    step: str
    case: Case
    lines: Sequence[str]


class Remembering:
    """A hand-in that is asked each question once; the last `most` answers are kept.

    allowed(question) is how many seconds the hand-in may take for it.
    """

    def __init__(
        self, hand_in: HandIn, allowed: Callable[[Question], float] = lambda question: 2.0, most: int = 8192
    ) -> None:
        self._hand_in = hand_in
        self._allowed = allowed
        self._seen: OrderedDict[Question, Seen] = OrderedDict()
        self._coming: Iterator[tuple[Question, Seen]] = iter(())
        self._most = most

    def on(self, question: Question) -> Seen:
        """The transcript of the script with the arrays of the case."""
        self._take(until=question)
        if question not in self._seen:
            self.ask([question])
            self._take()
        return self._seen[question]

    def ask(self, questions: Iterable[Question]) -> None:
        """Ask all that was not asked before, together; answers are taken as they are needed."""
        self._take()
        new = [question for question in dict.fromkeys(questions) if question not in self._seen]
        jobs = [Job(q.step, q.lines, arrays_of(q.case, q.lines), self._allowed(q)) for q in new]
        self._coming = zip(new, self._hand_in.transcripts(jobs), strict=True)
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def _take(self, until: Question | None = None) -> None:
        """Take the answers that are on their way, up to that to a question, or all."""
        if until is not None and until in self._seen:
            return
        for question, seen in self._coming:
            self._seen[question] = seen
            if question is until or question == until:
                return

    def seconds(self) -> dict[Question, float]:
        """How long each answer took, of those that are kept."""
        self._take()
        return {question: seen.seconds for question, seen in self._seen.items()}

    def printed(self) -> str:
        """The first thing that the hand-in printed in a script, or ""."""
        return next((seen.printed for seen in self._seen.values() if seen.printed), "")

    def close(self) -> None:
        self._hand_in.close()


def arrays_of(case: Case, lines: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of the case that a script mentions, in the order of the script."""
    given: set[str] = set(HELPERS)
    names: dict[str, np.ndarray] = {}
    for line in lines:
        mentioned, targets = mentions(line)
        for name in mentioned:
            if name not in given and name not in names and name in case:
                names[name] = case[name]
        given.update(targets)
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
