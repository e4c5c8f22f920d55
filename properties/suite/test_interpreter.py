"""The interpreter of scripts: what a hand-in gets, what is told of what it does, and what a fault costs."""

import numpy as np
import pytest

from properties.interpreter import script
from properties.interpreter.reply import LARGEST_ARRAY, Fault, Value

X = np.arange(4.0).reshape(2, 2)
FORWARD = "h_t = cell.forward(x)"


def fault(kind, text, where=""):
    return Fault(kind, text, where)


# Faults


def test_a_missing_file_is_named(run_on):
    """Where the file is not there, the fault says which."""
    reply = run_on({"hw3/hw3.py": ""}, "cell = RNN_Cell(1, 2)")

    assert reply.values["cell"] == fault("missing", "mytorch/rnn_cell.py is missing")


def test_a_missing_class_is_named(run_on):
    """Where the class is not in its file, the fault says which and where."""
    reply = run_on({"mytorch/rnn_cell.py": "x = 1\n"}, "cell = RNN_Cell(1, 2)")

    assert reply.values["cell"] == fault("missing", "mytorch/rnn_cell.py has no RNN_Cell")


def test_a_missing_method_is_named(run_cell):
    """Where the class has no such method, the fault says whose."""
    assert run_cell("", FORWARD, x=X).values["h_t"] == fault("missing", "RNN_Cell has no method forward")


def test_a_missing_attribute_is_named(run_cell):
    """Where the object has no such attribute, the fault says whose."""
    assert run_cell("", "dW_ih = cell.dW_ih").values["dW_ih"] == fault("missing", "RNN_Cell has no attribute dW_ih")


def test_an_attribute_missing_inside_the_hand_in_is_its_own_error(run_cell):
    """An AttributeError that the hand-in's own line raises is told as raised there."""
    reply = run_cell("def forward(self, x):\n    return self.W_ih", FORWARD, x=X)

    assert reply.values["h_t"] == fault(
        "raised",
        "RNN_Cell.forward raises AttributeError: 'RNN_Cell' object has no attribute 'W_ih'",
        "mytorch/rnn_cell.py:9 in RNN_Cell.forward",
    )


def test_what_is_not_written_yet_is_told_so(run_cell):
    """NotImplementedError, as handed out, is no crash."""
    reply = run_cell("def forward(self, x):\n    raise NotImplementedError", FORWARD, x=X)

    assert reply.values["h_t"].kind == "unwritten"
    assert reply.values["h_t"].text == "RNN_Cell.forward is not written yet"


def test_a_file_that_does_not_parse_is_named_with_its_line(run_on):
    """A SyntaxError says file, line and what Python says."""
    reply = run_on({"mytorch/rnn_cell.py": "import numpy\n\ndef f(:\n"}, "cell = RNN_Cell(1, 2)")

    assert reply.values["cell"].kind == "unparsed"
    assert reply.values["cell"].text == "mytorch/rnn_cell.py:3 does not parse: invalid syntax"


def test_text_that_does_not_parse_is_told_where_it_was_evaluated(run_cell):
    """A SyntaxError of an eval is told by the hand-in's line that called it."""
    found = run_cell("def forward(self, x):\n    return eval('1 +')", FORWARD, x=X).values["h_t"]

    assert "None" not in found.text
    assert found.where == "mytorch/rnn_cell.py:9 in RNN_Cell.forward"


def test_an_exception_is_told_with_file_line_and_function(run_cell):
    """What the hand-in raises is told with the innermost of its own lines."""
    method = "def forward(self, x):\n    return self._go(x)\ndef _go(self, x):\n    return np.linalg.inv(x)"
    found = run_cell(method, FORWARD, x=np.zeros((2, 2))).values["h_t"]

    assert found.kind == "raised"
    assert found.text == "RNN_Cell.forward raises LinAlgError: Singular matrix"
    assert found.where == "mytorch/rnn_cell.py:11 in RNN_Cell._go"


def test_an_error_at_import_is_told(run_on):
    """What a module raises while it is imported is told with its line."""
    found = run_on({"mytorch/rnn_cell.py": "import numpy\n1 / 0\n"}, "cell = RNN_Cell(1, 2)").values["cell"]

    assert found.text == "RNN_Cell raises ZeroDivisionError: division by zero"
    assert found.where == "mytorch/rnn_cell.py:2 in <module>"


