"""A property is written once: a plain function of case and transcript, registered, and made an ordinary pytest test.

    @required("RNN Forward", entry="h_t", cases=rnn_steps, script=scripts.rnn_forward)
    def test_state_equals_torch(case, seen):
        \"\"\"h_t is what torch.nn.RNNCell computes from the same weights.\"\"\"
        assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], what="h_t")

Tiers: a *required* property decides points. An *advisory* one is reported and never scored. An *alternative* one takes
the place of agreement with an oracle where the hand-in's own forward is wrong and meets every *condition*
(grading.rubric).
"""

import functools
import hashlib
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from properties.cases import Case
from properties.hand_in import Question, Remembering
from properties.outcomes import Unmet
from properties.strategies import Family

STEPS = ("RNN Forward", "RNN Backward", "RNN Classifier", "GRU Forward", "GRU Backward", "GRU Inference")
CELL_STEPS = {  # the steps of the cell on which a step rests
    "RNN Classifier": ("RNN Forward", "RNN Backward"),
    "GRU Inference": ("GRU Forward",),
}
PRACTICE_KEY = "practice"
AGREEMENT = "agreement"
SELF_CONSISTENCY = "self-consistency"

Check = Callable[..., None]
Script = Callable[[Any], Sequence[str]]


@dataclass(frozen=True, eq=False)
class Property:
    """One claim about one entry of one step.

    kind is "agreement" (with an oracle, a stored array or a law that follows from the equations) or
    "self-consistency" (of the hand-in's results with each other).
    """

    id: str
    claim: str
    step: str
    entry: str
    tier: str
    kind: str
    family: Family
    script: Script
    check: Check
    part: str | None

    def question(self, case: Case) -> Question:
        """What must be asked of a hand-in to check the property on this case."""
        return _question(self.step, self.script, case)

    def check_on(self, case: Case, hand_in: Remembering) -> None:
        """Raise Unmet if the hand-in does not have the property on this case."""
        __tracebackhide__ = True
        seen = hand_in.on(self.question(case))
        if self.id in seen.met:
            return
        parts = () if self.part is None else (self.part,)
        with np.errstate(all="ignore"):  # a hand-in's nan and inf are told by the comparison, not by a warning
            self.check(case, seen, *parts)
        seen.met.add(self.id)


@functools.lru_cache(maxsize=8192)
def _question(step: str, script: Script, case: Case) -> Question:
    return Question(step, case, tuple(script(case)))


_properties: dict[str, Property] = {}


def all_properties() -> tuple[Property, ...]:
    """Every property of the homework, in the order of the steps and of their files."""
    for step in STEPS:
        importlib.import_module(f"properties.homework.test_{step.lower().replace(' ', '_')}")
    return tuple(sorted(_properties.values(), key=lambda prop: STEPS.index(prop.step)))


def _decorator(tier: str) -> Callable[..., Callable[[Check], Check]]:
    def decorator(
        step: str,
        entry: str | None = None,
        *,
        cases: Family,
        script: Script,
        each: Iterable[str] = (),
        kind: str = AGREEMENT,
    ) -> Callable[[Check], Check]:
        """Register the check for this entry, or once for `each` part: of the entry, or each an entry of its own."""

        def register(check: Check) -> Check:
            name = f"{step.lower().replace(' ', '_')}.{check.__name__.removeprefix('test_')}"
            claim = " ".join((check.__doc__ or "").split())
            made = [
                Property(
                    name if part is None else f"{name}[{part}]",
                    claim if part is None else f"{part}: {claim}",
                    step, entry or str(part), tier, kind, cases, script, check, part,
                )
                for part in (tuple(each) or (None,))
            ]  # fmt: skip
            _properties.update({prop.id: prop for prop in made})
            return _as_test(check, made)

        return register

    return decorator


required = _decorator("required")
advisory = _decorator("advisory")
alternative = _decorator("alternative")
condition = _decorator("condition")


def _as_test(check: Check, properties: Sequence[Property]) -> Check:
    """Make the pytest test of a check: an item for each property, on own and model cells where it rests on a cell."""
    step, tier = properties[0].step, properties[0].tier
    cells = ["own", "model"] if step in CELL_STEPS else ["own"]

    @pytest.mark.parametrize("cells", cells, ids=[f"{kind} cells" for kind in cells] if len(cells) > 1 else [""])
    @pytest.mark.parametrize("prop", properties, ids=[prop.part or "" for prop in properties])
    def test(prop: Property, cells: str, hand_in: Callable[[str], Remembering], exam_key: str) -> None:
        __tracebackhide__ = True
        from properties.drawing import try_examples  # Hypothesis, which a kept exam does without

        try_examples(prop, hand_in(cells), exam_key)

    test.__doc__ = check.__doc__
    if tier == "advisory":
        return pytest.mark.xfail(raises=Unmet, strict=False, reason="advisory: costs no points")(test)
    return test


def seed_of(key: str, family: Family) -> int:
    """The seed of a family's cases: the same for every property on it, so that one transcript serves them all."""
    return int.from_bytes(hashlib.sha256(f"{key}\n{family.name}".encode()).digest()[:8], "big")
