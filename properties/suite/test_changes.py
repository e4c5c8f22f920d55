"""What changed between two gradings, hand-in by hand-in, and whether something that held no longer does."""

import copy
import json

import pytest

from grading import changes
from grading.faults import Usage
from grading.gradebook import read
from grading.report import write
from properties.registry import STEPS

SUITE = {"version": "1", "numpy": "2.4", "torch": "2.13", "isolation": "sandbox", "key_id": "practice"}
FORWARD, BACKWARD = "rnn_forward.equals_torch", "rnn_backward.equals_torch[dx]"


def prop(id_, outcome="passed", tier="required", cells="own"):
    return {"id": id_, "outcome": outcome, "tier": tier, "cells": cells, "entry": "it"}


def report(
    name="alice", outcomes=None, extra=(), without=(), asked=STEPS, refused=False, message="", worth=10, **suite
):
    """A report with a required property and an entry a step; `outcomes` says what did not pass, {id: outcome}."""
    outcomes = outcomes or {}
    steps = []
    for step in STEPS:
        stem = step.lower().replace(" ", "_")
        props = [prop(f"{stem}.equals_torch{'[dx]' * ('Backward' in step)}")]
        props += [prop(f"{stem}.advice", tier="advisory")]
        props += [each for each in extra if each["id"].startswith(stem)]
        props = [{**each, "outcome": outcomes.get(each["id"], each["outcome"])} for each in props]
        props = [] if refused or step not in asked else [each for each in props if each["id"] not in without]
        unmet = [each["outcome"] for each in props if each["tier"] == "required" and each["outcome"] != "passed"]
        pays = bool(props) and not unmet
        steps.append(
            {
                "step": step,
                "outcome": "passed" if pays else (unmet or ["not_run"])[0],
                "points": worth if pays else 0,
                "max_points": worth,
                "entries": [
                    {"entry": "it", "points": worth if pays else 0, "max_points": worth, "paid_by": "own" * pays}
                ],
                "properties": props,
                "diagnosis": [],
            }
        )
    points = sum(step["points"] for step in steps)
    return {
        "schema": 1, "submission": name, "points": points, "max_points": 6 * worth, "message": message,
        "suite": {**SUITE, "steps": list(asked), **suite}, "steps": steps,
    }  # fmt: skip


def kinds(change):
    return {(each.id, each.cells): each.kind for each in change.properties}


def text_of(*each):
    summary = changes.Summary()
    return "\n".join(changes.told(iter(each), summary)), summary


@pytest.fixture
def folder(tmp_path):
    """Write reports, each in the folder of its name, and return the folder of them all."""

    def make(name, *reports):
        (tmp_path / name).mkdir()
        for each in reports:
            write(each, tmp_path / name)
        return tmp_path / name

    return make


# --- One hand-in


def test_a_report_is_the_same_as_itself():
    """Between a report and itself there is no difference, and nothing is lost."""
    one = report(outcomes={FORWARD: "failed"})
    change = changes.compare(one, copy.deepcopy(one))

    assert not change.differs
    assert not change.lost


def test_what_passed_and_does_not_is_broke():
    """A required property that fails now, its entry, its step and the points are all told, and something is lost."""
    change = changes.compare(report(), report(outcomes={FORWARD: "failed"}))

    assert kinds(change) == {(FORWARD, "own"): "broke"}
    assert [(entry.step, entry.entry, entry.lost) for entry in change.entries] == [("RNN Forward", "it", True)]
    assert [(step.step, step.before, step.now) for step in change.steps] == [("RNN Forward", "passed", "failed")]
    assert (change.points.old, change.points.new) == (60, 50)
    assert change.lost


def test_what_failed_and_passes_is_fixed():
    """The other way round it is fixed, the entry is won, and nothing is lost."""
    change = changes.compare(report(outcomes={FORWARD: "failed"}), report())

    assert kinds(change) == {(FORWARD, "own"): "fixed"}
    assert [(entry.paid_before, entry.pays_now) for entry in change.entries] == [(False, True)]
    assert change.differs
    assert not change.lost


def test_another_way_to_fail_is_changed():
    """From failed to crashed is a change, and nothing that held is lost."""
    change = changes.compare(report(outcomes={FORWARD: "failed"}), report(outcomes={FORWARD: "crashed"}))

    assert kinds(change) == {(FORWARD, "own"): "changed"}
    assert [(step.before, step.now) for step in change.steps] == [("failed", "crashed")]
    assert (
        "  RNN Forward: 0 / 10 as before; crashed, before failed\n    crashed, before failed:\n" in text_of(change)[0]
    )
    assert change.differs
    assert not change.lost


