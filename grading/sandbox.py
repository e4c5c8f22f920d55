"""A hand-in in a sandbox: the child process of grading.process, under bubblewrap, with nothing else in sight.

Of the file system the child sees the interpreter, its standard library and the shared libraries that these and NumPy
load, NumPy, the program of the child, the hand-in, and those files of the model solution that it is given; all
read-only. It may write to a small /tmp. It has process numbers, a network, IPC and a host name of its own; no /proc, no
capabilities, and a filter on system calls (grading.seccomp). An ordinary user's child runs in a user namespace. Root's
child gives its uid away for one that nobody has, because limits on processes do not bind root, under whatever number a
namespace shows it.

The interpreter and NumPy lie where they lie outside, so that whatever they look for beside themselves is there.
"""

import contextlib
import functools
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grading import process, seccomp
from grading.faults import Broken
from properties.hand_in import Job, missing_given_files, model_cells
from properties.transcript import Lost

LIMITS = {
    **process.LIMITS,
    "RLIMIT_AS": 1 << 30,  # for each process; Python with NumPy takes a tenth
    "RLIMIT_NPROC": 6,  # threads count as well, and among them they may take 6 GB
}
TMP_SIZE = 64 << 20
FIRST_USER, USERS = 52_000, 9_000  # uids from here are given to no one: Debian policy 9.2.2, systemd's UIDS-GIDS.md
SUITE, HAND_IN, MODEL = "/suite", "/hand_in", "/model"
INTERPRETER = "properties/interpreter"
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")

_LIBRARIES = """
import ctypes, importlib, json, pathlib, sys

path = list(sys.path)
for folder in path:
    for file in pathlib.Path(folder).glob("*.so"):
        try:
            importlib.import_module(file.name.partition(".")[0])
        except Exception:
            pass
sys.path[:0] = sys.argv[1:]
import numpy, numpy.fft, numpy.linalg, numpy.random

for name in "libgcc_s.so.1", "libm.so.6":  # loaded when a thread ends, and by ctypes
    try:
        ctypes.CDLL(name)
    except OSError:
        pass


class Info(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]


names = []
callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
ctypes.CDLL(None).dl_iterate_phdr(callback(lambda info, *_: names.append(info.contents.name.decode()) or 0), None)
print()
print(json.dumps([path, [name for name in names if name.startswith("/")]]))
"""
"""Loads all extension modules of the standard library and NumPy; prints sys.path and the libraries that came along."""


class Interpreter(NamedTuple):
    """What must be in sight for Python and NumPy to run."""

    executable: str
    library: tuple[str, ...]  # folders of the standard library
    packages: str  # the folder that numpy lies in
    shared: tuple[str, ...]  # shared libraries, by the paths by which the loader finds them


_interpreter: Interpreter | None = None


def interpreter() -> Interpreter:
    """The interpreter below any virtual environment, and its libraries; examined once. Raises Broken."""
    global _interpreter
    if _interpreter is None:
        _interpreter = _examined()
    return _interpreter


def know(found: Sequence[Any]) -> None:
    """Take over what another process on this machine has found to be the interpreter, as a plain sequence."""
    global _interpreter
    executable, library, packages, shared = found
    _interpreter = Interpreter(executable, tuple(library), packages, tuple(shared))


def _examined() -> Interpreter:
    executable = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    packages = str(Path(np.__file__).parents[1])
    command = [executable, "-I", "-S", "-W", "ignore", "-c", _LIBRARIES, packages]
    try:
        path, loaded = json.loads(_output(command).splitlines()[-1])
        folders = [os.path.realpath(folder) for folder in path if os.path.isdir(folder)]
        library = tuple(folder for folder in folders if not any(_lies_in(folder, other) for other in folders))
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        raise Broken(f"the interpreter below {sys.executable} cannot be examined: {error}") from error
    own = (*library, *numpy_folders(packages))
    shared = {os.path.normpath(name) for name in loaded if not any(_lies_in(os.path.realpath(name), o) for o in own)}
    return Interpreter(executable, library, packages, tuple(sorted(shared)))


def _output(command: list[str]) -> str:
    result = subprocess.run(
        command,
        env=process.child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=process.START_SECONDS,
        check=True,
        text=True,
    )
    return result.stdout


