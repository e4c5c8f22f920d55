"""A hand-in in a child process: what it does there costs what it touched, and nothing that it sends is believed."""

import contextlib
import os
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

from grading import process
from grading.entry import grade_entry
from grading.faults import Broken
from grading.grade import jobs
from grading.process import ChildHandIn, plain
from properties.hand_in import MODEL_SOLUTION, Job
from properties.interpreter import wire
from properties.outcomes import Crashed, TimedOut, Unmet
from properties.transcript import Lost, Transcript

X = np.arange(4.0).reshape(2, 2)
CELL = "import os, sys, time\nimport numpy as np\n\n\nclass RNN_Cell:\n    def __init__(self, D, H):\n        pass\n\n"
GOOD = "def forward(self, x):\n    return x"


def job(line="h_t = cell.forward(x)", step="RNN Forward", seconds=10.0):
    return Job(step, ("cell = RNN_Cell(2, 2)", line), {"x": X}, seconds)


def is_right(seen):
    return isinstance(seen, Transcript) and np.array_equal(seen.h_t, X)


@pytest.fixture
def in_child(write_hand_in):
    """Open a hand-in whose RNN_Cell has these methods, in a child that ends with the test."""
    opened = []

    def open_hand_in(*methods, top=""):
        body = "".join(f"    {line}\n" for method in (GOOD, *methods) for line in method.splitlines())
        root = write_hand_in({"mytorch/rnn_cell.py": f"{CELL}{body}\n{top}\n"})
        opened.append(ChildHandIn(partial(plain, root, "own")))
        return opened[-1]

    yield open_hand_in
    for each in opened:
        each.close()


def test_scripts_are_answered_in_their_order(in_child):
    """Each job gets the transcript of its own script."""
    hand_in = in_child("def double(self, x):\n    return 2 * x")
    first, second, third = hand_in.transcripts([job(), job("h_t = cell.double(x)"), job()])

    assert is_right(first)
    np.testing.assert_array_equal(second.h_t, 2 * X)
    assert is_right(third)


def test_an_exception_costs_its_own_script_only(in_child):
    """What raises, SystemExit too, leaves the process alive."""
    hand_in = in_child("def leave(self, x):\n    sys.exit(5)")
    bad, good = hand_in.transcripts([job("h_t = cell.leave(x)"), job()])

    with pytest.raises(Crashed, match=r"RNN_Cell\.leave raises SystemExit: 5"):
        _ = bad.h_t
    assert is_right(good)


def test_a_hang_is_timed_out_and_the_next_script_goes_on(in_child):
    """A script that does not answer is lost after its own time, and the next one runs in a new process."""
    hand_in = in_child("def hang(self, x):\n    while True:\n        pass")
    list(hand_in.transcripts([job()]))
    began = time.monotonic()
    before, hung, after = hand_in.transcripts([job(), job("h_t = cell.hang(x)", seconds=0.4), job()])

    assert 0.4 <= time.monotonic() - began < 10
    assert is_right(before)
    with pytest.raises(TimedOut, match=r"^no answer within 0\.4 s$"):
        _ = hung.h_t
    assert is_right(after)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("ending", "said"),
    [("os._exit(3)", "exit status 3"), ("os._exit(0)", "exit status 0"), ("os.kill(os.getpid(), 11)", "SIGSEGV")],
)
def test_an_end_of_the_process_is_a_crash_with_its_status(in_child, ending, said):
    """A process that ends by itself is told with how it ended, and the next script runs in a new one."""
    hand_in = in_child(f"def end(self, x):\n    {ending}")
    lost, after = hand_in.transcripts([job("h_t = cell.end(x)"), job()])

    with pytest.raises(Crashed) as raised:
        _ = lost.h_t
    assert str(raised.value) == f"the process ended by itself ({said})"
    assert is_right(after)


