"""Which hand-ins are the same: by their bytes, and by their program, whatever lies in them."""

import hashlib
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
import warnings
from types import SimpleNamespace

import pytest

from grading import program
from properties.hand_in import MODEL_SOLUTION

CELL = "mytorch/rnn_cell.py"
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
needs_modes = pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="everything can be read here"
)


@pytest.fixture
def tree(tmp_path):
    """Write files, {path: text or bytes}, paths that end in / being folders, and return the folder of all."""

    def make(name, files):
        root = tmp_path / name
        root.mkdir()
        for path, held in files.items():
            target = root / path
            (target if path.endswith("/") else target.parent).mkdir(parents=True, exist_ok=True)
            if not path.endswith("/"):
                target.write_bytes(held.encode() if isinstance(held, str) else held)
        return root

    return make


@pytest.fixture
def bytes_of(tree):
    """The hash of a folder with these files, each time in another place."""
    count = iter(range(100))
    return lambda files: program.bytes_of(tree(f"folder{next(count)}", files))


@pytest.fixture
def digest(tree):
    """The digest of a hand-in with these files, or with this rnn_cell.py alone."""
    count = iter(range(100))

    def make(files):
        files = {CELL: files} if isinstance(files, str | bytes) else files
        return program.digest(tree(f"root{next(count)}", files))

    return make


# --- Bytes


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    """sha256sum says the same of an archive, also of one that is longer than what is read at once."""
    data = b"0123456789" * 300_000
    (tmp_path / "a.zip").write_bytes(data)

    assert program.bytes_of(tmp_path / "a.zip") == hashlib.sha256(data).hexdigest()


def test_the_hash_of_a_folder_is_that_of_its_list(tree):
    """It can be made by hand: a line of JSON for each thing below, sorted by name."""
    root = tree("it", {"b/c.py": "x", "a": ""})
    held = {text: hashlib.sha256(text.encode()).hexdigest() for text in ("", "x")}
    lines = f'["a", "file", "{held[""]}"]\n["b", "folder", ""]\n["b/c.py", "file", "{held["x"]}"]\n'

    assert program.bytes_of(root) == hashlib.sha256(lines.encode()).hexdigest()


def test_the_place_makes_no_difference(tree, tmp_path):
    """A copy elsewhere, under another name, with other times and permissions has the same hash."""
    root = tree("one", {CELL: "x = 1", "hw3/": ""})
    shutil.copytree(root, tmp_path / "else" / "where")
    copied = tmp_path / "else" / "where"
    os.utime(copied / CELL, (0, 0))
    (copied / CELL).chmod(0o600)

    assert program.bytes_of(root) == program.bytes_of(copied)


def test_the_order_in_which_a_folder_is_listed_makes_no_difference(tree, monkeypatch):
    """File systems list folders in orders of their own."""
    root = tree("it", {name: name for name in "abcdef"} | {"sub/x": "", "sub/y": ""})
    before = program.bytes_of(root)
    real = os.scandir

    class Reversed:
        def __init__(self, path):
            self.entries = list(real(path))[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Reversed)
    assert program.bytes_of(root) == before


@pytest.mark.parametrize(
    "other",
    [
        {"a": "2", "b": "2"}, {"a": "1"}, {"a": "1", "b": "2", "c": ""}, {"a": "1", "B": "2"}, {"a": "1", "b/": ""},
        {"a": "1", "c/b": "2"}, {"a": "2", "b": "1"}, {"a": "12", "b": ""}, {"a": "1", "b": "2", "c/": ""},
    ],
)  # fmt: skip
def test_any_other_content_has_another_hash(bytes_of, other):
    """Bytes, names, kinds, empty folders and which file holds what all make a difference."""
    assert bytes_of(other) != bytes_of({"a": "1", "b": "2"})


def test_names_cannot_pretend_to_be_content(bytes_of):
    """Two trees whose names and bytes are the same when written one after the other are told apart."""
    assert bytes_of({"ab": "c"}) != bytes_of({"a": "bc"})
    assert bytes_of({"a": 'x"]\n["b'}) != bytes_of({"a": "x", "b": ""})


