"""The imports of a handed-out file: those stay that it uses, and those that what is to be written will use."""

import sys
from collections.abc import Iterable, Sequence

import libcst as cst

from handout.contents import IMPORTS, DoesNotFit


def is_import(statement: cst.CSTNode) -> bool:
    """Whether the statement is an import, or the sys.path.append before one."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return False
    part = statement.body[0]
    if isinstance(part, cst.Expr) and isinstance(part.value, cst.Call):
        return cst.Module([]).code_for_node(part.value.func) == "sys.path.append"
    return isinstance(part, cst.Import | cst.ImportFrom)


def mentioned(nodes: Iterable[cst.CSTNode]) -> set[str]:
    """Every name in these nodes, be it a variable's, a function's, or an attribute's."""
    names = _Names()
    for node in nodes:
        node.visit(names)
    return names.found


class _Names(cst.CSTVisitor):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)


def without_idle_ones(body: Sequence[cst.BaseStatement], file: str) -> list[cst.BaseStatement]:
    """The body without imports of which nothing is used or will be. Raises DoesNotFit for one of unknown modules."""
    used = mentioned(statement for statement in body if not is_import(statement))
    kept: list[cst.BaseStatement] = []
    for statement in body:
        part = statement.body[0] if is_import(statement) and isinstance(statement, cst.SimpleStatementLine) else None
        if not isinstance(part, cst.Import | cst.ImportFrom):
            kept.append(statement)
        elif (needed := _needed(part, used, file)) is not None:
            kept.append(statement.with_changes(body=[needed]))
    return kept


def _needed(part: cst.Import | cst.ImportFrom, used: set[str], file: str) -> cst.BaseSmallStatement | None:
    """The import with the names that are needed, or None where there are none."""
    module = _dotted(part.module) if isinstance(part, cst.ImportFrom) else ""
    if isinstance(part.names, cst.ImportStar):
        _check(module, file, IMPORTS)  # of other modules it cannot be seen what is used
        return part
    needed = []
    for alias in part.names:
        name = alias.evaluated_name
        bound = alias.evaluated_alias or name.partition(".")[0]
        foreseen = name in IMPORTS.get(module, ()) if module else name in IMPORTS
        if foreseen or bound in used:
            _check(module or name, file, {*IMPORTS, *sys.stdlib_module_names})
            needed.append(alias)
    if needed:
        needed[-1] = needed[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return part.with_changes(names=needed) if needed else None


def _check(module: str, file: str, known: Iterable[str]) -> None:
    if module.partition(".")[0] not in known:
        raise DoesNotFit(f"{file}: what is given imports {module}, which students do not have (handout/contents.py)")


def _dotted(node: cst.BaseExpression | None) -> str:
    return "" if node is None else cst.Module([]).code_for_node(node)
