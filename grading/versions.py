"""What a grade was made with."""

import functools
import hashlib
import platform
import tomllib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SUITE = Path(__file__).resolve().parents[1]
DECIDING = ("grading", "impl", "properties", "reference", "fixtures/arrays", "fixtures/catalogue")
"""The folders on which a report depends. Tests, and what reports are made into, are no part of it."""
TELLING = ("properties/suite/", "grading/formats/")
ASKING = ("properties", "reference", "fixtures/arrays")
"""The folders on which an exam depends: what is asked, and what is right."""

SUITE_VERSION: str = tomllib.loads((SUITE / "pyproject.toml").read_text("utf-8"))["project"]["version"]


@functools.cache
def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that decide, without importing them; "absent" for one not there."""
    return {"python": platform.python_version(), **{name: _version(name) for name in ("numpy", "torch", "hypothesis")}}


def _version(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return "absent"


@functools.cache
def suite_digest(folders: Sequence[str] = DECIDING) -> str:
    """A digest of all that decides: the same for two checkouts that grade alike, whatever their version says."""
    digest = hashlib.sha256(SUITE_VERSION.encode())
    for folder in folders:
        for file in sorted((SUITE / folder).rglob("*")):
            name = file.relative_to(SUITE).as_posix()
            if file.suffix in (".py", ".toml", ".npz") and not name.startswith(TELLING):
                data = file.read_bytes()
                digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:16]
