"""What lost points in a report, as the problems that a student would mend: grouped by cause, the most basic one first.

Entries that one known bug explains are one problem; so are those that fail alike on one example, and those, of any
step, that one fault keeps from running. Of each problem the properties to tell about fail on the smallest examples
there are.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from properties.registry import STEPS

Report = Mapping[str, Any]
Step = Mapping[str, Any]
Property = Mapping[str, Any]

FORWARD_TOO = "; forward is wrong as well, and the likely cause"  # how grading.report ends such a message
MODULE = "<module>"  # what Python calls the lines of a file that are in no function
PATTERN = "pattern"  # the "bug" of a diagnosis that is a pattern and no bug
PLACE = re.compile(r"(?P<file>[\w.+-]+(?:/[\w.+-]+)*\.py):(?P<line>\d+)(?: in (?P<function>[\w.<>]+))?")

PLACES: Mapping[tuple[str, str], str] = {  # by step and entry, "" for any
    ("RNN Forward", ""): "mytorch/rnn_cell.py, RNN_Cell.forward",
    ("RNN Backward", ""): "mytorch/rnn_cell.py, RNN_Cell.backward",
    ("RNN Classifier", "forward"): "hw3/rnn_classifier.py, RNN_Phoneme_Classifier.forward",
    ("RNN Classifier", "backward"): "hw3/rnn_classifier.py, RNN_Phoneme_Classifier.backward",
    ("GRU Forward", ""): "mytorch/gru_cell.py, GRU_Cell.forward",
    ("GRU Backward", ""): "mytorch/gru_cell.py, GRU_Cell.backward",
    ("GRU Inference", ""): "hw3/hw3.py, inference",
}
"""Where a wrong result is computed, if nothing more is known."""

PLACES_OF: Mapping[str, str] = {
    "rnn_forward.calling_the_cell_is_forward": "mytorch/rnn_cell.py, RNN_Cell.__call__",
    "rnn_backward.zero_grad_clears": "mytorch/rnn_cell.py, RNN_Cell.zero_grad",
    "rnn_classifier.classifier_has_two_layers_by_default": "hw3/rnn_classifier.py, RNN_Phoneme_Classifier.__init__",
    "gru_inference.forward_returns_logits_and_state": "hw3/hw3.py, CharacterPredictor.forward",
}
"""Where what a property is about lies, where that is not where its step does."""


class Place(NamedTuple):
    """Where to look; line and function are "" where they are not known."""

    file: str
    line: str
    function: str


class Problem(NamedTuple):
    """Something to mend.

    lost are the entries by step, of a step that is lost whole none; points are what they would be worth; says is what a
    diagnosis says, or ""; place may be None. properties are those to tell about: the first fails on the smallest
    example, the others on the same one.
    """

    lost: Mapping[str, Sequence[str]]
    points: float
    outcome: str
    says: str
    place: Place | None
    properties: Sequence[Property]

    @property
    def first(self) -> Property:
        return self.properties[0]

    @property
    def at_import(self) -> bool:
        """Whether the fault comes before anything is called, so that no example shows more."""
        place = self.place
        return self.outcome == "crashed" and place is not None and bool(place.line) and place.function in ("", MODULE)


class _Lost(NamedTuple):
    step: str
    entry: Mapping[str, Any]
    prop: Property
    diagnosis: Mapping[str, Any] | None


def of_report(report: Report) -> list[Problem]:
    """Every problem of a report: in the order of the steps, and within one from the smallest example up."""
    groups: dict[tuple[str, ...], list[_Lost]] = {}
    for step in report["steps"]:
        for lost in _lost(step):
            groups.setdefault(_cause(lost), []).append(lost)
    entries = {step["step"]: [entry["entry"] for entry in step["entries"]] for step in report["steps"]}
    return sorted((_problem(group, entries) for group in groups.values()), key=_order)


def _lost(step: Step) -> Iterator[_Lost]:
    for entry in step["entries"]:
        prop = None if pays(entry) else blame(step, entry["entry"])
        if prop is not None:
            said = [each for each in step["diagnosis"] if entry["entry"] in each.get("entries", (entry["entry"],))]
            yield _Lost(step["step"], entry, prop, said[0] if said else None)


def _cause(lost: _Lost) -> tuple[str, ...]:
    """The same for entries that are lost for the same reason."""
    if lost.diagnosis is not None:
        return lost.step, lost.diagnosis["bug"], lost.diagnosis["says"]
    if lost.prop["outcome"] != "failed":
        return lost.prop["outcome"], lost.prop["message"]
    return lost.step, lost.prop["id"].partition("[")[0], (lost.prop["counterexample"] or {}).get("case", "")


def _problem(group: Sequence[_Lost], entries: Mapping[str, Sequence[str]]) -> Problem:
    by_step: dict[str, list[str]] = {}
    for lost in group:
        by_step.setdefault(lost.step, []).append(lost.entry["entry"])
    whole = {step for step, names in by_step.items() if 1 < len(names) == len(entries[step])}
    first = min((lost.prop for lost in group), key=_size)
    said = group[0].diagnosis
    says = "" if said is None else str(said["says"])
    return Problem(
        {step: () if step in whole else names for step, names in by_step.items()},
        sum(lost.entry["max_points"] for lost in group),
        first["outcome"],
        says.partition(": ")[2] if said is not None and said["bug"] == PATTERN else says,
        _place(group[0].step, first, str(said["look_at"]) if said is not None else ""),
        [first, *(lost.prop for lost in group if lost.prop is not first and _alike(lost.prop, first))],
    )


def pays(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a report is paid, in whatever way."""
    return bool(entry["paid_by"]) if "paid_by" in entry else bool(entry["points"] >= entry["max_points"])


