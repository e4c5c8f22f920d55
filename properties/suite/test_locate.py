"""From paths to hand-ins: what is one, what is a class, and what each is called."""

import string
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading import locate
from grading.faults import Usage


@pytest.fixture
def tree(tmp_path):
    """Makes folders, which end in /, and empty files, and returns the folder of all."""

    def make(*paths):
        for path in paths:
            target = tmp_path / path
            if path.endswith("/"):
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
        return tmp_path

    return make


def named(*paths):
    entries, is_class = locate.entries([Path(path) for path in paths])
    return [entry.name for entry in entries], is_class


@pytest.mark.parametrize("part", ["mytorch", "hw3"])
def test_a_folder_with_either_part_is_a_hand_in(tree, part):
    """mytorch/ or hw3/ makes a hand-in of a folder."""
    top = tree(f"alice/{part}/")

    assert named(top / "alice") == (["alice"], False)
    assert locate.root_of(top / "alice") == top / "alice"


@pytest.mark.parametrize("enclosing", ["", "a/", "a/b/"])
def test_a_hand_in_may_lie_below_two_folders_that_hold_nothing_else(tree, enclosing):
    """None, one or two enclosing folders are passed through."""
    top = tree(f"alice/{enclosing}mytorch/")

    assert named(top / "alice") == (["alice"], False)
    assert locate.root_of(top / "alice") == top / "alice" / enclosing


def test_below_three_folders_it_is_a_class(tree):
    """A third enclosing folder is a class of one, two folders down."""
    top = tree("alice/a/b/c/mytorch/")

    assert locate.root_of(top / "alice") is None
    assert named(top / "alice") == (["c"], True)


def test_what_systems_leave_behind_is_ignored(tree):
    """autograder, __MACOSX, __pycache__ and names with a dot make no difference, on any level."""
    left = ("autograder/x", "__MACOSX/x", "__pycache__/x", ".DS_Store", ".git/x")
    top = tree("alice/in/mytorch/", *(f"alice/{name}" for name in left), *(f"alice/in/{name}" for name in left))

    assert locate.root_of(top / "alice") == top / "alice/in"
    assert named(top / "alice") == (["alice"], False)


def test_another_file_beside_the_folder_ends_the_descent(tree):
    """A folder with a file besides is a class of the two."""
    assert named(tree("class/alice/mytorch/", "class/notes.txt") / "class") == (["alice", "notes.txt"], True)


def test_a_folder_of_hand_ins_is_a_class(tree):
    """Each entry of a class is a hand-in, whatever it is, in the order of paths."""
    top = tree("class/bob/hw3/", "class/alice/mytorch/", "class/carol.zip", "class/empty/")

    assert named(top / "class") == (["alice", "bob", "carol", "empty"], True)


@pytest.mark.parametrize("enclosing", ["", "a/", "a/b/"])
def test_a_class_may_lie_below_two_folders(tree, enclosing):
    """Enclosing folders of a class are passed through, too."""
    top = tree(f"class/{enclosing}alice/mytorch/", f"class/{enclosing}bob/mytorch/")

    assert named(top / "class") == (["alice", "bob"], True)


def test_one_of_several_paths_is_one_hand_in(tree):
    """Several hand-ins by path are no class."""
    top = tree("a/mytorch/", "b/mytorch/")

    assert named(top / "b", top / "a") == (["a", "b"], False)


def test_the_same_name_gets_a_number(tree):
    """Duplicates are told apart by -2 and -3 in the order of their paths, a name that is taken besides too."""
    top = tree("1/x/hw3/", "2/x/hw3/", "3/x.zip", "4/X/hw3/", "5/x-2/hw3/")
    entries, _ = locate.entries([top / "5/x-2", top / "4/X", top / "3/x.zip", top / "2/x", top / "1/x"])

    assert [(entry.name, entry.path.parent.name) for entry in entries] == [
        ("x", "1"), ("x-2", "2"), ("x-3", "3"), ("X-4", "4"), ("x-2-2", "5"),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tgz", ".ZIP", ".Tar.Gz"])
def test_the_suffix_of_an_archive_is_no_part_of_the_name(tree, suffix):
    """alice.tar.gz is alice."""
    assert named(tree(f"alice{suffix}") / f"alice{suffix}")[0] == ["alice"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("a b", "a b"), ("é", "é"), ("李雷", "李雷"), ("a:b*c?", "a_b_c_"), ("a\nb", "a_b"), ("-rf", "_-rf"),
        ("con", "_con"), ("Aux.x", "_Aux.x"), ("x" * 200, "x" * 100), ("...", "_"), ("a\x1b[2Jb", "a__2Jb"),
        ("x.zip.zip", "x.zip"),
    ],
)  # fmt: skip
@pytest.mark.skipif(sys.platform == "win32", reason="most of these cannot be made there")
def test_names_are_safe(tree, folder, name):
    """What a file system or a terminal may not take is replaced, and what a person reads is kept."""
    assert named(tree(f"{folder}/hw3/") / folder)[0] == [name]


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120))
def test_every_name_can_be_a_folder(text):
    """Any name gives one of letters, digits and a few signs, not empty, not hidden and not a path."""
    name = locate.safe_name(Path("nowhere") / text)

    assert name
    assert name not in (".", "..")
    assert set(name) - set(string.ascii_letters + string.digits + "_.()+@ -") <= {c for c in name if c.isalnum()}
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize("text", ["a .", "x" * 99 + " x"])
def test_no_name_ends_in_a_space_or_a_dot(text):
    """Windows drops a space or a dot at the end, and would mix up two names."""
    assert locate.safe_name(Path("nowhere") / text)[-1] not in " ."


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_has_its_own_name(tree):
    """A hand-in that is a link is called what the link is called."""
    top = tree("data/7f3a/mytorch/", "class/")
    (top / "class/alice").symlink_to(top / "data/7f3a")
    (top / "class/bob").symlink_to(top / "data/7f3a")

    assert named(top / "class")[0] == ["alice", "bob"]


def test_a_path_from_here_has_the_folders_name(tree, monkeypatch):
    """`.` is called what the folder is called."""
    monkeypatch.chdir(tree("alice/hw3/") / "alice")

    assert named(".")[0] == ["alice"]


@pytest.mark.parametrize("path", ["nothing", "empty", "ignored"])
def test_a_path_at_which_there_is_nothing_is_a_usage_error(tree, path):
    """A path that is not there, an empty folder and one of left-behinds alone are told by their path."""
    top = tree("a/mytorch/", "empty/", "ignored/.DS_Store")

    with pytest.raises(Usage, match=path):
        locate.entries([top / "a", top / path])
