"""Which language is spoken, and how a text of a report is recognised whatever values stand in it."""

import itertools
import time

import numpy as np
import pytest

from grading import archives, language
from grading.diagnosis import PATTERNS
from grading.language import Translator, choose, pattern_of, translator
from properties import compare
from properties.cases import GRUSequence, GRUStep, RNNStep
from properties.compare import Expected
from properties.interpreter.reply import Fault, Reply, Value
from properties.outcomes import Unmet
from properties.registry import all_properties
from properties.transcript import Transcript

zh = translator("zh")
RAISES = "RNN_Cell.forward raises ValueError: "


# Which language


@pytest.mark.parametrize(
    ("wanted", "environ", "chosen"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh"}, "zh"),
        (None, {"LANG": "zh-Hans-CN"}, "zh"),
        (None, {"LANG": "Chinese_China.936"}, "zh"),
        (None, {"LANG": "zha"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {"LANG": "C"}, "en"),
        (None, {"LANG": "zh_CN", "LC_ALL": "en_US.UTF-8"}, "en"),
        (None, {"LANG": "en_US", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANGUAGE": "zh_CN:en", "LC_ALL": "en_US.UTF-8"}, "zh"),
        (None, {"LANGUAGE": "en:zh", "LANG": "zh_CN.UTF-8"}, "en"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
    ],
)
def test_the_language_is_that_asked_for_or_the_environments(monkeypatch, wanted, environ, chosen):
    """Variables in gettext's order, the first that says something; all that is not Chinese is English."""
    monkeypatch.setattr(language.sys, "platform", "linux")

    assert choose(wanted, environ) == chosen


def test_english_is_left_as_it_is():
    """No catalogue is read for it."""
    text = "h_t has shape (1,), but should have (1, 1)"

    assert translator("en")(text) is text


def test_a_language_without_a_catalogue_is_an_error():
    """Its name is in the message, and so is what makes the file."""
    with pytest.raises(FileNotFoundError, match=r"has no grading.mo for xx: python -m grading.translations"):
        Translator("xx")


# Texts with values in them, as the code makes them


def transcript_of(name, value):
    return Transcript(Reply({name: value}, ("x", "h"), (("dx", "dh"),), ("overflow in exp",), ""))


EXPECTED = Expected(np.array([[0.5, 0.25]]), lambda u: u)
WRONG = transcript_of("h_t", Value(np.array([[0.5, 9.0]]), "ndarray"))


def fails(check, *arguments, **names):
    """What a check says of the results of a hand-in."""
    with pytest.raises(Unmet) as raised:
        check(*arguments, **names)
    return str(raised.value)


def fault(kind, text, where=""):
    return lambda: transcript_of("h_t", Fault(kind, text, where))["h_t"]


MESSAGES = {
    lambda: compare.assert_close(np.array([[0.5, 9.0]]), EXPECTED, "h_t"):
        "h_t[0, 1] 是 9，但应当是 0.25（相差 8.8，允许 1e-16）；2 个元素中有 1 个错误",
    lambda: compare.assert_close(np.array([[0.5, np.nan]]), EXPECTED, "logits of the second half"):
        "后半段的 logits[0, 1] 是 nan，但应当是 0.25（允许 1e-16）；2 个元素中有 1 个错误",
    lambda: compare.assert_close(np.zeros(3), EXPECTED, "the row of h_t in another batch"):
        "h_t 在另一批中的同一行的形状是 (3,)，但应当是 (1, 2)",
    lambda: compare.assert_close(np.zeros((1, 2), np.float16), EXPECTED, "dx of 0.0001 delta"):
        "0.0001 倍 delta 的 dx 的 dtype 是 float16，但应当是 float64，至少 float32",
    lambda: compare.assert_unchanged(WRONG): "x, h 被原地修改了，但应当保持不变",
    lambda: compare.assert_apart(WRONG, "dx", "dh"): "dx 和 dh 共用内存，但应当是各自独立的数组",
    lambda: compare.assert_plain_float64(transcript_of("h_t", Value(np.zeros(1, np.float32), "matrix")), "h_t"):
        "h_t 是 float32 的 matrix，但应当和参数一样，是 float64 的 ndarray",
    lambda: transcript_of("h_t", Value(None, "NoneType"))["h_t"]: "h_t 是 None，但应当是 NumPy 数组",
    lambda: transcript_of("h_t", Value(None, "list"))["h_t"]: "h_t 是 list 类型的对象，但应当是 NumPy 数组",
    fault("missing", "hw3/hw3.py is missing"): "缺少 hw3/hw3.py",
    fault("missing", "hw3/hw3.py has no CharacterPredictor"): "hw3/hw3.py 中没有 CharacterPredictor",
    fault("missing", "RNN_Cell has no method zero_grad"): "RNN_Cell 没有方法 zero_grad",
    fault("missing", "RNN_Cell has no attribute dW_ih"): "RNN_Cell 没有属性 dW_ih",
    fault("missing", "cell.backward returns one ndarray, but should return dx, dh"):
        "cell.backward 返回了一个 ndarray，但应当返回 dx, dh",
    fault("unwritten", "RNN_Cell.forward is not written yet", "mytorch/rnn_cell.py:3 in RNN_Cell.forward"):
        "RNN_Cell.forward 还没有写 (mytorch/rnn_cell.py:3 in RNN_Cell.forward)",
    fault("unparsed", "mytorch/rnn_cell.py:51 does not parse: invalid syntax", "mytorch/rnn_cell.py:51"):
        "mytorch/rnn_cell.py:51 有语法错误：invalid syntax",
    fault("raised", f"{RAISES}a is 1; b has no c (maybe)", "a.py:1 in f"):
        "RNN_Cell.forward 抛出 ValueError: a is 1; b has no c (maybe) (a.py:1 in f)",
}  # fmt: skip


@pytest.mark.parametrize(("check", "told"), MESSAGES.items(), ids=range(len(MESSAGES)))
def test_what_a_check_says_is_told_in_chinese(check, told):
    """With its values, with words in them that are ours, and with what the student or Python wrote as it is."""
    assert zh(fails(check)) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dx, dh: zero everywhere", "dx, dh：处处为零"),
        ("dW_ih: 2 times what it should be", "dW_ih：是应有值的 2 倍"),
        ("db_hh: The gradient is the stored array.", "db_hh：梯度与保存的数组相同。"),
        ("db_hh is summed over the batch, not averaged.", "db_hh 按批求了和，而应取平均。"),
        (
            "h_t[0] is 1, but should be 2 (off by 1, allowed 1e-9); 1 of 1 elements are wrong; "
            "forward is wrong as well, and the likely cause",
            "h_t[0] 是 1，但应当是 2（相差 1，允许 1e-9）；1 个元素中有 1 个错误；forward 也有错，很可能是它引起的",
        ),
        (
            "no answer within 2 s; not asked any more after 3 lost processes in this step",
            "2 秒内没有返回结果；这一步损失了 3 个进程，不再继续",
        ),
        ("the process ended by itself (exit status 0)", "进程自行结束（退出状态 0）"),
        ("the process ended by itself (SIGSEGV)", "进程自行结束（SIGSEGV）"),
        ("wrong on a case that only the exam's key gives", "结果错误，所用的例子只有考试密钥才能给出"),
        (
            "hw3/ is missing; mytorch/linear.py is not the one that was handed out",
            "缺少 hw3/；mytorch/linear.py 不是发下来的那个文件",
        ),
        (
            "'a.zip' is not unpacked: its entry 'b' is a symbolic link, but only files and folders are unpacked",
            "'a.zip' 没有解包：条目 'b' 是符号链接，但只解文件和文件夹",
        ),
        (
            "'a.zip' is not unpacked: its entry 'b' holds more than 5 bytes, but declares 4",
            "'a.zip' 没有解包：条目 'b' 含有多于 5 字节，但声明的是 4 字节",
        ),
        ("'a raises b.zip' is not unpacked: it holds no file", "'a raises b.zip' 没有解包：里面没有文件"),
        ("array of shape (9, 80)", "形状为 (9, 80) 的数组"),
    ],
)
def test_texts_that_are_put_together_are_taken_apart(text, told):
    """Names in front of a sentence, notes behind it, several in a row, one within another."""
    assert zh(text) == told


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (RNNStep(1, 2, 3, numbers="ones"), 'N=1 D=2 H=3，数值 "ones"'),
        (RNNStep(1, 2, 3, scale=0.5, seed=7), 'N=1 D=2 H=3，数值 "random"，尺度 0.5，种子 7'),
        (GRUStep(2, 3, "closed", numbers="halves"), 'D=2 H=3 family=closed，数值 "halves"，种子 0'),
        (GRUSequence(1, 2, 3, numbers="ones"), 'D=1 H=2 T=3，数值 "ones"'),
    ],
    ids=str,
)  # fmt: skip
def test_a_case_is_told_in_chinese(case, told):
    """Its sizes stay as they are."""
    assert zh(str(case)) == told


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "; ", "{0}", "{", "}", "{x}", "%s", "h_t", "dx, dh", "a: b", "NameError: name 'x' is not defined",
        "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?)",
        "operands could not be broadcast together with shapes (3,) (4,)", "作业没有写完", "\x1b[2J", "a; b; c",
    ],
)  # fmt: skip
def test_what_is_not_known_stays_as_it_is(text):
    """A student's words, braces and all."""
    assert zh(text) == text
    assert zh(RAISES + text) == f"RNN_Cell.forward 抛出 ValueError: {text}"


