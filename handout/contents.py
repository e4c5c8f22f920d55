"""What of impl/ is handed out: files whole, and in the others what is given and what is to fill in.

This table is all that is said by hand. A name in it that impl/ does not have is an error, and so is a file of impl/
that it does not name. What a file defines besides is a helper of the solution, and goes with it.
"""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
IMPL = ROOT / "impl"


class DoesNotFit(ValueError):
    """impl/ or the project is no longer what the hand-out was written for; the message names what is not there."""


class Task(NamedTuple):
    """A function to fill in: its name, "RNN_Cell.forward".

    With `builds`, attributes of a constructor, only the lines that build these are to fill in, and all others given.
    """

    name: str
    builds: tuple[str, ...] = ()


class Exercise(NamedTuple):
    """A file of impl/ that students complete."""

    file: str
    tasks: tuple[Task, ...]
    given: tuple[str, ...]


WHOLE = ("mytorch/activation.py", "mytorch/linear.py", "mytorch/loss.py")

EXERCISES = (
    Exercise(
        "mytorch/rnn_cell.py",
        tasks=(Task("RNN_Cell.forward"), Task("RNN_Cell.backward")),
        given=("RNN_Cell.__init__", "RNN_Cell.init_weights", "RNN_Cell.zero_grad", "RNN_Cell.__call__"),
    ),
    Exercise(
        "mytorch/gru_cell.py",
        tasks=(Task("GRU_Cell.forward"), Task("GRU_Cell.backward")),
        given=("GRU_Cell.__init__", "GRU_Cell.init_weights", "GRU_Cell.zero_grad", "GRU_Cell.__call__", "outer"),
    ),
    Exercise(
        "hw3/rnn_classifier.py",
        tasks=(
            Task("RNN_Phoneme_Classifier.__init__", builds=("rnn", "output_layer")),
            Task("RNN_Phoneme_Classifier.forward"),
            Task("RNN_Phoneme_Classifier.backward"),
        ),
        given=("RNN_Phoneme_Classifier.init_weights", "RNN_Phoneme_Classifier.__call__"),
    ),
    Exercise(
        "hw3/hw3.py",
        tasks=(
            Task("CharacterPredictor.__init__", builds=("rnn", "projection")),
            Task("CharacterPredictor.forward"),
            Task("inference"),
        ),
        given=("CharacterPredictor.init_rnn_weights", "CharacterPredictor.__call__"),
    ),
)

IMPORTS = {
    "sys": (),
    "numpy": (),
    "activation": ("Sigmoid", "Tanh"),
    "linear": ("Linear",),
    "rnn_cell": ("RNN_Cell",),
    "gru_cell": ("GRU_Cell",),
}
"""Modules, and what is taken from them, whose imports stay where nothing uses them: what is to be written will."""


def check_files(impl: Path = IMPL) -> None:
    """Raise DoesNotFit unless the files of impl/ are those named here."""
    there = {file.relative_to(impl).as_posix() for file in impl.rglob("*.py")}
    named = {*WHOLE, *(exercise.file for exercise in EXERCISES)}
    if missing := sorted(named - there):
        raise DoesNotFit(f"impl/ has no {missing[0]}, which handout/contents.py hands out")
    if unknown := sorted(there - named):
        raise DoesNotFit(f"impl/{unknown[0]} is not named in handout/contents.py: is it given, or the solution's?")
