"""The source of a flow: its file and the modules beside it that it imports, parsed and never run."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Source", "sources"]

_MOST = 100  # files: a flow in the midst of a large project is not a reason to read all of that


class Source(NamedTuple):
    """A parsed file.

    Attributes:
        path: the file, as the flow's own path leads to it.
        tree: what is in it.
        names: what each imported name stands for: `{"b": "boto3", "SecretClient": "azure.keyvault.secrets…"}`.
    """

    path: Path
    tree: ast.Module
    names: dict[str, str]

    def dotted(self, node: ast.expr) -> str:
        """Return what a name or an attribute stands for, with its module; empty for other expressions."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (owner := self.dotted(node.value)):
            return f"{owner}.{node.attr}"
        return ""

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield how many dots, and then which name, each import has that could be of a module."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((0, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.level, f"{node.module or ''}.{alias.name}".lstrip(".")) for alias in node.names)

    def packages(self) -> set[str]:
        """Return the names of the top-level packages and modules that it imports."""
        return {name.partition(".")[0] for level, name in self.imports() if not level}


def sources(path: Path) -> list[Source]:
    """Return a flow's file, parsed, and the modules in its directory that it imports, also through others.

    A module that cannot be parsed is left out: whoever runs the flow will hear about it.

    Args:
        path: the flow's file.

    Raises:
        OSError: if that file cannot be read.
        SyntaxError: if it is no Python.
    """
    found = [_parsed(path)]
    seen = {path}
    home = path.resolve().parent if path.is_symlink() else path.parent  # as Python looks for its modules
    for source in found:  # which grows
        for level, name in source.imports():
            base = source.path.parents[level - 1] if 0 < level <= len(source.path.parents) else home
            for file in _files(base, name):
                if file not in seen and len(found) < _MOST:
                    seen.add(file)
                    try:
                        found.append(_parsed(file))
                    except (OSError, SyntaxError):
                        continue
    return found


def _parsed(path: Path) -> Source:
    try:
        content = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        tree = ast.parse(content.decode(encoding), str(path))
    except (ValueError, LookupError, RecursionError) as error:  # no text, null bytes, an unknown or lying encoding
        raise SyntaxError(f"it is no Python source ({type(error).__name__})") from None
    return Source(path, tree, dict(_names(tree)))


def _names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (first := alias.name.partition(".")[0], first)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def _files(directory: Path, module: str) -> Iterator[Path]:
    """Yield the files of a module, and of the packages that it is in, that lie beside the flow."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        place = directory.joinpath(*parts[:length])
        for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if file.is_file():
                yield file
                break
        else:
            return
