"""A hand-in as the properties see it: something that answers a script with a transcript."""

import functools
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from properties.cases import Case
from properties.interpreter.loader import HandInModules
from properties.interpreter.reply import Reply
from properties.interpreter.script import HELPERS, mentions, run
from properties.interpreter.wire import Request, reply_of, request
from properties.transcript import Lost, Transcript

GIVEN_FILES = ("activation", "linear", "loss")
CELL_FILES = ("rnn_cell", "gru_cell")
MODEL_SOLUTION = Path(__file__).resolve().parents[1] / "impl"

Seen = Transcript | Lost


MOST_KNOWN = 3  # replies to a job
MOST_KNOWN_SIZE = 1 << 17  # of a reply that is kept; a case has some 20,000 bytes
OBJECTS = 8  # how many times as much memory as its text the header of a reply takes, about


class Known(NamedTuple):
    """A reply, its size in bytes of memory, about, and the properties that were found to hold for it."""

    reply: Reply
    size: int
    met: set[str]


@dataclass(frozen=True, eq=False)
class Job:
    """A script to be run, its arrays, the step in whose time it runs, and how many seconds it may take."""

    step: str
    lines: Sequence[str]
    arrays: Mapping[str, np.ndarray]
    seconds: float

    @functools.cached_property
    def request(self) -> Request:
        """The job as a child process is asked it, the same for every hand-in."""
        return request(self.lines, self.arrays)

    def known(self, rest: bytes, payload: bytes) -> Known:
        """What a reply's bytes say; the same for the same bytes, as right hand-ins often give. Raises Malformed."""
        return (self._known if _size(rest, payload) <= MOST_KNOWN_SIZE else _known)(rest, payload)

    @functools.cached_property
    def _known(self) -> Callable[[bytes, bytes], Known]:
        return functools.lru_cache(maxsize=MOST_KNOWN)(_known)

    @functools.cached_property
    def targets(self) -> frozenset[str]:
        """The names that the script gives."""
        return frozenset(name for line in self.lines for name in mentions(line)[1])


def _known(rest: bytes, payload: bytes) -> Known:
    return Known(reply_of(rest, payload), _size(rest, payload), set())


def _size(rest: bytes, payload: bytes) -> int:
    return OBJECTS * len(rest) + len(payload)


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


def job_of(question: Question, seconds: float = 2.0) -> Job:
    """The job that a question is, which may take so many seconds."""
    return Job(question.step, question.lines, arrays_of(question.case, question.lines), seconds)


class Remembering:
    """A hand-in that is asked each question once; the last `most` answers are kept.

    A script that is the beginning of another on the same case is not run: its answer is the beginning of the other's,
    unless that one got none or changed an argument. `job_of` makes a question a job; where it keeps them, a job's
    arrays are looked up once for all hand-ins.
    """

    def __init__(self, hand_in: HandIn, job_of: Callable[[Question], Job] = job_of, most: int = 8192) -> None:
        self._hand_in = hand_in
        self._job_of = job_of
        self._seen: OrderedDict[Question, Seen] = OrderedDict()
        self._coming: Iterator[tuple[Question, Seen]] = iter(())
        self._longer: dict[Question, Question] = {}
        self._most = most

    def on(self, question: Question) -> Seen:
        """The transcript of the script with the arrays of the case."""
        seen = self._seen.get(question)
        if seen is None:
            longer = self._longer.pop(question, None)
            seen = self._beginning(question, longer, self.on(longer)) if longer is not None else None
        if seen is None:
            self._take(until=question)
            if question not in self._seen:
                self._ask([question])
                self._take()
            seen = self._seen[question]
        return seen

    def _beginning(self, question: Question, longer: Question, whole: Seen) -> Seen | None:
        """The answer to a question of which `whole` is the answer to a longer one; None where it does not tell."""
        names = results_in(question.lines, longer.lines)
        if isinstance(whole, Lost) or whole.changed or names is None:
            return None
        seen = whole.beginning(names)
        if seen is not None:
            self._seen[question] = seen
        return seen

    def ask(self, questions: Iterable[Question]) -> None:
        """Ask all that was not asked before, together; answers are taken as they are needed."""
        self._take()
        new = [question for question in dict.fromkeys(questions) if question not in self._seen]
        longer = beginnings(new)
        self._longer.update(longer)
        self._ask([question for question in new if question not in longer])

    def _ask(self, new: Sequence[Question]) -> None:
        jobs = [self._job_of(question) for question in new]
        self._coming = zip(new, self._hand_in.transcripts(jobs), strict=True)
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def _take(self, until: Question | None = None) -> None:
        """Take the answers that are on their way, up to that to a question, or all."""
        for question, seen in self._coming:
            self._seen[question] = seen
            if question is until or question == until:
                return

    def seconds(self) -> dict[Question, float]:
        """How long each answer took, of those that are kept."""
        self._take()
        for question in list(self._longer):
            self.on(question)
        return {question: seen.seconds for question, seen in self._seen.items()}

    def printed(self) -> str:
        """The first thing that the hand-in printed in a script, or ""."""
        return next((seen.printed for seen in self._seen.values() if seen.printed), "")

    def close(self) -> None:
        self._hand_in.close()


