"""The hand-out: students get all but the solution, and what they hand in is a hand-in."""

import ast
import datetime
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import replace

import libcst as cst
import numpy as np
import pytest

from grading import archives, locate, pack, quiz
from grading.pack import File
from handout import __main__ as command_line
from handout import blanks, carried, leaks, program
from handout.contents import EXERCISES, IMPL, ROOT, WHOLE, DoesNotFit
from handout.questions import questions
from handout.skeleton import STYLES, skeleton
from properties.interpreter.loader import HandInModules

SOLUTION = leaks.solution()
TASKS = [(exercise.file, task.name) for exercise in EXERCISES for task in exercise.tasks]
TODO = "# ToDo:"
on_unix = pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")


@pytest.fixture(params=STYLES)
def style(request):
    return request.param


@pytest.fixture
def handed_out(style, tmp_path):
    """The folder program/ of a student."""
    return unpacked(pack.zipped(program.exercise_files(style)), tmp_path / "program")


def unpacked(archive, folder):
    """The files of a .zip, with their modes, which zipfile forgets."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        packed.extractall(folder)
        for info in packed.infolist():
            (folder / info.filename).chmod(info.external_attr >> 16)
    return folder


def definitions(text):
    """The functions and methods of a file, by name."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{member.name}": member for member in node.body if hasattr(member, "name")}
    return found


def exercise_of(file):
    return next(exercise for exercise in EXERCISES if exercise.file == file)


def model(file):
    return (IMPL / file).read_text(encoding="utf-8")


def edited(file, old, new):
    """A file of the model solution with one edit."""
    text = model(file)
    assert text.count(old) == 1
    return text.replace(old, new)


# What students get


def test_all_files_of_the_statement_are_there(style):
    """The given files are those of impl/, the four to fill in are there, and beside them what makes the hand-in."""
    files = program.exercise_files(style)

    assert {file: files[file].content for file in WHOLE} == {file: (IMPL / file).read_bytes() for file in WHOLE}
    assert files.keys() - set(WHOLE) == {
        "mytorch/rnn_cell.py", "mytorch/gru_cell.py", "hw3/rnn_classifier.py", "hw3/hw3.py",
        "create_tarball.sh", "create_tarball.bat", "README.md", "quiz.md",
    }  # fmt: skip


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.file)
def test_all_but_the_tasks_is_the_model_solutions(exercise, style):
    """With the model solution's functions in place of those to fill in, and its helpers, the file is that of impl/."""
    text = skeleton(model(exercise.file), exercise, style)
    ours, theirs = definitions(model(exercise.file)), definitions(text)
    for task in exercise.tasks:
        theirs[task.name].body = ours[task.name].body

    assert {name: ast.dump(node) for name, node in theirs.items()} == {
        name: ast.dump(ours[name]) for name in [*exercise.given, *(task.name for task in exercise.tasks)]
    }


@pytest.mark.parametrize(("file", "name"), TASKS)
def test_every_task_says_that_it_is_not_written(file, name, handed_out):
    """The skeleton can be imported as it is, and what is to fill in raises NotImplementedError when it is called."""
    with HandInModules(handed_out, {}, {}) as modules:
        owner, _, method = name.rpartition(".")
        function = getattr(object.__new__(modules.find(owner)), method) if owner else modules.find(name)

        with pytest.raises(NotImplementedError):
            function(*inspect.signature(function).parameters)


def test_what_is_given_works(handed_out):
    """Cells can be made, get weights and clear their gradients; given files are complete."""
    with HandInModules(handed_out, {}, {}) as modules:
        cell = modules.find("GRU_Cell")(2, 3)

        assert cell.Wzx.shape == cell.dWzx.shape == (3, 2)
        assert not cell.dWzx.any()
        assert modules.find("RNN_Cell")(2, 3).b_hh.shape == (3,)


@pytest.mark.parametrize(("file", "name"), TASKS)
def test_every_task_keeps_its_docstring_and_is_marked(file, name, style):
    """Signature and docstring stay, and what follows them is marked with ToDo and ends by raising."""
    text = skeleton(model(file), exercise_of(file), style)
    there, before = definitions(text)[name], definitions(model(file))[name]
    source = ast.get_source_segment(text, there)

    assert ast.dump(there.args) == ast.dump(before.args)
    assert ast.get_docstring(there) == ast.get_docstring(before)
    assert source.count(TODO) == 1
    assert re.search(r"\n +raise NotImplementedError$", source)


@pytest.mark.parametrize(("file", "name"), TASKS)
def test_only_blanks_has_a_scaffold(file, name):
    """Below ToDo there is a comment with ??? in it for style blanks, and none for bodies."""
    scaffolds = {
        style: ast.get_source_segment(text, definitions(text)[name]).partition(TODO)[2]
        for style in STYLES
        for text in [skeleton(model(file), exercise_of(file), style)]
    }

    assert "???" in scaffolds["blanks"]
    assert scaffolds["bodies"].split() == ["raise", "NotImplementedError"]


