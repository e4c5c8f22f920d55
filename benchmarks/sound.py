"""No right hand-in ever loses a point: `tox -e sound` makes a million comparisons over the correct stored hand-ins.

A comparison is a property on a case. Sizes are log-uniform, one large at a time (N to 64, D and H to 512, T to 64, L to
6), scales too, as far as a case has an honest bound. Prints, for each property, how many comparisons there were, false
alarms, and the largest error / bound; exits with 1 where there is a false alarm, or where a bound was never reached
within a factor of 1000 (too loose).
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

from properties import compare
from properties.cases import Case, Classification, GRUSequence, GRUStep, Prediction, RNNSequence, RNNStep
from properties.expected import forget_answers
from properties.hand_in import InProcess, Remembering
from properties.outcomes import Unmet
from properties.registry import Property, all_properties

HAND_INS = Path(__file__).resolve().parents[1] / "fixtures" / "handins"
CORRECT = ("einsum", "loops", "stacked", "float32", "assigned", "column", "numerics", "packaged", "autodiff")
SLOW = {"loops": 32, "autodiff": 128}  # the largest size that plain Python is asked
LARGEST = {"N": 64, "D": 512, "H": 512, "T": 64, "C": 64, "L": 6}
WORK = 4e5  # N T L H (D + H), at the most
TOO_LOOSE = 1000
# Central differences of a float32 forward err by some 1e-2 of the largest gradient, so they often say that they cannot
# decide, which is no accusation: these tiers are asked only where a forward is wrong.
INTERVALS = ("gru_forward.state_lies_between_the_last_and_the_candidate",)  # no value that could be missed closely
DIFFERENCES = ("alternative", "condition")
SIZES: dict[type[Case], str] = {
    RNNStep: "NDH", RNNSequence: "NDHT", Classification: "NTDHCL",
    GRUStep: "DH", GRUSequence: "DHT", Prediction: "DHCT",
}  # fmt: skip


class Tally(NamedTuple):
    """What became of a property: comparisons, false alarms, and the largest error / bound."""

    comparisons: int
    alarms: tuple[str, ...]
    worst: float


def wild(family: str, kind: type[Case], random: np.random.Generator) -> Case:
    """A case of the family's kind at any size and scale at which it has an honest bound."""
    while True:
        sizes = {name: int(np.exp(random.uniform(0, np.log(9)))) for name in SIZES[kind]}
        large = random.choice(list(SIZES[kind]))
        sizes[large] = int(np.exp(random.uniform(0, np.log(LARGEST[large] + 1))))
        if "L" in sizes and large != "L":
            sizes["L"] = int(random.integers(1, 5))
        sizes = _in_family(family, sizes, random)
        work = np.prod([sizes.get(name, 1) for name in "NTLH"]) * (sizes["D"] + sizes["H"])
        if work <= WORK:
            break
    steps = sizes.get("T", 1) * sizes.get("L", 1)
    largest_scale = 1.0 if steps > 4 else 2.0 if steps > 1 else 3.0
    scale = float(np.exp(random.uniform(np.log(0.03), np.log(largest_scale))))
    rest: dict[str, Any] = {"scale": _scale(family, scale, random), "seed": int(random.integers(2**31))}
    if kind is Classification:
        rest["state"] = (
            "given" if family.startswith(("cut", "classification_points")) else random.choice(["given", "absent"])
        )
    if kind is GRUStep:
        rest["family"] = _gru_family(family, sizes, random)
    rest |= sizes
    return kind(**rest)


def _in_family(family: str, sizes: dict[str, int], random: np.random.Generator) -> dict[str, int]:
    if family.startswith("flat"):
        sizes[random.choice([name for name in sizes if name in "NDH"])] = 1
    if family == "batches":
        sizes["N"] = max(2, sizes["N"])
    if family.startswith("cut"):
        sizes["T"] = max(2, sizes["T"])
    if family.startswith("long"):
        sizes["T"] = int(random.integers(25, 65))
    if family.startswith("two_layer"):
        sizes["L"] = 2
    if family.endswith("points"):  # as the family itself: farther back in time forward hardly responds
        largest = 3 if family.startswith("classification") else 6
        sizes = {name: min(size, largest) for name, size in sizes.items()}
    if family == "gru_points":
        sizes = {name: max(2, size) for name, size in sizes.items()}
    if "C" in sizes and "L" in sizes:
        sizes["C"] = max(2, sizes["C"])
    return sizes


