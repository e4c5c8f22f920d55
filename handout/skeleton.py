"""A file of impl/ without its solution: the same names and signatures, and NotImplementedError where something is due.

Style "blanks" leaves a scaffold of the solution as comments, with ??? by the rules of handout.blanks; "bodies" does
not. Docstrings and all that is given stay. Helpers of the solution go with it, its comments, and imports that it alone
used.
"""

from collections.abc import Iterable, Sequence

import libcst as cst

from handout import blanks
from handout.contents import DoesNotFit, Exercise, Task
from handout.imports import is_import, mentioned, without_idle_ones

STYLES = ("blanks", "bodies")
TODO = "# ToDo:"
DUE = "raise NotImplementedError"


def skeleton(text: str, exercise: Exercise, style: str) -> str:
    """The text of a file as students get it. Raises DoesNotFit where the file is not what the exercise says."""
    if style not in STYLES:
        raise ValueError(f"style is {style!r}, but should be one of {', '.join(STYLES)}")
    module = cst.parse_module(text)
    sorting = _Sorting(exercise, style)
    body = sorting.kept(module.body)
    sorting.check(body)
    return module.with_changes(body=without_idle_ones(body, exercise.file), footer=[]).code


class _Sorting:
    """Sorts the definitions of a file into what is given, what is to fill in, and helpers, which go."""

    def __init__(self, exercise: Exercise, style: str) -> None:
        self.file = exercise.file
        self.style = style
        self.tasks = {task.name: task for task in exercise.tasks}
        self.named = {*self.tasks, *exercise.given}
        self.found: set[str] = set()
        self.helpers: set[str] = set()
        self.gone: list[cst.CSTNode] = []  # solutions, and bodies of helpers

    def kept(self, statements: Sequence[cst.BaseStatement], owner: str = "") -> list[cst.BaseStatement]:
        """What stays of a module, or of the class `owner`, each as it then is."""
        documented = bool(statements) and _is_docstring(statements[0])
        kept = list(statements[:documented])
        for statement in statements[documented:]:
            if isinstance(statement, cst.FunctionDef):
                kept += self._function(statement, owner + statement.name.value)
            elif isinstance(statement, cst.ClassDef) and not owner:
                kept += self._class(statement)
            elif is_import(statement) and not owner:
                kept.append(statement)
            elif isinstance(statement, cst.SimpleStatementLine) and (names := _stored(statement)):
                self._goes(names, getattr(statement.body[0], "value", None))
            else:
                raise DoesNotFit(f"{self.file}: what students get of {_first_line(statement)!r} is not said")
        return kept

    def check(self, body: Iterable[cst.BaseStatement]) -> None:
        """Raise DoesNotFit where a name of the table is not there, and where a helper is not the solution's alone."""
        for name in sorted(self.named - self.found):
            raise DoesNotFit(f"{self.file} has no {name}, which is {'to fill in' if name in self.tasks else 'given'}")
        unknown = "is neither given nor to fill in (handout/contents.py)"
        for name in sorted(self.helpers & mentioned(body)):
            raise DoesNotFit(f"{self.file}: {name} {unknown}, but what is given uses it")
        for name in sorted(self.helpers - mentioned(self.gone)):
            raise DoesNotFit(f"{self.file}: {name} {unknown}, and no solution uses it")

    def _goes(self, names: set[str], says: cst.CSTNode | None) -> None:
        self.helpers |= names
        self.gone += [says] if says is not None else []

    def _function(self, function: cst.FunctionDef, name: str) -> list[cst.BaseStatement]:
        if name not in self.named:
            self._goes({function.name.value}, function.body)
            return []
        if name in self.found:
            raise DoesNotFit(f"{self.file} has {name} twice")
        self.found.add(name)
        return [self._to_fill_in(function, self.tasks[name]) if name in self.tasks else function]

    def _class(self, definition: cst.ClassDef) -> list[cst.BaseStatement]:
        owner = f"{definition.name.value}."
        if not any(name.startswith(owner) for name in self.named):
            self._goes({definition.name.value}, definition.body)
            return []
        members: Sequence[cst.BaseStatement] = definition.body.body  # type: ignore[assignment]  # a block's, not a line's
        return [definition.with_changes(body=definition.body.with_changes(body=self.kept(members, owner)))]

    def _to_fill_in(self, function: cst.FunctionDef, task: Task) -> cst.FunctionDef:
        if not isinstance(function.body, cst.IndentedBlock):
            raise DoesNotFit(f"{self.file}: the body of {task.name} should stand on lines of its own")
        statements = list(function.body.body)
        documented = _is_docstring(statements[0])
        first = documented + (self._given_lines(statements[documented:], task) if task.builds else 0)
        given, solution = statements[:first], statements[first:]
        if not solution:
            raise DoesNotFit(f"{self.file}: {task.name} has nothing in it to fill in")
        self.gone += solution

        todo = [TODO, *(f"# {line}".rstrip() for line in (blanks.scaffold(solution) if self.style == "blanks" else ()))]
        above = [cst.EmptyLine(indent=False)] if first > documented else []
        above += [cst.EmptyLine(comment=cst.Comment(line)) for line in todo]
        due = cst.ensure_type(cst.parse_statement(DUE), cst.SimpleStatementLine).with_changes(leading_lines=above)
        return function.with_changes(
            leading_lines=[line for line in function.leading_lines if line.comment is None],
            body=cst.IndentedBlock([*given, due]),
        )

    def _given_lines(self, statements: Sequence[cst.BaseStatement], task: Task) -> int:
        """How many of a constructor's first lines are given: those that keep an argument, as self.size = size does.

        What the others store must be what the task is to build.
        """
        given = 0
        while given < len(statements) and _keeps_an_argument(statements[given]):
            given += 1
        built = set().union(*(_stored(statement, "self") for statement in statements[given:]))
        for name in task.builds:
            if name not in built:
                raise DoesNotFit(f"{self.file}: {task.name} has no line that builds {name}, which is to fill in")
        for name in sorted(built - set(task.builds)):
            raise DoesNotFit(f"{self.file}: {task.name} builds {name} among what is to fill in (handout/contents.py)")
        return given


def _is_docstring(statement: cst.BaseStatement) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    value = getattr(statement.body[0], "value", None)
    return isinstance(statement.body[0], cst.Expr) and isinstance(value, cst.SimpleString | cst.ConcatenatedString)


def _keeps_an_argument(statement: cst.BaseStatement) -> bool:
    """Whether the statement is self.NAME = NAME."""
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Attribute(value=cst.Name("self")))], value=value)]
        ):
            return isinstance(value, cst.Name)
    return False


def _stored(node: cst.CSTNode, owner: str = "") -> set[str]:
    """The names to which something in the node assigns: variables, or attributes of the owner."""
    stores = _Stores(owner)
    node.visit(stores)
    return stores.found


class _Stores(cst.CSTVisitor):
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.found: set[str] = set()

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:
        self._note(node.target)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._note(node.target)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self._note(node.target)

    def _note(self, target: cst.CSTNode) -> None:
        match target:
            case cst.Name() if not self.owner:
                self.found.add(target.value)
            case cst.Attribute(value=cst.Name(value=self.owner)):
                self.found.add(target.attr.value)
            case cst.Tuple() | cst.List():
                for element in target.elements:
                    self._note(element.value)


def _first_line(statement: cst.BaseStatement) -> str:
    return cst.Module([statement]).code.strip().partition("\n")[0]  # type: ignore[list-item]