def test_what_systems_leave_behind_makes_no_difference(bytes_of):
    """Bytecode, __pycache__, .git and .DS_Store are left out, on any level."""
    left = {"__pycache__/x.pyc": "1", ".git/HEAD": "1", ".DS_Store": "1", "x.pyc": "1"}
    inside = {f"mytorch/{name}": held for name, held in left.items()}

    assert bytes_of({CELL: "x", **left, **inside}) == bytes_of({CELL: "x"})


def test_only_that_is_left_out(bytes_of):
    """A folder called x.pyc, other hidden files and data count, as a program may read them."""
    plain = bytes_of({CELL: "x"})

    for name in ("mytorch/x.pyc/y.py", ".hidden", "mytorch/table.npz", "git", "autograder/x"):
        assert bytes_of({CELL: "x", name: "1"}) != plain


@needs_links
def test_links_are_not_followed(tree):
    """A link counts by the text of its target: what it leads to may change, and it may lead in a circle."""
    root, outside = tree("it", {CELL: "x"}), tree("outside", {"secret": "1"})
    for name, target in (("circle", root), ("file", outside / "secret"), ("folder", outside), ("broken", "nowhere")):
        (root / name).symlink_to(target)
    before = program.bytes_of(root)
    (outside / "secret").write_text("2", encoding="utf-8")

    assert program.bytes_of(root) == before
    (root / "broken").unlink()
    (root / "broken").symlink_to("elsewhere")
    assert program.bytes_of(root) != before


@needs_links
def test_a_link_is_not_the_file_that_holds_its_target(bytes_of, tree):
    """What it is counts besides what it holds."""
    root = tree("it", {})
    (root / "a").symlink_to("b")

    assert program.bytes_of(root) != bytes_of({"a": "b"})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_pipes_sockets_and_devices_are_never_opened(tree, monkeypatch):
    """Opening a pipe would wait for ever; each counts as what it is."""
    root = tree("it", {CELL: "x"})
    plain = program.bytes_of(root)
    os.mkfifo(root / "pipe")
    with_pipe = program.bytes_of(root)
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(root)  # a socket's path may be no longer than some hundred characters
        server.bind("socket")
        with_both = program.bytes_of(root)

    assert len({plain, with_pipe, with_both}) == 3
    assert program.bytes_of(root / "pipe")
    os.mkfifo(root / "mytorch" / "pipe.py")
    assert program.digest(root)


@needs_modes
def test_what_cannot_be_read_counts_as_such(tree):
    """A file and a folder that must not be read raise nothing, and make a difference."""
    root = tree("it", {CELL: "x", "hw3/hw3.py": "y"})
    seen = {program.bytes_of(root)}
    for path in (root / CELL, root / "hw3"):
        path.chmod(0)
        seen.add(program.bytes_of(root))
        assert program.digest(root)
    for path in (root / CELL, root / "hw3"):
        path.chmod(0o755)

    assert len(seen) == 3


def test_a_file_that_fails_while_it_is_read_counts_as_unreadable(tree, monkeypatch):
    """An error of the disk raises nothing."""
    root = tree("it", {CELL: "x = 1"})
    whole = program.bytes_of(root), program.digest(root)

    def fails(*_, **__):
        raise OSError("input/output error")

    monkeypatch.setattr("builtins.open", fails)
    assert program.bytes_of(root) != whole[0]
    assert program.digest(root) not in ("", whole[1])


def test_a_path_that_is_not_there_has_a_hash(tmp_path):
    """Nor does a hand-in that went away raise anything."""
    assert len(program.bytes_of(tmp_path / "nowhere")) == 64
    assert program.digest(tmp_path / "nowhere") == ""


@pytest.mark.skipif(sys.platform != "linux", reason="sparse files are made otherwise there")
def test_a_file_without_end_is_not_read(tree):
    """Of a sparse file of a terabyte the size and the time count, at once; what comes after it is read."""
    root = tree("it", {"b": "x"})
    with open(root / "a", "wb") as file:
        file.truncate(2**40)
    began = time.process_time()
    before = program.bytes_of(root)
    os.utime(root / "a", (1, 1))
    later = program.bytes_of(root)
    (root / "b").write_text("y", encoding="utf-8")

    assert len({before, later, program.bytes_of(root), program.bytes_of(root / "a")}) == 4
    assert time.process_time() - began < 2