@pytest.mark.parametrize(
    ("result", "given"),
    [("x", "one ndarray"), ("(x,)", "1 values"), ("(x, x, x)", "3 values"), ("None", "one NoneType")],
)
def test_another_number_of_results_is_told(run_cell, result, given):
    """Where two results are wanted and other than two come, both are at fault."""
    reply = run_cell(f"def backward(self, x):\n    return {result}", "dx, dh = cell.backward(x)", x=X)

    text = f"cell.backward returns {given}, but should return dx, dh"
    assert reply.values["dx"] == reply.values["dh"]
    assert reply.values["dx"].text == text


def test_another_signature_is_told_with_the_call(run_cell):
    """A method that cannot be called as it should be is told with the call and Python's reason."""
    found = run_cell("def forward(self):\n    return 1", FORWARD, x=X).values["h_t"]

    assert found.kind == "raised"
    assert found.text.startswith("RNN_Cell.forward cannot be called as cell.forward(x): ")
    assert "takes 1 positional argument but 2 were given" in found.text


@pytest.mark.parametrize("error", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "MemoryError", "RecursionError"])
def test_no_exception_of_a_hand_in_gets_out(run_cell, error):
    """An exit or interrupt that the hand-in raises is a fault like any other."""
    found = run_cell(f"def forward(self, x):\n    raise {error}", FORWARD, x=X).values["h_t"]

    assert found.text == f"RNN_Cell.forward raises {error}"


def test_an_exception_without_words_is_named(run_cell):
    """An exception whose own __str__ fails is told by its type."""
    method = (
        "def forward(self, x):\n"
        "    class Mine(Exception):\n"
        "        def __str__(self):\n"
        "            raise ValueError\n"
        "    raise Mine"
    )

    assert run_cell(method, FORWARD, x=X).values["h_t"].text == "RNN_Cell.forward raises Mine"


def test_a_long_message_is_cut(run_cell):
    """An error's text is kept to a bound."""
    found = run_cell("def forward(self, x):\n    raise ValueError('a' * 10**6)", FORWARD, x=X).values["h_t"]

    assert len(found.text) == script.MOST_TEXT


def test_a_fault_touches_only_what_depends_on_it(run_cell):
    """Lines that mention a faulty name share its fault; the others go on."""
    methods = "def bad(self):\n    raise ValueError('no')\ndef good(self, x):\n    return x"
    reply = run_cell(methods, "a = cell.bad()", "b = cell.good(a)", "c = cell.good(x)", "d = cell.good(c)", x=X)

    assert isinstance(reply.values["a"], Fault)
    assert reply.values["b"] is reply.values["a"]
    np.testing.assert_array_equal(reply.values["d"].array, X)


def test_a_call_that_fails_spoils_its_object(run_cell):
    """Where a call without results fails, what follows on that object shares the fault."""
    reply = run_cell("def init_weights(self, x):\n    raise ValueError('no')", "cell.init_weights(x)", FORWARD, x=X)

    assert reply.values["h_t"].text == "RNN_Cell.init_weights raises ValueError: no"


# Arguments


def test_arguments_are_fresh_writable_copies(run_cell):
    """Every mention of an array is a plain, owned, writable copy: what one call writes, the next does not see."""
    methods = (
        "def look(self, x):\n"
        "    assert type(x) is np.ndarray and x.flags.writeable and x.flags.owndata\n"
        "    before = x.copy()\n"
        "    x[:] = -1\n"
        "    return before"
    )
    given = X.copy()
    reply = run_cell(methods, "first = cell.look(x)", "second = cell.look(x)", x=given)

    np.testing.assert_array_equal(reply.values["first"].array, X)
    np.testing.assert_array_equal(reply.values["second"].array, X)
    np.testing.assert_array_equal(given, X)


def test_results_are_copies_of_the_moment(run_cell):
    """A result is what it was when it came, whatever the hand-in writes to it later."""
    methods = (
        "def forward(self, x):\n    self.x = x\n    return x\n"
        "def spoil(self):\n    self.x[:] = -1\n    return self.x"
    )  # fmt: skip
    reply = run_cell(methods, FORWARD, "later = cell.spoil()", x=X)

    np.testing.assert_array_equal(reply.values["h_t"].array, X)
    np.testing.assert_array_equal(reply.values["later"].array, -np.ones((2, 2)))


