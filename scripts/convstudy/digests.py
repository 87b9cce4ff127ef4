"""Digests of data and code, taken by content and before a run.

The digest of code is that of the syntax trees of a file and of every module of this package that it
imports, directly or not. Comments, formatting and docstrings are not in it, and a sibling that is
not imported (another model, say) is not either.
"""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent.parent
PACKAGE = "convstudy"


def of_text(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical(value: Any) -> str:
    """The one JSON text of a value of builtin types, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def of_code(script: str, *modules: str) -> str:
    """Digest of a script of `scripts/`, of `modules` (dotted names) and of all they import."""
    found: dict[str, Path] = {script: SCRIPTS / script}
    waiting = [found[script]]
    for module in modules:
        for name, path in _module_files(module):
            found[name] = path
            waiting.append(path)
    while waiting:
        for module in _imports(waiting.pop()):
            for name, path in _module_files(module):
                if name not in found:
                    found[name] = path
                    waiting.append(path)
    return of_text("\n".join(f"{name} {_of_tree(found[name])}" for name in sorted(found)))


def _module_files(module: str) -> list[tuple[str, Path]]:
    """A module's file and those of the packages above it, which Python runs on import."""
    parts = module.split(".")
    files = []
    for length in range(1, len(parts) + 1):
        base = SCRIPTS.joinpath(*parts[:length])
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                files.append((".".join(parts[:length]), path))
    return files


@cache
def _imports(path: Path) -> list[str]:
    """Dotted names of this package that a file imports anywhere (functions included)."""
    package = path.parent.relative_to(SCRIPTS).parts
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == PACKAGE]


@cache
def _of_tree(path: Path) -> str:
    """Digest of a file's syntax tree without docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = body[0] if body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                if isinstance(first.value.value, str):
                    del body[0]
    return of_text(ast.dump(tree))
