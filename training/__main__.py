"""The entry of `python -m training`; see training.command_line."""

import os
import sys

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy and torch are imported: arrays are small

from training.command_line import main  # noqa: E402  # for the reason above

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
