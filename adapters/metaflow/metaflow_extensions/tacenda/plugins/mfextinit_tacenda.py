"""What tacenda adds to Metaflow: `@secrets` with `current.secrets` and tacenda's stacks behind it.

Metaflow imports this, and the decorator, whenever it is imported itself, and an error here would break
`import metaflow`. So these modules import the standard library and Metaflow only; tacenda's core is imported
when a step that declares secrets starts.
"""

import os

# TACENDA_ADAPTERS=zenml,flyte (or none) leaves Metaflow as it is.
_adapters = os.environ.get("TACENDA_ADAPTERS", "")

if not _adapters or "metaflow" in _adapters.replace(" ", "").split(","):
    STEP_DECORATORS_DESC = [("secrets", ".secrets_decorator.TacendaSecretsDecorator")]
