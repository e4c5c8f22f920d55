"""The page of a hand-in: it tells all that it should, obeys nothing that a student wrote, and asks for nothing."""

import base64
import copy
import hashlib
import re
import sys

import pytest

from grading import formats
from grading.faults import Usage
from grading.formats.html import CLASS_PAGE, PAGE, page
from grading.grade import grade
from grading.language import translator
from properties.hand_in import MODEL_SOLUTION
from properties.suite.html import reports
from properties.suite.html.reading import Read, untranslated
from properties.suite.html.reports import HOSTILE, example_of, losing

HAND_INS = MODEL_SOLUTION.parent / "fixtures" / "handins"


@pytest.fixture(scope="module")
def right(small_run):
    return grade("right", MODEL_SOLUTION, small_run)


@pytest.fixture(scope="module")
def hopeless(right):
    return reports.hopeless(right)


@pytest.fixture(scope="module")
def hostile(right):
    return reports.hostile(right)


def make(report, language="en", **options):
    return page.html(report, translator(language), language, **options)


# What a page tells


def test_a_page_tells_name_points_and_the_points_of_each_step(hopeless):
    """Name, points, and of every step its points stand in the page."""
    text = Read(make(hopeless)).text

    assert text.startswith("hopeless: 0 of 80 points hopeless 0 of 80 points")
    for step in hopeless["steps"]:
        assert f"{step['step']} ✗ failed 0 / {step['max_points']}" in text


def test_every_lost_entry_is_told_with_what_where_an_example_and_how_to_see_it_again(hopeless):
    """What was lost, what is wrong, where to look, the example's numbers and calls, and for instructors the command."""
    assert "To see it again" not in make(hopeless)
    first, second, *_ = (
        Read(make(hopeless, for_students=False)).text.partition("What is wrong ")[2].split(" points lost ")
    )

    assert first == "RNN Forward: h_t 10"
    assert second.startswith("It is zero everywhere. Look at mytorch/rnn_cell.py , RNN_Cell.forward . ")
    assert 'On the smallest example, N=1 D=1 H=1, numbers "ones": h_t[0, 0] is 0, but should be 1. ' in second
    assert "x = [[0.25]] cell = RNN_Cell(1, 1) h_t = cell.h_t h_t came back [[0, 0, 0], [0, 0, 0]] should be" in second
    assert "To see it again: python -m grading replay" in second


@pytest.mark.slow
def test_a_graded_hand_in_is_told_like_that_too(small_run):
    """The report of the stored hand-in of zeros gives a page on which every step says what is wrong, on an example."""
    text = Read(make(grade("zeros", HAND_INS / "zeros", small_run), for_students=False)).text

    assert "RNN Forward: h_t 10 points lost It is zero everywhere. Look at mytorch/rnn_cell.py ," in text
    assert "h_t = cell.forward(x, h) h_t came back [[0]] should be [[0.964]]" in text
    assert 'python -m grading replay zeros "rnn_forward.state_equals_torch" "RNNStep(' in text


def test_the_most_basic_problem_comes_first(hopeless):
    """Problems stand in the order of the steps."""
    titles = re.findall(r"<h3><span>(\w+ \w+)", make(hopeless))

    assert titles == sorted(titles, key=[step["step"] for step in hopeless["steps"]].index)
    assert len(set(titles)) == 6


def test_a_right_hand_in_is_told_so_without_noise(right):
    """Nothing wrong: no problem, no picture, no listing, and few words."""
    read = Read(make({**right, "message": ""}))

    assert "Nothing is wrong: every point is yours." in read.text
    assert read.attributes("img", "src") == []
    assert read.attributes("pre", "class") == []
    assert len(read.text.split()) < 120


