"""A class graded by a cluster gets the very reports that it gets without one, whatever becomes of the workers."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask, the optional extra `cluster`, is not installed")

import distributed

from grading import cluster, exam, report
from grading.archives import Limits
from grading.entry import grade_entry
from grading.faults import Broken
from grading.grade import answers
from grading.program import bytes_of
from grading.rubric import DEFAULT
from grading.run import Parcel, as_data, unpack
from properties.hand_in import MODEL_SOLUTION

PROJECT = MODEL_SOLUTION.parent
STORED = PROJECT / "fixtures" / "handins"
OTHER_SUITE = "from grading import versions\nversions.suite_digest = lambda: 'another'\n"
KILLER = """
import os, signal

class RNN_Cell:
    def __init__(self, input_size, hidden_size):
        os.kill(os.getppid(), signal.SIGKILL)
"""
SLOWLY = "import time\ntime.sleep(0.5)\n"  # so that a worker is at it when something happens
POSIX = pytest.mark.skipif(os.name != "posix", reason="made for POSIX")


# --- A class, and a cluster


def zip_of(folder, file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.py")):
            archive.write(path, path.relative_to(folder))
    return file


@pytest.fixture(scope="module")
def hand_ins(tmp_path_factory):
    """Right ones and wrong ones, folders and archives, refused ones, and one that does not travel; names and places."""
    folder = tmp_path_factory.mktemp("class")
    for name in ("assigned", "bottom_only", "wrong_forward", "syntax_error"):
        shutil.copytree(STORED / name, folder / name)
        with open(folder / name / "mytorch" / "rnn_cell.py", "a") as file:
            file.write(SLOWLY)
    zip_of(STORED / "einsum", folder / "einsum.zip")
    zip_of(STORED / "zeros", folder / "zeros.ZIP")
    (folder / "within").mkdir()
    zip_of(STORED / "late", folder / "within" / "hand in.zip")
    (folder / "damaged.zip").write_bytes(b"PK\x03\x04 and no more")
    (folder / "notes.txt").write_text("to follow")
    (folder / "empty").mkdir()
    if os.name == "posix":
        shutil.copytree(STORED / "loops", folder / "linked")
        (folder / "linked" / "mytorch" / "linear.py").unlink(missing_ok=True)
        (folder / "linked" / "mytorch" / "linear.py").symlink_to(MODEL_SOLUTION / "mytorch" / "linear.py")
    return [(place.name, str(place)) for place in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def parcel(small_run):
    """A short exam about one step, in child processes."""
    data = exam.to_bytes(small_run.exam, answers(small_run))
    return Parcel(data, DEFAULT.read_text(encoding="utf-8"), ["RNN Forward"], "process", "")


@pytest.fixture(scope="module")
def local_reports(hand_ins, parcel, tmp_path_factory):
    """The reports that a run without a cluster writes, by name."""
    out, settings = tmp_path_factory.mktemp("local"), unpack(as_data(parcel))
    for name, place in hand_ins:
        report.write(grade_entry(name, Path(place), settings), out)
    return reports_in(out)


def reports_in(out):
    return {file.parent.name: file.read_bytes() for file in out.glob("*/report.json")}


class Cluster:
    """A scheduler, started where there is no suite, and the workers that are asked for, on the loopback address."""

    def __init__(self, folder, **environment):
        self.folder, self.file, self.started = folder, folder / "scheduler.json", []
        self.environment = os.environ | environment
        self.start(folder, "scheduler", "--port", "0", "--host", "127.0.0.1", "--no-show")
        wait_until(self.file.exists)
        time.sleep(0.1)
        self.address = json.loads(self.file.read_text())["address"]

    def start(self, where, *arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(self.file), "--no-dashboard"]
        log = open(self.folder / f"{arguments[0]}.log", "ab")  # noqa: SIM115  # the process's
        self.started.append(subprocess.Popen(command, cwd=where, env=self.environment, stdout=log, stderr=log))
        log.close()
        return self.started[-1]

    def worker(self, *arguments, where=PROJECT):
        """Start a worker, without a nanny unless --nanny is among the arguments, and wait until it is there."""
        nanny = [] if "--nanny" in arguments else ["--no-nanny"]
        own = ["--nthreads", "1", "--host", "127.0.0.1", "--local-directory", str(self.folder)]
        before = self.workers()
        process = self.start(where, "worker", *own, *nanny, *arguments)
        wait_until(lambda: self.workers() > before)
        return process

    def workers(self):
        with self.client() as client:
            return len(client.nthreads())

    @contextlib.contextmanager
    def client(self):
        with distributed.Client(self.address, set_as_default=False) as client:
            yield client

    def left_over(self):
        """The tasks and the exams that the scheduler still knows."""
        with self.client() as client:
            return client.run_on_scheduler(
                lambda dask_scheduler: [*dask_scheduler.tasks, *dask_scheduler.extensions["variables"].variables]
            )

    def end(self):
        for process in reversed(self.started):  # the scheduler last
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path):
    """Start a cluster without workers; it ends with the test."""
    with contextlib.ExitStack() as stack:

        def started(**environment):
            (tmp_path / "cluster").mkdir()
            made = Cluster(tmp_path / "cluster", **environment)
            stack.callback(made.end)
            return made

        yield started


@pytest.fixture
def graded(hand_ins, parcel, tmp_path):
    """Grade the class on a cluster, and return what is broken and the reports; what is told may do something."""

    def grade(address, told=lambda names: None, entries=hand_ins):
        names = []

        def tell(name):
            names.append(name)
            assert (tmp_path / "out" / name / "report.json").exists()
            told(names)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # Dask's own
            broken = cluster.execute(entries, tmp_path / "out", parcel, address, tell)
        reports = reports_in(tmp_path / "out")
        assert sorted(names) == sorted(reports)
        return broken, reports

    return grade


# --- Workers


@pytest.mark.slow
def test_reports_are_those_of_a_local_run_though_a_worker_is_killed(start, graded, local_reports):
    """Of two workers one is killed after the first report; all reports come, each once, byte for byte the same."""
    dask = start()
    killed, alive = dask.worker(), dask.worker()

    broken, reports = graded(dask.address, lambda names: killed.kill())

    assert (broken, reports) == ("", local_reports)
    assert killed.wait() != 0
    assert alive.poll() is None
    assert dask.left_over() == []


@pytest.mark.slow
def test_a_worker_that_joins_late_gets_the_exam(start, graded, local_reports):
    """The one worker is killed when another one has just come, which then grades what is left."""
    dask = start()
    first = dask.worker()

    def replace(names):
        if len(names) == 1:
            dask.worker()
            first.kill()

    assert graded(dask.address, replace) == ("", local_reports)


@pytest.mark.slow
@POSIX
def test_a_hand_in_that_kills_workers_is_named(start, graded, hand_ins, local_reports, write_hand_in):
    """All others are graded, though they were on their way to the workers that died."""
    killer = str(write_hand_in({"mytorch/rnn_cell.py": KILLER, "hw3/hw3.py": ""}))
    dask = start(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    dask.worker("--nanny")
    dask.worker("--nanny")

    broken, reports = graded(dask.address, entries=[hand_ins[0], ("the killer", killer), *hand_ins[1:]])

    assert "the killer: every worker that graded it died" in broken
    assert reports == local_reports
    wait_until(lambda: dask.workers() == 2)  # the nannies have replaced the dead


@pytest.mark.slow
def test_a_worker_of_another_suite_is_refused(start, graded, tmp_path):
    """Nothing is graded, and the worker and what differs are named."""
    dask = start()
    (tmp_path / "other.py").write_text(OTHER_SUITE)
    dask.worker()
    dask.worker("--preload", str(tmp_path / "other.py"))

    with pytest.raises(Broken, match=r"the worker tcp://.* suite another, but should have"):
        graded(dask.address)

    with pytest.raises(Broken, match="another"):
        cluster.check(dask.address)


@pytest.mark.slow
def test_a_worker_of_another_suite_that_joins_late_is_refused(start, graded, tmp_path, monkeypatch):
    """It grades nothing, and the run ends with its name."""
    dask = start()
    (tmp_path / "other.py").write_text(OTHER_SUITE)
    dask.worker("--preload", str(tmp_path / "other.py"))
    monkeypatch.setattr(cluster, "_check_workers", lambda client, wanted: None)  # as before it came

    broken, reports = graded(dask.address)

    assert "suite another, but should have" in broken
    assert reports.keys() <= {"linked"}  # that one is graded here


@pytest.mark.slow
def test_a_worker_without_the_suite_is_refused(start, graded, tmp_path):
    """It is named, and where it should have been started."""
    dask = start()
    dask.worker(where=tmp_path)

    with pytest.raises(Broken, match=r"the worker tcp://.* cannot load this suite, .* in a checkout"):
        graded(dask.address)


@pytest.mark.slow
def test_a_run_ends_when_workers_and_scheduler_are_gone(start, graded, monkeypatch, capfd):
    """First no worker is left, then the scheduler goes; the run ends with a word, and no more, after some seconds."""
    dask = start()
    worker = dask.worker()
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 2)
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.5)

    with pytest.raises(Broken, match="no worker for 2 s"):
        graded(dask.address, lambda names: worker.kill())
    with pytest.raises(Broken, match="no worker for 2 s"):
        graded(dask.address)

    dask.worker()
    with pytest.raises(Broken, match="does not answer any more"):
        graded(dask.address, lambda names: dask.started[0].kill())
    assert capfd.readouterr() == ("", "")


# --- The command


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_on_the_scheduler(start, graded, tmp_path):
    """Neither tasks nor the exam, which is secret."""
    dask = start()
    dask.worker()

    def interrupt(names):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        graded(dask.address, interrupt)

    wait_until(lambda: dask.left_over() == [])
    assert len(reports_in(tmp_path / "out")) == 1


@pytest.mark.slow
def test_reports_that_cannot_be_written_are_told(start, hand_ins, parcel, tmp_path):
    """In a sentence, with the name of the hand-in."""
    dask = start()
    dask.worker()
    (tmp_path / "out").write_text("a file where the folder should be")

    broken = cluster.execute(hand_ins[:1], tmp_path / "out", parcel, dask.address, pytest.fail)

    assert broken.startswith(f"the report of {hand_ins[0][0]} cannot be written: ")


@pytest.mark.slow
def test_the_command_grades_on_a_cluster(start, hand_ins, tmp_path):
    """With --cluster it writes the reports that it writes without, a gradebook beside them."""
    dask = start()
    dask.worker()
    command = [sys.executable, "-m", "grading", "grade", str(Path(hand_ins[0][1]).parent), "--isolation", "process"]
    command += ["--only", "RNN Forward", "--exam", str(tmp_path / "exam.npz")]

    def run(out, *arguments):
        ended = subprocess.run(
            [*command, "--out", str(tmp_path / out), *arguments], cwd=PROJECT, capture_output=True, timeout=600
        )
        assert (ended.returncode, ended.stderr) == (1, b"")
        return reports_in(tmp_path / out)

    assert run("there", "--cluster", dask.address) == run("here")


CHECK = """
import sys
from grading import cluster
from grading.faults import Usage
cluster.CONNECT_SECONDS = 0.5
try:
    cluster.check(sys.argv[1])