@pytest.mark.parametrize("value", ["{0}", "{}", "{x!r}", "{0.__class__}", "%(x)s", "\\"])
def test_values_are_never_read_as_formats(value):
    """What stands in a student's text is put in, and not evaluated."""
    assert zh(f"{value} has shape {value}, but should have {value}") == f"{value} 的形状是 {value}，但应当是 {value}"


def test_every_claim_and_pattern_is_told_in_chinese():
    """Alone, and behind the name of what it is about."""
    claims = {prop.claim.removeprefix(f"{prop.part}: ") for prop in all_properties()}
    for text in {*claims, *PATTERNS}:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh(text)), text
        assert zh(f"dx, dh: {text}") == f"dx, dh：{zh(text)}", text


def test_every_refusal_of_an_archive_is_told_in_chinese(tmp_path):
    """As it is raised over real files."""
    for number, content in enumerate(
        (b"", b"x" * 600, b"PK\x05\x06" + bytes(18), b"\x1f\x8b\x08", b"Rar!\x1a\x07", b"BZh")
    ):
        (tmp_path / f"{number}.zip").write_bytes(content)
        with pytest.raises(archives.Refused) as refused:
            archives.unpack(tmp_path / f"{number}.zip", tmp_path / "out")
        told = zh(str(refused.value))
        assert told.startswith(f"'{number}.zip' 没有解包：")
        assert not any(word in told for word in ("it ", "is ", "which"))


