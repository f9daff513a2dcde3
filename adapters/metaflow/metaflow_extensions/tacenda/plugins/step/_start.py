"""The start of a step that declares secrets: they are fetched, injected, and shown in `current.secrets`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaflow.metaflow_current import current
from metaflow.unbounded_foreach import UBF_TASK

from metaflow_extensions.tacenda.plugins._core import clear_errors, core
from metaflow_extensions.tacenda.plugins.sources._fetch import fetch
from metaflow_extensions.tacenda.plugins.step._fan_out import is_elsewhere, spread_start
from metaflow_extensions.tacenda.plugins.step._variables import inject

__all__ = ["give_secrets"]


def give_secrets(declared: Mapping[str, Any], flow: Any, ubf_context: str | None) -> None:
    """Give a step the secrets that it declares.

    Args:
        declared: what `@secrets` was given.
        flow: the flow in its task.
        ubf_context: which part of a @parallel step the task is, as Metaflow says it.

    Raises:
        MetaflowException: tells every secret that cannot be read, or every variable that cannot be set.
    """
    if declared["sources"]:
        spread_start(flow)
    with clear_errors("Failed to retrieve secrets"):
        core().masking.install()  # before the first value is there
        fetched = fetch(declared["sources"], declared["role"], flow)
    if declared["env"] and not _inherits_the_environment(ubf_context):
        with clear_errors("Cannot inject secrets as environment variables (none was set; env=False does without)"):
            inject(fetched, allow_override=declared["allow_override"], prefix=declared["prefix"])
    from metaflow_extensions.tacenda.plugins.step._step_secrets import StepSecrets  # which needs tacenda's core

    current._update_env({"secrets": StepSecrets(fetched)})  # noqa: SLF001 - as Metaflow's decorators


def _inherits_the_environment(ubf_context: str | None) -> bool:
    # Metaflow's own rule: the workers of a local @parallel step have what their control task was given.
    return ubf_context == UBF_TASK and not is_elsewhere()
