"""From findings to points: what pays, that a bug costs its own step only, and what a rubric file may say."""

import dataclasses

import pytest

from grading import rubric
from grading.faults import Usage
from grading.judge import Finding
from properties.registry import SELF_CONSISTENCY, STEPS, all_properties

PROPERTIES = all_properties()
RUBRIC = rubric.load(rubric.DEFAULT, PROPERTIES)


def findings(*wrong, cells="own", tiers=("required", "advisory"), steps=STEPS):
    """A finding for each property of these steps and tiers; `wrong(prop)` gives its outcome, or None for passed."""

    def outcome(prop):
        return next((found for rule in wrong if (found := rule(prop))), "passed")

    return [Finding(prop, cells, outcome(prop)) for prop in PROPERTIES if prop.tier in tiers and prop.step in steps]


def loses(step, entry=None, outcome="failed", tier="required", kind=None):
    """Give this outcome to the properties of this step, entry, tier and kind."""

    def rule(prop):
        wanted = prop.step == step and entry in (None, prop.entry) and prop.tier == tier
        return outcome if wanted and kind in (None, prop.kind) else None

    return rule


def points(found):
    return {step: sum(entry.points for entry in rubric.entries_of(step, RUBRIC, found)) for step in STEPS}


def lost(found):
    entries = {step: rubric.entries_of(step, RUBRIC, found) for step in STEPS}
    return {f"{step}/{entry.entry}" for step in STEPS for entry in entries[step] if not entry.points}


FULL = dict(zip(STEPS, (10, 15, 15, 10, 20, 10), strict=True))


def test_the_rubric_has_eighty_points():
    """The rubric's points are the statement's, and where everything holds all of them are paid."""
    assert points(findings()) == FULL
    assert sum(FULL.values()) == 80
    assert set(RUBRIC["GRU Backward"].values()) == {2.5}


def test_every_entry_of_the_rubric_has_required_properties():
    """Each entry is decided by at least one required property, and each required property decides one."""
    entries = {(step, entry) for step in STEPS for entry in RUBRIC[step]}

    assert {(prop.step, prop.entry) for prop in PROPERTIES if prop.tier == "required"} == entries


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("outcome", ["failed", "crashed", "timed_out", "not_run", "broken"])
def test_a_step_that_does_not_hold_costs_itself_and_no_other(step, outcome):
    """Whatever becomes of a step's required properties, the other steps keep their points."""
    assert points(findings(loses(step, outcome=outcome))) == FULL | {step: 0}


@pytest.mark.parametrize("prop", [prop for prop in PROPERTIES if prop.tier == "required"], ids=lambda prop: prop.id)
def test_every_required_property_costs_its_entry(prop):
    """One required property that does not hold costs its entry, and nothing else."""
    found = findings(lambda other: "failed" if other is prop else None)

    assert lost(found) == {f"{prop.step}/{prop.entry}"}


def test_advisory_properties_cost_nothing():
    """Where no advisory property holds, every entry is paid and every step passed."""
    found = findings(*(loses(step, tier="advisory") for step in STEPS))

    assert points(found) == FULL
    assert {rubric.outcome_of(step, rubric.entries_of(step, RUBRIC, found), found) for step in STEPS} == {"passed"}


def test_nothing_found_pays_nothing():
    """Where no property was judged, nothing is paid and no step has run."""
    assert points([]) == dict.fromkeys(STEPS, 0)
    assert rubric.outcome_of("RNN Forward", rubric.entries_of("RNN Forward", RUBRIC, []), []) == "not_run"


@pytest.mark.parametrize(("step", "cell"), [("RNN Classifier", "RNN Forward"), ("GRU Inference", "GRU Forward")])
def test_a_step_on_wrong_cells_is_paid_on_the_models(step, cell):
    """Where own cells lost points, a step that holds on the model solution's cells is paid."""
    own = findings(loses(cell), loses(step, outcome="crashed"))
    model = findings(cells="model", steps=(step,))

    assert points(own + model) == FULL | {cell: 0}
    assert {entry.by for entry in rubric.entries_of(step, RUBRIC, own + model)} == {"model"}


def test_cells_are_not_mixed_within_an_entry():
    """An entry that holds partly on own cells and partly on the model's is not paid."""
    step = "RNN Classifier"
    own = findings(loses(step, "forward", kind="agreement"))
    first = next(prop for prop in PROPERTIES if prop.step == step and prop.entry == "forward")
    model = findings(lambda prop: "failed" if prop is first else None, cells="model", steps=(step,))

    assert lost(own + model) == {"RNN Classifier/forward"}


# The derivative of the hand-in's own forward

DERIVED = {
    "RNN Backward": ("RNN Forward", "h_t"),
    "GRU Backward": ("GRU Forward", "h_t"),
    "RNN Classifier": ("RNN Classifier", "forward"),
}


def derived(step, *wrong, forward="failed"):
    """Findings of a wrong forward and of gradients that agree with no oracle, but follow this forward."""
    where, entry = DERIVED[step]
    rules = (loses(where, entry, forward), loses(step, kind="agreement"))
    return findings(*wrong, *rules, tiers=("required", "advisory", "alternative", "condition"))


def paid(step, found):
    return {
        entry.entry: entry.by
        for entry in rubric.entries_of(step, RUBRIC, found)
        if (step, entry.entry) != DERIVED[step]
    }


@pytest.mark.parametrize("step", DERIVED)
@pytest.mark.parametrize("forward", ["failed", "crashed"])
def test_a_derivative_of_a_wrong_forward_is_paid(step, forward):
    """A gradient that fails every oracle is paid where it is the derivative of a forward that lost points."""
    assert set(paid(step, derived(step, forward=forward)).values()) == {"derivative"}