# Patterns


def test_values_are_found_by_a_pattern():
    """Each as short as can be, the last to the end; an f-string may use a value before another one."""
    pattern = pattern_of("{0} is {1}, but should be {2}")

    assert pattern.values_in("a is 1, but should be 2") == ["a", "1", "2"]
    assert pattern.values_in("a is b is 1, but should be 2 is") == ["a", "b is 1", "2 is"]
    assert pattern.values_in("a is 1") is None
    assert pattern_of("{1} {0}").values_in("x y") == ["y", "x"]
    assert pattern_of("no value") is None
    assert pattern_of("{name} is right") is None
    assert pattern_of("{{{0}}}").values_in("{x}") == ["x"]


def test_hostile_texts_take_no_time():
    """However a student repeats our words, and however deep, it is over at once."""
    ours = (
        " is ",
        "; ",
        ": ",
        " (",
        ", but should be ",
        " raises ",
        " has no ",
        "its entry ",
        "[0, 1]",
        "dx: ",
        "more than ",
    )
    began = time.perf_counter()
    for one, other in itertools.product(ours, ours):
        assert len(zh((one + other) * 200)) < 20_000

    assert time.perf_counter() - began < 30  # some 3 s; a second way on each level would take hours


@pytest.mark.parametrize("part", [" (a.py:1)", "; x is missing", "dx: ", "[0, 1]", ", seed 1", "its entry "])
def test_texts_within_texts_have_an_end(part):
    """A text that is thousands deep is translated as far as is sensible, and no further."""
    assert zh(part * 3000 + "x").count("x") >= 1
    assert zh("x" + part * 3000).count("x") >= 1
