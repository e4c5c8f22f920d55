"""Text in 80 columns: wrapped in both languages, numbers that can be done by hand, blocks beside each other."""

import math

import numpy as np
import pytest

from grading import layout
from grading.layout import (
    CLOSING,
    OPENING,
    array,
    beside,
    compared,
    named,
    painted,
    plain,
    rounded,
    table,
    width_of,
    wrapped,
    wrong_part,
)

CHINESE = (
    "梯度与 torch.nn.RNNCell 自动求导的结果相同；权重的梯度按批取平均（见 RNN_Cell.backward），dx 和 dh 则不取。" * 3
)
ENGLISH = "The gradient is that of torch.nn.RNNCell by autograd, averaged over the batch for weights, not for dx. " * 3


# Wrapping


@pytest.mark.parametrize("width", [20, 31, 80])
@pytest.mark.parametrize("text", [CHINESE, ENGLISH, "长" * 200, "x" * 200, "；" * 100, "(a" * 99], ids=lambda t: t[:4])
def test_no_line_is_wider_than_it_may(text, width):
    """In cells of the terminal, of which a Chinese character takes two, and whatever the text is."""
    lines = wrapped(text, "  ", "    ", width)

    assert max(map(width_of, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_lines_are_filled():
    """A line is broken where the next word, or Chinese character, has no room any more."""
    for text in (CHINESE, ENGLISH):
        *full, _ = wrapped(text, "", "")
        assert min(map(width_of, full)) > 60


def test_no_line_of_chinese_begins_or_ends_with_the_wrong_sign():
    """What closes stays with what is before it, and what opens with what comes after."""
    for width in range(24, 81):
        lines = wrapped(CHINESE, "", "", width)
        assert not any(line[0] in CLOSING for line in lines)
        assert not any(line[-1] in OPENING for line in lines)


def test_each_paragraph_is_indented():
    """A text of several lines stays so: the first of each has the indent, the others hang."""
    assert wrapped("one two\n\nthree", "  ", "    ", 8) == ["  one", "    two", "", "  three"]


def test_a_paragraph_keeps_its_own_indent():
    """As in a table that a hand-in printed; where a line is broken, spaces are left out."""
    assert wrapped("   a   b\n  c d", "> ", ". ", 8) == [">    a", ". b", ">   c d"]


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\r", "\x07", "\u202e", "\x9b31m", "\u2028", "\x00", "\ud800"])
def test_what_a_terminal_would_obey_is_escaped(hostile):
    """Control characters, and those that turn the direction of writing, become their escapes."""
    (line,) = wrapped(f"a{hostile}b", "")

    assert line.isprintable()
    assert line == f"a{hostile.encode('unicode_escape').decode()}b"


def test_text_is_painted_only_in_colour():
    """Without colour nothing is added; with it the text stands between its codes."""
    assert painted("wrong", "red", colour=False) == "wrong"
    assert painted("wrong", "bold red", colour=True) == "\x1b[1;31mwrong\x1b[0m"
    assert painted("", "red", colour=True) == ""


# Arrays


def test_rows_of_a_matrix_stand_below_each_other():
    """An array is Python that can be typed in, its columns aligned."""
    assert named("W", [[1.0, -0.25], [-0.5, 2.0]], 70) == ["W = [[   1, -0.25],", "     [-0.5,     2]]"]


def test_an_array_with_more_axes_has_no_empty_lines():
    """Matrices of a stack follow each other."""
    lines = array(np.zeros((2, 2, 1)).tolist(), 4, 70)

    assert lines == ["[[[0],", "  [0]],", " [[0],", "  [0]]]"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"), (1 / 3, "0.333333"), (1.5e-9, "1.5e-09"), ("nan", "nan"), (["-inf", 1.0], "[-inf, 1]"),
        (True, "True"), (7, "7"), ([], "[]"), ([[]], "[]"), ("array of shape (9, 80)", "array of shape (9, 80)"),
        ([[1], [2, 3]], "[[1], [2, 3]]"), ("(1+2j)", "(1+2j)"),
    ],
)  # fmt: skip
def test_a_value_of_a_report_is_shown_in_short(value, text):
    """Numbers have few digits; what is no number, or no array, is its text."""
    assert " ".join(array(value, layout.DIGITS, 70)) == text


def test_of_a_large_array_the_corners_are_shown():
    """400 elements take a few lines, each within the width."""
    lines = array(np.arange(400.0).reshape(20, 20).tolist(), 4, 60)

    assert len(lines) < 8
    assert max(map(width_of, lines)) <= 60
    assert "..." in lines[0]
    assert "399" in lines[-1]


def test_a_tall_array_is_large_too():
    """33 rows of one number are 5 lines: the first two, dots, the last two."""
    lines = array([[float(row)] for row in range(33)], 4, 60)

    assert [line.strip(" [],") for line in lines] == ["0", "1", "...", "31", "32"]
    assert len(array([[float(row)] for row in range(12)], 4, 60)) == 12


def test_what_is_rounded_is_known():
    """Whether a number has more digits than are shown."""
    assert rounded([[0.5, 1 / 3]])
    assert not rounded([[0.5, 1.0, "nan", 3]])
    assert not rounded("array of shape (9, 80)")


# Two arrays


@pytest.mark.parametrize("off", [1e-2, 1e-5, 1e-9, 1e-13])
def test_a_difference_is_visible(off):
    """There are as many digits as it takes to tell wrong elements from right ones, and no more."""
    actual, expected = compared([0.5 + off, 0.25], [0.5, 0.25], 1e-15, 70)

    assert actual != expected
    assert len(actual[0]) <= 14 - math.log10(off)


def test_wrong_elements_are_marked():
    """Where some are wrong and some are not, a * stands behind the wrong ones, of which nan is one."""
    actual, _ = compared([[1.0, 2.0], ["nan", 4.0]], [[1.0, 3.0], [3.0, 4.0]], 1e-9, 70)

    assert [line.count("*") for line in actual] == [1, 1]
    assert "2*" in actual[0]
    assert "nan*" in actual[1]


@pytest.mark.parametrize(
    ("actual", "expected", "allowed"),
    [
        ([1.0, 2.0], [3.0, 4.0], 1e-9), ([1.0, 2.0], [1.0, 2.0], 1e-9), ([1.0, 2.0], [[1.0, 9.0]], 1e-9),
        ("array of shape (9, 9)", [1.0], 1e-9), ([1.0, 2.0], [1.0, 2.0], "inf"), ([1.0], [1.0], None),
    ],
)  # fmt: skip
def test_nothing_is_marked_where_all_or_nothing_is_wrong(actual, expected, allowed):
    """Nor where shapes differ, or there is nothing to compare with."""
    assert "*" not in "".join(compared(actual, expected, allowed, 70)[0])


def test_of_large_results_the_part_that_is_wrong_is_shown():
    """Around the first wrong element, with its index as Python writes it; small ones are shown whole."""
    expected = np.arange(400.0).reshape(40, 10)
    actual = expected.copy()
    actual[17:, 9] = np.nan

    index, ours, theirs = wrong_part(actual.tolist(), expected.tolist(), 1e-9)
    assert index == "[15:21, 4:10]"
    assert theirs == expected[15:21, 4:10].tolist()
    np.testing.assert_array_equal(ours, actual[15:21, 4:10])
    assert wrong_part(expected[:, :1].tolist(), (expected[:, :1] + 1).tolist(), 1e-9)[0] == "[0:6]"
    assert wrong_part(expected.tolist(), expected.tolist(), 1e-9) == ("", expected.tolist(), expected.tolist())
    assert wrong_part([[1.0], [2.0]], [[1.0], [3.0]], 1e-9) == ("", [[1.0], [2.0]], [[1.0], [3.0]])
    assert wrong_part("array of shape (9, 9)", [1.0], 1e-9) == ("", "array of shape (9, 9)", [1.0])


# Blocks


def test_blocks_stand_beside_each_other_where_there_is_room():
    """Those of one height share a line, those that are lower come first, and no line is too wide."""
    lines = beside([["aaaa"] * 2, ["b"], ["cc"], ["d" * 70], ["eeee"] * 2], "  ")

    assert lines == ["  b   cc", f"  {'d' * 70}", "  aaaa   eeee", "  aaaa   eeee"]


def test_a_table_is_aligned_by_cells():
    """Columns are as wide as their widest block, Chinese among them."""
    lines = table([[[""], ["实际结果"], ["be"]], [["dx"], ["1"], ["2", "3"]]], "")

    assert lines == ["     实际结果   be", "dx   1          2", "                3"]


def test_plain_keeps_what_can_be_read():
    """Letters of any script stay as they are."""
    assert plain("隐藏状态 é ß\tx\n") == "隐藏状态 é ß\tx\n"
