"""The loader: a hand-in's modules are found however it imports them, and are gone afterwards."""

import os
import sys
from pathlib import Path

import pytest

from properties.hand_in import MODEL_SOLUTION, missing_given_files, model_cells
from properties.interpreter.loader import HandInModules, Missing

CELL = "class {name}:\n    mark = {mark!r}\n"
HW3 = "class CharacterPredictor:\n    cell = GRU_Cell\n\n\ndef inference(net, inputs):\n    return 1\n"


def modules_of(root, cells="own"):
    return HandInModules(root, missing_given_files(root), model_cells(cells))


def find(root, name, cells="own"):
    with modules_of(root, cells) as modules:
        return modules.find(name)


def cell(mark, name="GRU_Cell"):
    return CELL.format(name=name, mark=mark)


@pytest.mark.parametrize(
    "imports",
    [
        "from gru_cell import GRU_Cell",
        "import sys\nsys.path.append('mytorch')\nfrom gru_cell import *",
        "from mytorch.gru_cell import GRU_Cell",
        "import mytorch.gru_cell\nGRU_Cell = mytorch.gru_cell.GRU_Cell",
        "from mytorch import gru_cell\nGRU_Cell = gru_cell.GRU_Cell",
        "import sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'mytorch'))\n"
        "from gru_cell import GRU_Cell",
    ],
)
def test_modules_are_found_by_bare_name_and_as_a_package(write_hand_in, imports):
    """hw3.py may import a cell in any of these ways."""
    root = write_hand_in({"mytorch/gru_cell.py": cell("mine"), "hw3/hw3.py": f"{imports}\n{HW3}"})

    assert find(root, "CharacterPredictor").cell.mark == "mine"


@pytest.mark.parametrize("inits", [(), ("mytorch/__init__.py",), ("mytorch/__init__.py", "hw3/__init__.py")])
def test_packages_may_have_an_init_or_none(write_hand_in, inits):
    """Relative imports within mytorch work with __init__.py, which then runs, and without."""
    files = {
        "mytorch/gru_cell.py": "from .parts import mark\n\n\nclass GRU_Cell:\n    mark = mark\n",
        "mytorch/parts.py": "mark = 'relative'\n",
        "hw3/hw3.py": f"from mytorch.gru_cell import GRU_Cell\n{HW3}",
    }
    root = write_hand_in(files | dict.fromkeys(inits, "ran = True\n"))
    with modules_of(root) as modules:
        found = modules.find("CharacterPredictor")

        assert found.cell.mark == "relative"
        assert getattr(sys.modules["mytorch"], "ran", False) is bool(inits)


def test_hw3_is_a_package_with_a_module_of_its_name(write_hand_in):
    """`import hw3.hw3` and `from hw3 import rnn_classifier` find the folder's modules."""
    root = write_hand_in(
        {
            "hw3/hw3.py": f"GRU_Cell = None\nfrom hw3 import helper\nimport hw3.helper\n{HW3}",
            "hw3/helper.py": "mark = 1\n",
        }
    )
    found = find(root, "inference")

    assert (found(None, None), found.__module__) == (1, "hw3.hw3")


def test_a_missing_given_file_is_supplied(write_hand_in):
    """Where mytorch/linear.py is not there, the model solution's is imported."""
    root = write_hand_in({"hw3/hw3.py": f"from linear import Linear as GRU_Cell\n{HW3}"})

    used = find(root, "CharacterPredictor").cell
    assert Path(used.forward.__code__.co_filename) == MODEL_SOLUTION / "mytorch/linear.py"


def test_a_given_file_that_is_there_is_the_hand_ins_own(write_hand_in):
    """Where mytorch/linear.py is there, it is imported, as a package's module too."""
    root = write_hand_in(
        {
            "mytorch/linear.py": cell("own", "Linear"),
            "hw3/hw3.py": f"from linear import Linear as GRU_Cell\nfrom mytorch.linear import Linear as Same\n{HW3}",
        }
    )

    assert find(root, "CharacterPredictor").cell.mark == "own"


@pytest.mark.parametrize("spelling", ["GRU_Cell", "GRUCell"])
def test_the_overlay_replaces_a_cell_before_anything_is_imported(write_hand_in, spelling):
    """With the model solution's cells a file that does not parse is not read, and the class has both spellings."""
    root = write_hand_in(
        {
            "mytorch/gru_cell.py": "def broken(:\n",
            "hw3/hw3.py": f"from gru_cell import {spelling}\nGRU_Cell = {spelling}\n{HW3}",
        }
    )

    used = find(root, "CharacterPredictor", cells="model").cell
    assert Path(used.forward.__code__.co_filename) == MODEL_SOLUTION / "mytorch/gru_cell.py"


def test_the_overlay_replaces_both_of_two_cells(write_hand_in):
    """A gru_cell.py in hw3/ is replaced too."""
    root = write_hand_in(
        {
            "mytorch/gru_cell.py": cell("mytorch"),
            "hw3/gru_cell.py": cell("hw3"),
            "hw3/hw3.py": f"from hw3.gru_cell import GRU_Cell\n{HW3}",
        }
    )

    used = find(root, "CharacterPredictor", cells="model").cell
    assert Path(used.forward.__code__.co_filename) == MODEL_SOLUTION / "mytorch/gru_cell.py"


@pytest.mark.parametrize(
    ("name", "spelling", "file"),
    [
        ("RNN_Cell", "RNNCell", "mytorch/rnn_cell.py"),
        ("GRU_Cell", "GRUCell", "mytorch/gru_cell.py"),
        ("RNN_Phoneme_Classifier", "RNNPhonemeClassifier", "hw3/rnn_classifier.py"),
    ],
)
def test_either_spelling_of_a_class_counts(write_hand_in, name, spelling, file):
    """RNNCell is RNN_Cell, and so on; where both are there, the statement's own counts."""
    only = write_hand_in({file: cell("short", spelling)}, "only")
    both = write_hand_in({file: cell("short", spelling) + cell("long", name)}, "both")

    assert find(only, name).mark == "short"
    assert find(both, name).mark == "long"


