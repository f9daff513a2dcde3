"""All that tacenda changes in Metaflow itself, beside the decorator that it registers.

| patched | for | known to fit | where it does not |
|---|---|---|---|
| `Current.secrets` | a step that declares no secrets hears what to do | Metaflow 2.15.20 to 2.19 | - |
| `Current._set_env` | every task masks its output, also one without `@secrets` | Metaflow 2.15.20 to 2.19 | a warning |
"""

from __future__ import annotations

import functools
import logging
from typing import Any, NoReturn

from metaflow.metaflow_current import Current, current

__all__ = ["patch"]


def patch() -> None:
    """Patch Metaflow, once."""
    if getattr(Current, "secrets", None) is not None:
        return
    Current.secrets = property(_undeclared)
    set_env = getattr(Current, "_set_env", None)
    if set_env is None:
        # Not the warnings module: with `-W error` the import of Metaflow would fail.
        logging.getLogger("tacenda").warning(
            "tacenda does not know this Metaflow: steps without @secrets are not masked"
        )
        return

    @functools.wraps(set_env)
    def set_env_and_mask(self: Current, *args: Any, **settings: Any) -> None:
        set_env(self, *args, **settings)
        if self.is_running_flow:  # in a task, before its decorators and its code
            try:
                from tacenda._adapters import mask_output
            except Exception:  # noqa: BLE001 - an image without tacenda: a step that needs it says so itself
                return
            mask_output()

    Current._set_env = set_env_and_mask  # noqa: SLF001 - what a task calls first


def _undeclared(_: Current) -> NoReturn:
    step = f"step {current.step_name!r}" if current.is_running_flow else "this code"
    raise AttributeError(
        f"{step} declares no secrets, so there is no current.secrets: decorate the step with @secrets(sources=[...])"
    )
