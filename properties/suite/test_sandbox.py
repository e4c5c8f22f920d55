"""What a hand-in in the sandbox sees, may and may not do: asked of the hand-in, and of the system that runs it."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from grading import isolation, process, sandbox, seccomp
from grading.faults import Broken
from grading.process import ChildHandIn
from properties.hand_in import MODEL_SOLUTION, Job
from properties.transcript import Lost

CELL = """
import ctypes, glob, json, os, resource
import numpy as np


class RNN_Cell:
    def __init__(self, D, H):
        self.said = np.frombuffer(json.dumps(look()).encode(), np.uint8)


def attempt(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.strerror
    return "done"


def look():
    return {expression}
"""


@pytest.fixture
def in_sandbox(write_hand_in):
    """Open a hand-in, whose RNN_Cell says what an expression gives there, in a sandbox that ends with the test."""
    if sandbox.works():
        pytest.skip(f"no sandbox here: {sandbox.works()}")
    opened = []

    def open_hand_in(expression, cells="own"):
        root = write_hand_in({"mytorch/rnn_cell.py": CELL.format(expression=expression)})
        opened.append(ChildHandIn(partial(sandbox.sandboxed, root, cells)))
        return opened[-1]

    yield open_hand_in
    for each in opened:
        each.close()


@pytest.fixture
def inside(in_sandbox):
    """What an expression gives, as a hand-in in the sandbox."""
    return lambda expression, **more: said_by(in_sandbox(expression, **more))


def said_by(hand_in):
    (seen,) = hand_in.transcripts([Job("", ("cell = RNN_Cell(1, 1)", "said = cell.said"), {}, 20.0)])
    assert not isinstance(seen, Lost), str(seen.unmet)
    return json.loads(seen.said.tobytes())


def test_there_is_nothing_to_see_but_what_is_needed(inside):
    """The interpreter, NumPy, the child's program, given files, the hand-in, three devices, and no other file."""
    seen = inside("[os.path.join(folder, name) for folder, _, names in os.walk('/') for name in names]")

    python = sandbox.interpreter()
    folders = ("/hand_in", "/suite/properties/interpreter", *python.library, *sandbox.numpy_folders(python.packages))
    files = {python.executable, *python.shared, *sandbox.DEVICES, "/etc/ld.so.cache"}
    files |= {f"/model/{name}.py" for name in ("activation", "linear", "loss")}
    assert [path for path in seen if path not in files and not path.startswith(tuple(f"{f}/" for f in folders))] == []
    packages = tuple(f"{folder}/{name}/" for folder in python.library for name in ("site-packages", "dist-packages"))
    numpy = tuple(f"{folder}/" for folder in sandbox.numpy_folders(python.packages))
    assert [path for path in seen if path.startswith(packages) and not path.startswith(numpy)] == []


def test_replaced_cells_are_seen_where_they_replace(in_sandbox):
    """Of impl/ there are the given files that are missing, and the two cells where the model's count."""
    own = in_sandbox("sorted(os.listdir('/model'))")
    assert said_by(own) == ["activation.py", "linear.py", "loss.py"]

    launch = sandbox.sandboxed(MODEL_SOLUTION, "model")
    for descriptor in launch.descriptors:
        os.close(descriptor)
    launch.clean_up()
    assert sorted(launch.places.overlay.values()) == ["/model/gru_cell.py", "/model/rnn_cell.py"]
    assert launch.places.given == {}


def test_the_environment_is_empty(inside, monkeypatch):
    """Nothing of the grader's environment is there; what is there says nothing."""
    monkeypatch.setenv("KEY", "secret")

    assert set(inside("dict(os.environ)")) <= {"OPENBLAS_NUM_THREADS", "PWD", "LC_CTYPE"}


def test_the_uid_is_nobodys(inside):
    """All uids and gids are numbers that no one has, and there is no way back."""
    uids = inside("[*os.getresuid(), *os.getresgid(), *os.getgroups()]")

    assert len(set(uids)) == 1
    assert uids[0] not in (0, os.geteuid())
    assert inside("attempt(os.setuid, 0)") in ("Operation not permitted", "Invalid argument")


def test_nothing_can_be_written(inside):
    """Every folder is read-only but /tmp, which is small."""
    folders = "[f for f, _, _ in os.walk('/') if not f.startswith('/tmp')]"
    writable = f"[f for f in {folders} if attempt(open, f + '/x', 'w') == 'done']"

    assert inside(writable) == []
    assert inside("(os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize)") == sandbox.TMP_SIZE
    assert inside("attempt(open, '/tmp/x', 'w')") == "done"


def test_the_limits_are_set(inside):
    """Each limit of the sandbox is in force and cannot be raised."""
    limits = inside(f"{{name: resource.getrlimit(getattr(resource, name)) for name in {list(sandbox.LIMITS)}}}")

    for name, most in sandbox.LIMITS.items():
        assert all(0 <= limit <= most for limit in limits[name]), name


def test_processes_are_few(inside):
    """A hand-in can start some processes at the most."""
    forks = "[attempt(lambda: os.fork() or __import__('time').sleep(5)) for _ in range(9)].count('done')"

    assert inside(forks) < sandbox.LIMITS["RLIMIT_NPROC"]


@pytest.mark.parametrize(
    "call",
    [
        "shmget(0, 4096, 0o1600)", "memfd_create(b'x', 0)", "unshare(0x10000000)", "ptrace(0, 0, 0, 0)",
        "socket(1, 1, 0)", "socket(40, 1, 0)", "msgget(0, 0o1600)", "mount(b'x', b'/tmp', b'tmpfs', 0, 0)",
    ],
)  # fmt: skip
def test_system_calls_are_denied(inside, call):
    """What no homework needs fails with EPERM, where the filter knows the machine."""
    if not seccomp.program(os.uname().machine):
        pytest.skip("there is no filter for this machine")

    function, _, arguments = call.partition("(")
    said = inside(
        f"(lambda libc: [libc.{function}({arguments}, ctypes.get_errno()])(ctypes.CDLL(None, use_errno=True))"
    )

    assert said == [-1, 1]


def test_filter_is_empty_for_other_machines():
    """A machine whose calls are not listed gets no filter, rather than a wrong one."""
    assert seccomp.program("riscv64") == b""
    assert len(seccomp.program("aarch64")) == len(seccomp.program("x86_64")) > 0


def test_the_system_agrees(in_sandbox):
    """Seen from outside: no capabilities, no way to new ones, the filter, and namespaces of its own."""
    hand_in = in_sandbox("0")
    said_by(hand_in)
    pid = _innermost(hand_in._child._process.pid)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())

    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == ("2" if seccomp.program(os.uname().machine) else "0")
    if os.geteuid() == 0:
        assert set(status["Uid"].split()) == {str(sandbox.unused_user())}
    names = ["pid", "net", "ipc", "uts", "mnt"] + ([] if os.geteuid() == 0 else ["user"])
    assert [name for name in names if _namespace(pid, name) == _namespace("self", name)] == []
    devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]