def test_a_quiz_that_lost_points_is_not_called_right(right):
    """With the code right and the quiz not, only the code is said to be right; both points are told, and not added."""
    quiz = {"points": 2, "max_points": 4, "message": "", "zh": {"message": ""}, "questions": [
        {"question": "q1", "points": 2, "max_points": 2, "given": "A", "outcome": "passed", "message": "A is right",
         "zh": {"message": "A 正确"}},
        {"question": "q2", "points": 0, "max_points": 2, "given": "B", "outcome": "failed", "message": "B is not right",
         "key": "C", "explanation": "B is false: 1 < 2", "zh": {"message": "B 不正确", "explanation": "B 错误：1 < 2"}},
    ]}  # fmt: skip
    total = {"quiz": 2, "code": 80, "report": None, "points": 82, "max_points": 100}
    report = {**right, "message": "", "quiz": quiz, "total": total}
    text = Read(make(report)).text

    assert "Nothing is wrong with the code." in text
    assert "Total 80 / 80 Quiz 2 / 4 Written report not graded yet All together 82 / 100" in text
    assert "q2 B is not right B is false: 1 < 2 0 / 2" in text
    assert "B 错误：1 < 2" in Read(make(report, "zh")).text


def test_advice_comes_last_and_says_that_it_costs_nothing(right):
    """Advice stands after all else, under a heading that says that it costs no points."""
    advised = copy.deepcopy(right)
    prop = next(prop for prop in advised["steps"][0]["properties"] if prop["tier"] == "advisory")
    prop.update(outcome="failed", message="h_t is of dtype float32")
    text = Read(make({**advised, "printed": "hello"})).text
    *_, last = re.split(r"What it printed hello ", text)

    assert last.startswith("Advice, which costs no points RNN Forward: ")
    assert "Here: h_t is of dtype float32." in last


def test_what_is_not_written_yet_is_told_after_what_is_wrong(right):
    """What could not be run is listed after what is wrong."""
    report = losing(right, {
        ("RNN Forward", "h_t"): ("not_run", "RNN_Cell.forward is not written yet", None),
        ("GRU Forward", "h_t"): ("failed", "h_t[0] is 1, but should be 2", example_of("h_t")),
    })  # fmt: skip
    wrong, missing = Read(make(report)).text.partition("Not written yet, or missing")[::2]

    assert "GRU Forward: h_t 10 points lost" in wrong
    assert "RNN_Cell.forward is not written yet." not in wrong
    assert "RNN Forward: h_t 10 points lost RNN_Cell.forward is not written yet." in missing


def test_a_refused_hand_in_is_told_why(right):
    """A report without a property says why."""
    refused = copy.deepcopy({**right, "points": 0, "message": "the archive holds a link that leads out of it"})
    for step in refused["steps"]:
        step.update(properties=[], outcome="not_run", points=0)

    assert "It could not be graded: the archive holds a link that leads out of it." in Read(make(refused)).text


def test_why_isolation_was_no_better_is_for_instructors(right):
    """The reason stands in the page only where it is not for students."""
    report = {**right, "suite": {**right["suite"], "why_not_better": "no user namespaces"}}

    assert "no user namespaces" not in make(report)
    assert "no user namespaces" in make(report, for_students=False)


# What a student wrote


def test_nothing_that_a_student_wrote_becomes_part_of_the_page(hostile, hopeless):
    """Markup, quotes and templates in any text are shown as they are: no element comes of them, and no attribute."""
    ours, theirs = Read(make(hopeless)), Read(make(hostile))

    assert {tag for tag, _ in theirs.elements} <= {tag for tag, _ in ours.elements} | {"br"}
    names = {name for _, attributes in theirs.elements for name in attributes}
    assert names <= {name for _, attributes in ours.elements for name in attributes}
    assert all(src.startswith("data:image/") for src in theirs.attributes("img", "src"))
    assert "<script>document.title='run'</script>" in theirs.text
    assert "{{ 7 * 7 }}{% raw %}" in theirs.text