@pytest.mark.parametrize("step", DERIVED)
def test_a_derivative_of_a_right_forward_is_not_asked_for(step):
    """Where forward is paid, only agreement with the oracles pays a gradient."""
    found = findings(loses(step, kind="agreement"), tiers=("required", "alternative", "condition"))
    if step == "RNN Classifier":
        found = [f for f in found if f.prop.entry != "forward" or f.prop.tier != "required"]
        found += findings(loses(step, "backward"), steps=(step,))

    assert not any(paid(step, found).values())


@pytest.mark.parametrize("step", DERIVED)
def test_what_is_not_the_derivative_is_not_paid(step):
    """A gradient that is not the derivative of the own forward is not paid; others of the step are."""
    entry = list(RUBRIC[step])[-1]
    found = paid(step, derived(step, loses(step, entry, tier="alternative")))

    assert found.pop(entry) == ""
    assert set(found.values()) <= {"derivative"}


@pytest.mark.parametrize("step", DERIVED)
def test_a_forward_that_does_not_respond_pays_no_gradient(step):
    """Where forward does not change with one input or weight, no gradient of the step is paid: zeros earn nothing."""
    conditions = [prop for prop in PROPERTIES if prop.step == step and prop.tier == "condition"]
    assert conditions
    for one in conditions:
        assert not any(paid(step, derived(step, lambda prop, one=one: "failed" if prop is one else None)).values())


@pytest.mark.parametrize("tier", ["condition", "alternative"])
def test_what_was_not_judged_pays_no_gradient(tier):
    """Without findings about the own forward, or about its derivative, nothing is paid by this rule."""
    found = [finding for finding in derived("RNN Backward") if finding.prop.tier != tier]

    assert not any(paid("RNN Backward", found).values())


@pytest.mark.parametrize("step", ["RNN Backward", "GRU Backward"])
def test_a_derivative_that_contradicts_itself_is_not_paid(step):
    """A gradient that is not linear in delta, or does not add, is not paid, whatever its forward."""
    found = derived(step, loses(step, "dx", kind=SELF_CONSISTENCY))

    assert paid(step, found)["dx"] == ""
    assert paid(step, found)["dh"] == "derivative"


def test_the_outcome_is_the_severest_of_a_lost_entry():
    """A step's outcome is its severest; that of an entry which is paid after all does not count."""
    step = "RNN Backward"
    found = findings(loses(step, "dx", "failed"), loses(step, "dh", "crashed"), loses(step, "db_hh", "not_run"))

    assert rubric.outcome_of(step, rubric.entries_of(step, RUBRIC, found), found) == "crashed"
    rest = [finding for finding in found if finding.prop.entry != "dh"]
    entries = [entry for entry in rubric.entries_of(step, RUBRIC, found) if entry.entry != "dh"]
    assert rubric.outcome_of(step, entries, rest) == "failed"


# Rubric files


def load(tmp_path, text):
    file = tmp_path / "rubric.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rubric.load(file, PROPERTIES)


def test_an_own_rubric_gives_its_own_points(tmp_path):
    """Another rubric may leave out steps and entries and give other points."""
    mine = load(tmp_path, '["RNN Backward"]\ndx = 1\ndb_hh = 0.5\n["GRU Inference"]\nlogits = 100\n')
    found = findings(loses("RNN Backward", "dx"))

    assert list(mine) == list(STEPS)
    assert [entry.points for entry in rubric.entries_of("RNN Backward", mine, found)] == [0, 0.5]
    assert [entry.points for entry in rubric.entries_of("GRU Inference", mine, found)] == [100]
    assert rubric.entries_of("GRU Forward", mine, found) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["RNN Forwards"]\nh_t = 1\n', "has a step 'RNN Forwards', but the steps are RNN Forward, "),
        ('"RNN Forward" = 10\n', "gives RNN Forward as 10, but should give a table"),
        ('["RNN Forward"]\nh = 10\n', "has RNN Forward / 'h', but the entries of this step are h_t"),
        ('["RNN Forward"]\nh_t = "10"\n', "gives RNN Forward / h_t '10' points, but 0 to 1000 are possible"),
        ('["RNN Forward"]\nh_t = -1\n', "-1 points"),
        ('["RNN Forward"]\nh_t = 1001\n', "1001 points"),
        ('["RNN Forward"]\nh_t = nan\n', "nan points"),
        ('["RNN Forward"]\nh_t = inf\n', "inf points"),
        ('["RNN Forward"]\nh_t = true\n', "True points"),
        ('["RNN Forward"]\nh_t = [1]\n', r"\[1\] points"),
        ("[RNN Forward]\n", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
    ],
)
def test_a_rubric_that_does_not_fit_is_a_usage_error(tmp_path, text, said):
    """Each mistake in a rubric file is told with what the file says and what it may say."""
    with pytest.raises(Usage, match=said):
        load(tmp_path, text)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_rubric_that_cannot_be_read_is_a_usage_error(tmp_path, name):
    """A file that is not there, and a folder, are told by their path."""
    with pytest.raises(Usage, match="cannot be read"):
        rubric.load(tmp_path / name, PROPERTIES)


def test_advisory_entries_are_no_entries_of_a_rubric(tmp_path):
    """An entry that advisory properties alone are about cannot be given points."""
    advisory = dataclasses.replace(PROPERTIES[0], entry="style", tier="advisory")
    file = tmp_path / "rubric.toml"
    file.write_text('["RNN Forward"]\nstyle = 1\n', encoding="utf-8")

    with pytest.raises(Usage, match="'style'"):
        rubric.load(file, (*PROPERTIES, advisory))
