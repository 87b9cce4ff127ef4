"""Texts of log messages: they decide no result, so another text is no other code.

What stands between the words, and is evaluated, is code as before.
"""

import ast
from collections import Counter
from collections.abc import Iterator

from convstudy.provenance import bound_names, syntax_nodes

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def without(tree: ast.Module) -> ast.Module:
    """The syntax tree without the words of `log.info("...")` and the like.

    `log` is a name to which the file gives nothing but one `logging.getLogger(...)`.
    """
    loggers = _loggers(tree)
    for node in syntax_nodes.below(tree) if loggers else ():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=level), args=[_, *_]):
                if name in loggers and level in LEVELS:
                    node.args[0] = _without_words(node.args[0])
    return tree


def _loggers(tree: ast.Module) -> set[str]:
    """Names of loggers that nothing else in the file can be meant by."""
    found = set()
    for statement in tree.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Attribute(value=ast.Name(id="logging"), attr="getLogger")),
            ):
                found.add(name)
    if not found:
        return set()
    bound = Counter(name for node in syntax_nodes.below(tree) for name in _bound(node))
    if bound["logging"] != 1 or "*" in bound:
        return set()
    return {name for name in found if bound[name] == 1}


def _bound(node: ast.AST) -> Iterator[str]:
    """Names that a node gives a meaning to; `*` may be any."""
    yield from bound_names.by_node(node)
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)


def _without_words(message: ast.expr) -> ast.expr:
    match message:
        case ast.Constant(value=str()):
            return ast.Constant("")
        case ast.JoinedStr(values=parts):
            return ast.JoinedStr([x for x in parts if not isinstance(x, ast.Constant)])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return ast.BinOp(_without_words(left), ast.Add(), _without_words(right))
    return message
