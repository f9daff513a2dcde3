"""The description of a flow, which Metaflow stores and shows in cards, without the values of inline sources."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["without_inline_values"]


def without_inline_values(output_steps: Callable[..., Any]) -> Callable[..., Any]:
    """Return `FlowGraph.output_steps`: what it says of `@secrets` has the names of inline variables only."""

    @functools.wraps(output_steps)
    def output_without_values(self: Any) -> Any:
        steps, *structure = output_steps(self)
        for step in steps.values():
            for decorator in step.get("decorators", ()):
                if decorator.get("name") == "secrets":
                    _mask_inline(decorator["attributes"].get("sources"))
        return (steps, *structure)

    return output_without_values


def _mask_inline(sources: Any) -> None:
    # A copy that `output_steps` has made: the decorator's own stay as they are.
    for source in sources if isinstance(sources, list) else ():
        options = source.get("options") if isinstance(source, Mapping) else None
        if isinstance(options, dict) and isinstance(options.get("env_vars"), dict):
            options["env_vars"] = dict.fromkeys(options["env_vars"], "[masked]")