except Usage as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:", "nonsense://127.0.0.1:1", "tls://127.0.0.1:1", ""])
def test_an_address_without_a_scheduler_is_a_usage_error(address):
    """Within seconds, with the address; so is an address that is none, and TLS that is not set up.

    In a process of its own, as a command is: Dask's clients that could not connect get in each other's way.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nothing listens
        address = f"{address}{taken.getsockname()[1]}" if address.endswith(":") else address
        command = [sys.executable, "-c", CHECK, address]
        said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True)

    assert said.stdout.startswith(f"--cluster {address}: no Dask scheduler answers there")
    assert said.stderr == ""


def test_without_dask_the_sentence_says_what_to_install():
    """Where the package is missing, that is a usage error."""
    script = (
        "import sys\nsys.modules['distributed'] = None\nfrom grading.faults import Usage\n"
        "try:\n    import grading.cluster\nexcept Usage as error:\n    print(error)\n"
    )

    said = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert said.stdout.startswith("--cluster needs distributed, which is not installed: pip install ")


@pytest.mark.slow
def test_a_run_without_a_cluster_imports_nothing_of_dask(hand_ins, tmp_path):
    """A class is graded, and neither dask nor distributed was imported."""
    script = (
        "import sys\nfrom grading.__main__ import main\nstatus = main(sys.argv[1:])\n"
        "print(status, [name for name in sys.modules if name.partition('.')[0] in ('dask', 'distributed')])\n"
    )
    places = [place for name, place in hand_ins if name in ("assigned", "einsum.zip")]
    arguments = ["grade", *places, "--isolation", "process", "--only", "RNN Forward", "--out", str(tmp_path)]

    said = subprocess.run([sys.executable, "-c", script, *arguments], cwd=PROJECT, capture_output=True, text=True)

    assert said.stdout.splitlines()[-1] == "0 []", said.stderr


# --- What travels


def test_what_was_sent_gets_the_report_that_it_gets_here(hand_ins, small_run):
    """Folders, archives and what is refused: the same report, hash of the bytes and messages included."""
    settings = small_run._replace(steps=["RNN Forward"])
    quick = {"bottom_only", "einsum.zip", "zeros.ZIP", "within", "damaged.zip", "notes.txt", "empty"}

    for name, place in [(name, Path(place)) for name, place in hand_ins if name in quick]:
        sent = cluster._grade_sent(name, place.name, cluster.pack(place), settings)

        assert sent == {"report": grade_entry(name, place, settings)}, name


def test_a_folder_arrives_as_it_was(tmp_path):
    """With empty files, empty folders, odd names, and what Python and git leave behind."""
    place = tmp_path / "hand in"
    for path in ("mytorch/__pycache__/x.pyc", ".git/HEAD", "hw3/作业 3.py", "a/b/c/d", "__MACOSX/._x", "empty.py"):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(path.encode() if path != "empty.py" else b"")
    (place / "nothing in it").mkdir()

    cluster._unpack(cluster.pack(place), tmp_path / "arrived")

    def files(folder):
        return {p.relative_to(folder): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}

    assert files(tmp_path / "arrived") == files(place)
    assert bytes_of(tmp_path / "arrived") == bytes_of(place)


@POSIX
@pytest.mark.parametrize("what", ["link", "link to a folder", "pipe", "socket", "sparse", "many", "deep"])
def test_a_folder_that_is_only_here_what_it_is_does_not_travel(what, tmp_path):
    """Links, pipes, sockets, and more than an archive may hold: the command grades these itself."""
    place = tmp_path / "x"
    (place / "mytorch").mkdir(parents=True)
    (place / "mytorch" / "rnn_cell.py").write_text("")
    assert cluster.pack(place) is not None
    if what == "link":
        (place / "mytorch" / "linear.py").symlink_to("rnn_cell.py")
    elif what == "link to a folder":
        (place / "hw3").symlink_to("..", target_is_directory=True)
    elif what == "pipe":
        os.mkfifo(place / "mytorch" / "linear.py")
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(place):
            server.bind("s")
    elif what == "sparse":
        with open(place / "data", "wb") as file:
            file.truncate(2**40)
    elif what == "many":
        for number in range(cluster.TRAVELS.entries):
            (place / f"{number}").write_bytes(b"")
    else:
        with contextlib.chdir(place):
            for _ in range(30):
                os.mkdir("d" * 200)
                os.chdir("d" * 200)

    assert cluster.pack(place) is None


def test_files_are_bounded_together(tmp_path, monkeypatch):
    """A folder's files by what an archive may hold in all, and so is an archive."""
    monkeypatch.setattr(cluster, "TRAVELS", Limits(entries=10, file=10, total=10, path=10, depth=10))
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"12345")
    assert cluster.pack(tmp_path) == {"a": b"12345", "b": b"12345"}
    assert cluster.pack(tmp_path / "a") == b"12345"

    (tmp_path / "c").write_bytes(b"1")
    (tmp_path / "a").write_bytes(b"12345678901")

    assert cluster.pack(tmp_path) is None
    assert cluster.pack(tmp_path / "a") is None


@POSIX
def test_what_is_no_file_or_folder_does_not_travel(tmp_path):
    """A pipe that is called an archive, a link to nothing, and what is not there: pack does not wait for them."""
    os.mkfifo(tmp_path / "a.zip")
    (tmp_path / "b.zip").symlink_to("nowhere")

    assert [cluster.pack(tmp_path / name) for name in ("a.zip", "b.zip", "c.zip", "..")] == [None] * 4


@pytest.mark.parametrize("path", ["../out", "/tmp/out", "a/../../out", "", "a//b", "."])
def test_nothing_is_written_outside_its_place(path, tmp_path):
    """Whatever paths are sent."""
    with pytest.raises(ValueError, match="is no path on this system"):
        cluster._unpack({"a": None, path: b"x"}, tmp_path / "place")

    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_what_a_worker_cannot_hold_goes_back(small_run):
    """A name that is too long there, or leads elsewhere, is no fault of the hand-in's: the command grades it."""
    for base, held in (("x", {"n" * 300: b""}), ("..", {"a": b""}), ("n" * 300, b""), ("x", {"a": b"", "a/b": b""})):
        assert cluster._grade_sent("x", base, held, small_run) is None
