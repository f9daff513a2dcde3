"""`@secrets`: Metaflow's decorator, which also asks tacenda's stacks and fills `current.secrets`.

Every process of Metaflow's imports this, so it imports what it needs when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metaflow.exception import MetaflowException
from metaflow.metaflow_current import Current
from metaflow.plugins.secrets import secrets_spec, utils  # noqa: F401 - older versions lack them and keep their own
from metaflow.plugins.secrets.secrets_decorator import SecretsDecorator

from metaflow_extensions.tacenda.plugins._core import core


class TacendaSecretsDecorator(SecretsDecorator):
    """Specifies secrets to be retrieved prior to the execution of a step.

    They are injected as environment variables, and are in `current.secrets` under the name of their source:
    `current.secrets.api_keys["API_KEY"]` or `current.secrets["api-keys"]["API_KEY"]`.

    Parameters
    ----------
    sources : List[Union[str, Dict[str, Any], Callable]], default: []
        Names in the active tacenda stack or secrets backend, in which `{namespace}` is the run's; references such as
        `vault://secret/ml/training`, ARNs, URLs of Azure, names of GCP; everything that Metaflow's own @secrets takes;
        and functions, also one instead of the list, that take the flow and return such sources when the step starts
    role : str, optional, default: None
        Role to assume for secrets in AWS
    allow_override : bool, optional, default: False
        Toggle whether secrets can replace existing environment variables
    env : bool, optional, default: True
        False leaves the environment alone: the secrets are in `current.secrets` only
    allow_leak : List[str], default: []
        Artifacts of the step that may hold a secret's value; any other that does fails the task
    prefix : str, optional, default: None
        What the names of these variables begin with: with `PROD_` the key API_KEY is in PROD_API_KEY
    """

    name = "secrets"
    defaults = {  # noqa: RUF012 - Metaflow's own form
        "allow_override": False,  # which older versions lack
        **SecretsDecorator.defaults,
        "env": True,
        "prefix": None,
        "allow_leak": [],
    }

    def package_init(self, flow: Any, step_name: str, environment: Any) -> None:
        """Remember whose code package is being made."""
        from metaflow_extensions.tacenda.plugins.remote._package import carries_the_package

        self._carrying = flow if carries_the_package(self, flow) else None

    def add_to_package(self) -> Iterable[tuple[str, str]]:
        """Carry tacenda and the stack in force to steps that run elsewhere; once for a flow."""
        from metaflow_extensions.tacenda.plugins.remote._package import packaged_files

        flow = getattr(self, "_carrying", None)
        return () if flow is None else packaged_files(flow, self.name)

    def task_pre_step(self, step_name: str, *context: Any) -> None:
        """Fetch the declared secrets, inject them, and show them in `current.secrets`."""
        # Metaflow passes: task_datastore, metadata, run_id, task_id, flow, graph, these three, inputs.
        flow, (retry_count, max_user_code_retries, ubf_context) = context[4], context[6:9]
        if retry_count > max_user_code_retries:
            return  # the attempt in which @catch stands in for the user's code
        try:
            core()
        except MetaflowException as lacking:
            self._leave_to_metaflow(flow, lacking)
            super().task_pre_step(step_name, *context)
            Current.secrets = property(lambda _: core())  # says what is missing
        else:
            from metaflow_extensions.tacenda.plugins.step._start import give_secrets

            give_secrets(self.attributes, flow, ubf_context)

    def _leave_to_metaflow(self, flow: Any, lacking: MetaflowException) -> None:
        """As in a container whose image lacks tacenda: what never needed it works as without it."""
        from metaflow_extensions.tacenda.plugins.sources._callables import resolved
        from metaflow_extensions.tacenda.plugins.sources._spec import left_to_metaflow

        sources = left_to_metaflow(resolved(self.attributes["sources"], flow))
        if sources is None:
            raise lacking
        self.attributes["sources"] = sources