def test_constructors_keep_what_is_no_task():
    """Of the classifier's constructor the lines that keep arguments are given, of the RNN cell's all."""
    text = skeleton(model("hw3/rnn_classifier.py"), exercise_of("hw3/rnn_classifier.py"), "bodies")
    constructor = definitions(text)["RNN_Phoneme_Classifier.__init__"]

    assert [ast.unparse(line) for line in constructor.body] == [
        "self.input_size = input_size",
        "self.hidden_size = hidden_size",
        "self.output_size = output_size",
        "self.num_layers = num_layers",
        "raise NotImplementedError",
    ]


def test_what_is_given_stays_and_so_do_its_imports(style):
    """outer, which a body to paste calls, is there; NumPy and the classes that students need are imported still."""
    gru = skeleton(model("mytorch/gru_cell.py"), exercise_of("mytorch/gru_cell.py"), style)
    hw3 = skeleton(model("hw3/hw3.py"), exercise_of("hw3/hw3.py"), style)

    assert "\ndef outer(a, b):\n" in gru
    assert "from activation import Sigmoid, Tanh\n" in gru
    assert "import numpy as np\n" in hw3
    assert 'sys.path.append("mytorch")\nfrom gru_cell import GRU_Cell\nfrom linear import Linear\n' in hw3


# The scaffold


def scaffold_of(text):
    return blanks.scaffold(cst.parse_module(text).body)


@pytest.mark.parametrize(
    ("solution", "shown"),
    [
        ("dz = delta * (1 - h**2)  # through tanh", "dz = ???"),
        ("# through tanh\ndz = -delta", "dz = ???"),
        ("self.dW += dz.T @ x", "self.dW += ???"),
        ("self.db += db", "self.db += ???"),
        ("self.x = x", "self.x = x"),
        ("N, *rest = x.shape", "N, *rest = x.shape"),
        ("h = self.act(\n    W @ x + b,  # affine\n    True,\n)", "h = self.act(???)"),
        ("states.append(h)\nreturn", "states.append(???)\nreturn"),
        ("return (dx @ W, [dh[0], 2])", "return (???, [dh[???], ???])"),
        ("y = (a @ b).T.sum(axis=0)", "y = ???"),
        ("y: int = a if b else c", "y = ???"),
        ("y = 0; z = 'tanh'; f = lambda t: t", "y = ???; z = ???; f = ???"),
        ("for t in reversed(range(T)):\n  h[t + 1] = f()", "for t in ???:\n    h[???] = f()"),
        ("if t == 0: x = a", "if ???:\n    x = a"),
        ("if t:\n    pass\nelif u > 1:\n    break", "if ???:\n    pass\nelif ???:\n    break"),
        ("if t:\n    pass\nelse:\n    y = 1", "if ???:\n    pass\nelse:\n    y = ???"),
        ("for t in ts:\n    pass\nelse:\n    y = 1", "for t in ???:\n    pass\nelse:\n    y = ???"),
        ("a = b\n# through tanh\ny = a * b", "a = b\ny = ???"),
        ("while t > 0:\n    t -= 1\nelse:\n    g(t)", "while ???:\n    t -= ???\nelse:\n    g(???)"),
        ("with np.errstate(all='ignore'):\n    y = a / b", "???"),
        ("def f(x):\n    return x @ W", "???"),
        ("assert dx.shape == (1, D)", "???"),
        ("y = [f(x) for x in xs]\n\nz = {**a}", "y = ???\n\nz = ???"),
    ],
)  # fmt: skip
def test_scaffold_shows_where_values_go_and_not_what_they_are(solution, shown):
    """Names, attributes, what is called and indexed are shown, and all else is ???."""
    assert scaffold_of(solution) == shown.splitlines()


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.file)
def test_scaffolds_are_programs_with_blanks(exercise):
    """With names for ???, and without the comment signs, scaffolds parse, and hold no operator and no number."""
    text = skeleton(model(exercise.file), exercise, "blanks")
    blocks = re.findall(rf"{TODO}\n((?: *#.*\n)+)", text)
    lines = [
        line.partition("#")[2].removeprefix(" ").replace("???", "_") for block in blocks for line in block.splitlines()
    ]
    tree = ast.parse(re.sub("^return", "_ = ", "\n".join(lines), flags=re.MULTILINE))

    assert len(blocks) == len(exercise.tasks)
    shown = {type(node) for node in ast.walk(tree) if isinstance(node, ast.expr)}
    assert shown <= {ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Tuple, ast.List}


# No trace of the solution