def _innermost(pid):
    """The last of the line of children that begins here."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int((folder / "stat").read_text().rpartition(")")[2].split()[1])] = int(folder.name)
        except OSError:
            continue
    while pid in parents:
        pid = parents[pid]
    return pid


def _namespace(pid, name):
    return os.readlink(f"/proc/{pid}/ns/{name}")


def test_private_files_are_handed_over(in_sandbox, tmp_path):
    """A hand-in that only its owner may read runs, and stays as it is."""
    hand_in = in_sandbox("1")
    hand_in.close()
    root = tmp_path / "hand_in"
    for path in (*root.rglob("*"), root):
        path.chmod(0o700 if path.is_dir() else 0o600)

    assert said_by(hand_in) == 1
    hand_in.close()
    assert stat.S_IMODE((root / "mytorch/rnn_cell.py").stat().st_mode) == 0o600


def test_the_end_is_the_end_of_all(in_sandbox):
    """When the child is ended, so are the processes that it started, whatever they did to get away."""
    hand_in = in_sandbox("[os.fork() or os.setsid() or os.fork() or __import__('time').sleep(60)]")
    (seen,) = hand_in.transcripts([Job("", ("cell = RNN_Cell(1, 1)",), {}, 1.0)])
    assert seen is not None
    outer = hand_in._child._process.pid if hand_in._child else None
    hand_in.close()

    until = time.monotonic() + 2
    while (left := _sandboxed_processes()) and time.monotonic() < until:
        time.sleep(0.02)
    assert left == []
    assert outer is None or not Path(f"/proc/{outer}").exists()


def _sandboxed_processes():
    """Processes under the uid of this grader's children, or in a user namespace below its own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            if os.geteuid() == 0:
                mine = f"\nUid:\t{sandbox.unused_user()}\t" in status
            else:
                mine = _namespace(folder.name, "user") != _namespace("self", "user")
        except OSError:
            continue
        if mine:
            found.append(folder.name)
    return found


def test_it_says_why_it_does_not_work(monkeypatch, tmp_path):
    """Without bubblewrap, or with one that fails, `works` gives the reason."""
    if sys.platform != "linux":
        assert "Linux" in sandbox.works.__wrapped__()
        return
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sandbox.works.__wrapped__() == "bubblewrap (bwrap) is not installed"
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    assert "No permissions to create a new namespace" in sandbox.works.__wrapped__()


def test_a_sandbox_that_leaks_does_not_work(monkeypatch, tmp_path):
    """A bwrap that runs its command without hiding anything is found out."""
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert sandbox.works.__wrapped__() != ""


def test_ladder(monkeypatch):
    """auto is the best that works, and says why it is not better; a sandbox that was asked for is no less."""
    monkeypatch.setattr(sandbox, "works", lambda: "")
    assert isolation.choose("auto").name == isolation.choose("sandbox").name == "sandbox"
    assert isolation.choose("process").name == "process"

    monkeypatch.setattr(sandbox, "works", lambda: "it is broken")
    assert isolation.choose("auto").name == "process"
    assert isolation.choose("auto").why == "it is broken"
    with pytest.raises(Broken, match="it is broken"):
        isolation.choose("sandbox")


@pytest.mark.slow
def test_as_an_ordinary_user():
    """All of this holds for an ordinary user, too."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("the tests above ran as an ordinary user")
    user = sandbox.FIRST_USER + sandbox.USERS
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, user, user)
        ordinary = {
            "user": user, "group": user, "extra_groups": [], "cwd": process.SUITE, "capture_output": True, "text": True,
            "env": {"PATH": os.environ["PATH"], "HOME": home, "PYTHONDONTWRITEBYTECODE": "1"},
        }  # fmt: skip
        try:
            subprocess.run([sys.executable, "-c", "import numpy, pytest, torch"], check=True, **ordinary)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("another user cannot start this interpreter")

        arguments = ["-q", "-p", "no:cacheprovider", "--tb=short", "--basetemp", f"{home}/t", __file__]
        result = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False, **ordinary)

    assert result.returncode == 0, result.stdout[-4000:]
