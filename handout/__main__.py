"""The command line: python -m handout [--style blanks|bodies] [--out DIR]

Writes DIR/program.zip and DIR/program.tar.gz. Exit status: 0 written, 2 usage, 3 broken: nothing is written.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from grading import pack
from handout.contents import DoesNotFit
from handout.practice import practice_exam
from handout.program import program
from handout.skeleton import STYLES
from training.characters import Characters
from training.kept import curves
from training.phonemes import Phonemes

WRITTEN, USAGE, BROKEN = 0, 2, 3


def main(arguments: Sequence[str]) -> int:
    """Build the hand-out and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        files = program(options.style, practice_exam(), curves([Phonemes(), Characters()]))
        options.out.mkdir(parents=True, exist_ok=True)
        for name, content in (("program.zip", pack.zipped(files)), ("program.tar.gz", pack.tarred(files))):
            (options.out / name).write_bytes(content)
            print(f"{options.out / name}: {len(files)} files, {len(content):,} bytes")
    except DoesNotFit as error:
        print(f"handout is broken, and nothing is written: {error}", file=sys.stderr)
        return BROKEN
    except OSError as error:
        print(f"handout: {error.filename}: {error.strerror}", file=sys.stderr)
        return USAGE
    return WRITTEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m handout", description="Build what students are given.")
    parser.add_argument("--style", choices=STYLES, default=STYLES[0], help="what is to fill in (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR", help="where (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
