"""The rules of ???: what of a solution its scaffold shows.

    shown                               ???
    a name, an attribute: x, self.z     a number, a string
    how many: (., .), [.]               an operator with all its operands
    what is called: f(???)              the arguments of a call
    what is indexed: x[???]             an index
    for x in ???, while ???, if ???     what is looped over, and a condition
    x = ., return .                     what is added: x += ???

An expression is shown as far as these rules reach, and whatever else it may be, a comparison, a comprehension, is ???
as a whole; so is a statement of another kind. Comments go. Nodes are made anew: nothing of the old layout is left.
"""

from collections.abc import Callable, Iterable

import libcst as cst

BLANK = "BLANK__"  # a name while the scaffold is a syntax tree
SHOWN = "???"


Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


def scaffold(solution: Iterable[cst.BaseStatement]) -> list[str]:
    """The lines of a solution with blanks."""
    code = cst.Module([_statement(statement) for statement in solution]).code
    return code.replace(BLANK, SHOWN).strip().splitlines()


def _blank() -> cst.Name:
    return cst.Name(BLANK)


def _statement(statement: cst.BaseStatement) -> Statement:
    match statement:
        case cst.SimpleStatementLine():
            shown: Statement = cst.SimpleStatementLine(_parts(statement.body))
        case cst.For():
            shown = cst.For(_target(statement.target), _blank(), _block(statement.body), _else(statement.orelse))
        case cst.While():
            shown = cst.While(_blank(), _block(statement.body), _else(statement.orelse))
        case cst.If():
            shown = _if(statement)
        case _:
            return cst.SimpleStatementLine([cst.Expr(_blank())])
    gaps = [cst.EmptyLine(indent=False) for line in statement.leading_lines if line.comment is None]
    return shown.with_changes(leading_lines=gaps)


def _block(block: cst.BaseSuite) -> cst.IndentedBlock:
    if isinstance(block, cst.IndentedBlock):
        return cst.IndentedBlock([_statement(statement) for statement in block.body])
    line = cst.ensure_type(block, cst.SimpleStatementSuite)
    return cst.IndentedBlock([cst.SimpleStatementLine(_parts(line.body))])


def _else(other: cst.Else | None) -> cst.Else | None:
    return None if other is None else cst.Else(_block(other.body))


def _if(statement: cst.If) -> cst.If:
    other = statement.orelse
    return cst.If(_blank(), _block(statement.body), _if(other) if isinstance(other, cst.If) else _else(other))


def _parts(parts: Iterable[cst.BaseSmallStatement]) -> list[cst.BaseSmallStatement]:
    return [_part(part) for part in parts]


def _part(part: cst.BaseSmallStatement) -> cst.BaseSmallStatement:
    match part:
        case cst.Assign():
            targets = [cst.AssignTarget(_target(target.target)) for target in part.targets]
            return cst.Assign(targets, _expression(part.value))
        case cst.AnnAssign(value=cst.BaseExpression() as value):
            return cst.Assign([cst.AssignTarget(_target(part.target))], _expression(value))
        case cst.AugAssign():
            return cst.AugAssign(_target(part.target), type(part.operator)(), _blank())
        case cst.Return(value=cst.BaseExpression() as value):
            return cst.Return(_expression(value))
        case cst.Return() | cst.Pass() | cst.Break() | cst.Continue():
            return type(part)()
        case cst.Expr():
            return cst.Expr(_expression(part.value))
    return cst.Expr(_blank())


def _target(node: cst.BaseExpression) -> cst.BaseAssignTargetExpression:
    shown = _expression(node)
    assert isinstance(shown, cst.BaseAssignTargetExpression)  # as the node is, or it would not have parsed
    return shown


def _expression(node: cst.BaseExpression) -> cst.BaseExpression:
    """As much of an expression as is shown."""
    match node:
        case cst.Name():
            return cst.Name(node.value)
        case cst.Attribute():
            return _of(node.value, lambda value: cst.Attribute(value, cst.Name(node.attr.value)))
        case cst.Call():
            arguments = [cst.Arg(_blank())] if node.args else []
            return _of(node.func, lambda function: cst.Call(function, arguments))
        case cst.Subscript():
            return _of(node.value, lambda value: cst.Subscript(value, [cst.SubscriptElement(cst.Index(_blank()))]))
        case cst.Tuple(elements=elements) if elements:
            shown = cst.Tuple([_element(element) for element in elements])
            return shown if node.lpar else shown.with_changes(lpar=[], rpar=[])
        case cst.List():
            return cst.List([_element(element) for element in node.elements])
    return _blank()


def _element(element: cst.BaseElement) -> cst.BaseElement:
    kind = cst.StarredElement if isinstance(element, cst.StarredElement) else cst.Element
    return kind(_expression(element.value))


def _of(owner: cst.BaseExpression, make: Callable[[cst.BaseExpression], cst.BaseExpression]) -> cst.BaseExpression:
    """An attribute, a call or an index of what is shown of its owner; ??? of ??? is ???."""
    shown = _expression(owner)
    return shown if isinstance(shown, cst.Name) and shown.value == BLANK else make(shown)
