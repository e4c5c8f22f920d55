"""Hand-ins that try to be paid or to do harm earn nothing that is not honest, and leave nothing behind."""

import json
import os
import re
import shutil
import time
import tomllib
from pathlib import Path

import jsonschema
import pytest

from benchmarks.everything import put_attack
from fixtures import catalogue
from grading import engine, grade, judge, process, report, rubric, sandbox
from grading.entry import grade_entry
from grading.run import Wanted, prepare
from properties.registry import STEPS

ATTACKS = Path(__file__).resolve().parents[2] / "fixtures" / "attacks"
PROJECT = ATTACKS.parents[1]
SCHEMA = json.loads(Path(report.__file__).with_name("report.schema.json").read_text(encoding="utf-8"))
KEY = "key-of-the-exam-that-is-secret"
SECRET = "text-that-no-hand-in-may-see"
MARK = b"left-behind-by-a-hand-in"  # an argument of the process that `daemon` starts
DEADLINE = 0.5  # seconds for a call, instead of 2
MOST_SECONDS = 30.0  # for a hand-in: two steps that are given up after STEP_SECONDS, and what is started for them
STEP_SECONDS = 5.0
CELL_STEPS = ["RNN Forward", "RNN Backward"]
QUICK = ("leaves_with_zero", "endless_and_deaf", "lying_subclass", "forged_answers", "finds_suite", "daemon")

attacks = tomllib.loads((ATTACKS / "attacks.toml").read_text(encoding="utf-8"))


def parameters(*isolations):
    return [
        pytest.param(name, isolation, marks=() if name in QUICK else pytest.mark.slow, id=f"{name}-{isolation}")
        for isolation in isolations
        for name, attack in attacks.items()
        if isolation == attack.get("needs", isolation)
    ]


@pytest.fixture(scope="module")
def settings_at():
    """Settings for a kind of isolation, with a short exam, short deadlines and a control that was graded."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        bugs = catalogue.load()[::20]
        patch.setattr(catalogue, "load", lambda: bugs)
        patch.setattr(judge, "SHRINK_SECONDS", 0.1)
        patch.setattr(grade, "LEAST_SECONDS", DEADLINE)
        patch.setattr(grade, "TIMES_CONTROL", 5.0)
        patch.setattr(process, "STEP_SECONDS", STEP_SECONDS)

        def settings(isolation, steps):
            if isolation == "sandbox" and sandbox.works():
                pytest.skip(sandbox.works())
            if isolation not in made:
                made[isolation], _ = prepare(Wanted(KEY, isolation, rubric.DEFAULT, STEPS, None), sent=False)
            return made[isolation]._replace(steps=steps)

        yield settings


@pytest.fixture
def in_class(tmp_path):
    """Put an attack, with its links and its bytecode, into a class folder, among what it should leave alone."""

    def put(name):
        folder = tmp_path / "class" / name
        put_attack(name, attacks[name], folder)
        return folder

    for file in ("canary.txt", "class/canary.txt", "class/other/mytorch/rnn_cell.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(SECRET, encoding="utf-8")
    yield put
    for file in ("canary.txt", "class/canary.txt", "class/other/mytorch/rnn_cell.py"):
        assert (tmp_path / file).read_text(encoding="utf-8") == SECRET
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canary.txt", "class"]


@pytest.mark.parametrize(("name", "isolation"), parameters("sandbox", "process"))
def test_attack(name, isolation, settings_at, in_class):
    """It earns what its honest part is worth, in time; the report says what it tried and no secret; nothing is left."""
    attack = attacks[name]
    settings = settings_at(isolation, attack.get("steps", CELL_STEPS))
    folder = in_class(name)

    began = time.monotonic()
    told = grade_entry(name, folder, settings)
    seconds = time.monotonic() - began

    text = json.dumps(told, ensure_ascii=False, allow_nan=False)
    jsonschema.validate(told, SCHEMA)
    text.encode()
    assert told["points"] <= attack["points"]
    assert seconds < MOST_SECONDS
    assert SECRET not in text
    assert KEY not in text
    assert re.search(attack.get("report", ""), text)
    assert not Path("/tmp/unpickled-by-a-grader").exists()
    assert left_behind() == []


def left_behind():
    """Processes of a hand-in that still run, after the second that a system may take to clear them away."""
    for _ in range(20):
        left = [*_that_hold(MARK), *_own_children(b"bwrap")]
        if not left:
            return []
        time.sleep(0.05)
    return left


def _that_hold(mark):
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "cmdline").read_bytes():
                yield folder.name
        except OSError:
            continue


def _own_children(name):
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, _, rest = (folder / "stat").read_bytes().rpartition(b")")
        except OSError:
            continue
        if int(rest.split()[1]) == os.getpid() and name in command:
            yield folder.name


def test_there_are_enough_attacks():
    """There are thirty at least, each a folder and an entry, with one sentence."""
    folders = {path.name for path in ATTACKS.iterdir() if path.is_dir()}

    assert len(attacks) >= 30
    assert folders == set(attacks)
    assert [name for name, attack in attacks.items() if not re.fullmatch(r"[^.]+(\.\w[^.]*)*\.", attack["tries"])] == []


@pytest.mark.slow
def test_class_of_attacks(in_class, settings_at, tmp_path):
    """A class of thirty attacks and five correct hand-ins gives the five their 80 points, and ends by itself."""
    settings_at("sandbox", CELL_STEPS)
    some = [name for name, attack in attacks.items() if not attack.keys() & {"links", "compiled"}][::2][:30]
    for name in some:
        in_class(name)
    shutil.rmtree(tmp_path / "class/other")
    for number in range(5):
        shutil.copytree(PROJECT / "impl", tmp_path / f"class/correct-{number}")
    entries = [(path.name, str(path)) for path in sorted((tmp_path / "class").iterdir()) if path.is_dir()]
    (tmp_path / "class/other/mytorch").mkdir(parents=True)
    (tmp_path / "class/other/mytorch/rnn_cell.py").write_text(SECRET)
    reports = {}

    out = tmp_path / "class" / "grades"
    settings, parcel = prepare(Wanted(KEY, "sandbox", rubric.DEFAULT, STEPS, None), sent=False)

    def tell(name):
        reports[name] = json.loads((out / name / "report.json").read_text(encoding="utf-8"))

    broken = engine.execute(entries, out, settings, parcel, 1, tell)

    assert broken == ""
    assert sorted(reports) == sorted(name for name, _ in entries)
    assert {told["points"] for name, told in reports.items() if name.startswith("correct-")} == {80}
    assert [name for name in some if reports[name]["points"] > attacks[name]["points"]] == []