def leaked(text, file="mytorch/rnn_cell.py"):
    return [leak.piece for leak in leaks.find({file: text.encode()}, SOLUTION)]


def test_nothing_leaks(style):
    """No piece of the solution is in the hand-out."""
    program.check_leaks(program.exercise_files(style))


@pytest.mark.parametrize(("file", "name"), TASKS)
def test_a_solution_left_in_is_found(file, name, style):
    """A body that stays is a leak, as code, commented out, and in a docstring."""
    text = model(file)
    body = ast.get_source_segment(text, definitions(text)[name])
    comment = "".join(f"# {line}\n" for line in body.splitlines())
    handed_out = skeleton(text, exercise_of(file), style)

    assert leaked(f"{handed_out}\n{body}")
    assert leaked(f"{comment}\n{handed_out}")
    assert leaked(f'"""Hint:\n{body.replace(chr(34) * 3, "")}"""\n{handed_out}')


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("README.md", "the gradient is `dz@self.W_ih`, of course"),
        ("README.md", "dz @\n  W_hh"),
        ("a.py", "# self.dW_hh +=\n#     dz_mean.T @ h_prev_t"),
        ("a.py", "# dz_mean.T @\n#     h_prev_t"),
        ("a.py", "p = q @ A + s @ B + t @ C"),
        ("a.py", "# p = (q @ A + s @ B\n#      + t @ C)"),
        ("a.py", "'''\n    d = delta * (k - h) * act.derivative()\n'''"),
        ("a.py", 'def f():\n    """\n    p = (q @ A + s @ B\n         + t @ C)\n    """'),
        ("a.toml", 'new = "    dx = da_z @ self.Wzx + da_r @ self.dWrx + da_h @ self.Wx"'),
        ("a.txt", "x @ W_ih.T + b_ih + h @ W_hh.T + b_hh"),
        ("hw3.py", "self.db_ih += db"),
        ("hw3.py", "# for t in reversed(range(T)):"),
        ("create_tarball.sh", "# h = np.zeros(net.rnn.h)"),
    ],
)
def test_a_piece_of_the_solution_is_found_anywhere(file, text):
    """A piece is found in any file, in code, comments and documents, over several lines, a long one in other names."""
    assert leaked(text, file)


def test_a_piece_of_the_solution_is_found_in_data():
    """Texts in an archive of arrays are read, too."""
    data = io.BytesIO()
    np.savez_compressed(data, numbers=np.zeros(3), about=np.array(["", "dh = delta * (1 - z) + da_z @ self.Wzh"]))

    assert leaks.find({"data/exam.npz": data.getvalue()}, SOLUTION)


@pytest.mark.parametrize("file", ["reference/twins.py", "reference/gru.py"])
def test_oracles_that_are_the_solution_are_found(file):
    """What the project itself has of the solution, in other names, is recognised: these may not be carried."""
    assert leaked((ROOT / file).read_text(encoding="utf-8"), file)


@pytest.mark.parametrize("file", [*WHOLE, "properties/compare.py", "properties/scripts.py"])
def test_other_programs_are_no_leaks(file):
    """Given files, and code about the same arrays, are not taken for the solution."""
    path = IMPL / file if file in WHOLE else ROOT / file

    assert leaked(path.read_text(encoding="utf-8"), file) == []


def test_a_formula_that_is_given_is_no_leak(tmp_path):
    """What given code says, the solution may say, too; where that code is another, it is a leak."""
    shutil.copytree(IMPL, tmp_path / "impl")
    given = "p = q @ A + s @ B + t @ C\n"
    linear = tmp_path / "impl/mytorch/linear.py"
    linear.write_text(f"{linear.read_text(encoding='utf-8')}\n\n{given}", encoding="utf-8")

    assert leaks.find({"a.py": given.encode()}, leaks.solution(tmp_path / "impl")) == []
    assert leaked(given)


def test_the_statements_equations_are_no_leaks():
    """The forward equations, which the statement gives, may be said."""
    assert leaked("h_t = (1 - z) * h + z * h~, and r * h is the state after the reset") == []


def test_a_scaffold_that_shows_too_much_is_not_handed_out(monkeypatch):
    """Were the rules of ??? to let an operator through, building would end with a leak."""
    monkeypatch.setattr(blanks, "_expression", lambda node: node)

    with pytest.raises(DoesNotFit, match=r"^mytorch/rnn_cell\.py holds a piece of the solution, word for word: "):
        program.check_leaks(program.exercise_files("blanks"))


# When impl/ changes

