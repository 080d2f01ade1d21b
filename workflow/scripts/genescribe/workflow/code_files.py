"""Which files of the package a command runs, so that a rule can name them as inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "genescribe"
DATA = (".css", ".j2", ".js")
"""Suffixes of package files that modules beside them read."""


def code_files(entries: Iterable[str], root: str | Path) -> list[str]:
    """Files of the entries and of all that they import from this package, at any depth, inside functions too.

    Args:
        entries: dotted names of modules, such as `genescribe.training.__main__`, or of one command in a
            module of commands, such as `genescribe.genomes.commands:normalize`: then what the module's other
            commands import does not count.
        root: folder that holds the package.

    Returns:
        Paths below `root`, sorted.

    Raises:
        ValueError: there is no such module or command.
    """
    folder = Path(root)
    found: set[Path] = set()
    waiting: list[Path] = []
    for entry in entries:
        module, _, command = entry.partition(":")
        file = _file_of(module, folder)
        if file is None:
            raise ValueError(f"there is no module {module} below {root}")
        tree = _parse(file)
        if command:
            tree = _only(tree, command, entry)
            found.add(file)
            waiting += _imported(tree, file, folder)
        else:
            waiting.append(file)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(_parse(file), file, folder)
    beside = {file for folder in {file.parent for file in found} for file in folder.iterdir()}
    return sorted(map(str, found | {file for file in beside if file.suffix in DATA}))


def _file_of(module: str, root: Path) -> Path | None:
    stem = root.joinpath(*module.split("."))
    for file in (stem.with_suffix(".py"), stem / "__init__.py"):
        if file.is_file():
            return file
    return None


@cache
def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def _only(tree: ast.Module, command: str, entry: str) -> ast.Module:
    """The module with one function, and those functions of it that this one calls, at any depth."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if command not in functions or command.startswith("_"):
        raise ValueError(f"there is no command {entry}")
    kept: set[str] = set()
    waiting = [command]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            named = {node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)}
            waiting += named & set(functions)
    others = [node for name, node in functions.items() if name not in kept]
    return ast.Module(body=[node for node in tree.body if node not in others], type_ignores=[])


def _walk(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    for node in tree.body:
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from ast.walk(node)


def _imported(tree: ast.Module, file: Path, root: Path) -> list[Path]:
    """Files that a module imports from this package, with the `__init__.py` of the folders above."""
    names = [".".join(file.relative_to(root).with_suffix("").parts)]
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # Of `from a import b` both a and a.b: b may be a module. Imports here are absolute.
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    files = []
    for name in names:
        parts = name.split(".")
        if parts[0] == PACKAGE:
            files += [_file_of(".".join(parts[:depth]), root) for depth in range(1, len(parts) + 1)]
    return [file for file in files if file is not None]
