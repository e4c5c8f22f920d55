"""Small hand-ins for the tests of what grades them."""

import shutil

import pytest

from grading import isolation, rubric
from grading.exam import Exam
from grading.grade import Settings, grade
from properties.drawing import draw
from properties.hand_in import MODEL_SOLUTION, missing_given_files
from properties.interpreter import script
from properties.interpreter.loader import HandInModules
from properties.registry import PRACTICE_KEY, STEPS, all_properties, seed_of


@pytest.fixture
def write_hand_in(tmp_path):
    """Write a hand-in that has these files alone, {path: text}, in a folder of its own, and return its root."""

    def write(files, name="hand_in"):
        root = tmp_path / name
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return root.resolve()

    return write


@pytest.fixture
def edited_impl(tmp_path):
    """Copy the model solution, replace one text of one file, which must be there, and return the copy's root."""

    def edit(file="", old="", new="", name="edited"):
        root = tmp_path / name
        shutil.copytree(MODEL_SOLUTION, root, ignore=shutil.ignore_patterns("__pycache__"))
        if file:
            text = (root / file).read_text(encoding="utf-8")
            assert old in text, f"{old!r} is not in {file}"
            (root / file).write_text(text.replace(old, new), encoding="utf-8")
        return root.resolve()

    return edit


@pytest.fixture
def run_on(write_hand_in):
    """Run a script in this process on a hand-in that has these files, and return the reply."""

    def run(files, *lines, **arrays):
        root = write_hand_in(files)
        with HandInModules(root, missing_given_files(root), {}) as modules:
            return script.run(lines, arrays, modules)

    return run


@pytest.fixture
def run_cell(run_on):
    """Run a script on a hand-in whose RNN_Cell has these methods, beside an __init__ that takes D and H."""

    def run(methods, *lines, **arrays):
        body = "".join(f"    {line}\n" for line in methods.strip().splitlines())
        text = f"import numpy as np\n\n\nclass RNN_Cell:\n    def __init__(self, D, H):\n        pass\n\n{body}"
        return run_on({"mytorch/rnn_cell.py": text}, "cell = RNN_Cell(1, 2)", *lines, **arrays)

    return run


@pytest.fixture(scope="session")
def small_run():
    """The settings of a grading run in this process with one case, the simplest, of each family."""
    properties = all_properties()
    families = {prop.family.name: prop.family for prop in properties}
    cases = {name: family.ladder[:1] or draw(family, PRACTICE_KEY, 1) for name, family in families.items()}
    return Settings(
        properties,
        Exam(cases, {name: seed_of(PRACTICE_KEY, family) for name, family in families.items()}, PRACTICE_KEY),
        rubric.load(rubric.DEFAULT, properties),
        STEPS,
        isolation.choose("none").open_hand_in,
        "none",
    )


@pytest.fixture(scope="session")
def wrong(small_run):
    """The report of a hand-in that is right in all steps but GRU Backward."""
    return grade("wrong_shapes", MODEL_SOLUTION.parent / "fixtures" / "handins" / "wrong_shapes", small_run)
