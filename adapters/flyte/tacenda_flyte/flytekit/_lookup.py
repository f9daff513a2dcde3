"""What `SecretsManager.get` gives: the platform's secret where flytekit finds one, else the one of tacenda's stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tacenda.errors import SecretNotFound
from tacenda_flyte.flytekit._errors import missing
from tacenda_flyte.flytekit._platform import Platform
from tacenda_flyte.flytekit._stack import as_asked, from_stack
from tacenda_flyte.flytekit._wanted import Wanted, declared_as

__all__ = ["find"]


def find(upstream: Callable[..., Any], manager: Any, wanted: Wanted, mode: str) -> Any:
    """Return a secret: as it was asked for on the platform, then as the task declares it, there and in the stack.

    Args:
        upstream: flytekit's own `SecretsManager.get`.
        manager: the instance.
        wanted: what was asked for.
        mode: `r` for text, `rb` for bytes.

    Raises:
        MissingSecret: nobody has it; a ValueError, as upstream's.
        SecretError: it could not be asked for; never a ValueError.
    """
    if not wanted.parts or any(map(_is_pythons, wanted.parts)):
        return upstream(manager, *wanted, mode)  # raises
    platform = Platform(upstream, manager)
    value = platform.read(wanted, mode)
    if value is not None:
        return value
    meant = declared_as(wanted)
    if meant != wanted:
        value = platform.read(meant, mode)
        if value is not None:
            return value
    try:
        return as_asked(from_stack(meant), mode, meant.label)
    except SecretNotFound as miss:
        raise missing(platform.said, meant.label, platform.places(meant), miss) from None


def _is_pythons(name: str) -> bool:
    # What Python itself asks a SecretsManager for, such as __deepcopy__, is no secret.
    return name.startswith("__") and name.endswith("__")
