"""python -m grading.formats.html.screenshots: the README's pictures of a right, a wrong and a class's page.

The class is stored hand-ins, and the model solution with two known bugs planted in it, which is the wrong one.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from fixtures import catalogue
from grading import formats
from grading.faults import Usage
from grading.formats.html import CLASS_PAGE, PAGE
from grading.formats.html.browser import opened
from grading.versions import SUITE

HAND_INS = SUITE / "fixtures" / "handins"
RIGHT = "einsum"
WRONG = "two_mistakes"
PLANTED = ("rnn-backward-dW_hh-transposed", "gru-inference-one-row-late")
CLASS = (
    *(RIGHT, "assigned", "autodiff", "bottom_only", "crash_n1", "late", "loops", "numerics", "other_gate", "packaged"),
    *("reset_gate", "stacked", "summed", "syntax_error", "two_layers", "untouched", "wrong_shapes", "zeros"),
)
HEIGHT = 800  # of the window
COLOURS = 256  # of a picture, which is a third as large as with all of them
HIGHEST = 3000  # of a picture, which is as high as its page up to here


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pictures; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m grading.formats.html.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where the pictures go (default: %(default)s)")
    parser.add_argument("--reports", type=Path, help="take these reports, of an earlier run, rather than grade")
    parser.add_argument("--keep", type=Path, help="keep the reports in this folder")
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--dark", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            reports = asked.reports or graded(Path(folder), asked.keep or Path(folder) / "grades")
            for file in taken(reports, Path(folder) / "pages", asked.out, asked.lang, asked.width, asked.dark):
                print(file)
    except Usage as error:
        parser.error(str(error))
    return 0


def graded(folder: Path, out: Path) -> Path:
    """Grade the class, its wrong hand-in made in `folder`; return the folder of reports."""
    wrong = folder / WRONG
    shutil.copytree(SUITE / "impl", wrong, ignore=shutil.ignore_patterns("__pycache__"))
    for bug in catalogue.load():
        if bug.id in PLANTED:
            catalogue.apply(bug, wrong)
    paths = [*(HAND_INS / name for name in CLASS), wrong]
    command = [sys.executable, "-m", "grading", "grade", *map(str, paths), "--out", str(out)]
    status = subprocess.run(command, cwd=SUITE, stdout=subprocess.DEVNULL, check=False).returncode
    if status not in (0, 1):
        raise Usage(f"grading ended with exit status {status}")
    return out


def taken(reports: Path, pages: Path, out: Path, language: str, width: int, dark: bool) -> list[Path]:
    """Make the pages of these reports, and a picture each of the right, the wrong and the class's."""
    found, _ = formats.reports_at(reports)
    for name in (RIGHT, WRONG):
        if name not in {report["submission"] for report in found}:
            raise Usage(f"{reports} holds no report of {name}")
    formats.write(found, ["html"], pages, formats.Options(language=language))
    out.mkdir(parents=True, exist_ok=True)
    suffix = "".join(
        [f"-{language}" if language != "en" else "", f"-{width}" if width != 1280 else "", "-dark" if dark else ""]
    )
    files = []
    with opened() as context:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme="dark" if dark else "light")
        for name, shown in (("right", f"{RIGHT}/{PAGE}"), ("wrong", f"{WRONG}/{PAGE}"), ("class", CLASS_PAGE)):
            page.goto((pages / shown).resolve().as_uri())
            files.append(out / f"report-{name}{suffix}.png")
            height = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
            page.screenshot(path=files[-1], full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
            with Image.open(files[-1]) as picture:
                few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(files[-1], optimize=True)
    return files


if __name__ == "__main__":
    sys.exit(main())