def test_what_a_browser_would_obey_is_shown_as_its_escape(hostile):
    """Characters that turn the direction of writing, control characters and halves of characters are escapes."""
    text = make({**hostile, "submission": HOSTILE + "\ud800\u2028\u200b\x85\r"})

    assert all(character.isprintable() or character in "\n\t" for character in text)
    for escape in (r"\u202e", r"\x1b[2J", r"\x00", r"\ud800", r"\u2028", r"\u200b", r"\x85", r"\r"):
        assert escape in text, escape
    text.encode("utf-8")


def test_accents_are_not_piled_up_over_what_stands_above(right):
    """Of a hundred accents on one letter three stay."""
    text = make({**right, "submission": "e" + 100 * "\u0301" + "é"})

    assert "e\u0301\u0301\u0301é</h1>" in text


def test_a_page_holds_no_script_no_link_out_and_a_policy_that_allows_neither(hopeless):
    """No script, no address but data: and its own headings; the policy forbids all else but this very style sheet."""
    text = make(hopeless)
    read = Read(text)
    policy = next(attributes["content"] for tag, attributes in read.elements if "http-equiv" in attributes)
    style = next(data for where, data in read.texts if "style" in where)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert f"style-src 'sha256-{digest}';" in policy
    assert "script" not in policy
    assert not {"script", "iframe", "object", "link", "form"} & {tag for tag, _ in read.elements}
    assert not [
        name for _, attributes in read.elements for name in attributes if name.startswith("on") or name == "style"
    ]
    assert "://" not in re.sub(r"data:[\w/+]+;base64,[\w+/=]+", "", text)
    assert all(href.startswith("#") for href in read.attributes("a", "href"))


def test_a_page_holds_nothing_of_another_hand_in(right, hopeless, tmp_path):
    """A hand-in's page is the same alone and in a class."""
    formats.write([hopeless], ["html"], tmp_path / "alone", formats.Options())
    formats.write([right, hopeless], ["html"], tmp_path / "class", formats.Options())

    alone = (tmp_path / "alone" / "hopeless" / PAGE).read_bytes()
    assert (tmp_path / "class" / "hopeless" / PAGE).read_bytes() == alone
    assert not (tmp_path / "alone" / CLASS_PAGE).exists()
    assert b"right/" not in alone


# Languages


def test_all_words_of_a_page_are_translated(hopeless, right):
    """But for names of steps, and code, every word of a page goes through the translation."""
    told = {**hopeless, "submission": "7", "message": "hw3/ is missing", "printed": "hello", "sha256": "0" * 64}
    refused = {**right, "submission": "8", "steps": [{**step, "properties": []} for step in right["steps"]]}
    for report in (told, refused):
        text = page.html(report, lambda text: f"⟦{text}⟧", "zh")
        words = " ".join(data for where, data in Read(text).texts if not {"style", "code", "pre"} & set(where))

        assert untranslated(words) == {"RNN", "GRU", "Forward", "Backward", "Classifier", "Inference"}


def test_the_language_is_told(hopeless):
    """lang is that of the text."""
    assert Read(make(hopeless)).attributes("html", "lang") == ["en"]
    assert Read(make(hopeless, "zh")).attributes("html", "lang") == ["zh-Hans"]


def test_a_page_is_as_wide_as_a_telephone_and_may_be_dark(hopeless):
    """Browsers are told not to shrink the page, and that it has colours for the dark."""
    metas = {each.get("name"): each.get("content") for tag, each in Read(make(hopeless)).elements if tag == "meta"}

    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"


# Pictures in the page


