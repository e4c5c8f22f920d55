"""Show one property on one case again: the script as Python, its arrays, what came back, what should have."""

import ast
import dataclasses
import shlex

from grading.faults import Usage
from grading.language import Translate
from properties import stored
from properties.cases import Case, Classification, GRUSequence, GRUStep, Prediction, RNNSequence, RNNStep
from properties.hand_in import Remembering, arrays_of
from properties.registry import Property
from properties.transcript import Transcript

KINDS = {kind.__name__: kind for kind in (RNNStep, RNNSequence, Classification, GRUStep, GRUSequence, Prediction)}
MOST_SHOWN = 64  # elements of an array in full
LARGEST = 1024  # size of a dimension


def in_words(case: Case) -> str:
    """The case as the command line takes it: RNNStep(N=1, D=1, H=2, numbers='ones')."""
    given = [
        f"{field.name}={getattr(case, field.name)!r}"
        for field in dataclasses.fields(case)
        if field.default is dataclasses.MISSING or getattr(case, field.name) != field.default
    ]
    order = {"numbers": 1, "scale": 2, "seed": 3}
    return f"{type(case).__name__}({', '.join(sorted(given, key=lambda text: order.get(text.partition('=')[0], 0)))})"


def from_words(text: str) -> Case:
    """The case that `in_words` wrote. Raises Usage for anything else; nothing is evaluated but numbers and words."""
    try:
        call = ast.parse(text, mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)) or call.args:
            raise ValueError("not a call by keywords")
        case = KINDS[call.func.id](**{str(word.arg): ast.literal_eval(word.value) for word in call.keywords})
        hash(case)  # a list, say, is no value
    except (SyntaxError, KeyError, TypeError, ValueError) as error:
        raise Usage(f"{text!r} is not a case; one is, for example, RNNStep(N=1, D=1, H=2, numbers='ones')") from error
    for name, value in vars(case).items():
        if not _possible(case, name, value):
            raise Usage(f"{text!r} has {name}={value!r}, but {name} should be {_RULES[name]}")
    if case.numbers != "stored":
        return case
    known = next((known for known in _stored() if known == case), None)
    if known is None:
        raise Usage(f"{text!r} is not among the stored cases (fixtures/arrays)")
    return known


_RULES = {
    **dict.fromkeys("NTDHCL", f"a whole number from 1 to {LARGEST}"),
    "seed": "a whole number, 0 or more",
    "scale": "a number between 0 and 10,000",
    "steepness": "a number between 0 and 10,000",
    "numbers": "one of stored, ones, halves, random",
    "state": "one of given, absent, zero",
    "family": f"one of {', '.join(GRUStep.FAMILIES)}",
}


def _possible(case: Case, name: str, value: object) -> bool:
    """Whether a field of a case has a value that a case can have."""
    if name in "NTDHCL":
        return type(value) is int and 1 <= value <= LARGEST
    if name == "seed":
        return type(value) is int and value >= 0
    if name in ("scale", "steepness"):
        return type(value) in (int, float) and 0 < value <= 10_000  # type: ignore[operator]  # a number by now
    words = {"numbers": ("stored", "ones", "halves", "random"), "family": GRUStep.FAMILIES}
    states = ("given", "absent") if isinstance(case, Classification) else ("given", "zero")
    return value in words.get(name, states)


def check_kind(prop: Property, case: Case) -> None:
    """Raise Usage unless the case is of the property's kind."""
    kind = type(prop.family.ladder[0])
    if type(case) is not kind:
        raise Usage(f"{prop.id} is about cases of the kind {kind.__name__}, but this one is a {type(case).__name__}")
    if prop.family.name.startswith("stored_") and case.numbers != "stored":
        raise Usage(f"{prop.id} is about stored cases, but this one is not stored: {in_words(case)}")


def command(submission: str, prop: Property, case: Case, cells: str = "own") -> str:
    """The command that shows this example again."""
    on_model = " --cells model" if cells == "model" else ""
    return f'python -m grading replay {shlex.quote(submission)} "{prop.id}" "{in_words(case)}"{on_model}'


def show(prop: Property, case: Case, hand_in: Remembering, tr: Translate) -> tuple[str, bool]:
    """The example in words, and whether the property holds on it; `tr` translates."""
    from grading.judge import check

    question = prop.question(case)
    finding = check(prop, [case], hand_in)
    seen = hand_in.on(question)
    lines = [prop.id, f"  {tr(prop.claim)}", f"  {tr(str(case))}", ""]
    lines += [f"  {name} = {_array_text(array)}" for name, array in arrays_of(case, question.lines).items()]
    lines += ["", *(f"  {line}" for line in question.lines), ""]
    if isinstance(seen, Transcript):
        for name, value in seen.values.items():
            array = getattr(value, "array", None)
            if array is not None:
                lines.append(f"  {name} == {_array_text(array)}")
    if seen.printed:
        lines += ["", "  " + tr("It printed:"), *(f"    {line}" for line in seen.printed.splitlines())]
    lines += ["", tr("It holds.") if finding.holds else f"{tr(finding.outcome)}: {tr(finding.message)}"]
    return "\n".join(lines), finding.holds


def find(properties: list[Property], wanted: str) -> Property:
    """The property with this id. Raises Usage."""
    for prop in properties:
        if prop.id == wanted:
            return prop
    raise Usage(f"there is no property {wanted!r}; a report names them, for example {properties[0].id}")


def _stored() -> list[Case]:
    families = (stored.stored_rnn_steps, stored.stored_classifications, stored.stored_gru_steps)
    return [case for family in (*families, stored.stored_predictions) for case in family.ladder]


def _array_text(array) -> str:  # type: ignore[no-untyped-def]  # any ndarray
    if array.size > MOST_SHOWN:
        return f"array of shape {array.shape}"
    return " ".join(str(array.tolist()).split())