def test_three_lost_processes_end_the_step_and_no_other(in_child):
    """After three lost processes a step's scripts are not asked any more; another step's are."""
    hand_in = in_child("def end(self, x):\n    os._exit(1)")
    end = job("h_t = cell.end(x)")
    *lost, given_up, other = hand_in.transcripts([end, end, end, job(), job(step="RNN Backward")])

    assert all(isinstance(seen, Lost) for seen in (*lost, given_up))
    with pytest.raises(Crashed, match="not asked any more after 3 lost processes in this step"):
        _ = given_up.h_t
    assert is_right(other)


def test_a_step_has_a_time_of_its_own(in_child, monkeypatch):
    """Past a step's time its scripts are not asked any more; another step's are."""
    monkeypatch.setattr(process, "STEP_SECONDS", 0.5)
    hand_in = in_child("def sleep(self, x):\n    time.sleep(0.3)\n    return x")
    slow = job("h_t = cell.sleep(x)")
    seen = list(hand_in.transcripts([job(step="GRU Forward"), slow, slow, slow, job(step="GRU Forward")]))

    assert is_right(seen[0])
    assert is_right(seen[1])
    with pytest.raises(TimedOut):
        _ = seen[3].h_t
    assert is_right(seen[4])


def test_a_flood_of_output_is_harmless(in_child):
    """Megabytes on both outputs, from Python and past it, hold nothing up and are kept up to a bound."""
    hand_in = in_child(
        "def flood(self, x):\n"
        "    for _ in range(200):\n"
        "        print('a' * 10**4)\n"
        "        for output in (1, 2):\n"
        "            os.write(output, b'b' * 10**4)\n"
        "    return x"
    )
    flooded, after = hand_in.transcripts([job("h_t = cell.flood(x)"), job()])
    hand_in.close()

    assert is_right(flooded)
    assert is_right(after)
    assert hand_in.output == "b" * process.MOST_OUTPUT


def test_input_is_empty(in_child):
    """A hand-in that reads standard input gets its end, and not the requests."""
    hand_in = in_child("def read(self, x):\n    return x if os.read(0, 1) == b'' and sys.stdin.read() == '' else None")

    assert is_right(next(iter(hand_in.transcripts([job("h_t = cell.read(x)")]))))


FORGE = """def forge(self, x):
    import json, struct
    header = json.dumps({header}).encode()
    frame = struct.pack("<4sIQ", b"RNN\\x01", len(header), {length}) + header + {payload}
    for output in range(3, 64):
        try:
            os.write(output, frame)
        except OSError:
            pass
    return -x"""