def test_all_files_together_are_bounded_too(tree, monkeypatch):
    """Once so many bytes were read, the other files count by size and time."""
    monkeypatch.setattr(program, "MOST_READ", 10)
    root = tree("it", {"a": "x" * 10, "b": "x" * 8})
    os.utime(root / "b", (1, 1))
    before = program.bytes_of(root)
    (root / "b").write_text("y" * 8, encoding="utf-8")
    os.utime(root / "b", (1, 1))
    unseen = program.bytes_of(root)
    (root / "a").write_text("y" * 10, encoding="utf-8")

    assert before == unseen
    assert program.bytes_of(root) != before


def test_odd_names_are_hashed(tree):
    """Names that are not UTF-8, or hold line breaks, are names."""
    root = tree("it", {"a": "1"})
    before = program.bytes_of(root)
    try:
        with open(os.fsencode(root) + b"/\xff\n", "wb"):
            pass
    except OSError:
        pytest.skip("this file system does not hold such names")

    assert program.bytes_of(root) != before


# --- The program


PLAIN = """
import numpy as np
class RNN_Cell:
    limit = 3
    def forward(self, x, h=None):
        z = x + 1
        return np.tanh(z)
"""

SAME = {
    "comments and white space": PLAIN.replace("z = x + 1", "z = (x   +  # why\n    1)\n\n"),
    "docstrings": PLAIN.replace("class RNN_Cell:", '"""A."""\nclass RNN_Cell:\n    """B."""').replace(
        "h=None):", 'h=None):\n        """C."""'
    ),
    "a string that only stands there": PLAIN.replace("        return", "        '''old code'''\n        return"),
    "annotations": PLAIN.replace("x, h=None", "x: int, h: 'list | None' = None").replace("):\n", ") -> float:\n"),
    "annotated names": PLAIN.replace("z = x", "w: int\n        z: float = x").replace("limit =", "limit: int ="),
    "Windows' line ends": PLAIN.replace("\n", "\r\n"),
    "a byte-order mark": "\ufeff" + PLAIN,
    "an encoding comment": b"# -*- coding: gbk -*-\n" + PLAIN.encode(),
    "quotes and brackets": PLAIN.replace("z = x + 1", "(z) = (x) + 0x1"),
}  # fmt: skip

OTHER = {
    "an operator": PLAIN.replace("+", "-"),
    "a number": PLAIN.replace("+ 1", "+ 2"),
    "a number's type": PLAIN.replace("+ 1", "+ 1.0"),
    "a truth value for a number": PLAIN.replace("+ 1", "+ True"),
    "text for a number": PLAIN.replace("+ 1", "+ '1'"),
    "bytes for text": PLAIN.replace("+ 1", "+ b'1'"),
    "a local name": PLAIN.replace("z", "y"),
    "an attribute": PLAIN.replace("np.tanh", "np.sinh"),
    "a default": PLAIN.replace("h=None", "h"),
    "a default that is none": PLAIN.replace("h=None", "h=()"),
    "a statement less": PLAIN.replace("        z = x + 1\n", ""),
    "a statement more": PLAIN + "\npass",
    "the order": PLAIN.replace("import numpy as np\n", "") + "import numpy as np\n",
    "what a block holds": PLAIN.replace("        return", "    return"),
    "an assignment for an annotated one": PLAIN.replace("z = x + 1", "z: (x + 1)"),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_what_is_no_program_makes_no_difference(digest, text):
    """Comments, white space, strings that only stand there, annotations, line ends and encodings are not looked at."""
    assert digest(text) == digest(PLAIN)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "gbk", "gb2312", "gb18030", "big5"])
def test_the_encoding_makes_no_difference(digest, encoding):
    """Text in an encoding that its first line names is what it says, also where that is not UTF-8."""
    text = "¶" if encoding in ("latin-1", "cp1252") else "中"
    source = "# coding: {}\nx = {!r}\n"

    assert digest(source.format(encoding, text).encode(encoding)) == digest(source.format("utf-8", text))


def test_pure_ascii_may_be_named(digest):
    """A program that says it is ASCII is the same as one that says nothing."""
    assert digest("# coding: ascii\nx = 1") == digest("x = 1")


def test_the_u_before_text_makes_no_difference(digest):
    """u"a" is "a"."""
    assert digest('x = u"a"') == digest('x = "a"')


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_another_program_has_another_digest(digest, text):
    """Whatever Python would do otherwise, or under another name, makes a difference."""
    assert digest(text) != digest(PLAIN)


