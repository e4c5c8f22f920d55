"""The promise of sensitivity: in double precision one element off by 1e-8 of its array's largest is caught."""

import numpy as np
import pytest

from properties.drawing import draw
from properties.hand_in import MODEL_SOLUTION, InProcess, Remembering
from properties.interpreter.reply import Reply, Value
from properties.outcomes import Unmet
from properties.registry import AGREEMENT, Property, all_properties
from properties.transcript import Transcript

pytestmark = pytest.mark.slow

OFF = 1e-8
CASES = 4
AGREEING = [
    prop
    for prop in all_properties()
    if prop.tier == "required"
    and prop.kind == AGREEMENT
    and "saturated" not in prop.id  # there the bound follows the conditioning, and may be wider
    and "lies_between" not in prop.id  # an interval, not a value
]
MODEL = Remembering(InProcess(MODEL_SOLUTION))


class Doctored(Transcript):
    """A transcript that notes which results are read, and in which one element of `name` is off."""

    def __init__(self, seen: Transcript, name: str = "", element: int = 0) -> None:
        super().__init__(Reply(seen.values, seen.changed, seen.shared, seen.warned, seen.printed))
        self.read: dict[str, None] = {}
        if name:
            array = np.array(seen[name])
            array.flat[element % array.size] += OFF * np.abs(array).max()
            self.values = {**seen.values, name: Value(array, "ndarray")}

    def __getitem__(self, name: str) -> np.ndarray:
        self.read[name] = None
        return super().__getitem__(name)


def check(prop: Property, case, seen: Transcript) -> None:
    prop.check(case, seen, *(() if prop.part is None else (prop.part,)))


def ordinary_cases(prop: Property):
    """Cases of random numbers at a scale of one or less."""
    drawn = prop.family.ladder if "stored" in prop.family.name else draw(prop.family, "sensitivity", 12)
    return [case for case in drawn if case.numbers in ("random", "stored") and case.scale <= 1][:CASES]


@pytest.mark.parametrize("prop", AGREEING, ids=[prop.id for prop in AGREEING])
def test_one_element_off_by_1e_8_is_caught(prop):
    """Agreement with an oracle fails where any result that it reads is off by 1e-8 of its largest in one element."""
    cases = ordinary_cases(prop)
    assert cases
    for case in cases:
        seen = MODEL.on(prop.question(case))
        honest = Doctored(seen)
        check(prop, case, honest)
        for element, name in enumerate(honest.read):
            if not seen[name].any():
                continue  # off by 1e-8 of nothing
            with pytest.raises(Unmet):
                check(prop, case, Doctored(seen, name, element))