RNN, GRU, HW3 = "mytorch/rnn_cell.py", "mytorch/gru_cell.py", "hw3/hw3.py"
PREDICTOR, FORWARD = "CharacterPredictor", "    def forward(self, x, h):"
UNKNOWN = "is neither given nor to fill in (handout/contents.py)"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (RNN, "def backward(", "def back(", f"{RNN} has no RNN_Cell.backward, which is to fill in"),
        (RNN, "def zero_grad(", "def clear(", f"{RNN} has no RNN_Cell.zero_grad, which is given"),
        (GRU, "class GRU_Cell:", "class GRU:", f"{GRU} has no GRU_Cell."),
        (
            GRU,
            "def outer(a, b):\n",
            "def twice(a):\n    return a\n\n\ndef outer(a, b):\n    twice(a)\n",
            f"{GRU}: twice {UNKNOWN}, but what is given uses it",
        ),
        (GRU, "def outer(", "RATE = 2\n\n\ndef outer(", f"{GRU}: RATE {UNKNOWN}, and no solution uses it"),
        (
            GRU,
            "def outer(",
            "if True:\n    A = 1\n\n\ndef outer(",
            f"{GRU}: what students get of 'if True:' is not said",
        ),
        (HW3, "def inference(", "def infer(", f"{HW3} has no inference, which is to fill in"),
        (HW3, "self.projection = L", "self.out = L", f"{HW3}: {PREDICTOR}.__init__ has no line that builds projection"),
        (
            HW3,
            "self.rnn = G",
            "self.act = self.rnn = G",
            f"{HW3}: {PREDICTOR}.__init__ builds act among what is to fill",
        ),
        (
            HW3,
            FORWARD,
            f"{FORWARD} pass\n\n    def step(self):",
            f"the body of {PREDICTOR}.forward should stand on lines",
        ),
        (
            HW3,
            FORWARD,
            f'{FORWARD}\n        """Mine."""\n\n    def step(self):',
            f"{PREDICTOR}.forward has nothing in it",
        ),
        (HW3, FORWARD, f"{FORWARD}\n        return 1\n\n{FORWARD}", f"{HW3} has {PREDICTOR}.forward twice"),
    ],
)
def test_a_change_that_is_not_followed_is_told(file, old, new, says, style):
    """Where the table and impl/ do not fit each other, the name is told."""
    with pytest.raises(DoesNotFit, match=re.escape(says)):
        skeleton(edited(file, old, new), exercise_of(file), style)


@pytest.mark.parametrize(
    ("imported", "used", "says"),
    [
        ("import ops", "ops.size", "what is given imports ops, which students do not have"),
        ("from ops import size", "size", "what is given imports ops, which students do not have"),
        ("from ops import *", "", "what is given imports ops, which students do not have"),
    ],
)
def test_an_import_that_students_do_not_have_is_told(imported, used, says):
    """What is given may import the standard library, NumPy and what is handed out."""
    text = edited("mytorch/gru_cell.py", "self.d = in_dim", f"self.d = {used}(in_dim)")

    with pytest.raises(DoesNotFit, match=says):
        skeleton(
            text.replace("import numpy", f"{imported}\nimport numpy"), exercise_of("mytorch/gru_cell.py"), "bodies"
        )


def test_what_the_solution_newly_uses_goes_with_it(style):
    """A new helper, be it a function, a method, a class or a number, its imports and all comments are gone."""
    text = edited(
        "mytorch/gru_cell.py", "da_h @ self.Wh  #", "HALF * self._outer(outer(Slope(da_h, reduce)), self.Wh)  #"
    )
    text = text.replace("import numpy as np", "import numpy as np\nfrom functools import partial, reduce")
    text = text.replace(
        "class GRU_Cell:", "HALF = 0.5  # of it\n\n\nclass Slope:\n    now: float = HALF\n\n\nclass GRU_Cell:"
    )
    text = text.replace(
        "    def backward(",
        "    def _outer(self, a):\n        return a\n\n    # from the end to the start\n    def backward(",
    )
    text += "\n\n# np.outer is slower\n"
    exercise = exercise_of("mytorch/gru_cell.py")

    assert skeleton(text, exercise, style) == skeleton(model("mytorch/gru_cell.py"), exercise, style)


@pytest.mark.parametrize(
    ("made", "says"), [("mytorch/ops.py", "impl/mytorch/ops.py is not named"), (None, "impl/ has no hw3/hw3.py")]
)
def test_files_that_the_table_does_not_name_are_told(made, says, tmp_path):
    """A new file of impl/ is neither forgotten nor handed out by chance, and a missing one is named."""
    copy = tmp_path / "impl"
    shutil.copytree(IMPL, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / made).touch() if made else (copy / "hw3/hw3.py").unlink()

    with pytest.raises(DoesNotFit, match=says):
        program.exercise_files("blanks", copy)


def test_a_style_is_one_of_two():
    """Another style is an error that names both."""
    with pytest.raises(ValueError, match="style is 'holes', but should be one of blanks, bodies"):
        skeleton("", EXERCISES[0], "holes")


# Archives

