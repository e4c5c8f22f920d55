"""What a grade was made with."""

import platform
import tomllib
from importlib.metadata import version
from pathlib import Path

SUITE_VERSION: str = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8"))[
    "project"
]["version"]


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that decide, without importing them."""
    return {
        "python": platform.python_version(),
        **{name: version(name).partition("+")[0] for name in ("numpy", "torch", "hypothesis")},
    }
