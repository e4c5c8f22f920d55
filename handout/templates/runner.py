"""Check your homework: python ./autograder/hw3_autograder/runner.py, in the folder that holds mytorch/ and hw3/."""

import os
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUITE = HERE / "suite"
LEAST = (3, 11)


def run() -> int:
    """Check the homework that this folder lies in, and return the exit status: 3 where it could not be checked."""
    if sys.version_info < LEAST:
        return _cannot(f"it needs Python {LEAST[0]}.{LEAST[1]} or newer, and this is {sys.version.split()[0]}")
    sys.path.insert(0, str(SUITE))
    sys.dont_write_bytecode = True
    try:
        runner = import_module("grading.runner")
    except ModuleNotFoundError as error:
        if (SUITE / str(error.name).partition(".")[0]).is_dir() or not SUITE.is_dir():
            return _cannot(f"{SUITE} is not whole ({error}); unpack the homework's archive again")
        return _cannot(f'{error}; run: "{sys.executable}" -m pip install -r "{HERE / "requirements.txt"}"')
    except Exception as error:
        return _cannot(f"{SUITE} is damaged ({type(error).__name__}: {error}); unpack the homework's archive again")
    try:
        status: int = runner.main(HERE.parents[1], HERE / "data" / "exam.npz", sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader went away: `| head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the process ends
        return 3
    except Exception as error:
        return _cannot(
            f"{type(error).__name__}: {error}; unpack the homework's archive again, or ask who gave it to you"
        )
    return status


def _cannot(reason: str) -> int:
    print("runner.py cannot check anything: " + reason, file=sys.stderr)
    return 3


if __name__ == "__main__":
    try:
        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(_cannot("it was interrupted"))
