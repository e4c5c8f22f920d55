"""Every English text that a student may read, found in the sources by their syntax trees: the msgids of the catalogues.

Where texts of a report are made, all that reads like words is one: a string constant, or an f-string with {0}, {1} for
its values. A new message is so found without being listed; what is no text for students is listed in NOT_SHOWN.
Elsewhere in grading/ and in its templates the texts are those of tr("...").
"""

import ast
import functools
import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from properties.registry import STEPS

ROOT = Path(__file__).resolve().parents[1]

MADE_IN = (
    "properties/cases.py",
    "properties/compare.py",
    "properties/transcript.py",
    "properties/homework/*.py",
    "properties/interpreter/loader.py",
    "properties/interpreter/reply.py",
    "properties/interpreter/script.py",
    "grading/archives.py",
    "grading/diagnosis.py",
    "grading/entry.py",
    "grading/grade.py",
    "grading/judge.py",
    "grading/process.py",
    "grading/report.py",
    "grading/sandbox.py",
)
"""Where the texts of reports are made."""

OURS = frozenset({"Broken", "Usage", "KeyError", "FileExistsError", "Question", "Job"})
"""Calls whose arguments no report holds: errors of ours, which a student's report never shows, and scripts."""

NOT_SHOWN = {
    "it ended": "in a message of Broken",
    "an entry of the rubric has no property": "in a message of Broken",
    "the model solution": "a name in the catalogue's tests",
    "not for hand-ins": "what a file holds that the sandbox must hide",
    "equal rows": "a family of cases, as replay takes it",
    "zero state": "likewise",
    " raises ": "by which a message is cut",
    " in ": "between a line and its function",
    "{0} of {1}": "a type and its dtype; so general that it would fit what students write",
}
"""Words in those files that are no text for students, or are not translated, each with the reason."""

SINGLE_WORDS = {
    "properties/interpreter/script.py": ("method", "attribute"),
    "grading/judge.py": ("wrong",),
    "grading/diagnosis.py": ("transposed",),
}
"""Texts of one word, which do not read like words by themselves."""

WORDS = re.compile(r"[a-z]{2}")
PROGRAM = re.compile(r"^import |\n")  # what is run elsewhere

Found = dict[str, list[str]]
"""Msgids, and the files that each is in."""


@functools.cache
def of_grading() -> Found:
    """The msgids of the domain "grading"."""
    found: Found = {}
    files = [file for pattern in MADE_IN for file in sorted(ROOT.glob(pattern))]
    for file in files:
        _add(found, file, made_in(_read(file), SINGLE_WORDS.get(file.relative_to(ROOT).as_posix(), ())))
    from properties.registry import all_properties

    for prop in all_properties():
        part = f"{prop.part}: " if prop.part else ""
        _add(found, Path(str(prop.check.__code__.co_filename)), [prop.claim.removeprefix(part)])
    schema = ROOT / "grading" / "report.schema.json"
    _add(found, schema, _words_of_schema(schema))
    for file in sorted((ROOT / "grading").rglob("*.py")):
        _add(found, file, translated_in(_read(file)))
    for file in sorted((ROOT / "grading").rglob("*.j2")):
        _add(found, file, translated_in_template(_read(file)))
    return found


@functools.cache
def of_bugs() -> Found:
    """The msgids of the domain "bugs": what the catalogue says, and where to look."""
    from fixtures import catalogue

    found: Found = {}
    for bug in catalogue.load():
        file = catalogue.FOLDER / f"{bug.step.lower().replace(' ', '_')}.toml"
        _add(found, file, [bug.says])
    for bug in catalogue.load():
        _add(found, catalogue.FOLDER / "__init__.py", [bug.look_at])
    return found


def _add(found: Found, file: Path, msgids: Iterable[str]) -> None:
    name = file.relative_to(ROOT).as_posix()
    for msgid in msgids:
        places = found.setdefault(msgid, [])
        if name not in places:
            places.append(name)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def made_in(source: str, single: Collection[str] = ()) -> Iterator[str]:
    """The texts in a module that makes texts of reports, these of a single word among them."""
    for node in _strings(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            text, words = _msgid(node), "".join(_literals(node))
        else:
            text = words = str(node.value)
        if text in single or (
            WORDS.search(words) and " " in words and not PROGRAM.search(text) and text not in (*NOT_SHOWN, *STEPS)
        ):
            yield text


def _strings(node: ast.AST) -> Iterator[ast.JoinedStr | ast.Constant]:
    """String constants and f-strings, but for docstrings, annotations, and arguments of calls in OURS."""
    if isinstance(node, ast.JoinedStr):
        yield node
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _strings(part.value)
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node
        return
    if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in OURS:
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not is_docstring:
                yield from _strings(child)


def _msgid(node: ast.JoinedStr) -> str:
    """An f-string with {0}, {1} for its values."""
    numbers = iter(range(len(node.values)))
    return "".join(
        str(part.value).replace("{", "{{").replace("}", "}}")
        if isinstance(part, ast.Constant)
        else f"{{{next(numbers)}}}"
        for part in node.values
    )


def _literals(node: ast.JoinedStr) -> Iterator[str]:
    return (str(part.value) for part in node.values if isinstance(part, ast.Constant))


def translated_in(source: str) -> Iterator[str]:
    """The arguments of tr("...") in a module, and of tr("..." if ... else "...")."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "tr":
            for part in node.args[:1]:
                chosen = [part.body, part.orelse] if isinstance(part, ast.IfExp) else [part]
                yield from (str(each.value) for each in chosen if isinstance(each, ast.Constant))


def translated_in_template(source: str) -> Iterator[str]:
    """The arguments of tr("...") in a template."""
    from jinja2 import Environment
    from jinja2.ext import extract_from_ast

    for _, _, message in extract_from_ast(Environment(autoescape=True).parse(source), ["tr"]):
        yield from (text for text in ([message] if isinstance(message, str) else message or ()) if text)


def _words_of_schema(file: Path) -> list[str]:
    """The words for what became of a step or property, and for tiers."""
    definitions = json.loads(file.read_text(encoding="utf-8"))["$defs"]
    return [*definitions["outcome"]["enum"], *definitions["tier"]["enum"]]
