"""What tacenda adds to Metaflow: `@secrets` with `current.secrets` and tacenda's stacks behind it.

Metaflow imports this, and the decorator, whenever it is imported itself, and an error here would break
`import metaflow`. So these modules import the standard library and Metaflow only; tacenda's core is imported
when a step that declares secrets starts. The patches need a small part of it, and are left out where it is missing,
as in a container whose image lacks tacenda.
"""

import os

# TACENDA_ADAPTERS=zenml,flyte (or none) leaves Metaflow as it is.
_adapters = os.environ.get("TACENDA_ADAPTERS", "")

if not _adapters or "metaflow" in _adapters.replace(" ", "").split(","):
    try:
        from metaflow_extensions.tacenda.plugins import secrets_decorator  # noqa: F401 - only whether it can be
    except ImportError:
        pass  # a Metaflow before 2.15.20, whose @secrets is built otherwise, keeps its own: `tacenda check` says so
    else:
        STEP_DECORATORS_DESC = [("secrets", ".secrets_decorator.TacendaSecretsDecorator")]
        try:
            from tacenda._adapters import activate
        except ImportError:
            pass  # a step that needs tacenda says so itself
        else:
            activate("metaflow", "metaflow_extensions.tacenda.plugins._patches")