def test_advice_that_held_is_lost_too():
    """An advisory property that passed and does not costs no points, and yet something held that no longer does."""
    change = changes.compare(report(), report(outcomes={"gru_forward.advice": "failed"}))

    assert kinds(change) == {("gru_forward.advice", "own"): "broke"}
    assert not change.points.differ
    assert change.lost


def test_a_refused_hand_in_lost_all_that_held():
    """A hand-in without any property now, as its archive was refused, broke what passed, as if it were not run."""
    change = changes.compare(report(outcomes={FORWARD: "failed"}), report(refused=True))

    assert kinds(change)[BACKWARD, "own"] == "broke"
    assert kinds(change)[FORWARD, "own"] == "changed"
    assert {each.now for each in change.properties} == {"not_run"}
    assert change.lost


def test_what_passes_after_a_refusal_is_fixed():
    """From a refused archive to a hand-in that is right, all is fixed, and no property is new."""
    change = changes.compare(report(refused=True), report())

    assert {(each.kind, each.before) for each in change.properties} == {("fixed", "not_run")}
    assert len(kinds(change)) == 12
    assert not change.lost


def test_a_step_that_is_not_run_any_more_is_lost():
    """A property that passed and is reported as not run, as its file is missing, broke."""
    change = changes.compare(report(), report(outcomes={FORWARD: "not_run"}))

    assert kinds(change) == {(FORWARD, "own"): "broke"}


def test_a_property_of_one_suite_alone_is_new_or_gone():
    """A property that only one of the suites has is told, but is no change of the hand-in."""
    more = report(extra=[prop("rnn_forward.more")])

    there = changes.compare(report(), more)
    back = changes.compare(more, report())

    assert kinds(there) == {("rnn_forward.more", "own"): "new"}
    assert kinds(back) == {("rnn_forward.more", "own"): "gone"}
    assert [change.differs or change.lost for change in (there, back)] == [False, False]


def test_a_new_property_that_fails_costs_points_and_is_lost():
    """Where the new suite has a required property more, which fails, the entry does not pay any more."""
    change = changes.compare(report(), report(extra=[prop("rnn_forward.more", "failed")]))

    assert kinds(change) == {("rnn_forward.more", "own"): "new"}
    assert change.lost


@pytest.mark.parametrize("tier", ["alternative", "condition"])
def test_what_is_asked_of_wrong_forwards_alone_may_come_and_go(tier):
    """The properties of the own forward's derivative exist only where that is wrong: absence is no change."""
    more = report(extra=[prop("rnn_backward.is_the_derivative", tier=tier)])

    assert not changes.compare(more, report()).properties
    assert not changes.compare(report(), more).properties


def test_such_a_property_that_fails_now_is_changed():
    """Where it is there before and now and fails, that is a change, and what it decides is told by the entry."""
    extra = [prop("rnn_backward.is_the_derivative", tier="alternative")]
    change = changes.compare(
        report(extra=extra), report(extra=extra, outcomes={"rnn_backward.is_the_derivative": "failed"})
    )

    assert list(kinds(change).values()) == ["changed"]
    assert not change.lost


def test_properties_on_model_cells_may_come_and_go():
    """They exist where the cell lost points: a hand-in whose cell is right now has lost nothing by it."""
    more = report(extra=[prop("rnn_classifier.logits", cells="model")])

    assert not changes.compare(more, report()).properties
    assert not changes.compare(report(), more).properties


def test_own_and_model_cells_are_told_apart():
    """The same property on the model solution's cells is another one, which can break by itself."""
    id_ = "rnn_classifier.logits"
    before = report(extra=[prop(id_, "failed", tier="advisory"), prop(id_, cells="model", tier="advisory")])
    now = copy.deepcopy(before)
    now["steps"][2]["properties"][3]["outcome"] = "failed"
    change = changes.compare(before, now)

    assert kinds(change) == {(id_, "model"): "broke"}
    assert change.lost
    assert "rnn_classifier.logits on the model cells" in text_of(change)[0]


def test_cells_are_the_hand_ins_own_where_nothing_is_said():
    """A report without the field `cells` is compared as one with it."""
    old = report()
    for step in old["steps"]:
        for each in step["properties"]:
            del each["cells"]

    for change in (changes.compare(old, report()), changes.compare(report(), old)):
        assert not change.properties