@pytest.mark.parametrize(
    ("imports", "mark"),
    [("from gru_cell import GRU_Cell", "mytorch"), ("from hw3.gru_cell import GRU_Cell", "hw3"), ("", "mytorch")],
)
def test_of_two_gru_cells_that_which_hw3_imports_counts(write_hand_in, imports, mark):
    """Of two gru_cell.py the one that hw3.py's import finds counts, and mytorch's where it imports none."""
    root = write_hand_in(
        {
            "mytorch/gru_cell.py": cell("mytorch"),
            "hw3/gru_cell.py": cell("hw3"),
            "hw3/hw3.py": imports + "\nCharacterPredictor = inference = 1\n",
        }
    )

    assert find(root, "GRU_Cell").mark == mark


def test_one_gru_cell_may_lie_in_hw3(write_hand_in):
    """A gru_cell.py in hw3/ alone counts, and its bare name finds it."""
    root = write_hand_in({"hw3/gru_cell.py": cell("hw3"), "hw3/hw3.py": f"from gru_cell import GRU_Cell\n{HW3}"})

    assert find(root, "GRU_Cell").mark == "hw3"
    assert find(root, "CharacterPredictor").cell.mark == "hw3"


def test_a_helper_named_like_a_standard_module_does_not_hide_it(write_hand_in):
    """mytorch/random.py leaves `import random` alone, as when mytorch is appended to sys.path; the package has it."""
    root = write_hand_in(
        {
            "mytorch/random.py": "mark = 'mine'\n",
            "mytorch/gru_cell.py": (
                "import random\nfrom mytorch.random import mark\n\n\n"
                "class GRU_Cell:\n    mark = mark\n    standard = random.random\n"
            ),
        }
    )
    found = find(root, "GRU_Cell")

    assert 0 <= found.standard() < 1
    assert found.mark == "mine"


def test_a_missing_name_is_told(write_hand_in):
    """A file that is not there, and a class that is not in it, raise Missing with their names."""
    root = write_hand_in({"mytorch/rnn_cell.py": ""})

    with modules_of(root) as modules:
        with pytest.raises(Missing, match=r"^mytorch/rnn_cell\.py has no RNN_Cell$"):
            modules.find("RNN_Cell")
        with pytest.raises(Missing, match=r"^mytorch/gru_cell\.py is missing$"):
            modules.find("GRU_Cell")


def test_everything_is_taken_out_again(write_hand_in):
    """Afterwards sys.modules, sys.path, the finders, the working folder and bytecode writing are what they were."""
    root = write_hand_in(
        {
            "mytorch/rnn_cell.py": "import sys\nsys.path.append('somewhere')\nimport helper\n"
            + f"from mytorch import helper as b\n{cell('x', 'RNN_Cell')}",
            "mytorch/helper.py": "import os\nos.chdir('..')\n",
        }
    )

    def state():
        return set(sys.modules), list(sys.path), list(sys.meta_path), os.getcwd(), sys.dont_write_bytecode

    before = state()
    find(root, "RNN_Cell")

    assert state() == before
    assert not list(root.rglob("__pycache__"))


def test_it_is_taken_out_after_an_exception(write_hand_in):
    """An exception inside, of an import too, leaves nothing behind."""
    root = write_hand_in({"mytorch/rnn_cell.py": "import helper\n1 / 0\n", "mytorch/helper.py": ""})
    before = list(sys.path), list(sys.meta_path), os.getcwd()

    with pytest.raises(ZeroDivisionError):
        find(root, "RNN_Cell")

    assert (list(sys.path), list(sys.meta_path), os.getcwd()) == before
    assert "helper" not in sys.modules
    assert "rnn_cell" not in sys.modules


def test_a_module_of_ours_with_the_same_name_comes_back(write_hand_in):
    """A module that was imported before under a name of the hand-in's is hidden, and then there again."""
    root = write_hand_in(
        {
            "mytorch/rnn_cell.py": "import pytest\n\n\nclass RNN_Cell:\n    mark = pytest.mark\n",
            "mytorch/pytest.py": "mark = 'mine'\n",
        }
    )

    assert find(root, "RNN_Cell").mark == "mine"
    assert sys.modules["pytest"] is pytest


def test_two_hand_ins_do_not_see_each_other(write_hand_in):
    """Each of two hand-ins, in turn and again, imports its own modules, late imports too."""
    roots = [
        write_hand_in(
            {
                "mytorch/rnn_cell.py": (
                    "class RNN_Cell:\n    def go(self):\n        import helper\n        return helper.mark\n"
                ),
                "mytorch/helper.py": f"mark = {name!r}\n",
            },
            name,
        )
        for name in ("one", "two")
    ]
    both = [modules_of(root) for root in roots]
    seen = []
    for modules in (*both, *both):
        with modules:
            seen.append(modules.find("RNN_Cell")().go())

    assert seen == ["one", "two", "one", "two"]


def test_modules_are_imported_once(write_hand_in):
    """A hand-in that is put in place again keeps its modules, and the state in them."""
    root = write_hand_in({"mytorch/rnn_cell.py": cell("x", "RNN_Cell")})
    modules = modules_of(root)
    with modules:
        first = sys.modules["mytorch.rnn_cell"] if modules.find("RNN_Cell") else None
    with modules:
        assert sys.modules["mytorch.rnn_cell"] is first
