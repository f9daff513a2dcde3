"""All that tacenda changes in FlowyML.

| patched | for |
|---|---|
| `get_secrets_provider` | the documented call, with a stack's configuration or with nothing |
| `SecretsConfig`, `StackDefinition` | documented settings; `path` starts at the file's directory |
| `StackConfig`, `StackManager` | `secrets:` of a stack in `flowyml.yaml` is kept |
| `Pipeline._resolve_stack_arg` | an unknown `stack=` is an error |
| `LocalOrchestrator.run_pipeline`, threads | secrets come from the pipeline's stack |
| `Pipeline.run`, `SubPipelineStep` | masking; failures are not lost; context and inputs are searched |
| `LocalExecutor.execute_step`, `DynamicStep` | outputs are searched; what read a secret is not cached |
| `LogCapture`, `MonitorThread` | what the dashboard gets is masked |
| metadata stores, `Experiment`, `RunMetadata`, notifications | what is kept or sent is masked |
| FlowyML's own providers | what they return is masked |

`PATCHES` says what is lost where one does not fit. The functions here are called while FlowyML is imported; what they
return imports tacenda's core on its first use.
"""

from __future__ import annotations

from tacenda._adapters import Patch
from tacenda_flowyml import _definitions, _factory, _output, _running, _steps, _threads

__all__ = ["PATCHES"]

_FITS = "2.2"
_ENTERPRISE = "flowyml.stacks.enterprise"
_DOCUMENTED = "FlowyML's documented secrets settings are not understood"
_STACK = "steps read secrets from the default stack, whatever stack the pipeline runs on"
_MASKING = "secret values in what FlowyML persists or sends are not masked"
_GUARD = "secret values in the outputs of steps are not found"

_OWN_PROVIDERS = ("Env", "Local", "Vault", "AzureKeyVault", "AWSSecretsManager", "GCPSecretManager")
_TEXTS = (
    "save_run",
    "save_artifact",
    "save_experiment",
    "log_experiment_run",
    "save_trace_event",
    "save_pipeline_definition",
    "log_model_metrics",
)
_TEXTS_OF_SQL = ("save_model_version", "save_pipeline_template", "save_project")


def _own_provider(name: str) -> str:
    # EnvSecretsProvider, but AzureKeyVaultProvider
    return f"{_ENTERPRISE}.secrets:{name}{'Secrets' if name in ('Env', 'Local', 'Vault') else ''}Provider"


PATCHES = (
    Patch(
        f"{_ENTERPRISE}.secrets:get_secrets_provider",
        _factory.documented_factory,
        _FITS,
        _DOCUMENTED,
        expects=("provider_name", "scope"),
    ),
    Patch(f"{_ENTERPRISE}.models:SecretsConfig", _definitions.widened, _FITS, _DOCUMENTED),
    Patch(f"{_ENTERPRISE}.models:StackDefinition.from_yaml", _definitions.keep_origin, _FITS, _DOCUMENTED, ("path",)),
    Patch(
        f"{_ENTERPRISE}.models:StackDefinition.get_secrets_provider",
        _definitions.provider_of_definition,
        _FITS,
        _DOCUMENTED,
    ),
    Patch(
        "flowyml.plugins.stack_config:StackConfig.from_dict",
        _definitions.keep_secrets,
        _FITS,
        _DOCUMENTED,
        ("name", "data"),
    ),
    Patch("flowyml.plugins.stack_config:StackConfig.to_stack", _definitions.live_with_secrets, _FITS, _DOCUMENTED),
    Patch("flowyml.plugins.stack_config:StackManager._load_stacks", _definitions.origins, _FITS, _DOCUMENTED),
    Patch(
        "flowyml.core.pipeline:Pipeline._resolve_stack_arg",
        _running.known_stack,
        _FITS,
        "a pipeline on an unknown stack runs on FlowyML's default one",
        ("stack", "env"),
    ),
    Patch(
        "flowyml.core.pipeline:Pipeline.run", _running.watched_run, _FITS, "output is not masked", ("inputs", "context")
    ),
    Patch(
        "flowyml.core.subpipeline:SubPipelineStep._execute_sub_pipeline",
        _running.strict_sub_pipeline,
        _FITS,
        "a leak in a sub-pipeline does not fail the pipeline",
    ),
    # Not `pipeline`: FlowyML hides the parameters behind a decorator of its own.
    Patch("flowyml.core.orchestrator:LocalOrchestrator.run_pipeline", _running.on_its_stack, _FITS, _STACK),
    Patch("flowyml.core.executor:LocalExecutor.execute_step", _steps.guarded_step, _FITS, _GUARD, ("step",)),
    Patch("flowyml.core.dynamic:DynamicStep._execute_dynamic", _steps.guarded_dynamic, _FITS, _GUARD),
    Patch("flowyml.core.map_task:ThreadPoolExecutor", _threads.carrying_pool, _FITS, _STACK),
    Patch("flowyml.utils.performance:ThreadPoolExecutor", _threads.carrying_pool, _FITS, _STACK),
    Patch("flowyml.core.parallel:ParallelExecutor.map_items", _threads.carrying_items, _FITS, _STACK, ("func",)),
    Patch("flowyml.core.parallel:ParallelExecutor.starmap", _threads.carrying_items, _FITS, _STACK, ("func",)),
    Patch(
        "flowyml.core.parallel:ParallelExecutor.execute_parallel_steps",
        _threads.carrying_steps,
        _FITS,
        _STACK,
        ("steps", "inputs"),
    ),
    Patch("flowyml.core.executor:LogCapture.write", _output.masked_write, _FITS, _MASKING, ("text",)),
    Patch("flowyml.core.executor:LogCapture.get_and_clear", _output.held_lines, _FITS, _MASKING),
    Patch("flowyml.core.executor:MonitorThread._send_error", _output.masked_arguments, _FITS, _MASKING, ("error",)),
    Patch("flowyml.monitoring.notifications:NotificationManager.notify", _output.masked_arguments, _FITS, _MASKING),
    Patch(
        "flowyml.monitoring.notifications:SlackNotifier.send_pipeline_failure",
        _output.masked_arguments,
        _FITS,
        _MASKING,
    ),
    *(
        Patch(f"flowyml.storage.{store}.{method}", _output.masked_arguments, _FITS, _MASKING)
        for store, methods in (
            ("sql:SQLMetadataStore", (*_TEXTS, *_TEXTS_OF_SQL)),
            ("remote:RemoteMetadataStore", _TEXTS),
        )
        for method in methods
    ),
    Patch("flowyml.tracking.experiment:Experiment.log_run", _output.masked_arguments, _FITS, _MASKING),
    Patch("flowyml.tracking.experiment:ExperimentConfig.to_dict", _output.masked_result, _FITS, _MASKING),
    Patch("flowyml.tracking.runs:RunMetadata.to_dict", _output.masked_result, _FITS, _MASKING),
    *(
        Patch(f"{_own_provider(name)}.{method}", _output.registered, _FITS, _MASKING)
        for name in _OWN_PROVIDERS
        for method in ("get_secret", "get_secrets")
    ),
)
