"""Speed promises, each measured as a ratio within one run, so that they hold on any machine.

`python -m benchmarks` runs every `bench_*.py` in this folder, `python -m benchmarks impl` only `bench_impl.py`. Such a
module has one function, `rows()`, which measures and yields `measure.Row`s.
"""