def test_an_entry_that_pays_no_more_is_lost_though_it_is_worth_nothing():
    """What counts is that it paid, be it with 0 points."""
    old, new = report(worth=0), report(worth=0)
    new["steps"][0]["entries"][0]["paid_by"] = ""
    change = changes.compare(old, new)

    assert [entry.lost for entry in change.entries] == [True]
    assert change.lost


def test_an_entry_pays_in_full_where_nothing_says_how():
    """A report without the field `paid_by` pays an entry where it has all its points."""
    old, new = report(), report(outcomes={FORWARD: "failed"})
    for each in (old, new):
        for step in each["steps"]:
            del step["entries"][0]["paid_by"]

    assert [entry.lost for entry in changes.compare(old, new).entries] == [True]


def test_another_rubric_is_told():
    """An entry that pays as before but is worth less is told, and the points that are fewer are lost."""
    change = changes.compare(report(worth=10), report(worth=8))

    assert {(entry.points.old, entry.points.new, entry.lost) for entry in change.entries} == {(10, 8, False)}
    assert "worth something else: it" in text_of(change)[0]
    assert change.lost


def test_steps_that_one_was_not_asked_for_are_not_compared():
    """With --only in one run, the other steps are named and no part of the points."""
    change = changes.compare(report(), report(asked=["GRU Forward"]))

    assert change.not_compared == tuple(step for step in STEPS if step != "GRU Forward")
    assert (change.points.old, change.points.old_max, change.points.new) == (10, 10, 10)
    assert not change.differs
    assert not change.lost
    assert "not asked for them: RNN Forward, RNN Backward" in text_of(change)[0]


def test_two_runs_without_a_step_in_common_have_nothing_to_compare():
    """That is said, and is no loss."""
    change = changes.compare(report(asked=["GRU Forward"]), report(asked=["RNN Forward"], message="new"))

    assert change.points == changes.Points(None, None, None, None)
    assert "no step that both were asked for" in "\n".join(changes.lines(change))
    assert not change.lost


def test_one_that_is_missing_in_new_is_lost():
    """A hand-in in OLD alone no longer holds; one in NEW alone has lost nothing."""
    gone, new = changes.compare(report(), None), changes.compare(None, report())

    assert (gone.lost, gone.differs, gone.old_name, gone.new_name) == (True, True, "alice", None)
    assert (new.lost, new.differs, new.old_name, new.new_name) == (False, True, None, "alice")
    assert (gone.points.old, gone.points.new, new.points.new) == (60, None, 60)
    assert "\n".join(changes.lines(gone)) == "alice: in OLD alone, 60 / 60"
    assert "\n".join(changes.lines(new)) == "alice: in NEW alone, 60 / 60"


def test_one_without_points_can_be_missed_too():
    """A refused hand-in of OLD that is not in NEW is lost, as it is not known what became of it."""
    assert changes.compare(report(refused=True), None).lost
    assert not changes.compare(None, report(refused=True)).lost


@pytest.mark.parametrize(
    ("old", "new", "fewer", "more"),
    [(1, 1, False, False), (1, 0, True, False), (0, 1, False, True), (0.5, 1, False, True), (None, 0.5, False, True),
     (0.5, None, True, False), (None, None, False, False)],
)  # fmt: skip
def test_points_are_fewer_or_more(old, new, fewer, more):
    """Halves count, and none are as good as 0."""
    points = changes.Points(old, 10, new, 10)

    assert (points.fewer, points.more) == (fewer, more)


def test_nothing_cannot_be_compared_with_nothing():
    """Two times None is an error of the caller's."""
    with pytest.raises(ValueError, match="one of them should be a report"):
        changes.compare(None, None)


def test_what_graded_otherwise_is_told():
    """Versions, isolation and exam that differ are named, with what they were and are."""
    names = ("version", "python", "numpy", "torch", "hypothesis", "isolation", "key_id")
    old, new = ({name: f"{name} {age}" for name in names} for age in ("old", "new"))
    change = changes.compare(report(**old), report(**new))

    assert [(it.what, it.before, it.now) for it in change.suite] == [(name, old[name], new[name]) for name in names]
    assert not change.differs


def test_what_one_does_not_say_is_no_difference():
    """A kept report that says nothing of Python, or of anything, was not made with another one."""
    kept = report()
    del kept["suite"]

    assert changes.compare(report(), report(python="3.12")).suite == ()
    assert changes.compare(kept, report()).suite == changes.compare(report(), kept).suite == ()


