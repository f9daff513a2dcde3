"""Secrets as environment variables: which variables a secret means, clashes, and a note of what was injected.

The environment is the first thing that malware reads, so nothing is injected unless somebody named it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from tacenda._errors import Conflict, InvalidReference
from tacenda._naming import INJECTED, INJECTED_PLAIN, env_name
from tacenda._reference import parse_reference
from tacenda._values import reveal
from tacenda.masking import registry

__all__ = ["child_environment", "inject", "merge_variables", "variables"]


def variables(name: str, value: Any) -> dict[str, str]:
    """Return the environment variables that a secret means, with plain values.

    A bundle's keys are the variables (in the generic spelling where a key is no legal variable name); a text is
    one variable named after the secret. Numbers, booleans, null and nested values are their JSON text.

    Args:
        name: the secret's name, or a reference: then its last part counts.
        value: what the store gave.

    Raises:
        Conflict: if two keys of a bundle mean one variable.
        InvalidReference: if a name has no legal spelling, or no environment can hold a value, as with binary.

    Example:
        >>> variables("db", {"HOST": "localhost", "PORT": 5432, "api-key": "example"})
        {'HOST': 'localhost', 'PORT': '5432', 'API_KEY': 'example'}
        >>> variables("my-token", "example")
        {'MY_TOKEN': 'example'}
    """
    return merge_variables({name: value})


def short_name(name: str) -> str:
    """Return the last part of a name or reference: what a person would call it.

    Example:
        >>> short_name("vault://secret/ml/api-keys?version=2"), short_name("vault://secret/db#PASSWORD")
        ('api-keys', 'PASSWORD')
    """
    reference = parse_reference(name)
    if reference is None:
        return name.rpartition("#")[2].rpartition("/")[2]
    last = reference.key or reference.segments()[-1]
    return last.rpartition(":")[2] if reference.backend == "aws" else last


def merge_variables(secrets: Mapping[str, Any], taken: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of several secrets together.

    Args:
        secrets: each secret's name and value.
        taken: variables that must not be replaced, such as `os.environ`; None allows replacing.

    Raises:
        Conflict: one error that lists every clash, among the secrets and with `taken`.
    """
    merged: dict[str, str] = {}
    owner: dict[str, tuple[str, str]] = {}
    clashes: list[str] = []
    for name, value in secrets.items():
        for key, item in value.items() if isinstance(value, Mapping) else [(_named_after(name), value)]:
            variable = _variable(key)
            if variable in owner:
                clashes.append(f"{variable}: from {_sources(owner[variable], (name, key))}")
            elif taken is not None and variable in taken:
                clashes.append(f"{variable}: from {name!r}, and set already")
            owner.setdefault(variable, (name, key))
            merged.setdefault(variable, _text(name, key, item))
    if clashes:
        raise Conflict(
            "environment variables that two sources want to set: " + "; ".join(clashes),
            hint="rename a key, unset the variable, or ask for fewer secrets",
        )
    return merged


def inject(values: Mapping[str, str]) -> None:
    """Set variables in this process and note their names, so that the `env` provider never reads them back."""
    os.environ.update({**values, **_notes(values)})


def child_environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a child process: this one's, the variables, and the note of their names."""
    return {**os.environ, **values, **_notes(values)}


def _notes(values: Mapping[str, str]) -> dict[str, str]:
    # Only here is it known what is masked of them: not the variable's name tells, but the secret's key and the stack.
    plain = {name for name, value in values.items() if not registry().holds(value)}
    notes = {
        INJECTED: _noted(INJECTED) | set(values),
        INJECTED_PLAIN: _noted(INJECTED_PLAIN) - set(values) | plain,
    }
    return {note: ",".join(sorted(names)) for note, names in notes.items() if names or note in os.environ}


def _noted(note: str) -> set[str]:
    return {name for name in os.environ.get(note, "").split(",") if name}


def _named_after(name: str) -> str:
    # A text has no key to be called by, so `token` is TOKEN as `my-token` is MY_TOKEN.
    return short_name(name) if "#" in name else env_name(short_name(name))


def _sources(first: tuple[str, str], second: tuple[str, str]) -> str:
    if first[0] == second[0]:
        return f"the keys {first[1]!r} and {second[1]!r} of {first[0]!r}"
    return f"{first[0]!r} and from {second[0]!r}"


def _variable(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else env_name(key)


def _text(name: str, key: str, value: Any) -> str:
    plain = reveal(value)
    if isinstance(plain, bytes):
        raise InvalidReference(f"{key!r} of {name!r} is binary and cannot be an environment variable", name=name)
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    if "\x00" in text:
        raise InvalidReference(f"{key!r} of {name!r} holds a NUL and cannot be an environment variable", name=name)
    if not _can_be_encoded(text):
        raise InvalidReference(
            f"{key!r} of {name!r} holds a character that {sys.getfilesystemencoding()} cannot encode, "
            "and cannot be an environment variable",
            name=name,
        )
    return text


def _can_be_encoded(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:  # which holds the text: nothing is raised from here
        return False
    return True