def test_an_array_is_pictured_beside_what_it_should_be_and_the_difference(right):
    """Three pictures of one scale, whose alternative texts tell shape and range; the wrong elements are counted."""
    example = example_of(actual=[[1.0, 3.5], [2.0, 4.0]], expected=[[1.0, 2.0], [3.0, 4.0]], allowed=1e-9)
    report = losing(right, {("RNN Backward", "dW_ih"): ("failed", "dW_ih[0, 1] is 3.5, but should be 2", example)})
    read = Read(make(report))

    assert read.attributes("img", "alt")[:3] == [
        "dW_ih as it came back, shape (2, 2), from 1 to 4",
        "dW_ih as it should be, shape (2, 2), from 1 to 4",
        "dW_ih, the difference, shape (2, 2), from -1 to 1.5",
    ]
    assert (
        "came back should be difference -4 4 Wrong elements: 2 of 4. They are framed in the difference. " in read.text
    )
    assert "Largest difference: 1.5." in read.text


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([[1.0]], [[2.0]]),
        (1.0, 2.0),
        ("array of shape (30, 30)", "array of shape (30, 30)"),
        ([["1j", "2j"]], [[1.0, 2.0]]),
        ([[0.0] * 401], [[1.0] * 401]),
        ([[1.0], [1.0, 2.0]], [[1.0, 2.0]]),
        ([], [1.0]),
    ],
    ids=["one element", "number", "too large", "complex", "larger than a report holds", "ragged", "empty"],
)
def test_what_a_picture_would_not_show_has_none(right, actual, expected):
    """One element, and what is no array of real numbers, is told in words alone."""
    example = example_of(actual=actual, expected=expected)
    report = losing(right, {("RNN Backward", "dW_ih"): ("failed", "dW_ih is wrong", example)})

    assert Read(make(report)).attributes("img", "src") == []


def test_the_shape_is_told_where_it_differs(right):
    """Arrays of two shapes are pictured without a difference."""
    example = example_of(actual=[[1.0, 2.0, 3.0]], expected=[[1.0], [2.0], [3.0]])
    report = losing(right, {("RNN Backward", "dW_ih"): ("failed", "dW_ih has shape (1, 3)", example)})
    read = Read(make(report))

    assert len(read.attributes("img", "src")) == 3  # with the strip of colours
    assert "The shape is (1, 3), but should be (3, 1)." in read.text


def test_of_several_failing_properties_the_one_that_shows_most_is_pictured(right):
    """Two axes rather than one, and some dozen elements rather than hundreds or two."""
    smallest = example_of("dx", actual=[[1.0]], expected=[[2.0]])
    report = losing(right, {("RNN Backward", "dx"): ("failed", "dx is wrong", smallest)})
    others = [
        prop for prop in report["steps"][1]["properties"]
        if prop["entry"] == "dx" and prop["tier"] == "required" and prop["outcome"] == "passed"
    ]  # fmt: skip
    for prop, (rows, columns) in zip(others, [(1, 12), (20, 20), (3, 4), (2, 2)], strict=False):
        arrays = {"actual": [[0.0] * columns] * rows, "expected": [[1.0] * columns] * rows}
        prop.update(outcome="failed", counterexample=example_of("dx", **arrays))

    assert Read(make(report)).attributes("img", "alt")[0] == "dx as it came back, shape (3, 4), all 0"


def test_of_properties_that_show_as_much_the_one_that_is_told_is_pictured(right):
    """The picture is of the example that the page tells, unless another one shows more."""
    told, other = (
        example_of("dx", actual=[[0.0] * 3] * 4, expected=[[value] * 3] * 4) for value in (1.0, 2.0)
    )  # fmt: skip
    larger = {**other, "at": 'N=4 D=3 H=1, numbers "ones"'}
    report = losing(right, {("RNN Backward", "dx"): ("failed", "dx is wrong", larger)})
    *_, last = (
        prop for prop in report["steps"][1]["properties"] if prop["entry"] == "dx" and prop["tier"] == "required"
    )
    last.update(outcome="failed", counterexample=told)

    assert Read(make(report)).attributes("img", "alt")[1] == "dx as it should be, shape (4, 3), all 1"