def beginnings(questions: Iterable[Question]) -> dict[Question, Question]:
    """The questions whose script is the beginning of another's on the same case, each with the longest of these."""
    longest_first: dict[Case, list[Question]] = {}
    for question in sorted(questions, key=lambda question: -len(question.lines)):
        longest_first.setdefault(question.case, []).append(question)
    found: dict[Question, Question] = {}
    for same_case in longest_first.values():
        for place, question in enumerate(same_case):
            for other in same_case[:place]:
                if results_in(question.lines, other.lines) is not None:
                    found[question] = other
                    break
    return found


@functools.lru_cache(maxsize=4096)
def results_in(lines: Sequence[str], longer: Sequence[str]) -> Mapping[str, str] | None:
    """What each result of a script is called in a longer one that begins with the same calls, or None.

    What a call gives to no name is called by the line itself. None too where the longer script gives one of these names
    to something else later on, because it tells what a name means at its end.
    """
    if len(lines) > len(longer):
        return None
    names: dict[str, str] = {}
    taken: set[str] = set()  # the names that results have there
    for line, other in zip(lines, longer, strict=False):
        mentioned, targets = mentions(line)
        given = mentions(other)[1] or (other,)
        means_another = any(names.get(name, name) != name or name in taken - names.keys() for name in mentioned)
        told_before = bool(targets) and other in taken  # of a line that stands there twice the first result is told
        if _call(line) != _call(other) or means_another or told_before or (targets and len(targets) != len(given)):
            return None
        names.update(zip(targets, given, strict=False))
        taken.update(given)
    later = {name for other in longer[len(lines) :] for name in mentions(other)[1]}
    return None if later & set(names.values()) else names


def _call(line: str) -> str:
    return line.partition(" = ")[2] or line


def arrays_of(case: Case, lines: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of the case that a script mentions, in the order of the script."""
    return {name: case[name] for name in _not_given(tuple(lines)) if name in case}


@functools.lru_cache(maxsize=4096)
def _not_given(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The names that a script mentions before a line of its own gives them."""
    given: set[str] = set(HELPERS)
    names: dict[str, None] = {}
    for line in lines:
        mentioned, targets = mentions(line)
        names.update(dict.fromkeys(name for name in mentioned if name not in given))
        given.update(targets)
    return tuple(names)


def missing_given_files(root: Path) -> dict[str, Path]:
    """The given files that the hand-in does not have, from the model solution, by bare name."""
    files = {name: MODEL_SOLUTION / "mytorch" / f"{name}.py" for name in GIVEN_FILES}
    return {name: file for name, file in files.items() if not (root / "mytorch" / f"{name}.py").is_file()}


def model_cells(cells: str) -> dict[str, Path]:
    """The files that replace the hand-in's: none for its "own" cells, the model solution's two for "model"."""
    if cells == "own":
        return {}
    return {name: MODEL_SOLUTION / "mytorch" / f"{name}.py" for name in CELL_FILES}
