"""Which names a piece of code gives a meaning to."""

import ast
from collections.abc import Iterable, Iterator


def by_node(node: ast.AST) -> Iterator[str]:
    """Names that a node binds by itself, other than by an import."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names


def in_any_scope(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that code binds other than by imports, in any of its scopes."""
    return {name for node in nodes for name in by_node(node)}
