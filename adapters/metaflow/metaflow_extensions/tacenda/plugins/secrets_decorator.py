"""`@secrets`: Metaflow's decorator, which also asks tacenda's stacks and fills `current.secrets`."""

from __future__ import annotations

import os
from typing import Any

from metaflow.exception import MetaflowException
from metaflow.metaflow_current import Current, current
from metaflow.plugins.secrets.secrets_decorator import SecretsDecorator
from metaflow.unbounded_foreach import UBF_TASK

from metaflow_extensions.tacenda.plugins._core import clear_errors, core
from metaflow_extensions.tacenda.plugins._sources import fetch, is_tacendas
from metaflow_extensions.tacenda.plugins._variables import inject
from metaflow_extensions.tacenda.plugins._view import view


class TacendaSecretsDecorator(SecretsDecorator):
    """Specifies secrets to be retrieved prior to the execution of a step.

    They are injected as environment variables, and are in `current.secrets` under the name of their source:
    `current.secrets.api_keys["API_KEY"]` or `current.secrets["api-keys"]["API_KEY"]`.

    Parameters
    ----------
    sources : List[Union[str, Dict[str, Any]]], default: []
        Names in the active tacenda stack, references such as `vault://secret/ml/training`, and everything that
        Metaflow's own @secrets takes
    role : str, optional, default: None
        Role for Metaflow's own providers; a tacenda stack has a setting of its own
    allow_override : bool, optional, default: False
        Toggle whether secrets can replace existing environment variables
    env : bool, optional, default: True
        False leaves the environment alone: the secrets are in `current.secrets` only
    """

    name = "secrets"
    defaults = {**SecretsDecorator.defaults, "env": True}  # noqa: RUF012 - Metaflow's own form

    def task_pre_step(self, step_name: str, *context: Any) -> None:
        """Fetch the declared secrets, inject them, and show them in `current.secrets`."""
        # Metaflow passes: task_datastore, metadata, run_id, task_id, flow, graph, these three, inputs.
        retry_count, max_user_code_retries, ubf_context = context[6:9]
        if retry_count > max_user_code_retries:
            return  # the attempt in which @catch stands in for the user's code
        try:
            core()
        except MetaflowException:
            if any(map(is_tacendas, self.attributes["sources"])):
                raise
            # As in a container whose image lacks tacenda: what never needed it works as without it.
            super().task_pre_step(step_name, *context)
            Current.secrets = property(lambda _: core())  # says what is missing
            return
        with clear_errors("Failed to retrieve secrets"):
            core().masking.install()  # before the first value is there
            fetched = fetch(self.attributes["sources"], self.attributes["role"])
        if self.attributes["env"] and not _inherits_the_environment(ubf_context):
            with clear_errors("Cannot inject secrets as environment variables (none was set; env=False does without)"):
                inject(fetched, allow_override=self.attributes["allow_override"])
        current._update_env({"secrets": view(fetched)})  # noqa: SLF001 - as Metaflow's decorators


def _inherits_the_environment(ubf_context: str | None) -> bool:
    # Metaflow's own rule: the workers of a local @parallel step have what their control task was given.
    return ubf_context == UBF_TASK and os.environ.get("METAFLOW_RUNTIME_ENVIRONMENT", "local") == "local"
