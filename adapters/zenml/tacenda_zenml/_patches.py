"""All that tacenda changes in ZenML.

| patched | for |
|---|---|
| `BaseStep.__init__` | a parameter annotated `StepContext` is no input of the step, and its caching is off by default |
| `validate_function_args` | that parameter gets the context when the step is called |
| `StepContext.stack`, `Stack.secrets_manager` | new: the documented way to a secret |
| `Client.get_secret_by_name_and_private_status` | `{{name.key}}` finds tacenda's secrets too |
| `Client.get_secret` | so does this; ZenML's own secrets are masked |
| `StepRunner.run` | the output of steps is masked; tacenda's stack of the same name as ZenML's serves |
| `Pipeline.prepare`, `Pipeline._run`, `DynamicPipelineRunner.run_pipeline` | as above, for pipelines' own code |
| `LoggingContext.emit` | stored logs |
| `collect_exception_information`, `Client.create_run_metadata` | what the database keeps of failures and metadata |
| `_store_artifact_data_and_prepare_request` | artifacts that hold a secret are refused |
| `Compiler._compile_step_invocation` | parameters and settings that hold a secret are refused |
| `Compiler.compile` | so is a remote orchestrator where only a local file has the secrets |

`PATCHES` says what is lost where one does not fit. Nothing of ZenML is imported here: it is only about to be.
"""

from __future__ import annotations

from tacenda._adapters import Patch
from tacenda_zenml._context import context_off_cache, with_context
from tacenda_zenml._guard import guarded_artifact, guarded_pipeline, guarded_step
from tacenda_zenml._properties import active_stack, secrets_manager
from tacenda_zenml._records import masked_emit, masked_exception_info, masked_metadata
from tacenda_zenml._references import by_any_name, by_name
from tacenda_zenml._runs import on_active_stack, on_stack_of_runner

__all__ = ["PATCHES"]

_FITS = "0.94.1 to 0.98.0"
_NO_CONTEXT = "steps cannot take the context as a parameter; get_step_context() still works"
_NO_MANAGER = "there is no stack.secrets_manager; tacenda.get() still works"
_NO_MASKING = "the output of runs is not masked"

PATCHES = (
    Patch("zenml.steps.base_step:BaseStep.__init__", context_off_cache, _FITS, _NO_CONTEXT, ("enable_cache",)),
    Patch("zenml.utils.pydantic_utils:validate_function_args", with_context, _FITS, _NO_CONTEXT),
    Patch("zenml.steps.step_context:StepContext.stack", active_stack, _FITS, _NO_MANAGER, adds=True),
    Patch("zenml.stack.stack:Stack.secrets_manager", secrets_manager, _FITS, _NO_MANAGER, adds=True),
    Patch(
        "zenml.client:Client.get_secret",
        by_any_name,
        _FITS,
        "the values of ZenML's own secrets are not masked",
        ("name_id_or_prefix", "allow_partial_name_match", "hydrate"),
    ),
    Patch(
        "zenml.client:Client.get_secret_by_name_and_private_status",
        by_name,
        _FITS,
        "{{name.key}} does not find tacenda's secrets",
        ("name", "private"),
    ),
    Patch("zenml.orchestrators.step_runner:StepRunner.run", on_stack_of_runner, _FITS, _NO_MASKING),
    Patch("zenml.pipelines.pipeline_definition:Pipeline.prepare", on_active_stack, _FITS, _NO_MASKING),
    Patch("zenml.pipelines.pipeline_definition:Pipeline._run", on_active_stack, _FITS, _NO_MASKING),
    Patch(
        "zenml.execution.pipeline.dynamic.runner:DynamicPipelineRunner.run_pipeline",
        on_active_stack,
        _FITS,
        _NO_MASKING,
    ),
    Patch(
        "zenml.utils.logging_utils:LoggingContext.emit",
        masked_emit,
        _FITS,
        "logs are stored unmasked",
        ("record", "metadata"),
    ),
    Patch(
        "zenml.utils.exception_utils:collect_exception_information",
        masked_exception_info,
        _FITS,
        "the database keeps the text of exceptions unmasked",
    ),
    Patch(
        "zenml.client:Client.create_run_metadata",
        masked_metadata,
        _FITS,
        "metadata is stored unmasked",
        ("metadata",),
    ),
    Patch(
        "zenml.artifacts.utils:_store_artifact_data_and_prepare_request",
        guarded_artifact,
        _FITS,
        "artifacts that hold a secret are stored",
        ("data", "name", "save_type", "has_custom_name", "tags", "metadata"),
    ),
    Patch(
        "zenml.config.compiler:Compiler._compile_step_invocation",
        guarded_step,
        _FITS,
        "parameters of steps that hold a secret are stored",
        ("invocation",),
    ),
    Patch(
        "zenml.config.compiler:Compiler.compile",
        guarded_pipeline,
        _FITS,
        "parameters of pipelines that hold a secret are stored",
        ("pipeline", "stack"),
    ),
)
