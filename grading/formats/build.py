"""Archives that grade on a platform: python -m grading.formats.build gradescope|autolab [--out DIR] [--exam FILE] ...

    DIR/gradescope.zip                       to upload to Gradescope as the autograder
    DIR/autograde.tar, DIR/autograde-Makefile     Autolab's autograder

Each holds the suite, the rubric, and the exam: with --exam the one that was kept there (`python -m grading grade impl
--exam FILE --key -` makes it), and otherwise the public practice exam. So a key is never in an archive. The cases that
were drawn under it are: whoever has the archive has them, and the model solution. templates/README.md says how they are
installed and what is protected there.

Exit status: 0 written, 2 usage, 3 broken: the model solution loses points here.
"""

import argparse
import gzip
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grading.faults import Broken, Usage
from grading.formats import VISIBILITIES, Options, autolab, gradescope
from grading.formats.on_platform import EXAM, RUBRIC, SETTINGS
from grading.language import LANGUAGES
from grading.pack import File, tarred, zipped

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).with_name("templates")
PLATFORMS = ("gradescope", "autolab")
SUITE = (
    *("grading/**/*.py", "grading/*.toml", "grading/*.json", "grading/*.ini", "grading/locale/**/*.mo"),
    *("properties/*.py", "properties/homework/*.py", "properties/interpreter/*.py", "reference/*.py"),
    *("impl/mytorch/*.py", "impl/hw3/*.py", "fixtures/__init__.py", "fixtures/quiz.toml", "fixtures/arrays/*.npz"),
    *("fixtures/catalogue/**/*.py", "fixtures/catalogue/**/*.toml", "pyproject.toml", "LICENSE"),
)
"""The files that grading needs, and no hand-in, attack or test."""
NOT_NEEDED = (
    "grading/formats/html/",
    "grading/formats/build.py",
    "grading/cluster.py",
    "grading/translations.py",
    "grading/texts.py",
)
WHEELS = "https://download.pytorch.org/whl/cpu"  # of PyTorch without CUDA, which is gigabytes
HAND_IN = "handin.tar"


def main(arguments: Sequence[str]) -> int:
    """Build an archive and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        for name, content in _built(options).items():
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / name).write_bytes(content)
            print(f"{options.out / name}: {len(content):,} bytes")
    except Usage as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"build: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except Broken as error:
        print(f"build is broken, and nothing is written: {error}", file=sys.stderr)
        return 3
    return 0


def _built(options: argparse.Namespace) -> dict[str, bytes]:
    settings = {
        "isolation": options.isolation,
        "language": options.lang,
        "private_visibility": options.private_visibility,
        "leaderboard": options.leaderboard,
    }
    files = {
        **{f"suite/{name}": file for name, file in suite_files().items()},
        EXAM: File(exam_bytes(options.exam, options.rubric)),
        RUBRIC: File(options.rubric.read_bytes()),
        SETTINGS: File(_json(settings)),
        "requirements.txt": File("".join(f"{line}\n" for line in requirements()).encode()),
        "README.md": _template("README.md"),
    }
    if options.platform == "gradescope":
        return {"gradescope.zip": zipped(gradescope_files(files, options.lang))}
    makefile = _template("autolab/autograde-Makefile").content.replace(HAND_IN.encode(), options.hand_in.encode())
    files["broken.txt"] = File(autolab.broken(options.lang).encode())
    packed = tarred({f"autograder/{name}": file for name, file in files.items()})
    return {"autograde.tar": gzip.decompress(packed), "autograde-Makefile": makefile}


def gradescope_files(files: Mapping[str, File], language: str) -> dict[str, File]:
    """The files of the archive for Gradescope."""
    broken = gradescope.as_text(gradescope.broken(language))
    scripts = {name: _template(f"gradescope/{name}", executable=True) for name in ("setup.sh", "run_autograder")}
    return {**files, **scripts, "broken.json": File(broken.encode())}


def suite_files(root: Path = ROOT) -> dict[str, File]:
    """The files of the suite, with the same line ends from every checkout."""
    names = {file.relative_to(root).as_posix() for pattern in SUITE for file in root.glob(pattern)}
    wanted = sorted(name for name in names if "__pycache__" not in name and not name.startswith(NOT_NEEDED))
    return {name: File((root / name).read_bytes()) for name in wanted}


def exam_bytes(kept: Path | None, rubric: Path) -> bytes:
    """The exam that was kept in this file, or the practice exam; the model solution passes. Raises Usage and Broken."""
    from grading.run import Wanted, prepare
    from properties.registry import STEPS

    if kept is not None and not kept.is_file():
        raise Usage(f"--exam {kept} is not there; `python -m grading grade impl --exam {kept} --key -` makes it")
    with tempfile.TemporaryDirectory(prefix="exam-") as folder:
        file = Path(folder) / EXAM if kept is None else kept
        prepare(Wanted(None, "none", rubric, list(STEPS), file), sent=False)
        return file.read_bytes()


def requirements(root: Path = ROOT) -> list[str]:
    """What must be installed, for pip: the libraries with which the exam was made in these very versions.

    Raises Usage where one of them is not installed here.
    """
    import tomllib

    from grading.exam import LIBRARIES
    from grading.versions import versions

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = {re.split(r"[<>=!~\[ ]", line)[0]: line for line in project["dependencies"]}
    for name in LIBRARIES:
        if versions()[name] == "absent":
            raise Usage(f"{name} is not installed here, and the archive's exam is made with it")
        lines[name] = f"{name}=={versions()[name]}"
    return [f"--extra-index-url {WHEELS}", *(lines[name] for name in sorted(lines))]


def _template(name: str, executable: bool = False) -> File:
    return File((TEMPLATES / name).read_bytes().replace(b"\r\n", b"\n"), executable)


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode() + b"\n"


def _hand_in_name(text: str) -> str:
    if not re.fullmatch(r"[\w.-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} should be a file's name of letters, digits, dots and dashes")
    return text


def _parser() -> argparse.ArgumentParser:
    from grading.rubric import DEFAULT

    parser = argparse.ArgumentParser(prog="python -m grading.formats.build", description="Build an autograder archive.")
    parser.add_argument("platform", choices=PLATFORMS)
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR", help="where (default: %(default)s)")
    parser.add_argument("--exam", type=Path, metavar="FILE", help="an exam that was kept (default: the practice exam)")
    parser.add_argument("--rubric", type=Path, default=DEFAULT, metavar="FILE", help="points by step and entry")
    parser.add_argument(
        "--isolation", choices=("auto", "sandbox"), default="auto",
        help="sandbox: no grade where there is no sandbox (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="the students' language (default: %(default)s)")
    parser.add_argument(
        "--private-visibility", choices=VISIBILITIES, default=Options.private_visibility,
        help="when gradescope shows what was lost on private cases alone (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--leaderboard", action="store_true", help="gradescope gets a leaderboard of points")
    parser.add_argument(
        "--hand-in", type=_hand_in_name, default=HAND_IN, metavar="NAME",
        help="what autolab calls a hand-in (default: %(default)s)",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