PARTS = {"changed": [], "shared": [], "warned": [], "printed": ""}
FORGED = {
    "another number": ({"reply": 9, "values": [], "arrays": [], **PARTS}, 0, "b''"),
    "no reply": ({"ready": True, "arrays": []}, 0, "b''"),
    "a pickle": ({"reply": 0, "values": [["h_t", "array", "x"]], "arrays": [["|O", [1]]], **PARTS}, 8, "bytes(8)"),
    "no frame": ({}, 2**60, "b''"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="writes to every descriptor")
@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_frame_ends_the_process_and_nothing_else(in_child, kind):
    """A frame that the hand-in writes itself, to every descriptor, loses its process; the next script goes on."""
    header, length, payload = FORGED[kind]
    hand_in = in_child(FORGE.format(header=header, length=length, payload=payload))
    forged, after = hand_in.transcripts([job("h_t = cell.forge(x)"), job()])

    with pytest.raises(Crashed, match="something that is not the answer"):
        _ = forged.h_t
    assert is_right(after)


@pytest.mark.skipif(sys.platform == "win32", reason="writes to every descriptor")
def test_a_forged_reply_without_the_results_is_a_crash(in_child):
    """A reply of the right number that leaves a result out is the hand-in's fault, and no KeyError."""
    header = {"reply": 0, "values": [], "arrays": [], **PARTS}
    (seen,) = in_child(FORGE.format(header=header, length=0, payload="b''")).transcripts([job("h_t = cell.forge(x)")])

    with pytest.raises(Unmet):
        _ = seen.h_t


def is_alive(pid):
    """Whether the process is there and is no zombie that only waits to be told of."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return os.path.isdir("/proc/self") is False
    except ProcessLookupError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")
@pytest.mark.parametrize("then", ["while True: pass", "os._exit(0)", "return x * child.pid"])
def test_what_a_hand_in_started_ends_with_it(in_child, then):
    """A process that the hand-in started is killed with its own, whether that hangs, ends or answers."""
    hand_in = in_child(
        "def start(self, x):\n"
        "    import subprocess\n"
        "    child = subprocess.Popen(['sleep', '60'])\n"
        "    with open('pid', 'w') as file:\n"
        "        file.write(str(child.pid))\n"
        f"    {then}"
    )
    list(hand_in.transcripts([job("h_t = cell.start(x)", seconds=1.5)]))
    hand_in.close()
    pid = int((MODEL_SOLUTION.parent / _root_of(hand_in) / "pid").read_text())
    until = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.01)

    assert not is_alive(pid)


def _root_of(hand_in):
    return hand_in._launch.args[0]


def test_the_child_sees_no_environment_and_no_path_of_ours(in_child, monkeypatch):
    """Of the environment it has OpenBLAS's threads alone; the suite and site-packages are not on its path."""
    monkeypatch.setenv("EXAM_SECRET", "x")
    hand_in = in_child(
        "def look(self, x):\n"
        "    for name in ('grading', 'properties.registry', 'torch', 'hypothesis'):\n"
        "        try:\n"
        "            __import__(name)\n"
        "        except ImportError:\n"
        "            continue\n"
        "        raise ValueError(name)\n"
        "    if set(os.environ) - {'OPENBLAS_NUM_THREADS', 'LC_CTYPE', 'SYSTEMROOT'}:\n"
        "        raise ValueError(list(os.environ))\n"
        "    return x"
    )

    assert is_right(next(iter(hand_in.transcripts([job("h_t = cell.look(x)")]))))


def broken_launch(command):
    right = plain(MODEL_SOLUTION, "own")
    return right._replace(command=[*command, *right.command[1:]])


def test_an_interpreter_that_does_not_start_is_broken(tmp_path):
    """Where the child ends before it is ready, that is our fault, and what it wrote is told."""
    script = tmp_path / "python.py"
    script.write_text("import sys\nsys.exit('no NumPy here')\n")
    hand_in = ChildHandIn(partial(broken_launch, [sys.executable, str(script)]))

    with pytest.raises(Broken, match="the child process did not start: no NumPy here"):
        list(hand_in.transcripts([job()]))


def test_an_interpreter_that_is_not_there_is_broken(tmp_path):
    """Where there is no such program, that is Broken too, and no FileNotFoundError."""
    with pytest.raises(Broken, match="does not start"):
        ChildHandIn(partial(broken_launch, [str(tmp_path / "nothing")]))


def test_a_process_is_not_asked_twice(in_child):
    """Closing ends the process; asking again starts another, with fresh modules."""
    hand_in = in_child(
        "def count(self, x):\n    global seen\n    seen += 1\n    return np.array([seen])", top="seen = 0"
    )
    counts = []
    for _ in range(2):
        counts += [int(seen.n[0]) for seen in hand_in.transcripts([job("n = cell.count(x)")] * 2)]
        hand_in.close()

    assert counts == [1, 2, 1, 2]


with contextlib.suppress(ImportError):  # not on Windows
    import resource

    @pytest.mark.parametrize("name", [name for name in process.LIMITS if hasattr(resource, name)])
    def test_limits_are_in_force(in_child, name):
        """Memory, time, file size, open files and core dumps are bounded in the child."""
        method = f"def look(self, x):\n    import resource\n    return np.array(resource.getrlimit(resource.{name}))"
        (seen,) = in_child(method).transcripts([job("limits = cell.look(x)")])

        assert (seen.limits <= process.LIMITS[name]).all()
        assert (seen.limits >= 0).all()


def test_memory_is_bounded(in_child):
    """An array past the bound is a MemoryError of the hand-in, and the process lives."""
    hand_in = in_child("def much(self, x):\n    return np.ones(10**10)")
    lost, after = hand_in.transcripts([job("h_t = cell.much(x)"), job()])

    with pytest.raises(Crashed, match="MemoryError"):
        _ = lost.h_t
    assert is_right(after)


def test_the_model_solution_answers_as_in_process():
    """A child with the model solution's cells is a child like any other."""
    hand_in = ChildHandIn(partial(plain, MODEL_SOLUTION, "model"))
    (seen,) = hand_in.transcripts([Job("RNN Forward", ("cell = RNN_Cell(2, 2)", "h_t = cell.W_ih"), {}, 10.0)])
    hand_in.close()

    assert seen.h_t.shape == (2, 2)


def test_the_same_bytes_are_the_same_answer_and_others_are_not(in_child):
    """What was found to hold for a reply is known of the same reply from another hand-in, and of no other."""
    asked = job()
    (seen,) = in_child().transcripts([asked])
    seen.met.add("a property")
    (again,) = in_child("def more(self):\n    pass").transcripts([asked])
    (other,) = in_child("def forward(self, x):\n    return x + 1e-300").transcripts([asked])

    assert again.met == {"a property"}
    assert other.met == set()


def test_a_reply_that_takes_much_memory_is_not_kept():
    """Neither long arrays nor a long header outlive the hand-in that sent them; both count in what it may send."""
    rest = b'"values": [], "changed": [], "shared": [], "warned": [], "printed": "%s", "arrays": []}'
    asked = job()

    assert asked.known(rest % b"", b"") is asked.known(rest % b"", b"")
    for printed in (b"x" * 20_000, b"y" * 20_000):
        with pytest.raises(wire.Malformed):  # more than is ever printed
            asked.known(rest % printed, b"")
    long = b'"values": [["%s", "other", "x"]], "changed": [], "shared": [], "warned": [], "printed": "", "arrays": []}'
    names = [b'", "other", "x"], ["'.join(b"%d" % n for n in range(900 * k, 900 * k + 900)) for k in range(2)]
    for name in names:
        assert asked.known(long % name, b"") is not asked.known(long % name, b"")
        assert asked.known(long % name, b"").size > len(long % name)


def test_a_wrong_hand_in_after_a_right_one_is_found_wrong(small_run, edited_impl):
    """Properties that held for the hand-in before are checked anew for one that answers otherwise."""
    old = "        return self.activation(x @ self.W_ih.T + self.b_ih + h @ self.W_hh.T + self.b_hh)"
    wrong = edited_impl("mytorch/rnn_cell.py", old, old.replace("+ self.b_hh", "- self.b_hh"))
    run = small_run._replace(
        job_of=jobs({}),
        open_hand_in=lambda root, cells: ChildHandIn(partial(plain, root, cells)),
        steps=["RNN Forward"],
    )

    assert [grade_entry(root.name, root, run)["points"] for root in (MODEL_SOLUTION, wrong, MODEL_SOLUTION)] == [
        10,
        0,
        10,
    ]


def test_what_is_not_read_waits_in_the_child():
    """The grader holds a few megabytes of what it has not read, and takes in more as it reads."""
    incoming, ended, size = process._Incoming(), threading.Event(), process.MOST_UNREAD // 4
    pieces = [bytes([number]) * size for number in range(12)]
    sender = threading.Thread(target=lambda: [incoming.put(piece, ended) for piece in pieces], daemon=True)
    sender.start()
    sender.join(0.3)

    assert sender.is_alive()
    assert incoming._put <= process.MOST_UNREAD + size
    assert [incoming.within(5).read(size) for _ in pieces] == pieces
    sender.join(5)
    assert not sender.is_alive()
