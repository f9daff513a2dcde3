"""All that tacenda changes in Metaflow itself, beside the decorator that it registers.

| patched | for |
|---|---|
| `Current.secrets` | new: a step that declares no secrets hears what to do |
| `Current._set_env` | every task masks its output, also one without `@secrets` |

`PATCHES` says what is lost where one does not fit.
"""

from __future__ import annotations

from metaflow_extensions.tacenda.plugins._current import masked_output, undeclared
from tacenda._adapters import Patch

__all__ = ["PATCHES"]

_FITS = "2.15.20 to 2.19"

PATCHES = (
    Patch("metaflow.metaflow_current:Current.secrets", undeclared, _FITS, "current.secrets says less", adds=True),
    Patch("metaflow.metaflow_current:Current._set_env", masked_output, _FITS, "steps without @secrets are not masked"),
)
