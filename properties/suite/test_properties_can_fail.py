"""Every property of the homework holds on the model solution and fails where what it reads is wrong, in each way.

A property is given the model solution's own transcript with one of the results that it reads spoilt, one at a time. It
must raise Unmet, on some case of its ladder: nothing else, because any other exception is taken for a fault of ours.
"""

import functools

import numpy as np
import pytest

from properties.compare import Expected
from properties.drawing import draw
from properties.hand_in import MODEL_SOLUTION, InProcess, Remembering
from properties.interpreter.reply import Fault, Reply, Value
from properties.outcomes import Crashed, NotThere, TimedOut, Unmet
from properties.registry import PRACTICE_KEY, all_properties
from properties.transcript import Lost, Transcript

PROPERTIES = all_properties()
MOST_CASES = 6
ids = functools.partial(map, lambda prop: prop.id)


def off(by):
    """One element, the largest, is off by so much of itself."""

    def spoil(array):
        array = np.array(array)
        at = np.unravel_index(np.abs(array).argmax(), array.shape)
        array[at] += by * (abs(array[at]) or 1.0)
        return array

    return spoil


def filled_with(value):
    return lambda array: np.full_like(array, value)


SHAPES = {
    "a leading one": lambda array: array[np.newaxis],
    "flat": lambda array: np.append(array, 0.0),
    "empty": lambda array: np.zeros(0),
    "a number": lambda array: np.array(1.0),
}
DTYPES = {
    "float16": lambda array: array.astype(np.float16),
    "int64": lambda array: array.astype(np.int64),
    "bool": lambda array: array.astype(bool),
    "complex128": lambda array: array.astype(np.complex128),
}
NAN = {"nan": filled_with(np.nan)}
INFINITY = {"inf": off(np.inf)}
LITTLE = {"1e-6 off": off(1e-6), "a sign": lambda array: -array, "zeros": np.zeros_like}
MUCH = {"1e-2 off": off(1e-2)}  # of the largest element, along a direction that need not be its own
OUTSIDE = {"far off": off(10.0)}  # between h_{t-1} and the candidate there is room


class Reading(Transcript):
    """A transcript that notes which results are read."""

    def __init__(self, seen):
        super().__init__(reply_of(seen), seen.seconds)
        self.read = []

    def value(self, name):
        self.read.append(name)
        return super().value(name)


class Spoilt:
    """A hand-in that answers the one question with this transcript."""

    def __init__(self, seen):
        self.seen = seen

    def on(self, question):
        return self.seen


def reply_of(seen, **instead):
    parts = {name: getattr(seen, name) for name in ("values", "changed", "shared", "warned", "printed")}
    return Reply(**parts | instead)


def spoilt_in(seen, name, spoil):
    """The transcript with the array of this name spoilt."""
    value = seen.values[name]
    return Transcript(reply_of(seen, values={**seen.values, name: Value(spoil(value.array), value.type)}))


@pytest.fixture(scope="module")
def model_solution():
    return Remembering(InProcess(MODEL_SOLUTION))


