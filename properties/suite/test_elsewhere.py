"""The bugs that are planted in right hand-ins still apply there, and are enough to tell whether they are named."""

import ast
import shutil
from collections import Counter

import pytest

from fixtures import catalogue
from properties.registry import STEPS

PLANTED = catalogue.elsewhere()
STEP_OF = {bug.id: bug.step for bug in catalogue.load()}
HAND_INS = catalogue.FOLDER.parent / "handins"


def test_there_are_enough_bugs_in_two_hand_ins():
    """At least 40 bugs, over all six steps, are planted in two hand-ins or more."""
    in_two = [bug for bug, hand_ins in Counter(planted.id for planted in PLANTED).items() if hand_ins >= 2]

    assert len(in_two) >= 40
    assert {STEP_OF[bug] for bug in in_two} == set(STEPS)


def test_every_bug_is_one_of_the_catalogue():
    """Each id is a bug's of the catalogue, and is planted in a hand-in once."""
    assert [planted.id for planted in PLANTED if planted.id not in STEP_OF] == []
    assert [pair for pair, times in Counter((p.hand_in, p.id) for p in PLANTED).items() if times > 1] == []


@pytest.mark.parametrize("hand_in", sorted({planted.hand_in for planted in PLANTED}))
def test_every_edit_applies_and_parses(hand_in, tmp_path):
    """Each edit finds its text exactly once, and what comes of it is another program that parses."""
    shutil.copytree(HAND_INS / hand_in, tmp_path, dirs_exist_ok=True)
    for planted in (planted for planted in PLANTED if planted.hand_in == hand_in):
        files = {edit.file: (tmp_path / edit.file).read_text(encoding="utf-8") for edit in planted.edits}
        catalogue.apply(planted, tmp_path)
        for file, before in files.items():
            after = ast.parse((tmp_path / file).read_text(encoding="utf-8"))

            assert ast.dump(after) != ast.dump(ast.parse(before)), planted.id
            (tmp_path / file).write_text(before, encoding="utf-8")
