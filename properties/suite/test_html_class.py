"""The page of a class: points, steps, diagnoses, and hand-ins by entry and by property."""

import copy
import time

import pytest

from grading import formats
from grading.formats.html import CLASS_PAGE, PAGE, charts, class_page
from grading.grade import grade
from grading.language import translator
from properties.hand_in import MODEL_SOLUTION
from properties.suite.html import reports
from properties.suite.html.reading import Read, untranslated


@pytest.fixture(scope="module")
def right(small_run):
    return {**grade("right", MODEL_SOLUTION, small_run), "message": ""}


@pytest.fixture(scope="module")
def hopeless(right):
    return reports.hopeless(right)


@pytest.fixture(scope="module")
def half(right):
    """A report of 60 points in which RNN Forward crashes and GRU Inference is wrong."""
    report = reports.losing(right, {
        ("RNN Forward", "h_t"): ("crashed", "RNN_Cell.forward raises ValueError: no", None),
        ("GRU Inference", "logits"): ("failed", "logits[0, 0] is 1", reports.example_of("logits")),
    })  # fmt: skip
    report["steps"][0]["diagnosis"] = [{"bug": "b", "says": "h_t is late.", "look_at": "a.py", "entries": ["h_t"]}]
    return {**report, "submission": "half", "message": "hw3/ is missing"}


def make(*members, language="en"):
    rows = [class_page.row_of(report) for report in members]
    return class_page.html(rows, translator(language), language)


def named(report, name):
    return {**report, "submission": name}


def test_points_are_told_and_drawn(right, half, hopeless):
    """From, to, median, and a histogram whose alternative text has all its numbers."""
    read = Read(make(right, half, hopeless))

    assert "A class of 3 hand-ins Points from 0 to 80, median 60." in read.text
    assert read.attributes("img", "alt")[0] == (
        "Hand-ins by points: 0: 1, 10: 0, 20: 0, 30: 0, 40: 0, 50: 0, 60: 1, 70: 0, 80: 1"
    )


def test_full_marks_have_a_bar_of_their_own_whatever_they_are(right):
    """Also where a rubric gives 7 points, or 1,000, each hand-in is in one bar, and those with all in the last."""
    for most in (0.5, 7, 97.5, 100, 1000, 6000):
        members = [{**right, "points": points * most, "max_points": most} for points in (0, 0.31, 0.99, 1, 1)]
        alt = Read(make(*members)).attributes("img", "alt")[0].removeprefix("Hand-ins by points: ")
        bars = [bar.split(": ") for bar in alt.split(", ")]

        assert bars[-1] == [f"{most:g}", "2"]
        assert sum(int(count) for _, count in bars) == 5
        assert len(bars) <= 13


def test_steps_are_counted_by_how_many_lost_points(right, half, hopeless):
    """For each step how many hand-ins lost points in it."""
    assert Read(make(right, half, hopeless)).attributes("img", "alt")[1] == (
        "Hand-ins that lost points: RNN Forward: 2, RNN Backward: 1, RNN Classifier: 1, "
        "GRU Forward: 1, GRU Backward: 1, GRU Inference: 2"
    )


def test_the_commonest_diagnoses_and_claims_are_told(right, half, hopeless):
    """Those of most hand-ins first, with how many they are."""
    text = Read(make(right, half, named(half, "half-2"), hopeless)).text

    assert "Commonest diagnoses Hand-ins Step What is wrong 2 RNN Forward h_t is late. 1 RNN Forward h_t: zero" in text
    claims = text.partition("Properties that fail most often Hand-ins Step Property ")[2]
    assert claims.startswith("3 RNN Forward ")


def test_hand_ins_are_listed_by_entry_with_links_to_their_pages(right, half, hopeless):
    """A row a hand-in, by name: its points, and how it fared in every entry."""
    text = make(right, half, hopeless)
    table = text.partition('<table class="grid">')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = Read(table)

    assert rows.attributes("a", "href") == [f"half/{PAGE}", f"hopeless/{PAGE}", f"right/{PAGE}"]
    cells = [attributes.get("class") for tag, attributes in rows.elements if tag == "td"]
    width = len(cells) // 3
    assert width == 1 + sum(len(step["entries"]) for step in right["steps"])
    assert cells[:width] == ["figure", "crashed", *["passed"] * (width - 3), "failed"]
    assert set(cells[width + 1 : 2 * width]) == {"failed"}
    assert set(cells[2 * width + 1 :]) == {"passed"}