@pytest.fixture(scope="module")
def cases_of():
    """The last cases of a property's ladder, which are the largest, and some drawn ones."""

    @functools.cache
    def cases(family):
        return (*reversed(family.ladder[-MOST_CASES // 2 :]), *draw(family, PRACTICE_KEY, MOST_CASES // 2))

    return cases


def reads(prop, case, model_solution):
    """The transcript of a property on a case, on which it must hold, and the names that it reads."""
    seen = Reading(model_solution.on(prop.question(case)))
    prop.check_on(case, Spoilt(seen))
    return seen, list(dict.fromkeys(seen.read))


def outcome(prop, case, seen):
    """None where the property holds, and otherwise how it does not; anything but Unmet is passed on."""
    try:
        prop.check_on(case, Spoilt(seen))
    except Unmet as unmet:
        return unmet.outcome
    return None


def not_caught(prop, ways, cases, model_solution):
    """(result, way) of each way of spoiling a result that the property reads with which it holds on all cases."""
    missed = set()
    caught = set()
    for case in cases:
        seen, names = reads(prop, case, model_solution)
        for name in names[:6]:
            for way, spoil in ways.items():
                kind = (name, way)
                spoilt = spoilt_in(seen, name, spoil)
                if kind in caught or np.array_equal(spoilt[name], seen[name]):  # zeros have no sign
                    continue
                if outcome(prop, case, spoilt) == "failed":
                    caught.add(kind)
                else:
                    missed.add(kind)
    assert caught | missed
    return missed - caught


def of(*tiers, without=(), among=None):
    found = [prop for prop in PROPERTIES if prop.tier in tiers]
    if among is not None:
        return [prop for prop in found if any(word in prop.id for word in among)]
    return [prop for prop in found if not any(word in prop.id for word in without)]


BETWEEN = ("lies_between",)
REFLECTED = ("plain_float64", "leaves_its_arguments", "arrays_of_their_own", "do_not_overflow", "leading_one")
COMPARED = of("required", "advisory", without=BETWEEN + REFLECTED)
DERIVED = of("alternative")
RESPONDING = of("condition")


@pytest.mark.parametrize("prop", COMPARED, ids=ids(COMPARED))
def test_a_property_fails_where_a_result_is_a_millionth_off(prop, model_solution, cases_of):
    """A millionth of the largest element, a sign, and zeros fail every comparison of results."""
    assert not_caught(prop, LITTLE, cases_of(prop.family), model_solution) == set()


@pytest.mark.parametrize("prop", [*COMPARED, *of("required", among=BETWEEN)], ids=lambda prop: prop.id)
def test_a_property_fails_where_a_result_has_another_form(prop, model_solution, cases_of):
    """nan, another shape and another dtype fail every comparison of results."""
    ways = NAN | DTYPES | (SHAPES if "delta_may_be_flat" not in prop.id else {"a number": SHAPES["a number"]})
    if any(word in prop.id for word in ("gru_inference.forward_returns_logits", "stepping_by_hand")):
        ways = {name: way for name, way in ways.items() if name != "a leading one"}  # that is advisory
    assert not_caught(prop, ways, cases_of(prop.family)[:3], model_solution) == set()


def test_every_property_fails_where_a_result_is_infinite(model_solution, cases_of):
    """Infinity in one element fails every comparison of results."""
    blind = [p.id for p in COMPARED if not_caught(p, INFINITY, cases_of(p.family), model_solution)]

    assert blind == []


@pytest.mark.parametrize("prop", of("required", among=BETWEEN), ids=lambda prop: prop.id)
def test_a_state_outside_its_bounds_fails(prop, model_solution, cases_of):
    """A state far off does not lie between the last and the candidate."""
    assert not_caught(prop, OUTSIDE, cases_of(prop.family), model_solution) == set()


@pytest.mark.parametrize("prop", DERIVED, ids=ids(DERIVED))
def test_a_gradient_that_is_not_the_derivative_fails(prop, model_solution, cases_of):
    """A gradient, or a forward to either side, that is a hundredth off is not the other's derivative."""
    assert not_caught(prop, MUCH | NAN | INFINITY | SHAPES | DTYPES, cases_of(prop.family), model_solution) == set()


@pytest.mark.parametrize("prop", RESPONDING, ids=ids(RESPONDING))
def test_a_forward_that_does_not_move_fails(prop, model_solution, cases_of):
    """A forward that is the same to either side does not respond; results that are no arrays fail too."""
    case = cases_of(prop.family)[0]
    seen, names = reads(prop, case, model_solution)
    still = dict.fromkeys(names, seen.values[names[0]])

    assert outcome(prop, case, Transcript(reply_of(seen, values={**seen.values, **still}))) == "failed"
    assert outcome(prop, case, spoilt_in(seen, names[0], filled_with(np.nan))) == "failed"


@pytest.mark.parametrize("prop", RESPONDING[:1], ids=lambda prop: prop.id)
def test_a_forward_of_nothing_does_not_respond(prop, model_solution, cases_of):
    """A forward that returns no elements fails the condition, and is no fault of ours."""
    case = cases_of(prop.family)[0]
    seen, names = reads(prop, case, model_solution)
    nothing = {name: Value(np.zeros(0), "ndarray") for name in names}

    assert outcome(prop, case, Transcript(reply_of(seen, values={**seen.values, **nothing}))) == "failed"


WAYS_TO_REFLECT = {
    "plain_float64": [
        lambda seen: reply_of(seen, values={n: v._replace(type="matrix") for n, v in seen.values.items()}),
        lambda seen: reply_of(
            seen,
            values={
                n: v if v.array is None else v._replace(array=v.array.astype(np.float32))
                for n, v in seen.values.items()
            },
        ),
    ],
    "leaves_its_arguments": [lambda seen: reply_of(seen, changed=("x",))],
    "arrays_of_their_own": [lambda seen: reply_of(seen, shared=(("dx", "dh"),))],
    "do_not_overflow": [
        lambda seen: reply_of(seen, warned=("overflow encountered in exp",)),
        lambda seen: spoilt_in(seen, "h_t", filled_with(np.nan)),
    ],
    "leading_one": [
        lambda seen: reply_of(
            seen,
            values={n: v if v.array is None else v._replace(array=v.array[np.newaxis]) for n, v in seen.values.items()},
        )
    ],
}


@pytest.mark.parametrize(("word", "spoil"), [(word, way) for word, ways in WAYS_TO_REFLECT.items() for way in ways])
def test_what_is_seen_besides_the_results_fails(word, spoil, model_solution, cases_of):
    """Subclasses, float32, changed arguments, shared memory, warnings and leading ones fail their advisory property."""
    properties = of("advisory", among=(word,))
    assert properties
    for prop in properties:
        case = cases_of(prop.family)[0]
        seen, _ = reads(prop, case, model_solution)
        spoilt = spoil(seen)

        assert outcome(prop, case, spoilt if isinstance(spoilt, Transcript) else Transcript(spoilt)) == "failed", (
            prop.id
        )


FAULTS = {"missing": "not_run", "unwritten": "not_run", "unparsed": "crashed", "raised": "crashed"}


@pytest.mark.parametrize("prop", PROPERTIES, ids=ids(PROPERTIES))
def test_a_property_tells_what_became_of_a_result(prop, model_solution, cases_of):
    """Where nothing came back, a property is crashed or not run, and where another thing came back, failed."""
    case = cases_of(prop.family)[0]
    seen, names = reads(prop, case, model_solution)
    for name in names[:2]:
        for kind, should in FAULTS.items():
            values = {**seen.values, name: Fault(kind, "what happened", "")}
            assert outcome(prop, case, Transcript(reply_of(seen, values=values))) == should
        values = {**seen.values, name: Value(None, "list")}
        assert outcome(prop, case, Transcript(reply_of(seen, values=values))) == "failed"
    for unmet, should in ((Crashed, "crashed"), (TimedOut, "timed_out"), (NotThere, "not_run")):
        assert outcome(prop, case, Lost(unmet("the process is lost"))) == should


def test_every_property_is_spoilt_in_some_way():
    """The tests above cover every registered property."""
    covered = {prop.id for prop in (*COMPARED, *DERIVED, *RESPONDING, *of("required", among=BETWEEN))}
    covered |= {prop.id for prop in of("advisory", among=tuple(WAYS_TO_REFLECT))}

    assert covered == {prop.id for prop in PROPERTIES}
    assert set(WAYS_TO_REFLECT) == set(REFLECTED)


def test_a_property_that_cannot_fail_would_be_noticed(model_solution, cases_of):
    """The method itself finds a comparison that allows everything."""
    prop = COMPARED[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Expected, "allowed", lambda self, dtype: 1e9)

        assert not_caught(prop, LITTLE, cases_of(prop.family), model_solution) == {("h_t", way) for way in LITTLE}
