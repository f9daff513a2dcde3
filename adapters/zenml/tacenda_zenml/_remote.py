"""A file on this machine serves no step that runs elsewhere: that is said before the run, not there and then."""

from __future__ import annotations

from typing import Any

from tacenda_zenml._context import context_parameters

__all__ = ["refuse_local_file"]


def refuse_local_file(pipeline: Any, stack: Any) -> None:
    """Refuse a pipeline whose steps take the context, if a remote orchestrator would run them on a local file.

    Raises:
        StackValidationError: ZenML's own, naming both stacks.
    """
    if not getattr(stack.orchestrator.config, "is_remote", False):
        return
    steps = [name for name, call in pipeline.invocations.items() if context_parameters(call.step.entrypoint)]
    ours = _local_only(stack.name) if steps else None
    if ours is None:
        return
    from zenml.exceptions import StackValidationError

    raise StackValidationError(
        f"step {steps[0]!r} takes the context, and with it secrets, on the remote orchestrator "
        f"{stack.orchestrator.name!r}, but tacenda's stack {ours!r} is a file on this machine (provider `local`): "
        "choose a stack with a server, for example with TACENDA_STACK"
    )


def _local_only(theirs: str) -> str | None:
    """Return the name of tacenda's stack if nothing but local files serves it."""
    from tacenda import open_store
    from tacenda._active import use_stack
    from tacenda.errors import SecretError

    try:
        with use_stack(theirs, if_configured=True), open_store() as store:
            providers = {entry.provider for entry in store.stack.entries}
            return store.stack.name if providers == {"local"} else None
    except SecretError:  # there may be another configuration where the steps run
        return None
