"""What a cluster has injected already: flyte finds that first, so it wins. Measured in `Secret` and its injectors.

A variable under the declared name, or `_UNION_` with group and key, or with the key alone; and files below
`FLYTE_SECRETS_DEFAULT_DIR` or `/etc/flyte/secrets`, with a directory for the group where the injector makes one. Some
write the path in lower case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from tacenda._naming import CONVENTIONS
from tacenda._values import Secret, SecretBytes
from tacenda_flyte._environment import set_by_others
from tacenda_flyte.flyte._declared import Declared
from tacenda_flyte.flyte._mounts import DEFAULT_DIR, MOUNT, read_mounted

__all__ = ["injected_file", "injected_variable"]


def injected_variable(declared: Declared) -> Secret | None:
    """Return the value of a variable that somebody else has set for a secret."""
    for name in _variables(declared):
        value = set_by_others(name)
        if value is not None:
            return Secret(value)
    return None


def injected_file(declared: Declared) -> SecretBytes | None:
    """Return the content of a file that somebody else has mounted for a secret."""
    for directory in dict.fromkeys([set_by_others(DEFAULT_DIR) or str(MOUNT), str(MOUNT)]):
        for name in _files(declared):
            content = read_mounted(os.path.join(directory, name))
            if content is not None:
                return SecretBytes(content)
    return None


def _variables(declared: Declared) -> Iterator[str]:
    if declared.variable:
        yield declared.variable
    spelling = CONVENTIONS["flyte_injected"]
    names = [f"{declared.group}_{declared.key}"] if declared.group else []
    for name in [*names, declared.key]:
        variable = spelling.spell((name,))
        if spelling.allows(variable):  # a reference has no such name
            yield variable


def _files(declared: Declared) -> Iterator[str]:
    names = [f"{declared.group}/{declared.key}"] if declared.group else []
    for name in [*names, declared.key]:
        if CONVENTIONS["flyte_file"].allows(name):
            yield from dict.fromkeys([name, name.lower()])