# --- Folders


def names(each):
    return [(change.old_name, change.new_name) for change in each]


def test_hand_ins_are_compared_by_their_names(folder):
    """Those in both come first, then those in OLD alone, then those in NEW alone, each in the order of names."""
    old = folder("old", report("c"), report("b"), report("a"))
    new = folder("new", report("d"), report("b"), report("c"))

    assert names(changes.compare_folders(old, new)) == [("b", "b"), ("c", "c"), ("a", None), (None, "d")]


def test_a_resubmission_may_have_another_name(folder):
    """Where OLD and NEW hold one hand-in each, these are compared, and the lines say both names."""
    old, new = folder("old", report("alice")), folder("new", report("alice-2", {FORWARD: "failed"}))
    (change,) = changes.compare_folders(old, new)

    assert names([change]) == [("alice", "alice-2")]
    assert change.lost
    assert text_of(change)[0].startswith("alice-2 (before: alice): 50 / 60, before 60 / 60\n")


def test_a_report_may_lie_in_old_and_new_themselves(folder):
    """Two folders that hold a report.json each are two hand-ins to compare, whatever they are called."""
    place = folder("class", report("alice"), report("bob", {FORWARD: "failed"}))

    assert names(changes.compare_folders(place / "alice", place / "bob")) == [("alice", "bob")]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_report_is_compared_with_the_one_of_its_name_in_a_class(folder, swapped):
    """Of a class only the hand-in of the other side is looked at."""
    one, all_ = folder("one", report("bob")) / "bob", folder("all", report("alice"), report("bob"))
    sides = (all_, one) if swapped else (one, all_)

    assert names(changes.compare_folders(*sides)) == [("bob", "bob")]


def test_a_report_that_a_class_has_not_is_a_usage_error(folder):
    """It is named, and so is the class."""
    one, all_ = folder("one", report("eve")) / "eve", folder("all", report("alice"), report("bob"))

    with pytest.raises(Usage, match="all has no report of eve"):
        changes.compare_folders(one, all_)


def test_a_baseline_misses_nobody(folder):
    """With `only`, the other hand-ins of OLD and of NEW are left out, and one that OLD has not is new."""
    old = folder("old", report("a"), report("b"), report("z"))
    new = folder("new", report("a"), report("b"), report("c"))

    assert names(changes.compare_folders(old, new, only=["c", "b"])) == [("b", "b"), (None, "c")]


def test_a_baseline_may_be_one_report(folder):
    """A baseline that is one report is compared with the hand-in of its name, and the others are new."""
    old = folder("old", report("a")) / "a"
    new = folder("new", report("a"), report("b"))

    assert names(changes.compare_folders(old, new, only=["a", "b"])) == [("a", "a"), (None, "b")]


def test_a_folder_that_was_renamed_gives_the_name(folder):
    """A report's name is that of its folder, and not what it was once called."""
    old, new = folder("old", report("a"), report("b")), folder("new", report("a"), report("b"))
    (new / "b").rename(new / "c")

    assert names(changes.compare_folders(old, new)) == [("a", "a"), ("b", None), (None, "c")]


def test_one_report_is_read_at_a_time(folder, monkeypatch):
    """The reports of a hand-in are read when its change is asked for, so that a class need not fit into memory."""
    old, new = folder("old", *map(report, "abc")), folder("new", *map(report, "abc"))
    seen = []
    monkeypatch.setattr(changes, "read", lambda file: seen.append(file.parent.name) or read(file))
    each = changes.compare_folders(old, new)

    assert seen == []
    next(each)
    assert seen == ["a", "a"]


@pytest.mark.parametrize("which", [0, 1])
def test_a_folder_that_is_not_there_is_a_usage_error(folder, tmp_path, which):
    """OLD and NEW must exist and hold a report, and the sentence names the one that does not."""
    good = folder("good", report())
    (tmp_path / "empty" / "alice").mkdir(parents=True)

    for bad, said in (("nowhere", "nowhere does not exist"), ("empty", "empty holds no report, neither report.json")):
        sides = [good, good]
        sides[which] = tmp_path / bad
        with pytest.raises(Usage, match=said):
            changes.compare_folders(*sides)


