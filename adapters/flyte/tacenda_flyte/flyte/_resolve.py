"""From what a task declares to what is to be put into this process: the cluster first, then the active stack."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from tacenda import SecretBytes
from tacenda._process import process_store
from tacenda._values import exact_text, natural
from tacenda.errors import SecretError, SecretNotFound
from tacenda_flyte._environment import put_variable, set_by_others
from tacenda_flyte._sharing import Place
from tacenda_flyte._values import register_given, variable_text
from tacenda_flyte.flyte._declared import Declared, declarations
from tacenda_flyte.flyte._injected import injected_file, injected_variable
from tacenda_flyte.flyte._mounts import DEFAULT_DIR, put_default_dir, put_file

__all__ = ["wanted_by"]


async def wanted_by(task: Any) -> list[Place]:
    """Return what a task wants in this process.

    Raises:
        SecretNotFound: with every declared secret that nobody has.
        SecretError: if a secret could not be asked for, or cannot be delivered as declared.
    """
    declared = declarations(task.secrets)
    values = {item: value for item in declared if (value := _injected(item)) is not None}
    stack = None
    if missing := [item for item in declared if item not in values]:
        try:
            store = await asyncio.to_thread(process_store)  # it reads the configuration
            stack = store.stack.name
            found = await store.aget_many(item.name for item in missing)
        except SecretError as error:
            raise _explained(task, error) from None
        values.update((item, found[item.name]) for item in missing)
    wanted = [place for item in declared for place in _places(item, values[item], stack if item in missing else None)]
    if any(item.file for item in declared):
        wanted.append(Place(f"variable {DEFAULT_DIR}", "the mounted secrets", "mounts", put_default_dir))
    return wanted


def _injected(declared: Declared) -> Any:
    """Return what the cluster has injected, registered for masking as the stack's values are."""
    value = injected_variable(declared)
    if value is None:
        content = injected_file(declared)
        value = None if content is None else _text_if_possible(content)
    if value is not None:
        register_given(value, declared.group or declared.key, declared.key if declared.group else None)
    return value


def _text_if_possible(content: SecretBytes) -> Any:
    try:
        return natural(content.decode())
    except UnicodeDecodeError:
        return content


def _places(declared: Declared, value: Any, stack: str | None) -> list[Place]:
    """Return where a secret of a stack, or of the cluster, is to be put, unless the cluster has put it there."""
    places = []
    identity = stack, declared.name
    content = bytes(value) if isinstance(value, bytes) else exact_text(value).encode()
    if declared.variable and set_by_others(declared.variable) is None:
        text = variable_text(content, declared.shown, declared.variable, "mount it as a file")
        put = partial(put_variable, declared.variable, text)
        places.append(Place(f"variable {declared.variable}", declared.shown, identity, put))
    if declared.file and injected_file(declared) is None:
        put = partial(put_file, declared.file, SecretBytes(content))
        places.append(Place(f"file {declared.file}", declared.shown, identity, put))
    return places


def _explained(task: Any, error: SecretError) -> SecretError:
    """Return an error that names the task, and each secret with what was tried."""
    failures = list(error.failures.values()) or [error]
    how = "are missing" if isinstance(error, SecretNotFound) else "could not be read"
    lines = [f"task {task.name!r} was not started, because secrets that it declares {how}:", *map(str, failures)]
    return type(error)("\n".join(lines), failures=error.failures)
