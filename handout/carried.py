"""Which files of this project go into a hand-out, so that its runner is the same suite and not a second one.

They follow from the code: what the runner's entry imports, what that imports, and so on. What would give the solution
away stays here; a carried module may import it inside a function that the runner does not call, and never at its top.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import resolve_name
from pathlib import Path
from typing import NamedTuple

from handout.contents import ROOT, WHOLE, DoesNotFit

ENTRIES = ("grading.runner", "training.command_line")

NOT_CARRIED: Mapping[str, str] = {
    "reference.twins": "the equations in NumPy, forward and backward by hand: the solution in other names",
    "reference.gru": "the gated unit's equations as a program: the solution of its forward",
    "reference.rnn": "an oracle in torch; the exam holds what it answers",
    "reference.torch_gru": "an oracle in torch; the exam holds what it answers",
    "properties.drawing": "draws cases to which no answer was kept, and needs Hypothesis",
    "fixtures.catalogue": "every bug of it is an edit of the solution",
    "training.in_torch": "the networks in torch: the solution's equations; their losses come along instead",
    "training.drift": "the gradients by hand; what it allows comes along instead",
    "grading.slopes": "draws a gradient beside differences of the equations",
    "grading.diagnosis": "compares with the catalogue's bugs, planted in the solution",
}
"""What may be imported inside functions alone, each with the reason why it is not carried."""

BY_NAME: Mapping[str, tuple[str, ...]] = {
    "properties.registry": ("properties/homework/test_*.py",),
    "grading.process": ("properties/interpreter/child.py",),
}
"""Modules that another finds or starts by name, where no import shows it."""

BESIDE: Mapping[str, tuple[str, ...]] = {
    "grading.rubric": ("grading/rubric.toml",),
    "grading.language": ("grading/locale/zh/LC_MESSAGES/grading.mo",),
    "grading.versions": ("pyproject.toml",),
    "properties.stored": ("fixtures/arrays/*.npz",),
    "properties.hand_in": tuple(f"impl/{file}" for file in WHOLE),
}
"""Files that a module reads, which are no modules. Of impl/, only what is handed out anyway."""

NOT_NEEDED: Mapping[str, str] = {
    "hypothesis": "draws and shrinks cases, which the runner does not",
    "matplotlib": "draws the curves of training for those who have it",
}
"""Libraries that a carried module imports inside a function that the runner does not call."""


class Import(NamedTuple):
    """An import of a module, by its full name; `names` are those taken from it, which may be modules themselves."""

    module: str
    names: tuple[str, ...]
    lazy: bool


def carried_files(root: Path = ROOT, entries: Sequence[str] = ENTRIES) -> list[str]:
    """The carried files, relative to the project's root and sorted.

    Raises DoesNotFit for a module that is not there, and for one that imports at its top what is not carried.
    """
    return sorted({file for module in _carried_modules(root, entries) for file in _files_of(root, module)})


def requirements(root: Path = ROOT, entries: Sequence[str] = ENTRIES) -> list[str]:
    """The libraries that the carried files import, as pyproject.toml requires them, sorted."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {line.partition(">=")[0].strip(): line for line in project["dependencies"]}
    modules = _carried_modules(root, entries)
    outside = {found.module.partition(".")[0] for module in modules for found in _imports(root, module)}
    outside -= {*sys.stdlib_module_names, *NOT_NEEDED, *_packages(root)}
    for name in sorted(outside - required.keys()):
        raise DoesNotFit(f"the hand-out needs {name}, which is no dependency in pyproject.toml")
    return [required[name] for name in sorted(outside)]


def _carried_modules(root: Path, entries: Sequence[str]) -> list[str]:
    """The entries and every module that they need."""
    carried: list[str] = []
    due = list(entries)
    while due:
        module = due.pop()
        if module not in carried:
            carried.append(module)
            due += _needed_by(root, module)
    return carried


def _needed_by(root: Path, module: str) -> Iterator[str]:
    """The modules of this project that a module needs: its packages, its imports, and what it finds by name."""
    yield from _enclosing(module)
    packages = _packages(root)
    for found in _imports(root, module):
        if found.module.partition(".")[0] not in packages:
            continue
        names = [f"{found.module}.{name}" for name in found.names]
        for name in [found.module, *(name for name in names if _file(root, name) is not None)]:
            reason = next((NOT_CARRIED[part] for part in (name, *_enclosing(name)) if part in NOT_CARRIED), None)
            if reason is None:
                yield name
            elif not found.lazy:
                raise DoesNotFit(f"{module} imports {name} at its top, which is not handed out: {reason}")
    for pattern in BY_NAME.get(module, ()):
        yield from (file.removesuffix(".py").replace("/", ".") for file in _matching(root, module, pattern))


def _files_of(root: Path, module: str) -> Iterator[str]:
    file = _file(root, module)
    if file is not None:
        yield file
    for pattern in BESIDE.get(module, ()):
        yield from _matching(root, module, pattern)


def _matching(root: Path, module: str, pattern: str) -> list[str]:
    files = sorted(file.relative_to(root).as_posix() for file in root.glob(pattern))
    if not files:
        raise DoesNotFit(f"{module} needs {pattern}, which is not there (handout/carried.py)")
    return files


def _enclosing(module: str) -> list[str]:
    """The packages that hold a module, the innermost first."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]


def _packages(root: Path) -> set[str]:
    """The project's own folders of modules."""
    return {file.parent.name for file in root.glob("*/*.py")}


def _file(root: Path, module: str) -> str | None:
    """The file of a module of the project; None for a folder without __init__.py, and for what is no module."""
    path = module.replace(".", "/")
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if (root / file).is_file()), None)


def _imports(root: Path, module: str) -> list[Import]:
    """What a module imports, be it at its top or inside functions; for type checkers alone does not count."""
    file = _file(root, module)
    if file is None:
        if (root / module.replace(".", "/")).is_dir():
            return []
        raise DoesNotFit(f"the hand-out needs {module}, which is not there")
    return list(_found(ast.parse((root / file).read_text(encoding="utf-8")), module, file, lazy=False))


def _found(node: ast.AST, module: str, file: str, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, (), lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            package = module if file.endswith("__init__.py") else module.rpartition(".")[0]
            source = resolve_name("." * child.level + (child.module or ""), package)
            yield Import(source, tuple(alias.name for alias in child.names), lazy)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from (found for other in child.orelse for found in _found(other, module, file, lazy))
        else:
            in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _found(child, module, file, lazy or in_function)
