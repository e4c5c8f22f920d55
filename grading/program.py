"""Which hand-ins are the same: by the bytes that were handed in, and by the program that these are.

Both look at hostile files and take bounded time and memory for it: nothing is imported or evaluated, links are not
followed, nothing but folders and regular files is ever opened, and what cannot be read counts as such.
"""

import ast
import codecs
import functools
import hashlib
import io
import json
import os
import stat
import tokenize
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from grading.locate import NOT_OF_INTEREST
from properties.hand_in import GIVEN_FILES, MODEL_SOLUTION

MOST_READ = 2**30  # bytes of a hand-in; any more of its files count by size and time, as a sparse file has no end
MOST_PARSED = 2**17  # bytes of a hand-in; a student's files have some 10 KB. Python 3.11 takes 1.5 s for the worst
CHUNK = 2**20
# An encoding comment may name any codec of Python's, and some take a time that grows with the square of the text.
ENCODINGS = {"ascii", "utf-8", "utf-8-sig", "iso8859-1", "cp1252", "gbk", "gb2312", "gb18030", "big5"}
UNPARSABLE = (SyntaxError, ValueError, LookupError, RecursionError, MemoryError)
NO_PROGRAM = {"annotation", "returns", "kind", "ctx"}  # fields of syntax trees; kind is the u of u"text"
JUNCTION = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)  # a link between folders, on Windows


class _Found(NamedTuple):
    """Something in a folder: its path from there, with slashes, where it lies, and what lstat says, if it does."""

    relative: str
    path: str
    status: os.stat_result | None


def bytes_of(path: Path) -> str:
    """The sha256 of what was handed in: of a file its bytes', of a folder that of a list of all that lies below it.

    The list has a line of JSON for each, sorted by name: its path from the folder, what it is, and what it holds (a
    file the sha256 of its bytes, a link the text of its target). Bytecode, __pycache__, .git and .DS_Store are no
    part of it, and neither are times, permissions and where the folder lies. Raises nothing for what cannot be read.
    """
    left = MOST_READ
    if not os.path.isdir(path):
        found = _Found("", str(path), _status(str(path), follow=True))
        kind, held, _ = _content(found, left)
        return str(held) if kind == "file" else hashlib.sha256(_line(kind, held)).hexdigest()
    hashed = hashlib.sha256()
    for found in _below(str(path), _left_behind):
        kind, held, read = _content(found, left)
        left -= read
        hashed.update(_line(found.relative, kind, held))
    return hashed.hexdigest()


def digest(root: Path) -> str:
    """The sha256 of the program in the hand-in at this root, or "" if there is none.

    The program is the syntax trees of all .py files in mytorch/, hw3/ and wherever else an import may find them.
    Comments, white space, annotations and strings that only stand there, as docstrings do, make no difference; names,
    those of local variables too, and the order of statements do: the same digest means copied, another nothing. A
    given file that is the one that was handed out does not count, nor does a file without a statement. What cannot be
    parsed, or is too long to, counts by its bytes, and a link by its target.
    """
    hashed = hashlib.sha256()
    counted = False
    read, parsed = MOST_READ, MOST_PARSED
    for found in _below(str(root), _aside):
        link = found.status is not None and _is_link(found.status)
        folder = found.status is not None and stat.S_ISDIR(found.status.st_mode)
        if not link and (folder or not found.relative.endswith(".py")):
            continue
        tree = None
        if found.status and stat.S_ISREG(found.status.st_mode) and found.status.st_size <= parsed:
            parsed -= found.status.st_size
            tree = _tree_in(found.path, found.status.st_size)
        if tree is None:
            kind, held, count = _content(found, read)
            read -= count
            hashed.update(_line(found.relative, kind, held))
        elif tree and tree != _handed_out().get(found.relative):
            hashed.update(_line(found.relative, "tree", tree))
        else:
            continue
        counted = True
    return hashed.hexdigest() if counted else ""


def _line(*parts: object) -> bytes:
    return json.dumps(parts).encode() + b"\n"


# --- What lies in a folder


def _below(folder: str, left_out: Callable[[os.DirEntry[str]], bool]) -> Iterator[_Found]:
    """All that lies below a folder, each folder before what is in it, in an order that follows from the names alone."""
    waiting = [_Found("", folder, None)]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here.path) as listed:
                inside = sorted((entry for entry in listed if not left_out(entry)), key=lambda entry: entry.name)
        except OSError:
            yield _Found(f"{here.relative}/", here.path, None)
            continue
        folders = []
        for entry in inside:
            relative = f"{here.relative}/{entry.name}" if here.relative else entry.name
            found = _Found(relative, entry.path, _status(entry.path, follow=False))
            yield found
            if found.status and stat.S_ISDIR(found.status.st_mode) and not _is_link(found.status):
                folders.append(found)
        waiting += reversed(folders)


