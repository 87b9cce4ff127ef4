"""What the names of a file's top level stand for, as far as its text tells it without running it.

A name has a value here if the top level binds it once, to a literal, or to names and arithmetic of
such. All else is for Python to find out.
"""

import ast
import operator
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
MOST_BITS = 64  # of base and exponent in a power of integers: 9**9**9 must not be tried
CHANGEABLE = list | dict | set


class NotTold(Exception):
    """The text does not tell the value of an expression."""


def value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of an expression.

    Args:
        node: its syntax tree.
        names: values of the names that it may use.

    Raises:
        NotTold: it is more than literals, these names and arithmetic of them.
    """
    try:
        return _value(node, names)
    except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError) as error:
        raise NotTold(ast.unparse(node)) from error


def constants(tree: ast.Module) -> dict[str, Any]:
    """Values of the names that a file's top level binds."""
    counts = Counter(name for statement in tree.body for name in bound(statement))
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            counts.update(2 * node.names)  # a function may bind it at any time
    found: dict[str, Any] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=targets, value=node):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as node):
                targets = [target]
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                found = {}  # it may bring any name
                continue
            case _:
                targets, node = [], None
        try:
            told = value(node, found) if node else None
        except NotTold:
            node = None
        if node is None:
            found = _after(statement, found)
            continue
        once = [x.id for x in targets if isinstance(x, ast.Name) and counts[x.id] == 1]
        found |= dict.fromkeys(once, told)
    return found


def bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of the top level binds, also within `if`, `try` and the like."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (x.asname or x.name.split(".")[0] for x in names)
            case ast.AnnAssign(value=None) | ast.Lambda():
                pass
            case _:
                if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                    yield node.id
                waiting += ast.iter_child_nodes(node)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=found):
            return found
        case ast.Name(id=name):
            return names[name]
        case ast.Tuple(elts=parts):
            return tuple(_value(x, names) for x in parts)
        case ast.List(elts=parts):
            return [_value(x, names) for x in parts]
        case ast.Set(elts=parts):
            return {_value(x, names) for x in parts}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(k, names): _value(x, names) for k, x in zip(keys, values, strict=True)}
        case ast.UnaryOp(op=sign, operand=operand):
            return OPERATORS[type(sign)](_number(operand, names))
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            first, second = _value(left, names), _value(right, names)
            if type(first) is type(second) and isinstance(first, str | tuple):
                return first + second
    if not isinstance(node, ast.BinOp):
        raise TypeError
    first, second = _number(node.left, names), _number(node.right, names)
    if isinstance(node.op, ast.Pow) and isinstance(first, int) and isinstance(second, int):
        if max(first.bit_length(), abs(second)) > MOST_BITS:
            raise OverflowError
    return OPERATORS[type(node.op)](first, second)


def _number(node: ast.expr, names: Mapping[str, Any]) -> Any:
    found = _value(node, names)
    if not isinstance(found, int | float | complex):
        raise TypeError
    return found


def _after(statement: ast.stmt, found: dict[str, Any]) -> dict[str, Any]:
    """What is still known after a statement that is not understood, which may change a list."""
    reads = {x.id for x in ast.walk(statement) if isinstance(x, ast.Name)}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef) or not any(
        isinstance(found.get(name), CHANGEABLE) for name in reads
    ):
        return found
    return {name: told for name, told in found.items() if not isinstance(told, CHANGEABLE)}