def test_structure_counts_and_not_only_its_parts(digest):
    """The same parts nested in another way are another program."""
    trees = [
        "f(g(x), y)",
        "f(g(x, y))",
        "f(g, x, y)",
        "f((g, x), y)",
        "f((g, x, y))",
        "[f, [g]]",
        "[[f], g]",
        "[[f, g]]",
    ]

    assert len({digest(text) for text in trees}) == len(trees)
    assert digest("global_ = 'a', 'b'") != digest("global_ = 'a,b',")
    assert digest("x = 'str 1'") != digest("x = 'str', 1")


def test_the_digest_is_the_same_in_every_version_of_python(digest):
    """It does not follow ast.dump, which writes another text in each; this value was made with Python 3.11."""
    assert digest(PLAIN) == "c76b68c66b7e66114a597d6ba5964512537a4569f5c403e04cb4d4226bab8213"


def test_every_file_of_the_hand_in_counts(digest):
    """Students' files, helpers beside and below them, and those above, which an import finds as well."""
    plain = digest({CELL: PLAIN})

    for path in ("hw3/hw3.py", "mytorch/helpers.py", "hw3/deep/er.py", "solution.py", "package/__init__.py"):
        assert digest({CELL: PLAIN, path: "x = 1"}) not in ("", plain)


def test_where_a_file_lies_counts(digest):
    """gru_cell.py in hw3/ is not gru_cell.py in mytorch/."""
    assert digest({"mytorch/gru_cell.py": PLAIN}) != digest({"hw3/gru_cell.py": PLAIN})


def test_what_is_no_file_of_the_program_does_not_count(digest):
    """Data, notes, graders, hidden folders and files without a statement make no difference."""
    more = {
        "notes.txt": "1", "mytorch/a.npz": "1", "autograder/x.py": "x = 1", ".vscode/x.py": "x = 1", "hw3/": "",
        "__pycache__/x.py": "x = 1", "mytorch/__init__.py": "", "hw3/__init__.py": '"""Homework 3."""\n# empty\n',
    }  # fmt: skip

    assert digest({CELL: PLAIN, **more}) == digest({CELL: PLAIN})


@pytest.mark.parametrize("name", ["activation", "linear", "loss"])
def test_given_files_count_only_where_they_were_changed(digest, name):
    """A given file that is the handed-out one, but for comments, may be there or not."""
    path = f"mytorch/{name}.py"
    given = (MODEL_SOLUTION / path).read_text(encoding="utf-8")
    plain = digest({CELL: PLAIN})

    assert digest({CELL: PLAIN, path: given + "\n# mine\n"}) == plain
    assert digest({CELL: PLAIN, path: given + "\nx = 1\n"}) != plain
    assert digest({CELL: PLAIN, f"hw3/{name}.py": given}) != plain


@pytest.mark.parametrize("files", [{}, {"mytorch/": ""}, {CELL: "# nothing\n"}, {"notes.txt": "x"}])
def test_where_there_is_no_program_there_is_no_digest(digest, files):
    """Two hand-ins without a program are not the same program."""
    assert digest(files) == ""


def test_the_given_files_alone_are_no_program(digest):
    """A hand-in of what was handed out is not the same program as the next such."""
    given = {f"mytorch/{name}.py": (MODEL_SOLUTION / f"mytorch/{name}.py").read_bytes() for name in program.GIVEN_FILES}

    assert digest(given) == ""


DEEP = {
    "a chain": b"x" + b"+x" * 60_000,
    "calls": b"x" + b"()" * 60_000,
    "signs": b"-" * 100_000 + b"x",
    "brackets": b"[" * 100_000,
    "brackets that close": b"(" * 1000 + b")" * 1000,
    "branches": b"if x:pass\n" + b"elif x:pass\n" * 10_000,
}
UNPARSABLE = {
    "a syntax error": b"def f(:",
    "a NUL": b"x = 1\0",
    "no UTF-8": b"x = '\xff'",
    "an encoding that is none": b"# coding: nope\nx = 1",
    "an encoding that is no text's": b"# coding: zlib\nx = 1",
    "an encoding that takes long": b"# coding: punycode\n" + b"a" * 40_000 + b"-" + b"aaaaaa" * 10_000,
    "a number that cannot be printed": b"x = 0x" + b"f" * 50_000,
    "too long": b"x = 1\n" * 50_000,
    **DEEP,
}


