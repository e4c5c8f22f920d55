"""The catalogue of known bugs is complete, and each of its edits still applies to the model solution."""

import ast
import dataclasses
import shutil
from collections import Counter

import pytest

from fixtures import catalogue
from properties.hand_in import MODEL_SOLUTION
from properties.registry import STEPS

BUGS = catalogue.load()
FILES = ("mytorch/rnn_cell.py", "mytorch/gru_cell.py", "hw3/rnn_classifier.py", "hw3/hw3.py")


@pytest.fixture
def copy(tmp_path):
    """A copy of the files of the model solution that bugs may edit."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(MODEL_SOLUTION / file, tmp_path / file)
    return tmp_path


def test_there_are_enough_bugs():
    """There are a hundred bugs, ten for each step, and at least 25 that some fixed shape hides."""
    counts = Counter(bug.step for bug in BUGS)

    assert len(BUGS) >= 100
    assert sum(bug.fixed_shape for bug in BUGS) >= 25
    assert set(counts) == set(STEPS)
    assert min(counts.values()) >= 10


def test_ids_are_unique_and_begin_with_the_step():
    """No two bugs have one id, and each begins with its step: "rnn-backward-"."""
    assert _twice(bug.id for bug in BUGS) == []
    assert [bug.id for bug in BUGS if not bug.id.startswith(bug.step.lower().replace(" ", "-") + "-")] == []


def test_every_sentence_is_one():
    """`says` is one sentence, and no two bugs of one step say the same."""
    assert [bug.says for bug in BUGS if not bug.says.endswith(".") or ". " in bug.says] == []
    assert _twice((bug.step, bug.says) for bug in BUGS) == []


def test_every_field_is_one_of_those_allowed():
    """tier, also, and the file and name of look_at are ones that there are."""
    for bug in BUGS:
        file, _, place = bug.look_at.partition(", ")
        name = place.rpartition(".")[2]

        assert bug.tier in catalogue.TIERS, bug.id
        assert set(bug.also) <= set(STEPS) - {bug.step}, bug.id
        assert f"def {name}(" in (MODEL_SOLUTION / file).read_text(encoding="utf-8"), bug.id
        assert file in {edit.file for edit in bug.edits}, bug.id


@pytest.mark.parametrize("step", STEPS)
def test_every_edit_applies_and_parses(step, copy):
    """Each edit finds its text exactly once, and what comes of it is another program that parses."""
    before = {file: (copy / file).read_text(encoding="utf-8") for file in FILES}
    for bug in (bug for bug in BUGS if bug.step == step):
        catalogue.apply(bug, copy)
        for file in {edit.file for edit in bug.edits}:
            after = ast.parse((copy / file).read_text(encoding="utf-8"))

            assert ast.dump(after) != ast.dump(ast.parse(before[file])), bug.id
            (copy / file).write_text(before[file], encoding="utf-8")


@pytest.mark.parametrize("old", ["    def forward(self, x, h):\n        pass", "self"])
def test_an_edit_that_does_not_apply_is_told(old, copy):
    """A text that is not there, or more than once, is named, and nothing is written."""
    first = catalogue.Edit("mytorch/rnn_cell.py", "return self.forward(x, h)", "return None")
    bug = dataclasses.replace(BUGS[0], id="mine", edits=(first, catalogue.Edit("mytorch/rnn_cell.py", old, "")))
    before = (copy / "mytorch/rnn_cell.py").read_text(encoding="utf-8")

    with pytest.raises(catalogue.DoesNotApply, match=r"^mine: .* times, but should be there once$"):
        catalogue.apply(bug, copy)

    assert (copy / "mytorch/rnn_cell.py").read_text(encoding="utf-8") == before


def _twice(values):
    """The values that are there more than once."""
    return [value for value, times in Counter(values).items() if times > 1]
