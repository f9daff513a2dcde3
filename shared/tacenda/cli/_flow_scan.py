"""What is risky in a flow's source: secrets fetched by hand, values written into the code. Told without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from tacenda._reference import looks_like_credential

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tacenda.cli._flow_source import Source

__all__ = ["Finding", "findings", "has_steps", "uses"]

_CLIENTS = {
    "azure.keyvault.secrets": ("SecretClient",),
    "google.cloud.secretmanager": ("SecretManagerServiceClient", "SecretManagerServiceAsyncClient"),
    "hvac": ("Client",),
}
"""The classes, by the package that they come from, with which secrets are fetched by hand; boto3 has functions."""

_BOTO = ("client", "create_client", "resource")
_VIEW = ("metaflow.current.secrets", "metaflow.metaflow_current.current.secrets")


class Finding(NamedTuple):
    """A risk, and where it is.

    Attributes:
        file: the file.
        line: its line, from 1.
        message: what is risky about it, and what to write instead; never a value.
    """

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def findings(sources: Sequence[Source]) -> list[Finding]:
    """Return what is risky in a flow's files, in the order of the files and of their lines."""
    return [Finding(source.path, line, message) for source in sources for line, message in sorted(set(_risks(source)))]


def uses(source: Source) -> Iterator[tuple[int, int]]:
    """Yield of each function that reads `current.secrets` its first line, decorators included, and that of the read.

    Not of one that looks whether it is there: by `hasattr(current, "secrets")`, `"secrets" in current` and the like.
    """
    for function in _functions(source.tree):
        nodes = [*ast.walk(function)]
        lines = [node.lineno for node in nodes if isinstance(node, ast.Attribute) and source.dotted(node) in _VIEW]
        if lines and not any(isinstance(node, ast.Constant) and node.value == "secrets" for node in nodes):
            yield min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)]), min(lines)


def has_steps(source: Source) -> bool:
    """Return whether a file has methods decorated with something called `step`."""
    classes = (node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef))
    decorators = (each for node in classes for function in _functions(node) for each in function.decorator_list)
    return any(source.dotted(decorator).rpartition(".")[2] == "step" for decorator in decorators)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _risks(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.Call, ast.Constant, ast.Dict)) and (risk := _risk(source, node)):
            yield node.lineno, risk


def _risk(source: Source, node: ast.AST) -> str | None:
    if isinstance(node, ast.Call) and (client := _client(source, node)):
        return (
            f"secrets are fetched by hand with {client}, past stack, masking and audit: "
            "write @secrets(sources=['NAME']) above the step, and current.secrets['NAME'] in it"
        )
    if isinstance(node, ast.Constant) and _is_credential(node.value):
        return (
            "what stands here looks like a credential (it is not repeated): revoke it, store the new one with "
            "`tacenda set NAME`, and declare @secrets(sources=['NAME'])"
        )
    if isinstance(node, ast.Dict) and _is_inline(node):
        return (
            "a source of type 'inline' has its values in the code: store them with `tacenda set NAME`, and name "
            "the secret instead"
        )
    return None


def _client(source: Source, call: ast.Call) -> str | None:
    """Return how the client that a call makes is called, if it is one for secrets."""
    package, _, name = source.dotted(call.func).rpartition(".")
    for home, classes in _CLIENTS.items():
        if name in classes and (package == home or package.startswith((f"{home}.", f"{home}_"))):
            return "hvac.Client" if home == "hvac" else name
    # `boto3.client`, and as well `session.client` and `Session().client`, whatever the session is called.
    if isinstance(call.func, ast.Attribute) and call.func.attr in _BOTO:
        named = [keyword.value for keyword in call.keywords if keyword.arg == "service_name"]
        if any(_text(service) == "secretsmanager" for service in [*call.args[:1], *named]):
            return f"boto3's {call.func.attr}('secretsmanager')"
    return None


def _is_credential(constant: object) -> bool:
    text = constant.decode("utf-8", "replace") if isinstance(constant, bytes) else constant
    return isinstance(text, str) and any(map(looks_like_credential, (text, *text.split())))


def _is_inline(node: ast.Dict) -> bool:
    items = {_text(key): value for key, value in zip(node.keys, node.values, strict=True)}
    return _text(items.get("type")) == "inline" and "options" in items


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
