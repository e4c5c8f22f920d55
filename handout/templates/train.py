"""See your networks learn: python ./autograder/hw3_autograder/train.py phonemes | characters [--plot FILE]"""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.insert(0, str(HERE / "suite"))
    sys.dont_write_bytecode = True
    try:
        command = import_module("training.command_line")
    except ModuleNotFoundError as error:
        sys.exit(f'train.py: {error}; run: "{sys.executable}" -m pip install -r "{HERE / "requirements.txt"}"')
    sys.exit(command.main(sys.argv[1:], HERE.parents[1], HERE / "data" / "training.npz"))
