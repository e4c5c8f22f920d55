"""The command line: python -m training phonemes | characters [--hand-in PATH] [--epochs N] [--seed N] [--plot FILE]

Exit status: 0 it learned, and every loss is PyTorch's; 1 it did not; 2 usage; 3 PyTorch is not installed.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from grading import locate
from properties.hand_in import MODEL_SOLUTION
from training import show
from training.characters import Characters
from training.comparison import Comparison, compared
from training.hand_in import HandIn, Unusable
from training.kept import compared_with
from training.phonemes import Phonemes
from training.sgd import Batch, Step, Weights, descend
from training.task import Task

LEARNED, NOT_LEARNED, USAGE, BROKEN, INTERRUPTED = 0, 1, 2, 3, 130
TASKS: dict[str, type[Phonemes] | type[Characters]] = {task.name: task for task in (Phonemes, Characters)}


def main(arguments: Sequence[str], hand_in: Path = MODEL_SOLUTION, kept: Path | None = None) -> int:
    """Run the command and return its exit status.

    In the hand-out, hand_in is the student's folder, and PyTorch's curves are those that were kept.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot show a character shows a stand-in
    parser = _parser(hand_in)
    options = parser.parse_args(arguments)
    if not options.hand_in.is_dir():
        parser.error(f"--hand-in {options.hand_in} is not a folder, but should be the one that holds mytorch/ and hw3/")
    root = locate.root_of(options.hand_in)
    if root is None:
        parser.error(f"--hand-in {options.hand_in} holds neither mytorch/ nor hw3/")
    if options.plot and not options.plot.absolute().parent.is_dir():
        parser.error(f"--plot {options.plot}: there is no folder {options.plot.parent}")
    try:
        return train(TASKS[options.task](options.seed), HandIn(root), options, kept)
    except KeyboardInterrupt:
        print("training: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader went away: `| head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the process ends
        return NOT_LEARNED


def train(task: Task, hand_in: HandIn, options: argparse.Namespace, kept: Path | None = None) -> int:
    """Train, compare and show; return the exit status."""
    epochs = options.epochs or task.epochs
    _say(f"{task.about}\nPlain SGD: rate {task.rate}, epochs {epochs}, seed {task.seed}.")
    folder = _shown(options.hand_in)
    _say(f"Hand-in: {folder}. Its code runs in this process, without a sandbox: for your own code only.\n")
    batches, weights, losses = task.batches(epochs), task.weights(), list[float]()
    try:
        for loss in show.progress(_descent(task, hand_in, weights, batches), len(batches), task.name):
            losses.append(loss)
        score = task.score(hand_in, weights)
        reached = epochs < task.epochs or score.accuracy >= task.stated
        outcome = score.says if reached else f"{score.says} A right hand-in reaches {task.stated:.0%}."
    except Unusable as error:
        trained = len(losses) == len(batches)
        where = "Trained, but put to use" if trained else f"In step {len(losses) + 1} of {len(batches)}"
        reached, outcome = False, f"{where}: {error}."
    if hand_in.printed:
        _say(f"What it prints is not shown here. It begins: {' '.join(hand_in.printed.split())[:80]}")
    if not losses:
        _say(outcome)
        return NOT_LEARNED

    try:
        if kept is None:
            comparison = compared(task, batches, losses, hand_in.roundoff, show.progress)
        elif task.seed == 0 and epochs <= task.epochs:
            comparison = compared_with(kept, task, losses, hand_in.roundoff)
        else:
            _say(f"{outcome}\nThe losses are not compared: PyTorch's came along for seed 0 and {task.epochs} epochs.")
            return LEARNED if reached else NOT_LEARNED
    except (OSError, ValueError, KeyError) as error:
        _say(f"{outcome}\nThe losses are not compared: {kept} cannot be read ({error}).")
        return BROKEN
    except ModuleNotFoundError as error:
        _say(f"{outcome}\nThe losses are not compared: {error.name} is not installed (pip install torch).")
        return BROKEN
    _say(f"\n{show.curve(comparison)}\n\n{outcome}\n{comparison.says()}")
    equal = comparison.first_wrong is None
    if not equal and kept is None:
        _say(f"What is wrong, and where, says: python -m grading grade {shlex.quote(str(folder))}")
    elif not equal:
        _say("What is wrong, and where, says: python ./autograder/hw3_autograder/runner.py")
    if options.plot:
        _say(_picture(task, comparison, options.plot))
    return LEARNED if reached and equal else NOT_LEARNED


def _descent(task: Task, hand_in: HandIn, weights: Weights, batches: Sequence[Batch]) -> Iterator[float]:
    def step(weights: Weights, batch: Batch) -> Step:
        return task.step(hand_in, weights, batch)

    return descend(weights, batches, step, task.rate)


def _picture(task: Task, comparison: Comparison, file: Path) -> str:
    try:
        return show.picture(comparison, f"{task.name}, seed {task.seed}", file)
    except OSError as error:
        return f"{file} cannot be written: {error.strerror}."


def _called(hand_in: Path) -> str:
    return "the model solution" if hand_in == MODEL_SOLUTION else "this homework"


def _shown(folder: Path) -> Path:
    """The folder as it is called from here."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _say(text: str) -> None:
    print(text, flush=True)


def _parser(hand_in: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training" if hand_in == MODEL_SOLUTION else None,
        description="Train a hand-in's network on a small task, step for step beside the same network in PyTorch.",
        epilog="The hand-in's code runs in this process, without a sandbox: this is for your own code only. "
        "Exit status: 0 it learned, and every loss is PyTorch's; 1 it did not; 2 usage; 3 PyTorch is not installed.",
    )
    parser.add_argument("task", choices=TASKS, help="phonemes: the RNN classifier; characters: the GRU predictor")
    parser.add_argument(
        "--hand-in", type=Path, default=hand_in, metavar="PATH",
        help=f"the folder with your mytorch/ and hw3/ (default: {_called(hand_in)})",
    )  # fmt: skip
    parser.add_argument(
        "--epochs", type=_count, metavar="N",
        help=f"default: {', '.join(f'{task.epochs} for {name}' for name, task in TASKS.items())}",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="of data, first weights and order (default: 0)"
    )
    parser.add_argument("--plot", type=_picture_file, metavar="FILE", help="write the curves as .png, .svg or .pdf")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of epochs, 1 or more")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed, 0 or more")
    return int(text)


def _picture_file(text: str) -> Path:
    file = Path(text)
    if file.suffix.lower() not in show.SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} should end in {', '.join(show.SUFFIXES)}")
    return file