@pytest.mark.parametrize("text", UNPARSABLE.values(), ids=UNPARSABLE)
def test_what_cannot_be_parsed_counts_by_its_bytes(digest, text):
    """It raises nothing, takes no long time, is the same as itself, and not as something else."""
    began = time.process_time()
    once = digest(text)

    assert time.process_time() - began < 2
    assert once == digest(text)
    assert once not in ("", digest(text + b" "))


def test_many_files_together_are_bounded_too(tree, monkeypatch):
    """Once so much was parsed, the other files count by their bytes: they are the same only with the same comments."""
    monkeypatch.setattr(program, "MOST_PARSED", 10)
    files = {"mytorch/a.py": "x = 1", "mytorch/b.py": "x = 1 # ab"}
    first = program.digest(tree("one", files))

    assert program.digest(tree("two", files | {"mytorch/a.py": "x = 1"})) == first
    assert program.digest(tree("three", files | {"mytorch/a.py": "x =  1"})) == first
    assert program.digest(tree("four", files | {"mytorch/b.py": "x = 1 # cd"})) != first


def test_what_counts_by_its_bytes_is_bounded_too(tree, monkeypatch):
    """Of files that are too long to be parsed no more is read than of a folder's."""
    monkeypatch.setattr(program, "MOST_PARSED", 0)
    monkeypatch.setattr(program, "MOST_READ", 10)
    root = tree("it", {"mytorch/a.py": "x = 100", "mytorch/b.py": "x = 200"})
    os.utime(root / "mytorch/b.py", (1, 1))
    before = program.digest(root)
    (root / "mytorch/b.py").write_text("x = 300", encoding="utf-8")
    os.utime(root / "mytorch/b.py", (1, 1))

    assert program.digest(root) == before
    (root / "mytorch/a.py").write_text("x = 300", encoding="utf-8")
    assert program.digest(root) != before


def test_a_junction_of_windows_is_a_link(monkeypatch):
    """It looks like a folder, and may lead in a circle."""
    monkeypatch.setattr(program, "JUNCTION", 7)
    tags = {tag: SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=tag) for tag in (0, 7)}

    assert {tag: program._is_link(status) for tag, status in tags.items()} == {0: False, 7: True}


def test_nothing_of_a_hand_in_is_imported(digest, tmp_path):
    """A program that would write a file when it is run does not."""
    assert digest(f"open({str(tmp_path / 'run')!r}, 'w')")
    assert not (tmp_path / "run").exists()


def test_a_students_odd_escapes_are_no_warning(digest):
    """Python warns of "\\d": nothing is printed, and where warnings are errors the tree counts all the same."""
    text = "x = '\\d'  # {}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        strict = digest(text.format(1))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert digest(text.format(2)) == strict

    assert seen == []


@needs_links
def test_a_link_in_a_program_counts_by_its_target(tree):
    """Two stubs whose helpers are links to different files are not the same program, nor are linked folders."""
    roots = [tree(name, {CELL: PLAIN}) for name in ("one", "two", "three", "four")]
    (roots[1] / "mytorch/helper.py").symlink_to("a.py")
    (roots[2] / "mytorch/helper.py").symlink_to("b.py")
    (roots[3] / "hw3").symlink_to(roots[0] / "mytorch")

    assert len({program.digest(root) for root in roots}) == 4


def test_the_stored_hand_ins_are_different_programs():
    """None of them is another one, nor the model solution."""
    handins = MODEL_SOLUTION.parent / "fixtures" / "handins"
    roots = [path for path in sorted(handins.iterdir()) if (path / "mytorch").is_dir()]
    digests = {program.digest(root) for root in [MODEL_SOLUTION, *roots]}

    assert len(roots) > 20
    assert len(digests) == len(roots) + 1
    assert len({program.bytes_of(root) for root in roots}) == len(roots)


def test_a_process_of_its_own_says_the_same(digest, tree):
    """No hash of Python's own, which differs from process to process, is in it."""
    root = tree("it", {CELL: PLAIN, "hw3/x": "1"})
    code = f"from grading import program; from pathlib import Path; p = Path({str(root)!r})"
    code += "; print(program.digest(p), program.bytes_of(p))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=MODEL_SOLUTION.parent, capture_output=True, text=True, check=True
    )

    assert run.stdout.split() == [program.digest(root), program.bytes_of(root)]
