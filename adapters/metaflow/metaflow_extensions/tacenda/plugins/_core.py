"""The way to tacenda's core, taken only when a step that declares secrets starts, and its errors as Metaflow's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metaflow.exception import MetaflowException

if TYPE_CHECKING:
    from types import ModuleType


def core() -> ModuleType:
    """Return the package `tacenda`, with everything in it that a step needs imported.

    Raises:
        MetaflowException: if it cannot be imported: the step fails, `import metaflow` never does.
    """
    try:
        import tacenda
        import tacenda.delivery
        import tacenda.masking

        tacenda.get_many, tacenda.SecretBundle  # noqa: B018 - public names are loaded on first use
    except Exception as error:  # noqa: BLE001 - a broken installation fails in any way
        problem = f"{type(error).__name__}: {error}"
    else:
        return tacenda
    raise MetaflowException(
        f"@secrets is served by tacenda, which cannot be imported: {problem}\n"
        "  next: reinstall tacenda, or uninstall it to have Metaflow's own @secrets"
    )


@contextmanager
def clear_errors(what: str) -> Iterator[None]:
    """Turn tacenda's errors into Metaflow's: every secret that failed, what was tried, and what to do next."""
    from tacenda.errors import SecretError

    try:
        yield
    except SecretError as error:
        from metaflow_extensions.tacenda.plugins._missing_sdk import advice

        failures = [*error.failures.values()] or [error]
        messages = dict.fromkeys(map(str, failures))  # once, where all failed for one reason
        raise MetaflowException("\n".join([f"{what}:", *messages, *advice(failures)])) from None
