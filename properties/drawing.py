"""Drawing cases with Hypothesis: for an exam, for a test, and to find a smaller one on which a property fails.

This and the suite's own tests are all that import Hypothesis, so that a run with a kept exam in which nothing fails
does without it.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import Phase, given

from properties.cases import Case
from properties.hand_in import Remembering
from properties.outcomes import Unmet
from properties.registry import Property, seed_of
from properties.strategies import Family

AS_THEY_COME: Any = {"database": None, "deadline": None, "suppress_health_check": list(hypothesis.HealthCheck)}


def draw(family: Family, key: str, count: int) -> list[Case]:
    """The first `count` cases, at the most, that Hypothesis draws from the family under this key."""
    cases: list[Case] = []

    @hypothesis.seed(seed_of(key, family))
    @hypothesis.settings(max_examples=count, phases=[Phase.generate], **AS_THEY_COME)
    @given(case=family.strategy)
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases


def smallest(family: Family, seed: int, fails: Callable[[Case], bool], examples: int, seconds: float) -> None:
    """Let Hypothesis search the family from this seed for a case that fails, and shrink it, within so many seconds.

    `fails` is called with one case after the other; the last on which it was true is the smallest that was found.
    """
    until = time.monotonic() + seconds

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        phases=[Phase.generate, Phase.shrink],
        verbosity=hypothesis.Verbosity.quiet,
        **AS_THEY_COME,
    )
    @given(case=family.strategy)
    def holds(case: Case) -> None:
        if time.monotonic() <= until and fails(case):
            raise Unmet("")

    with contextlib.suppress(Unmet, hypothesis.errors.Flaky, BaseExceptionGroup):
        holds()


def try_examples(prop: Property, hand_in: Remembering, key: str) -> None:
    """Try the property on its ladder and on cases drawn by Hypothesis; raise Unmet on the smallest that fails."""
    __tracebackhide__ = True

    def holds(case: Case) -> None:
        __tracebackhide__ = True
        try:
            prop.check_on(case, hand_in)
        except Unmet as unmet:
            unmet.add_note("\n".join([f"  at {case}:", *(f"    {line}" for line in prop.script(case))]))
            raise

    test = hypothesis.seed(seed_of(key, prop.family))(given(case=prop.family.strategy)(holds))
    for case in reversed(prop.family.ladder):
        test = hypothesis.example(case=case)(test)
    test()