NO_ARRAYS = pack.zipped({})
FILES = {"program/b.py": File(b"b"), "program/a.sh": File(b"a", executable=True)}


@pytest.mark.parametrize("archive", [pack.zipped, pack.tarred])
def test_archives_are_the_same_bytes_each_time(archive):
    """Whatever the order in which the files are found, the bytes are the same."""
    assert archive(FILES) == archive(dict(reversed(FILES.items())))
    assert pack.tarred(FILES)[4:8] == bytes(4)  # of gzip's header, the time


def test_archives_hold_the_same_files():
    """Both hold names, contents and modes, at one time, and say nothing of who built them."""
    with zipfile.ZipFile(io.BytesIO(pack.zipped(FILES))) as packed:
        in_zip = {info.filename: (packed.read(info), info.external_attr >> 16 & 0o777) for info in packed.infolist()}
        times = {(info.date_time, info.create_system) for info in packed.infolist()}
    with tarfile.open(fileobj=io.BytesIO(pack.tarred(FILES))) as packed:
        in_tar = {info.name: (packed.extractfile(info).read(), info.mode) for info in packed}
        owners = {(info.uid, info.gid, info.uname, info.gname, info.mtime) for info in packed}

    assert in_zip == in_tar == {"program/a.sh": (b"a", 0o755), "program/b.py": (b"b", 0o644)}
    assert times == {(pack.MOMENT, 3)}  # 3 is Unix, where modes count
    assert owners == {(0, 0, "", "", pack.SECONDS)}
    assert datetime.datetime(*pack.MOMENT, tzinfo=datetime.UTC).timestamp() == pack.SECONDS


def test_only_the_script_is_executable(style):
    """create_tarball.sh can be run, and nothing else."""
    files = program.exercise_files(style)

    assert [name for name, file in files.items() if file.executable] == ["create_tarball.sh"]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_line_ends_do_not_depend_on_the_checkout(ends, tmp_path):
    """A .bat has Windows' line ends, another text Unix', and arrays stay as they are, from any checkout."""
    for name in ("a.bat", "a.sh", "a.npz"):
        (tmp_path / name).write_bytes(b"one" + ends + b"two")

    assert program.as_handed_out(tmp_path / "a.bat").content == b"one\r\ntwo"
    assert program.as_handed_out(tmp_path / "a.sh").content == b"one\ntwo"
    assert program.as_handed_out(tmp_path / "a.npz").content == b"one" + ends + b"two"


# The quiz


def test_all_questions_are_handed_out_without_the_key(style):
    """Every question, its code and its options stand in quiz.md in both languages; why an option is true does not."""
    text = program.exercise_files(style)["quiz.md"].content.decode()

    for question in quiz.load().questions:
        for said in (
            *question.text,
            question.code.strip(),
            *(words for each in question.options for words in each.text),
        ):
            assert said in text
        for option in question.options:
            for why in option.why:
                assert why not in text
        assert text.count(f"## {question.question} (") == text.count(f"## {question.question}（") == 1


def test_no_file_of_the_hand_out_gives_an_answer_away(style):
    """No example, message or comment has a question's right letters, nor why an option is true."""
    files = program.exercise_files(style) | program.runner_files(NO_ARRAYS, NO_ARRAYS)
    texts = {name: file.content.decode() for name, file in files.items() if not name.endswith((".npz", ".mo"))}

    for question in quiz.load().questions:
        key = "".join(sorted(question.key))
        told = [f'{question.question} = "{key}"', f"{question.question} = '{key}'", f"{question.question} {key}"]
        told += [f'"{key}"'] if len(key) > 1 else []
        told += [why for option in question.options for why in option.why]
        assert [(name, each) for name, text in texts.items() for each in told if each in text] == []


def test_nothing_but_the_key_tells_the_right_options():
    """A quiz with another key is handed out as the same text."""
    right = quiz.load()
    other = replace(right, questions=tuple(replace(each, key=frozenset("B")) for each in right.questions))

    assert questions(other) == questions(right)


# Handing in


def create_tarball(folder, script="create_tarball.sh"):
    return subprocess.run(["sh", str(script)], cwd=folder, capture_output=True, text=True, check=False)


@on_unix
def test_what_students_pack_is_a_hand_in(handed_out, tmp_path):
    """With the model solution's files pasted in, handin.tar is unpacked by grading, and is the model solution."""
    for exercise in EXERCISES:
        (handed_out / exercise.file).write_text(model(exercise.file), encoding="utf-8")
    for left in ("mytorch/__pycache__/linear.cpython-312.pyc", "hw3/old.pyc", "mytorch/.DS_Store", "notes.txt"):
        (handed_out / left).parent.mkdir(exist_ok=True)
        (handed_out / left).touch()
    packed = create_tarball(handed_out)
    archives.unpack(handed_out / "handin.tar", tmp_path / "unpacked")

    assert packed.returncode == 0
    assert packed.stdout.splitlines() == [
        "There is no answers.toml here, so the quiz gets no points.",
        "handin.tar holds: hw3 mytorch",
    ]
    root = locate.root_of(tmp_path / "unpacked")
    there = {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}
    assert there == {file.relative_to(IMPL).as_posix(): file.read_bytes() for file in IMPL.rglob("*.py")}