def test_changed_arguments_are_reported(run_cell):
    """An argument changed in place is named once, even where nan was there before; others are not."""
    methods = "def forward(self, x, h):\n    x += 1\n    return h"
    reply = run_cell(methods, "h_t = cell.forward(x, h)", "again = cell.forward(x, h)", x=X, h=X)

    assert reply.changed == ("x",)


def test_results_that_share_memory_are_reported(run_cell):
    """Two results that lie in the same memory are named, and two that do not are not."""
    methods = "def forward(self, x):\n    return x, x.T, x.copy()"

    assert run_cell(methods, "a, b, c = cell.forward(x)", x=X).shared == (("a", "b"),)


# What else is seen


def test_what_is_printed_is_kept_and_cut(run_cell):
    """Standard output and error are kept together, up to a bound."""
    methods = (
        "def forward(self, x):\n"
        "    import sys\n"
        "    print('out')\n"
        "    print('err', file=sys.stderr)\n"
        "    print('a' * 10**5)"
    )
    printed = run_cell(methods, FORWARD, x=X).printed

    assert printed.startswith("out\nerr\naaa")
    assert len(printed) == script.MOST_PRINTED


def test_warnings_are_recorded(run_cell):
    """A warning is kept once, and is no error."""
    methods = "def forward(self, x):\n    return np.exp(x + 1000) + np.exp(x + 1000)"
    reply = run_cell(methods, FORWARD, x=X)

    assert reply.warned == ("overflow encountered in exp",)
    assert np.isinf(reply.values["h_t"].array).all()