def _scale(family: str, scale: float, random: np.random.Generator) -> float:
    if family.startswith("saturated"):
        return float(random.uniform(4, 9))
    return 0.5 if family.endswith("points") else scale


def _gru_family(family: str, sizes: dict[str, int], random: np.random.Generator) -> str:
    kinds = {"closed_gru_steps": ("closed",), "open_gru_steps": ("open",)}
    like_torch = ("zero state", "diagonal", "equal rows", *(("general",) if sizes["H"] == 1 else ()))
    if family == "torch_like_gru_steps":
        return str(random.choice(like_torch))
    return str(random.choice(kinds.get(family, ("general",))))


def comparisons(seed: int, until: int) -> dict[str, Tally]:
    """Make at least `until` comparisons from this seed."""
    random = np.random.default_rng(seed)
    by_family: dict[str, list[Property]] = defaultdict(list)
    for prop in all_properties():
        if prop.tier != "advisory" and not prop.family.name.startswith("stored_"):
            by_family[prop.family.name].append(prop)
    hand_ins = {name: Remembering(InProcess(HAND_INS / name), most=64) for name in CORRECT}
    counts: dict[str, int] = defaultdict(int)
    alarms: dict[str, list[str]] = defaultdict(list)
    worst: dict[str, float] = defaultdict(float)
    while sum(counts.values()) < until:
        forget_answers()  # no case comes twice
        for family, props in by_family.items():
            case = wild(family, type(props[0].family.ladder[0]) if props[0].family.ladder else Classification, random)
            for name, hand_in in hand_ins.items():
                if name == "float32" and props[0].tier in DIFFERENCES:
                    continue
                largest = max(getattr(case, size) for size in SIZES[type(case)])
                if largest > SLOW.get(name, largest):
                    continue
                for prop, ratio, alarm in _checked(props, case, hand_in):
                    counts[prop.id] += 1
                    worst[prop.id] = max(worst[prop.id], ratio)
                    if alarm:
                        alarms[prop.id].append(f"{name} at {case}: {alarm}")
    return {name: Tally(count, tuple(alarms[name]), worst[name]) for name, count in counts.items()}


def _checked(props: list[Property], case: Case, hand_in: Remembering) -> Iterator[tuple[Property, float, str]]:
    """Each property, how close the hand-in came to its bound on the case, and the alarm if there was one."""
    for prop in props:
        alarm = ""
        with compare.ratios() as seen:
            try:
                prop.check_on(case, hand_in)
            except Unmet as unmet:
                alarm = str(unmet)
        yield prop, max(seen, default=0.0), alarm


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sound", description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    each = -(-options.comparisons // options.jobs)
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        parts = pool.starmap(comparisons, [(options.seed + 1000 * job, each) for job in range(options.jobs)])
    total: dict[str, Tally] = {}
    for part in parts:
        for name, tally in part.items():
            old = total.get(name, Tally(0, (), 0.0))
            total[name] = Tally(
                old.comparisons + tally.comparisons, old.alarms + tally.alarms, max(old.worst, tally.worst)
            )
    return _report(total, time.monotonic() - began)


def _report(total: dict[str, Tally], seconds: float) -> int:
    loose = []
    print(f"{'property':<72}{'comparisons':>12}{'alarms':>8}{'worst error / bound':>21}")
    for name, tally in total.items():
        print(f"{name:<72}{tally.comparisons:>12}{len(tally.alarms):>8}{tally.worst:>21.2g}")
        if 0 < tally.worst < 1 / TOO_LOOSE and name not in INTERVALS:
            loose.append(name)
    alarms = [alarm for tally in total.values() for alarm in tally.alarms]
    for alarm in alarms[:20]:
        print(f"false alarm: {alarm}")
    for name in loose:
        print(f"too loose: {name}")
    made = sum(tally.comparisons for tally in total.values())
    worst = max(tally.worst for tally in total.values())
    print(f"{made} comparisons in {seconds:.0f} s: {len(alarms)} false alarms, worst error / bound {worst:.2g}")
    return 1 if alarms or loose else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