@on_unix
def test_answers_to_the_quiz_go_along(handed_out):
    """Where there is an answers.toml it is packed, and the packer can be run as a program."""
    (handed_out / "answers.toml").write_text('q1 = "A"\n')
    packed = subprocess.run(["./create_tarball.sh"], cwd=handed_out, capture_output=True, text=True, check=True)

    assert packed.stdout == "handin.tar holds: hw3 mytorch answers.toml\n"
    with tarfile.open(handed_out / "handin.tar") as tar:
        assert tar.extractfile("answers.toml").read() == b'q1 = "A"\n'


@on_unix
@pytest.mark.parametrize("missing", ["hw3", "mytorch"])
def test_packing_elsewhere_says_where(handed_out, missing):
    """In a folder without one of the two there is a sentence that says so, and no archive."""
    shutil.rmtree(handed_out / missing)
    packed = create_tarball(handed_out)

    assert packed.returncode == 1
    assert packed.stderr == (
        f"create_tarball.sh: there is no {missing}/ in {handed_out}; "
        "run this in the folder that holds hw3/ and mytorch/\n"
    )
    assert not (handed_out / "handin.tar").exists()


def test_windows_packs_the_same():
    """create_tarball.bat calls tar with the same words as create_tarball.sh."""
    sh, bat = ((program.TEMPLATES / f"create_tarball.{kind}").read_text() for kind in ("sh", "bat"))
    (of_sh,), (of_bat,) = (re.findall("^tar -ch -f handin.tar (.*)$", text, re.MULTILINE) for text in (sh, bat))

    assert of_sh.replace("'", "").split()[:-1] == of_bat.split()[:-1]
    assert "set -- hw3 mytorch\n" in sh
    assert 'set "packed=hw3 mytorch"\n' in bat
    assert 'if exist answers.toml set "packed=hw3 mytorch answers.toml"\n' in bat
    assert "%packed%\nif errorlevel 1 goto failed\n" in bat


@on_unix
def test_a_link_is_packed_as_what_it_leads_to(handed_out, tmp_path):
    """Grading refuses links; a student whose answers are one gets what they say."""
    (tmp_path / "mine.toml").write_text('q1 = "A"\n')
    (handed_out / "answers.toml").symlink_to(tmp_path / "mine.toml")
    create_tarball(handed_out)

    archives.unpack(handed_out / "handin.tar", tmp_path / "unpacked")
    assert (tmp_path / "unpacked/answers.toml").read_text() == 'q1 = "A"\n'


# The runner


RUNS = """
import sys

def main(program, exam, arguments):
    print(program.name, exam.read_text(), arguments, sys.dont_write_bytecode)
    return 1
"""


@pytest.fixture
def runner(tmp_path):
    """Runs runner.py beside a suite whose grading/runner.py is this text."""

    def run(text):
        folder = tmp_path / "program" / program.RUNNER
        (folder / "data").mkdir(parents=True)
        (folder / "data/exam.npz").write_text("exam")
        (folder / "runner.py").write_bytes((program.TEMPLATES / "runner.py").read_bytes())
        if text is not None:
            (folder / "suite/grading").mkdir(parents=True)
            (folder / "suite/grading/runner.py").write_text(text)
        command = [sys.executable, f"./{program.RUNNER}/runner.py"]
        alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(command, cwd=tmp_path / "program", env=alone, capture_output=True, text=True, check=False)

    return run


