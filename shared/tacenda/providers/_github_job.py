"""Secrets inside a job of GitHub Actions: variables that the workflow passes on, named like the secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tacenda._errors import SecretNotFound
from tacenda._naming import INJECTED

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["in_a_job", "value_of"]


def in_a_job() -> bool:
    """Return whether this process runs in GitHub Actions; "Default environment variables" says how one knows."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def value_of(name: str, settings: Mapping[str, Any]) -> str:
    """Return the text in the variable of a secret, exactly.

    Raises:
        SecretNotFound: if there is none, or it is empty; with the line that the workflow lacks.
    """
    ours = name in os.environ.get(INJECTED, "").split(",")
    value = None if ours else os.environ.get(name)
    if value:
        return value
    hint = f"add `{name}: ${{{{ secrets.{name} }}}}` under `env:` of the step"
    if settings.get("environment"):
        hint += f", and `environment: {settings['environment']}` to the job"
    if ours:
        why = "was set by tacenda, and is not read back"
    elif value is None:
        why = "is not set: a workflow passes on only what it names"
    else:
        # "Using secrets in GitHub Actions": a secret that is not set is an empty text, and so it is in a fork's run.
        why, hint = "is empty: there is no such secret, or this run may not have it", f"see `gh secret list`, or {hint}"
    raise SecretNotFound(f"the environment variable {name!r} {why}", name=name, hint=hint)
