"""Every file of the hand-out, by its name in the archives: `program/mytorch/rnn_cell.py`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from grading import quiz
from grading.pack import File
from handout import carried, leaks
from handout.contents import EXERCISES, IMPL, ROOT, WHOLE, DoesNotFit, check_files
from handout.questions import questions
from handout.skeleton import skeleton

TOP = "program"
RUNNER = "autograder/hw3_autograder"
TEMPLATES = Path(__file__).with_name("templates")
TEXT = {".py", ".md", ".toml", ".txt", ".sh", ".bat"}


def program(style: str, exam: bytes, curves: bytes, impl: Path = IMPL, root: Path = ROOT) -> dict[str, File]:
    """All files of the hand-out, in this style, with this exam and these curves of training.

    Raises DoesNotFit where impl/ or the project is not what the hand-out was written for, and where a piece of the
    solution would be handed out.
    """
    files = exercise_files(style, impl)
    files |= {f"{RUNNER}/{name}": file for name, file in runner_files(exam, curves, root).items()}
    check_leaks(files, impl)
    return {f"{TOP}/{name}": file for name, file in files.items()}


def exercise_files(style: str, impl: Path = IMPL) -> dict[str, File]:
    """What students work on: the given files, the others to fill in, and beside them how to hand them in."""
    check_files(impl)
    files = {file: as_handed_out(impl / file) for file in WHOLE}
    for exercise in EXERCISES:
        text = (impl / exercise.file).read_text(encoding="utf-8")
        files[exercise.file] = File(skeleton(text, exercise, style).encode())
    files["quiz.md"] = File(questions(quiz.load()).encode())
    names = ("README.md", "create_tarball.bat", "create_tarball.sh")
    return files | {name: as_handed_out(TEMPLATES / name) for name in names}


def runner_files(
    exam: bytes, curves: bytes, root: Path = ROOT, entries: Sequence[str] = carried.ENTRIES
) -> dict[str, File]:
    """The runner, what must be installed for it, its exam, and the suite that it carries."""
    needed = "".join(f"{line}\n" for line in carried.requirements(root, entries))
    suite = {f"suite/{name}": as_handed_out(root / name) for name in carried.carried_files(root, entries)}
    return {
        "runner.py": as_handed_out(TEMPLATES / "runner.py"),
        "requirements.txt": File(needed.encode()),
        "train.py": as_handed_out(TEMPLATES / "train.py"),
        "data/exam.npz": File(exam),
        "data/training.npz": File(curves),
        **suite,
    }


def check_leaks(files: Mapping[str, File], impl: Path = IMPL) -> None:
    """Raise DoesNotFit where one of the files holds a piece of the solution."""
    found = leaks.find({name: file.content for name, file in files.items()}, leaks.solution(impl))
    if found:
        raise DoesNotFit("\n".join(map(str, found)))


def as_handed_out(path: Path) -> File:
    """A file with the same line ends from every checkout: Windows' for .bat, Unix' for other texts."""
    content = path.read_bytes()
    if path.suffix in TEXT:
        content = content.replace(b"\r\n", b"\n")
    if path.suffix == ".bat":  # cmd loses its way in lines that end otherwise
        content = content.replace(b"\n", b"\r\n")
    return File(content, executable=path.suffix == ".sh")