def test_the_runner_hands_over_folder_and_exam(runner):
    """runner.py calls grading.runner.main with the folder of the homework and the exam, and leaves with its status."""
    ran = runner(RUNS)

    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "program exam [] True\n", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import a_library_that_is_not_there", "No module named 'a_library_that_is_not_there'; run: "),
        ("import grading.judge", "is not whole (No module named 'grading.judge'); unpack"),
        (None, "is not whole (No module named 'grading'); unpack"),
    ],
)
def test_what_the_runner_lacks_is_a_sentence(runner, text, says):
    """What is not installed, and a suite that is not whole, are one line, without a traceback."""
    ran = runner(text)

    assert ran.returncode == 3
    assert says in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_documents_say_what_is_so():
    """The README and the runner name the version of Python that pyproject.toml asks for, and files that there are."""
    readme = (program.TEMPLATES / "README.md").read_text(encoding="utf-8")
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    version = needed.removeprefix(">=")

    assert f"LEAST = ({version.replace('.', ', ')})" in (program.TEMPLATES / "runner.py").read_text(encoding="utf-8")
    in_english, in_chinese = readme.split("\n# 作业三")
    files = {
        *program.exercise_files("blanks"),
        *(f"{program.RUNNER}/{name}" for name in ("runner.py", "train.py", "requirements.txt")),
    }
    for part in (in_english, in_chinese):
        assert set(re.findall(r"autograder/[\w/]+\.\w+", part)) <= files
        named = set(re.findall(r"`([\w/]+\.(?:py|sh|bat|md))`", part))
        assert {name.rpartition("/")[2] for name in named} <= {name.rpartition("/")[2] for name in files}
    command = f"python ./{program.RUNNER}/runner.py"
    for said in (f"Python {version}", command, "hw1_autograder", TODO, "???", "create_tarball.bat"):
        assert said in in_english, said
        assert said in in_chinese, said


# The carried suite

PROJECT = {
    "pyproject.toml": '[project]\ndependencies = ["numpy>=1.26", "torch>=2"]\n',
    "grading/__init__.py": "",
    "grading/runner.py": "import os, numpy.linalg\nfrom grading import points\nfrom properties import cases, registry",
    "grading/points.py": "from .rubric import a\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import torch\n",
    "grading/rubric.py": "",
    "grading/rubric.toml": "",
    "grading/other.py": "import hypothesis\n",
    "properties/cases.py": "def f():\n  from reference import twins\n  import hypothesis\n  from grading import late\n",
    "properties/__init__.py": "",
    "properties/registry.py": "def f():\n  import fixtures.catalogue.survey\n",
    "properties/homework/test_a.py": "",
    "properties/homework/b.py": "",
    "fixtures/__init__.py": "",
    "fixtures/catalogue/__init__.py": "",
    "fixtures/catalogue/survey.py": "",
    "grading/late.py": "",
    "training/command_line.py": "",
    "reference/__init__.py": "",
    "reference/twins.py": "",
}
AT_ITS_TOP = "grading.rubric imports reference.twins at its top"


@pytest.fixture
def project(tmp_path):
    """Makes a small project of PROJECT's files, of which some may be another text, or None for none at all."""

    def make(**instead):
        texts = PROJECT | {f"{name.replace('__', '/')}.py": text for name, text in instead.items()}
        for name, text in texts.items():
            if text is not None:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(text)
        return tmp_path

    return make


def test_what_the_runner_imports_is_carried(project):
    """Packages, modules, those imported in functions and what lies beside them; not what is for type checkers alone."""
    assert carried.carried_files(project(), ["grading.runner"]) == [
        "grading/__init__.py", "grading/late.py", "grading/points.py", "grading/rubric.py", "grading/rubric.toml",
        "grading/runner.py", "properties/__init__.py", "properties/cases.py", "properties/homework/test_a.py",
        "properties/registry.py", "reference/__init__.py",
    ]  # fmt: skip


def test_what_must_be_installed_is_what_carried_files_import(project):
    """requirements.txt names the libraries with the versions of pyproject.toml, and none that is not imported."""
    assert carried.requirements(project(), ["grading.runner"]) == ["numpy>=1.26"]


@pytest.mark.parametrize(
    ("instead", "says"),
    [
        (
            {"grading__rubric": "from reference import twins as t"},
            f"{AT_ITS_TOP}, which is not handed out: the equations",
        ),
        ({"grading__rubric": "import reference.twins"}, AT_ITS_TOP),
        ({"grading__rubric": "class A:\n  from reference.twins import f"}, AT_ITS_TOP),
        ({"grading__rubric": "from grading.lost import a"}, "the hand-out needs grading.lost, which is not there"),
        ({"grading__runner": None}, "the hand-out needs grading.runner, which is not there"),
        (
            {"grading__rubric": "import properties.stored", "properties__stored": ""},
            "needs fixtures/arrays/*.npz, which is",
        ),
    ],
)
def test_what_cannot_be_carried_is_told(project, instead, says):
    """A module that is not there, and one that would give the solution away, end the building with its name."""
    with pytest.raises(DoesNotFit, match=re.escape(says)):
        carried.carried_files(project(**instead), ["grading.runner"])


def test_a_library_that_is_no_dependency_is_told(project):
    """What carried files import must stand in pyproject.toml."""
    with pytest.raises(DoesNotFit, match="the hand-out needs scipy, which is no dependency"):
        carried.requirements(project(grading__rubric="def f():\n  import scipy"), ["grading.runner"])


def test_runner_files_lie_where_the_runner_looks(project):
    """The runner, its exam, what it needs, and the suite are below autograder/hw3_autograder."""
    files = program.runner_files(b"exam", b"curves", project())

    assert files["data/exam.npz"].content == b"exam"
    assert files["requirements.txt"].content == b"numpy>=1.26\n"
    assert {"runner.py", "suite/grading/runner.py", "suite/properties/cases.py"} < files.keys()


