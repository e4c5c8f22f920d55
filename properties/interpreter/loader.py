"""Puts the modules of one hand-in in place and takes them out again.

A hand-in's modules import each other by bare name or as mytorch.NAME and hw3.NAME. Bare names are looked
up in mytorch/, hw3/ and the folder above them, after the standard library, as if the hand-in had appended these to
sys.path. Files that the hand-in may leave out come from `given`; those in `overlay` replace the hand-in's own.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType

PACKAGES = ("mytorch", "hw3")
SPELLINGS = {
    "RNN_Cell": ("RNN_Cell", "RNNCell"),
    "GRU_Cell": ("GRU_Cell", "GRUCell"),
    "RNN_Phoneme_Classifier": ("RNN_Phoneme_Classifier", "RNNPhonemeClassifier"),
    "CharacterPredictor": ("CharacterPredictor",),
    "inference": ("inference",),
}
HOMES = {
    "RNN_Cell": "mytorch/rnn_cell.py",
    "GRU_Cell": "mytorch/gru_cell.py",
    "RNN_Phoneme_Classifier": "hw3/rnn_classifier.py",
    "CharacterPredictor": "hw3/hw3.py",
    "inference": "hw3/hw3.py",
}


class Missing(Exception):
    """A file or a name that the hand-in should have is not there."""


class HandInModules:
    """A context manager in which the hand-in at `root` can be imported, run from `root` as its working folder.

    given and overlay map a module's bare name ("linear") to a file.
    """

    def __init__(self, root: Path, given: Mapping[str, Path], overlay: Mapping[str, Path]) -> None:
        self.root = root
        self.given = dict(given)
        self.overlay = dict(overlay)
        self.names = {*PACKAGES, *given, *overlay, *_importable(root, root / "mytorch", root / "hw3")}
        self._modules: dict[str, ModuleType] = {}  # the hand-in's, while they are not in place
        self._found: dict[str, object] = {}

    def __enter__(self) -> "HandInModules":
        self._outside = (os.getcwd(), sys.dont_write_bytecode, list(sys.path))
        self._displaced = {name: sys.modules.pop(name) for name in self.names if name in sys.modules}
        self._others = set(sys.modules)
        sys.modules.update(self._modules)
        sys.meta_path.insert(0, self)
        os.chdir(self.root)
        sys.dont_write_bytecode = True
        return self

    def __exit__(self, *_: object) -> None:
        folder, sys.dont_write_bytecode, sys.path[:] = self._outside
        os.chdir(folder)
        sys.meta_path.remove(self)
        ours = [name for name in set(sys.modules) - self._others if name.partition(".")[0] in self.names]
        self._modules = {name: sys.modules.pop(name) for name in ours}
        sys.modules.update(self._displaced)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The import system asks here first (importlib.abc.MetaPathFinder)."""
        if fullname in PACKAGES:
            return self._package(fullname)
        file = self._file(fullname)
        if file is None:
            return None
        kind = _ModelCell if file in self.overlay.values() else _Source
        return importlib.util.spec_from_file_location(fullname, file, loader=kind(fullname, str(file)))

    def find(self, name: str) -> object:
        """Return the class or function `name`, in any of its spellings. Raises Missing, or what the import raises."""
        if name not in self._found:
            file = self.home(name)
            module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
            spellings = [spelling for spelling in SPELLINGS[name] if hasattr(module, spelling)]
            if not spellings:
                raise Missing(f"{file} has no {name}")
            self._found[name] = getattr(module, spellings[0])
        return self._found[name]

    def home(self, name: str) -> str:
        """The file, relative to the root, in which `name` counts. Raises Missing."""
        file = HOMES[name]
        if Path(file).stem in self.overlay or (self.root / file).is_file():
            if name == "GRU_Cell" and "gru_cell" not in self.overlay and (self.root / "hw3/gru_cell.py").is_file():
                return self._imported_by_hw3()
            return file
        if name == "GRU_Cell" and (self.root / "hw3/gru_cell.py").is_file():
            return "hw3/gru_cell.py"
        raise Missing(f"{file} is missing")

    def _imported_by_hw3(self) -> str:
        """Of two gru_cell.py, the one whose class hw3.py's import found; mytorch's where that cannot be told."""
        try:
            module = importlib.import_module("hw3.hw3")
        except BaseException:  # whatever it raises costs the predictor, and not the cell
            return HOMES["GRU_Cell"]
        for spelling in SPELLINGS["GRU_Cell"]:
            home = sys.modules.get(getattr(getattr(module, spelling, None), "__module__", ""))
            if home is not None and Path(str(home.__file__)).parent.name == "hw3":
                return "hw3/gru_cell.py"
        return HOMES["GRU_Cell"]

    def _package(self, name: str) -> importlib.machinery.ModuleSpec | None:
        folder = self.root / name
        file = folder / "__init__.py"
        if file.is_file():
            loader = _Source(name, str(file))
            return importlib.util.spec_from_file_location(
                name, file, loader=loader, submodule_search_locations=[str(folder)]
            )
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        return spec

    def _file(self, fullname: str) -> Path | None:
        package, _, name = fullname.rpartition(".")
        if package not in ("", *PACKAGES) or name not in self.names:
            return None
        if name in self.overlay:
            return self.overlay[name]
        for folder in (package,) if package else (*PACKAGES, "."):
            for file in (self.root / folder / f"{name}.py", self.root / folder / name / "__init__.py"):
                if file.is_file():
                    return file
        return self.given.get(name)


class _Source(importlib.machinery.SourceFileLoader):
    """Runs what a reader of the file reads, whatever a .pyc beside it says."""

    def get_code(self, fullname: str) -> CodeType:
        file = self.get_filename(fullname)
        return self.source_to_code(self.get_data(file), file)


class _ModelCell(_Source):
    """Loads a file of the overlay and gives its class every spelling that a hand-in may import it by."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for name, spellings in SPELLINGS.items():
            for spelling in spellings:
                if hasattr(module, name):
                    setattr(module, spelling, getattr(module, name))


def _importable(*folders: Path) -> set[str]:
    """The bare names that these folders offer; the standard library and NumPy go before them."""
    files = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
    names = {file.stem for file in files if file.suffix == ".py" or (file / "__init__.py").is_file()}
    return names - sys.stdlib_module_names - {"numpy"}
