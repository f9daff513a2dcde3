"""`metaflow.plugins.secrets.get_secret` for the names that Metaflow cannot answer: they are tacenda's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from metaflow_extensions.tacenda.plugins.backend._backend_types import default_type, is_registered
from metaflow_extensions.tacenda.plugins.backend._stack import is_chosen
from metaflow_extensions.tacenda.plugins.sources._namespace import filled_in

__all__ = ["answering_more", "variables_of"]


def answering_more(get_secret: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    """Return `get_secret`, which asks tacenda for what upstream has no answer to."""

    @functools.wraps(get_secret)
    def get_any_secret(source: Any, role: str | None = None) -> dict[str, str]:
        if isinstance(source, str):
            source = filled_in(source)
        return get_secret(source, role) if _upstream_answers(source) else variables_of(source, role)

    return get_any_secret


def variables_of(source: str | dict[str, Any], role: str | None = None) -> dict[str, str]:
    """Return a secret as Metaflow's providers do: environment variables by name, all text.

    Raises:
        MetaflowException: with every place that was asked, and what to do next.
    """
    from metaflow_extensions.tacenda.plugins._core import clear_errors, core
    from metaflow_extensions.tacenda.plugins.sources._fetch import fetch
    from metaflow_extensions.tacenda.plugins.sources._names import short_names
    from metaflow_extensions.tacenda.plugins.sources._spelling import as_tacenda
    from tacenda.delivery import merge_variables

    core()
    with clear_errors("Failed to retrieve secret"):
        [secret] = fetch([source], role)
        if secret.variables is not None:
            return dict(secret.variables)
        name = short_names(secret.called or secret.source)[0]
        return merge_variables({label: {key: text} for label, key, text in as_tacenda(name, name, secret.value)})


def _upstream_answers(source: Any) -> bool:
    kind = default_type()
    if isinstance(source, Mapping):
        written = source.get("type", kind)
        return written is not None and (not isinstance(written, str) or is_registered(written))
    if not isinstance(source, str):
        return True  # by saying what is wrong with it
    head, dot, _ = source.partition(".")
    if dot and is_registered(head):
        return True
    if dot or is_chosen():
        return False
    return kind is not None and is_registered(kind) and _is_answered_by(kind, source)


def _is_answered_by(kind: str, text: str) -> bool:
    """Return whether a provider of Metaflow's takes a text without a dot: a reference to elsewhere is none of its."""
    if "://" in text:
        return False
    if text.startswith("arn:"):
        return kind not in ("az-key-vault", "gcp-secret-manager")
    if text.startswith("projects/"):  # Metaflow's takes only a project's number
        return kind != "gcp-secret-manager" or text.split("/")[1].isdigit()
    return True
