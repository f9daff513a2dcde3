"""What tacenda adds to Metaflow: `@secrets` with `current.secrets` and tacenda's stacks behind it.

Metaflow imports this, and the decorator, whenever it is imported itself, and with an error here it would do without
any extension. So these modules import the standard library and Metaflow only; tacenda's core is imported when a step
that declares secrets starts. The patches need a small part of it, and are left out where it is missing, as in a
container whose image lacks tacenda.
"""

import logging
import os

problem = None
"""The error for which Metaflow keeps its own `@secrets`, for `tacenda check`."""

# TACENDA_ADAPTERS=zenml,flyte (or none) leaves Metaflow as it is.
_adapters = os.environ.get("TACENDA_ADAPTERS", "")

if not _adapters or "metaflow" in _adapters.replace(" ", "").split(","):
    try:
        from metaflow_extensions.tacenda.plugins import secrets_decorator  # noqa: F401 - only whether it can be
        from metaflow_extensions.tacenda.plugins._carried import use_carried_stack
        from metaflow_extensions.tacenda.plugins.backend import _backend_types
    except Exception as error:  # noqa: BLE001 - a broken installation fails in any way
        problem = error.with_traceback(None)
        _lacking = (getattr(error, "name", None) or "").partition(".")[0] == "metaflow"  # as one before 2.15.20
        # Not the warnings module: with `-W error` the import would fail.
        logging.getLogger("tacenda").warning(
            "tacenda's adapter for metaflow is not active, so that @secrets is Metaflow's own and nothing is masked: "
            "%s: %s; %s",
            *(type(error).__name__, error),
            "it needs Metaflow 2.15.20 or newer" if _lacking else "reinstall tacenda",
        )
    else:
        STEP_DECORATORS_DESC = [("secrets", ".secrets_decorator.TacendaSecretsDecorator")]
        SECRETS_PROVIDERS_DESC = [
            (kind, f".sources._provider_classes.{kind.capitalize()}Provider")
            for kind in _backend_types.OURS
            if not _backend_types.is_taken(kind)
        ]
        use_carried_stack()  # in a container
        try:
            from tacenda._adapters import activate
        except Exception:  # noqa: BLE001, S110 - a step that needs tacenda says so itself
            pass
        else:
            activate("metaflow", "metaflow_extensions.tacenda.plugins._patches")