def test_numbers_that_are_none_are_told(right):
    """nan and infinities are grey, and the alternative text counts them."""
    example = example_of(actual=[["nan", 1.0, "-inf"]], expected=[[1.0, 1.0, 1.0]], allowed=1e-9)
    report = losing(right, {("RNN Backward", "dW_ih"): ("failed", "dW_ih[0, 0] is nan", example)})
    read = Read(make(report))

    assert read.attributes("img", "alt")[0] == "dW_ih as it came back, shape (1, 3), all 1, not finite: 2"
    assert "Wrong elements: 2 of 3." in read.text
    assert "Grey: not a finite number." in read.text


def test_the_error_of_logits_is_drawn_against_time(right):
    """Logits (T, C) of the longest sequence have a chart that says where the error begins."""
    arrays = {"actual": [[1.0], [2.0], [4.0], [6.0]], "expected": [[1.0], [2.0], [3.0], [4.0]], "allowed": 1e-9}
    example = {**example_of("logits", **arrays), "case": "Prediction(D=1, H=1, C=1, T=4)"}
    report = losing(right, {("GRU Inference", "logits"): ("failed", "logits[2, 0] is 4", example)})
    read = Read(make(report))

    assert "Error of logits at 4 time steps: 0: 0, 1: 0, 2: 1, 3: 2" in read.attributes("img", "alt")
    assert "The first wrong step is t = 2." in read.text


def test_the_error_of_central_differences_is_drawn_against_the_step(right):
    """Where the report has it, the chart tells how small the error becomes: theirs and ours."""
    found = {"along": "W_ih", "steps": [1e-1, 1e-2, 1e-3], "theirs": [0.6, 0.5, "nan"], "ours": [1e-3, 1e-5, 1e-7]}
    example = example_of(actual=[[1.0]], expected=[[2.0]], differences=found)
    report = losing(right, {("RNN Backward", "dW_ih"): ("failed", "dW_ih[0, 0] is 1, but should be 2", example)})
    read = Read(make(report))

    assert read.attributes("img", "alt") == [
        "Error against step size; smallest of your gradient: 0.5, of the right one: 1e-7"
    ]
    assert "● your gradient □ the right one" in read.text


def test_every_picture_has_a_size_and_an_alternative_text(hopeless):
    """No picture lets the page jump, is wider than a telephone shows, or is silent."""
    read = Read(make(hopeless))

    assert len(read.attributes("img", "src")) > 10
    assert all(read.attributes("img", "alt"))
    assert all(0 < int(width) <= 288 for width in read.attributes("img", "width"))
    assert all(0 < int(height) <= 400 for height in read.attributes("img", "height"))


def test_a_wrong_hand_in_takes_less_than_half_a_megabyte(hopeless):
    """A page in which everything is wrong is small enough to be sent by mail."""
    assert len(make(hopeless).encode()) < 500_000


# Files


def test_a_page_is_the_same_whenever_it_is_made(hopeless):
    """Two runs write the same bytes."""
    assert make(hopeless) == make(copy.deepcopy(hopeless))


def test_what_is_missing_is_told_in_a_sentence(hopeless, tmp_path, monkeypatch):
    """Without Jinja2 or matplotlib the command says what to install."""
    for name in [name for name in sys.modules if name.startswith("grading.formats.html.")]:
        monkeypatch.delitem(sys.modules, name)
    import grading.formats.html

    for name in ("page", "class_page"):
        monkeypatch.delattr(grading.formats.html, name, raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)

    with pytest.raises(Usage, match="HTML pages need jinja2, which is not installed: python -m pip install"):
        formats.write([hopeless], ["html"], tmp_path, formats.Options())


def test_a_report_that_was_kept_without_its_examples_is_refused(hopeless, tmp_path):
    """A report as fixtures/grades keeps them is refused in a sentence that names it."""
    bare = copy.deepcopy(hopeless)
    for prop in bare["steps"][2]["properties"]:
        del prop["message"]

    with pytest.raises(Usage, match="the report of 'hopeless' has no 'message'"):
        formats.write([bare], ["html"], tmp_path, formats.Options())