def blame(step: Step, entry: str) -> Property | None:
    """The property to tell about a lost entry: the one that fails on the smallest example, simple numbers first."""
    failing = [
        prop
        for prop in step["properties"]
        if prop["entry"] == entry and prop["tier"] == "required" and prop["outcome"] != "passed"
    ]
    return min(failing, key=_size, default=None)


def _size(prop: Property) -> tuple[bool, bool, bool, int]:
    example = prop["counterexample"]
    if example is None:
        return True, True, True, 0
    at = example.get("at", "")
    too_large = any(isinstance(array, str) for array in example["arrays"].values())  # told by its shape alone
    simple = "random" not in at and "stored" not in at
    return False, too_large, not simple, sum(int(size) for size in re.findall(r"\b[NTDHCL]=(\d+)", at))


def _order(problem: Problem) -> tuple[int, tuple[bool, bool, bool, int]]:
    """A step comes after those that it rests on, as in STEPS, and a large example after a small one."""
    return STEPS.index(next(iter(problem.lost))), _size(problem.first)


def _alike(one: Property, other: Property) -> bool:
    """Whether two properties failed on one example, so that it can be told once."""
    ours, theirs = one["counterexample"], other["counterexample"]
    if not ours or not theirs or one["outcome"] != other["outcome"] or one.get("cells") != other.get("cells"):
        return False
    return bool(ours["case"] == theirs["case"] and ours["script"] == theirs["script"])


# Where to look


def _place(step: str, prop: Property, look_at: str) -> Place | None:
    if not look_at and prop["outcome"] != "failed":
        known = place_in(prop["message"])
        if known is not None or prop["outcome"] == "not_run":
            return known
    if not look_at:
        usual = PLACES.get((step, prop["entry"])) or PLACES[step, ""]
        look_at = PLACES_OF.get(prop["id"].partition("[")[0], usual)
    file, _, function = look_at.partition(", ")
    return Place(file, "", function)


def place_in(message: str) -> Place | None:
    """The last file and line that a message names, if it names one."""
    found = list(PLACE.finditer(message))
    return Place(*(found[-1][name] or "" for name in Place._fields)) if found else None


def without_place(message: str) -> str:
    """The message without the place in brackets at its end."""
    return re.sub(rf" \({PLACE.pattern}\)$", "", message)