def _left_behind(entry: os.DirEntry[str]) -> bool:
    """What Python, git and macOS leave in a folder, and no grade depends on."""
    if entry.name in ("__pycache__", ".git", ".DS_Store"):
        return True
    return entry.name.endswith(".pyc") and not entry.is_dir(follow_symlinks=False)


def _aside(entry: os.DirEntry[str]) -> bool:
    """What is no part of a hand-in's program, as in grading.locate."""
    return entry.name in NOT_OF_INTEREST or entry.name.startswith(".")


def _status(path: str, follow: bool) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=follow)
    except (OSError, ValueError):
        return None


def _is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or (JUNCTION is not None and getattr(status, "st_reparse_tag", 0) == JUNCTION)


def _content(found: _Found, most: int) -> tuple[str, object, int]:
    """What it is, what it holds, and how many bytes of it were read to know that, which are no more than `most`."""
    status = found.status
    try:
        if status is None:
            return "unreadable", "", 0
        if _is_link(status):
            return "link", os.readlink(found.path), 0
        if stat.S_ISDIR(status.st_mode):
            return "folder", "", 0
        if not stat.S_ISREG(status.st_mode):
            return stat.filemode(status.st_mode)[0], "", 0  # p, s, c or b: a named pipe, a socket, a device
        if status.st_size > most:
            return "long file", [status.st_size, status.st_mtime_ns], 0
        hashed = hashlib.sha256()
        left = status.st_size
        with open(found.path, "rb", buffering=0) as file:
            while left and (chunk := file.read(min(left, CHUNK))):
                hashed.update(chunk)
                left -= len(chunk)
        return "file", hashed.hexdigest(), status.st_size
    except OSError:
        return "unreadable", "", 0


# --- What a file says


@functools.cache
def _handed_out() -> dict[str, str | None]:
    """The trees of the given files, by their paths in a hand-in."""
    files = [f"mytorch/{name}.py" for name in GIVEN_FILES]
    return {file: _tree_in(str(MODEL_SOLUTION / file), MOST_PARSED) for file in files}


def _tree_in(path: str, size: int) -> str | None:
    """The sha256 of the syntax tree in a file of this size; "" without a statement, None where it cannot be parsed."""
    try:
        with open(path, "rb") as file:
            data = file.read(size)
    except OSError:
        return None
    return _tree_of(data)


@functools.lru_cache(maxsize=64)  # given files are in every hand-in
def _tree_of(data: bytes) -> str | None:
    """The sha256 of the syntax tree of these bytes, as _tree_in."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a student's "\d", or it is an error where warnings are
            tree = ast.parse(_decoded(data))
        if all(map(_says_nothing, tree.body)):
            return ""
        hashed = hashlib.sha256()
        for token in _tokens(tree):
            hashed.update(token.encode() + b"\n")
        return hashed.hexdigest()
    except UNPARSABLE:
        return None


def _decoded(source: bytes) -> str:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    if codecs.lookup(encoding).name not in ENCODINGS:
        raise SyntaxError(f"the encoding {encoding} is not one of those that are read")
    return source.decode(encoding)


def _tokens(tree: ast.AST) -> Iterator[str]:
    """The tree in prefix order, each part with the number or the names of those that follow it.

    Not ast.dump, which calls itself for each level, keeps all in memory, and writes another text in each version of
    Python.
    """
    left: list[object] = [tree]
    while left:
        part = left.pop()
        if isinstance(part, ast.AnnAssign):
            part = ast.Assign([part.target], part.value)  # type: ignore[arg-type]  # one without a value says nothing
        if isinstance(part, ast.AST):
            fields = {
                name: value
                for name, value in ast.iter_fields(part)
                if name not in NO_PROGRAM and value is not None and value != []
            }
            yield " ".join((type(part).__name__, *fields))
            left += reversed(fields.values())
        elif isinstance(part, list):
            items = [item for item in part if not _says_nothing(item)]
            yield f"{len(items)}"
            left += reversed(items)
        else:
            yield f"{type(part).__name__} {part!a}"


def _says_nothing(part: object) -> bool:
    """A string that only stands there, and the annotation of a name without a value."""
    if isinstance(part, ast.Expr):
        return isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)
    return isinstance(part, ast.AnnAssign) and part.value is None
