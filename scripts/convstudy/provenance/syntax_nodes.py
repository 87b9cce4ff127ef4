"""Walks through syntax trees. A plan walks through all of the code, so they are quick."""

import ast
from typing import Any


def below(tree: ast.AST) -> list[ast.AST]:
    """A node and all below it, in the order of `ast.walk`, but for what names no more than a kind.

    Those are contexts (`ast.Load`) and operators.
    """
    found = [tree]
    for node in found:  # which grows
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                found += [x for x in value if isinstance(x, ast.AST) and x._fields]
            elif isinstance(value, ast.AST) and value._fields:
                found.append(value)
    return found


def fields(node: ast.AST) -> dict[str, Any]:
    """The fields of a node by their names."""
    return {field: getattr(node, field) for field in node._fields if hasattr(node, field)}
