"""All that tacenda changes in Metaflow itself, beside the decorator that it registers.

| patched | for |
|---|---|
| `Current.secrets` | new: a step that declares no secrets hears what to do |
| `Current.namespace` | it is known while the flow is imported, too, and is part of a legal name in an f-string |
| `Current._set_env` | every task masks its output, also one without `@secrets` |
| `TaskDataStore.save_artifacts` | an artifact that holds a secret fails the task before anything is saved |
| `TaskDataStore.persist` | steps can allow artifacts to hold secrets |
| `FlowSpec._get_foreach_item_value` | the items of an allowed foreach are masked in the metadata of tasks |
| `FlowGraph.output_steps` | the stored description of a flow has no values of inline sources |
| `MetadataProvider.mutate_user_tags_for_run` | tags that a step gives to a run are masked |
| `MetaflowTask._exec_step_function` | exceptions that leave a step are masked for decorators and event loggers |
| `MetaflowExceptionWrapper.__init__` | so are the texts of exceptions that are saved, `@catch`'s too |
| `SystemLogger.log_event` | and the tracebacks that are sent to an event logger |
| `CardCreator._run_cards_subprocess` | components and data of cards are masked |
| `CardCreator._run_command` | the process that makes a card is told what to mask |
| `CardDatastore.save_card`, `.save_data` | it masks what it has from elsewhere: allowed artifacts, the environment |
| `get_secret` | names that Metaflow cannot answer are tacenda's |
| `get_secrets_backend_provider` | what Metaflow's own providers return is masked, for `get_secret()` too |

`PATCHES` says what is lost where one does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metaflow_extensions.tacenda.plugins._current import masked_output, undeclared
from metaflow_extensions.tacenda.plugins.leaks._artifacts import guarded_artifacts, masked_foreach_value, noted_step
from metaflow_extensions.tacenda.plugins.leaks._cards import knowing_command, masked_data, masked_input, masked_page
from metaflow_extensions.tacenda.plugins.leaks._exceptions import masked_event, masked_raise, masked_wrapper
from metaflow_extensions.tacenda.plugins.leaks._graph import without_inline_values
from metaflow_extensions.tacenda.plugins.leaks._masked_providers import registering
from metaflow_extensions.tacenda.plugins.leaks._tags import masked_tags
from metaflow_extensions.tacenda.plugins.sources._get_secret import answering_more
from metaflow_extensions.tacenda.plugins.sources._namespace import namespace_before_a_task
from tacenda._adapters import Patch

__all__ = ["PATCHES"]

_FITS = "2.15.20 to 2.19"
_STORE = "datastore.task_datastore:TaskDataStore"
_CARDS = "plugins.cards"


def _patch(upstream: str, replace: Callable[[Any], Any], without: str, *expects: str) -> Patch:
    return Patch(f"metaflow.{upstream}", replace, _FITS, without, expects)


PATCHES = (
    Patch("metaflow.metaflow_current:Current.secrets", undeclared, _FITS, "current.secrets says less", adds=True),
    _patch(
        "metaflow_current:Current.namespace",
        namespace_before_a_task,
        "current.namespace is None while a flow is imported",
    ),
    _patch("metaflow_current:Current._set_env", masked_output, "steps without @secrets are not masked"),
    # Artifacts.
    _patch(f"{_STORE}.save_artifacts", guarded_artifacts, "artifacts are not guarded", "artifacts_iter", "len_hint"),
    _patch(f"{_STORE}.persist", noted_step, "no step can allow an artifact to hold a secret", "flow"),
    _patch(
        "flowspec:FlowSpec._get_foreach_item_value",
        masked_foreach_value,
        "foreach over an allowed artifact stores the beginning of each item in the metadata",
        "item",
    ),
    _patch("graph:FlowGraph.output_steps", without_inline_values, "inline sources are stored with their values"),
    _patch(
        "metadata_provider.metadata:MetadataProvider.mutate_user_tags_for_run",
        masked_tags,
        "tags of runs are not masked",
        *("flow_id", "run_id", "tags_to_remove", "tags_to_add"),
    ),
    # Exceptions.
    _patch(
        "task:MetaflowTask._exec_step_function", masked_raise, "decorators get exceptions unmasked", "step_function"
    ),
    _patch("exception:MetaflowExceptionWrapper.__init__", masked_wrapper, "exceptions are stored unmasked", "exc"),
    _patch(
        "system.system_logger:SystemLogger.log_event",
        masked_event,
        "event loggers get tracebacks unmasked",
        *("level", "module", "name", "payload"),
    ),
    # Cards.
    _patch(
        f"{_CARDS}.card_creator:CardCreator._run_cards_subprocess",
        masked_input,
        "cards are not masked",
        *("card_options", "component_strings", "data"),
    ),
    _patch(
        f"{_CARDS}.card_creator:CardCreator._run_command",
        knowing_command,
        "cards show allowed artifacts unmasked",
        *("cmd", "card_uuid", "env"),
    ),
    _patch(
        f"{_CARDS}.card_datastore:CardDatastore.save_card",
        masked_page,
        "cards show allowed artifacts unmasked",
        *("uuid", "card_type", "card_html"),
    ),
    _patch(
        f"{_CARDS}.card_datastore:CardDatastore.save_data",
        masked_data,
        "what changes in a card is not masked a second time",
        *("uuid", "card_type", "json_data"),
    ),
    # Both: the package has taken the function from the module.
    *(
        _patch(f"plugins.{module}:get_secret", answering_more, "get_secret() does not ask tacenda", "source", "role")
        for module in ("secrets.secrets_func", "secrets")
    ),
    # Providers: a module that has imported the function has one of its own.
    *(
        _patch(
            f"plugins.secrets.{module}:get_secrets_backend_provider",
            registering,
            "what Metaflow's own providers return is not masked",
            "secrets_backend_type",
        )
        for module in ("utils", "secrets_func", "secrets_decorator")
    ),
)