def _lies_in(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


def numpy_folders(packages: str) -> list[str]:
    """NumPy, and the libraries that its wheels bring."""
    return [f"{packages}/{name}" for name in ("numpy", "numpy.libs") if os.path.isdir(f"{packages}/{name}")]


def sandboxed(root: Path, cells: str) -> process.Launch:
    """How to start a sandboxed child for the hand-in at this root, with its "own" or the "model" solution's cells."""
    given, overlay = missing_given_files(root), model_cells(cells)
    places = process.Places(
        suite=SUITE,
        packages=interpreter().packages,
        root=HAND_IN,
        given={name: f"{MODEL}/{name}.py" for name in given},
        overlay={name: f"{MODEL}/{name}.py" for name in overlay},
    )
    user = unused_user() if os.geteuid() == 0 else None
    descriptors = _system_call_filter()
    with contextlib.ExitStack() as stack:
        files = {HAND_IN: root, **{f"{MODEL}/{name}.py": file for name, file in {**given, **overlay}.items()}}
        if user is not None:
            files = {place: stack.enter_context(_readable_by_all(file)) for place, file in files.items()}
        clean_up = stack.pop_all().close
    python = [interpreter().executable, *process.python_arguments(places)]
    command = [*_bubblewrap(user, descriptors), *_file_system(files), "--", *python]
    environment = process.child_environment()
    return process.Launch(command, environment, places, "sandbox", LIMITS, user, descriptors, clean_up)


def _bubblewrap(user: int | None, descriptors: tuple[int, ...]) -> Iterator[str]:
    """The command up to the file system: namespaces, environment, capabilities, and the filter on system calls."""
    yield from (shutil.which("bwrap") or "bwrap", "--die-with-parent", "--new-session")
    yield from ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--hostname", "sandbox", "--chdir", "/", "--cap-drop", "ALL")
    if user is None:
        yield from ("--unshare-user", "--uid", str(FIRST_USER), "--gid", str(FIRST_USER))
    else:
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")  # the child gives them away with its uid
    for descriptor in descriptors:
        yield from ("--seccomp", str(descriptor))


def _file_system(files: Mapping[str, Path]) -> Iterator[str]:
    """What there is to see: the interpreter, NumPy, the child's program, and these files."""
    python = interpreter()
    yield from ("--size", str(TMP_SIZE), "--perms", "1777", "--tmpfs", "/tmp")
    for device in DEVICES:
        yield from ("--dev-bind", device, device)
    places = (*python.library, python.executable, *python.shared)
    for folder in sorted({os.path.dirname(place) for place in (*places, f"{python.packages}/numpy")}):
        yield from ("--dir", folder)  # open to all, even where the folder outside is not
    for place in places:
        yield from ("--ro-bind", place, place)
    if os.path.isfile("/etc/ld.so.cache"):  # where the loader finds libraries in folders of their own
        yield from ("--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache")
    hidden = [f"{folder}/{name}" for folder in python.library for name in ("site-packages", "dist-packages")]
    for folder in filter(os.path.isdir, hidden):
        yield from ("--tmpfs", folder)
    for folder in numpy_folders(python.packages):
        yield from ("--ro-bind", folder, folder)
    yield from ("--dir", SUITE, "--dir", os.path.dirname(f"{SUITE}/{INTERPRETER}"), "--dir", MODEL)
    yield from ("--ro-bind", str(process.SUITE / INTERPRETER), f"{SUITE}/{INTERPRETER}")
    for place, file in files.items():
        yield from ("--ro-bind", str(file), place)
    for folder in filter(os.path.isdir, hidden):
        yield from ("--remount-ro", folder)
    yield from ("--remount-ro", "/")


def _system_call_filter() -> tuple[int, ...]:
    """A descriptor of the filter for this machine, to be read once by bubblewrap; none where it is not known."""
    program = seccomp.program(os.uname().machine)
    if not program:
        return ()
    descriptor = os.memfd_create("filter")
    os.write(descriptor, program)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return (descriptor,)


@functools.lru_cache(maxsize=1)
def unused_user() -> int:
    """A uid that is nobody's, and another one for each grader, because a limit on processes counts those of a uid."""
    import pwd

    taken = {entry.pw_uid for entry in pwd.getpwall()}
    numbers = (FIRST_USER + (os.getpid() + i) % USERS for i in range(USERS))
    return next(number for number in numbers if number not in taken)


@contextlib.contextmanager
def _readable_by_all(path: Path) -> Iterator[Path]:
    """The path itself where any user may read all that is in it, and else a copy."""
    if all(_may_be_read(item) for item in (path, *path.rglob("*"))):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="hand_in_") as folder:
        copy = Path(folder) / path.name
        for item in (path, *sorted(path.rglob("*"))):
            target = copy / item.relative_to(path)
            if item.is_symlink():
                target.symlink_to(item.readlink())
            elif item.is_dir():
                target.mkdir()
                target.chmod(0o755)
            elif item.is_file():
                shutil.copyfile(item, target)
                target.chmod(0o644)
        yield copy


def _may_be_read(item: Path) -> bool:
    mode = item.lstat().st_mode
    if stat.S_ISLNK(mode):
        return True
    wanted = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
    return mode & wanted == wanted


_LOOK_AROUND = """
import os
import numpy as np

class RNN_Cell:
    def __init__(self, input_size, hidden_size):
        import decimal, ctypes, json  # as a hand-in may
        self.reads = np.array([_reads(path) for path in ({canary!r}, "/etc/passwd", "/proc/1/environ")])

def _reads(path):
    try:
        open(path).close()
    except OSError:
        return 0
    return 1
"""
"""A hand-in that says whether it can read files that are not for it."""


@functools.lru_cache(maxsize=1)
def works() -> str:
    """Why there is no sandbox here, in one sentence, or "" where there is one: found by starting it. Once a process."""
    if sys.platform != "linux":
        return "bubblewrap is for Linux alone"
    if shutil.which("bwrap") is None:
        return "bubblewrap (bwrap) is not installed"
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary"
        canary.write_text("not for hand-ins")
        canary.chmod(0o644)
        cell = Path(folder) / "hand_in/mytorch/rnn_cell.py"
        cell.parent.mkdir(parents=True)
        cell.write_text(_LOOK_AROUND.format(canary=str(canary)))
        hand_in = process.ChildHandIn(partial(sandboxed, cell.parents[1], "own"))
        try:
            (seen,) = hand_in.transcripts([Job("", ["cell = RNN_Cell(1, 1)", "reads = cell.reads"], {}, 20.0)])
            if isinstance(seen, Lost):
                return f"bubblewrap's child does not answer: {seen.unmet}"
            if seen["reads"].any():
                return "bubblewrap's child can read what it should not"
        except (Broken, AssertionError, OSError) as error:
            return f"bubblewrap does not work here: {' '.join(str(error).split())}"
        finally:
            hand_in.close()
    return ""
