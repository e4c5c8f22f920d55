"""Compares two ways to do the same thing, fairly, on a machine that is also doing something else."""

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import NamedTuple

RUN_SECONDS = 0.002  # a run repeats its call for about this long, which the clock resolves well
ROUNDS = 8  # each with newly built objects, as the speed of one also depends on where in memory its arrays happen to be


class Row(NamedTuple):
    """One line of the table: how many times as fast as the other `ours` is, and how many times it should be."""

    case: str
    ours: float  # seconds a call
    other: float  # seconds a call
    ratio: float
    target: float

    @property
    def met(self) -> bool:
        return self.ratio >= self.target

    def __str__(self) -> str:
        return (
            f"{self.case:<46} {self.ours * 1e6:>10.1f} {self.other * 1e6:>10.1f} {self.ratio:>7.2f} {self.target:>7.2f}"
            f"  {'met' if self.met else 'MISSED'}"
        )


HEADING = f"{'case':<46} {'ours, us':>10} {'other, us':>10} {'ratio':>7} {'target':>7}"

Step = Callable[[], object]


def compare(
    case: str, make_ours: Callable[[], Step], make_other: Callable[[], Step], *, target: float, seconds: float = 4.0
) -> Row:
    """Run the two in turns for about `seconds`; return the medians of the times and of the ratios of neighbours.

    In turns, so that whatever else the machine does slows both alike; medians, so that a run which was interrupted
    does not count; without the garbage collector, as `timeit` does.
    """
    times: list[tuple[float, float]] = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            ours, other = make_ours(), make_other()
            n_ours, n_other = _calls_a_run(ours), _calls_a_run(other)
            end = perf_counter() + seconds / ROUNDS
            while perf_counter() < end:
                times.append((_time(ours, n_ours), _time(other, n_other)))
    finally:
        if collecting:
            gc.enable()
    return Row(
        case,
        ours=median(ours for ours, _ in times),
        other=median(other for _, other in times),
        ratio=median(other / ours for ours, other in times),
        target=target,
    )


def _calls_a_run(call: Step) -> int:
    """Return how many calls take about RUN_SECONDS, and warm up by finding out."""
    number = 1
    while (took := _time(call, number) * number) < RUN_SECONDS:
        number *= 2
    return max(1, round(number * RUN_SECONDS / took))


def _time(call: Step, number: int) -> float:
    """Return the seconds of one call, from `number` of them."""
    start = perf_counter()
    for _ in range(number):
        call()
    return (perf_counter() - start) / number
