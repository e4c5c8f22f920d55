"""From paths to hand-ins: which folders are one, which are a class of them, and what each is called."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from grading import archives
from grading.faults import Usage

PARTS = ("mytorch", "hw3")
NOT_OF_INTEREST = ("autograder", "__MACOSX", "__pycache__")
MOST_ENCLOSING = 2
LONGEST_NAME = 100
WINDOWS_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class Entry(NamedTuple):
    """A hand-in to be graded: the name of its report and where it lies."""

    name: str
    path: Path


def entries(paths: Sequence[Path]) -> tuple[list[Entry], bool]:
    """Every hand-in at these paths, with distinct names, in the order of their paths; and whether any path was a class.

    Raises Usage for a path that does not exist, and for one at which there is nothing.
    """
    found: list[Path] = []
    classes = False
    for path in paths:
        if not path.exists():
            raise Usage(f"{path} does not exist")
        try:
            members = _members(path) if path.is_dir() else None
        except OSError as error:
            raise Usage(f"{path} cannot be read: {error.strerror}") from None
        if members is None:
            found.append(path)
        else:
            if not members:
                raise Usage(f"{path} holds neither mytorch/ nor hw3/, and nothing else that could be a hand-in")
            classes = True
            found += members
    return _named(found), classes


def root_of(folder: Path) -> Path | None:
    """The folder at or below this one, through at most two enclosing folders, that holds mytorch/ or hw3/."""
    for _ in range(MOST_ENCLOSING + 1):
        children = of_interest(folder)
        only = children[0] if len(children) == 1 and children[0].is_dir() else None
        if _holds_a_part(folder) and not (only and _holds_a_part(only)):  # an enclosing folder may be called hw3, too
            return folder
        if only is None:
            return None
        folder = only
    return None


def _holds_a_part(folder: Path) -> bool:
    return any((folder / part).is_dir() for part in PARTS)


def of_interest(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, without what systems and graders leave behind."""
    return sorted(
        child for child in folder.iterdir() if child.name not in NOT_OF_INTEREST and not child.name.startswith(".")
    )


def _members(folder: Path) -> list[Path] | None:
    """The hand-ins of a class, or None if the folder is a hand-in itself."""
    if root_of(folder) is not None:
        return None
    for _ in range(MOST_ENCLOSING):
        children = of_interest(folder)
        if len(children) != 1 or not children[0].is_dir():
            break
        folder = children[0]
    return of_interest(folder)


def _named(paths: Iterable[Path]) -> list[Entry]:
    """Give each path a name of its own: -2, -3 are added in the order of the paths."""
    taken: set[str] = set()
    named = []
    for path in sorted(paths):
        wanted = safe_name(path)
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name.casefold())
        named.append(Entry(name, path))
    return named


OF_A_CLASS = {  # files that lie beside the folders of hand-ins, and while they are written
    f"{name}{more}"
    for name in ("gradebook.csv", "index.html", "moodle.csv", "canvas.csv")
    for more in ("", ".unfinished")
}


def safe_name(path: Path) -> str:
    """The file's or folder's name less an archive's suffix, with what a file system may not take replaced by _."""
    whole = Path(os.path.abspath(path))  # not resolved: a link has a name of its own
    name = archives.stem(whole)
    name = re.sub(r"[^\w.()+@ -]", "_", name).lstrip(" .")[:LONGEST_NAME].rstrip(" .")
    taken = not name or WINDOWS_NAMES.match(name) or name.startswith("-") or name.casefold() in OF_A_CLASS
    return f"_{name}" if taken else name