def test_hand_ins_are_drawn_by_property(right, half, hopeless):
    """A picture a step, whose alternative text counts what does not hold."""
    alts = Read(make(right, half, hopeless)).attributes("img", "alt")[2:]
    forward = [prop for prop in right["steps"][0]["properties"] if prop["tier"] == "required"]

    assert len(alts) == 6
    assert alts[0] == f"3 hand-ins by {len(forward)} properties of RNN Forward; 2 of {3 * len(forward)} do not hold"


def test_a_property_that_holds_with_a_right_cell_holds(right):
    """Of a property that was judged on both cells the better outcome counts, as for points."""
    report = copy.deepcopy(right)
    step = report["steps"][2]
    first = next(prop for prop in step["properties"] if prop["tier"] == "required")
    step["properties"] = [{**first, "outcome": "failed", "cells": "own"}, {**first, "cells": "model"}]
    row = class_page.row_of(report)

    assert row.properties[step["step"], first["id"]] == charts.KINDS.index("passed")
    assert row.failed == set()


def test_notes_are_told_once_with_the_names(half):
    """What is said of several hand-ins is said once."""
    text = Read(make(half, named(half, "half-2"))).text

    assert text.count("hw3/ is missing") == 1
    assert "hw3/ is missing: half , half-2" in text


def test_what_was_not_asked_for_is_empty(right):
    """A step that a run was not asked for is no loss, and its cells are empty."""
    one = copy.deepcopy(right)
    one["suite"] = {**one["suite"], "steps": ["RNN Forward"]}
    for step in one["steps"][1:]:
        step.update(outcome="not_run", points=0, properties=[])
    row = class_page.row_of(one)

    assert row.lost == {"RNN Forward": False}
    assert {charts.KINDS[kind] for (step, _), kind in row.entries.items() if step != "RNN Forward"} == {""}
    assert "RNN Backward: " not in Read(make(one, named(one, "b"))).attributes("img", "alt")[1]


def test_names_cannot_lead_elsewhere_or_become_markup(right):
    """A name of markup, of a percent sign or of Chinese is shown as it is, and its link leads to its folder."""
    names = ["<img src=x onerror=alert(1)>", "50%3A & more", "张三 #1?", "javascript-alert(1)"]
    read = Read(make(*(named(right, name) for name in names)))

    assert all(src.startswith("data:image/") for src in read.attributes("img", "src"))
    assert set(read.attributes("a", "href")) == {
        "%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E/report.html", "50%253A%20%26%20more/report.html",
        "%E5%BC%A0%E4%B8%89%20%231%3F/report.html", "javascript-alert%281%29/report.html",
    }  # fmt: skip
    assert all(name in read.text for name in names)


def test_a_large_class_is_cut_to_those_with_the_fewest_points(right, hopeless, monkeypatch):
    """Where there are more than can be looked at, the page says how many it leaves out."""
    monkeypatch.setattr(class_page, "MOST_ROWS", 2)
    text = Read(make(right, named(right, "right-2"), hopeless)).text

    assert "Left out: 1; gradebook.csv has all." in text
    assert "A class of 3 hand-ins" in text
    assert "right-2" not in text.partition("Hand-ins by entry")[2]


@pytest.mark.slow
def test_a_class_of_two_hundred_is_legible_and_small(right, half, hopeless, tmp_path):
    """200 hand-ins: all pages in well under a minute; that of the class has less than 300 KB, and narrow pictures."""
    began = time.process_time()
    members = [
        named(report, f"{report['submission']}-{number}") for number in range(67) for report in (right, half, hopeless)
    ]
    formats.write(members[:200], ["html"], tmp_path, formats.Options())
    assert time.process_time() - began < 30
    text = (tmp_path / CLASS_PAGE).read_text(encoding="utf-8")
    read = Read(text)

    assert len(text.encode()) < 300_000
    assert all(int(width) <= 288 for width in read.attributes("img", "width"))
    assert max(int(height) for height in read.attributes("img", "height")) <= 1000
    assert all((tmp_path / link).is_file() for link in read.attributes("a", "href"))


def test_all_words_are_translated(right, half, hopeless):
    """But for names, every word of the page goes through the translation."""
    rows = [class_page.row_of(named(report, f"{number}")) for number, report in enumerate((right, half, hopeless))]
    read = Read(class_page.html(rows, lambda text: f"⟦{text}⟧", "zh"))
    words = " ".join(data for where, data in read.texts if "style" not in where)
    entries = {entry["entry"] for step in right["steps"] for entry in step["entries"]}

    assert untranslated(words) - entries == {"RNN", "GRU", "Forward", "Backward", "Classifier", "Inference"}