def test_a_broken_report_is_a_usage_error(folder):
    """A report.json that was cut short is named."""
    old, new = folder("old", report("a"), report("b")), folder("new", report("a"), report("b"))
    (new / "b" / "report.json").write_text('{"schema": 1, "sub', encoding="utf-8")
    each = changes.compare_folders(old, new)
    next(each)

    with pytest.raises(Usage, match=r"b.report\.json is not JSON"):
        next(each)


# --- What is printed


def test_a_folder_against_itself_is_one_line(folder):
    """Nothing changed, in one line, and nothing is lost."""
    old = folder("old", report("a", {FORWARD: "failed"}), report("b"), report("c", refused=True))
    text, summary = text_of(*changes.compare_folders(old, old))

    assert text == "Nothing changed: 3 hand-ins compared."
    assert not summary.lost


def test_the_terminal_shows_what_broke_and_what_was_fixed():
    """A hand-in that changed has its lines, and those that did not have none."""
    text, summary = text_of(
        changes.compare(report("a", {FORWARD: "failed"}), report("a", {BACKWARD: "crashed"})),
        changes.compare(report("b"), report("b")),
        changes.compare(report("c"), None),
        changes.compare(None, report("d")),
    )

    assert summary.lost
    assert (
        text
        == """\
a: 50 / 60 as before
  RNN Forward: 10 / 10, before 0 / 10; passed, before failed
    won points: it
    fixed (failed):
      rnn_forward.equals_torch
  RNN Backward: 0 / 10, before 10 / 10; crashed, before passed
    lost points: it
    broke (crashed):
      rnn_backward.equals_torch[dx]
c: in OLD alone, 60 / 60
d: in NEW alone, 60 / 60

2 hand-ins compared, 1 changed: 0 with fewer points, 0 with more
In OLD alone: 1; in NEW alone: 1
Properties: 1 broke, 1 fixed, 0 fail in another way
Entries: 1 lost, 1 won
2 hand-ins lost something that held."""
    )


def test_the_summary_says_when_nothing_is_lost():
    """After a fix alone, the last line says that what held still does."""
    text, summary = text_of(changes.compare(report(outcomes={FORWARD: "failed"}), report()))

    assert not summary.lost
    assert text.endswith("1 with more\nProperties: 0 broke, 1 fixed, 0 fail in another way\nEntries: 0 lost, 1 won\n"
                         "What held still does.")  # fmt: skip


def test_what_graded_otherwise_is_told_once_at_the_top():
    """And again only where a later hand-in was graded with something else still."""
    same = [changes.compare(report(name), report(name, version="2")) for name in "ab"]
    other = [changes.compare(report(name), report(name)) for name in "cd"]
    text, _ = text_of(*same, *other)

    assert text == (
        "Graded with something else: version 1, now 2.\n"
        "From c on: Graded with the same.\n"
        "Nothing changed: 4 hand-ins compared."
    )


def test_a_difference_that_comes_later_says_from_where():
    """Where the first hand-ins were graded with the same, the heading names the first that was not."""
    text, _ = text_of(
        changes.compare(report("a"), report("a")), changes.compare(report("b"), report("b", asked=STEPS[:5]))
    )

    assert text.startswith("From b on: Not compared, as OLD or NEW was not asked for them: GRU Inference.\n")


def test_properties_of_one_suite_are_told_once():
    """What only one suite has is listed at the end, and not with each hand-in."""
    more = [prop("rnn_forward.more")]
    new = [changes.compare(report(name), report(name, extra=more)) for name in "ab"]
    gone = changes.compare(report("c", extra=[prop("rnn_forward.less")]), report("c"))
    text, summary = text_of(*new, gone)

    assert not summary.lost
    assert text == (
        "Nothing changed: 3 hand-ins compared.\n"
        "Of OLD's suite alone: rnn_forward.less\n"
        "Of NEW's suite alone: rnn_forward.more"
    )


def test_properties_of_one_suite_are_not_told_with_a_hand_in():
    """Nor are they where the hand-in has other lines."""
    now = report(extra=[prop("gru_forward.more")], outcomes={FORWARD: "failed"})
    lines = "\n".join(changes.lines(changes.compare(report(), now)))

    assert "broke" in lines
    assert "GRU Forward" not in lines


def test_a_hand_in_of_one_side_alone_tells_nothing_of_how_it_was_graded():
    """The heading waits for the first pair."""
    pair = changes.compare(report("b"), report("b", version="2"))
    text, _ = text_of(changes.compare(report("a"), None), pair)

    assert text.splitlines()[:2] == ["a: in OLD alone, 60 / 60", "Graded with something else: version 1, now 2."]