def test_generators_are_seeded_before_each_script(run_cell):
    """Two runs of a script draw the same from NumPy's and from Python's global generator."""
    methods = "def forward(self):\n    import random\n    return np.append(np.random.randn(2), random.random())"
    first, second = (run_cell(methods, "a = cell.forward()").values["a"].array for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_two_draws_of_one_script_differ(run_cell):
    """The generators go on within a script: they are seeded before it and not before each line."""
    reply = run_cell("def forward(self):\n    return np.random.randn(2)", "a = cell.forward()", "b = cell.forward()")

    assert not np.array_equal(reply.values["a"].array, reply.values["b"].array)


# Kinds of results

RESULTS = {
    "np.matrix([[1.0, 2.0]])": ([[1.0, 2.0]], "<f8", "matrix"),
    "np.ma.masked_array([1.0, 2.0], [0, 1])": ([1.0, 2.0], "<f8", "MaskedArray"),
    "np.array([1.0]).view(type('Mine', (np.ndarray,), {}))": ([1.0], "<f8", "Mine"),
    "np.float32(2)": (2.0, "<f4", "float32"),
    "np.array(3)": (3, "<i8", "ndarray"),
    "np.array([1.0, 2.0], '>f8')": ([1.0, 2.0], "<f8", "ndarray"),
    "np.array([1.0, 2.0], np.longdouble)": ([1.0, 2.0], "<f8", "ndarray"),
    "np.array([1.0, 2.0, 3.0])[::-2]": ([3.0, 1.0], "<f8", "ndarray"),
    "np.array([True])": ([True], "|b1", "ndarray"),
    "np.zeros((0, 2))": (np.zeros((0, 2)), "<f8", "ndarray"),
}
NO_ARRAYS = {
    "[1.0, 2.0]": "list",
    "None": "NoneType",
    "1.5": "float",
    "np.array([None, {}])": "ndarray of object",
    "np.array(['a'])": "ndarray of <U1",
    "np.broadcast_to(np.float64(1), (10**6, 10**6))": "ndarray of shape (1000000, 1000000)",
    "type('Array', (), {'__array__': lambda self: 1 / 0})()": "Array",
}


@pytest.mark.parametrize("text", RESULTS)
def test_an_array_comes_back_as_a_plain_one(run_cell, text):
    """A result of any array type is a plain, owned, contiguous array of a listed dtype, its type told beside it."""
    found = run_cell(f"def forward(self):\n    return {text}", "a = cell.forward()").values["a"]

    value, dtype, kind = RESULTS[text]
    assert isinstance(found, Value)
    assert (type(found.array), found.array.dtype.str, found.type) == (np.ndarray, dtype, kind)
    assert found.array.flags.owndata
    assert found.array.flags.c_contiguous
    np.testing.assert_array_equal(found.array, np.asarray(value))


@pytest.mark.parametrize("text", NO_ARRAYS)
def test_what_is_no_array_is_known_by_its_type(run_cell, text):
    """A result that is no array, or an array of a size or dtype that is not listed, is named and not kept."""
    reply = run_cell(f"def forward(self):\n    return {text}", "a = cell.forward()")

    assert reply.values["a"] == Value(None, NO_ARRAYS[text])


def test_the_largest_array_is_bounded(run_cell):
    """An array of a little more than the bound is known by its shape."""
    size = LARGEST_ARRAY + 1
    reply = run_cell(f"def forward(self):\n    return np.zeros({size}, np.int8)", "a = cell.forward()")

    assert reply.values["a"] == Value(None, f"ndarray of shape ({size},)")


def test_a_type_that_lies_about_its_name_ends_nothing(run_cell):
    """A result whose type cannot be named is a fault of its own line; the script goes on."""
    methods = (
        "def forward(self):\n"
        "    class Meta(type):\n"
        "        @property\n"
        "        def __name__(cls):\n"
        "            raise ValueError\n"
        "    return Meta('Mine', (), {})()\n"
        "def good(self, x):\n"
        "    return x"
    )
    reply = run_cell(methods, "a = cell.forward()", "b = cell.good(x)", x=X)

    np.testing.assert_array_equal(reply.values["b"].array, X)


# Helpers


def test_strided_gives_the_same_numbers_in_another_order_of_memory(run_cell):
    """strided(x) equals x and is contiguous in neither order."""
    methods = "def forward(self, x):\n    return np.array([x.flags.c_contiguous, x.flags.f_contiguous]), x"
    reply = run_cell(methods, "flags, same = cell.forward(strided(x))", x=X)

    np.testing.assert_array_equal(reply.values["same"].array, X)
    assert not reply.values["flags"].array.any()


def test_frozen_arguments_cannot_be_written_to(run_cell):
    """Writing to frozen(x) raises in the hand-in's line; reading gives x."""
    methods = "def write(self, x):\n    x += 1\n    return x\ndef read(self, x):\n    return x"
    reply = run_cell(methods, "a = cell.write(frozen(x))", "b = cell.read(frozen(x))", x=X)

    assert "ValueError" in reply.values["a"].text
    np.testing.assert_array_equal(reply.values["b"].array, X)


NET = """
import numpy as np
from linear import Linear as {name}
class CharacterPredictor:
    def __init__(self, D, H, C):
        self.other = {name}(H, H)
        self.out = {name}(H, C)
"""


@pytest.mark.parametrize("name", ["Linear", "Affine"])
def test_projection_is_found_by_class_and_shape(run_on, name):
    """projection is the attribute that is a Linear with W of shape (C, H), whatever the names of both."""
    reply = run_on(
        {"mytorch/readme.txt": "", "hw3/hw3.py": NET.format(name=name)},
        "net = CharacterPredictor(2, 3, 5)", "linear = projection(net, 5, 3)", "W = linear.W",
    )  # fmt: skip

    assert reply.values["W"].array.shape == (5, 3)


def test_a_missing_projection_is_told(run_on):
    """Where no attribute is such a Linear, the fault says what is missing."""
    reply = run_on(
        {"hw3/hw3.py": "class CharacterPredictor:\n    def __init__(self, D, H, C):\n        self.out = 1\n"},
        "net = CharacterPredictor(2, 3, 5)", "linear = projection(net, 5, 3)",
    )  # fmt: skip

    assert reply.values["linear"] == fault(
        "missing", "CharacterPredictor has no attribute that is a Linear with W of shape (num_classes, hidden_dim)"
    )


def test_lines_that_were_parsed_elsewhere_are_the_same_lines():
    """What one process has parsed is, for another, what it would have parsed itself."""
    lines = ["dx, dh = cell.backward(delta, h_t, x, h)", "cell.zero_grad()", "dW = net.rnn[0].dW_ih", "y = strided(x)"]
    script._first.clear()
    script._parse.cache_clear()
    own = [script._parse(line) for line in lines]
    table = script.table()
    script._first.clear()
    script._parse.cache_clear()
    script.know(table)

    assert list(script._first) == lines
    assert [script._parse(line) for line in lines] == own
