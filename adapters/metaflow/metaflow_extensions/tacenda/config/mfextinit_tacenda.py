"""Metaflow's configuration with the documented names of its secrets settings, and `spin` with `@secrets`.

Metaflow runs this at the end of its own `metaflow_config`, and takes over every name that is left here and does not
begin with `__`. An error would break `import metaflow`, so nothing here raises: what is wrong with the settings is said
when a step with secrets starts.
"""

import logging as __logging
import os as __os

# TACENDA_ADAPTERS=zenml,flyte (or none) leaves Metaflow as it is.
__adapters = __os.environ.get("TACENDA_ADAPTERS", "")

if not __adapters or "metaflow" in __adapters.replace(" ", "").split(","):
    try:
        from metaflow_extensions.tacenda.config import _documented as __documented

        globals().update(__documented.changed())
    except Exception as __error:  # noqa: BLE001 - a broken installation, or a Metaflow with another configuration
        __logging.getLogger("tacenda").warning(
            "tacenda's adapter for metaflow: METAFLOW_SECRETS_BACKEND_TYPE and the like have no effect: %s: %s",
            *(type(__error).__name__, __error),
        )