def test_six_claims_are_shown():
    """And no line says that there are none more."""
    extra = [prop(f"rnn_backward.claim_{number}") for number in range(5)]
    now = report(extra=extra, outcomes={each["id"]: "failed" for each in extra} | {BACKWARD: "failed"})
    text, _ = text_of(changes.compare(report(extra=extra), now))

    assert "claim_4" in text
    assert "more\n" not in text.replace("with more\n", "")


def test_a_claim_about_many_results_is_told_once():
    """The results of which one claim broke stand together, and of many claims the first are shown."""
    extra = [prop(f"rnn_backward.equals_torch[{name}]") for name in ("dh", "dW")]
    extra += [prop(f"rnn_backward.claim_{number}") for number in range(9)]
    now = report(extra=extra, outcomes={each["id"]: "failed" for each in extra})
    text, _ = text_of(changes.compare(report(extra=extra), now), changes.compare(report("b"), report("b", worth=9)))

    assert "1 changed" not in text
    assert "2 changed: 2 with fewer points, 0 with more\n" in text
    assert "      rnn_backward.equals_torch[dh, dW]\n" in text
    assert "rnn_backward.claim_4\n      and 4 more\n" in text
    assert "claim_5" not in text


def test_advice_is_told_apart():
    """A broken advisory property is marked, as it costs no points."""
    text, _ = text_of(changes.compare(report(), report(outcomes={"gru_forward.advice": "failed"})))

    assert "  GRU Forward\n    broke (failed), advice:\n      gru_forward.advice\n" in text


def test_a_new_message_is_told():
    """Why an archive was refused is said, where it was not said before."""
    change = changes.compare(report(), report(refused=True, message="'a.zip' is not unpacked: it is empty"))

    assert "  Note: 'a.zip' is not unpacked: it is empty" in list(changes.lines(change))


def test_lines_are_narrow_and_show_what_a_terminal_would_obey():
    """Whatever stands in reports, lines have 80 columns at most, and control characters are escaped."""
    evil = "\x1b[2J\r\u202e\udc80 " + "long " * 50
    text, _ = text_of(
        changes.compare(report(evil), report(evil, refused=True, message=evil, version=evil)),
        changes.compare(None, report(evil)),
    )

    assert r"\x1b[2J\r\u202e\udc80" in text
    assert all(line.isprintable() and len(line) <= 80 for line in text.split("\n"))


def test_json_is_a_list_of_all_hand_ins():
    """Each has what `Change` has and whether it differs and lost something; only ASCII, so that it can be shown."""
    summary = changes.Summary()
    each = [
        changes.compare(report("李雷\x9b"), report("李雷\x9b", {FORWARD: "failed"})),
        changes.compare(None, report()),
    ]
    text = "\n".join(changes.as_json(iter(each), summary))
    first, second = json.loads(text)

    assert text.isascii()
    assert summary.lost
    assert (first["name"], first["differs"], first["lost"]) == ("李雷\x9b", True, True)
    assert first["properties"][0] == {
        "kind": "broke", "step": "RNN Forward", "id": FORWARD, "cells": "own", "entry": "it", "tier": "required",
        "before": "passed", "now": "failed",
    }  # fmt: skip
    assert second["points"] == {"old": None, "old_max": None, "new": 60, "new_max": 60}
    assert json.loads("\n".join(changes.as_json(iter([]), changes.Summary()))) == []


# --- Real reports


def test_real_reports_are_compared(folder, wrong):
    """Against the same hand-in with all of GRU Backward mended, its entries are won and nothing else changes."""
    right = copy.deepcopy(wrong)
    step = right["steps"][4]
    for each in (*step["properties"], *step["entries"]):
        each.update(outcome="passed") if "outcome" in each else each.update(paid_by="own", points=each["max_points"])
    step.update(outcome="passed", points=20)
    right["points"] = 80
    old, new = folder("old", wrong), folder("new", right)
    (there,) = changes.compare_folders(old, new)
    (back,) = changes.compare_folders(new, old)

    assert {each.kind for each in there.properties} == {"fixed"}
    assert {each.step for each in (*there.steps, *there.entries, *there.properties)} == {"GRU Backward"}
    assert not there.lost
    assert back.lost
    assert (back.points.old, back.points.new) == (80, 75)
    assert len(back.properties) == len(there.properties)
