"""Run the benchmarks, print their rows, and exit with 1 where a target is missed."""

import os

# One thread each; these are read when the libraries are loaded, so before any import of them.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[name] = "1"

import importlib
import sys
from pathlib import Path

from benchmarks.measure import HEADING


def main(names: list[str]) -> int:
    available = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    if unknown := [name for name in names if name not in available]:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(available)}", file=sys.stderr)
        return 2
    missed = 0
    for name in names or available:
        print(f"{name}\n{HEADING}")
        for row in importlib.import_module(f"benchmarks.bench_{name}").rows():
            print(row, flush=True)
            missed += not row.met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