def test_a_leak_in_the_carried_suite_ends_the_building(project):
    """A piece of the solution in a carried file is found where the whole is put together."""
    root = project(grading__points="# dx is dz @ self.W_ih")

    with pytest.raises(DoesNotFit, match=r"autograder/hw3_autograder/suite/grading/points.py holds a piece"):
        program.program("blanks", NO_ARRAYS, NO_ARRAYS, root=root)


@pytest.mark.parametrize("exam", [b"", b"exam"])
def test_an_exam_that_cannot_be_searched_is_not_handed_out(project, exam):
    """What is no archive of arrays may hold anything."""
    with pytest.raises(DoesNotFit, match=r"data/exam\.npz is no \.npz without pickles, and cannot be searched"):
        program.program("blanks", exam, NO_ARRAYS, root=project())


@pytest.mark.parametrize("table", ["NOT_CARRIED", "BY_NAME", "BESIDE"])
def test_tables_of_the_carried_suite_are_current(table):
    """Every module that a table names is one of this project."""
    for name in getattr(carried, table):
        path = ROOT / name.replace(".", "/")

        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), name


def test_the_suite_that_is_carried_is_whole_and_no_solution(tmp_path):
    """The carried files can be imported where there is nothing else of the project, and none holds the solution."""
    files = program.runner_files(NO_ARRAYS, NO_ARRAYS)
    program.check_leaks(files)
    for name, file in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(file.content)
    modules = [
        name.removeprefix("suite/").removesuffix(".py").replace("/", ".") for name in files if name.endswith(".py")
    ]
    importing = "".join(
        f"import {name}\n" for name in modules if name not in ("runner", "train") and not name.startswith("impl.")
    )
    start = f"import sys; sys.path.insert(0, {str(tmp_path / 'suite')!r})\n"

    assert {name for name in files if name.startswith("suite/impl/")} == {f"suite/impl/{file}" for file in WHOLE}
    assert {name.rpartition("/")[0] for name in files if "/fixtures/" in name} == {"suite/fixtures/arrays"}
    subprocess.run([sys.executable, "-I", "-c", start + importing], cwd=tmp_path, check=True)


# The command line


@pytest.fixture
def runner_of_another_day(monkeypatch):
    """The command line is tried without the suite and the exam, which take their time."""
    monkeypatch.setattr(program, "runner_files", lambda exam, curves, root: {"data/exam.npz": File(exam)})
    monkeypatch.setattr(command_line, "practice_exam", lambda: NO_ARRAYS)
    monkeypatch.setattr(command_line, "curves", lambda tasks: NO_ARRAYS)


@pytest.mark.usefixtures("runner_of_another_day")
def test_the_command_writes_both_archives(style, tmp_path, capsys):
    """python -m handout --style S --out DIR writes program.zip and program.tar.gz, with all files below program/."""
    status = command_line.main(["--style", style, "--out", str(tmp_path / "a/dist")])

    assert status == command_line.WRITTEN
    assert capsys.readouterr().out.count(" files, ") == 2
    folder = unpacked((tmp_path / "a/dist/program.zip").read_bytes(), tmp_path / "zip")
    archives.unpack(tmp_path / "a/dist/program.tar.gz", tmp_path / "tar")
    in_zip, in_tar = (
        {file.relative_to(top).as_posix(): file.read_bytes() for file in top.rglob("*") if file.is_file()}
        for top in (folder, tmp_path / "tar")
    )
    assert in_zip == in_tar
    assert "program/autograder/hw3_autograder/data/exam.npz" in in_zip
    assert (b"???" in in_zip["program/hw3/hw3.py"]) == (style == "blanks")


@pytest.mark.usefixtures("runner_of_another_day")
def test_a_place_where_nothing_can_be_written_is_told(tmp_path, capsys):
    """A file in the folder's place is a usage error, and named."""
    (tmp_path / "dist").touch()

    assert command_line.main(["--out", str(tmp_path / "dist")]) == command_line.USAGE
    assert str(tmp_path / "dist") in capsys.readouterr().err


@pytest.mark.usefixtures("runner_of_another_day")
def test_what_does_not_fit_is_told_and_nothing_written(tmp_path, capsys, monkeypatch):
    """Where impl/ is not what the table says, the status is 3, and there is no archive."""
    monkeypatch.setattr(command_line, "program", lambda style, exam, curves: skeleton("", EXERCISES[0], style))
    status = command_line.main(["--out", str(tmp_path / "dist")])

    assert status == command_line.BROKEN
    assert "mytorch/rnn_cell.py has no RNN_Cell." in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()
